/** Reads a protobuf message field by field, and never beyond its end. 64-bit times are told as ns since a base, exactly. */

import { Malformed } from "./malformed";

const HIGH = 2 ** 32;
const utf8 = new TextDecoder();

/** ns since the Unix epoch that count as 0, as two halves of 64 bits. */
export class Base {
  readonly low: number;
  readonly high: number;

  constructor(readonly ns: bigint) {
    this.low = Number(BigInt.asUintN(32, ns));
    this.high = Number(BigInt.asIntN(32, ns >> 32n));
  }
}

export class Reader {
  /** Of the field that `next` has found. */
  field = 0;
  wireType = 0;
  #view: DataView;
  #at = 0;
  #end: number;

  constructor(readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = bytes.length;
  }

  get at(): number {
    return this.#at;
  }

  /** Goes on to the next field before `end`. False: there is none, and the message is read. */
  next(end: number): boolean {
    if (this.#at >= end) {
      if (this.#at > end) throw new Malformed("a message ends within a field");
      return false;
    }
    const tag = this.uint32();
    this.field = tag >>> 3;
    this.wireType = tag & 7;
    if (this.field === 0) throw new Malformed("a field of a message has the number 0");
    return true;
  }

  /** Of a length-delimited field: where it ends. What is in it is read next. */
  enter(end: number): number {
    this.#expect(2);
    const length = this.uint32();
    if (length > end - this.#at) throw new Malformed("a field ends behind its message");
    return this.#at + length;
  }

  bytesOf(end: number): Uint8Array {
    const stop = this.enter(end);
    const found = this.bytes.subarray(this.#at, stop);
    this.#at = stop;
    return found;
  }

  text(end: number): string {
    return utf8.decode(this.bytesOf(end));
  }

  skip(end: number): void {
    switch (this.wireType) {
      case 0:
        this.int64();
        break;
      case 1:
        this.#at += 8;
        break;
      case 2:
        this.#at = this.enter(end);
        break;
      case 5:
        this.#at += 4;
        break;
      default:
        throw new Malformed(`a field of a message has the wire type ${this.wireType}`);
    }
    if (this.#at > end) throw new Malformed("a message ends within a field");
  }

  /** The value of a varint, or one of a packed list; of more than 32 bits the lowest. */
  uint32(): number {
    const first = this.bytes[this.#at]!;
    if (first < 0x80) {
      this.#at++;
      return first;
    }
    return this.int64() >>> 0;
  }

  /** The value of a varint as a number with a sign. Exact up to 2^53. */
  int64(): number {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.#at >= this.#end) throw new Malformed("a message ends within a number");
      const byte = this.bytes[this.#at++]!;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >> 4;
      } else if (shift < 63) high |= bits << (shift - 32);
      else high |= (bits & 1) << 31;
      if (byte < 0x80) return (high | 0) * HIGH + (low >>> 0);
    }
    throw new Malformed("a number of a message has more than ten bytes");
  }

  /** The same of an sint64, exactly. */
  sint64(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (this.#at >= this.#end) throw new Malformed("a message ends within a number");
      const byte = this.bytes[this.#at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        value = BigInt.asUintN(64, value);
        return (value >> 1n) ^ -(value & 1n);
      }
    }
    throw new Malformed("a number of a message has more than ten bytes");
  }

  sfixed64(): bigint {
    this.#fits(1, 8);
    const value = this.#view.getBigInt64(this.#at, true);
    this.#at += 8;
    return value;
  }

  /** An sfixed64 as ns since the base: exact up to 2^53. */
  time(base: Base): number {
    this.#fits(1, 8);
    const low = this.#view.getUint32(this.#at, true);
    const high = this.#view.getInt32(this.#at + 4, true);
    this.#at += 8;
    return (high - base.high) * HIGH + (low - base.low);
  }

  double(): number {
    if (this.#at + 8 > this.#end) throw new Malformed("a message ends within a number");
    const value = this.#view.getFloat64(this.#at, true);
    this.#at += 8;
    return value;
  }

  #fits(wireType: number, size: number): void {
    this.#expect(wireType);
    if (this.#at + size > this.#end) throw new Malformed("a message ends within a number");
  }

  #expect(wireType: number): void {
    if (this.wireType !== wireType) throw new Malformed(`field ${this.field} has the wire type ${this.wireType}`);
  }
}
