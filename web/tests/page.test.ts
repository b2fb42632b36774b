import assert from "node:assert/strict";
import { test } from "node:test";
import { signal } from "@preact/signals";
import type { Source } from "../src/source";
import { pageState } from "../src/state/page";
import type { Command, Link, Parameter, Report, Session } from "../src/worker/messages";

const parameter = (name: string, unit: string): Parameter => ({
  id: `${name}:app`, name, description: "", application: "app", groups: [], unit, format: "", min: 0, max: 0, warnMin: 0, warnMax: 0,
  channels: [1], interval: 0, raw: false, texts: null,
});

const sessionOf = (identity: string, some: Partial<Session> = {}): Session => ({
  identity, identifier: identity, state: "open", details: {}, base: 1_000_000_000_000n, start: 0, end: 60e9, recordedFrom: 0, heldFrom: null,
  parameters: [parameter("RPM", "rpm"), parameter("Speed", "km/h")], link: { state: "live" }, ...some,
});

function begun(hash = "") {
  const sent: Command[] = [];
  const ears = new Set<(report: Report) => void>();
  const source: Source = { send: (command) => void sent.push(command), listen: (hear) => (ears.add(hear), () => ears.delete(hear)) };
  const history: string[] = [hash];
  const address = {
    hash: () => history.at(-1)!,
    write: (next: string, anew: boolean) => void (anew ? history.push(next) : history.splice(-1, 1, next)),
  };
  let refusals = 0;
  const page = pageState(source, address, signal(new Set<string>()), () => void refusals++);
  const tell = (report: Report) => ears.forEach((hear) => hear(report));
  const is = (identity: string, some: Partial<Session> = {}) => tell({ type: "session", session: sessionOf(identity, some) });
  return { page, sent, tell, is, history, refusals: () => refusals };
}

const linesOf = ({ page }: ReturnType<typeof begun>) => page.view.value.plots.map(({ lines }) => lines.map((it) => `${it.shown} ${it.parameter}`));

test("a session that is opened is opened in the Worker, and gets plots once its parameters are known", () => {
  const it = begun();
  it.page.open(["one"]);
  assert.deepEqual(it.sent, [{ type: "open", session: "one" }]);
  it.is("one", { parameters: [] });
  assert.deepEqual(linesOf(it), []);
  it.is("one");
  assert.deepEqual(linesOf(it), [["a RPM:app"], ["a Speed:app"]]);
  assert.deepEqual(it.page.view.value.stretch, { follow: 30e9 });
});

test("plots that somebody has taken away do not come back with the next report", () => {
  const it = begun();
  it.page.open(["one"]);
  it.is("one");
  it.page.view.value = { ...it.page.view.value, plots: [] };
  it.is("one", { state: "closed" });
  assert.deepEqual(linesOf(it), []);
});

test("a session that has ended is shown from its beginning to its end", () => {
  const it = begun();
  it.page.open(["one"]);
  it.is("one", { state: "closed", link: { state: "closed" }, start: 0.5, end: 7.5 });
  assert.deepEqual(it.page.view.value.stretch, { from: 0, to: 8 });
});

test("a second session has the same plots; sessions of other times begin together", () => {
  const it = begun();
  it.page.open(["one", "two"]);
  it.is("one");
  it.is("two", { base: 9_000_000_000_000_000n });
  assert.deepEqual(linesOf(it), [["a RPM:app", "b RPM:app"], ["a Speed:app", "b Speed:app"]]);
  assert.equal(it.page.view.value.shown[1]!.shift, 0);
});

test("sessions that go on at the same time are shown so", () => {
  const it = begun();
  it.page.open(["one"]);
  it.is("one");
  it.page.open(["two"], true);
  it.is("two", { base: 1_010_000_000_001n });
  assert.equal(it.page.view.value.shown[1]!.shift, 10_000_000_001);
  const other = begun();
  other.page.open(["one", "two"]);
  other.is("two", { base: 1_010_000_000_001n });
  other.is("one");
  assert.equal(other.page.view.value.shown[1]!.shift, 10_000_000_001);
});

