/** The remote nodes that the service's sources follow. */

import { segment, type Service } from "./service";

export interface Gap {
  after: number; // the number of the entry before
  before: number; // and of the one behind
  since: string;
  until: string;
  missing: number;
}

export interface RemoteStream {
  code: string;
  name: string; // empty: the unnamed one
  state: "running" | "stopped" | null; // null: the node has not said
  ts: string | null; // of the newest entry
  seq: number | null;
  entries: number;
  gaps: Gap[]; // those that may still be filled
  healed: number; // gaps that were
  givenUp: number; // and that were not
  lost: number; // entries
  replaying: boolean;
}

export type Presence = "online" | "offline" | "shutdown" | "unknown";

export interface RemoteNode {
  id: string;
  source: string;
  presence: Presence;
  since: string | null;
  retained: boolean; // it had been said before the service listened
  session: string | null;
  heals: boolean;
  streams: RemoteStream[] | null; // null: there are too many for a list
}

export async function listNodes(service: Service, abort?: AbortSignal): Promise<RemoteNode[]> {
  const said = await service.json<{ nodes: Record<string, unknown>[] }>("rta/v2/nodes", abort ? { abort } : {});
  return said.nodes.map(readNode);
}

/** One node with all its streams; null: it is not followed any more. */
export async function askNode(service: Service, { id, source }: RemoteNode, abort: AbortSignal): Promise<RemoteNode | null> {
  const path = `rta/v2/nodes?node=${segment(id)}&source=${segment(source)}`;
  const said = await service.json<{ nodes: Record<string, unknown>[] }>(path, { abort });
  return said.nodes[0] === undefined ? null : readNode(said.nodes[0]);
}

const PRESENCES: Presence[] = ["online", "offline", "shutdown"];
const text = (value: unknown) => (typeof value === "string" ? value : null);
const number = (value: unknown) => (typeof value === "number" ? value : 0);
const list = (value: unknown) => (Array.isArray(value) ? (value as Record<string, unknown>[]) : []);

export function readNode(said: Record<string, unknown>): RemoteNode {
  return {
    id: String(said["id"]),
    source: text(said["source"]) ?? "",
    presence: PRESENCES.find((it) => it === said["presence"]) ?? "unknown",
    since: text(said["since"]),
    retained: said["retained"] === true,
    session: text(said["session"]),
    heals: said["heals"] === true,
    streams: said["streams"] === null ? null : list(said["streams"]).map(readRemoteStream),
  };
}

const readRemoteStream = (said: Record<string, unknown>): RemoteStream => ({
  code: String(said["code"]),
  name: text(said["name"]) ?? "",
  state: said["state"] === "running" || said["state"] === "stopped" ? said["state"] : null,
  ts: text(said["ts"]),
  seq: typeof said["seq"] === "number" ? said["seq"] : null,
  entries: number(said["entries"]),
  gaps: list(said["gaps"]).map((gap) => ({
    after: number(gap["after_seq"]),
    before: number(gap["before_seq"]),
    since: text(gap["since"]) ?? "",
    until: text(gap["until"]) ?? "",
    missing: number(gap["missing"]),
  })),
  healed: number(said["healed"]),
  givenUp: number(said["given_up"]),
  lost: number(said["lost"]),
  replaying: said["replaying"] === true,
});
