/**
 * Overviews of parameters: what is in stretches of equal length, as the service tells it, or made of samples. They are
 * kept in tiles of 256 stretches on a grid that begins with the Unix epoch, as the service's does.
 */

import { readSamples } from "../wire/samples";
import { convertSamples } from "../wire/conversion";
import type { ChannelType } from "../wire/samples";
import type { BoundParameter } from "../wire/configuration";

export const TILE = 256;
const BYTES = 96 << 20;
const STRETCH = 41; // bytes of one
const TILE_BYTES = 400;

/** The stretches with samples of one tile. */
export interface Tile {
  from: number; // offsets, both included
  to: number;
  start: Float64Array; // offsets
  end: Float64Array; // exclusive
  count: Uint32Array;
  first: Float64Array;
  low: Float64Array;
  high: Float64Array;
  last: Float64Array;
  /** What is recorded behind this was not there yet. */
  upto: number;
}

/** The longest stretch, 1, 2 or 5 times a power of ten ns, that is not longer than a column. */
export function stretchWithin(width: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, width)));
  return width >= 5 * power ? 5 * power : width >= 2 * power ? 2 * power : power;
}

/** The tiles that were used last. */
export class TileCache {
  #tiles = new Map<string, Tile>();
  #bytes = 0;

  get(key: string): Tile | undefined {
    const tile = this.#tiles.get(key);
    if (tile) {
      this.#tiles.delete(key);
      this.#tiles.set(key, tile);
    }
    return tile;
  }

