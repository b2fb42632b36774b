/** Writes bursts and chunks, for tests that need others than Python's vectors. */

export function varint(value: number | bigint): number[] {
  let rest = BigInt.asUintN(64, BigInt(value));
  const out: number[] = [];
  while (rest > 0x7fn) {
    out.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  out.push(Number(rest));
  return out;
}

export function field(number: number, bytes: ArrayLike<number>): number[] {
  return [(number << 3) | 2, ...varint(bytes.length), ...Array.from(bytes)];
}

function fixed64(number: number, value: bigint): number[] {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, value, true);
  return [(number << 3) | 1, ...bytes];
}

/** Doubles of one channel, each `step` ns behind the one before. */
export function timestamped(channel: number, start: bigint, step: number, values: number[]): number[] {
  const deltas = values.flatMap((_, i) => varint(i === 0 ? 0 : 1));
  const buffer = new Uint8Array(Float64Array.from(values).buffer);
  return [8, ...varint(channel), ...fixed64(2, start), 24, ...varint(step), ...field(4, deltas), ...field(5, buffer)];
}

/** Doubles of several channels at one time. */
export function row(channels: number[], time: bigint, values: number[]): number[] {
  return [...field(1, channels.flatMap(varint)), ...fixed64(2, time), ...field(3, new Uint8Array(Float64Array.from(values).buffer))];
}

export function event(definition: number, application: string, time: bigint, text: string): number[] {
  return [8, ...varint(definition), ...field(2, Buffer.from(application)), ...fixed64(3, time), ...field(4, Buffer.from(text))];
}

/** A burst of timestamped data, and of others by their field number. */
export function burstOf(items: number[][], others: [number: number, bytes: number[]][] = []): Uint8Array {
  const all = [...items.map((item): [number, number[]] => [4, item]), ...others];
  return Uint8Array.from(all.flatMap(([number, item]) => field(1, field(number, item))));
}

export function jsonItem(document: unknown): [number, number[]] {
  return [2, Array.from(Buffer.from(JSON.stringify(document)))];
}

export function rangeItem(start: bigint, end: bigint): [number, number[]] {
  return [3, [...fixed64(1, start), ...fixed64(2, end)]];
}

/** As one LZ4 block: literals and nothing else. */
export function packed(raw: Uint8Array): Uint8Array {
  const more = raw.length < 15 ? [] : [...new Array<number>(Math.floor((raw.length - 15) / 255)).fill(255), (raw.length - 15) % 255];
  const out = new Uint8Array(1 + more.length + raw.length);
  out[0] = Math.min(raw.length, 15) << 4;
  out.set(more, 1);
  out.set(raw, 1 + more.length);
  return out;
}

/** An answer with one chunk, of these items. */
export function chunkOf(items: number[][]): Uint8Array {
  const raw = Uint8Array.from(items.flatMap((item) => field(1, item)));
  const block = packed(raw);
  const header = [8, 0, 16, 0, 32, 1, 40, ...varint(raw.length), 48, ...varint(block.length)];
  const length = new Uint8Array(4);
  new DataView(length.buffer).setInt32(0, header.length, true);
  return Uint8Array.from([...length, ...header, ...block]);
}
