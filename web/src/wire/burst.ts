/** Reads `StreamDataBurst`, and the list messages of chunks. Source: proto/rta. */

import { Malformed } from "./malformed";
import { Reader, type Base } from "./protobuf";
import type { Sink, WireEvent } from "./sink";

const MOST_ITEMS = 1 << 18;
const MOST_VALUES = 1 << 16; // of one event
const NOTHING: Uint8Array = new Uint8Array(0);

export type DataKind = "timestamped" | "periodic" | "row" | "events";

let times = new Float64Array(4096);

/** A list with room for so many numbers, and with those that are there. */
function room(count: number): Float64Array {
  if (count > times.length) {
    const grown = new Float64Array(2 ** Math.ceil(Math.log2(count)));
    grown.set(times);
    times = grown;
  }
  return times;
}

/** All items of a burst that has been unpacked. */
export function readBurst(raw: Uint8Array, base: Base, sink: Sink): void {
  const reader = new Reader(raw);
  for (let items = 0; reader.next(raw.length); items++) {
    if (reader.field !== 1) reader.skip(raw.length);
    else readItem(reader, reader.enter(raw.length), base, sink);
    if (items > MOST_ITEMS) throw new Malformed(`a burst has more than ${MOST_ITEMS} items`);
  }
}

/** The items of a burst, each as its bytes. */
export function itemsOf(raw: Uint8Array): Uint8Array[] {
  const reader = new Reader(raw);
  const items: Uint8Array[] = [];
  while (reader.next(raw.length)) {
    if (reader.field === 1) items.push(reader.bytesOf(raw.length));
    else reader.skip(raw.length);
  }
  return items;
}

/** One item of a burst. */
export function readItemBytes(item: Uint8Array, base: Base, sink: Sink): void {
  readItem(new Reader(item), item.length, base, sink);
}

/** A list message, as a chunk holds it. */
export function readList(raw: Uint8Array, kind: DataKind, base: Base, sink: Sink): void {
  const reader = new Reader(raw);
  const read = READERS[kind];
  for (let items = 0; reader.next(raw.length); items++) {
    if (reader.field !== 1) reader.skip(raw.length);
    else read(reader, reader.enter(raw.length), base, sink);
    if (items > MOST_ITEMS) throw new Malformed(`a chunk has more than ${MOST_ITEMS} items`);
  }
}

function readItem(reader: Reader, end: number, base: Base, sink: Sink): void {
  while (reader.next(end)) {
    switch (reader.field) {
      case 2: {
        const text = reader.text(end);
        sink.sessionJson?.(text);
        break;
      }
      case 3:
        readTimeRange(reader, reader.enter(end), sink);
        break;
      case 4:
        readTimestamped(reader, reader.enter(end), base, sink);
        break;
      case 5:
        readPeriodic(reader, reader.enter(end), base, sink);
        break;
      case 6:
        readRow(reader, reader.enter(end), base, sink);
        break;
      case 7:
        readEvent(reader, reader.enter(end), base, sink);
        break;
      default:
        reader.skip(end);
    }
  }
}

function readTimeRange(reader: Reader, end: number, sink: Sink): void {
  let [first, last] = [0n, 0n];
  while (reader.next(end)) {
    if (reader.field === 1) first = reader.sfixed64();
    else if (reader.field === 2) last = reader.sfixed64();
    else reader.skip(end);
  }
  sink.timeRange?.(first, last);
}

function readTimestamped(reader: Reader, end: number, base: Base, sink: Sink): void {
  let [channel, start, scale, count] = [0, origin(base), 0, 0];
  let buffer = NOTHING;
  while (reader.next(end)) {
    switch (reader.field) {
      case 1:
        channel = numberOf(reader) >>> 0;
        break;
      case 2:
        start = reader.time(base);
        break;
      case 3:
        scale = numberOf(reader);
        break;
      case 4:
        if (reader.wireType === 0) room(count + 1)[count++] = reader.int64();
        else count = readPacked(reader, reader.enter(end), count);
        break;
      case 5:
        buffer = reader.bytesOf(end);
        break;
      default:
        reader.skip(end);
    }
  }
  count = Math.min(count, buffer.length); // a sample has at least one byte
  let time = start;
  for (let i = 0; i < count; i++) times[i] = time += times[i]! * scale;
  sink.samples(channel, times.subarray(0, count), buffer);
}

/** Deltas behind the `count` that are there. */
function readPacked(reader: Reader, end: number, count: number): number {
  const list = room(count + end - reader.at);
  while (reader.at < end) list[count++] = reader.int64();
  if (reader.at > end) throw new Malformed("a list ends within a number");
  return count;
}

function readPeriodic(reader: Reader, end: number, base: Base, sink: Sink): void {
  let [channel, start, interval, count] = [0, origin(base), 0, 0];
  let buffer = NOTHING;
  while (reader.next(end)) {
    switch (reader.field) {
      case 1:
        channel = numberOf(reader) >>> 0;
        break;
      case 2:
        start = reader.time(base);
        break;
      case 3:
        interval = numberOf(reader);
        break;
      case 4:
        count = numberOf(reader) | 0;
        break;
      case 5:
        buffer = reader.bytesOf(end);
        break;
      default:
        reader.skip(end);
    }
  }
  count = Math.max(0, Math.min(count, buffer.length));
  const list = room(count);
  for (let i = 0; i < count; i++) list[i] = start + i * interval;
  sink.samples(channel, list.subarray(0, count), buffer);
}

function readRow(reader: Reader, end: number, base: Base, sink: Sink): void {
  const channels: number[] = [];
  let time = origin(base);
  let buffer = NOTHING;
  while (reader.next(end)) {
    switch (reader.field) {
      case 1:
        if (reader.wireType === 0) channels.push(reader.uint32());
        else {
          const stop = reader.enter(end);
          while (reader.at < stop) channels.push(reader.uint32());
          if (reader.at > stop) throw new Malformed("a list ends within a number");
        }
        break;
      case 2:
        time = reader.time(base);
        break;
      case 3:
        buffer = reader.bytesOf(end);
        break;
      default:
        reader.skip(end);
    }
  }
  sink.row(channels, time, buffer);
}

function readEvent(reader: Reader, end: number, base: Base, sink: Sink): void {
  const event: WireEvent = { definition: 0, application: "", time: origin(base), text: "", values: [] };
  while (reader.next(end)) {
    switch (reader.field) {
      case 1:
        event.definition = numberOf(reader) | 0;
        break;
      case 2:
        event.application = reader.text(end);
        break;
      case 3:
        event.time = reader.time(base);
        break;
      case 4:
        event.text = reader.text(end);
        break;
      case 5:
        readDoubles(reader, end, event.values);
        break;
      default:
        reader.skip(end);
    }
  }
  sink.event(event);
}

function readDoubles(reader: Reader, end: number, values: number[]): void {
  if (reader.wireType === 1) values.push(reader.double());
  else {
    const stop = reader.enter(end);
    while (reader.at < stop) values.push(reader.double());
    if (reader.at > stop) throw new Malformed("a list ends within a number");
  }
  if (values.length > MOST_VALUES) throw new Malformed(`an event has more than ${MOST_VALUES} numbers`);
}

function numberOf(reader: Reader): number {
  if (reader.wireType !== 0) throw new Malformed(`field ${reader.field} has the wire type ${reader.wireType}`);
  return reader.int64();
}

/** What a time is that is not there: the Unix epoch. */
function origin(base: Base): number {
  return -Number(base.ns);
}

const READERS = { timestamped: readTimestamped, periodic: readPeriodic, row: readRow, events: readEvent };
