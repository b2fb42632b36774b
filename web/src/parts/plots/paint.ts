/** Paints one plot: its axes, grid, gaps, warn bounds and lines. Knows nothing of where they come from. */

import type { Line } from "../../worker/messages";
import { lookOf, type Cluster } from "./happenings";
import { tickText, type Range, type Ticks } from "./scale";
import type { Span } from "./stretch";
import type { Kept } from "./moved";
import { COLOURS, MARKS, markPath, type Theme } from "./theme";
import { bands, search, trace, type Place } from "./trace";

export interface Trace {
  line: Line;
  shift: number;
  nth: number; // of the plot's lines: its colour and mark
  axis: number;
  steps: boolean;
  warn: [number, number] | null;
}

export interface PaintedAxis {
  name: string; // its unit
  range: Range;
  ticks: Ticks;
  texts: Record<string, string> | null;
}

/** In canvas pixels; `scale` of them are a CSS pixel. */
export interface Sheet {
  context: CanvasRenderingContext2D;
  theme: Theme;
  scale: number;
  axis: number; // CSS px that an axis takes
  left: number;
  width: number;
  top: number;
  height: number;
}

export const PAD = 5; // CSS px between a range's ends and the frame, where a line would not be seen
const BESIDE = 8; // CSS px that marks and strokes reach beside their time
const NARROW = 50; // CSS px of an axis: no room for its unit, which the legend says too
export const sideOf = (axis: number): "left" | "right" => (axis % 2 === 0 ? "left" : "right");

const yOf = ({ scale, top, height }: Sheet, { low, high }: Range, value: number): number =>
  top + PAD * scale + ((high - value) / (high - low)) * (height - 2 * PAD * scale);

export function paintAxes(sheet: Sheet, axes: PaintedAxis[]): void {
  const { context, theme, scale, axis: size, left, width, top, height } = sheet;
  const { canvas } = context;
  context.fillStyle = theme.surface;
  context.fillRect(0, 0, left, canvas.height);
  context.fillRect(left + width, 0, canvas.width - left - width, canvas.height);
  context.font = theme.font;
  context.textBaseline = "middle";
  axes.forEach((axis, nth) => {
    const onLeft = sideOf(nth) === "left";
    const slot = Math.floor(nth / 2) * size * scale;
    const edge = onLeft ? left - slot : left + width + slot;
    const toText = (onLeft ? -1 : 1) * 6 * scale;
    context.textAlign = onLeft ? "right" : "left";
    context.fillStyle = theme.faint;
    if (slot > 0) context.fillRect(Math.round(edge), top, 1, height);
    context.fillStyle = theme.text;
    if (!axis.texts && size >= NARROW) paintUnit(context, axis.name, edge + (onLeft ? -1 : 1) * (size - 7) * scale, top + height / 2, onLeft);
    for (const value of axis.ticks.values) {
      const y = yOf(sheet, axis.range, value);
      const text = axis.texts?.[`${value}`] ?? (axis.texts && !Number.isInteger(value) ? "" : tickText(value, axis.ticks.decimals));
      context.fillText(text, edge + toText, Math.min(Math.max(y, 7 * scale), canvas.height - 7 * scale), (size - (size < NARROW || axis.texts ? 8 : 20)) * scale);
    }
  });
}

/** Along the axis, read upwards. */
function paintUnit(context: CanvasRenderingContext2D, unit: string, x: number, y: number, onLeft: boolean): void {
  const align = context.textAlign;
  context.save();
  context.translate(x, y);
  context.rotate(onLeft ? -Math.PI / 2 : Math.PI / 2);
  context.textAlign = "center";
  context.fillText(unit, 0, 0);
  context.restore();
  context.textAlign = align;
}

/** `kept`: what is left of an earlier picture, and is moved to its new place. */
export function paintArea(sheet: Sheet, axes: PaintedAxis[], traces: Trace[], seen: Span, times: number[], marks: Cluster[], kept: Kept | null): void {
  const { context, theme, scale, left, width, top, height } = sheet;
  const x = (at: number) => left + ((at - seen.from) / (seen.to - seen.from)) * width;
  const begin = kept === null ? left : move(sheet, kept, x(kept.until));
  context.save();
  context.beginPath();
  context.rect(begin, 0, left + width - begin, context.canvas.height);
  context.clip();
  context.fillStyle = theme.surface;
  context.fillRect(begin, 0, left + width - begin, context.canvas.height);
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  const since = begin === left ? -Infinity : seen.from + ((begin - left) / width) * (seen.to - seen.from);
  const place = ({ shift, axis }: Trace): Place => ({
    ...{ from: seen.from - shift, to: seen.to - shift, left, width, top: top + PAD * scale, height: height - 2 * PAD * scale },
    range: axes[axis]!.range,
    since: since - shift,
  });
  paintGrid(sheet, axes[0], times.map(x));
  paintGaps(sheet, traces, x);
  paintEvents(sheet, marks, x);
  for (const each of traces) paintWarnings(sheet, each, axes[each.axis]!.range);
  for (const each of traces) paintTrace(sheet, each, place(each), traces.length > 1);
  context.restore();
  context.strokeStyle = theme.faint;
  context.lineWidth = 1;
  context.strokeRect(left + 0.5, top + 0.5, width - 1, height - 1);
}

