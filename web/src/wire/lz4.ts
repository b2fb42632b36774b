/** One raw LZ4 block: no frame, and no size in front. What it unpacks to is bounded, and so is each read and write. */

import { Malformed } from "./malformed";

/** Bytes: no burst unpacks to more. */
export const UNPACKED_LIMIT = 16 << 20;

/** Unpacks blocks into one buffer, which grows as it has to. */
export class Unpacker {
  #out = new Uint8Array(256 << 10);

  /** What it gives is overwritten by the next call. */
  unpack(block: Uint8Array, limit = UNPACKED_LIMIT): Uint8Array {
    let size = unpackInto(block, this.#out.subarray(0, Math.min(this.#out.length, limit)));
    while (size < 0) {
      if (this.#out.length >= limit) throw new Malformed(`an LZ4 block unpacks to more than ${limit} bytes`);
      this.#out = new Uint8Array(Math.min(limit, this.#out.length * 4));
      size = unpackInto(block, this.#out);
    }
    return this.#out.subarray(0, size);
  }
}

/** The number of bytes written; -1: there is no room for all of it. */
function unpackInto(block: Uint8Array, out: Uint8Array): number {
  const end = block.length;
  let at = 0;
  let size = 0;
  while (at < end) {
    const token = block[at++]!;
    let literals = token >> 4;
    if (literals === 15) {
      let more = 255;
      while (more === 255) {
        if (at >= end) throw new Malformed("an LZ4 block ends within a length");
        literals += more = block[at++]!;
      }
    }
    if (at + literals > end) throw new Malformed("an LZ4 block ends within literals");
    if (size + literals > out.length) return -1;
    if (literals > 32) {
      out.set(block.subarray(at, at + literals), size);
      at += literals;
      size += literals;
    } else {
      for (const stop = at + literals; at < stop; ) out[size++] = block[at++]!;
    }
    if (at === end) {
      if ((token & 15) !== 0) break;
      return size;
    }
    if (at + 2 > end) throw new Malformed("an LZ4 block ends within an offset");
    const offset = block[at]! | (block[at + 1]! << 8);
    at += 2;
    if (offset === 0 || offset > size) throw new Malformed(`an LZ4 block refers back by ${offset} bytes of ${size}`);
    let length = token & 15;
    if (length === 15) {
      let more = 255;
      while (more === 255) {
        if (at >= end) throw new Malformed("an LZ4 block ends within a length");
        length += more = block[at++]!;
      }
    }
    length += 4;
    if (size + length > out.length) return -1;
    if (offset >= length && length > 32) {
      out.copyWithin(size, size - offset, size - offset + length);
      size += length;
    } else {
      for (const stop = size + length; size < stop; size++) out[size] = out[size - offset]!;
    }
  }
  throw new Malformed("an LZ4 block does not end with literals");
}
