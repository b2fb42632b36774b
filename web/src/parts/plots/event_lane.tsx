import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { nextRequest } from "../../source";
import { texts } from "../../texts/en";
import { cluster, clusterAt, type Cluster, type Placed } from "./happenings";
import type { Stack } from "./stack";
import { markPath, type Mark } from "./theme";
import { clockText } from "./time_text";

const HEIGHT = 16; // CSS px
const APART = 12; // CSS px
const EVERY = 500; // ms between two requests
const LIMIT = 2000;
const LISTED = 8;

/** Marks of the events on the time line; those at the pointer, or at the focus, are listed. */
export function EventLane({ stack }: { stack: Stack }) {
  const lane = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const events = useSignal<Placed[]>([]);
  const more = useSignal(false);
  const open = useSignal<Cluster | null>(null);
  useEffect(() => watchEvents(stack, (found, left) => ([events.value, more.value] = [found, left])), [stack]);

  const clusters = () => {
    const { from, to } = stack.loop.seen.value;
    return cluster(events.value, { from, to }, ((to - from) / Math.max(stack.width(), 1)) * APART);
  };
  useSignalEffect(() => paint(canvas.current!, stack, clusters(), open.value));

  function hover(event: PointerEvent): void {
    const x = event.clientX - lane.current!.getBoundingClientRect().left - (stack.layout.value?.left ?? 0);
    const { from, to } = stack.loop.seen.value;
    open.value = clusterAt(clusters(), stack.timeAt(x), ((to - from) / stack.width()) * APART);
  }

  function step(event: KeyboardEvent): void {
    const way = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
    if (event.key === "Escape") open.value = null;
    if (event.key === "Enter" && open.value !== null) stack.putCursor(open.value.at);
    if (way === 0) return;
    event.preventDefault();
    const there = clusters();
    const was = open.value === null ? -1 : there.findIndex((each) => each.at >= open.value!.at);
    open.value = there.at(was < 0 ? (way < 0 ? -1 : 0) : Math.min(Math.max(was + way, 0), there.length - 1)) ?? null;
  }

  return (
    <div
      class="plots-events"
      ref={lane}
      tabIndex={0}
      role="application"
      aria-label={texts.plots.events}
      onPointerMove={hover}
      onPointerLeave={() => (open.value = null)}
      onPointerDown={(event) => {
        hover(event);
        if (open.value !== null) stack.putCursor(open.value.at);
      }}
      onBlur={() => (open.value = null)}
      onKeyDown={step}
    >
      <canvas ref={canvas} aria-hidden="true" />
      {more.value && <span class="plots-more">{texts.plots.moreEvents(LIMIT)}</span>}
      {open.value !== null && <EventList cluster={open.value} stack={stack} />}
    </div>
  );
}

function EventList({ cluster: { at, events }, stack }: { cluster: Cluster; stack: Stack }) {
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    const room = (stack.layout.value?.width ?? 0) - list.current!.offsetWidth;
    const left = (stack.layout.value?.left ?? 0) + stack.xAt(at) - 20;
    list.current!.style.left = `${Math.min(Math.max(left, 0), Math.max(room, 0))}px`;
  });
  return (
    <ul class="plots-happened" ref={list} role="status">
      {events.slice(0, LISTED).map((event, nth) => (
        <li key={nth}>
          <time>{clockText(stack.clock.value, event.at, 1e6)}</time> <b>{event.description}</b> {event.text}{" "}
          <i>{texts.plots.priority(event.priority)}</i>
        </li>
      ))}
      {events.length > LISTED && <li>{texts.plots.moreHere(events.length - LISTED)}</li>}
    </ul>
  );
}

function paint(canvas: HTMLCanvasElement, stack: Stack, clusters: Cluster[], open: Cluster | null): void {
  const [layout, theme] = [stack.layout.value, stack.theme.value];
  if (layout === null || theme === null) return;
  const { scale } = layout;
  const [width, height] = [Math.round(layout.width * scale), Math.round(HEIGHT * scale)];
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d", { alpha: false })!;
  context.fillStyle = theme.surface;
  context.fillRect(0, 0, width, height);
  for (const { at, priority, events } of clusters) {
    const mark: Mark = priority === "high" ? "triangle" : priority === "medium" ? "diamond" : "bar";
    context.beginPath();
    markPath(context, mark, (layout.left + stack.xAt(at)) * scale, height / 2, (events.length > 1 ? 5 : 4) * scale);
    context.fillStyle = priority === "high" ? theme.warn : theme.text;
    context.fill();
    if (open?.at !== at) continue;
    context.strokeStyle = theme.text;
    context.lineWidth = 2 * scale;
    context.stroke();
  }
}

/** Asks for the events of what is seen, now and then while that changes. */
function watchEvents(stack: Stack, found: (events: Placed[], more: boolean) => void): () => void {
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
