/** The rows of the live table as the Worker has them, ten times a second while the page can be seen. */

import { useSignal, type ReadonlySignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { nextRequest, type Source } from "../../source";
import type { Report, Row } from "../../worker/messages";

const EVERY = 100; // ms
const LOST = 3000; // ms after which no answer is waited for

export interface Sparkline {
  low: Float64Array;
  high: Float64Array;
}

export interface Live {
  rows: ReadonlyMap<string, Row>;
  sparklines: ReadonlyMap<string, Sparkline>;
}

const NONE: Live = { rows: new Map(), sparklines: new Map() };

/** `seen`: the parameters whose sparklines are wanted. All parameters of the session come live as long as this is used. */
export function useLiveRows(source: Source, session: string | null, seen: () => string[]): ReadonlySignal<Live> {
  const live = useSignal(NONE);
  const wanted = useRef(seen);
  wanted.current = seen;
  useEffect(() => {
    live.value = NONE;
    if (session === null) return;
    let [request, asked] = [0, 0];
    source.send({ type: "follow", session, parameters: "all" });
    const deaf = source.listen((report: Report) => {
      if ((report.type !== "rowed" && report.type !== "failed") || report.request !== request) return;
      request = 0;
      if (report.type === "failed") return;
      live.value = {
        rows: new Map(report.rows.map((row) => [row.parameter, row])),
        sparklines: new Map(report.sparklines.map(({ parameter, low, high }) => [parameter, { low, high }])),
      };
    });
    const timer = setInterval(() => {
      if (document.hidden || (request !== 0 && performance.now() - asked < LOST)) return;
      [request, asked] = [nextRequest(), performance.now()];
      source.send({ type: "rows", request, session, sparkline: wanted.current() });
    }, EVERY);
    return () => {
      clearInterval(timer);
      deaf();
      source.send({ type: "follow", session, parameters: [] });
    };
  }, [session]);
  return live;
}
