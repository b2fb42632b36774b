/**
 * The samples of one parameter, in the order of time in whatever order they come. The same sample, equal in its time and
 * value, is there once.
 */

import { Block, BLOCK, LEAF } from "./block";
import { Steps } from "./steps";

export class Series {
  blocks: Block[] = [];
  count = 0;
  readonly steps: Steps;

  /** `interval`: ns, of periodic samples; 0: not known. */
  constructor(interval = 0) {
    this.steps = new Steps(interval);
  }

  /** Time of the first sample; NaN: there is none. */
  get first(): number {
    return this.blocks[0]?.first ?? NaN;
  }

  get last(): number {
    return this.blocks.at(-1)?.last ?? NaN;
  }

  /** Adds so many samples; how many of them were not there yet. */
  insert(times: Float64Array, values: Float64Array, count: number): number {
    if (count === 0) return 0;
    if (!isRising(times, count)) [times, values] = sorted(times, values, count);
    const before = this.count;
    const last = this.last;
    let late = 0;
    while (late < count && times[late]! <= last) late++;
    if (late > 0) this.#merge(times.subarray(0, late), values.subarray(0, late));
    for (let i = late; i < count; i++) this.#append(times[i]!, values[i]!);
    return this.count - before;
  }

  /** The block that has the first sample at or behind a time, or the number of blocks. */
  blockAt(time: number): number {
    let [low, high] = [0, this.blocks.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.blocks[middle]!.last < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** How many samples there are, both ends included. */
  countIn(from: number, to: number): number {
    let count = 0;
    for (let b = this.blockAt(from); b < this.blocks.length; b++) {
      const block = this.blocks[b]!;
      if (block.first > to) break;
      const start = block.first >= from ? 0 : block.lowerBound(from);
      const stop = block.last <= to ? block.count : upperBound(block, to);
      count += stop - start;
    }
    return count;
  }

  /** The last sample at or before a time. */
  lastAt(time: number): { time: number; value: number } | null {
    let b = this.blockAt(time);
    const block = this.blocks[b];
    let at = -1;
    if (block) at = upperBound(block, time) - 1;
    if (at < 0) {
      const before = this.blocks[--b];
      if (!before) return null;
      return { time: before.last, value: before.values[before.count - 1]! };
    }
    return { time: block!.times[at]!, value: block!.values[at]! };
  }

  /** The first sample behind a time. */
  firstAfter(time: number): { time: number; value: number } | null {
    for (let b = this.blockAt(time); b < this.blocks.length; b++) {
      const block = this.blocks[b]!;
      const at = upperBound(block, time);
      if (at < block.count) return { time: block.times[at]!, value: block.values[at]! };
    }
    return null;
  }

  /** Forgets blocks: all of which this is true. */
  forget(isForgotten: (block: Block) => boolean): void {
    this.blocks = this.blocks.filter((block) => !isForgotten(block));
    this.count = this.blocks.reduce((sum, block) => sum + block.count, 0);
  }

  #append(time: number, value: number): void {
    let block = this.blocks.at(-1);
    if (block?.last === time && this.#endsWith(block, time, value)) return;
    if (block) this.steps.add(time - block.last);
    if (!block || block.isFull) {
      block = new Block(block ? BLOCK : LEAF);
      this.blocks.push(block);
    }
    block.append(time, value);
    this.count++;
  }

  #endsWith(block: Block, time: number, value: number): boolean {
    for (let i = block.count - 1; i >= 0 && block.times[i] === time; i--) if (Object.is(block.values[i], value)) return true;
    return false;
  }

  /** Samples that are not behind all others: the blocks that they fall into are made anew. */
  #merge(times: Float64Array, values: Float64Array): void {
    const from = Math.max(0, Math.min(this.blockAt(times[0]!), this.blocks.length - 1));
    const to = Math.min(this.blockAt(times.at(-1)!) + 1, this.blocks.length);
    const old = this.blocks.slice(from, to);
    const merged = mergeSorted(old, times, values);
    const wanted = Math.ceil(merged.count / BLOCK);
    const size = Math.ceil(merged.count / wanted);
    const made: Block[] = [];
    for (let at = 0; at < merged.count; ) {
      const stop = Math.min(merged.count, at + size);
      const block = new Block(Math.min(BLOCK, Math.ceil((stop - at) / LEAF) * LEAF));
      for (; at < stop; at++) block.append(merged.times[at]!, merged.values[at]!);
      made.push(block);
    }
    this.count += merged.count - old.reduce((sum, block) => sum + block.count, 0);
    this.blocks.splice(from, to - from, ...made);
  }
}

export function upperBound(block: Block, time: number): number {
  let [low, high] = [0, block.count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (block.times[middle]! <= time) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isRising(times: Float64Array, count: number): boolean {
  for (let i = 1; i < count; i++) if (times[i]! < times[i - 1]!) return false;
  return true;
}

function sorted(times: Float64Array, values: Float64Array, count: number): [Float64Array, Float64Array] {
  const order = Array.from({ length: count }, (_, i) => i).sort((a, b) => times[a]! - times[b]!);
  return [Float64Array.from(order, (i) => times[i]!), Float64Array.from(order, (i) => values[i]!)];
}

/** The samples of blocks and some more, without those that are there already. */
function mergeSorted(blocks: Block[], times: Float64Array, values: Float64Array) {
  const most = blocks.reduce((sum, block) => sum + block.count, times.length);
  const merged = { times: new Float64Array(most), values: new Float64Array(most), count: 0 };
  const push = (time: number, value: number) => {
    merged.times[merged.count] = time;
    merged.values[merged.count++] = value;
  };
  const pushNew = (time: number, value: number) => {
    const farthest = Math.max(0, merged.count - BLOCK);
    for (let i = merged.count - 1; i >= farthest && merged.times[i] === time; i--) {
      if (Object.is(merged.values[i], value)) return;
    }
    push(time, value);
  };
  let next = 0;
  for (const block of blocks) {
    for (let i = 0; i < block.count; i++) {
      const time = block.times[i]!;
      while (next < times.length && times[next]! < time) pushNew(times[next]!, values[next++]!);
      push(time, block.values[i]!);
    }
  }
  while (next < times.length) pushNew(times[next]!, values[next++]!);
  return merged;
}
