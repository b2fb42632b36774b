import assert from "node:assert/strict";
import { test } from "node:test";
import { exportPath, fileName, runExport, type Keeper, type Wanted } from "../src/service/exports";
import { readInfo } from "../src/service/info";
import { Failure, restService, type Service } from "../src/service/service";
import { age, length, moment, size } from "../src/state/words";
import { ahead, setSiteZone, siteZone, zonesToChoose } from "../src/state/zones";

const BASE = "https://rta.example.com/below/";

function serviceOf(answer: (address: string, init: RequestInit) => Promise<Response> | Response) {
  const refused: (string | null)[] = [];
  const asked: [string, RequestInit][] = [];
  const call = async (address: unknown, init: RequestInit = {}) => {
    asked.push([String(address), init]);
    return answer(String(address), init);
  };
  const credentials = { token: () => "secret", refused: (token: string | null) => void refused.push(token) };
  return { service: restService(BASE, credentials, call as typeof fetch), refused, asked };
}

async function failure(service: Service, path = "rta/v2/sessions"): Promise<Failure> {
  const error = await service.json(path).then(() => null, (error: unknown) => error);
  assert.ok(error instanceof Failure);
  return error;
}

test("calls bring the token in a header, to where the page is", async () => {
  const { service, asked } = serviceOf(() => Response.json({ ok: 1 }));
  assert.deepEqual(await service.json("rta/v2/info"), { ok: 1 });
  assert.equal(asked[0]![0], "https://rta.example.com/below/rta/v2/info");
  assert.deepEqual(asked[0]![1].headers, { Authorization: "Bearer secret" });
});

test("a refusal says what its problem document says", async () => {
  const problem = { title: "Bad Request", status: 400, detail: "format='x': expected one of csv, mcap", field: "format" };
  const { service } = serviceOf(() => new Response(JSON.stringify(problem), { status: 400 }));
  const { message, status, field } = await failure(service);
  assert.deepEqual([message, status, field], ["format='x': expected one of csv, mcap.", 400, "format"]);
});

test("streams say their reason, a proxy says nothing of use, and a wait is told", async () => {
  const reason = serviceOf(() => new Response('{"reason": "there is no such stream"}', { status: 404 }));
  assert.equal((await failure(reason.service)).message, "There is no such stream.");
  const proxy = serviceOf(() => new Response("<html>Bad gateway</html>", { status: 502, headers: { "Retry-After": "5" } }));
  const told = await failure(proxy.service);
  assert.deepEqual([told.message, told.again], ["The service answers 502. Try again in 5 s.", 5]);
});

test("a service that is away, late or talks nonsense is told apart", async () => {
  assert.match((await failure(serviceOf(() => Promise.reject(new TypeError("x"))).service)).message, /cannot be reached/);
  assert.match((await failure(serviceOf(() => new Response("{")).service)).message, /cannot be read/);
  const { service } = serviceOf((_, { signal }) => new Promise((_, refuse) => signal!.addEventListener("abort", () => refuse(signal!.reason))));
  await assert.rejects(service.json("x", { patience: 1 }), /not answered within/);
});

test("401 is told with the token that was refused", async () => {
  const { service, refused } = serviceOf(() => new Response("{}", { status: 401 }));
  await failure(service);
  assert.deepEqual(refused, ["secret"]);
});

const wanted: Wanted = { session: "a/b", format: "csv", parameters: ["RPM:csv", "Boost (kPa)"], start: 1620129055000000001n, end: null };

test("an export asks for each parameter, and for exact times", () => {
  assert.equal(exportPath(wanted), "rta/v2/sessions/a%2Fb/export?format=csv&parameters=RPM%3Acsv&parameters=Boost+%28kPa%29&start=1620129055000000001");
  assert.equal(exportPath({ ...wanted, parameters: "events", start: -5n, end: 7n }), "rta/v2/sessions/a%2Fb/export?format=csv&events=true&start=0&end=7");
  assert.throws(() => exportPath({ ...wanted, parameters: Array.from({ length: 3000 }, (_, at) => `parameter ${at}`) }), /more parameters than/);
});

