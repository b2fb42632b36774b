/**
 * What makes plots move: asks the Worker for the columns of what is seen, one request in flight for each session shown,
 * and has the plots painted in the next frame when there is something new. Knows nothing of the DOM but frames.
 */

import { effect, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { nextRequest, type Source } from "../../source";
import type { Shown, View } from "../../state/view";
import type { Line, Report, Session } from "../../worker/messages";
import { LiveEdge } from "./live_edge";
import type { Span } from "./stretch";

/** What is on the screen, on the shared axis. */
export interface Seen extends Span {
  column: number; // ns of a column, which is a pixel of the screen
  live: boolean;
}

export interface Painted {
  /** Returns in how many ms it wants to be painted again, though nothing has changed; null: it does not. */
  paint(seen: Seen, now: number): number | null;
}

interface Asked {
  request: number;
  key: string;
  seen: Seen; // for which it is
  from: number;
  at: number;
  open: boolean;
}

const REFRESH = 100; // ms between two requests for the same stretch
const AWAIT = 100; // ms in which lines are waited for before live plots move without them
const FRAME = 16; // ms
const STILL = 1000; // ms between two moves, for those who want less motion
const LOST = 5000; // ms after which no answer is waited for

export class Loop {
  readonly seen: Signal<Seen>;
  readonly lines = new Map<string, Map<string, Line>>(); // by the key of what is shown, and the parameter
  readonly onScreen = new Set<string>(); // plots that are
  still = false; // moves only now and then, for those who want less motion
  private readonly painted = new Map<string, Painted>();
  private readonly besides = new Set<() => void>();
  private readonly asked = new Map<string, Asked>();
  private readonly drawnOf = new Map<string, string>(); // sessions, by the key of what is shown
  private readonly changed = new Set<string>(); // keys of what is shown, of which something else is to be drawn
  private readonly wholes = new Map<string, Signal<boolean>>();
  private readonly missing = new Map<string, Signal<number>>();
  private readonly ends = new Map<string, number>(); // of sessions
  private stale = true; // what is painted is not what is to be seen
  private repaint = Infinity; // when, though nothing has changed
  private edge = new LiveEdge();
  private edgeOf = "";
  private moved = 0; // when what is seen last did, in ms
  private arrived: Seen | null = null; // the stretch of the lines that came since the last frame
  private columns = 0;
  private frame = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private stop: (() => void)[] = [];

  constructor(
    private readonly source: Source,
    private readonly view: ReadonlySignal<View>,
    private readonly sessions: ReadonlySignal<ReadonlyMap<string, Session>>,
  ) {
    const { stretch } = view.value;
    const span = "follow" in stretch ? { from: 0, to: stretch.follow } : stretch;
    this.seen = signal({ ...span, column: (span.to - span.from) / 1000, live: "follow" in stretch });
  }

  start(): () => void {
    this.stop.push(
      this.source.listen((report) => this.hear(report)),
      effect(() => {
        void [this.view.value, this.sessions.value];
        this.forget();
        this.sayEnds(performance.now());
        this.paint();
      }),
    );
    return () => {
      for (const stop of this.stop.splice(0)) stop();
      cancelAnimationFrame(this.frame);
      clearTimeout(this.timer);
      this.frame = 0;
    };
  }

  add(plot: string, painted: Painted): () => void {
    this.painted.set(plot, painted);
    this.paint();
    return () => this.painted.delete(plot);
  }

  /** What is beside the plots: painted in the same frames as they. */
  beside(paint: () => void): () => void {
    this.besides.add(paint);
    this.paint();
    return () => this.besides.delete(paint);
  }

  /** How many columns fit. */
  resize(columns: number): void {
    this.columns = Math.max(Math.floor(columns), 1);
    this.paint();
  }

  /** Whether everything that is seen of a line is there. */
  whole(shown: string, parameter: string): Signal<boolean> {
    const name = `${shown}\n${parameter}`;
    const there = this.wholes.get(name) ?? signal(true);
    this.wholes.set(name, there);
    return there;
  }

  /** How often samples are missing in what is seen of a line. */
  gaps(shown: string, parameter: string): Signal<number> {
    const name = `${shown}\n${parameter}`;
    const there = this.missing.get(name) ?? signal(0);
    this.missing.set(name, there);
    return there;
  }

  /** In the next frame. */
  paint = (): void => {
    this.stale = true;
    this.wake();
  };

  wake = (): void => {
    this.frame ||= requestAnimationFrame(this.tick);
  };

  /** The time that all shown sessions have, on the shared axis. */
  there(): Span {
    let [from, to] = [Infinity, -Infinity];
    for (const { session, shift } of this.view.value.shown) {
      const known = this.sessions.value.get(session);
      if (known === undefined || known.end < known.start) continue;
      from = Math.min(from, Math.min(known.start, known.recordedFrom ?? known.start) + shift);
      to = Math.max(to, this.end(session) + shift);
    }
    return from <= to ? { from, to } : { from: 0, to: this.seen.value.to - this.seen.value.from };
  }

  /** Where a session ends, in its own time. */
  end(session: string): number {
    return this.ends.get(session) ?? this.sessions.value.get(session)?.end ?? 0;
  }

  private hear(report: Report): void {
    switch (report.type) {
      case "drawn":
        return this.draw(report.request, report.plot, report.lines);
      case "failed":
        for (const asked of this.asked.values()) if (asked.request === report.request) asked.open = false;
        return;
      case "changed":
        for (const { key, session } of this.view.value.shown) if (session === report.session) this.changed.add(key);
        return this.wake();
      case "range":
        this.ends.set(report.session, report.end);
        this.sayEnds(performance.now());
        return this.wake();
    }
  }

  /** Lines of what is not shown any more: its key may come to mean another session. */
  private forget(): void {
    for (const [key, session] of this.drawnOf) {
      if (this.view.value.shown.some((shown) => shown.key === key && shown.session === session)) continue;
      this.lines.delete(key);
      this.asked.delete(key);
      this.drawnOf.delete(key);
    }
  }

  private draw(request: number, shown: string, lines: Line[]): void {
    const asked = this.asked.get(shown);
    if (asked?.request !== request) return;
    asked.open = false;
    this.arrived = asked.seen;
    this.lines.set(shown, new Map(lines.map((line) => [line.parameter, line])));
    for (const line of lines) {
      this.whole(shown, line.parameter).value = line.whole;
      this.gaps(shown, line.parameter).value = line.gaps.length / 2;
    }
    this.paint();
  }

  /** Live is where the first open session is, whatever is laid over it; if none is open, where the last one ends. */
  private sayEnds(now: number): void {
    const ends = this.view.value.shown.flatMap(({ session, shift }) => {
      const known = this.sessions.value.get(session);
      return known === undefined ? [] : [{ open: known.link.state !== "closed", end: this.end(session) + shift }];
    });
    const open = ends.find((end) => end.open);
    const among = open === undefined ? ends : [open];
    const of = this.view.value.shown.map(({ key, session, shift }) => `${key} ${session} ${shift}`).join();
    if (of !== this.edgeOf) [this.edgeOf, this.edge] = [of, new LiveEdge()];
    if (among.length > 0) this.edge.say(Math.max(...among.map(({ end }) => end)), now);
  }

  private readonly tick = (): void => {
    this.frame = 0;
    if (this.columns === 0) return;
    const now = performance.now();
    const next = this.look(now);
    let again = Infinity;
    for (const shown of this.view.value.shown) again = Math.min(again, this.ask(shown, next, now) ?? Infinity);
    const seen = this.withLines(next, now);
    const was = this.seen.peek();
    const moved = seen.from !== was.from || seen.to !== was.to || seen.live !== was.live || seen.column !== was.column;
    if (moved) [this.seen.value, this.moved] = [seen, now];
    if (moved || this.stale || now >= this.repaint) this.paintAll(seen, now);
    again = Math.min(again, this.repaint - now);
    if (seen.live && this.edge.moving(now, seen.column)) again = Math.min(again, this.still ? STILL : this.edge.until(seen.to, now));
    this.later(again);
  };

  /** Live plots move on with the lines of where they move to: painted once a step, and up to the right edge. */
  private withLines(next: Seen, now: number): Seen {
    const [was, arrived] = [this.seen.peek(), this.arrived];
    this.arrived = null;
    if (!next.live || !was.live || was.column !== next.column) return next;
    if (arrived?.live && arrived.column === next.column && arrived.from >= was.from) return arrived; // never back
    const awaited = [...this.asked.values()].some(({ open }) => open);
    return awaited && now - this.moved < AWAIT ? was : next;
  }

  private paintAll(seen: Seen, now: number): void {
    this.stale = false;
    this.repaint = Infinity;
    for (const [plot, painted] of this.painted) {
      if (this.onScreen.has(plot)) this.repaint = Math.min(this.repaint, now + (painted.paint(seen, now) ?? Infinity));
    }
    for (const paint of this.besides) paint();
  }

  private later(ms: number): void {
    clearTimeout(this.timer);
    if (ms <= FRAME) this.wake();
    else if (ms < Infinity) this.timer = setTimeout(this.wake, ms - FRAME / 2);
  }

  /** What is seen begins at a whole column, so that what was drawn moves by whole pixels and keeps its shape. */
  private look(now: number): Seen {
    const { stretch } = this.view.value;
    const live = "follow" in stretch;
    const span = live ? stretch.follow : stretch.to - stretch.from;
    const column = span / this.columns;
    let from = live ? this.edge.at(now, span / 20) - span : stretch.from;
    const was = this.seen.peek();
    if (Number.isNaN(from)) from = was.from;
    const alike = was.live && was.column === column && Math.abs(was.to - was.from - span) < column; // sums are rounded
    if (live && this.still && alike && now - this.moved < STILL) return was;
    if (column >= 1) from = (live ? Math.ceil(from / column) : Math.round(from / column)) * column;
    return { from, to: from + span, column, live };
  }

  /** Returns in how many ms there may be something to ask for; null: when something changes. */
  private ask(shown: Shown, seen: Seen, now: number): number | null {
    if (!this.sessions.value.has(shown.session)) return null;
    const parameters = this.parametersOf(shown.key);
    if (parameters.length === 0) return null;
    const { column } = seen;
    const margin = seen.live ? 1 : Math.ceil(this.columns / 4);
    const from = seen.from - margin * column - shown.shift;
    const columns = this.columns + 2 * margin;
    const key = `${shown.session} ${column} ${columns} ${shown.shift} ${parameters.join()}`;
    const last = this.asked.get(shown.key);
    const same = last?.key === key && last.from === from;
    if (same && !this.changed.has(shown.key)) return null;
    if (last?.open && now - last.at < LOST) return null;
    if (same && now - last.at < REFRESH) return last.at + REFRESH - now;
    const request = nextRequest();
    this.asked.set(shown.key, { request, key, seen, from, at: now, open: true });
    this.source.send({ type: "draw", request, plot: shown.key, session: shown.session, from, to: from + columns * column, columns, parameters });
    this.drawnOf.set(shown.key, shown.session);
    this.changed.delete(shown.key);
    return null;
  }

  private parametersOf(key: string): string[] {
    const plots = this.view.value.plots.filter((plot) => this.onScreen.has(plot.id));
    const lines = plots.flatMap((plot) => plot.lines.filter((line) => line.shown === key));
    return [...new Set(lines.map((line) => line.parameter))].sort();
  }
}
