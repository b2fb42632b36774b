import assert from "node:assert/strict";
import { test } from "node:test";
import { addColumns, addEach } from "../src/series/columns";
import { Intervals } from "../src/series/intervals";
import { LineBuilder } from "../src/series/line";
import { Series } from "../src/series/series";
import { Steps } from "../src/series/steps";
import { chanceOf } from "./vectors";

type Sample = [time: number, value: number];

function insert(series: Series, samples: Sample[]): void {
  const [times, values] = [Float64Array.from(samples, ([time]) => time), Float64Array.from(samples, ([, value]) => value)];
  series.insert(times, values, samples.length);
}

function samplesOf(series: Series): Sample[] {
  return series.blocks.flatMap((block) =>
    Array.from({ length: block.count }, (_, i): Sample => [block.times[i]!, block.values[i]!]),
  );
}

/** In the order of time; what is equal in time and value is once. */
function naive(samples: Sample[]): Sample[] {
  const sorted = samples.map((sample, i) => ({ sample, i })).sort((a, b) => a.sample[0] - b.sample[0] || a.i - b.i);
  const out: Sample[] = [];
  for (const { sample } of sorted) {
    const same = out.filter(([time]) => time === sample[0]);
    if (!same.some(([, value]) => Object.is(value, sample[1]))) out.push(sample);
  }
  return out;
}

/** About even samples with nulls and pauses, some of them given late, some twice. */
function jumbled(chance: () => number, count: number): Sample[][] {
  const samples: Sample[] = [];
  for (let i = 0, time = 0; i < count; i++) {
    time += chance() < 0.005 ? 5000 : 10 + Math.floor(chance() * 5);
    samples.push([time, chance() < 0.05 ? NaN : Math.round(chance() * 1e6) / 1e3]);
  }
  const items: Sample[][] = [];
  for (let at = 0; at < count; ) {
    const size = 1 + Math.floor(chance() ** 3 * 300);
    items.push(samples.slice(at, at + size));
    at += size;
  }
  for (let i = 0; i < items.length; i++) {
    const other = chance() < 0.3 ? Math.floor(chance() * items.length) : i;
    [items[i], items[other]] = [items[other]!, items[i]!];
    if (chance() < 0.1) items.splice(i, 0, items[other]!);
  }
  return items;
}

function byTimeAndValue([a, x]: Sample, [b, y]: Sample): number {
  return a - b || (Number.isNaN(x) ? 1 : Number.isNaN(y) ? -1 : x - y);
}

test("samples in any order are as if they had come in order", () => {
  for (let seed = 1; seed <= 12; seed++) {
    const chance = chanceOf(seed);
    const items = jumbled(chance, 3000);
    const series = new Series();
    for (const item of items) insert(series, item);
    const expected = naive(items.flat());
    assert.deepEqual(samplesOf(series).sort(byTimeAndValue), expected.sort(byTimeAndValue), `seed ${seed}`);
    assert.equal(series.count, expected.length);
    for (let i = 0; i < 50; i++) {
      const [from, to] = [chance() * 60_000, chance() * 60_000].sort((a, b) => a - b) as [number, number];
      const within = expected.filter(([time]) => time >= from && time <= to);
      assert.equal(series.countIn(from, to), within.length);
      const last = expected.filter(([time]) => time <= from).at(-1);
      assert.equal(series.lastAt(from)?.time, last?.[0]);
      assert.equal(series.firstAfter(from)?.time, expected.find(([time]) => time > from)?.[0]);
    }
  }
});

test("an item that runs backwards is put in order", () => {
  const series = new Series();
  insert(series, [[5, 1], [3, 2], [9, 3], [3, 4], [5, 1]]);
  assert.deepEqual(samplesOf(series), [[3, 2], [3, 4], [5, 1], [9, 3]]);
});

