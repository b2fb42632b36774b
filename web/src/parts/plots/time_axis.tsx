import { useEffect, useRef } from "preact/hooks";
import { useBeside, useMoving } from "./cursor";
import { EventLane } from "./event_lane";
import { handlePointers } from "./pointing";
import type { Stack } from "./stack";
import { timeText } from "./time_text";

const HEIGHT = 34; // CSS px
const DIGIT = 3.2; // half of one: measuring each text takes longer than all else here

/** The time axis of all plots, with the time at the cursor, and events above it. */
export function TimeAxis({ stack }: { stack: Stack }) {
  const area = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const label = useRef<HTMLDivElement>(null);
  useEffect(() => handlePointers(area.current!, stack), [stack]);
  useBeside(stack, () => paint(canvas.current!, stack));
  useMoving(stack, () => {
    const cursor = stack.cursor.value;
    const x = cursor === null ? Number.NaN : stack.xAt(cursor);
    const shown = x >= 0 && x <= stack.width();
    label.current!.hidden = !shown;
    if (!shown) return;
    const { from, to } = stack.loop.seen.value;
    const text = timeText(stack.clock.value, cursor!, (to - from) / 1000);
    if (label.current!.textContent !== text) label.current!.textContent = text;
    const half = label.current!.offsetWidth / 2;
    const middle = (stack.layout.value?.left ?? 0) + x;
    const left = Math.min(Math.max(middle - half, 0), (stack.layout.value?.width ?? 0) - 2 * half);
    label.current!.style.transform = `translateX(${Math.round(left)}px)`;
  });
  return (
    <div class="plots-time">
      <EventLane stack={stack} />
      <div class="plots-axis" ref={area}>
        <canvas ref={canvas} aria-hidden="true" />
        <div class="plots-at" ref={label} hidden />
      </div>
    </div>
  );
}

function paint(canvas: HTMLCanvasElement, stack: Stack): void {
  const [layout, theme] = [stack.layout.value, stack.theme.value];
  if (layout === null || theme === null) return;
  const { scale } = layout;
  const [width, height] = [Math.round(layout.width * scale), Math.round(HEIGHT * scale)];
  if (canvas.width !== width || canvas.height !== height) {
    [canvas.width, canvas.height] = [width, height];
    canvas.style.height = `${HEIGHT}px`;
  }
  const context = canvas.getContext("2d", { alpha: false })!;
  context.fillStyle = theme.surface;
  context.fillRect(0, 0, width, height);
  context.font = theme.font;
  context.textBaseline = "top";
  context.textAlign = "center";
  const { ticks, context: around } = stack.times.value;
  let free = 0;
  for (const { at, text } of ticks) {
    const x = (layout.left + stack.xAt(at)) * scale;
    context.fillStyle = theme.faint;
    context.fillRect(Math.round(x), 0, 1, 4 * scale);
    const half = text.length * DIGIT * scale;
    if (x - half < free || x + half > width) continue;
    context.fillStyle = theme.text;
    context.fillText(text, x, 6 * scale);
    free = x + half + 6 * scale;
  }
  context.textAlign = "left";
  context.fillStyle = theme.text;
  context.fillText(around, 2 * scale, 20 * scale);
}
