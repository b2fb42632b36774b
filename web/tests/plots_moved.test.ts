import assert from "node:assert/strict";
import { test } from "node:test";
import { keptOf, type Picture } from "../src/parts/plots/moved";
import type { Line } from "../src/worker/messages";

/** A line of one sample a column, which is 10 ns; each value is its time, but for those that are given. */
function line(from: number, to: number, values: Record<number, number> = {}, more: Partial<Line> = {}): Line {
  const time = Float64Array.from({ length: (to - from) / 10 }, (_, k) => from + 10 * k);
  const value = time.map((at) => values[at] ?? at);
  const broken = new Uint8Array(time.length);
  return { parameter: "p", time, until: time, first: value, low: value, high: value, last: value, broken, gaps: new Float64Array(), whole: true, samples: false, ...more };
}

const trace = (line: Line, shift = 0, warn: [number, number] | null = null) => ({ line, shift, nth: 0, axis: 0, steps: false, warn });
const picture = (from: number, ...traces: ReturnType<typeof trace>[]): Picture => ({ seen: { from, to: from + 1000, column: 10, live: true }, traces, key: "k" });

test("what moves on is painted from the last column that was there", () => {
  const kept = keptOf(picture(0, trace(line(0, 1000))), picture(50, trace(line(50, 1050))));
  assert.deepEqual(kept, { columns: 5, until: 990 });
});

test("a column that has got further samples is painted, with the stroke that leads to it", () => {
  const kept = keptOf(picture(0, trace(line(0, 1000))), picture(0, trace(line(0, 1000, { 700: 3 }))));
  assert.deepEqual(kept, { columns: 0, until: 690 });
});

test("of several lines the first that has changed counts, in the time of the axis", () => {
  const one = (values = {}) => trace(line(-100, 900, values), 100);
  const kept = keptOf(picture(0, trace(line(0, 1000)), one()), picture(0, trace(line(0, 1000, { 900: 1 })), one({ 400: 1 })));
  assert.deepEqual(kept, { columns: 0, until: 490 });
});

test("where nothing has changed nothing is painted", () => {
  assert.deepEqual(keptOf(picture(0, trace(line(0, 1000))), picture(0, trace(line(0, 1000)))), { columns: 0, until: Infinity });
});

test("a null is the same as itself", () => {
  const nulls = { 500: NaN };
  assert.equal(keptOf(picture(0, trace(line(0, 1000, nulls))), picture(0, trace(line(0, 1000, nulls))))!.until, Infinity);
});

const all = (before: Picture | null, now: Picture) => assert.equal(keptOf(before, now), null);

test("all is painted where the picture is another one", () => {
  const now = picture(50, trace(line(50, 1050)));
  all(null, now);
  all({ ...picture(0, trace(line(0, 1000))), key: "other" }, now);
  all(picture(100, trace(line(100, 1100))), now); // it moves back
  all(picture(45, trace(line(45, 1045))), now); // by part of a column
  all({ ...picture(0, trace(line(0, 1000))), seen: { from: 0, to: 1000, column: 20, live: true } }, now);
});

test("all is painted where something stands still, or is no column", () => {
  const before = picture(0, trace(line(0, 1000)));
  all(before, picture(0, trace(line(0, 1000, {}, { gaps: Float64Array.of(300, 400) }))));
  all(picture(0, trace(line(0, 1000, {}, { gaps: Float64Array.of(300, 400) }))), before);
  all(before, picture(0, trace(line(0, 1000, {}, { samples: true }))));
  all(before, picture(0, trace(line(0, 1000, {}, { whole: false }))));
  all(picture(0, trace(line(0, 1000), 0, [1, 2])), picture(0, trace(line(0, 1000), 0, [1, 2])));
});
