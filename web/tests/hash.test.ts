import assert from "node:assert/strict";
import { test } from "node:test";
import { readHash, TABS, writeHash, type Place } from "../src/state/hash";
import { emptyListing, type Listing } from "../src/state/listing";
import { emptyView, FOLLOW, HEIGHT, type Axis, type View } from "../src/state/view";

const IDENTITY = "7d7c0b48-28c2-4951-87c3-05f2b3f41a16";

test("a view is read back from the hash that is written of it", () => {
  const random = randomOf(20261129);
  for (let round = 0; round < 2000; round++) {
    const place = randomPlace(random);
    const hash = writeHash(place);
    const { tab, view, listing, problems } = readHash(`#${hash}`);
    assert.deepEqual({ tab, view, listing }, tab === "sessions" ? place : { ...place, listing: emptyListing() }, hash);
    assert.deepEqual(problems, []);
    assert.equal(writeHash({ tab, view, listing }), hash);
    assert.match(hash, /^[\x21-\x7e]*$/);
  }
});

test("a hash can be read by people", () => {
  const view: View = {
    ...emptyView(),
    shown: [{ key: "a", session: IDENTITY, shift: 0 }, { key: "b", session: "run 2", shift: -12_500_000_000 }],
    plots: [
      { id: "1", lines: [{ shown: "a", parameter: "RPM:csv" }, { shown: "b", parameter: "RPM:csv" }], height: 240, axes: { "km/h": { scale: "fixed", min: 0, max: 300 } } },
    ],
    stretch: { from: 1_000_000_001, to: 2e9 },
    zone: "utc",
  };
  assert.equal(
    writeHash({ tab: "plots", view, listing: emptyListing() }),
    `v1/plots?session=a.${IDENTITY}&session=b.run%202;shift=-12.5&plot=a.RPM:csv,b.RPM:csv;height=240;y=km/h,0,300&from=1.000000001&to=2&zone=utc`,
  );
});

test("what is listed can be read by people", () => {
  const listing: Listing = {
    text: "wet lap",
    filters: [{ path: "details.driver", operator: "is", value: "Anna, B." }, { path: "group", operator: "missing", value: "" }],
    page: 2,
  };
  assert.equal(
    writeHash({ tab: "sessions", view: emptyView(), listing }),
    "v1/sessions?search=wet%20lap&filter=details.driver,is,Anna%2C%20B.&filter=group,missing,&page=3",
  );
});

test("an address without a hash is an empty view, and no mistake", () => {
  assert.deepEqual(readHash(""), { tab: "plots", view: emptyView(), listing: emptyListing(), problems: [], empty: true });
});

const WRONG: [string, RegExp][] = [
  ["#nonsense", /begins with v1/],
  ["#v2/plots", /v2.*reads v1/],
  [`#v1/plots?${"x".repeat(70_000)}`, /too long/],
  ["#v1/nowhere", /“nowhere”/],
  ["#v1/plots?colour=red", /“colour”/],
  ["#v1/plots?session=a", /session=a is left out/],
  ["#v1/plots?session=a.x&session=a.y", /a is there twice/],
  ["#v1/plots?session=a.x;shift=much", /expected seconds/],
  ["#v1/plots?session=a.x;colour=red", /“colour=red”/],
  ["#v1/plots?session=a.%ff", /percent-encoded/],
  ["#v1/plots?plot=b.RPM", /“b.RPM”.*does not show/],
  ["#v1/plots?session=a.x&plot=a.RPM;height=tall", /expected a number/],
  ["#v1/plots?session=a.x&plot=a.RPM;y=rpm,3,1", /two numbers that rise/],
  ["#v1/plots?session=a.x&plot=a.RPM;y=rpm,3,1e999", /expected a number/],
  ["#v1/plots?from=3&to=2", /from has to be before to/],
  ["#v1/plots?from=3", /from has to be before to/],
  ["#v1/plots?follow=0", /more than 0/],
  ["#v1/plots?follow=1.0000000001", /nine decimals/],
  ["#v1/plots?zone=mars", /viewer, site, utc, session/],
  ["#v1/sessions?filter=driver,is", /a property, a condition and a value/],
  ["#v1/sessions?filter=driver,like,Anna", /is, isNot, contains/],
  ["#v1/sessions?page=0", /from 1 on/],
];

