/** From samples to values: shift, mask, conversion, offset. Source: docs/protocol.md, "Configuration documents". */

import { widthOf, type SampleType } from "./samples";

export interface Rational {
  coeffs: number[];
}

export interface Table {
  raw: number[];
  calibrated: number[];
  interpolated: boolean;
}

export interface Texts {
  keys: number[];
  values: string[];
  default: string;
}

export interface Conversion {
  name: string;
  unit: string;
  format: string;
  rational: Rational | null;
  table: Table | null;
  text: Texts | null;
  formula: boolean; // it is kept, and gives no value
}

export interface Scaling {
  shift: number;
  mask: number;
  offset: number;
  conversion: Conversion | null;
}

/** Changes a number of samples in place. Of a text conversion the numbers stay, and `texts` says what they mean. */
export function convertSamples(samples: Float64Array, count: number, type: SampleType, scaling: Scaling): void {
  const { shift, mask, offset, conversion } = scaling;
  if (type[0] !== "f" && (shift !== 0 || mask !== 0xffffffff)) mask32(samples, count, widthOf(type), shift, mask);
  if (conversion?.text) return;
  if (conversion?.rational) convertRational(samples, count, conversion.rational.coeffs);
  else if (conversion?.table) convertTable(samples, count, conversion.table);
  else if (conversion?.formula) samples.fill(NaN, 0, count);
  if (offset !== 0) for (let i = 0; i < count; i++) samples[i]! += offset;
}

function mask32(samples: Float64Array, count: number, width: number, shift: number, mask: number): void {
  const bits = width === 4 ? -1 : (1 << (8 * width)) - 1;
  if (Math.abs(shift) >= 32) {
    samples.fill(0, 0, count);
  } else if (shift >= 0) {
    for (let i = 0; i < count; i++) samples[i] = (((samples[i]! & bits) >>> shift) & mask) >>> 0;
  } else {
    for (let i = 0; i < count; i++) samples[i] = (((samples[i]! & bits) << -shift) & mask) >>> 0;
  }
}

function convertRational(samples: Float64Array, count: number, coeffs: number[]): void {
  const [c1 = 0, c2 = 0, c3 = 0, c4 = 0, c5 = 0, c6 = 0] = coeffs;
  const constant = c4 === 0 && c6 === 0 && c5 !== 0;
  for (let i = 0; i < count; i++) {
    const x = samples[i]!;
    const below = constant ? c5 : (c4 * x + c5) * x + c6;
    samples[i] = below === 0 ? NaN : ((c1 * x + c2) * x + c3) / below;
  }
}

function convertTable(samples: Float64Array, count: number, { raw, calibrated, interpolated }: Table): void {
  const length = Math.min(raw.length, calibrated.length);
  for (let i = 0; i < count; i++) {
    const x = samples[i]!;
    const at = firstNotBelow(raw, length, x);
    if (at < length && raw[at] === x) samples[i] = calibrated[at]!;
    else if (!interpolated || length === 0 || Number.isNaN(x)) samples[i] = NaN;
    else if (at === 0) samples[i] = calibrated[0]!;
    else if (at === length) samples[i] = calibrated[length - 1]!;
    else {
      const slope = (calibrated[at]! - calibrated[at - 1]!) / (raw[at]! - raw[at - 1]!);
      samples[i] = slope * (x - raw[at - 1]!) + calibrated[at - 1]!;
    }
  }
}

function firstNotBelow(raw: number[], length: number, x: number): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (raw[middle]! < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What the values of a text conversion mean, by the value as JavaScript writes it; "" is what all others mean. */
export function textsOf(conversion: Conversion | null): Record<string, string> | null {
  if (!conversion?.text) return null;
  const { keys, values, default: other } = conversion.text;
  const texts: Record<string, string> = { "": other };
  keys.forEach((key, i) => {
    if (values[i] !== undefined) texts[String(key)] = values[i];
  });
  return texts;
}

/** One value of an event, as people read it. */
export function convertOne(x: number, conversion: Conversion | null): number | string {
  const texts = textsOf(conversion);
  if (texts) return texts[String(x)] ?? texts[""]!;
  const one = Float64Array.of(x);
  convertSamples(one, 1, "f64", { shift: 0, mask: 0xffffffff, offset: 0, conversion });
  return one[0]!;
}
