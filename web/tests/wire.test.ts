import assert from "node:assert/strict";
import { test } from "node:test";
import { itemsOf, readBurst, readItemBytes } from "../src/wire/burst";
import { ChunkReader } from "../src/wire/chunks";
import { bind } from "../src/wire/configuration";
import { convertOne, convertSamples } from "../src/wire/conversion";
import { formatValue } from "../src/wire/format";
import { Unpacker } from "../src/wire/lz4";
import { Malformed } from "../src/wire/malformed";
import { Base } from "../src/wire/protobuf";
import { streamRequest } from "../src/wire/request";
import { readSamples } from "../src/wire/samples";
import { readSession } from "../src/wire/session";
import type { Sink } from "../src/wire/sink";
import { nanoseconds, parseExactly } from "../src/wire/times";
import { bytesOf, chanceOf, numberOf, vectors } from "./vectors";

const base = new Base(BigInt(vectors.base));

/** Tells what it is given, as the vectors have it. */
function recorder(): { sink: Sink; calls: unknown[][] } {
  const calls: unknown[][] = [];
  const text = (offset: number) => String(base.ns + BigInt(offset));
  const encoded = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
  const sink: Sink = {
    sessionJson: (json) => calls.push(["sessionJson", json]),
    timeRange: (start, end) => calls.push(["timeRange", String(start), String(end)]),
    samples: (channel, times, buffer) => calls.push(["samples", channel, [...times].map(text), encoded(buffer)]),
    row: (channels, time, buffer) => calls.push(["row", channels, text(time), encoded(buffer)]),
    event: (e) => calls.push(["event", e.definition, e.application, text(e.time), e.text, e.values]),
  };
  return { sink, calls };
}

const nobody: Sink = { samples: () => undefined, row: () => undefined, event: () => undefined };

test("LZ4 blocks that Python has packed", () => {
  const unpacker = new Unpacker();
  for (const { raw, packed } of vectors.blocks) assert.deepEqual(unpacker.unpack(bytesOf(packed)), bytesOf(raw));
});

test("a block that unpacks to more than is taken, or refers to what is not there", () => {
  const [zeros] = vectors.blocks.filter(({ raw }) => bytesOf(raw).length === 5000);
  assert.throws(() => new Unpacker().unpack(bytesOf(zeros!.packed), 4999), Malformed);
  assert.equal(new Unpacker().unpack(bytesOf(zeros!.packed), 5000).length, 5000);
  for (const bytes of [[], [0x11], [0x10, 65, 1, 0], [0x10, 65, 2, 0, 0x50, 1, 2, 3, 4, 5], [0x10, 65, 0, 0, 0], [0xf0, 255, 255]]) {
    assert.throws(() => new Unpacker().unpack(Uint8Array.from(bytes)), Malformed, String(bytes));
  }
});

test("a bomb of 16 MiB ends at the limit", () => {
  const bomb = new Uint8Array(80_000).fill(255);
  bomb.set([0x1f, 65, 1, 0]);
  bomb.set([0, 0x10, 65], bomb.length - 3);
  assert.throws(() => new Unpacker().unpack(bomb), /more than 16777216 bytes/);
});

for (const { name, packed, calls: expected } of vectors.bursts) {
  test(`a burst: ${name}`, () => {
    const raw = new Unpacker().unpack(bytesOf(packed));
    const whole = recorder();
    readBurst(raw, base, whole.sink);
    const far = (calls: unknown[][]) => (name === "before the epoch" ? calls.map(([kind]) => kind) : calls);
    assert.deepEqual(far(whole.calls), far(expected));
    const single = recorder();
    for (const item of itemsOf(raw)) readItemBytes(item, base, single.sink);
    assert.deepEqual(single.calls, whole.calls);
  });
}

for (const { kind, bytes, calls: expected, chunks } of vectors.answers) {
  test(`an answer with ${kind} data, in pieces of any size`, () => {
    const data = bytesOf(bytes);
    for (const size of [1, 7, data.length]) {
      const { sink, calls } = recorder();
      const reader = new ChunkReader(kind, base, sink);
      for (let at = 0; at < data.length; at += size) reader.feed(data.subarray(at, at + size));
      reader.end();
      assert.deepEqual(calls, expected);
      assert.deepEqual([String(reader.start), String(reader.start + reader.duration)], chunks.at(-1));
      assert.equal(reader.broken, 0);
    }
  });
}

