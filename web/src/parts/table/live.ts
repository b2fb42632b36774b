/** The rows of the live table as the Worker has them, ten times a second while the page can be seen. */

import { useSignal, type ReadonlySignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { nextRequest, type Source } from "../../source";
import type { Report, Row } from "../../worker/messages";

const EVERY = 100; // ms
const REDRAWN = 1000; // ms between two pictures of what a parameter did in the last minute
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
    let [drawn, isAll] = [-Infinity, true]; // when all sparklines were asked for last; whether now
    source.send({ type: "follow", session, parameters: "all" });
    const deaf = source.listen((report: Report) => {
      if ((report.type !== "rowed" && report.type !== "failed") || report.request !== request) return;
      request = 0;
      if (report.type === "failed") return;
      const sparklines = new Map(isAll ? [] : live.value.sparklines);
      for (const { parameter, low, high } of report.sparklines) sparklines.set(parameter, { low, high });
      live.value = { rows: new Map(report.rows.map((row) => [row.parameter, row])), sparklines };
    });
    const timer = setInterval(() => {
      if (document.hidden || (request !== 0 && performance.now() - asked < LOST)) return;
      [request, asked] = [nextRequest(), performance.now()];
      isAll = asked - drawn >= REDRAWN;
      if (isAll) drawn = asked;
      const sparkline = wanted.current().filter((id) => isAll || !live.value.sparklines.has(id));
      source.send({ type: "rows", request, session, sparkline });
    }, EVERY);
    return () => {
      clearInterval(timer);
      deaf();
      source.send({ type: "follow", session, parameters: [] });
    };
  }, [session]);
  return live;
}
