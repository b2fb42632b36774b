/** A line's columns as a path: from its first sample to its lowest and highest and on to its last, and so to the next. */

import type { Line } from "../../worker/messages";
import type { Range } from "./scale";

/** Where times and values are on the canvas, in its own pixels. */
export interface Place {
  from: number; // time at the left, on the line's own axis
  to: number;
  left: number;
  width: number;
  top: number;
  height: number;
  range: Range;
  /** What is before is there already. */
  since?: number;
}

interface Path {
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
}

export interface Traced {
  /** x, y, x, y …: samples that stand alone, or are far enough apart for a dot each. */
  dots: number[];
  /** x, x, …: where a null is. */
  nulls: number[];
}

const FAR = 1e5;
const ROUNDING = 1e-4; // px: what begins with its column stays in it, wherever the plot has moved

/** The entries that are seen, and one more on either side: [from, to). */
export function visible({ time, until }: Line, from: number, to: number): [number, number] {
  const first = Math.max(search(until, from) - 1, 0);
  const last = Math.min(search(time, to) + 1, time.length);
  return [first, Math.max(first, last)];
}

/** The index of the first that is not below. */
export function search(sorted: Float64Array, value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The lowest and the highest that is seen; null: nothing is. */
export function extent(line: Line, from: number, to: number): Range | null {
  const first = search(line.until, from);
  let [low, high] = [Infinity, -Infinity];
  for (let at = first; at < line.time.length && line.time[at]! <= to; at++) {
    if (line.low[at]! < low) low = line.low[at]!;
    if (line.high[at]! > high) high = line.high[at]!;
  }
  if (low > high) {
    const [a, b] = [line.last[first - 1], line.first[first]]; // what is seen is a stroke between samples outside
    if (a === undefined || b === undefined || Number.isNaN(a + b)) return null;
    [low, high] = [Math.min(a, b), Math.max(a, b)];
  }
  return Number.isFinite(low) && Number.isFinite(high) ? { low, high } : null;
}

/**
 * `steps`: a value holds until the next one. `apart`: px between samples from which each has its dot. `thick`: of the stroke.
 * A column is one upright stroke, and reaches to where the one before it ended: strokes that are not joined are drawn in
 * less than half the time.
 */
export function trace(path: Path, line: Line, place: Place, steps: boolean, apart: number, thick = 1): Traced {
  const { time, until, first, low, high, last, broken, samples, gaps } = line;
  const { from, to, left, width, top, height, range, since = from } = place;
  const [start, end] = visible(line, Math.max(from, since), to);
  const perTime = width / (to - from);
  const perValue = height / (range.high - range.low);
  const x = (at: number) => left + (at - from) * perTime;
  const y = (value: number) => Math.min(Math.max(top + (range.high - value) * perValue, -FAR), FAR);
  const traced: Traced = { dots: [], nulls: [] };
  const dotted = samples && ((end - start) * apart < width || end - start < 3);
  let drawing = false;
  let alone = false; // nothing leads to the sample before
  let [lastX, lastY] = [0, 0];
  const leave = () => {
    if (drawing && alone && !dotted) traced.dots.push(lastX, lastY);
    drawing = false;
  };
  for (let at = start; at < end; at++) {
    const exactly = x(time[at]!);
    if (Number.isNaN(first[at]!)) {
      traced.nulls.push(exactly);
      leave();
      continue;
    }
    const here = samples ? exactly : Math.floor(exactly + ROUNDING) + 0.5;
    const firstY = y(first[at]!);
    if (drawing && broken[at] === 1) {
      if (!inGap(gaps, until[at - 1]!, time[at]!)) traced.nulls.push((lastX + here) / 2);
      leave();
    }
    const joined = drawing;
    drawing = true;
    if (samples) {
      if (!joined) path.moveTo(here, firstY);
      if (joined && steps) path.lineTo(here, lastY);
      if (joined) path.lineTo(here, firstY);
      if (dotted) traced.dots.push(here, firstY);
      alone = !joined;
      lastY = firstY;
    } else {
      let [over, under] = [y(high[at]!), y(low[at]!)];
      if (joined && here - lastX < 1.5) [over, under] = [Math.min(over, lastY), Math.max(under, lastY)];
      else if (joined) {
        path.moveTo(lastX, lastY);
        if (steps) path.lineTo(here, lastY);
        path.lineTo(here, firstY);
      }
      const short = Math.max(0, thick - (under - over)) / 2;
      path.moveTo(here, over - short);
      path.lineTo(here, under + short);
      alone = false;
      lastY = y(last[at]!);
    }
    lastX = here;
  }
  leave();
  return traced;
}

/** Whether a gap touches what is between two entries; otherwise it is a null that breaks the line. */
function inGap(gaps: Float64Array, from: number, to: number): boolean {
  for (let at = 0; at + 1 < gaps.length; at += 2) if (gaps[at]! < to && gaps[at + 1]! > from) return true;
  return false;
}

/** Gaps of several lines as one list of bands: from, to, from, to …, with none that overlap. */
export function bands(gaps: Iterable<readonly [number, number]>): [number, number][] {
  const merged: [number, number][] = [];
  for (const [from, to] of [...gaps].sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}
