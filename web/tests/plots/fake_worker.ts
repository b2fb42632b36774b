/** A Worker that makes samples up: plots can be tried without a service. Two sessions, one live and one closed. */

import type { Command, Line, Parameter, Report, Session, TimedEvent } from "../../src/worker/messages";

const RATE = 100; // samples a second
const STEP = 1e9 / RATE;
const BLOCK = 25;
const HISTORY = 900; // s before now
const COUNT = 20;
const tell = (report: Report, transfer: Transferable[] = []) => postMessage(report, { transfer });

interface Made {
  values: Float64Array;
  low: Float64Array; // of each block
  high: Float64Array;
  nth: number;
}

interface Fake {
  session: Session;
  made: Made[];
  count: number;
  gaps: [number, number][]; // ns
  began: number;
}

const SIZE = 400_000;
const UNITS = ["km/h", "rpm", "°C", "bar", ""];
const fakes = new Map<string, Fake>();

function parameter(nth: number): Parameter {
  const words = nth === 4;
  return {
    ...{ id: `signal${nth}:fake`, name: ["speed", "engine", "oil", "brake", "gear"][nth] ?? `signal${nth}`, description: `Signal number ${nth}` },
    ...{ application: "fake", groups: [], unit: UNITS[nth % 5]!, format: words ? "" : "%.2f", min: words ? 0 : -100, max: words ? 3 : 100 },
    ...{ warnMin: nth === 0 ? -80 : 0, warnMax: nth === 0 ? 80 : 0, channels: [nth], interval: STEP, raw: false },
    texts: words ? { 0: "neutral", 1: "first", 2: "second", 3: "third", "": "?" } : null,
  };
}

function value(nth: number, at: number): number {
  if (nth === 4) return Math.floor(at / 700) % 4;
  if (nth === 2 && at % 2000 > 1980) return Number.NaN;
  const wave = Math.sin(at / (40 + nth * 17)) * (50 + nth) + Math.sin(at / 1311 + nth) * 20;
  return at % 5000 === 1234 ? 160 : wave + (((at * 7919 + nth * 104729) % 1000) / 1000 - 0.5) * 6;
}

function extend(fake: Fake, count: number): void {
  for (const made of fake.made) {
    for (let at = fake.count; at < count; at++) {
      const block = Math.floor(at / BLOCK);
      const v = (made.values[at] = value(made.nth, at));
      if (at % BLOCK === 0) [made.low[block], made.high[block]] = [Infinity, -Infinity];
      if (v < made.low[block]!) made.low[block] = v;
      if (v > made.high[block]!) made.high[block] = v;
    }
  }
  fake.count = count;
}

function open(identity: string): void {
  if (fakes.has(identity)) return tell({ type: "session", session: fakes.get(identity)!.session });
  const live = identity === "live";
  const base = BigInt(Date.now() - HISTORY * 1000) * 1_000_000n + 123_456n - (live ? 0n : 86_400_000_000_000n);
  const made = Array.from({ length: COUNT }, (_, nth) => ({ values: new Float64Array(SIZE), low: new Float64Array(SIZE / BLOCK), high: new Float64Array(SIZE / BLOCK), nth }));
  const session: Session = {
    ...{ identity, identifier: live ? "Live drive" : "Yesterday's drive", state: live ? "open" : "closed", details: {}, base, start: 0, end: 0, recordedFrom: 0, heldFrom: null },
    ...{ parameters: made.map(({ nth }) => parameter(nth)), link: live ? { state: "live" } : { state: "closed" } },
  };
  const fake: Fake = { session, made, count: 0, gaps: [[(HISTORY - 40) * 1e9, (HISTORY - 37) * 1e9], [300e9, 330e9]], began: performance.now() };
  fakes.set(identity, fake);
  extend(fake, HISTORY * RATE);
  session.end = (fake.count - 1) * STEP;
  tell({ type: "session", session });
  if (!live) return;
  let said = 0;
  setInterval(() => {
    const count = HISTORY * RATE + Math.floor(((performance.now() - fake.began) / 1000) * RATE);
    if (count <= fake.count) return;
    extend(fake, Math.min(count, SIZE));
    session.end = (fake.count - 1) * STEP;
    tell({ type: "changed", session: identity });
    if (performance.now() - said < 100) return;
    said = performance.now();
    tell({ type: "range", session: identity, start: 0, end: session.end });
  }, 16);
}

