/**
 * The chunks of an answer with data, as it streams in: the length of a header, the header, and a list message as an LZ4
 * block. Source: docs/rest.md, "Data".
 */

import { readList, type DataKind } from "./burst";
import { Unpacker } from "./lz4";
import { Malformed } from "./malformed";
import { Reader, type Base } from "./protobuf";
import type { Sink } from "./sink";

const CHUNK_LIMIT = 4 << 20;
const PACKED_LIMIT = CHUNK_LIMIT + Math.ceil(CHUNK_LIMIT / 255) + 16;
const HEADER_LIMIT = 1 << 20;

export class ChunkReader {
  /** Chunks that could not be read, and were left out. */
  broken = 0;
  /** ns since the Unix epoch: of the last chunk. */
  start = 0n;
  duration = 0n;
  #held = new Uint8Array(64 << 10);
  #size = 0;
  #compression = 0;
  #header: { unpacked: number; packed: number } | null = null;
  #headerLength = -1;

  constructor(
    private readonly kind: DataKind,
    private readonly base: Base,
    private readonly sink: Sink,
    private readonly unpacker = new Unpacker(),
  ) {}

  /** The next bytes of the answer. What it throws ends the answer: nothing behind it can be read. */
  feed(bytes: Uint8Array): void {
    this.#hold(bytes);
    let at = 0;
    for (let need = this.#need(); this.#size - at >= need; need = this.#need()) {
      this.#read(this.#held.subarray(at, at + need));
      at += need;
    }
    this.#held.copyWithin(0, at, this.#size);
    this.#size -= at;
  }

  /** The answer is over. */
  end(): void {
    if (this.#size > 0 || this.#headerLength >= 0 || this.#header) throw new Malformed("an answer ends within a chunk");
  }

  #need(): number {
    return this.#header ? this.#header.packed : this.#headerLength >= 0 ? this.#headerLength : 4;
  }

  #hold(bytes: Uint8Array): void {
    const size = this.#size + bytes.length;
    if (size > this.#held.length) {
      const held = new Uint8Array(Math.max(size, this.#held.length * 2));
      held.set(this.#held.subarray(0, this.#size));
      this.#held = held;
    }
    this.#held.set(bytes, this.#size);
    this.#size = size;
  }

  #read(part: Uint8Array): void {
    if (this.#header) {
      this.#readChunk(part, this.#header.unpacked);
      this.#header = null;
    } else if (this.#headerLength >= 0) {
      this.#readHeader(part);
      this.#headerLength = -1;
    } else {
      const length = new DataView(part.buffer, part.byteOffset, 4).getInt32(0, true);
      if (length < 0 || length > HEADER_LIMIT) throw new Malformed(`the header of a chunk has ${length} bytes`);
      this.#headerLength = length;
    }
  }

  #readHeader(part: Uint8Array): void {
    const reader = new Reader(part);
    let [unpacked, packed] = [0, 0];
    while (reader.next(part.length)) {
      if (reader.wireType !== 0) reader.skip(part.length);
      else if (reader.field === 1) this.start = BigInt.asIntN(64, this.start + reader.sint64());
      else if (reader.field === 2) this.duration = BigInt.asIntN(64, this.duration + reader.sint64());
      else if (reader.field === 4) this.#compression += reader.int64();
      else if (reader.field === 5) unpacked = reader.int64();
      else if (reader.field === 6) packed = reader.int64();
      else reader.skip(part.length);
    }
    if (this.#compression !== 0 && this.#compression !== 1) {
      throw new Malformed(`a chunk has the compression ${this.#compression}`);
    }
    if (!(unpacked >= 0 && unpacked <= CHUNK_LIMIT)) throw new Malformed(`a chunk unpacks to ${unpacked} bytes`);
    if (!(packed >= 0 && packed <= PACKED_LIMIT)) throw new Malformed(`a chunk has ${packed} bytes`);
    this.#header = { unpacked, packed };
  }

  #readChunk(payload: Uint8Array, unpacked: number): void {
    try {
      const raw = this.#compression === 1 ? this.unpacker.unpack(payload, CHUNK_LIMIT + 64) : payload;
      if (raw.length !== unpacked) throw new Malformed(`a chunk has ${raw.length} bytes; its header says ${unpacked}`);
      readList(raw, this.kind, this.base, this.sink);
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      this.broken++;
    }
  }
}
