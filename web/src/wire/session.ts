/** Session JSON, read leniently: keys in any case, the state by its name or number. Source: docs/protocol.md, "Session JSON". */

import { Malformed } from "./malformed";
import { nanoseconds, parseExactly } from "./times";

export interface SessionJson {
  identity: string;
  identifier: string;
  state: string;
  closed: boolean;
  timestamp: string;
  range: { start: bigint; end: bigint } | null;
  details: Record<string, string | number | boolean>;
  /** null: REST has them. */
  bindings: Binding[] | null;
}

export interface Binding {
  identifier: string;
  channelOffset: number;
}

const STATES = new Map([
  [0, "unknown"],
  [1, "waiting"],
  [2, "open"],
  [4, "closed"],
  [12, "truncated"],
  [28, "failed"],
  [44, "abandoned"],
]);
const CLOSED = new Set(["closed", "truncated", "failed", "abandoned"]);

export function readSession(text: string): SessionJson {
  let document: unknown;
  try {
    document = parseExactly(text);
  } catch (error) {
    throw new Malformed(`a session JSON cannot be read: ${(error as Error).message}`);
  }
  return sessionOf(document);
}

/** Of a document that `parseExactly` has read. */
export function sessionOf(document: unknown): SessionJson {
  const fields = lowered(document);
  if (!fields) throw new Malformed("a session JSON is no object");
  const state = stateOf(fields.get("state"));
  const bindings = fields.get("configbindings");
  return {
    identity: textOf(fields.get("identity")),
    identifier: textOf(fields.get("identifier")),
    state,
    closed: CLOSED.has(state),
    timestamp: textOf(fields.get("timestamp")),
    range: rangeOf(fields.get("timerange")),
    details: detailsOf(fields.get("details")),
    bindings: Array.isArray(bindings) ? bindings.flatMap(bindingOf) : null,
  };
}

function lowered(value: unknown): Map<string, unknown> | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  return new Map(Object.entries(value).map(([key, inner]) => [key.toLowerCase(), inner]));
}

function stateOf(value: unknown): string {
  const text = typeof value === "string" ? value.trim().toLowerCase() : value;
  const number = typeof text === "string" && /^\d{1,9}$/.test(text) ? Number(text) : text;
  if (typeof number === "number") return STATES.get(number) ?? "unknown";
  return typeof text === "string" && [...STATES.values()].includes(text) ? text : "unknown";
}

function rangeOf(value: unknown): SessionJson["range"] {
  const fields = lowered(value);
  const start = nanoseconds(fields?.get("starttime"));
  const end = nanoseconds(fields?.get("endtime"));
  return start === null || end === null || start > end ? null : { start, end };
}

function detailsOf(value: unknown): SessionJson["details"] {
  if (typeof value !== "object" || value === null) return {};
  const plain = Object.entries(value).filter(([, inner]) => ["string", "number", "boolean"].includes(typeof inner));
  return Object.fromEntries(plain);
}

function bindingOf(value: unknown): Binding[] {
  const fields = lowered(value);
  const identifier = fields?.get("identifier");
  const offset = Number(fields?.get("channeloffset") ?? 0);
  if (typeof identifier !== "string" || !Number.isSafeInteger(offset)) return [];
  return [{ identifier, channelOffset: offset }];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
