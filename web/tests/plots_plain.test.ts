import assert from "node:assert/strict";
import { test } from "node:test";
import { NOTHING, keyed, keyedY, point, wheelFactor, type Effect, type Hold, type Pointing } from "../src/parts/plots/gestures";
import { cluster, clusterAt, lookOf, type Placed } from "../src/parts/plots/happenings";
import { LiveEdge } from "../src/parts/plots/live_edge";
import { valueText } from "../src/parts/plots/parameters";
import { moveRange, roundRange, roundStep, settle, tickText, ticks, zoomRange } from "../src/parts/plots/scale";
import { Before, all, keep, pan, zoom } from "../src/parts/plots/stretch";
import { clockText, dateText, lengthText, timeText } from "../src/parts/plots/time_text";
import { timeStep, timeTicks } from "../src/parts/plots/time_ticks";
import { bands, extent, trace, visible } from "../src/parts/plots/trace";
import type { Line } from "../src/worker/messages";

const BASE = 1_795_915_006_342_130_033n; // 2026-11-29 01:16:46.342 130 033 UTC

// ---- y axes

test("steps are 1, 2 or 5 times a power of ten", () => {
  assert.equal(roundStep(10, 5), 2);
  assert.equal(roundStep(100, 4), 50);
  assert.equal(roundStep(0.9, 10), 0.1);
  assert.equal(roundStep(7, 10), 1);
});

test("a range gets round ends that hold the data", () => {
  assert.deepEqual(roundRange({ low: -73.2, high: 61.9 }), { low: -80, high: 80 });
  assert.deepEqual(roundRange({ low: 0, high: 1 }), { low: 0, high: 1 });
});

test("a constant gets room about it", () => {
  const { low, high } = roundRange({ low: 50, high: 50 });
  assert.ok(low < 50 && high > 50);
  assert.ok(roundRange({ low: 0, high: 0 }).high > 0);
});

test("ticks are within the range, with as many decimals as they need", () => {
  assert.deepEqual(ticks({ low: -100, high: 100 }, 4), { values: [-100, -50, 0, 50, 100], decimals: 0 });
  const fine = ticks({ low: 0, high: 0.1 }, 5);
  assert.equal(fine.decimals, 2);
  assert.deepEqual(fine.values.map((value) => tickText(value, fine.decimals)), ["0.00", "0.02", "0.04", "0.06", "0.08", "0.10"]);
  assert.equal(tickText(-5e9, 0), "−5e9");
});

test("an axis grows at once, and only where data are outside", () => {
  const was = settle(null, { low: 0, high: 10 }, 0, 1000);
  const grown = settle(was, { low: 2, high: 14 }, 10, 1000);
  assert.deepEqual(grown.range, { low: 0, high: 14 });
});

test("an axis stays while data move within it, and shrinks only after patience", () => {
  let axis = settle(null, { low: 0, high: 100 }, 0, 1000);
  axis = settle(axis, { low: 5, high: 90 }, 100, 1000);
  assert.deepEqual(axis.range, { low: 0, high: 100 });
  axis = settle(axis, { low: 5, high: 20 }, 200, 1000);
  axis = settle(axis, { low: 5, high: 20 }, 1100, 1000);
  assert.deepEqual(axis.range, { low: 0, high: 100 });
  axis = settle(axis, { low: 5, high: 20 }, 1200, 1000);
  assert.deepEqual(axis.range, { low: 4, high: 20 });
});

test("an axis that has nothing to show stays", () => {
  const axis = settle(null, { low: 0, high: 10 }, 0, 1000);
  assert.equal(settle(axis, null, 99, 1000), axis);
});

test("zooming an axis keeps the value at the pointer, in numbers that people can read", () => {
  assert.deepEqual(zoomRange({ low: 0, high: 100 }, 0.25, 0.5), { low: 37.5, high: 87.5 });
  const { low, high } = zoomRange({ low: 0, high: 0.3 }, 1 / 3, 0.7);
  assert.ok(`${low}${high}`.length < 14, `${low} ${high}`);
  assert.deepEqual(moveRange({ low: -10, high: 10 }, 0.1), { low: -8, high: 12 });
});