test("files have the name of the session, without what file systems dislike", () => {
  assert.equal(fileName("../WRX drive: 3/4", wanted), "WRX_drive_3_4.csv");
  assert.equal(fileName("...", { ...wanted, format: "mcap", parameters: "events" }), "session-events.mcap");
});

function keeping() {
  const did: string[] = [];
  const keeper: Keeper = {
    write: async (bytes) => void did.push(new TextDecoder().decode(bytes)),
    close: async () => void did.push("closed"),
    abort: async () => void did.push("thrown away"),
  };
  return { keeper, did };
}

const stream = (pieces: string[], error?: Error) =>
  new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = pieces.shift();
      if (piece !== undefined) controller.enqueue(new TextEncoder().encode(piece));
      else if (error !== undefined) controller.error(error);
      else controller.close();
    },
  });

test("an export is kept once all of it has come", async () => {
  const { keeper, did } = keeping();
  const told: number[] = [];
  const { service } = serviceOf(() => new Response(stream(["time,", "RPM\n"])));
  assert.equal(await runExport(service, wanted, keeper, (bytes) => void told.push(bytes), new AbortController().signal), 9);
  assert.deepEqual([did, told], [["time,", "RPM\n", "closed"], [5, 9]]);
});

test("an export that breaks off or is refused is not kept, and says why", async () => {
  const broken = keeping();
  const { service } = serviceOf(() => new Response(stream(["time,"], new TypeError("network error"))));
  await assert.rejects(runExport(service, wanted, broken.keeper, () => undefined, new AbortController().signal), /broke off/);
  assert.deepEqual(broken.did, ["time,", "thrown away"]);
  const refused = keeping();
  const away = serviceOf(() => new Response('{"detail": "mcap is not installed"}', { status: 501 })).service;
  await assert.rejects(runExport(away, wanted, refused.keeper, () => undefined, new AbortController().signal), /Mcap is not installed\./);
  assert.deepEqual(refused.did, ["thrown away"]);
});

test("lengths, ages, sizes and moments are written as people read them", () => {
  assert.deepEqual([0, 61_000, 3_725_000, 90_061_000].map(length), ["0:00:00", "0:01:01", "1:02:05", "1 day 1:01:01"]);
  assert.deepEqual([-5, 940, 59_000, 3_600_000, 86_400_000, 1e9].map(age), ["0.0 s", "0.9 s", "59 s", "60 min", "24 h", "12 days"]);
  assert.deepEqual([0, 999, 1500, 123_456, 5e9].map(size), ["0 B", "999 B", "1.5 KB", "123 KB", "5.0 GB"]);
  assert.equal(moment(1_620_129_055_123, "utc"), "2021-05-04 11:50:55 UTC");
});

test("the site's zone is ahead of UTC as its clocks are, and the browser's own name for it is asked for", () => {
  assert.equal(ahead("site", 0), 0);
  assert.deepEqual(zonesToChoose("viewer"), ["viewer", "utc", "session"]);
  assert.equal(moment(1_620_129_055_123, "site"), "2021-05-04 11:50:55 UTC");
  assert.equal(setSiteZone("Europe/Copenhagen"), true);
  assert.deepEqual(zonesToChoose("viewer"), ["viewer", "site", "utc", "session"]);
  const hours = (time: string) => ahead("site", Date.parse(time)) / 3600e3;
  assert.deepEqual(
    ["2026-01-01T00:00:00Z", "2026-03-29T00:59:59.999Z", "2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z"].map(hours), [1, 1, 2, 1],
  );
  assert.equal(moment(1_620_129_055_123, "site"), "2021-05-04 13:50:55 +02:00");
  assert.equal(moment(NaN, "site"), "");
  assert.equal(setSiteZone("America/St_Johns"), true);
  assert.equal(moment(Date.parse("2026-01-01T00:00:00Z"), "site"), "2025-12-31 20:30:00 -03:30");
  assert.equal(setSiteZone("Mars/Olympus"), false);
  assert.equal(siteZone.value, null);
  assert.equal(setSiteZone("UTC"), true);
  assert.deepEqual(zonesToChoose("site"), ["viewer", "site", "utc", "session"]);
  assert.equal(readInfo({ label: "x", timezone: "Asia/Tokyo" }).timezone, "Asia/Tokyo");
});
