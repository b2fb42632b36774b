/** What of a series is to be drawn: one entry for each column of equal width that has samples, or the samples themselves. */

import { LEAF, type Block } from "./block";
import type { Entry, LineBuilder } from "./line";
import type { Series } from "./series";

/**
 * Columns of this width (ns), on a grid that begins with time 0, so that they stay the same while a picture moves. A gap
 * within a column is told too; the column is not cut by it.
 */
export function addColumns(series: Series, from: number, to: number, width: number, line: LineBuilder, longest: number): void {
  const { blocks } = series;
  let b = series.blockAt(from);
  let at = blocks[b]?.lowerBound(from) ?? 0;
  const entry = emptyEntry();
  while (b < blocks.length && blocks[b]!.times[at]! <= to) {
    const start = blocks[b]!.times[at]!;
    const behind = Math.min((Math.floor(start / width) + 1) * width, Math.floor(to) + 1);
    clear(entry, start);
    entry.startsNull = Number.isNaN(blocks[b]!.values[at]!);
    for (;;) {
      const block = blocks[b]!;
      const stop = block.last < behind ? block.count : Math.max(at + 1, block.lowerBound(behind, at));
      addSamples(entry, block, at, stop, line, longest);
      at = stop;
      if (at < block.count) break;
      at = 0;
      if (++b === blocks.length || blocks[b]!.first >= behind) break;
    }
    line.add(entry);
  }
}

/** Each sample as an entry. */
export function addEach(series: Series, from: number, to: number, line: LineBuilder): void {
  const entry = emptyEntry();
  for (let b = series.blockAt(from); b < series.blocks.length; b++) {
    const block = series.blocks[b]!;
    for (let at = block.lowerBound(from); at < block.count; at++) {
      const time = block.times[at]!;
      if (time > to) return;
      addOne(entry, time, block.values[at]!, line);
    }
  }
}

/** One sample as an entry. */
export function addOne(entry: Entry, time: number, value: number, line: LineBuilder): void {
  entry.from = entry.to = entry.time = entry.until = time;
  entry.first = entry.low = entry.high = entry.last = value;
  entry.startsNull = entry.endsNull = Number.isNaN(value);
  line.add(entry);
}

export function emptyEntry(): Entry {
  const none = { from: NaN, to: NaN, time: NaN, until: NaN, first: NaN, low: NaN, high: NaN, last: NaN };
  return { ...none, startsNull: false, endsNull: false };
}

function clear(entry: Entry, start: number): void {
  entry.from = entry.to = start;
  entry.time = entry.until = entry.first = entry.last = NaN;
  entry.low = Infinity;
  entry.high = -Infinity;
}

function addSamples(entry: Entry, block: Block, start: number, stop: number, line: LineBuilder, longest: number): void {
  const { times, values } = block;
  if (entry.to !== times[start]) tellGap(line, entry.to, times[start]!, longest);
  for (let at = start; at < stop; ) {
    const leaf = (at / LEAF) | 0;
    const end = Math.min((leaf + 1) * LEAF, stop);
    if (end - at === LEAF) {
      if (block.low[leaf]! < entry.low) entry.low = block.low[leaf]!;
      if (block.high[leaf]! > entry.high) entry.high = block.high[leaf]!;
    } else {
      for (let i = at; i < end; i++) {
        const value = values[i]!;
        if (value < entry.low) entry.low = value;
        if (value > entry.high) entry.high = value;
      }
    }
    if (block.step[leaf]! > longest) {
      for (let i = Math.max(at, start + 1); i < end; i++) tellGap(line, times[i - 1]!, times[i]!, longest);
    }
    at = end;
  }
  addEnds(entry, block, start, stop);
  entry.to = times[stop - 1]!;
  entry.endsNull = Number.isNaN(values[stop - 1]!);
}

/** The first and the last value of the column. */
function addEnds(entry: Entry, block: Block, start: number, stop: number): void {
  const { times, values } = block;
  let first = start;
  while (first < stop && Number.isNaN(values[first]!)) first++;
  if (first === stop) return;
  let last = stop - 1;
  while (Number.isNaN(values[last]!)) last--;
  if (Number.isNaN(entry.first)) {
    entry.first = values[first]!;
    entry.time = times[first]!;
  }
  entry.last = values[last]!;
  entry.until = times[last]!;
}

function tellGap(line: LineBuilder, from: number, to: number, longest: number): void {
  if (to - from > longest && line.isGap(from, to)) line.addGap(from, to);
}