for (const [hash, words] of WRONG) {
  test(`${hash.slice(0, 50)} says what is wrong with it`, () => {
    const { problems, view } = readHash(hash);
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.match(problems[0]!, words);
    assert.ok("follow" in view.stretch && view.stretch.follow > 0);
  });
}

test("what is right in a hash is shown though something else is wrong", () => {
  const { view } = readHash(`#v1/plots?session=a.${IDENTITY}&zone=mars&plot=a.RPM:csv,c.Boost:csv`);
  assert.deepEqual(view.shown, [{ key: "a", session: IDENTITY, shift: 0 }]);
  assert.deepEqual(view.plots[0]!.lines, [{ shown: "a", parameter: "RPM:csv" }]);
});

test("no hash breaks the page", () => {
  const random = randomOf(7);
  const seed = writeHash(randomPlace(random));
  const signs = "v1/plots?session=a.&;,%~#0123.-eyid";
  for (let round = 0; round < 20_000; round++) {
    const at = Math.floor(random() * seed.length);
    const junk = Array.from({ length: Math.floor(random() * 6) }, () => signs[Math.floor(random() * signs.length)]).join("");
    const { tab, view, listing } = readHash(`#${seed.slice(0, at)}${junk}${seed.slice(at + Math.floor(random() * 8))}`);
    const again = readHash(writeHash({ tab, view, listing }));
    assert.deepEqual(again.view, view);
    assert.deepEqual(again.problems, []);
  }
});

function randomOf(seed: number) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function randomPlace(random: () => number): Place {
  const below = (most: number) => Math.floor(random() * most);
  const one = <T>(values: readonly T[]) => values[below(values.length)]!;
  const text = () => Array.from({ length: 1 + below(12) }, () => one([..."aZ09 .,;=&~%+#?/:@'()!*$äß漢🚗\n"])).join("");
  const time = () => below(2) * below(2 ** 31) * below(4_000_000) + below(1e9);
  const signed = () => (random() < 0.5 ? -time() : time()) || 0;
  const axis = (): Axis => {
    const scale = one(["auto", "parameter", "fixed"] as const);
    const min = one([0, -1.5, 1e-9, -1e21, 0.1, random() * 1e6]);
    return scale === "fixed" ? { scale, min, max: min + 1 + Math.abs(min) * (1 + random()) } : { scale };
  };
  const shown = Array.from({ length: below(4) }, (_, at) => ({ key: "abcd"[at]!, session: text(), shift: one([0, signed()]) }));
  const ids = ["3", "1", "plot two", "2", "7"].slice(below(3));
  const plots = ids.slice(0, below(5)).map((id) => ({
    id,
    lines: shown.flatMap(({ key }) => [...new Set(Array.from({ length: below(3) }, text))].map((parameter) => ({ shown: key, parameter }))),
    height: one([HEIGHT.usual, HEIGHT.least, 333]),
    axes: Object.fromEntries(Array.from({ length: below(3) }, () => [one(["", "km/h", "°C", "__proto__", text()]), axis()])) as Record<string, Axis>,
  }));
  const from = signed();
  const filter = () => ({ path: text(), operator: one(["is", "atLeast", "missing"] as const), value: one(["", text()]) });
  return {
    tab: one(TABS),
    listing: { text: one(["", text()]), filters: Array.from({ length: below(3) }, filter), page: one([0, below(100)]) },
    view: {
      shown,
      plots,
      stretch: random() < 0.5 ? { follow: one([FOLLOW, 1 + time()]) } : { from, to: from + 1 + time() },
      cursor: one([null, signed()]),
      zone: one(["viewer", "utc", "session"] as const),
    },
  };
}
