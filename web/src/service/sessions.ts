/** Sessions as REST lists them: live and recorded ones, a page at a time. */

import type { Property, Query } from "./query";
import { readMetamodel } from "./query";
import { failureOf, segment, type Service } from "./service";

export interface Listed {
  identity: string;
  identifier: string;
  state: string;
  group: string;
  start: number | null; // ms since the epoch
  end: number | null;
  details: Record<string, string | number | boolean>;
  configurations: string[];
}

/** What the archive has of a session; null: nothing. */
export type Recorded = { sealed: boolean; bytes: number } | null;

export const PAGE = 20;

/** A page of sessions, the newest first, and whether there is another page. */
export async function listSessions(service: Service, query: Query, page: number, abort?: AbortSignal, size = PAGE) {
  const fields = new URLSearchParams({ pageSize: `${size}`, pageIndex: `${page}`, query: JSON.stringify(query) });
  const answer = await service.answer(`rta/v2/sessions?${fields}`, abort === undefined ? {} : { abort });
  const said = await readAnswer<{ sessions?: unknown[] }>(answer);
  const sessions = (said.sessions ?? []).map(readListed).filter((it) => it !== null);
  return { sessions, more: (said.sessions ?? []).length === size, incomplete: answer.headers.has("RTA-Incomplete") };
}

async function readAnswer<T>(response: Response): Promise<T> {
  if (!response.ok) throw await failureOf(response);
  return (await response.json()) as T;
}

/** Writers may have keys in any case, and the state as a number. */
export function readListed(said: unknown): Listed | null {
  if (typeof said !== "object" || said === null) return null;
  const fields = new Map(Object.entries(said).map(([key, value]) => [key.toLowerCase(), value as unknown]));
  const text = (key: string) => (typeof fields.get(key) === "string" ? String(fields.get(key)) : "");
  const identity = text("identity");
  if (identity === "") return null;
  const range = (fields.get("timerange") ?? {}) as Record<string, unknown>;
  const bindings = fields.get("configbindings");
  return {
    identity,
    identifier: text("identifier") || identity,
    state: stateOf(fields.get("state")),
    group: text("group"),
    start: moment(range["startTime"]) ?? parsed(text("starttimestamp")) ?? parsed(text("timestamp")),
    end: moment(range["endTime"]) ?? parsed(text("endtimestamp")),
    details: detailsOf(fields.get("details")),
    configurations: Array.isArray(bindings)
      ? bindings.map((it) => (it as { identifier?: unknown } | null)?.identifier).filter((it) => typeof it === "string")
      : [],
  };
}

const STATES: Record<number, string> = {
  1: "waiting", 2: "open", 4: "closed", 12: "truncated", 28: "failed", 44: "abandoned",
};

function stateOf(said: unknown): string {
  if (typeof said === "number") return STATES[said] ?? "unknown";
  return typeof said === "string" ? said.toLowerCase() : "unknown";
}

export const isLive = (state: string) => state === "open" || state === "waiting";

const moment = (ns: unknown) => (typeof ns === "number" && ns > 0 ? ns / 1e6 : null);
const parsed = (text: string) => (text === "" || Number.isNaN(Date.parse(text)) ? null : Date.parse(text));

function detailsOf(said: unknown): Listed["details"] {
  const found: Listed["details"] = {};
  for (const [name, value] of Object.entries(said ?? {})) {
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") found[name] = value;
  }
  return found;
}

export const askProperties = async (service: Service): Promise<Property[]> =>
  readMetamodel((await service.json("rta/v2/session-metamodel")) ?? {});

export async function askRecorded(service: Service, identity: string, abort?: AbortSignal): Promise<Recorded> {
  const path = `rta/v2/sessions/${segment(identity)}/recording?absent=null`; // a 404 would stand on the browser's console
  const said = await service.json<{ sealed?: unknown; bytes?: unknown } | null>(path, abort === undefined ? {} : { abort });
  return said && { sealed: said.sealed === true, bytes: typeof said.bytes === "number" ? said.bytes : 0 };
}

/** How many channels a configuration document has. They never change: each is asked for once. */
export function channelCounter(service: Service) {
  const known = new Map<string, Promise<number>>();
  const count = async (identifier: string) => {
    const document = await service.json<Record<string, { channels?: unknown[] }>>(`rta/v2/configs/${segment(identifier)}`);
    return Object.values(document).reduce((sum, { channels }) => sum + (channels?.length ?? 0), 0);
  };
  return async (identifiers: string[]) => {
    let sum = 0;
    for (const identifier of new Set(identifiers)) {
      let counted = known.get(identifier);
      if (counted === undefined) {
        counted = count(identifier);
        known.set(identifier, counted);
        counted.catch(() => known.delete(identifier));
      }
      sum += await counted;
    }
    return sum;
  };
}

export const deleteSession = (service: Service, identity: string) =>
  service.json<null>(`rta/v2/sessions/${segment(identity)}`, { method: "DELETE" });