test("an axis is not zoomed to where numbers end", () => {
  const fine = { low: 1e9, high: 1e9 + 1 };
  assert.equal(zoomRange(fine, 0.5, 0.5), fine);
  const wide = { low: -9e299, high: 9e299 };
  assert.equal(zoomRange(wide, 0.5, 2), wide);
});

test("keys zoom and move the values; arrows alone scroll", () => {
  assert.deepEqual(keyedY("ArrowUp", true, false), { type: "zoom", factor: 0.8 });
  assert.deepEqual(keyedY("ArrowDown", false, true), { type: "move", part: -0.1 });
  assert.deepEqual(keyedY("a", false, false), { type: "free" });
  for (const [shift, ctrl] of [[false, false], [true, true]] as const) assert.equal(keyedY("ArrowUp", shift, ctrl), null);
  assert.equal(keyedY("a", false, true), null);
});

// ---- the live edge

test("the live edge moves evenly between what is said", () => {
  const edge = new LiveEdge();
  for (let at = 0; at <= 2000; at += 100) {
    edge.say(at * 1e6, at);
    edge.at(at, 1e9);
  }
  const [a, b] = [edge.at(2016, 1e9), edge.at(2033, 1e9)];
  assert.ok(b - a > 10e6 && b - a < 25e6, `${b - a}`);
  assert.ok(Math.abs(b - 2033e6) < 100e6);
});

test("the live edge follows a session that is played ten times as fast", () => {
  const edge = new LiveEdge();
  let at = 0;
  for (; at <= 4000; at += 16) {
    if (at % 96 === 0) edge.say(at * 10e6, at);
    edge.at(at, 1.5e9);
  }
  assert.ok(Math.abs(edge.at(at, 1.5e9) - at * 10e6) < 1.5e9);
});

test("the live edge stands still when nothing more is said", () => {
  const edge = new LiveEdge();
  edge.say(1e9, 0);
  edge.say(2e9, 1000);
  edge.at(1000, 1e9);
  for (let at = 1016; at < 9000; at += 16) edge.at(at, 1e9);
  assert.ok(Math.abs(edge.at(9000, 1e9) - 2e9) < 1e6);
  assert.equal(edge.moving(9000, 1e6), false);
});

test("the live edge jumps where it would have far to go", () => {
  const edge = new LiveEdge();
  edge.say(1e9, 0);
  edge.at(0, 1e9);
  edge.say(3600e9, 16);
  assert.equal(edge.at(16, 1e9), 3600e9);
});

// ---- zooming and panning

test("zooming keeps the time at the pointer", () => {
  const zoomed = zoom({ from: 0, to: 100e9 }, 25e9, 0.5);
  assert.deepEqual(zoomed, { from: 12.5e9, to: 62.5e9 });
  assert.equal(zoom({ from: 0, to: 30 }, 15, 1e-6).to - zoom({ from: 0, to: 30 }, 15, 1e-6).from, 20);
});

test("panning stops where there is nothing left", () => {
  const there = { from: 0, to: 100e9 };
  assert.deepEqual(keep(pan({ from: 0, to: 10e9 }, -50e9), there), { from: -9e9, to: 1e9 });
  assert.deepEqual(keep(pan({ from: 90e9, to: 100e9 }, 50e9), there), { from: 99e9, to: 109e9 });
  assert.ok(all(there).from < 0 && all(there).to > 100e9);
});

test("going back undoes a gesture as one step", () => {
  const before = new Before();
  before.leave({ follow: 30e9 }, 0);
  before.leave({ from: 1, to: 2 }, 100); // of the same gesture
  before.leave({ from: 3, to: 4 }, 2000);
  assert.deepEqual(before.back(), { from: 3, to: 4 });
  assert.deepEqual(before.back(), { follow: 30e9 });
  assert.equal(before.back(), undefined);
});

// ---- gestures

function play(events: Pointing[], seen = { from: 0, to: 1000 }, width = 1000): { hold: Hold; effects: Effect[] } {
  let hold = NOTHING;
  const effects: Effect[] = [];
  for (const event of events) {
    let more: Effect[];
    [hold, more] = point(hold, event, seen, width);
    effects.push(...more);
    for (const effect of more) if (effect.type === "stretch") seen = effect.span;
  }
  return { hold, effects };
}

