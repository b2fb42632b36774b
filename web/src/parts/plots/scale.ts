/** Scales of y axes: round ends and ticks, and ranges that stay where they are while data move within them. */

export interface Range {
  low: number;
  high: number;
}

/** The smallest of 1, 2, 5 × 10ⁿ that cuts the span into at most so many steps. */
export function roundStep(span: number, steps: number): number {
  const least = span / Math.max(steps, 1);
  const power = 10 ** Math.floor(Math.log10(least));
  return ([1, 2, 5].find((digit) => digit * power >= least * (1 - 1e-9)) ?? 10) * power;
}

/** A range with round ends that holds the data, and shows a constant with room about it. */
export function roundRange(data: Range, steps = 10): Range {
  let { low, high } = data;
  if (!(high - low > Math.abs(high) * 1e-12)) {
    const room = Math.abs(low) * 0.1 || 1;
    [low, high] = [low - room, high + room];
  }
  const step = roundStep(high - low, steps);
  return { low: Math.floor(low / step + 1e-9) * step, high: Math.ceil(high / step - 1e-9) * step };
}

/** Zooms about the value at a part of the height from the top: that value stays where it is. */
export function zoomRange(range: Range, part: number, factor: number): Range {
  const at = range.high - part * (range.high - range.low);
  return tidy({ low: at - (at - range.low) * factor, high: at + (range.high - at) * factor }) ?? range;
}

/** Moves what is seen up by a part of the height. */
export function moveRange(range: Range, part: number): Range {
  const by = part * (range.high - range.low);
  return tidy({ low: range.low + by, high: range.high + by }) ?? range;
}

/** With no more digits than can be seen; null: numbers do not go so far, or are not so fine. */
function tidy({ low, high }: Range): Range | null {
  const size = Math.max(Math.abs(low), Math.abs(high));
  if (!(size < 1e300) || !(high - low > size * 1e-9)) return null;
  const step = roundStep(high - low, 5000);
  const round = (value: number) => Number((Math.round(value / step) * step).toPrecision(14)) || 0;
  return { low: round(low), high: round(high) };
}

export interface Ticks {
  values: number[];
  decimals: number;
}

export function ticks({ low, high }: Range, steps: number): Ticks {
  if (!(high > low)) return { values: [low], decimals: 0 };
  const step = roundStep(high - low, steps);
  const values: number[] = [];
  for (let at = Math.ceil(low / step - 1e-9); at * step <= high + step * 1e-9; at++) values.push(at * step || 0);
  return { values, decimals: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

export function tickText(value: number, decimals: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e7 || decimals > 6)) return value.toExponential(3).replace(/\.?0+e/, "e").replace("e+", "e").replace(/^-/, "−");
  return value.toFixed(decimals).replace("-", "−");
}

/** Where an automatic axis is, and since when (ms) it has had much more room than the data need. */
export interface Settled {
  range: Range;
  roomy: number | null;
}

const SNUG = 0.6; // of the range, that data have to take

/** Grows at once, so that nothing is cut off; shrinks only when there has been much room for as long as `patience`, in ms. */
export function settle(was: Settled | null, data: Range | null, now: number, patience: number): Settled {
  if (data === null) return was ?? { range: { low: 0, high: 1 }, roomy: null };
  const wanted = roundRange(data);
  if (was === null) return { range: wanted, roomy: null };
  const { range } = was;
  if (data.low < range.low || data.high > range.high) {
    const grown = { low: data.low < range.low ? wanted.low : range.low, high: data.high > range.high ? wanted.high : range.high };
    return { range: grown, roomy: was.roomy };
  }
  if (wanted.high - wanted.low >= SNUG * (range.high - range.low)) return was.roomy === null ? was : { range, roomy: null };
  if (was.roomy === null) return { range, roomy: now };
  return now - was.roomy >= patience ? { range: wanted, roomy: null } : was;
}
