/** Stretches of time that do not touch each other, in order. Both ends are included. */

export type Stretch = [from: number, to: number];

export class Intervals {
  list: Stretch[] = [];

  add(from: number, to: number): void {
    if (from > to) return;
    const kept: Stretch[] = [];
    for (const [a, b] of this.list) {
      if (b < from - 1 || a > to + 1) kept.push([a, b]);
      else {
        from = Math.min(from, a);
        to = Math.max(to, b);
      }
    }
    kept.push([from, to]);
    this.list = kept.sort(([a], [b]) => a - b);
  }

  remove(from: number, to: number): void {
    this.list = this.list.flatMap(([a, b]): Stretch[] => {
      if (b < from || a > to) return [[a, b]];
      const left: Stretch[] = a < from ? [[a, from - 1]] : [];
      return b > to ? [...left, [to + 1, b]] : left;
    });
  }

  has(time: number): boolean {
    return this.list.some(([a, b]) => a <= time && time <= b);
  }

  covers(from: number, to: number): boolean {
    return this.list.some(([a, b]) => a <= from && to <= b);
  }

  /** What of a stretch is in here. */
  within(from: number, to: number): Stretch[] {
    return this.list
      .map(([a, b]): Stretch => [Math.max(a, from), Math.min(b, to)])
      .filter(([a, b]) => a <= b);
  }

  /** What of a stretch is not in here. */
  missing(from: number, to: number): Stretch[] {
    const out: Stretch[] = [];
    let at = from;
    for (const [a, b] of this.within(from, to)) {
      if (a > at) out.push([at, a - 1]);
      at = b + 1;
    }
    if (at <= to) out.push([at, to]);
    return out;
  }
}
