import assert from "node:assert/strict";
import { test } from "node:test";
import { entriesOf, ranked, SHOWN, treeOf } from "../src/parts/picker/ranking";
import type { Parameter } from "../src/worker/messages";

const parameter = (name: string, unit = "", groups: string[] = [], description = ""): Parameter => ({
  id: `${name}:app`, name, description, application: "app", groups, unit, format: "", min: 0, max: 0, warnMin: 0, warnMax: 0,
  channels: [1], interval: 0, raw: false, texts: null,
});
const names = (parameters: Parameter[]) => parameters.map(({ name }) => name);
const none = new Set<string>();

const ENGINE = [
  parameter("nEngine", "rpm", ["Engine"], "Engine speed"),
  parameter("Engine Temp", "°C", ["Engine", "Cooling"]),
  parameter("vCar", "km/h", ["Chassis"], "Speed of the car"),
  parameter("Speed", "m/s", ["Chassis"]),
  parameter("Wheel Speed FL", "km/h", ["Chassis"]),
  parameter("Überdruck", "bar", ["Engine"]),
];

test("the name counts more than the description, its beginning more than its middle", () => {
  assert.deepEqual(names(ranked(ENGINE, "speed", none)), ["Speed", "Wheel Speed FL", "nEngine", "vCar"]);
  assert.deepEqual(names(ranked(ENGINE, "eng", none)), ["Engine Temp", "nEngine", "Überdruck"]);
});

test("all words have to be somewhere: in the name, the unit, the group or the description", () => {
  assert.deepEqual(names(ranked(ENGINE, "speed km/h", none)), ["Wheel Speed FL", "vCar"]);
  assert.deepEqual(names(ranked(ENGINE, "chassis m/s", none)), ["Speed"]);
  assert.deepEqual(ranked(ENGINE, "speed nowhere", none), []);
  assert.deepEqual(ranked(ENGINE, "  ", none), []);
});

test("upper case and accents make no difference, and signs mean themselves", () => {
  assert.deepEqual(names(ranked(ENGINE, "UBERDRUCK", none)), ["Überdruck"]);
  assert.deepEqual(ranked(ENGINE, "(.*", none), []);
});

test("of those that are alike, favourites come first", () => {
  const two = [parameter("pOil"), parameter("pFuel")];
  assert.deepEqual(names(ranked(two, "p", new Set(["pFuel:app"]))), ["pFuel", "pOil"]);
});

test("each of many parameters is looked at", () => {
  const many = Array.from({ length: 20_000 }, (_, at) => parameter(`Channel ${at}`, "V", ["Group", `${at % 100}`]));
  assert.equal(ranked(many, "channel 1999", none).length, 12);
});

test("the tree has the groups in their order, and counts what is below", () => {
  const tree = treeOf(ENGINE);
  assert.deepEqual(tree.branches.map(({ name, count }) => [name, count]), [["Engine", 3], ["Chassis", 3]]);
  assert.deepEqual(tree.branches[0]!.branches.map(({ name }) => name), ["Cooling"]);
});

test("groups of the same name in different places are not the same", () => {
  const tree = treeOf([parameter("x", "", ["a", "c"]), parameter("y", "", ["b", "c"]), parameter("z", "", ["a/c"])]);
  const paths = tree.branches.flatMap(({ path, branches }) => [path, ...branches.map((it) => it.path)]);
  assert.equal(new Set(paths).size, paths.length);
});

test("small trees are open, large ones closed, and what somebody turns is the other way", () => {
  const small = treeOf(ENGINE);
  assert.equal(entriesOf(small, none, new Map()).length, 9);
  assert.equal(entriesOf(small, new Set(["/Engine"]), new Map()).length, 5);
  const large = treeOf(Array.from({ length: 500 }, (_, at) => parameter(`p${at}`, "", ["G"])));
  assert.deepEqual(entriesOf(large, none, new Map()).map(({ kind }) => kind), ["branch"]);
  const open = entriesOf(large, new Set(["/G"]), new Map());
  assert.deepEqual(open.at(-1), { kind: "more", key: "/G//more", level: 2, more: 500 - SHOWN });
  assert.equal(entriesOf(large, new Set(["/G"]), new Map([["/G", 3]])).length, 501);
});