test("a drag pans: the time under the pointer stays there", () => {
  const { effects } = play([
    { type: "down", id: 1, x: 500, shift: false },
    { type: "move", id: 1, x: 490 },
    { type: "move", id: 1, x: 390 },
    { type: "up", id: 1, x: 390 },
  ]);
  assert.deepEqual(effects.at(-1), { type: "stretch", span: { from: 100, to: 1100 } });
});

test("a tap puts the cursor, also where the hand trembles", () => {
  const { effects, hold } = play([
    { type: "down", id: 1, x: 500, shift: false },
    { type: "move", id: 1, x: 502 },
    { type: "up", id: 1, x: 502 },
  ]);
  assert.deepEqual(effects, [{ type: "tap", x: 502 }]);
  assert.equal(hold.mode, "none");
});

test("a drag with Shift zooms to the box, in either direction", () => {
  const { effects } = play([
    { type: "down", id: 1, x: 600, shift: true },
    { type: "move", id: 1, x: -20 },
    { type: "move", id: 1, x: 200 },
    { type: "up", id: 1, x: 200 },
  ]);
  assert.deepEqual(effects[0], { type: "box", left: 0, right: 600 });
  assert.deepEqual(effects.at(-1), { type: "boxed", left: 200, right: 600 });
});

test("two fingers zoom: the times under them stay under them", () => {
  const { effects, hold } = play([
    { type: "down", id: 1, x: 400, shift: false },
    { type: "down", id: 2, x: 600, shift: false },
    { type: "move", id: 1, x: 300 },
    { type: "move", id: 2, x: 700 },
  ]);
  assert.deepEqual(effects.at(-1), { type: "stretch", span: { from: 250, to: 750 } });
  assert.equal(hold.mode, "pinch");
  const [left] = point(hold, { type: "up", id: 1, x: 300 }, { from: 250, to: 750 }, 1000);
  assert.equal(left.mode, "pan");
});

test("a pointer that is lost ends a box without zooming", () => {
  const { effects } = play([
    { type: "down", id: 1, x: 600, shift: true },
    { type: "move", id: 1, x: 200 },
    { type: "cancel", id: 1 },
  ]);
  assert.equal(effects.at(-1)!.type, "unboxed");
});

test("the wheel zooms by pixels, lines and pages, and not without bounds", () => {
  assert.ok(wheelFactor(-100, 0) < 1 && wheelFactor(3, 1) > 1);
  assert.equal(wheelFactor(1e9, 0), wheelFactor(300, 0));
});

test("keys move the cursor, pan, zoom, and go live", () => {
  assert.deepEqual(keyed("ArrowLeft", false, false), { type: "cursor", columns: -1 });
  assert.deepEqual(keyed("ArrowRight", true, false), { type: "pan", part: 0.1 });
  assert.deepEqual(keyed("End", false, false), { type: "live" });
  assert.deepEqual(keyed(" ", false, false), { type: "pause" });
  assert.equal(keyed("x", false, false), null);
});

// ---- times

test("times are shown as finely as is asked, without losing ns", () => {
  const clock = { zone: "utc", base: BASE } as const;
  assert.equal(timeText(clock, 0, 1), "2026-11-29 01:16:46.342\u2009130\u2009033");
  assert.equal(clockText(clock, 1, 1), "01:16:46.342\u2009130\u2009034");
  assert.equal(clockText(clock, 0, 1e6), "01:16:46.342");
  assert.equal(clockText(clock, 0, 1e9), "01:16:46");
  assert.equal(clockText(clock, 0, 60e9), "01:16");
  assert.equal(dateText(clock, 86400e9), "2026-11-30");
});

test("a session's own time begins at its base, and has a sign before it", () => {
  const clock = { zone: "session", base: BASE } as const;
  assert.equal(timeText(clock, 3723.5e9, 1e8), "1:02:03.5");
  assert.equal(timeText(clock, -1.25e9, 1e7), "−0:00:01.25");
  assert.equal(timeText(clock, 100 * 3600e9, 1e9), "100:00:00");
});