  /** What was read earlier takes no place of what knows more. */
  set(key: string, tile: Tile): void {
    const there = this.#tiles.get(key);
    if (there && there.upto > tile.upto) return;
    this.delete(key);
    this.#tiles.set(key, tile);
    this.#bytes += bytesOf(tile);
    for (const oldest of this.#tiles.keys()) {
      if (this.#bytes <= BYTES) break;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    const tile = this.#tiles.get(key);
    if (!tile) return;
    this.#bytes -= bytesOf(tile);
    this.#tiles.delete(key);
  }

  /** Of one parameter, those that hold a moment: a late sample has come. */
  forgetAt(parameter: string, time: number): void {
    for (const [key, { from, to }] of this.#tiles) {
      if (from <= time && time <= to && key.startsWith(`${parameter} `)) this.delete(key);
    }
  }
}

function bytesOf(tile: Tile): number {
  return TILE_BYTES + tile.start.length * STRETCH;
}

/** Whether an overview of samples is one of values, but for their order: the conversion only rises or only falls. */
export function keepsExtremes({ shift, mask, conversion }: BoundParameter): boolean {
  if (shift !== 0 || mask !== 0xffffffff) return false;
  if (!conversion || conversion.text) return true;
  if (conversion.rational) {
    const [c1 = 0, , , c4 = 0, c5 = 0, c6 = 0] = conversion.rational.coeffs;
    return c1 === 0 && c4 === 0 && (c5 === 0) !== (c6 === 0);
  }
  if (conversion.table) {
    const { calibrated, interpolated } = conversion.table;
    const rises = calibrated.every((value, i) => i === 0 || value >= calibrated[i - 1]!);
    const falls = calibrated.every((value, i) => i === 0 || value <= calibrated[i - 1]!);
    return interpolated && (rises || falls);
  }
  return !conversion.formula;
}

/** The document of an overview, for one channel. */
export interface ChannelOverview {
  channel: number;
  start: string[];
  end: string[];
  count: number[];
  min: (number | null)[];
  max: (number | null)[];
  mean: (number | null)[];
}

/** Converts the samples of an overview into values. */
export function convertOverview(
  one: ChannelOverview,
  parameter: BoundParameter,
  base: bigint,
  [from, to]: [from: number, to: number],
  upto: number,
): Tile {
  const count = Math.min(one.start.length, one.end.length, one.count.length, one.min.length, one.max.length);
  const convert = (list: (number | null)[], infinite: number) => {
    const values = Float64Array.from({ length: count }, (_, i) => list[i] ?? infinite);
    convertSamples(values, count, "f64", parameter);
    return values;
  };
  const [low, high, mean] = [convert(one.min, -Infinity), convert(one.max, Infinity), convert(one.mean ?? [], NaN)];
  for (let i = 0; i < count; i++) {
    const [a, b] = [low[i]!, high[i]!];
    if (a > b) [low[i], high[i]] = [b, a];
    if (!(mean[i]! >= low[i]! && mean[i]! <= high[i]!) || parameter.texts) mean[i] = low[i]!;
  }
  return {
    from,
    to,
    start: Float64Array.from({ length: count }, (_, i) => Number(BigInt(one.start[i]!) - base)),
    end: Float64Array.from({ length: count }, (_, i) => Number(BigInt(one.end[i]!) - base)),
    count: Uint32Array.from({ length: count }, (_, i) => one.count[i]!),
    first: mean,
    low,
    high,
    last: parameter.texts ? high : mean,
    upto,
  };
}

/** What of a tile begins in a stretch of time, both ends included. */
export function cutTile(tile: Tile, from: number, to: number): Tile {
  const { start, end, count, first, low, high, last, upto } = tile;
  const behind = start.findIndex((time) => time > to);
  const at: [number, number] = [start.findIndex((time) => time >= from), behind < 0 ? start.length : behind];
  if (at[0] < 0) at[0] = start.length;
  const made = new Map<Float64Array, Float64Array>(); // some are the same list
  const cut = (list: Float64Array) => {
    const part = made.get(list) ?? list.slice(...at);
    made.set(list, part);
    return part;
  };
  return {
    ...{ from, to, upto, start: cut(start), end: cut(end), count: count.slice(...at) },
    ...{ first: cut(first), low: cut(low), high: cut(high), last: cut(last) },
  };
}

/** The stretches of a tile, made of samples as they come. Of late ones and of several channels the order does not matter. */
export class TileMaker {
  #count = new Uint32Array(TILE);
  #from = new Float64Array(TILE).fill(Infinity);
  #to = new Float64Array(TILE).fill(-Infinity);
  #first = new Float64Array(TILE).fill(NaN);
  #last = new Float64Array(TILE).fill(NaN);
  #low = new Float64Array(TILE).fill(Infinity);
  #high = new Float64Array(TILE).fill(-Infinity);
  #values = new Float64Array(64);

  constructor(
    private readonly start: number,
    private readonly length: number,
    private readonly parameter: BoundParameter,
  ) {}

  add(times: Float64Array, type: ChannelType, buffer: Uint8Array): void {
    if (times.length > this.#values.length) this.#values = new Float64Array(times.length * 2);
    const values = this.#values;
    const count = readSamples(buffer, type, times.length, values);
    convertSamples(values, count, type.type, this.parameter);
    for (let i = 0; i < count; i++) this.#addOne(times[i]!, values[i]!);
  }

  make(upto: number): Tile {
    const filled = [...this.#count.keys()].filter((i) => this.#count[i]! > 0);
    const pick = (list: Float64Array) => Float64Array.from(filled, (i) => list[i]!);
    return {
      from: this.start,
      to: this.start + TILE * this.length - 1,
      start: pick(this.#from),
      end: Float64Array.from(filled, (i) => this.#to[i]! + 1),
      count: Uint32Array.from(filled, (i) => this.#count[i]!),
      first: pick(this.#first),
      low: pick(this.#low),
      high: pick(this.#high),
      last: pick(this.#last),
      upto,
    };
  }

  #addOne(time: number, value: number): void {
    const at = Math.floor((time - this.start) / this.length);
    if (!(at >= 0 && at < TILE) || Number.isNaN(value)) return;
    this.#count[at]!++;
    if (time < this.#from[at]!) {
      this.#from[at] = time;
      this.#first[at] = value;
    }
    if (time >= this.#to[at]!) {
      this.#to[at] = time;
      this.#last[at] = value;
    }
    if (value < this.#low[at]!) this.#low[at] = value;
    if (value > this.#high[at]!) this.#high[at] = value;
  }
}
