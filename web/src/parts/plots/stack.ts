/** What stacked plots share: what is seen, the cursor, values, the time axis, and the ways to change them. */

import { computed, effect, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import type { Source } from "../../source";
import { shownOf, type Stretch, type View } from "../../state/view";
import type { Session } from "../../worker/messages";
import { watchEvents } from "./event_watch";
import type { Key } from "./gestures";
import { cluster, clusterAt, type Cluster, type Placed } from "./happenings";
import { Loop } from "./loop";
import { sideOf } from "./paint";
import { axisNames, type Layout } from "./painter";
import type { Range } from "./scale";
import { Before, all, keep, pan, zoom, type Span } from "./stretch";
import type { Theme } from "./theme";
import type { Clock } from "./time_text";
import { timeTicks, type TimeTicks } from "./time_ticks";
import { Values } from "./values";

const AGAIN = 50; // ms until values are asked for again
const AXIS = { usual: 58, narrow: 38 }; // CSS px
const NARROW = 560; // CSS px of a page on which axes are narrow
export const APART = 12; // CSS px between marks of events
const REACH = 4; // CSS px from the cursor to a mark that it is on
const QUIET = 600; // ms without another key until something is said
const TICK = 90; // CSS px that a label of the time axis needs

export class Stack {
  readonly loop: Loop;
  readonly values: Values;
  readonly size = signal({ width: 0, scale: 1 });
  readonly theme: Signal<Theme | null> = signal(null);
  readonly pointer: Signal<number | null> = signal(null); // CSS px from the left of the plot area
  readonly box: Signal<{ left: number; right: number } | null> = signal(null);
  readonly ranges = new Map<string, Range>();
  readonly events: Signal<Placed[]> = signal([]);
  readonly moreEvents = signal(false);
  readonly clusters: ReadonlySignal<Cluster[]>;
  readonly pointed: Signal<Cluster | null> = signal(null); // on the time line
  readonly marked: ReadonlySignal<Cluster | null>; // what is told of: pointed at, or at the cursor
  readonly said = signal(""); // what a screen reader says next
  readonly layout: ReadonlySignal<Layout | null>;
  readonly clock: ReadonlySignal<Clock>;
  readonly times: ReadonlySignal<TimeTicks>;
  readonly cursor: ReadonlySignal<number | null>;
  readonly live: ReadonlySignal<boolean>;
  readonly known: ReadonlySignal<boolean>; // whether anybody knows yet from when to when there is something
  private readonly before = new Before();
  private follow: number;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private saying: ReturnType<typeof setTimeout> | undefined;
  private readonly changed = new Set<string>();

  constructor(
    readonly source: Source,
    readonly view: Signal<View>,
    readonly sessions: ReadonlySignal<ReadonlyMap<string, Session>>,
    readonly marks: ReadonlySignal<boolean> = signal(true), // events go through the plots
  ) {
    this.loop = new Loop(source, view, sessions);
    this.values = new Values(source);
    const { stretch } = view.peek();
    this.follow = "follow" in stretch ? stretch.follow : 30e9;
    const axes = computed(() => Math.max(1, ...view.value.plots.map((plot) => axisNames(plot, view.value, sessions.value).length)));
    this.layout = computed(() => {
      const { width, scale } = this.size.value;
      const beside = { left: 0, right: 0 };
      const axis = width < NARROW ? AXIS.narrow : AXIS.usual;
      for (let nth = 0; nth < axes.value; nth++) beside[sideOf(nth)] += axis;
      return width > 0 ? { width, scale, axis, left: beside.left, right: Math.max(beside.right, 8) } : null;
    });
    this.clock = computed(() => {
      const first = view.value.shown[0];
      return { zone: view.value.zone, base: (first && sessions.value.get(first.session)?.base) ?? 0n };
    });
    this.times = computed(() => timeTicks(this.clock.value, this.loop.seen.value, Math.max(2, Math.floor(this.width() / TICK))));
    this.cursor = computed(() => (this.pointer.value === null ? view.value.cursor : this.timeAt(this.pointer.value)));
    this.clusters = computed(() => {
      const { from, to } = this.loop.seen.value;
      return cluster(this.events.value, { from, to }, ((to - from) / Math.max(this.width(), 1)) * APART);
    });
    this.marked = computed(() => {
      const [cursor, { from, to }] = [this.cursor.value, this.loop.seen.value];
      if (this.pointed.value !== null || cursor === null || !this.marks.value) return this.pointed.value;
      return clusterAt(this.clusters.value, cursor, ((to - from) / Math.max(this.width(), 1)) * REACH);
    });
    this.live = computed(() => "follow" in view.value.stretch);
    this.known = computed(() =>
      view.value.shown.some(({ session }) => {
        const there = sessions.value.get(session);
        return there !== undefined && there.start <= there.end;
      }),
    );
  }

  start(): () => void {
    const stops = [
      this.loop.start(),
      this.source.listen((report) => {
        this.values.hear(report);
        if (report.type === "changed") this.changed.add(report.session);
        if (report.type === "changed" || report.type === "range" || report.type === "valued") this.askSoon();
      }),
      effect(() => {
        const layout = this.layout.value;
        if (layout !== null) this.loop.resize(this.width() * layout.scale);
      }),
      effect(() => {
        void [this.theme.value, this.events.value, this.marks.value, this.marked.value];
        this.loop.paint();
      }),
      watchEvents(this, (found, more) => ([this.events.value, this.moreEvents.value] = [found, more])),
      effect(() => {
        void [this.cursor.value, this.view.value, this.sessions.value];
        this.askSoon();
      }),
    ];
    return () => {
      for (const stop of stops) stop();
      clearTimeout(this.timer);
      clearTimeout(this.saying);
      this.timer = undefined;
    };
  }

  /** CSS px of the plot area. */
  width(): number {
    const layout = this.layout.value;
    return layout === null ? 0 : Math.max(layout.width - layout.left - layout.right, 10);
  }

  timeAt(x: number): number {
    const { from, to } = this.loop.seen.value;
    return from + (x / Math.max(this.width(), 1)) * (to - from);
  }

  xAt(time: number): number {
    const { from, to } = this.loop.seen.value;
    return ((time - from) / (to - from)) * this.width();
  }

  change(change: (view: View) => View): void {
    this.view.value = change(this.view.value);
  }

  // ---- What is seen

  look(stretch: Stretch): void {
    const was = this.view.value.stretch;
    if ("follow" in stretch) this.follow = stretch.follow;
    this.before.leave(was, performance.now());
    this.change((view) => ({ ...view, stretch }));
  }

  lookAt(span: Span): void {
    this.look(keep(span, this.loop.there()));
  }

  /** Zooms at a time; while live the newest stays at the right. */
  zoom(at: number, factor: number): void {
    const { from, to } = this.loop.seen.value;
    if (this.live.value) this.look({ follow: zoom({ from: 0, to: to - from }, 0, factor).to });
    else this.lookAt(zoom({ from, to }, at, factor));
  }

  pan(part: number): void {
    const { from, to } = this.loop.seen.value;
    if (this.live.value && part > 0) return;
    this.lookAt(pan({ from, to }, part * (to - from)));
  }

  pause(): void {
    const { from, to } = this.loop.seen.value;
    this.look({ from, to });
  }

  goLive(follow = this.follow): void {
    this.look({ follow });
  }

  all(): void {
    if (this.known.value) this.look(all(this.loop.there()));
  }

  back(): void {
    const stretch = this.before.back();
    if (stretch !== undefined) this.change((view) => ({ ...view, stretch }));
  }

  putCursor(cursor: number | null): void {
    this.pointer.value = null;
    this.change((view) => ({ ...view, cursor }));
  }

  moveCursor(columns: number): void {
    const { from, to } = this.loop.seen.value;
    const column = (to - from) / Math.max(this.width(), 1);
    const at = this.cursor.value ?? (this.live.value ? to : (from + to) / 2);
    const cursor = at + columns * column;
    this.putCursor(cursor);
    if (cursor < from || cursor > to) this.lookAt(pan({ from, to }, cursor < from ? cursor - from : cursor - to));
  }

  press(key: Key): void {
    const { from, to } = this.loop.seen.value;
    const middle = (from + to) / 2;
    const cursor = this.cursor.value;
    if (key.type === "cursor") this.moveCursor(key.columns);
    else if (key.type === "pan") this.pan(key.part);
    else if (key.type === "zoom") this.zoom(cursor !== null && cursor >= from && cursor <= to ? cursor : middle, key.factor);
    else if (key.type === "live") this.goLive();
    else if (key.type === "pause") this.live.value ? this.pause() : this.goLive();
    else if (key.type === "all") this.all();
    else if (key.type === "back") this.back();
    else this.putCursor(null);
  }

  /** A moment after the last key, instead of what was to be said before: a screen reader would not keep up with each. */
  saySoon(words: () => string): void {
    clearTimeout(this.saying);
    this.saying = setTimeout(() => (this.said.value = words()), QUIET);
  }

  // ---- Values

  private askSoon(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.askValues();
    }, 0);
  }

  private askValues(): void {
    if (document.hidden) return;
    const view = this.view.value;
    const plots = view.plots.filter(({ id }) => this.loop.onScreen.has(id));
    let again = false;
    for (const shown of view.shown) {
      if (!this.sessions.value.has(shown.session)) continue;
      const lines = plots.flatMap((plot) => plot.lines.filter((line) => line.shown === shown.key));
      const parameters = [...new Set(lines.map((line) => line.parameter))];
      const changed = this.changed.has(shown.session);
      const [live, at] = this.valuesAt(shown.session, shown.shift);
      again = this.values.ask(shown, at, parameters, live, changed, performance.now()) || again;
    }
    if (again) this.timer = setTimeout(() => ((this.timer = undefined), this.askValues()), AGAIN);
    else this.changed.clear();
  }

  /** In the session's own time: at the cursor, else the newest while live, else at the right; and whether it is live. */
  private valuesAt(session: string, shift: number): [live: boolean, at: number] {
    const live = this.live.value;
    if (this.cursor.value !== null) return [live, this.cursor.value - shift];
    return [live, live ? this.loop.end(session) : this.loop.seen.peek().to - shift];
  }

  sessionOf(key: string): Session | undefined {
    return this.sessions.value.get(shownOf(this.view.value, key)?.session ?? "");
  }
}
