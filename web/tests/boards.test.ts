import assert from "node:assert/strict";
import { test } from "node:test";
import { changesOf, valuesText } from "../src/parts/alarms/changes";
import { gapWords } from "../src/parts/streams/gap_words";
import { filtered, ordered, turned } from "../src/parts/table/order";
import { rate, readHealth, readMetrics, sectionOf, subjectOf } from "../src/service/health";
import { readNode } from "../src/service/nodes";
import { readSetting, readStream, valueRows, writeSetting, type Alarm } from "../src/service/streams";
import type { Parameter, Row } from "../src/worker/messages";

const parameter = (id: string, unit = "", more: Partial<Parameter> = {}): Parameter => ({
  id: `${id}:car`, name: id, description: "", application: "car", groups: [], unit, format: "", min: 0, max: 0, warnMin: 0,
  warnMax: 0, channels: [1], interval: 0, raw: false, texts: null, ...more,
});
const row = (id: string, value: number): Row => ({ parameter: `${id}:car`, time: 0, value, rate: 1, min: value, max: value });
const names = (found: Parameter[]) => found.map(({ name }) => name);

test("rows are in the order of a column, and what has no value is last either way", () => {
  const all = ["P10", "P9", "P1", "none"].map((id) => parameter(id));
  const rows = new Map([["P10", 1], ["P9", 3], ["P1", 2]].map(([id, value]) => [`${id}:car`, row(String(id), Number(value))]));
  assert.deepEqual(names(ordered(all, rows, { column: "parameter", falling: false })), ["none", "P1", "P9", "P10"]);
  assert.deepEqual(names(ordered(all, rows, { column: "value", falling: false })), ["P10", "P1", "P9", "none"]);
  assert.deepEqual(names(ordered(all, rows, { column: "value", falling: true })), ["P9", "P1", "P10", "none"]);
});

test("a second click on a column turns its order", () => {
  const first = turned({ column: "parameter", falling: false }, "value");
  assert.deepEqual(first, { column: "value", falling: true });
  assert.deepEqual(turned(first, "value"), { column: "value", falling: false });
});

test("a filter finds words anywhere in a parameter", () => {
  const all = [parameter("RPM", "1/min", { groups: ["Engine"] }), parameter("Speed", "km/h", { description: "Over ground" })];
  assert.deepEqual(names(filtered(all, "engine rp")), ["RPM"]);
  assert.deepEqual(names(filtered(all, "GROUND")), ["Speed"]);
  assert.deepEqual(names(filtered(all, " ")), ["RPM", "Speed"]);
});

test("health is read with its reasons and notes", () => {
  assert.deepEqual(readHealth(200, "Healthy\nnote: a: b"), { healthy: true, reasons: [], notes: ["a: b"] });
  assert.deepEqual(readHealth(503, "buffer: away\narchive: full\nnote: x\n"), {
    healthy: false, reasons: ["buffer: away", "archive: full"], notes: ["x"],
  });
  assert.equal(subjectOf("source 'wrx': no such file"), "source");
  assert.equal(subjectOf("strange"), "other");
});

test("metrics are read with help, kind and labels, without the times of their making", () => {
  const text = [
    "# HELP rta_a_total Of a.", "# TYPE rta_a_total counter", 'rta_a_total{kind="x",of="y"} 3.0', 'rta_a_total{kind="z"} 4',
    "# HELP rta_a_created Of a.", "# TYPE rta_a_created gauge", 'rta_a_created{kind="x"} 1.7e+09', "# HELP rta_b B.", "# TYPE rta_b gauge", "rta_b +Inf", "", "strange line",
  ].join("\n");
  assert.deepEqual(readMetrics(text).map(({ name, help, counter, samples }) => [name, help, counter, samples]), [
    ["rta_a_total", "Of a.", true, [{ labels: 'kind="x",of="y"', value: 3 }, { labels: 'kind="z"', value: 4 }]],
    ["rta_b", "B.", false, [{ labels: "", value: Infinity }]],
  ]);
  assert.equal(sectionOf("rta_clients_behind"), "clients");
  assert.equal(sectionOf("python_info"), "service");
});

test("a rate is told of two looks at a counter that went on", () => {
  assert.equal(rate(undefined, 5, 1000), null);
  assert.equal(rate(10, 5, 1000), null);
  assert.equal(rate(10, 30, 2000), 10);
});

