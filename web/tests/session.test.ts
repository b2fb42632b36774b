import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Desk } from "../src/worker/desk";
import type { Command, Line, Link, Report, Session, TimedEvent } from "../src/worker/messages";
import { Rest } from "../src/worker/rest";
import { Documents } from "../src/worker/documents";
import { forgetFarthest } from "../src/worker/memory";
import { samplesWithin } from "../src/worker/reading";
import { OpenSession } from "../src/worker/session";
import { Unpacker } from "../src/wire/lz4";
import { FakeService, lap, rowOf, sample, type Item } from "./fake_service";

const S = 1e9;

/** Distributes over unions. */
type Asked<T> = T extends { request: number } ? Omit<T, "request"> : never;

/** The page's side of a Worker. */
class Page {
  session: Session | null = null;
  links: Link["state"][] = [];
  failures: string[] = [];
  changes = 0;
  #ears = new Set<() => void>();
  #answers = new Map<number, (report: Report) => void>();
  #request = 0;
  readonly desk = new Desk(new Rest("http://rta.test/"), (report) => this.#hear(report));

  constructor() {
    this.desk.handle({ type: "open", session: "s" });
  }

  ask<T extends Report["type"]>(command: Asked<Command>): Promise<Extract<Report, { type: T }>> {
    const request = ++this.#request;
    return new Promise((resolve, reject) => {
      this.#answers.set(request, (report) => {
        if (report.type === "failed") reject(new Error(report.reason));
        else resolve(report as Extract<Report, { type: T }>);
      });
      this.desk.handle({ ...command, request } as Command);
    });
  }

  /** Waits until something is so; it is looked at whenever the Worker says something. */
  async until(isSo: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await isSo())) await new Promise<void>((go) => this.#ears.add(go));
  }

  get link(): Link["state"] | undefined {
    return this.session?.link.state;
  }

  async samples(parameter = "a:app"): Promise<[number, number][]> {
    const { times, values } = await this.ask<"sampled">({ type: "samples", session: "s", from: -1e15, to: 1e15, parameter, limit: 10_000 });
    return [...times].map((time, i) => [time / S, values[i]!]);
  }

  async draw(from: number, to: number, columns = 100, parameters = ["a:app"]): Promise<Line[]> {
    const { lines } = await this.ask<"drawn">({ type: "draw", plot: "p", session: "s", from: from * S, to: to * S, columns, parameters });
    return lines;
  }

  async events(): Promise<TimedEvent[]> {
    return (await this.ask<"happened">({ type: "events", session: "s", from: -1e15, to: 1e15, limit: 100 })).events;
  }

  #hear(report: Report): void {
    if (report.type === "session") {
      this.session = report.session;
      if (this.links.at(-1) !== report.session.link.state) this.links.push(report.session.link.state);
    } else if (report.type === "changed") this.changes++;
    else if (report.type === "failed" && report.request === null) this.failures.push(report.reason);
    if ("request" in report && report.request !== null) this.#answers.get(report.request)?.(report);
    for (const ear of [...this.#ears]) {
      this.#ears.delete(ear);
      ear();
    }
  }
}

const pages: Page[] = [];

function start(service: FakeService): Page {
  service.install();
  const page = new Page();
  pages.push(page);
  return page;
}

afterEach(() => {
  for (const page of pages.splice(0)) page.desk.close();
});

/** Each tenth of a second, the values count up; parameters have them negative. */
function run(from: number, count: number): Item[] {
  return Array.from({ length: count }, (_, i) => sample((from + i) / 10, from + i));
}

function expected(count: number): [number, number][] {
  return Array.from({ length: count }, (_, i) => [i / 10, 0 - i]);
}

test("what is recorded and what comes live is one: each sample once", async () => {
  const service = new FakeService();
  service.items = [...run(0, 1000), lap(3, "first")];
  service.recorded = 900;
  const page = start(service);
  await page.until(() => page.link === "live");
  service.add(...run(1000, 20), lap(101, "live"));
  await page.until(async () => (await page.samples()).length >= 1020);
  assert.deepEqual(await page.samples(), expected(1020));
  assert.ok(service.asked.includes("ws 900"));
  assert.deepEqual((await page.events()).map(({ description, text, priority }) => [description, text, priority]), [
    ["Lap", "first", "high"],
    ["Lap", "live", "high"],
  ]);
  assert.deepEqual(page.failures, []);
});