test("columns have the first, lowest, highest and last of all that is in them, and gaps are found", () => {
  const LONGEST = 100;
  for (let seed = 20; seed <= 32; seed++) {
    const chance = chanceOf(seed);
    const series = new Series();
    const items = jumbled(chance, 4000);
    for (const item of items) insert(series, item);
    const all = samplesOf(series);
    for (let round = 0; round < 20; round++) {
      const [from, to] = [chance() * 60_000, chance() * 80_000].sort((a, b) => a - b) as [number, number];
      const width = 1 + chance() * 3000;
      const within = all.filter(([time]) => time >= from && time <= to);
      const line = new LineBuilder("p", (a, b) => b - a > LONGEST, 4);
      addColumns(series, from, to, width, line, LONGEST);
      const drawn = line.build();
      const columns = new Map<number, Sample[]>();
      for (const sample of within) {
        const column = Math.floor(sample[0] / width);
        columns.set(column, [...(columns.get(column) ?? []), sample]);
      }
      const expected = [...columns.values()].map((list) => list.filter(([, value]) => !Number.isNaN(value))).filter((list) => list.length > 0);
      assert.equal(drawn.time.length, expected.length);
      expected.forEach((list, i) => {
        const values = list.map(([, value]) => value);
        assert.deepEqual(
          [drawn.time[i], drawn.until[i], drawn.first[i], drawn.last[i], drawn.low[i], drawn.high[i]],
          [list[0]![0], list.at(-1)![0], values[0], values.at(-1), Math.min(...values), Math.max(...values)],
        );
      });
      const gaps = within.slice(1).flatMap(([time], i) => (time - within[i]![0] > LONGEST ? [within[i]![0], time] : []));
      assert.deepEqual([...drawn.gaps], gaps);
      expected.slice(1).forEach((list, i) => {
        const [a, b] = [expected[i]!.at(-1)![0], list[0]![0]];
        const between = within.filter(([time]) => time >= a && time <= b);
        const isBroken = between.some(([, value]) => Number.isNaN(value)) || between.slice(1).some(([time], k) => time - between[k]![0] > LONGEST);
        assert.equal(drawn.broken[i + 1], isBroken ? 1 : 0);
      });
    }
  }
});

test("each sample, where there are few", () => {
  const series = new Series();
  insert(series, [[1, 5], [2, NaN], [3, 6], [4, 7], [900, 8]]);
  const line = new LineBuilder("p", (a, b) => b - a > 100, 4);
  addEach(series, 1, 900, line);
  const { time, broken, gaps } = line.build();
  assert.deepEqual([[...time], [...broken], [...gaps]], [[1, 3, 4, 900], [1, 1, 0, 1], [4, 900]]);
});

test("a spike in millions of samples is seen, and looking takes milliseconds", () => {
  const series = new Series();
  const count = 2_000_000;
  const [times, values] = [new Float64Array(count), new Float64Array(count)];
  for (let i = 0; i < count; i++) {
    times[i] = i * 1e7;
    values[i] = Math.sin(i / 1000);
  }
  values[1_234_567] = 99;
  series.insert(times, values, count);
  const before = process.cpuUsage();
  const line = new LineBuilder("p", () => false, 1100);
  addColumns(series, 0, count * 1e7, (count * 1e7) / 1000, line, Infinity);
  const took = process.cpuUsage(before).user / 1000;
  const { high } = line.build();
  assert.equal(Math.max(...high), 99);
  assert.ok(took < 500, `${took} ms`);
});

test("what is forgotten is gone, and the rest is as it was", () => {
  const series = new Series();
  insert(series, Array.from({ length: 5000 }, (_, i): Sample => [i, i]));
  series.forget((block) => block.last < 2000);
  assert.ok(series.first > 900 && series.first < 2000 && series.count === 5000 - series.first);
  insert(series, [[10, 1]]);
  assert.equal(series.first, 10);
});

test("how far apart samples usually are, and what a gap is", () => {
  assert.equal(new Steps(10).longest, 15);
  const even = new Steps(0);
  assert.equal(even.longest, Infinity);
  for (let i = 0; i < 300; i++) even.add(i % 50 === 0 ? 5000 : 10);
  assert.deepEqual([even.usual, even.longest], [10, 40]);
  const chance = chanceOf(5);
  const odd = new Steps(0);
  for (let i = 0; i < 300; i++) odd.add(chance() < 0.2 ? 1000 : 10);
  assert.deepEqual([odd.usual, odd.longest], [1000, 20_000]);
});

test("stretches are added, taken out and asked for as by hand", () => {
  const chance = chanceOf(9);
  const stretches = new Intervals();
  const naive = new Set<number>();
  for (let i = 0; i < 500; i++) {
    const from = Math.floor(chance() * 200);
    const to = from + Math.floor(chance() * 30);
    const adds = chance() < 0.5;
    if (adds) stretches.add(from, to);
    else stretches.remove(from, to);
    for (let k = from; k <= to; k++) {
      if (adds) naive.add(k);
      else naive.delete(k);
    }
    const [a, b] = [Math.floor(chance() * 200), Math.floor(chance() * 230)].sort((x, y) => x - y) as [number, number];
    const range = Array.from({ length: b - a + 1 }, (_, k) => a + k);
    const points = (list: [number, number][]) => list.flatMap(([x, y]) => Array.from({ length: y - x + 1 }, (_, k) => x + k));
    assert.deepEqual(points(stretches.within(a, b)), range.filter((k) => naive.has(k)));
    assert.deepEqual(points(stretches.missing(a, b)), range.filter((k) => !naive.has(k)));
    assert.equal(stretches.covers(a, b), range.every((k) => naive.has(k)));
    assert.equal(stretches.has(a), naive.has(a));
    assert.ok(stretches.list.every(([x], k) => k === 0 || x > stretches.list[k - 1]![1] + 1));
  }
});
