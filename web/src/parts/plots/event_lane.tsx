import { useEffect, useRef } from "preact/hooks";
import { texts } from "../../texts/en";
import { useBeside } from "./cursor";
import { LIMIT } from "./event_watch";
import { clusterAt, lookOf, type Cluster } from "./happenings";
import { APART, type Stack } from "./stack";
import { markPath } from "./theme";
import { clockText } from "./time_text";

const HEIGHT = 16; // CSS px
const LISTED = 8;

/** Marks of the events on the time line; those at the pointer, the cursor or the focus are listed. */
export function EventLane({ stack }: { stack: Stack }) {
  const lane = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const open = stack.pointed;
  useBeside(stack, () => paint(canvas.current!, stack, stack.clusters.value, stack.marked.value));

  function hover(event: PointerEvent): void {
    const x = event.clientX - lane.current!.getBoundingClientRect().left - (stack.layout.value?.left ?? 0);
    const { from, to } = stack.loop.seen.value;
    open.value = clusterAt(stack.clusters.value, stack.timeAt(x), ((to - from) / stack.width()) * APART);
  }

  function step(event: KeyboardEvent): void {
    const way = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
    if (event.key === "Escape") open.value = null;
    if (event.key === "Enter" && open.value !== null) stack.putCursor(open.value.at);
    if (way === 0) return;
    event.preventDefault();
    const there = stack.clusters.value;
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
      {stack.moreEvents.value && <span class="plots-more">{texts.plots.moreEvents(LIMIT)}</span>}
      {stack.marked.value !== null && <EventList cluster={stack.marked.value} stack={stack} />}
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
    const { mark, warns } = lookOf(priority);
    context.beginPath();
    markPath(context, mark, (layout.left + stack.xAt(at)) * scale, height / 2, (events.length > 1 ? 5 : 4) * scale);
    context.fillStyle = warns ? theme.warn : theme.text;
    context.fill();
    if (open?.at !== at) continue;
    context.strokeStyle = theme.text;
    context.lineWidth = 2 * scale;
    context.stroke();
  }
}
