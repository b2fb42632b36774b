/** What of a plot that moves on is still right where it was painted, so that only the rest has to be painted. */

import type { Line } from "../../worker/messages";
import type { Seen } from "./loop";
import type { Trace } from "./paint";
import { search } from "./trace";

export interface Picture {
  seen: Seen;
  traces: Trace[];
  /** All else that it depends on. */
  key: string;
}

export interface Kept {
  /** Columns that it moves to the left. */
  columns: number;
  /** From this time on, on the shared axis, it has to be painted; Infinity: nowhere. */
  until: number;
}

const EDGE = 2; // columns at the left, which are cut

/** null: all has to be painted anew. Hatches and warn bounds do not move with the time; samples are not in columns. */
export function keptOf(before: Picture | null, now: Picture): Kept | null {
  if (before === null || before.key !== now.key) return null;
  const [was, is] = [before.seen, now.seen];
  const columns = Math.round((is.from - was.from) / is.column);
  if (was.column !== is.column || columns < 0) return null;
  if (Math.abs(is.from - was.from - columns * is.column) > 0.01 * is.column) return null;
  let until = Infinity;
  for (const [nth, { line, shift, warn }] of now.traces.entries()) {
    const old = before.traces[nth]!.line;
    if (warn !== null || !isInColumns(line) || !isInColumns(old)) return null;
    until = Math.min(until, sameUntil(old, line, is.from - shift + EDGE * is.column) + shift);
  }
  return { columns, until };
}

const isInColumns = ({ samples, gaps, whole }: Line): boolean => !samples && whole && gaps.length === 0;

/** The time of the last entry before which two lines are the same, from a time on; Infinity: they are to their ends. */
function sameUntil(one: Line, other: Line, from: number): number {
  let [a, b] = [search(one.time, from), search(other.time, from)];
  while (a < one.time.length && b < other.time.length && isSame(one, a, other, b)) [a, b] = [a + 1, b + 1];
  if (a === one.time.length && b === other.time.length) return Infinity;
  return Math.min(one.time[a - 1] ?? -Infinity, other.time[b - 1] ?? -Infinity);
}

function isSame(one: Line, a: number, other: Line, b: number): boolean {
  return (
    one.time[a] === other.time[b] &&
    one.until[a] === other.until[b] &&
    one.broken[a] === other.broken[b] &&
    Object.is(one.first[a], other.first[b]) &&
    Object.is(one.low[a], other.low[b]) &&
    Object.is(one.high[a], other.high[b]) &&
    Object.is(one.last[a], other.last[b])
  );
}