test("a connection that breaks off is taken up behind the last mark, and nothing comes twice", async () => {
  const service = new FakeService();
  service.items = run(0, 100);
  service.recorded = 50;
  const page = start(service);
  await page.until(() => page.link === "live");
  service.mark();
  service.add(...run(100, 10), lap(10, "once"));
  service.close(1006);
  service.items.push(...run(110, 10));
  await page.until(async () => page.link === "live" && (await page.samples()).length >= 120);
  assert.deepEqual(await page.samples(), expected(120));
  assert.equal((await page.events()).length, 1);
  assert.ok(service.asked.includes("ws 100"));
  assert.ok(page.links.includes("lost"));
});

test("while the service is away there is a gap, which heals", async () => {
  const service = new FakeService();
  service.items = run(0, 100);
  service.recorded = 100;
  const page = start(service);
  await page.until(() => page.link === "live");
  service.isUp = false;
  service.close(1006);
  await page.until(() => page.link === "lost");
  const [lost] = await page.draw(5, 20);
  assert.deepEqual([...lost!.gaps], [9.9 * S, 20 * S]);
  service.items.push(...run(100, 50));
  service.isUp = true;
  await page.until(async () => page.link === "live" && (await page.samples()).length === 150);
  const [healed] = await page.draw(5, 14);
  assert.deepEqual([[...healed!.gaps], healed!.whole, healed!.samples], [[], true, true]);
});

test("where the point is not held any more, the newest is read anew", async () => {
  const service = new FakeService();
  service.items = run(0, 100);
  service.recorded = 100;
  const page = start(service);
  await page.until(() => page.link === "live");
  service.items.push(...run(100, 900));
  service.recorded = 1000;
  service.close(4002);
  await page.until(async () => service.asked.includes("ws 1000") && page.link === "live");
  assert.deepEqual(await page.samples(), expected(1000));
});

test("of a run that is over the next one follows at once", async () => {
  const service = new FakeService();
  service.items = run(0, 30);
  service.recorded = 30;
  const page = start(service);
  await page.until(() => page.link === "live");
  service.mark();
  service.items.push(...run(30, 5));
  service.close(4003);
  await page.until(async () => (await page.samples()).length === 35);
  assert.ok(!page.links.includes("lost"));
});

test("a session that is closed is read whole, and no socket is opened", async () => {
  const service = new FakeService();
  service.items = [...run(0, 700), lap(1, "x")];
  service.recorded = 701;
  service.state = "CLOSED";
  const page = start(service);
  await page.until(() => page.link === "closed");
  assert.deepEqual(await page.samples(), expected(700));
  assert.ok(!service.asked.some((path) => path.startsWith("ws")));
});

test("without an archive the buffer is all there is", async () => {
  const service = new FakeService();
  service.items = run(0, 100);
  service.recorded = null;
  const page = start(service);
  await page.until(async () => page.link === "live" && (await page.samples()).length === 100);
  assert.ok(service.asked.includes("ws null"));
  const [line] = await page.draw(0, 9.9, 1000);
  assert.deepEqual([line!.time.length, line!.whole], [100, true]);
});

for (const [recorded, begin] of [[null, "ws null"], [0, "ws 0"]] as const) {
  test(`a closed session that nothing records comes from the buffer, whole and once: ${begin}`, async () => {
    const service = new FakeService();
    service.items = [...run(0, 1500), lap(3, "first")];
    service.recorded = recorded;
    service.state = "closed";
    const page = start(service);
    await page.until(async () => page.link === "closed" && (await page.samples()).length === 1500);
    await page.until(() => service.asked.filter((path) => path === "sessions/s").length === 2); // it rests
    assert.deepEqual(await page.samples(), expected(1500));
    assert.equal((await page.events()).length, 1);
    const [line] = await page.draw(0, 149.9, 2000);
    assert.deepEqual([line!.time.length, line!.whole, [...line!.gaps]], [1500, true, []]);
    assert.equal(page.session!.heldFrom, null);
    assert.deepEqual(service.asked.filter((path) => path.startsWith("ws")), [begin]);
    assert.deepEqual(page.links, ["connecting", "closed"]);
    assert.deepEqual(page.failures, []);
  });

  test(`of a closed session that nothing records what is left comes, and where it begins: ${begin}`, async () => {
    const service = new FakeService();
    service.items = run(0, 1500);
    service.recorded = recorded;
    service.trimmed = 600;
    service.state = "closed";
    const page = start(service);
    await page.until(() => page.session?.heldFrom != null);
    assert.equal(page.session!.heldFrom, 60 * S);
    assert.deepEqual(await page.samples(), expected(1500).slice(600));
    assert.equal(page.link, "closed");
    assert.ok(!page.links.includes("lost"));
  });
}