const missing = (fake: Fake, time: number) => fake.gaps.some(([from, to]) => time > from && time < to);

function line(fake: Fake, id: string, from: number, to: number, columns: number): Line {
  const made = fake.made[fake.session.parameters.findIndex((each) => each.id === id)]!;
  const first = Math.max(Math.ceil(from / STEP) - 1, 0);
  const last = Math.min(Math.floor(to / STEP) + 1, fake.count - 1);
  const samples = last - first < columns * 2;
  const width = (to - from) / columns;
  const rows: number[][] = [];
  let broken = 0;
  for (let at = first; at <= last; ) {
    const time = at * STEP;
    if (missing(fake, time) || Number.isNaN(made.values[at]!)) [at, broken] = [at + 1, 1];
    else if (samples) {
      const v = made.values[at]!;
      rows.push([time, time, v, v, v, v, broken]);
      [at, broken] = [at + 1, 0];
    } else {
      const end = Math.min(Math.floor((Math.floor((time - from) / width + 1) * width + from - 1) / STEP), last);
      let [low, high] = [made.values[at]!, made.values[at]!];
      let i = at;
      for (; i <= end && !missing(fake, i * STEP); ) {
        if (i % BLOCK === 0 && i + BLOCK <= end) {
          low = Math.min(low, made.low[i / BLOCK]!);
          high = Math.max(high, made.high[i / BLOCK]!);
          i += BLOCK;
        } else {
          const v = made.values[i]!;
          if (v < low) low = v;
          if (v > high) high = v;
          i++;
        }
      }
      rows.push([time, (i - 1) * STEP, made.values[at]!, low, high, made.values[i - 1]!, broken]);
      [at, broken] = [Math.max(i, at + 1), 0];
    }
  }
  const column = (nth: number) => Float64Array.from(rows, (row) => row[nth]!);
  return {
    ...{ parameter: id, time: column(0), until: column(1), first: column(2), low: column(3), high: column(4), last: column(5) },
    ...{ broken: Uint8Array.from(rows, (row) => row[6]!), gaps: Float64Array.from(fake.gaps.flat()), whole: from > 100e9, samples },
  };
}

addEventListener("message", ({ data }: MessageEvent<Command>) => {
  if (data.type === "open") return open(data.session);
  const fake = "session" in data ? fakes.get(data.session) : undefined;
  if (fake === undefined) return;
  const index = (id: string) => fake.session.parameters.findIndex((each) => each.id === id);
  if (data.type === "draw") {
    const lines = data.parameters.map((id) => line(fake, id, data.from, data.to, data.columns));
    const arrays = lines.flatMap((each) => [each.time, each.until, each.first, each.low, each.high, each.last, each.gaps].map(({ buffer }) => buffer as ArrayBuffer));
    tell({ type: "drawn", request: data.request, plot: data.plot, lines }, arrays);
  } else if (data.type === "values") {
    const at = Math.min(Math.floor(data.at / STEP), fake.count - 1);
    tell({ type: "valued", request: data.request, values: data.parameters.map((id) => ({ parameter: id, time: at * STEP, value: fake.made[index(id)]!.values[at] ?? Number.NaN })) });
  } else if (data.type === "samples") {
    const first = Math.max(Math.ceil(data.from / STEP), 0);
    const count = Math.max(Math.min(Math.floor(data.to / STEP), fake.count - 1) - first + 1, 0);
    const times = Float64Array.from({ length: Math.min(count, data.limit) }, (_, nth) => (first + nth) * STEP);
    tell({ type: "sampled", request: data.request, times, values: times.map((time) => fake.made[index(data.parameter)]!.values[time / STEP]!), more: count > data.limit });
  } else if (data.type === "events") {
    const events: TimedEvent[] = [];
    for (let at = Math.max(Math.ceil(data.from / 3.7e9), 0); at * 3.7e9 <= Math.min(data.to, fake.session.end) && events.length < data.limit; at++) {
      events.push({ time: at * 3.7e9, application: "fake", definition: at % 3, description: ["Gear changed", "Oil is hot", "Lap"][at % 3]!, priority: ["low", "high", "medium"][at % 3]!, text: `number ${at}` });
    }
    tell({ type: "happened", request: data.request, events, more: false });
  }
});
