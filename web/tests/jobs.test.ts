import assert from "node:assert/strict";
import { mock, test, type TestContext } from "node:test";
import { Jobs, type Job } from "../src/worker/jobs";

interface Run {
  key: string;
  signal: AbortSignal;
  end(): Promise<void>;
  fail(error: Error): Promise<void>;
}

function begin(t: TestContext) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let now = 0;
  const runs: Run[] = [];
  const errors: unknown[] = [];
  const hears = { changed: mock.fn(), failed: (error: unknown) => void errors.push(error) };
  const jobs = new Jobs(hears, () => now);
  const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
  const job = (key: string, stays = true): Job => ({
    key,
    stays,
    run: (signal) =>
      new Promise((resolve, reject) => {
        const end = () => (resolve(), settled());
        runs.push({ key, signal, end, fail: (error) => (reject(error), settled()) });
        signal.addEventListener("abort", () => reject(signal.reason as Error));
      }),
  });
  const pass = (ms: number) => {
    now += ms;
    t.mock.timers.tick(ms);
  };
  const begun = () => runs.map(({ key }) => key);
  return { jobs, job, runs, errors, hears, pass, begun, settled };
}

test("what is wanted after a while of quiet is begun at once, four at a time", async (t) => {
  const { jobs, job, runs, begun } = begin(t);
  jobs.want("p", ["a", "b", "c", "d", "e"].map((key) => job(key)));
  assert.deepEqual(begun(), ["a", "b", "c", "d"]);
  await runs[1]!.end();
  assert.deepEqual(begun(), ["a", "b", "c", "d", "e"]);
});

test("what is passed within a moment is not begun", (t) => {
  const { jobs, job, pass, begun } = begin(t);
  for (const key of ["a", "b", "c", "d"]) {
    jobs.want("p", [job(key)]);
    pass(120);
  }
  assert.deepEqual(begun(), ["a"]);
  pass(120);
  assert.deepEqual(begun(), ["a", "d"]);
});

test("what several plots lack of one view is begun together", (t) => {
  const { jobs, job, pass, begun } = begin(t);
  jobs.want("p", [job("a")]);
  jobs.want("q", [job("b")]);
  assert.deepEqual(begun(), ["a", "b"]);
  pass(60);
  jobs.want("p", [job("c")]);
  jobs.want("q", [job("d")]);
  pass(199);
  assert.deepEqual(begun(), ["a", "b"]);
  pass(1);
  assert.deepEqual(begun(), ["a", "b", "c", "d"]);
});

test("what is not wanted any more runs on until its room is needed", async (t) => {
  const { jobs, job, runs, pass, begun, settled } = begin(t);
  jobs.want("p", [job("a"), job("b"), job("c"), job("d")]);
  pass(300);
  jobs.want("p", [job("a"), job("e")]);
  await settled();
  assert.deepEqual(begun(), ["a", "b", "c", "d", "e"]);
  assert.deepEqual(runs.filter(({ signal }) => signal.aborted).map(({ key }) => key), ["b"]);
});

test("what may not stay is given up as soon as it is not wanted", async (t) => {
  const { jobs, job, runs, hears, pass, settled } = begin(t);
  jobs.want("p", [job("a", false)]);
  pass(300);
  jobs.want("p", []);
  await settled();
  assert.ok(runs[0]!.signal.aborted);
  assert.equal(hears.changed.mock.callCount(), 0);
});

test("what two plots want is read once, and goes on for the other", (t) => {
  const { jobs, job, runs, pass, begun } = begin(t);
  jobs.want("p", [job("a", false)]);
  jobs.want("q", [job("a", false)]);
  pass(300);
  jobs.want("p", []);
  assert.deepEqual(begun(), ["a"]);
  assert.ok(!runs[0]!.signal.aborted);
});

test("what has failed is tried again after five seconds, if it is still wanted", async (t) => {
  const { jobs, job, runs, errors, hears, pass, begun } = begin(t);
  jobs.want("p", [job("a")]);
  await runs[0]!.fail(new Error("no"));
  assert.equal((errors[0] as Error).message, "no");
  jobs.want("p", [job("a")]);
  pass(4_000);
  jobs.want("p", [job("a")]);
  assert.deepEqual(begun(), ["a"]);
  const before = hears.changed.mock.callCount();
  pass(1_100);
  assert.equal(hears.changed.mock.callCount(), before + 1); // whoever draws then asks again
  jobs.want("p", [job("a")]);
  assert.deepEqual(begun(), ["a", "a"]);
});

test("closing gives up what runs and what waits", async (t) => {
  const { jobs, job, runs, pass, begun, settled } = begin(t);
  jobs.want("p", [job("a")]);
  pass(60);
  jobs.want("p", [job("a"), job("b")]);
  jobs.close();
  await settled();
  pass(1_000);
  assert.deepEqual(begun(), ["a"]);
  assert.ok(runs[0]!.signal.aborted);
});