test("lengths are in their largest unit", () => {
  assert.deepEqual([30e9, 90e9, 250e3, 20, 2 * 86400e9].map(lengthText), ["30\u202fs", "1.5\u202fmin", "250\u202fµs", "20\u202fns", "2\u202fd"]);
});

test("the time axis has round steps from ns to years", () => {
  assert.deepEqual([20, 2e3, 30e6, 30e9, 300e9, 3600e9, 86400e9, 30 * 86400e9].map((span) => timeStep(span, 10)), [
    2, 200, 5e6, 5e9, 30e9, 600e9, 3 * 3600e9, 7 * 86400e9,
  ]);
});

test("ticks are at round times of the clock, not of the session", () => {
  const { ticks: found, context } = timeTicks({ zone: "utc", base: BASE }, { from: 0, to: 30e9 }, 10);
  assert.deepEqual(found.map(({ text }) => text), ["01:16:50", "01:16:55", "01:17:00", "01:17:05", "01:17:10", "01:17:15"]);
  assert.equal(context, "2026-11-29");
});

test("a tick at midnight says the day", () => {
  const { ticks: found } = timeTicks({ zone: "utc", base: BASE }, { from: 0, to: 1.5 * 86400e9 }, 4);
  assert.deepEqual(found.map(({ text }) => text), ["12:00", "11-30", "12:00"]);
  const days = timeTicks({ zone: "utc", base: BASE }, { from: 0, to: 4 * 86400e9 }, 4);
  assert.deepEqual(days.ticks.map(({ text }) => text), ["11-30", "12-01", "12-02", "12-03"]);
  assert.equal(days.context, "2026");
});

test("ticks of ns are counted from a time that the context says", () => {
  const { ticks: found, context } = timeTicks({ zone: "utc", base: BASE }, { from: 5, to: 25 }, 4);
  assert.deepEqual(found.map(({ text }) => text), ["+40\u202fns", "+45\u202fns", "+50\u202fns", "+55\u202fns"]);
  assert.equal(context, "2026-11-29 01:16:46.342\u2009130");
});

test("ticks keep to the wall clock where it is put back", () => {
  const zone = process.env.TZ;
  process.env.TZ = "Europe/Berlin";
  try {
    const base = BigInt(Date.UTC(2026, 9, 24, 22)) * 1_000_000n; // midnight before the long Sunday
    const { ticks: found } = timeTicks({ zone: "viewer", base }, { from: 0, to: 26 * 3600e9 }, 5);
    assert.deepEqual(found.map(({ text }) => text), ["10-25", "06:00", "12:00", "18:00", "10-26"]);
    assert.equal(found[1]!.at - found[0]!.at, 7 * 3600e9);
  } finally {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  }
});

// ---- lines

function line(rows: [number, number][], more: Partial<Line> = {}): Line {
  const column = (nth: 0 | 1) => Float64Array.from(rows, (row) => row[nth]);
  return {
    ...{ parameter: "p", time: column(0), until: column(0), first: column(1), low: column(1), high: column(1), last: column(1) },
    ...{ broken: new Uint8Array(rows.length), gaps: new Float64Array(), whole: true, samples: true, ...more },
  };
}

const PLACE = { from: 0, to: 100, left: 0, width: 100, top: 0, height: 10, range: { low: 0, high: 10 } };

function traced(from: Line, steps = false) {
  const strokes: string[] = [];
  const path = {
    moveTo: (x: number, y: number) => void strokes.push(`M${x},${y}`),
    lineTo: (x: number, y: number) => void strokes.push(`L${x},${y}`),
  };
  return { ...trace(path, from, PLACE, steps, 8), strokes: strokes.join(" ") };
}

test("samples are joined", () => {
  assert.equal(traced(line([[0, 0], [50, 10], [100, 5]])).strokes, "M0,10 L50,0 L100,5");
});

test("words hold until the next one", () => {
  assert.equal(traced(line([[0, 1], [50, 3]]), true).strokes, "M0,9 L50,9 L50,7");
});