test("a session that ends is live until all of it has come, and its end is not asked for again", async () => {
  const service = new FakeService();
  service.items = run(0, 100);
  service.recorded = null;
  const page = start(service);
  await page.until(async () => page.link === "live" && (await page.samples()).length === 100);
  service.turn("closed");
  service.add(...run(100, 10));
  await page.until(async () => page.session!.state === "closed" && (await page.samples()).length === 110);
  assert.equal(page.link, "live");
  service.close(1000);
  await page.until(() => page.link === "closed");
  assert.equal(service.asked.filter((path) => path.startsWith("ws")).length, 1);
});

test("a session that there is not is said to be missing, and comes once it is written", async () => {
  const service = new FakeService();
  service.items = run(0, 10);
  service.recorded = 10;
  service.isThere = false;
  const page = start(service);
  await page.until(() => page.link === "missing");
  assert.deepEqual(page.links, ["missing"]);
  service.isThere = true;
  await page.until(async () => page.link === "live" && (await page.samples()).length === 10);
  service.isThere = false;
  service.close(1006);
  await page.until(() => page.link === "missing");
  assert.deepEqual(await page.samples(), expected(10));
  assert.equal(page.session!.identifier, "S");
});

test("a session of which nothing is recorded yet is known to be, soon after it is", async () => {
  const service = new FakeService();
  service.items = run(0, 100);
  const page = start(service);
  await page.until(() => page.link === "live");
  assert.equal(page.session!.recordedFrom, null);
  service.recorded = 50;
  await page.until(() => page.session!.recordedFrom === 0);
});

test("who is refused is told, and goes on with a token: a ticket opens the socket", async () => {
  const service = new FakeService();
  service.items = run(0, 10);
  service.recorded = 10;
  service.token = "secret";
  const page = start(service);
  await page.until(() => page.link === "refused");
  assert.deepEqual(page.session!.link, { state: "refused", status: 401, reason: "sign in" });
  page.desk.handle({ type: "token", token: "secret" });
  await page.until(() => page.link === "live");
  assert.ok(service.asked.includes("ws 10 rta.ticket.T"));
});

test("a message that is no burst is told once, and harms nothing", async () => {
  const service = new FakeService();
  service.items = run(0, 10);
  service.recorded = 10;
  const page = start(service);
  await page.until(() => page.link === "live");
  for (let i = 0; i < 5; i++) for (const socket of service.sockets) socket.tell(Uint8Array.of(0xf0, 255, 255).buffer);
  service.add(...run(10, 5));
  await page.until(async () => (await page.samples()).length === 15);
  assert.equal(page.failures.length, 1);
  assert.equal(page.link, "live");
});

test("far back an overview is drawn, from near the samples; each is read once", async () => {
  const service = new FakeService();
  service.items = run(0, 20_000);
  service.items.splice(5000, 1, sample(500, 1e6));
  service.recorded = 20_000;
  const page = start(service);
  await page.until(() => page.link === "live");
  const settled = async (from: number, to: number, columns: number) => {
    let [line] = await page.draw(from, to, columns);
    await page.until(async () => ([line] = await page.draw(from, to, columns))[0]!.whole);
    return line!;
  };
  const far = await settled(0, 1900, 190);
  assert.equal(Math.min(...far.low), -1e6);
  assert.ok(far.time.length >= 190 && far.time.length <= 194 && !far.samples);
  assert.ok(far.low.every((low, i) => low <= far.high[i]!));
  assert.deepEqual([...far.gaps], []);
  const asked = service.asked.length;
  await settled(0, 1900, 190);
  assert.equal(service.asked.length, asked);
  const near = await settled(490, 510, 1000);
  assert.ok(near.samples);
  assert.deepEqual([...near.time].filter((time) => time >= 490 * S && time <= 510 * S).length, 201);
  assert.equal(Math.min(...near.low), -1e6);
});

test("late samples of long ago are seen once they are recorded", async () => {
  const service = new FakeService();
  service.items = run(0, 20_000);
  service.recorded = 20_000;
  const page = start(service);
  await page.until(() => page.link === "live");
  const low = async () => Math.min(...(await page.draw(0, 1900, 190))[0]!.low);
  await page.until(async () => (await page.draw(0, 1900, 190))[0]!.whole);
  assert.ok((await low()) > -20_000);
  service.add(sample(500.05, 1e6));
  service.recorded = 20_001;
  await page.until(async () => (await low()) === -1e6);
});

/** A closed session of 2000 s of which all is held. */
async function heldWhole() {
  const service = new FakeService();
  service.items = run(0, 20_000);
  service.recorded = 20_000;
  service.state = "closed";
  const rest = new Rest("http://rta.test/");
  const session = new OpenSession("s", rest, new Documents(rest), new Unpacker(), () => undefined);
  service.install();
  void session.run();
  while (session.tracks.byId.size === 0 || !session.isFilled) await new Promise((go) => setImmediate(go));
  const track = session.tracks.byId.get("a:app")!;
  const { signal } = new AbortController();
  await session.archive!.readData([track], 0, 2000 * S, signal);
  assert.equal(session.tracks.samples, 20_000);
  const readAgain = () => samplesWithin(session, track, 0, 2000 * S, 30_000, signal);
  return { session, track, readAgain };
}

