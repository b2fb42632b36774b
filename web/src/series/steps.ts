/** How far apart the samples of a parameter usually are, and from when on something is missing between two of them. */

const KEPT = 256;
const ENOUGH = 16;

/**
 * A periodic parameter has a gap where more than 1.5 intervals lie between two samples. Of others the last 256 steps are
 * looked at: 95 of 100 are no longer than the *usual* one. Where that is at most three times the median, the samples are
 * about evenly apart, and a gap is longer than 4 usual steps; else they come as they may, and it is longer than 20.
 */
export class Steps {
  #steps = new Float64Array(KEPT);
  #count = 0;
  #usual = NaN;
  #median = NaN;
  #stale = false;

  constructor(private readonly interval: number) {}

  add(step: number): void {
    if (this.interval > 0) return;
    this.#steps[this.#count++ % KEPT] = step;
    if (this.#count <= KEPT || this.#count % 64 === 0) this.#stale = true;
  }

  /** ns; NaN: not known yet. */
  get usual(): number {
    if (this.interval > 0) return this.interval;
    if (this.#stale) this.#look();
    return this.#usual;
  }

  /** ns: a longer step is a gap. */
  get longest(): number {
    if (this.interval > 0) return 1.5 * this.interval;
    const usual = this.usual;
    if (Number.isNaN(usual)) return Infinity;
    return usual <= 3 * this.#median ? 4 * usual : 20 * usual;
  }

  #look(): void {
    this.#stale = false;
    const count = Math.min(this.#count, KEPT);
    if (count < ENOUGH) return;
    const sorted = this.#steps.slice(0, count).sort();
    this.#usual = sorted[Math.floor(0.95 * (count - 1))]!;
    this.#median = sorted[count >> 1]!;
  }
}
