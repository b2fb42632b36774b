import assert from "node:assert/strict";
import { test } from "node:test";
import { addressOf, codeOf, discover, exchange, isPrivate, renew, type Issuer } from "../src/service/issuer";
import { base64url, challengeOf, claimsOf, newCodeRequest } from "../src/service/pkce";
import { readInfo, may } from "../src/service/info";

const issuer: Issuer = { authority: "https://sign-in.example.com/site", clientId: "rta", audience: "https://rta.example.com", scopes: ["openid"] };
const DOCUMENT = {
  issuer: "https://sign-in.example.com/site",
  authorization_endpoint: "https://sign-in.example.com/authorize?tenant=1",
  token_endpoint: "https://token.example.com/token",
  code_challenge_methods_supported: ["S256"],
  authorization_response_iss_parameter_supported: true,
};
const request = { verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", state: "the state", nonce: "the nonce" };
const redirect = "https://rta.example.com/";

type Asked = { address: string; fields: Record<string, string> };
function answering(body: unknown, status = 200, asked: Asked[] = []): typeof fetch {
  return async (address, init) => {
    asked.push({ address: String(address), fields: Object.fromEntries(new URLSearchParams(String(init?.body ?? ""))) });
    return new Response(JSON.stringify(body), { status });
  };
}
const endpoints = await discover(issuer, answering(DOCUMENT));
const idToken = (claims: object) => `e30.${base64url(new TextEncoder().encode(JSON.stringify(claims)))}.x`;
const claims = { iss: DOCUMENT.issuer, aud: "rta", nonce: request.nonce };
const trade = (body: unknown, status = 200, asked: Asked[] = []) =>
  exchange(endpoints, issuer, request, "the code", redirect, 1000, answering(body, status, asked));

test("the challenge is that of RFC 7636, appendix B", async () => {
  assert.equal(await challengeOf(request.verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
});

test("each sign-in is known by 3 × 256 random bits", () => {
  const made = newCodeRequest();
  for (const text of Object.values(made)) assert.match(text, /^[A-Za-z0-9_-]{43}$/);
  assert.equal(new Set([...Object.values(made), ...Object.values(newCodeRequest())]).size, 6);
});

test("one signs in at the address that the issuer names", async () => {
  const address = new URL(await addressOf(endpoints, issuer, request, redirect));
  assert.equal(address.origin + address.pathname, "https://sign-in.example.com/authorize");
  assert.deepEqual(Object.fromEntries(address.searchParams), {
    tenant: "1", client_id: "rta", audience: "https://rta.example.com", resource: "https://rta.example.com", response_type: "code",
    redirect_uri: redirect, scope: "openid", state: "the state", nonce: "the nonce",
    code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", code_challenge_method: "S256",
  });
});

test("consent is asked for where tokens are to be renewed", async () => {
  const offline = { ...issuer, scopes: ["openid", "offline_access"] };
  const address = new URL(await addressOf(endpoints, offline, request, redirect));
  assert.deepEqual([address.searchParams.get("prompt"), address.searchParams.get("scope")], ["consent", "openid offline_access"]);
});

test("a discovery document of another issuer, without S256 or without https is not taken", async () => {
  for (const [wrong, words] of [
    [{ issuer: "https://evil.example.com" }, /not from/],
    [{ code_challenge_methods_supported: ["plain"] }, /S256/],
    [{ token_endpoint: "http://token.example.com" }, /token_endpoint/],
    [{ authorization_endpoint: undefined }, /authorization_endpoint/],
  ] as [object, RegExp][]) {
    await assert.rejects(discover(issuer, answering({ ...DOCUMENT, ...wrong })), words);
  }
  await assert.rejects(discover(issuer, async () => Promise.reject(new TypeError("no network"))), /cannot be reached/);
});

test("http is private on this machine alone", () => {
  for (const address of ["https://a.example", "http://127.0.0.1:8180/", "http://localhost", "http://[::1]:1/"]) assert.ok(isPrivate(address));
  for (const address of ["http://a.example", "http://127.0.0.1.a.example", "ftp://localhost", "", "x"]) assert.ok(!isPrivate(address), address);
});

test("the code is taken from an answer that is for us, and from nobody else", () => {
  const answer = { code: "the code", state: "the state", iss: DOCUMENT.issuer };
  assert.equal(codeOf(new URLSearchParams(answer), request, endpoints), "the code");
  for (const [wrong, words] of [
    [{ ...answer, state: "another" }, /not for this tab/],
    [{ ...answer, iss: "https://evil.example.com" }, /not from/],
    [{ code: "the code", state: "the state" }, /not from/],
    [{ ...answer, error: "access_denied", error_description: "no" }, /access_denied, no/],
    [{ state: "the state", iss: DOCUMENT.issuer }, /without a code/],
  ] as [Record<string, string>, RegExp][]) {
    assert.throws(() => codeOf(new URLSearchParams(wrong), request, endpoints), words);
  }
});

test("a code is traded for a token, with the proof", async () => {
  const asked: Asked[] = [];
  const granted = await trade({ access_token: "t", token_type: "Bearer", expires_in: 60, refresh_token: "r", id_token: idToken(claims) }, 200, asked);
  assert.deepEqual(granted, { token: "t", refresh: "r", ends: 61_000 });
  assert.deepEqual(asked, [
    {
      address: "https://token.example.com/token",
      fields: {
        client_id: "rta", audience: "https://rta.example.com", resource: "https://rta.example.com", grant_type: "authorization_code",
        code: "the code", redirect_uri: redirect, code_verifier: request.verifier,
      },
    },
  ]);
});

test("identity tokens of another sign-in, client or issuer are not taken", async () => {
  for (const wrong of [{ nonce: "another" }, { aud: ["somebody"] }, { iss: "https://evil.example.com" }]) {
    await assert.rejects(trade({ access_token: "t", token_type: "bearer", id_token: idToken({ ...claims, ...wrong }) }));
  }
});

test("what the issuer refuses is said in its words", async () => {
  await assert.rejects(trade({ error: "invalid_grant", error_description: "too late" }, 400), /invalid_grant, too late/);
  await assert.rejects(trade({}, 502), /502/);
  await assert.rejects(trade({ access_token: "t", token_type: "mac" }), /without a token/);
});

test("a token that is renewed keeps what renews it, where there is no other", async () => {
  const exp = { exp: 1_800_000_000 };
  const again = await renew(endpoints, issuer, "r", 0, answering({ access_token: idToken(exp), token_type: "bearer" }));
  assert.deepEqual([again.refresh, again.ends], ["r", 1_800_000_000_000]);
});

test("what is no token says nothing", () => {
  for (const text of ["", "a", "a.b.c", "a.e30", "🚗.🚗"]) assert.deepEqual(claimsOf(text), {});
});

test("what the service offers is read with care", () => {
  assert.equal(readInfo({ label: "x" }).auth, null);
  assert.deepEqual(readInfo({ auth: { required: true, authority: "a", audience: null, clientId: null, scopes: [], tokens: true } }).auth, {
    required: true, tokens: true, issuer: null,
  });
  assert.deepEqual(readInfo({ auth: { required: true, authority: "a", clientId: "c", scopes: ["openid", 3] } }).auth?.issuer, {
    authority: "a", clientId: "c", audience: null, scopes: ["openid"],
  });
});

test("each role includes those before it", () => {
  assert.ok(may("administer", "operate") && may("operate", "operate") && may("read", "read"));
  assert.ok(!may("read", "operate") && !may(null, "read"));
});
