import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Failure, type Service } from "../src/service/service";
import { signIn } from "../src/service/sign_in";
import { shelf } from "../src/state/storage";

const REDIRECT = "https://rta.example.com/";
const issuer = { authority: "https://sign-in.example.com", clientId: "rta", audience: null, scopes: ["openid"] };
const DOCUMENT = {
  issuer: issuer.authority,
  authorization_endpoint: `${issuer.authority}/authorize`,
  token_endpoint: `${issuer.authority}/token`,
  revocation_endpoint: `${issuer.authority}/revoke`,
};

const real = globalThis.fetch;
afterEach(() => void (globalThis.fetch = real));

function issuing(token: unknown, status = 200) {
  const asked: string[] = [];
  globalThis.fetch = async (address, init) => {
    asked.push(`${String(address)} ${String(init?.body ?? "")}`);
    return String(address).endsWith("/token") ? Response.json(token, { status }) : Response.json(DOCUMENT);
  };
  return asked;
}

function page(href = REDIRECT, held = new Map<string, string>()) {
  const storage = {
    getItem: (key: string) => held.get(key) ?? null,
    setItem: (key: string, value: string) => void held.set(key, value),
    removeItem: (key: string) => void held.delete(key),
  };
  const went: string[] = [];
  const location = { href, assign: (to: string | URL) => void went.push(String(to)), reload: () => void went.push("loaded anew") };
  const replace = (to: string) => void went.push(`replaced by ${to}`);
  const flow = signIn({ shelf: shelf(() => storage as unknown as Storage), location, replace, now: () => 1_000_000, redirect: REDIRECT });
  return { flow, held, went };
}

const knowing = (said: unknown): Service => ({
  ahead: 0,
  answer: async () => Response.json(said),
  json: async <T>() => {
    if (said instanceof Error) throw said;
    return said as T;
  },
});
const me = knowing({ name: "me", role: "operate", ends: null });

async function gone(hash = "#v1/plots?session=a.one") {
  issuing({});
  const { flow, held, went } = page();
  await flow.leave(issuer, hash);
  return { held, state: new URL(went[0]!).searchParams.get("state")! };
}

test("somebody comes back from the issuer to the same view, and the code is out of the address before anything is asked", async () => {
  const { held, state } = await gone();
  const { flow, went } = page(`${REDIRECT}?code=c&state=${state}`, held);
  const asked = issuing({ access_token: "t", token_type: "Bearer" });
  const arriving = flow.arrive();
  assert.deepEqual([went, asked], [[`replaced by ${REDIRECT}#v1/plots?session=a.one`], asked]);
  assert.equal(await arriving, true);
  assert.equal(flow.token.value, "t");
  assert.match(asked[1]!, /code_verifier=[A-Za-z0-9_-]{43}/);
  assert.deepEqual([...held.keys()], ["rta.token"]);
});

test("an answer of another sign-in is not taken, and asks nobody", async () => {
  const { held } = await gone();
  const { flow } = page(`${REDIRECT}?code=c&state=forged`, held);
  const asked = issuing({ access_token: "t", token_type: "Bearer" });
  await flow.arrive();
  assert.equal(flow.token.value, null);
  assert.match(flow.problem.value, /not for this tab/);
  assert.ok(!asked.some((it) => it.includes("/token")));
});

test("an answer that nobody has asked for is not taken", async () => {
  const { flow, went } = page(`${REDIRECT}?code=c&state=s`);
  await flow.arrive();
  assert.deepEqual([flow.token.value, went], [null, [`replaced by ${REDIRECT}`]]);
  assert.ok(flow.asked.value);
});

test("an address without an answer is left alone", async () => {
  const { flow, went } = page(`${REDIRECT}?state=s`);
  assert.equal(await flow.arrive(), false);
  assert.deepEqual([went, flow.asked.value], [[], false]);
});

test("a pasted token counts if the service takes it", async () => {
  const { flow, held } = page();
  await flow.paste(" rta_x \n", me);
  assert.deepEqual([flow.token.value, flow.person.value?.name, flow.problem.value], ["rta_x", "me", ""]);
  assert.ok(held.get("rta.token")!.includes("rta_x"));
});

test("a pasted token that is refused, without a role, or none at all is not kept", async () => {
  for (const [text, service, words] of [
    ["wrong", knowing(new Failure("sign in", 401)), /does not take/],
    ["x", knowing({ name: "me", role: null }), /no role/],
    ["é", me, /no token/],
    ["x", knowing(new Failure("The service cannot be reached.", 0)), /cannot be reached/],
  ] as [string, Service, RegExp][]) {
    const { flow, held } = page();
    await flow.paste(text, service);
    assert.match(flow.problem.value, words);
    assert.deepEqual([flow.token.value, held.size], [null, 0]);
  }
});