test("settings survive being written and read", () => {
  for (const value of [1, true, null, ["avg"], { rpm: "change" }, "100ms", "on_change"]) assert.deepEqual(readSetting(writeSetting(value)), value);
});

test("a stream's state is told from its settings", () => {
  const stream = readStream({ code: "car.engine", name: "live", state: "running", seq: 3, update: "10s", prune: { timeout: "off" }, consumers: {}, kept: null });
  assert.deepEqual(stream.settings, { update: "10s", prune: { timeout: "off" } });
  assert.equal(stream.startedBy, null);
});

test("the last values of a stream are told by attribute and component", () => {
  const last = { ts: "2026-01-01T00:00:00.000Z", seq: 7, values: { rpm: 800, group: { "sg/1": "G", "sg/2": null }, on: true, oil: null } };
  const stream = readStream({ code: "car.engine", state: "running", last });
  assert.deepEqual([stream.last, stream.settings], [last, {}]);
  assert.deepEqual(valueRows(last.values).map(({ attribute, component, value }) => [attribute, component, value]), [
    ["rpm", "", 800], ["group", "sg/1", "G"], ["group", "sg/2", null], ["on", "", true], ["oil", "", null],
  ]);
  assert.equal(readStream({ code: "car.engine", state: "stopped", last: null }).last, null);
});

test("a remote node is read with its streams and gaps, and what is missing is said in words", () => {
  const gap = { after_seq: 90, before_seq: 94, since: "2026-01-01T00:00:01Z", until: "2026-01-01T00:00:02Z", missing: 3 };
  const said = { code: "car.engine", name: "", state: "running", ts: null, seq: 95, entries: 92, gaps: [gap], healed: 1, given_up: 2, lost: 7, replaying: false };
  const node = readNode({ id: "dk/1", source: "plant", presence: "asleep", since: null, retained: false, session: null, heals: true, streams: [said] });
  assert.equal(node.presence, "unknown");
  const stream = node.streams![0]!;
  assert.deepEqual([stream.seq, stream.givenUp, stream.gaps[0]!.missing], [95, 2, 3]);
  assert.deepEqual(gapWords(stream, true, true), [
    "3 entries are missing between 90 and 94.", "They are fetched if the node does not send them by itself.",
    "1 gap was filled.", "2 gaps are given up, with 7 entries lost.",
  ]);
  const open = { ...stream, gaps: [{ ...stream.gaps[0]!, missing: 1 }], healed: 0, givenUp: 0 };
  assert.deepEqual(gapWords({ ...open, replaying: true }, true, true), ["1 of 3 entries are missing between 90 and 94.", "The node is sending them."]);
  assert.deepEqual(gapWords({ ...open, gaps: Array(6).fill(open.gaps[0]!) }, false, true).slice(0, 1), ["2 older gaps are open."]);
  assert.deepEqual(gapWords({ ...open, gaps: [] }, true, true), ["Nothing is missing."]);
  assert.equal(gapWords(open, true, false)[1], "They may come once the node is online.");
  assert.equal(readNode({ id: "x", streams: null }).streams, null);
});

test("what alarms did is told of all of them, the newest first", () => {
  const alarm = (component: string | null, ...history: [string, boolean][]): Alarm => ({
    code: "car.hot", component, description: "", active: false, since: null, values: {}, source: "", rule: "",
    history: history.map(([ts, active]) => ({ ts, active, values: { value: 1.5, is: "x" } })),
  });
  const found = changesOf([
    alarm("front", ["2026-01-01T00:00:00.000Z", true], ["2026-01-01T00:00:09.000Z", false]),
    alarm(null, ["2026-01-01T00:00:05.000Z", true], ["2026-01-01T00:00:05.000Z", false]),
    alarm("rear"),
  ]);
  assert.deepEqual(found.map(({ name, active, at }) => [name, active, at.slice(17, 19)]), [
    ["car.hot front", false, "09"], ["car.hot", false, "05"], ["car.hot", true, "05"], ["car.hot front", true, "00"],
  ]);
  assert.equal(valuesText(found[0]!.values), "value 1.5, is x");
  assert.equal(changesOf([alarm(null, ...Array.from({ length: 600 }, (_, at): [string, boolean] => [String(at), true]))]).length, 500);
});
