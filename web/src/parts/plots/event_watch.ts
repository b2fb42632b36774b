/** The events of what is seen, as they come. */

import type { ReadonlySignal } from "@preact/signals";
import { nextRequest, type Source } from "../../source";
import type { View } from "../../state/view";
import type { Placed } from "./happenings";
import type { Seen } from "./loop";

const EVERY = 500; // ms between two requests
export const LIMIT = 2000;

interface Watched {
  source: Source;
  loop: { seen: ReadonlySignal<Seen> };
  view: ReadonlySignal<View>;
  sessions: ReadonlySignal<ReadonlyMap<string, unknown>>;
}

/** Asks for the events of what is seen, now and then while that changes. */
export function watchEvents(stack: Watched, found: (events: Placed[], more: boolean) => void): () => void {
  const answers = new Map<string, { events: Placed[]; more: boolean }>();
  const asked = new Map<number, { key: string; shift: number }>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wanted = "";

  function ask(): void {
    timer = undefined;
    const { from, to } = stack.loop.seen.peek();
    const { shown } = stack.view.peek();
    for (const key of answers.keys()) if (!shown.some((each) => each.key === key)) answers.delete(key);
    for (const { key, session, shift } of shown) {
      if (!stack.sessions.peek().has(session)) continue;
      const request = nextRequest();
      for (const [older, { key: of }] of asked) if (of === key) asked.delete(older);
      asked.set(request, { key, shift });
      stack.source.send({ type: "events", request, session, from: from - shift, to: to - shift, limit: LIMIT });
    }
  }
  const soon = () => (timer ??= setTimeout(ask, EVERY));
  const deaf = stack.source.listen((report) => {
    if (report.type === "changed") soon();
    if (report.type !== "happened") return;
    const of = asked.get(report.request);
    if (of === undefined) return;
    asked.delete(report.request);
    answers.set(of.key, { more: report.more, events: report.events.map((event) => ({ ...event, at: event.time + of.shift, shown: of.key })) });
    const all = [...answers.values()];
    found(all.flatMap(({ events }) => events), all.some(({ more }) => more));
  });
  const stop = stack.loop.seen.subscribe(({ from, to }) => {
    const key = `${from} ${to}`;
    if (key !== wanted) soon();
    wanted = key;
  });
  return () => {
    deaf();
    stop();
    clearTimeout(timer);
  };
}