test("a token that is refused later is dropped, and somebody asked", async () => {
  const { flow } = page();
  await flow.paste("rta_x", me);
  flow.credentials.refused("an older one");
  assert.equal(flow.token.value, "rta_x");
  flow.credentials.refused("rta_x");
  await new Promise(setImmediate);
  assert.deepEqual([flow.token.value, flow.asked.value], [null, true]);
  assert.match(flow.problem.value, /has ended/);
});

const kept = (some: object) => new Map([["rta.token", JSON.stringify({ token: "old", refresh: null, ends: null, issuer: null, ...some })]]);

test("a token that is refused is replaced where the issuer renews it", async () => {
  const { flow } = page(REDIRECT, kept({ refresh: "r", issuer }));
  const asked = issuing({ access_token: "new", token_type: "Bearer", expires_in: 3600 });
  flow.credentials.refused("old");
  flow.credentials.refused("old");
  while (flow.token.value === "old") await new Promise(setImmediate);
  assert.deepEqual([flow.token.value, flow.asked.value], ["new", false]);
  assert.equal(asked.filter((it) => it.includes("refresh_token=r")).length, 1);
  await flow.signOut();
});

test("a token that is refused although it is new is not replaced again and again", async () => {
  const { flow } = page(REDIRECT, kept({ refresh: "r", issuer }));
  const asked = issuing({ access_token: "new", token_type: "Bearer", expires_in: 3600 });
  flow.credentials.refused("old");
  while (flow.token.value === "old") await new Promise(setImmediate);
  await new Promise(setImmediate);
  flow.credentials.refused("new");
  await new Promise(setImmediate);
  assert.deepEqual([flow.token.value, flow.asked.value], [null, true]);
  assert.equal(asked.filter((it) => it.includes("refresh_token=r")).length, 1);
});

test("a token of a short life is renewed after half of it, not at once and for ever", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { flow } = page(REDIRECT, kept({ ends: 1_000_001, refresh: "r", issuer }));
  const asked = issuing({ access_token: "new", token_type: "Bearer", expires_in: 20 });
  const renewals = () => asked.filter((it) => it.includes("refresh_token=r")).length;
  const settled = async () => {
    for (let i = 0; i < 20; i++) await new Promise(setImmediate);
  };
  flow.begin();
  await settled();
  assert.deepEqual([flow.token.value, renewals()], ["new", 1]);
  t.mock.timers.tick(9_999);
  await settled();
  assert.equal(renewals(), 1);
  await flow.signOut();
});

test("whoever signs out gives back what tokens are renewed with, and loads the page anew", async () => {
  const { flow, held, went } = page(REDIRECT, kept({ refresh: "r", issuer }));
  const asked = issuing({});
  await flow.signOut();
  assert.deepEqual([flow.token.value, flow.asked.value, held.size, went], [null, true, 0, ["loaded anew"]]);
  assert.match(asked.at(-1)!, /\/revoke client_id=rta&token=r&token_type_hint=refresh_token$/);
});

test("nobody who signs out waits long for the issuer", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { flow, went } = page(REDIRECT, kept({ refresh: "r", issuer }));
  globalThis.fetch = () => new Promise(() => {});
  const leaving = flow.signOut();
  assert.deepEqual([flow.token.value, went], [null, []]);
  t.mock.timers.tick(2_000);
  await leaving;
  assert.deepEqual(went, ["loaded anew"]);
});

test("a token that ends as it comes is none", async () => {
  const { flow } = page(REDIRECT, kept({ refresh: "r", issuer }));
  const asked = issuing({ access_token: "new", token_type: "Bearer", expires_in: 0 });
  flow.credentials.refused("old");
  while (flow.token.value === "old") await new Promise(setImmediate);
  assert.deepEqual([flow.token.value, flow.asked.value], [null, true]);
  assert.equal(asked.filter((it) => it.includes("refresh_token=r")).length, 1);
});

test("after a reload a token goes on, unless it has ended and nothing renews it", () => {
  assert.equal(page(REDIRECT, kept({ ends: 1_000_001 })).flow.token.value, "old");
  assert.equal(page(REDIRECT, kept({ ends: 999_999 })).flow.token.value, null);
  assert.equal(page(REDIRECT, kept({ ends: 999_999, refresh: "r", issuer })).flow.token.value, "old");
  assert.equal(page(REDIRECT, new Map([["rta.token", "{"]])).flow.token.value, null);
});

test("who may do nothing is asked to sign in, who may read is not", async () => {
  const { flow } = page();
  await flow.meet(knowing({ name: "", role: "read", ends: null }));
  assert.deepEqual([flow.asked.value, flow.person.value?.role], [false, "read"]);
  await flow.meet(knowing(new Failure("sign in", 401)));
  assert.deepEqual([flow.asked.value, flow.person.value], [true, null]);
});