test("an answer that breaks off is not taken for a whole one", () => {
  const data = bytesOf(vectors.answers[0]!.bytes);
  const reader = new ChunkReader("timestamped", base, nobody);
  reader.feed(data.subarray(0, -1));
  assert.throws(() => reader.end(), Malformed);
});

test("of an answer a chunk that is damaged is left out, and counted", () => {
  const { kind, bytes, calls: expected } = vectors.answers[0]!;
  const data = bytesOf(bytes);
  data[data.length - 20]! ^= 0xff;
  const { sink, calls } = recorder();
  const reader = new ChunkReader(kind, base, sink);
  reader.feed(data);
  reader.end();
  assert.ok(reader.broken <= 1 && calls.length >= expected.length - 1);
});

test("samples of all types become the values that Python has", () => {
  for (const { type, parameter, conversion, buffer, values: expected } of vectors.conversions) {
    const document = { app: { channels: [{ id: 1, type }], parameters: [parameter], conversions: conversion ? [conversion] : [] } };
    const { parameters, types, faults } = bind(document, { identifier: "x", channelOffset: 0 });
    const [one] = parameters;
    const values = new Float64Array(64);
    const count = readSamples(bytesOf(buffer), types.get(1)!, 64, values);
    convertSamples(values, count, types.get(1)!.type, one!);
    const shown = [...values.subarray(0, count)].map((value) => (one!.texts ? (one!.texts[String(value)] ?? one!.texts[""]) : value));
    const wanted = expected.map((value) => (one!.texts ? value : numberOf(value)));
    const why = JSON.stringify({ type, parameter, conversion });
    assert.equal(shown.length, wanted.length, why);
    shown.forEach((value, i) => {
      const [a, b] = [value as number, wanted[i] as number];
      assert.ok(Object.is(a, b) || a === b || Math.abs(a - b) <= 1e-12 * Math.abs(b), `${why}: ${String(a)} instead of ${String(b)}`);
    });
    assert.deepEqual(faults, []);
  }
});

test("formats as Python writes them", () => {
  const wrong = vectors.formats
    .map(([format, value, isText, text]) => [format, value, text, formatValue(format, isText ? (value as string) : numberOf(value))])
    .filter(([, , text, own]) => text !== own);
  assert.deepEqual(wrong, []);
});

test("the example of the page on the protocol", () => {
  const { document, channelOffset, parameters: expected } = vectors.configuration;
  const bound = bind(document, { identifier: "example", channelOffset });
  const found = bound.parameters.map(({ id, unit, format, channels }) => ({
    id,
    unit,
    format,
    channels: Object.fromEntries(channels.map((channel) => [channel, bound.types.get(channel)!.type])),
    bigEndian: bound.types.get(channels[0]!)!.bigEndian,
  }));
  assert.deepEqual(found, expected);
  assert.deepEqual(
    bound.parameters.map(({ groups }) => groups),
    [[], ["engine"], ["engine"], ["engine"]],
  );
  assert.deepEqual([bound.parameters[1]!.interval, bound.kinds.get(1003)], [10_000_000, "row"]);
  assert.deepEqual([bound.events[0]!.description, convertOne(212, bound.events[0]!.conversions[0]!)], ["Lap", 21.2]);
});

test("a channel that no parameter has is one of its own, by its name and number", () => {
  const one = { channels: [{ id: 1, name: "Speed" }, { id: 2, name: "Spare", type: "u16", interval: 10 }, { id: 3 }], parameters: [{ id: "a", channels: [1] }] };
  const other = { parameters: [{ id: "b", channels: [3] }], channels: [{ id: 4, type: "u64" }] };
  const { raws, parameters } = bind({ one, other }, { identifier: "x", channelOffset: 100 });
  assert.deepEqual(raws.map(({ id, name, channels, interval, raw }) => [id, name, channels, interval, raw]), [["#2:one", "Spare #2", [102], 10, true]]);
  assert.deepEqual(parameters.map(({ raw }) => raw), [false, false]);
});

test("a document that is no document leaves out what is broken", () => {
  for (const document of [null, 7, "x", [], { app: 7 }, { app: { channels: 7, parameters: [null, 7, {}], tree: [] } }]) {
    assert.deepEqual(bind(document, { identifier: "x", channelOffset: 0 }).parameters, []);
  }
  const odd = { app: { Channels: [{ ID: 1, Type: "u64" }, { id: 2 }], parameters: [{ id: "a", channels: [1, 2, "x"] }] } };
  const bound = bind(odd, { identifier: "x", channelOffset: 5 });
  assert.deepEqual(bound.parameters[0]!.channels, [7]);
  assert.equal(bound.faults.length, 1);
});