test("of too many samples those go that are farthest from what is shown, and are read again", async () => {
  const { session, track, readAgain } = await heldWhole();
  forgetFarthest([session], () => [[900 * S, 1000 * S]], 10_000);
  assert.ok(session.tracks.samples <= 9000);
  assert.ok(track.held.covers(900 * S, 1000 * S) && track.held.covers(1940 * S, 1990 * S) && !track.held.has(0));
  assert.equal((await readAgain()).times.length, 20_000);
  session.close();
});

test("what the archive has again is held about what is shown alone", async () => {
  const { session, track, readAgain } = await heldWhole();
  forgetFarthest([session], () => [[900 * S, 1000 * S]], 1e6, 0);
  assert.ok(track.held.covers(600 * S, 1300 * S) && track.held.covers(1640 * S, 1990 * S));
  assert.ok(!track.held.has(400 * S) && !track.held.has(1500 * S));
  assert.equal((await readAgain()).times.length, 20_000);
  session.close();
});

test("rows have no overview: it is made of them, piece by piece", async () => {
  const service = new FakeService();
  service.items = Array.from({ length: 5000 }, (_, i) => rowOf(i / 10, i === 100 ? 1e6 : i));
  service.recorded = 5000;
  const page = start(service);
  await page.until(() => page.link === "live");
  let [line] = await page.draw(0, 420, 42, ["b:app"]);
  await page.until(async () => ([line] = await page.draw(0, 420, 42, ["b:app"]))[0]!.whole);
  assert.equal(Math.max(...line!.high), 1e6);
  assert.ok(!service.asked.some((path) => path.includes("overview")));
});

test("what is not looked at any more is not read on", async () => {
  const service = new FakeService();
  service.items = run(0, 20_000);
  service.recorded = 20_000;
  const page = start(service);
  await page.until(() => page.link === "live");
  service.held = [];
  await page.draw(0, 1000, 100);
  const first = service.held.length;
  await page.draw(1950, 1999, 100);
  assert.ok(first > 0);
  while (service.held.length === first) await page.draw(0, 10, 100);
  const waiting = service.held;
  service.held = null;
  for (const { go } of waiting) go();
  await page.until(async () => (await page.draw(0, 10, 100))[0]!.whole);
  assert.deepEqual(page.failures, []);
});

test("a hole of the recording is a gap although the samples are close", async () => {
  const service = new FakeService();
  service.items = [...run(0, 50), ...run(53, 50)];
  service.recorded = 100;
  const at = (second: number) => `${1_620_129_055_000 + second * 1000}-0`;
  service.holes = [{ after: at(4.95), upto: at(5.25), reason: "the buffer was trimmed" }];
  const page = start(service);
  await page.until(() => page.link === "live");
  const [line] = await page.draw(0, 10, 1000);
  assert.deepEqual([...line!.gaps], [4.9 * S, 5.3 * S]);
});

test("values at a moment, near and far back", async () => {
  const service = new FakeService();
  service.items = run(0, 20_000);
  service.recorded = 20_000;
  const page = start(service);
  await page.until(() => page.link === "live");
  const at = async (second: number) => {
    const { values } = await page.ask<"valued">({ type: "values", shown: "A", session: "s", at: second * S, parameters: ["a:app", "none"] });
    return values.map(({ time, value }) => [time / S, value]);
  };
  assert.deepEqual(await at(1999.05), [[1999, -19_990], [NaN, NaN]]);
  assert.deepEqual((await at(700.05))[0], [700, -7000]);
  assert.deepEqual((await at(-5))[0], [NaN, NaN]);
});

test("rows of the table: the latest, rate, low and high", async () => {
  const service = new FakeService();
  service.items = run(0, 300);
  service.recorded = 300;
  const page = start(service);
  await page.until(() => page.link === "live");
  const { rows, sparklines } = await page.ask<"rowed">({ type: "rows", session: "s", sparkline: ["a:app"] });
  const [a, b] = rows;
  assert.deepEqual([a!.time, a!.value, a!.min, a!.max], [29.9 * S, -299, -299, 0]);
  assert.ok(Math.abs(a!.rate - 10) <= 0.2 && Number.isNaN(b!.time));
  assert.equal(Math.min(...sparklines[0]!.low.filter((low) => !Number.isNaN(low))), -299);
});
