/** What of a series is to be drawn: one entry for each column of equal width that has samples, or the samples themselves. */

import { LEAF, type Block } from "./block";
import { Entry, type LineBuilder } from "./line";
import type { Series } from "./series";

/**
 * Columns of this width (ns), on a grid that begins with time 0, so that they stay the same while a picture moves. A gap
 * within a column is told too; the column is not cut by it.
 */
export function addColumns(series: Series, from: number, to: number, width: number, line: LineBuilder, longest: number): void {
  const { blocks } = series;
  const end = Math.floor(to) + 1;
  const entry = new Entry();
  let behind = -Infinity;
  for (let b = series.blockAt(from); b < blocks.length; b++) {
    const block = blocks[b]!;
    const { times } = block;
    for (let at = block.first < from ? block.lowerBound(from) : 0; at < block.count; ) {
      const time = times[at]!;
      if (time >= behind) {
        if (behind > -Infinity) line.add(entry);
        if (time >= end) return;
        behind = Math.min((Math.floor(time / width) + 1) * width, end);
        begin(entry, time, block.values[at]!);
      } else if (time - entry.to > longest) tellGap(line, entry.to, time, longest);
      at = addSamples(entry, block, at, behind, line, longest);
    }
  }
  if (behind > -Infinity) line.add(entry);
}

/** Each sample as an entry. */
export function addEach(series: Series, from: number, to: number, line: LineBuilder): void {
  const entry = new Entry();
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

function begin(entry: Entry, time: number, value: number): void {
  entry.from = entry.to = time;
  entry.time = entry.until = entry.first = entry.last = NaN;
  entry.low = Infinity;
  entry.high = -Infinity;
  entry.startsNull = Number.isNaN(value);
}

/** The samples of a block from one on that are before a time; where they end. */
function addSamples(entry: Entry, block: Block, start: number, behind: number, line: LineBuilder, longest: number): number {
  const { times, values, count } = block;
  let { low, high } = entry;
  let at = start;
  let before = times[start]!;
  while (at < count) {
    if ((at & (LEAF - 1)) === 0 && at + LEAF <= count && times[at + LEAF - 1]! < behind) {
      const leaf = at / LEAF;
      if (block.low[leaf]! < low) low = block.low[leaf]!;
      if (block.high[leaf]! > high) high = block.high[leaf]!;
      if (block.step[leaf]! > longest) {
        for (let i = Math.max(at, start + 1); i < at + LEAF; i++) tellGap(line, times[i - 1]!, times[i]!, longest);
      }
      at += LEAF;
      before = times[at - 1]!;
      continue;
    }
    const time = times[at]!;
    if (time >= behind) break;
    const value = values[at]!;
    if (value < low) low = value;
    if (value > high) high = value;
    if (time - before > longest) tellGap(line, before, time, longest);
    before = time;
    at++;
  }
  entry.low = low;
  entry.high = high;
  addEnds(entry, block, start, at);
  entry.to = times[at - 1]!;
  entry.endsNull = Number.isNaN(values[at - 1]!);
  return at;
}

/** The first and the last value of the column. */
function addEnds(entry: Entry, { times, values }: Block, start: number, stop: number): void {
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
