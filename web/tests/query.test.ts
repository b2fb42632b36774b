import assert from "node:assert/strict";
import { test } from "node:test";
import { queryOf, readMetamodel, type Filter, type Operator } from "../src/service/query";
import { readListed } from "../src/service/sessions";

const LIVE = { state: { $in: ["open", "waiting"] } };
const PROPERTIES = readMetamodel({
  identifier: { capabilities: { filter: true }, constraints: { values: ["WRX drive"] } },
  state: { filter: true, sort: true },
  details: { year: { type: "integer", constraints: { values: [2020], minimum: 2020, maximum: 2020 } }, "tyre.set": {} },
  extDetails: { CarSetup: { label: "CarSetup", properties: { TyrePressure: { type: "number" } } } },
});

const filter = (operator: Operator, value: string, path = "details.year"): Filter => ({ path, operator, value });
const asked = (...filters: Filter[]) => queryOf({ text: "", filters }, true);

test("without anything wanted, all live sessions are", () => {
  assert.deepEqual(asked(), LIVE);
  assert.deepEqual(queryOf({ text: " ", filters: [] }, false), { state: { $nin: ["open", "waiting"] } });
});

test("a typed value is looked for as a text, a number and a boolean", () => {
  assert.deepEqual(asked(filter("is", " 2020 ")), { $and: [LIVE, { "details.year": { $in: ["2020", 2020] } }] });
  assert.deepEqual(asked(filter("isNot", "true")), { $and: [LIVE, { "details.year": { $nin: ["true", true] } }] });
});

test("other conditions are those of the dialect", () => {
  assert.deepEqual(
    asked(filter("contains", "rx"), filter("begins", "W"), filter("atLeast", "1.5e3"), filter("atMost", "2026-11-29"), filter("missing", "")),
    {
      $and: [
        LIVE,
        { "details.year": { $contains: "rx" } },
        { "details.year": { $startsWith: "W" } },
        { "details.year": { $gte: 1500 } },
        { "details.year": { $lte: "2026-11-29" } },
        { "details.year": null },
      ],
    },
  );
});

test("a filter that somebody is still writing asks for nothing", () => {
  assert.deepEqual(asked(filter("is", " "), filter("is", "x", "")), LIVE);
});

test("each word has to be in the name, the identity, the group or a detail", () => {
  const query = queryOf({ text: "wrx 2020", filters: [] }, true, PROPERTIES) as { $and: { $or: object[] }[] };
  assert.equal(query.$and.length, 3);
  assert.deepEqual(query.$and[1]!.$or, [
    { identifier: { $contains: "wrx" } },
    { identity: { $contains: "wrx" } },
    { group: { $contains: "wrx" } },
    { "details.year": { $contains: "wrx" } },
    { "details.tyre.set": { $contains: "wrx" } },
  ]);
  assert.deepEqual(query.$and[2]!.$or.slice(-2), [{ "details.year": 2020 }, { "details.tyre.set": 2020 }]);
});

test("the metamodel says which properties there are, and with which values", () => {
  assert.deepEqual(PROPERTIES.map(({ path }) => path), ["identifier", "details.year", "details.tyre.set", "extDetails.CarSetup.TyrePressure"]);
  assert.deepEqual(PROPERTIES[1], { path: "details.year", label: "year", type: "integer", values: [2020], minimum: 2020, maximum: 2020 });
});

test("a listed session is read whatever its writer's case, and its state as a number", () => {
  const listed = readListed({
    Identity: "x", State: 12, TimeRange: { startTime: 1620129055000000000, endTime: 1620129056500000000 },
    Details: { driver: "SAI", lap: 3, nothing: null }, ConfigBindings: [{ identifier: "c", channelOffset: 0 }, null],
  });
  assert.deepEqual(listed, {
    identity: "x", identifier: "x", state: "truncated", group: "", start: 1620129055000, end: 1620129056500,
    details: { driver: "SAI", lap: 3 }, configurations: ["c"],
  });
  assert.equal(readListed({ identifier: "without an identity" }), null);
});
