/**
 * An OAuth 2 issuer, asked by a page without a secret: the authorization code flow with PKCE.
 *
 * Sources: RFC 6749, 4.1 and 6; RFC 7009; RFC 7636; RFC 9207; OpenID Connect Discovery 1.0; RFC 8707 (`resource`).
 */

import { texts } from "../texts/en";
import type { SignInOffer } from "./info";
import { challengeOf, claimsOf, type CodeRequest } from "./pkce";

export type Issuer = NonNullable<SignInOffer["issuer"]>;

export interface Endpoints {
  issuer: string;
  authorization: string;
  token: string;
  revocation: string | null; // where tokens are given back
  namesItself: boolean; // it says in each answer that comes by the browser who it is
}

export interface Granted {
  token: string;
  refresh: string | null; // what the next token is had for
  ends: number | null; // ms since the epoch
}

type Fetch = typeof fetch;

/** Where the issuer is asked for what. Throws an Error, in words. */
export async function discover({ authority }: Issuer, call: Fetch = fetch): Promise<Endpoints> {
  const address = `${authority.replace(/\/+$/, "")}/.well-known/openid-configuration`;
  const said = await ask(address, {}, authority, call);
  const text = (key: string) => (typeof said[key] === "string" ? said[key] : "");
  if (text("issuer").replace(/\/+$/, "") !== authority.replace(/\/+$/, "")) throw new Error(texts.signIn.otherIssuer(authority));
  const methods = said["code_challenge_methods_supported"];
  if (Array.isArray(methods) && !methods.includes("S256")) throw new Error(texts.signIn.noProof(authority));
  for (const key of ["authorization_endpoint", "token_endpoint"]) {
    if (!isPrivate(text(key))) throw new Error(texts.signIn.noEndpoint(authority, key));
  }
  return {
    issuer: text("issuer"),
    authorization: text("authorization_endpoint"),
    token: text("token_endpoint"),
    revocation: isPrivate(text("revocation_endpoint")) ? text("revocation_endpoint") : null,
    namesItself: said["authorization_response_iss_parameter_supported"] === true,
  };
}

/** https, or http of this machine. */
export function isPrivate(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname } = new URL(address);
  return protocol === "https:" || (protocol === "http:" && /^(localhost|127(\.\d+){3}|\[::1\]|.*\.localhost)$/.test(hostname));
}

/** Where one signs in. */
export async function addressOf(endpoints: Endpoints, issuer: Issuer, request: CodeRequest, redirect: string): Promise<string> {
  const address = new URL(endpoints.authorization);
  const fields = {
    ...aboutUs(issuer),
    response_type: "code",
    redirect_uri: redirect,
    scope: issuer.scopes.join(" "),
    state: request.state,
    nonce: request.nonce,
    code_challenge: await challengeOf(request.verifier),
    code_challenge_method: "S256",
    // Without consent an issuer need not give anything to renew a token with: OpenID Connect Core 1.0, 11.
    ...(issuer.scopes.includes("offline_access") ? { prompt: "consent" } : {}),
  };
  for (const [name, value] of Object.entries(fields)) address.searchParams.set(name, value);
  return address.href;
}

function aboutUs({ clientId, audience }: Issuer): Record<string, string> {
  if (audience === null) return { client_id: clientId };
  return { client_id: clientId, audience, ...(audience.includes("://") ? { resource: audience } : {}) };
}

/** The code that the issuer has sent the browser back with. Throws an Error, in words, if it has not. */
export function codeOf(answer: URLSearchParams, request: CodeRequest, endpoints: Endpoints): string {
  if (answer.get("state") !== request.state) throw new Error(texts.signIn.otherState);
  const iss = answer.get("iss");
  if (iss === null ? endpoints.namesItself : iss !== endpoints.issuer) throw new Error(texts.signIn.otherIssuer(endpoints.issuer));
  const error = answer.get("error");
  if (error !== null) throw new Error(texts.signIn.refused(error, answer.get("error_description") ?? ""));
  const code = answer.get("code");
  if (code === null || code === "") throw new Error(texts.signIn.noCode);
  return code;
}

export async function exchange(
  endpoints: Endpoints, issuer: Issuer, request: CodeRequest, code: string, redirect: string, now: number, call: Fetch = fetch,
): Promise<Granted> {
  const said = await ask(
    endpoints.token,
    { ...aboutUs(issuer), grant_type: "authorization_code", code, redirect_uri: redirect, code_verifier: request.verifier },
    issuer.authority,
    call,
  );
  if (typeof said["id_token"] === "string") {
    const claims = claimsOf(said["id_token"]);
    const meant = Array.isArray(claims["aud"]) ? claims["aud"] : [claims["aud"]];
    if (claims["iss"] !== endpoints.issuer || !meant.includes(issuer.clientId)) throw new Error(texts.signIn.otherPerson);
    if (claims["nonce"] !== request.nonce) throw new Error(texts.signIn.otherState);
  }
  return readGrant(said, now);
}

export async function renew(endpoints: Endpoints, issuer: Issuer, refresh: string, now: number, call: Fetch = fetch): Promise<Granted> {
  const fields = { ...aboutUs(issuer), grant_type: "refresh_token", refresh_token: refresh };
  const granted = readGrant(await ask(endpoints.token, fields, issuer.authority, call), now);
  return { ...granted, refresh: granted.refresh ?? refresh };
}

/** Gives back what tokens are renewed with, and the tokens that were. It is sent even if the page goes meanwhile. */
export async function revoke(endpoints: Endpoints, issuer: Issuer, refresh: string, call: Fetch = fetch): Promise<void> {
  if (endpoints.revocation === null) return;
  const fields = { client_id: issuer.clientId, token: refresh, token_type_hint: "refresh_token" };
  await ask(endpoints.revocation, fields, issuer.authority, (address, init) => call(address, { ...init, keepalive: true }));
}

function readGrant(said: Record<string, unknown>, now: number): Granted {
  const token = said["access_token"];
  if (typeof token !== "string" || token === "") throw new Error(texts.signIn.noToken);
  if (String(said["token_type"]).toLowerCase() !== "bearer") throw new Error(texts.signIn.noToken);
  const life = Number(said["expires_in"] ?? NaN);
  const ends = Number.isFinite(life) && life >= 0 ? now + life * 1000 : endOf(token);
  return { token, ends, refresh: typeof said["refresh_token"] === "string" ? said["refresh_token"] : null };
}

/** When a token ends by what it says itself, ms since the epoch; null: it does not say. */
export function endOf(token: string): number | null {
  const exp = claimsOf(token)["exp"];
  return typeof exp === "number" && Number.isFinite(exp) ? exp * 1000 : null;
}

async function ask(address: string, fields: Record<string, string>, authority: string, call: Fetch): Promise<Record<string, unknown>> {
  let response;
  try {
    response = await call(address, {
      headers: { Accept: "application/json" },
      credentials: "omit",
      redirect: "error",
      signal: AbortSignal.timeout(15_000),
      ...(Object.keys(fields).length > 0 ? { method: "POST", body: new URLSearchParams(fields) } : {}),
    });
  } catch {
    throw new Error(texts.signIn.away(authority));
  }
  const said: unknown = await response.json().catch(() => null);
  const found = (typeof said === "object" && said !== null ? said : {}) as Record<string, unknown>;
  if (response.ok) return found;
  const error = typeof found["error"] === "string" ? found["error"] : `${response.status}`;
  throw new Error(texts.signIn.refused(error, typeof found["error_description"] === "string" ? found["error_description"] : ""));
}
