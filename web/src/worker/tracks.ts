/** The parameters of a session with their samples, and the way from the items of the wire to them. */

import type { Block } from "../series/block";
import { Intervals } from "../series/intervals";
import { Series } from "../series/series";
import type { Bound, BoundParameter } from "../wire/configuration";
import { convertSamples } from "../wire/conversion";
import { readSamples, widthOf, type ChannelType } from "../wire/samples";

const FARTHEST = 2 ** 53; // ns from the base: times beyond are not exact, and no session is so long

/** One parameter. */
export class Track {
  readonly series: Series;
  /** Where all samples that there are have come. */
  readonly held = new Intervals();
  /** It is subscribed, and its newest samples are read. */
  followed = false;
  /** ns between two samples, as seen in overviews; NaN: not known. */
  seen = NaN;
  /** Of all that came since the session was opened. */
  min = NaN;
  max = NaN;

  constructor(readonly parameter: BoundParameter) {
    this.series = new Series(parameter.interval);
  }

  /** About so many ns are between two samples; NaN: not known. */
  get step(): number {
    const { usual } = this.series.steps;
    return Number.isNaN(this.seen) ? usual : Number.isNaN(usual) ? this.seen : Math.min(usual, this.seen);
  }

  /** How far the values go. */
  observe(values: Float64Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const value = values[i]!;
      if (!(value >= this.min)) this.min = Number.isNaN(this.min) || value < this.min ? value : this.min;
      if (!(value <= this.max)) this.max = Number.isNaN(this.max) || value > this.max ? value : this.max;
    }
  }

  forget(isForgotten: (block: Block) => boolean): void {
    this.series.forget((block) => {
      const gone = isForgotten(block);
      if (gone) this.held.remove(block.first, block.last);
      return gone;
    });
  }
}

/** Whose samples are wanted of what comes: of these tracks, or of all that are followed; whether they count as seen. */
export interface Takers {
  only: Set<Track> | null;
  observed: boolean;
  /** A sample has come for a stretch that its track does not hold. */
  late?(track: Track, time: number): void;
}

/** How a channel's items come: it is in the path of REST. */
export type ChannelKind = "timestamped" | "periodic" | "row";

export class Tracks {
  readonly byId = new Map<string, Track>();
  /** Of followed and of other parameters. */
  readonly byChannel = new Map<number, Track[]>();
  readonly kinds = new Map<number, ChannelKind>();
  /** Of parameters that the configuration has: of other channels only what is looked at comes. */
  get usual(): Track[] {
    return [...this.byId.values()].filter(({ parameter }) => !parameter.raw);
  }

  /** Items that could not be read, since the type of a channel is not known or there are too few bytes. */
  unreadable = 0;
  #types = new Map<number, ChannelType>();
  #raw = new Float64Array(4096);
  #values = new Float64Array(4096);
  #one = new Float64Array(1);

  /** The parameters of a document. One that is there already gets further channels. */
  add(bound: Bound): void {
    for (const [channel, type] of bound.types) this.#types.set(channel, type);
    for (const [channel, kind] of bound.kinds) if (!this.kinds.has(channel)) this.kinds.set(channel, kind);
    for (const parameter of [...bound.parameters, ...bound.raws]) {
      const known = this.byId.get(parameter.id);
      const track = known ?? new Track(parameter);
      if (!known) this.byId.set(parameter.id, track);
      for (const channel of parameter.channels) {
        if (known && !track.parameter.channels.includes(channel)) track.parameter.channels.push(channel);
        const tracks = this.byChannel.get(channel) ?? [];
        if (!tracks.includes(track)) this.byChannel.set(channel, [...tracks, track]);
      }
    }
  }

  /** Samples of one channel. How many there are. */
  addSamples(channel: number, times: Float64Array, buffer: Uint8Array, takers: Takers): number {
    const tracks = this.byChannel.get(channel);
    if (!tracks) return 0;
    const type = this.#types.get(channel)!;
    const count = this.#read(type, times.length, buffer);
    const kept = withoutFar(times, this.#raw, count);
    if (kept < count) this.unreadable++;
    for (const track of tracks) {
      if (!(takers.only ? takers.only.has(track) : track.followed)) continue;
      if (takers.late && kept > 0 && !track.held.has(times[0]!)) takers.late(track, times[0]!);
      this.#addTo(track, type, times, kept, takers.observed);
    }
    return kept;
  }

  /** One sample of each channel of a row. */
  addRow(channels: number[], time: number, buffer: Uint8Array, takers: Takers): void {
    this.eachOfRow(channels, buffer, (channel, part) => {
      this.#one[0] = time;
      this.addSamples(channel, this.#one, part, takers);
    });
  }

  /** The bytes of each channel of a row, as far as they can be told. */
  eachOfRow(channels: number[], buffer: Uint8Array, take: (channel: number, part: Uint8Array) => void): void {
    let at = 0;
    for (const channel of channels) {
      const type = this.#types.get(channel);
      if (!type || at + widthOf(type.type) > buffer.length) {
        this.unreadable++;
        return;
      }
      const behind = at + widthOf(type.type);
      if (this.byChannel.has(channel)) take(channel, buffer.subarray(at, behind));
      at = behind;
    }
  }

  typeOf(channel: number): ChannelType | undefined {
    return this.#types.get(channel);
  }

  get samples(): number {
    let count = 0;
    for (const track of this.byId.values()) count += track.series.count;
    return count;
  }

  #read(type: ChannelType, most: number, buffer: Uint8Array): number {
    if (most > this.#raw.length) {
      this.#raw = new Float64Array(most * 2);
      this.#values = new Float64Array(most * 2);
    }
    return readSamples(buffer, type, most, this.#raw);
  }

  #addTo(track: Track, type: ChannelType, times: Float64Array, count: number, observed: boolean): void {
    const values = this.#values;
    if (count < 16) for (let i = 0; i < count; i++) values[i] = this.#raw[i]!;
    else values.set(this.#raw.subarray(0, count));
    convertSamples(values, count, type.type, track.parameter);
    track.series.insert(times, values, count);
    if (observed) track.observe(values, count);
  }
}

/** Leaves out, in place, what is too far from the base to be true; how many are left. */
function withoutFar(times: Float64Array, values: Float64Array, count: number): number {
  let kept = 0;
  for (let i = 0; i < count; i++) {
    if (!(Math.abs(times[i]!) <= FARTHEST)) continue;
    times[kept] = times[i]!;
    values[kept++] = values[i]!;
  }
  return kept;
}