test("what the address shows is opened, and has the plots that the address has", () => {
  const it = begun("#v1/table?session=a.one&plot=a.Speed:app");
  assert.equal(it.page.tab.value, "table");
  assert.deepEqual(it.sent, [{ type: "open", session: "one" }]);
  it.is("one");
  assert.deepEqual(linesOf(it), [["a Speed:app"]]);
});

test("an address with sessions and no plots gets some", () => {
  const it = begun("#v1/plots?session=a.one");
  it.is("one");
  assert.equal(it.page.view.value.plots.length, 2);
});

test("what is wrong with the address is said", () => {
  assert.match(begun("#v1/plots?zone=mars").page.notices.value[0]!.words, /zone=mars/);
});

test("a session that is hidden is closed, and nothing is heard of it any more", () => {
  const it = begun("#v1/plots?session=a.one&session=b.two&plot=a.RPM:app,b.RPM:app");
  it.is("one");
  it.is("two");
  it.page.current.value = "b";
  it.page.hide("b");
  assert.deepEqual(it.sent.at(-1), { type: "close", session: "two" });
  assert.deepEqual([...it.page.sessions.value.keys()], ["one"]);
  assert.equal(it.page.current.value, "a");
  it.is("two");
  it.tell({ type: "range", session: "two", start: 0, end: 1 });
  assert.deepEqual([...it.page.sessions.value.keys(), ...it.page.ranges.value.keys()], ["one", "one"]);
});

test("the same session twice is opened once, and closed with the last", () => {
  const it = begun("#v1/plots?session=a.one&session=b.one;shift=5");
  it.page.hide("a");
  assert.deepEqual(it.sent.map(({ type }) => type), ["open"]);
  it.page.hide("b");
  assert.deepEqual(it.sent.map(({ type }) => type), ["open", "close"]);
});

test("another tab is a step in the history, and going back leads to it", async () => {
  const it = begun("#v1/plots?session=a.one");
  it.is("one");
  it.page.write();
  it.page.tab.value = "health";
  assert.equal(it.history.length, 2);
  assert.match(it.history[1]!, /^#v1\/health\?session=a\.one&plot=/);
  it.history.pop();
  it.page.arrive();
  assert.equal(it.page.tab.value, "plots");
  assert.equal(it.history.length, 1);
});

test("what is listed is in the address of sessions, and stays while one looks elsewhere", () => {
  const it = begun("#v1/sessions?search=wet&page=2");
  assert.deepEqual(it.page.listing.value, { text: "wet", filters: [], page: 1 });
  it.page.open(["one"]);
  it.is("one");
  assert.doesNotMatch(it.history.at(-1)!, /search/);
  it.page.tab.value = "sessions";
  assert.match(it.history.at(-1)!, /^#v1\/sessions\?search=wet&page=2&session=a\.one/);
  it.history.push("#v1/sessions?search=dry");
  it.page.arrive();
  assert.equal(it.page.listing.value.text, "dry");
  it.history.push("#v1/plots?session=a.two");
  it.page.arrive();
  assert.equal(it.page.listing.value.text, "dry");
});

test("what fails for somebody who has asked is theirs; what fails by itself is said once", () => {
  const it = begun();
  it.tell({ type: "failed", request: 3, reason: "not open" });
  it.tell({ type: "failed", request: null, reason: "the archive is away" });
  it.tell({ type: "failed", request: null, reason: "the archive is away" });
  assert.deepEqual(it.page.notices.value, [{ words: "the archive is away" }]);
});

test("somebody who is refused is asked once", () => {
  const it = begun("#v1/plots?session=a.one");
  const link: Link = { state: "refused", status: 401, reason: "sign in" };
  it.is("one", { link, parameters: [] });
  it.is("one", { link, parameters: [] });
  assert.equal(it.refusals(), 1);
  it.is("one");
  it.is("one", { link });
  assert.equal(it.refusals(), 2);
});