test("a column reaches from its low to its high, and to the one before: a spike is never lost", () => {
  const rows: [number, number][] = [[10, 5], [11, 5], [12, 2]];
  const one = line(rows, { samples: false, high: Float64Array.of(5, 10, 3), low: Float64Array.of(5, 4, 2) });
  assert.equal(traced(one).strokes, "M10.5,4.5 L10.5,5.5 M11.5,0 L11.5,6 M12.5,5 L12.5,8");
});

test("columns that are far apart are joined", () => {
  const one = line([[10, 5], [30, 2]], { samples: false });
  assert.equal(traced(one).strokes, "M10.5,4.5 L10.5,5.5 M10.5,5 L30.5,8 M30.5,7.5 L30.5,8.5");
});

test("a null breaks the line and is marked; a gap breaks it and is not", () => {
  const rows: [number, number][] = [[0, 5], [10, 5], [30, 5], [40, 5]];
  const broken = Uint8Array.of(0, 0, 1, 0);
  const withNull = traced(line(rows, { broken }));
  assert.equal(withNull.strokes, "M0,5 L10,5 M30,5 L40,5");
  assert.deepEqual(withNull.nulls, [20]);
  assert.deepEqual(traced(line(rows, { broken, gaps: Float64Array.of(10, 30) })).nulls, []);
});

test("a sample that stands alone is a dot", () => {
  const many: [number, number][] = Array.from({ length: 40 }, (_, at) => [at * 2, 5]);
  const broken = Uint8Array.from(many, (_, at) => (at === 20 || at === 21 ? 1 : 0));
  assert.deepEqual(traced(line(many, { broken })).dots, [40, 5]);
});

test("what is seen has one more entry on either side", () => {
  const rows: [number, number][] = [[-20, 1], [-10, 1], [50, 1], [110, 1], [120, 1]];
  assert.deepEqual(visible(line(rows), 0, 100), [1, 4]);
});

test("the extent is of what is seen, or of the stroke that passes through", () => {
  const rows: [number, number][] = [[-10, -50], [50, 3], [60, Number.NaN], [70, 8], [110, 99]];
  assert.deepEqual(extent(line(rows), 0, 100), { low: 3, high: 8 });
  assert.deepEqual(extent(line([[-10, 2], [110, 4]]), 0, 100), { low: 2, high: 4 });
  assert.equal(extent(line([]), 0, 100), null);
});

test("gaps of several lines are bands that do not overlap", () => {
  assert.deepEqual(bands([[5, 9], [0, 2], [8, 12], [2, 3]]), [[0, 3], [5, 12]]);
});

// ---- values and events

test("values are shown by the parameter's format, or as words", () => {
  assert.equal(valueText({ texts: null, format: "%.1f" }, 3.14159), "3.1");
  assert.equal(valueText({ texts: null, format: "" }, 0.5), "0.5");
  assert.equal(valueText({ texts: { 1: "on", "": "?" }, format: "" }, 1), "on");
  assert.equal(valueText({ texts: { 1: "on", "": "?" }, format: "" }, 7), "?");
  assert.equal(valueText({ texts: null, format: "%d" }, Number.NaN), "–");
});

test("priorities are told apart by their lines and marks alone; what is not known is low", () => {
  const looks = ["critical", "high", "medium", "low"].map(lookOf);
  assert.equal(new Set(looks.map(({ mark }) => mark)).size, 4);
  assert.equal(new Set(looks.map(({ dash, thick }) => `${dash} ${thick}`)).size, 4);
  assert.equal(lookOf("toString"), lookOf("low"));
});

test("events that are close together are one mark, of the highest priority", () => {
  const event = (at: number, priority: string): Placed => ({ at, time: at, shown: "a", application: "", definition: 0, description: "", text: "", priority });
  assert.equal(cluster([event(1, "high"), event(2, "Critical")], { from: 0, to: 9 }, 50)[0]!.priority, "critical");
  const found = cluster([event(120, "low"), event(21, "HIGH"), event(12, "low"), event(500, "low")], { from: 0, to: 200 }, 50);
  assert.deepEqual(found.map(({ at, priority, events }) => [at, priority, events.length]), [[12, "high", 2], [120, "low", 1]]);
  assert.equal(clusterAt(found, 24, 10), found[0]);
  assert.equal(clusterAt(found, 70, 10), null);
});
