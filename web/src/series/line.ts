/** Collects the entries of a `Line`, in the order of time, and finds the gaps between them. */

import type { Line } from "../worker/messages";

const MOST_GAPS = 1000;

/** What is known of a stretch: one sample, a column of samples, or part of an overview. */
export interface Entry {
  from: number; // of its first sample, which may be a null
  to: number;
  time: number; // of its first value
  until: number;
  first: number;
  low: number;
  high: number;
  last: number;
  startsNull: boolean;
  endsNull: boolean;
}

export class LineBuilder {
  count = 0;
  gaps: number[] = [];
  whole = true;
  samples = true;
  /** Of the latest sample, null or not. */
  latest = NaN;
  #broken = true;
  #columns: Float64Array[];
  #breaks: Uint8Array;

  constructor(
    readonly parameter: string,
    readonly isGap: (from: number, to: number) => boolean,
    room: number,
  ) {
    this.#columns = Array.from({ length: 6 }, () => new Float64Array(room));
    this.#breaks = new Uint8Array(room);
  }

  add(entry: Entry): void {
    const { time, until, first, low, high, last } = entry;
    this.step(entry.from);
    if (entry.startsNull) this.#broken = true;
    if (!Number.isNaN(first)) {
      if (this.count === this.#breaks.length) this.#grow();
      const at = this.count++;
      const values = [time, until, first, low, high, last];
      for (let c = 0; c < 6; c++) this.#columns[c]![at] = values[c]!;
      this.#breaks[at] = this.#broken ? 1 : 0;
      this.#broken = false;
    }
    if (entry.endsNull) this.#broken = true;
    this.latest = entry.to;
  }

  /** The next sample is of this time: whether there is a gap before it. */
  step(next: number): void {
    if (!this.isGap(this.latest, next)) return;
    this.addGap(this.latest, next);
    this.#broken = true;
  }

  addGap(from: number, to: number): void {
    if (this.gaps.length < 2 * MOST_GAPS) this.gaps.push(from, to);
  }

  build(): Line {
    const [time, until, first, low, high, last] = this.#columns.map((list) => list.slice(0, this.count)) as [
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    const broken = this.#breaks.slice(0, this.count);
    const gaps = Float64Array.from(this.gaps);
    const { parameter, whole, samples } = this;
    return { parameter, time, until, first, low, high, last, broken, gaps, whole, samples };
  }

  #grow(): void {
    const length = Math.max(64, this.#breaks.length * 2);
    this.#columns = this.#columns.map((old) => {
      const list = new Float64Array(length);
      list.set(old);
      return list;
    });
    const breaks = new Uint8Array(length);
    breaks.set(this.#breaks);
    this.#breaks = breaks;
  }
}
