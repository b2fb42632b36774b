import assert from "node:assert/strict";
import { test } from "node:test";
import { laidOut, layoutOf, missingOf, readLayouts, withLayout, writeLayouts, type Layout } from "../src/state/layouts";
import { firstChoice, recall, remember, signatureOf } from "../src/state/remembered";
import { shelf } from "../src/state/storage";
import { emptyView, type View } from "../src/state/view";
import type { Parameter } from "../src/worker/messages";

const parameter = (name: string, unit = "", groups: string[] = []): Parameter => ({
  id: `${name}:app`, name, description: "", application: "app", groups, unit, format: "", min: 0, max: 0, warnMin: 0, warnMax: 0,
  channels: [1], interval: 0, raw: false, texts: null,
});

const view: View = {
  ...emptyView(),
  shown: [{ key: "a", session: "one", shift: 0 }, { key: "b", session: "two", shift: 5 }],
  plots: [
    { id: "7", lines: [{ shown: "a", parameter: "RPM:app" }, { shown: "b", parameter: "RPM:app" }], height: 240, axes: { rpm: { scale: "fixed", min: 0, max: 9 } } },
    { id: "9", lines: [{ shown: "a", parameter: "Speed:app" }], height: 200, axes: {} },
  ],
  stretch: { follow: 60e9 },
};
const has = (key: string, id: string) => id !== "Speed:app" || key === "a";

test("a layout is the plots without their sessions, and is laid out for any", () => {
  const layout = layoutOf(" engine ", view);
  assert.equal(layout.name, "engine");
  assert.deepEqual(layout.plots.map((it) => it.parameters), [["RPM:app"], ["Speed:app"]]);
  const again = laidOut({ ...view, plots: [], stretch: { follow: 30e9 } }, layout, has);
  assert.deepEqual(again.plots.map((it) => it.lines), view.plots.map((it) => it.lines));
  assert.deepEqual(again.plots.map((it) => it.id), ["1", "2"]);
  assert.deepEqual(again.plots[0]!.axes, view.plots[0]!.axes);
  assert.deepEqual(again.stretch, { follow: 60e9 });
});

test("plots of parameters that nobody has are left out, and named", () => {
  const layout = layoutOf("engine", view);
  const none = (_: string, id: string) => id === "RPM:app";
  assert.equal(laidOut(view, layout, none).plots.length, 1);
  assert.deepEqual(missingOf(view, layout, none), ["Speed:app"]);
});

test("what stays when a layout is applied is the stretch that somebody looks at", () => {
  const still = { ...view, stretch: { from: 1, to: 2 } };
  assert.deepEqual(laidOut(still, layoutOf("x", view), has).stretch, { from: 1, to: 2 });
});

test("layouts are read back from what is written of them", () => {
  const layouts = [layoutOf("engine", view), { name: "nothing", plots: [], follow: 0 }];
  assert.deepEqual(readLayouts(writeLayouts(layouts)), layouts);
});

test("a layout takes the place of the one of its name", () => {
  const [a, b]: Layout[] = [{ name: "a", plots: [], follow: 0 }, { name: "b", plots: [], follow: 0 }];
  assert.deepEqual(withLayout([b!, a!], { ...a!, follow: 1 }), [{ ...a!, follow: 1 }, b!]);
});

const good = JSON.parse(writeLayouts([layoutOf("engine", view)])) as { layouts: { plots: object[] }[] };
const WRONG: [string, RegExp][] = [
  ["no JSON", /not JSON/],
  ["null", /no layouts/],
  ['{"rta": "layouts", "version": 2, "layouts": []}', /version 2/],
  [JSON.stringify({ ...good, layouts: [{ plots: [] }] }), /layouts\[0\]\.name/],
  [JSON.stringify({ ...good, layouts: [{ name: "x", plots: {} }] }), /layouts\[0\]\.plots/],
  [JSON.stringify({ ...good, layouts: [{ name: "x", plots: [{ parameters: [3] }] }] }), /plots\[0\]\.parameters/],
  [JSON.stringify({ ...good, layouts: [{ name: "x", plots: [{ parameters: [], axes: { rpm: { scale: "log" } } }] }] }), /axes\.rpm\.scale/],
  [JSON.stringify({ ...good, layouts: [{ name: "x", plots: [{ parameters: [], axes: { rpm: { scale: "fixed", min: 1, max: 1 } } }] }] }), /axes\.rpm\.max/],
  [`"${"x".repeat(2 << 20)}"`, /too long/],
];
for (const [text, words] of WRONG) {
  test(`a file is refused in words: ${text.slice(0, 70)}`, () => assert.throws(() => readLayouts(text), words));
}

function memory() {
  const held = new Map<string, string>();
  const storage = {
    getItem: (key: string) => held.get(key) ?? null,
    setItem: (key: string, value: string) => void held.set(key, value),
    removeItem: (key: string) => void held.delete(key),
  };
  return shelf(() => storage as unknown as Storage);
}

test("what was looked at is remembered for sessions with the same parameters", () => {
  const parameters = [parameter("RPM"), parameter("Speed")];
  const kept = memory();
  assert.equal(recall(parameters, kept), null);
  remember([], view, kept);
  assert.equal(recall([], kept), null);
  remember(parameters, view, kept);
  assert.deepEqual(recall([...parameters].reverse(), kept)?.plots.map((it) => it.parameters), [["RPM:app"], ["Speed:app"]]);
  assert.equal(recall([parameter("RPM")], kept), null);
  assert.notEqual(signatureOf([parameter("ab"), parameter("c")]), signatureOf([parameter("a"), parameter("bc")]));
});

test("a browser that keeps nothing, or refuses, breaks nothing", () => {
  const kept = shelf(() => {
    throw new Error("SecurityError");
  });
  kept.set("settings", "{}");
  assert.equal(kept.get("settings"), "{}");
  kept.set("settings", null);
  assert.equal(kept.get("settings"), null);
});

test("the first choice has what everybody knows, related parameters of one unit together, and favourites first", () => {
  const drive = [
    parameter("Accel Position", "%"), parameter("Baro Pressure", "kPa"), parameter("Boost", "kPa"), parameter("Coolant Temp", "C"),
    parameter("Gear Position", "Gear"), parameter("RPM", "RPM"), parameter("Target Throttle", "%"), parameter("Throttle Pos", "%"),
    parameter("Vehicle Speed", "kph"), parameter("Status Flags"),
  ];
  const chosen = (liked: string[] = []) => firstChoice(drive, new Set(liked)).plots.map((it) => it.parameters);
  assert.deepEqual(chosen().slice(0, 3), [["RPM:app"], ["Vehicle Speed:app"], ["Throttle Pos:app", "Target Throttle:app"]]);
  assert.equal(chosen().length, 4);
  assert.deepEqual(chosen(["Coolant Temp:app"])[0], ["Coolant Temp:app"]);
  assert.deepEqual(firstChoice([], new Set()).plots, []);
  const raw = { ...drive[0]!, id: "#9:app", name: "speed #9", raw: true };
  assert.deepEqual(firstChoice([raw, ...drive], new Set()).plots.map((it) => it.parameters), chosen());
  assert.deepEqual(firstChoice([raw], new Set()).plots.map((it) => it.parameters), [["#9:app"]]);
});
