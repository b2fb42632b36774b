/** Up to 1024 samples in the order of time, with the low, the high and the longest step of each 32 of them. */

export const BLOCK = 1024;
export const LEAF = 32;

export class Block {
  times: Float64Array;
  values: Float64Array; // NaN: a null
  count = 0;
  /** Of each leaf. Without a value: Infinity and -Infinity. */
  low: Float64Array;
  high: Float64Array;
  /** The longest time between a sample of the leaf and the one before it in the block. */
  step: Float64Array;
  /** Of all. */
  longest = 0;

  constructor(capacity = LEAF) {
    this.times = new Float64Array(capacity);
    this.values = new Float64Array(capacity);
    const leaves = capacity / LEAF;
    this.low = new Float64Array(leaves);
    this.high = new Float64Array(leaves);
    this.step = new Float64Array(leaves);
  }

  get first(): number {
    return this.times[0]!;
  }

  get last(): number {
    return this.times[this.count - 1]!;
  }

  get isFull(): boolean {
    return this.count === BLOCK;
  }

  /** `time` is not before the last one, and the block is not full. */
  append(time: number, value: number): void {
    const at = this.count;
    if (at === this.times.length) this.#grow();
    const leaf = (at / LEAF) | 0;
    if (at % LEAF === 0) {
      this.low[leaf] = Infinity;
      this.high[leaf] = -Infinity;
      this.step[leaf] = 0;
    }
    if (at > 0) {
      const step = time - this.times[at - 1]!;
      if (step > this.step[leaf]!) this.step[leaf] = step;
      if (step > this.longest) this.longest = step;
    }
    this.times[at] = time;
    this.values[at] = value;
    if (value < this.low[leaf]!) this.low[leaf] = value;
    if (value > this.high[leaf]!) this.high[leaf] = value;
    this.count++;
  }

  /** The first sample at or behind a time, or the count. */
  lowerBound(time: number, from = 0): number {
    let [low, high] = [from, this.count];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.times[middle]! < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #grow(): void {
    const capacity = Math.min(BLOCK, this.times.length * 2);
    const grown = (old: Float64Array, length: number) => {
      const list = new Float64Array(length);
      list.set(old);
      return list;
    };
    this.times = grown(this.times, capacity);
    this.values = grown(this.values, capacity);
    this.low = grown(this.low, capacity / LEAF);
    this.high = grown(this.high, capacity / LEAF);
    this.step = grown(this.step, capacity / LEAF);
  }
}
