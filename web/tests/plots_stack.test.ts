import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";
import { signal } from "@preact/signals";
import { Stack } from "../src/parts/plots/stack";
import { addLine, addPlot, emptyView, show } from "../src/state/view";
import type { Source } from "../src/source";
import type { Command, Report, Session } from "../src/worker/messages";

Object.assign(globalThis, { requestAnimationFrame: () => 1, cancelAnimationFrame: () => {}, document: { hidden: false } });

type Values = Extract<Command, { type: "values" }>;

const SESSION: Session = {
  ...{ identity: "s", identifier: "s", state: "open", details: {}, base: 0n, start: 0, end: 100, recordedFrom: 0, heldFrom: null, parameters: [] },
  link: { state: "live" },
};

afterEach(() => {
  mock.timers.reset();
  mock.reset();
});

/** Values of one live line; a sample's value is its time. */
function begin(marks = signal(true)) {
  const [view, key] = show(emptyView(), "s");
  const ears: ((report: Report) => void)[] = [];
  const asked: Values[] = [];
  const source: Source = {
    send: (command) => void (command.type === "values" && asked.push(command)),
    listen: (hear) => (ears.push(hear), () => {}),
  };
  const shown = signal(addLine(addPlot(view), "1", { shown: key, parameter: "p" }));
  const stack = new Stack(source, shown, signal(new Map([["s", SESSION]])), marks);
  let now = 0; // ms
  mock.method(performance, "now", () => now);
  mock.timers.enable({ apis: ["setTimeout"] });
  const pass = () => {
    now += 120;
    mock.timers.tick(120);
  };
  stack.start();
  stack.loop.onScreen.add("1");
  const tell = (report: Report) => {
    for (const hear of ears) hear(report);
    pass();
  };
  const answer = () => {
    const { request, at } = asked.at(-1)!;
    tell({ type: "valued", request, values: [{ parameter: "p", time: at, value: at }] });
  };
  pass();
  return { stack, tell, answer, asked, value: () => stack.values.of(key, "p").value.value };
}

test("the cursor tells of the event that it is on, unless events are not to go through the plots", () => {
  const marks = signal(true);
  const { stack } = begin(marks);
  stack.size.value = { width: 1066, scale: 1 };
  stack.look({ from: 0, to: 1000 });
  stack.loop.seen.value = { from: 0, to: 1000, column: 1, live: false };
  const lap = { at: 500, time: 500, shown: "a", application: "", definition: 0, description: "Lap", text: "", priority: "low" };
  stack.events.value = [lap];
  assert.equal(stack.marked.value, null);
  stack.putCursor(503);
  assert.deepEqual(stack.marked.value!.events, [lap]);
  stack.putCursor(520);
  assert.equal(stack.marked.value, null);
  stack.putCursor(500);
  marks.value = false;
  assert.equal(stack.marked.value, null);
});

test("samples that are told before the new end of their session are shown when it is told", () => {
  const { tell, answer, value } = begin();
  answer();
  tell({ type: "changed", session: "s" });
  answer();
  assert.equal(value(), 100);
  tell({ type: "range", session: "s", start: 0, end: 200 });
  answer();
  assert.equal(value(), 200);
});

test("values that could not be read are asked for again", () => {
  const { tell, asked } = begin();
  tell({ type: "failed", request: asked[0]!.request, reason: "the service does not answer" });
  tell({ type: "range", session: "s", start: 0, end: 100 });
  assert.equal(asked.length, 2);
  assert.equal(asked[1]!.at, asked[0]!.at);
});

test("while somebody moves the cursor, newer requests take the place of older ones, and what is answered is shown", () => {
  const { stack, tell, asked, value } = begin();
  const answer = (nth: number) => {
    const { request, at } = asked[nth]!;
    tell({ type: "valued", request, values: [{ parameter: "p", time: at, value: at }] });
  };
  answer(0);
  stack.look({ from: 0, to: 1000 });
  for (const at of [10, 20, 30]) {
    stack.putCursor(at);
    tell({ type: "changed", session: "other" });
  }
  assert.deepEqual(asked.slice(-3).map(({ at }) => at), [10, 20, 30]);
  const first = asked.length - 3;
  answer(first + 1);
  assert.equal(value(), 20);
  answer(first);
  assert.equal(value(), 20, "an older answer that comes late is not taken");
  answer(first + 2);
  assert.equal(value(), 30);
});

test("a moment that moves on by itself is asked for again only once it is answered", () => {
  const { stack, tell, asked } = begin();
  const before = asked.length;
  for (const end of [200, 300, 400]) tell({ type: "range", session: "s", start: 0, end });
  assert.equal(asked.length, before);
  assert.ok(stack.live.value);
});