/** Moves what is kept; where it ends, in canvas pixels. */
function move({ context, scale, left, width }: Sheet, { columns }: Kept, until: number): number {
  const { canvas } = context;
  const end = Math.floor(Math.max(left, Math.min(until - BESIDE * scale, left + width - 1 - columns))); // without the frame
  const size = end - left - 1;
  if (columns > 0 && size > 0) context.drawImage(canvas, left + 1 + columns, 0, size, canvas.height, left + 1, 0, size, canvas.height);
  return size > 0 ? end : left;
}

function paintGrid(sheet: Sheet, axis: PaintedAxis | undefined, xs: number[]): void {
  const { context, theme, left, width, top, height } = sheet;
  context.fillStyle = theme.grid;
  for (const x of xs) context.fillRect(Math.round(x), top, 1, height);
  for (const value of axis?.ticks.values ?? []) {
    context.fillRect(left, Math.round(yOf(sheet, axis!.range, value)), width, 1);
  }
}

/** Hatched where a line has no samples, over the whole height; where there are several lines, each says its own below. */
function paintGaps({ context, theme, scale, left, width, top, height }: Sheet, traces: Trace[], x: (at: number) => number): void {
  const gaps = traces.map(({ line, shift }) => {
    const found: [number, number][] = [];
    for (let at = 0; at + 1 < line.gaps.length; at += 2) {
      const from = Math.max(x(line.gaps[at]! + shift), left);
      const to = Math.min(x(line.gaps[at + 1]! + shift), left + width);
      if (to >= left && from <= left + width) found.push([from, Math.max(to, from + 2 * scale)]);
    }
    return found;
  });
  const merged = bands(gaps.flat());
  if (merged.length === 0) return;
  context.fillStyle = theme.hatch;
  for (const [from, to] of merged) context.fillRect(from, top, to - from, height);
  context.fillStyle = theme.faint;
  for (const [from, to] of merged) {
    context.fillRect(Math.round(from), top, 1, height);
    context.fillRect(Math.round(to) - 1, top, 1, height);
  }
  if (traces.length < 2) return;
  gaps.forEach((found, nth) => {
    context.fillStyle = theme.lines[traces[nth]!.nth % COLOURS]!;
    for (const [from, to] of found) context.fillRect(from, top + height - (nth + 1) * 4 * scale, to - from, 3 * scale);
  });
}

function paintEvents({ context, theme, scale, top, height }: Sheet, marks: Cluster[], x: (at: number) => number): void {
  for (const { at, priority } of marks) {
    const { dash, thick, warns } = lookOf(priority);
    const width = Math.max(1, Math.round(thick * scale));
    const middle = Math.round(x(at)) + (width % 2) / 2;
    context.strokeStyle = warns ? theme.warn : theme.text;
    context.lineWidth = width;
    context.setLineDash(dash.map((length) => length * scale));
    context.beginPath();
    context.moveTo(middle, top);
    context.lineTo(middle, top + height);
    context.stroke();
  }
  context.setLineDash([]);
}

function paintWarnings(sheet: Sheet, { warn, nth }: Trace, range: Range): void {
  const { context, theme, scale, left, width, top, height } = sheet;
  for (const value of warn ?? []) {
    const y = Math.round(yOf(sheet, range, value));
    if (y < top || y >= top + height) continue;
    context.fillStyle = theme.warn;
    context.fillRect(left, y, width, 1);
    context.fillStyle = theme.lines[nth % COLOURS]!;
    context.fillRect(left, y - Math.round(scale), 10 * scale, Math.round(2 * scale) + 1); // whose bound it is
  }
}

function paintTrace(sheet: Sheet, { line, nth, steps }: Trace, place: Place, marked: boolean): void {
  const { context, theme, scale, top, height } = sheet;
  const colour = theme.lines[nth % COLOURS]!;
  context.strokeStyle = colour;
  context.fillStyle = colour;
  const thick = Math.max(1, Math.floor(scale));
  context.lineWidth = thick;
  context.lineJoin = "bevel";
  context.beginPath();
  const { dots, nulls } = trace(context, line, place, steps, 8 * scale, thick);
  context.stroke();
  const size = Math.round(3 * scale);
  for (let at = 0; at < dots.length; at += 2) context.fillRect(dots[at]! - size / 2, dots[at + 1]! - size / 2, size, size);
  for (const x of nulls) paintNull(context, x, top + height - 7 * scale, 3 * scale);
  if (marked) paintMarks(sheet, line, nth, place);
}

/** A small × at the foot: a null was sent here. */
function paintNull(context: CanvasRenderingContext2D, x: number, y: number, r: number): void {
  context.beginPath();
  context.moveTo(x - r, y - r);
  context.lineTo(x + r, y + r);
  context.moveTo(x - r, y + r);
  context.lineTo(x + r, y - r);
  context.stroke();
}

/** The line's mark now and then, at times that stay while the plot moves on. */
function paintMarks({ context, theme, scale }: Sheet, line: Line, nth: number, place: Place): void {
  const { from, to, left, width, top, height, range } = place;
  const every = ((to - from) / width) * 180 * scale;
  const phase = ((nth * 0.382) % 1) * every;
  context.beginPath();
  for (let at = Math.floor((from - phase) / every) * every + phase; at <= to; at += every) {
    const entry = search(line.time, at);
    const time = line.time[entry];
    if (time === undefined || time > at + every || time > to || Number.isNaN(line.first[entry]!)) continue;
    const y = top + ((range.high - line.first[entry]!) / (range.high - range.low)) * height;
    markPath(context, MARKS[nth % MARKS.length]!, left + ((time - from) / (to - from)) * width, y, 4 * scale);
  }
  context.fill();
  context.strokeStyle = theme.surface;
  context.stroke();
}
