/** Collects the entries of a `Line`, in the order of time, and finds the gaps between them. */

import type { Line } from "../worker/messages";

const MOST_GAPS = 1000;

/**
 * What is known of a stretch: one sample, a column of samples, or part of an overview. It is filled again and again; its
 * numbers are in a list of doubles, since those of an object's fields would each be made anew.
 */
export class Entry {
  startsNull = false;
  endsNull = false;
  #numbers = new Float64Array(8).fill(NaN);

  /** Of its first sample, which may be a null. */
  get from(): number {
    return this.#numbers[0]!;
  }
  set from(value: number) {
    this.#numbers[0] = value;
  }

  get to(): number {
    return this.#numbers[1]!;
  }
  set to(value: number) {
    this.#numbers[1] = value;
  }

  /** Of its first value. */
  get time(): number {
    return this.#numbers[2]!;
  }
  set time(value: number) {
    this.#numbers[2] = value;
  }

  get until(): number {
    return this.#numbers[3]!;
  }
  set until(value: number) {
    this.#numbers[3] = value;
  }

  get first(): number {
    return this.#numbers[4]!;
  }
  set first(value: number) {
    this.#numbers[4] = value;
  }

  get low(): number {
    return this.#numbers[5]!;
  }
  set low(value: number) {
    this.#numbers[5] = value;
  }

  get high(): number {
    return this.#numbers[6]!;
  }
  set high(value: number) {
    this.#numbers[6] = value;
  }

  get last(): number {
    return this.#numbers[7]!;
  }
  set last(value: number) {
    this.#numbers[7] = value;
  }
}

export class LineBuilder {
  count = 0;
  gaps: number[] = [];
  whole = true;
  samples = true;
  /** Of the latest sample, null or not. */
  latest = NaN;
  #broken = true;
  #room: number;
  /** Six lists of doubles, one behind the other, and one of bytes: one buffer, which goes to the page as it is. */
  #lists: Float64Array<ArrayBuffer>;
  #breaks: Uint8Array<ArrayBuffer>;

  constructor(
    readonly parameter: string,
    readonly isGap: (from: number, to: number) => boolean,
    room: number,
  ) {
    this.#room = room;
    [this.#lists, this.#breaks] = listsOf(room);
  }

  add(entry: Entry): void {
    this.step(entry.from);
    if (entry.startsNull) this.#broken = true;
    const { first } = entry;
    if (first === first) {
      if (this.count === this.#room) this.#grow();
      const room = this.#room;
      const lists = this.#lists;
      const at = this.count++;
      lists[at] = entry.time;
      lists[room + at] = entry.until;
      lists[2 * room + at] = first;
      lists[3 * room + at] = entry.low;
      lists[4 * room + at] = entry.high;
      lists[5 * room + at] = entry.last;
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
    const list = (i: number) => this.#lists.subarray(i * this.#room, i * this.#room + this.count);
    return {
      parameter: this.parameter,
      time: list(0),
      until: list(1),
      first: list(2),
      low: list(3),
      high: list(4),
      last: list(5),
      broken: this.#breaks.subarray(0, this.count),
      gaps: Float64Array.from(this.gaps),
      whole: this.whole,
      samples: this.samples,
    };
  }

  #grow(): void {
    const [old, breaks, room] = [this.#lists, this.#breaks, this.#room];
    this.#room = Math.max(64, room * 2);
    [this.#lists, this.#breaks] = listsOf(this.#room);
    for (let i = 0; i < 6; i++) this.#lists.set(old.subarray(i * room, (i + 1) * room), i * this.#room);
    this.#breaks.set(breaks);
  }
}

function listsOf(room: number): [Float64Array<ArrayBuffer>, Uint8Array<ArrayBuffer>] {
  const buffer = new ArrayBuffer(room * 49);
  return [new Float64Array(buffer, 0, room * 6), new Uint8Array(buffer, room * 48, room)];
}
