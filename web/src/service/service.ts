/**
 * Calls of the service over HTTP by the page itself: with the token of whoever has signed in, and with failures in words.
 * Samples come through the Worker, not from here.
 */

import { texts } from "../texts/en";

/** Why a call has not done what it was to do. `message` is for people. */
export class Failure extends Error {
  constructor(
    message: string,
    readonly status: number, // 0: the service was not reached
    readonly field: string | null = null, // the parameter that is wrong
    readonly again: number | null = null, // seconds until it makes sense to ask again
  ) {
    super(message);
    this.name = "Failure";
  }
}

export interface Call {
  method?: string;
  body?: unknown; // is sent as JSON
  abort?: AbortSignal;
  patience?: number; // ms for the head of the answer; 15000 where it is not said
}

export interface Service {
  /** The answer, whatever its status. Paths are relative: `rta/v2/sessions`, `health`. Throws a Failure if there is none. */
  answer(path: string, call?: Call): Promise<Response>;
  /** The JSON of a good answer; null where it has no body. Throws a Failure for any other. */
  json<T>(path: string, call?: Call): Promise<T>;
  /** By how many ms the service's clock is ahead of ours, as far as is known. */
  readonly ahead: number;
}

export interface Credentials {
  /** What the next call signs in with; null: nothing. */
  token(): string | null;
  /** A call was answered 401 with this token. */
  refused(token: string | null): void;
}

export const segment = encodeURIComponent;

export function restService(base: string, credentials: Credentials, call: typeof fetch = fetch.bind(globalThis)): Service {
  let ahead = 0;

  async function answer(path: string, { method = "GET", body, abort, patience = 15_000 }: Call = {}): Promise<Response> {
    const token = credentials.token();
    const headers: Record<string, string> = {};
    if (token !== null) headers["Authorization"] = `Bearer ${token}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const impatience = new AbortController();
    const timer = setTimeout(() => impatience.abort(), patience);
    const giveUp = () => impatience.abort();
    abort?.addEventListener("abort", giveUp, { once: true });
    if (abort?.aborted) giveUp();
    let response;
    try {
      response = await call(new URL(path, base), {
        method,
        headers,
        body: body === undefined ? null : JSON.stringify(body),
        signal: impatience.signal,
        credentials: "same-origin", // the browser's certificate, if it has one
        redirect: "error",
      });
    } catch (error) {
      if (abort?.aborted) throw error;
      throw new Failure(impatience.signal.aborted ? texts.service.late(patience / 1000) : texts.service.unreached, 0);
    } finally {
      clearTimeout(timer);
    }
    const date = Date.parse(response.headers.get("Date") ?? "");
    if (!Number.isNaN(date) && response.headers.get("Age") === null) ahead = date + 500 - Date.now();
    if (response.status === 401) credentials.refused(token);
    return response;
  }

  async function json<T>(path: string, call: Call = {}): Promise<T> {
    const response = await answer(path, call);
    if (!response.ok) throw await failureOf(response);
    const text = await response.text().catch(() => {
      throw new Failure(texts.service.brokenOff, 0);
    });
    try {
      return (text === "" ? null : JSON.parse(text)) as T;
    } catch {
      throw new Failure(texts.service.unreadable(path), response.status);
    }
  }

  return {
    answer,
    json,
    get ahead() {
      return Math.abs(ahead) < 2000 ? 0 : ahead;
    },
  };
}

/** What a refusal says: a problem document (RFC 9457), or `reason` and `field` as streams and alarms have it. */
export async function failureOf(response: Response): Promise<Failure> {
  const wait = Number(response.headers.get("Retry-After") ?? NaN);
  const again = Number.isFinite(wait) ? wait : null;
  const text = await response.text().catch(() => "");
  let said: Record<string, unknown> = {};
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === "object" && parsed !== null) said = parsed as Record<string, unknown>;
  } catch {
    // a proxy's page, perhaps: the status says it all
  }
  const words = [said["detail"], said["reason"], said["title"]].find((it) => typeof it === "string" && it !== "");
  const field = typeof said["field"] === "string" ? said["field"] : null;
  return new Failure(
    texts.service.refused(response.status, words === undefined ? "" : String(words), again),
    response.status,
    field,
    again,
  );
}

/** Any error, in words. */
export const wordsOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

export const isAbort = (error: unknown) => error instanceof DOMException && error.name === "AbortError";
