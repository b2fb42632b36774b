/** The values at the cursor, or the newest: asked for now and then, however quickly the cursor moves. */

import { signal, type Signal } from "@preact/signals";
import { nextRequest, type Source } from "../../source";
import type { Shown } from "../../state/view";
import type { Report } from "../../worker/messages";

export interface Value {
  time: number;
  value: number;
}

const NONE: Value = { time: Number.NaN, value: Number.NaN };
const EVERY = { live: 100, cursor: 50 }; // ms between two requests
const LOST = 3000; // ms after which no answer is waited for

interface Asked {
  request: number; // the newest
  key: string;
  at: number;
  open: boolean;
}

export class Values {
  private readonly found = new Map<string, Signal<Value>>();
  private readonly asked = new Map<string, Asked>(); // by the key of what is shown
  private readonly open = new Map<number, string>(); // requests that may be answered yet: the key of what is shown

  constructor(private readonly source: Source) {}

  of(shown: string, parameter: string): Signal<Value> {
    const name = `${shown}\n${parameter}`;
    const there = this.found.get(name) ?? signal(NONE);
    this.found.set(name, there);
    return there;
  }

  /**
   * Asks, unless nothing can have changed. True: ask again in a moment. `live`: the moment moves by itself, and an answer
   * is awaited; where somebody moves it, a newer request takes the place of the one that is open.
   */
  ask(shown: Shown, at: number, parameters: string[], live: boolean, changed: boolean, now: number): boolean {
    if (parameters.length === 0) return false;
    const key = `${shown.session} ${at} ${parameters.join()}`;
    const last = this.asked.get(shown.key);
    if (last?.key === key && !changed) return false;
    if (last !== undefined && now - last.at < (live ? EVERY.live : EVERY.cursor)) return true;
    if (last?.open && now - last.at < LOST && (live || last.key === key)) return true;
    const request = nextRequest();
    this.asked.set(shown.key, { request, key, at: now, open: true });
    this.open.set(request, shown.key);
    this.source.send({ type: "values", request, shown: shown.key, session: shown.session, at, parameters });
    return false;
  }

  /** Takes any answer that is newer than the last: while the cursor moves quickly, the newest is never there yet. */
  hear(report: Report): void {
    if (report.type !== "valued" && report.type !== "failed") return;
    const shown = report.request === null ? undefined : this.open.get(report.request);
    if (shown === undefined) return;
    const asked = this.asked.get(shown)!;
    if (report.request === asked.request) asked.open = false;
    if (report.type === "failed") {
      this.open.delete(report.request!);
      if (report.request === asked.request) asked.key = "";
      return;
    }
    for (const [request, of] of this.open) if (of === shown && request <= report.request) this.open.delete(request);
    for (const { parameter, time, value } of report.values) this.of(shown, parameter).value = { time, value };
  }
}