test("session JSON, in any case and with 64 bits", () => {
  for (const { text, identity, state, closed, range, bindings } of vectors.sessions) {
    const read = readSession(text);
    assert.deepEqual([read.identity, read.state, read.closed], [identity, state, closed]);
    assert.deepEqual(read.range && [String(read.range.start), String(read.range.end)], range);
    assert.deepEqual(read.bindings?.map((one) => [one.identifier, one.channelOffset]) ?? null, bindings);
  }
  for (const text of ["", "[]", "7", "null", '{"a":', '"x']) assert.throws(() => readSession(text), Malformed);
});

test("numbers of JSON that a double does not hold stay exact", () => {
  const text = '{"a":1620129055000000001,"b":"1620129055000000001 in \\"text\\" -1620129055000000002","c":-1620129055000000003,"d":1.5e3}';
  const read = parseExactly(text) as Record<string, unknown>;
  assert.equal(nanoseconds(read.a), 1620129055000000001n);
  assert.equal(read.b, '1620129055000000001 in "text" -1620129055000000002');
  assert.equal(nanoseconds(read.c), -1620129055000000003n);
  assert.equal(nanoseconds(read.d), 1500n);
  for (const none of [null, undefined, 1.5, "1.5", "", "x", "99999999999999999999", true, {}]) assert.equal(nanoseconds(none), null);
  const long = `"${"a".repeat(1 << 20)}${'\\"'.repeat(1 << 18)}"`;
  assert.equal((parseExactly(long) as string).length, (1 << 20) + (1 << 18));
});

test("a request, byte for byte", () => {
  assert.deepEqual([...streamRequest("all", true)], [0x12, 4, 0x08, 1, 0x10, 1]);
  assert.deepEqual([...streamRequest([1, 300, 0xffffffff], false)], [0x12, 10, 0x1a, 8, 1, 0xac, 2, 0xff, 0xff, 0xff, 0xff, 0x0f]);
  assert.deepEqual([...streamRequest([], false)], [0x12, 0]);
});

test("whatever comes, it is read or refused, and quickly", () => {
  const chance = chanceOf(7);
  const unpacker = new Unpacker();
  const whole = [...vectors.bursts.map(({ packed }) => bytesOf(packed)), ...vectors.blocks.map(({ packed }) => bytesOf(packed))];
  const raws = whole.map((packed) => unpacker.unpack(packed).slice());
  const before = performance.now();
  let [tries, refused] = [0, 0];
  while (performance.now() - before < 2000 && tries < 40_000) {
    const from = chance() < 0.5 ? whole : raws;
    const bytes = mutated(from[Math.floor(chance() * from.length)]!, chance);
    const started = process.cpuUsage();
    try {
      if (from === whole) readBurst(unpacker.unpack(bytes, 1 << 20), base, nobody);
      else if (chance() < 0.7) readBurst(bytes, base, nobody);
      else new ChunkReader("row", base, nobody).feed(bytes);
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      refused++;
    }
    assert.ok(process.cpuUsage(started).user < 1e6);
    tries++;
  }
  assert.ok(tries > 500 && refused > tries / 10, `${refused} of ${tries}`);
});

/** A copy with some bytes changed, cut, or doubled. It ends where its memory ends, so that reading behind it shows. */
function mutated(bytes: Uint8Array, chance: () => number): Uint8Array {
  const copy = Array.from(bytes);
  for (let i = 0; i <= chance() * 4; i++) {
    const at = Math.floor(chance() * (copy.length + 1));
    const what = chance();
    if (what < 0.5) copy[at] = Math.floor(chance() * 256);
    else if (what < 0.7) copy.splice(at, 1 + Math.floor(chance() * 9));
    else if (what < 0.9) copy.splice(at, 0, ...Array.from({ length: 1 + Math.floor(chance() * 9) }, () => (chance() < 0.5 ? 255 : Math.floor(chance() * 256))));
    else copy.length = Math.min(at, copy.length);
  }
  return Uint8Array.from(copy, (byte) => byte ?? 0);
}
