import assert from "node:assert/strict";
import { test } from "node:test";
import { signal } from "@preact/signals";
import { Loop } from "../src/parts/plots/loop";
import { addLine, addPlot, emptyView, hide, show, type View } from "../src/state/view";
import type { Source } from "../src/source";
import type { Command, Line, Report, Session } from "../src/worker/messages";

const frames: (() => void)[] = [];
Object.assign(globalThis, {
  requestAnimationFrame: (frame: () => void) => frames.push(frame),
  cancelAnimationFrame: () => frames.splice(0),
});
const nextFrame = () => frames.splice(0).forEach((frame) => frame());

type Draw = Extract<Command, { type: "draw" }>;

function session(identity: string, end = 100e9): Session {
  return {
    ...{ identity, identifier: identity, state: "open", details: {}, base: 0n, start: 0, end, recordedFrom: 0, heldFrom: null, parameters: [] },
    link: { state: "live" },
  };
}

const line = (parameter: string): Line => {
  const one = Float64Array.of(1);
  const more = { broken: Uint8Array.of(0), gaps: new Float64Array(), whole: true, samples: true };
  return { parameter, time: one, until: one, first: one, low: one, high: one, last: one, ...more };
};

function begin(change: (view: View) => View = (view) => view) {
  let [view, key] = show(emptyView(), "s");
  view = addPlot(view);
  view = change(addLine(view, "1", { shown: key, parameter: "p" }));
  const sent: Draw[] = [];
  const ears: ((report: Report) => void)[] = [];
  const source: Source = {
    send: (command) => void (command.type === "draw" && sent.push(command)),
    listen: (hear) => (ears.push(hear), () => {}),
  };
  const shown = signal(view);
  const loop = new Loop(source, shown, signal(new Map([["s", session("s")], ["t", session("t")]])));
  const stop = loop.start();
  loop.onScreen.add("1");
  loop.resize(1000);
  const tell = (report: Report) => ears.forEach((hear) => hear(report));
  const answer = (draw: Draw) => tell({ type: "drawn", request: draw.request, plot: draw.plot, lines: draw.parameters.map(line) });
  return { loop, view: shown, sent, tell, answer, stop };
}

test("what is asked for while live ends at the newest sample, in whole columns", () => {
  const { sent, stop } = begin();
  nextFrame();
  const [draw] = sent;
  assert.equal(draw!.columns, 1002);
  assert.equal(draw!.from % 30e6, 0);
  assert.ok(draw!.to >= 100e9 && draw!.to <= 100.1e9);
  stop();
});

test("live plots move on when the lines of where they move to are there", () => {
  const { loop, sent, tell, answer, stop } = begin();
  nextFrame();
  answer(sent[0]!);
  nextFrame();
  const before = loop.seen.value.to;
  tell({ type: "range", session: "s", start: 0, end: 200e9 });
  nextFrame();
  assert.equal(loop.seen.value.to, before);
  answer(sent[1]!);
  nextFrame();
  assert.ok(loop.seen.value.to >= 200e9);
  stop();
});

for (const late of [1, 20, 90]) {
  test(`for those who want less motion live plots move once a second, also with lines that come ${late} frames late`, (t) => {
    let now = 10_000;
    t.mock.method(performance, "now", () => now);
    const { loop, sent, tell, answer, stop } = begin((view) => ({ ...view, stretch: { follow: 60e9 } }));
    loop.still = true;
    loop.resize(934); // columns of no whole number of ns, so that sums are rounded
    const moves: number[] = [];
    loop.seen.subscribe(() => moves.push(now));
    moves.length = 0;
    for (let frame = 0; frame < 300; frame++) {
      now += 16;
      tell({ type: "range", session: "s", start: 0, end: 100e9 + (now - 10_000) * 1e6 });
      nextFrame();
      if (frame % late === 0) sent.splice(0).forEach(answer);
    }
    const pauses = moves.slice(1).map((at, nth) => at - moves[nth]!);
    assert.ok(pauses.length >= 3 && pauses.every((pause) => pause >= 1000 && pause < 1100), `${pauses}`);
    stop();
  });
}

test("one request is in flight, however much changes; the next has all of it", () => {
  const { sent, view, tell, answer, stop } = begin();
  nextFrame();
  for (let at = 0; at < 5; at++) {
    tell({ type: "changed", session: "s" });
    view.value = { ...view.value, stretch: { from: at * 1e9, to: at * 1e9 + 10e9 } };
    nextFrame();
  }
  assert.equal(sent.length, 1);
  answer(sent[0]!);
  nextFrame();
  assert.equal(sent.length, 2);
  assert.equal(sent[1]!.from, 4e9 - 250 * 10e6);
  stop();
});

test("a stretch that stays is asked for once, until something of it changes", () => {
  const { sent, tell, answer, stop } = begin((view) => ({ ...view, stretch: { from: 0, to: 10e9 } }));
  nextFrame();
  answer(sent[0]!);
  nextFrame();
  nextFrame();
  assert.equal(sent.length, 1);
  tell({ type: "changed", session: "other" });
  nextFrame();
  assert.equal(sent.length, 1);
  stop();
});

test("a request that fails does not hold up the next", () => {
  const { sent, view, tell, stop } = begin((view) => ({ ...view, stretch: { from: 0, to: 10e9 } }));
  nextFrame();
  tell({ type: "failed", request: sent[0]!.request, reason: "gone" });
  view.value = { ...view.value, stretch: { from: 1e9, to: 11e9 } };
  nextFrame();
  assert.equal(sent.length, 2);
  stop();
});

test("a key that comes to mean another session keeps nothing of the one before", () => {
  const { loop, sent, view, answer, stop } = begin();
  nextFrame();
  answer(sent[0]!);
  assert.ok(loop.lines.has("a"));
  const [other] = show(hide(view.value, "a"), "t");
  view.value = addLine(addPlot(other), "1", { shown: "a", parameter: "p" });
  assert.equal(loop.lines.has("a"), false);
  nextFrame();
  assert.equal(sent.at(-1)!.session, "t");
  stop();
});

test("a shifted session is asked for in its own time", () => {
  const { sent, stop } = begin((view) => ({ ...view, stretch: { from: 20e9, to: 30e9 }, shown: [{ ...view.shown[0]!, shift: 5e9 }] }));
  nextFrame();
  assert.equal(sent[0]!.from, 20e9 - 250 * 10e6 - 5e9);
  stop();
});
