/** The node's streams and alarms over HTTP. */

import { segment, type Service } from "./service";

export interface Last {
  ts: string;
  seq: number;
  values: Record<string, unknown> | null; // by attribute, perhaps by component below; null: there are too many for a list
}

export interface Stream {
  code: string;
  name: string | null; // null: the unnamed one
  description: string;
  state: "running" | "stopped";
  seq: number;
  since: string | null;
  startedBy: string | null;
  stoppedBy: string | null;
  pruneAt: string | null;
  consumers: Record<string, string>; // node id: its presence
  messages: number; // a second
  bytes: number; // a second
  kept: { entries: number; oldest: string; newest: string } | null;
  last: Last | null; // its newest entry; null: it does not run, or has said nothing yet
  settings: Record<string, unknown>;
}

const STATE = new Set([
  "code", "name", "description", "state", "seq", "since", "started_by", "stopped_by", "prune_at", "consumers", "kept", "last",
  "messages_per_second", "bytes_per_second",
]);

export async function listStreams(service: Service, abort?: AbortSignal): Promise<Stream[]> {
  const said = await service.json<{ streams: Record<string, unknown>[] }>("rta/v2/streams", abort ? { abort } : {});
  return said.streams.map(readStream);
}

const textOf = (value: unknown) => (typeof value === "string" && value !== "" ? value : null);

export function readStream(said: Record<string, unknown>): Stream {
  return {
    code: String(said["code"]),
    name: textOf(said["name"]),
    description: textOf(said["description"]) ?? "",
    state: said["state"] === "running" ? "running" : "stopped",
    seq: Number(said["seq"] ?? 0),
    since: textOf(said["since"]),
    startedBy: textOf(said["started_by"]),
    stoppedBy: textOf(said["stopped_by"]),
    pruneAt: textOf(said["prune_at"]),
    consumers: (said["consumers"] ?? {}) as Stream["consumers"],
    messages: Number(said["messages_per_second"] ?? 0),
    bytes: Number(said["bytes_per_second"] ?? 0),
    kept: (said["kept"] ?? null) as Stream["kept"],
    last: (said["last"] ?? null) as Stream["last"],
    settings: Object.fromEntries(Object.entries(said).filter(([key]) => !STATE.has(key))),
  };
}

const placeOf = ({ code, name }: Pick<Stream, "code" | "name">) => `rta/v2/streams/${segment(code)}/${segment(name ?? "default")}`;

/** The newest entry of one stream, with all its values. */
export async function askLast(service: Service, stream: Stream, abort: AbortSignal): Promise<Last | null> {
  return readStream(await service.json<Record<string, unknown>>(placeOf(stream), { abort })).last;
}

export interface ValueRow {
  attribute: string;
  component: string; // empty: the attribute has none
  value: unknown;
}

/** One row for each value, in the order in which they are sent. */
export const valueRows = (values: Record<string, unknown>): ValueRow[] =>
  Object.entries(values).flatMap(([attribute, value]) =>
    typeof value === "object" && value !== null
      ? Object.entries(value).map(([component, inner]) => ({ attribute, component, value: inner as unknown }))
      : [{ attribute, component: "", value }],
  );

export const startStream = (service: Service, stream: Stream, timeout: number | null) =>
  service.json(`${placeOf(stream)}/start`, { method: "POST", body: timeout === null ? {} : { timeout } });

export const stopStream = (service: Service, stream: Stream) => service.json(`${placeOf(stream)}/stop`, { method: "POST", body: {} });

export const changeStream = (service: Service, stream: Stream, settings: Record<string, unknown>) =>
  service.json(placeOf(stream), { method: "PATCH", body: settings });

export const removeStream = (service: Service, stream: Stream) => service.json(placeOf(stream), { method: "DELETE", body: {} });

/** A setting as somebody has typed it: JSON where it is some, otherwise the text itself; nothing is the default. */
export function readSetting(text: string): unknown {
  const trimmed = text.trim();
  if (trimmed === "") return null;
  try {
    return JSON.parse(trimmed) as unknown;
  } catch {
    return trimmed;
  }
}

export const writeSetting = (value: unknown): string =>
  value === null ? "" : typeof value === "string" ? value : JSON.stringify(value);

export interface Alarm {
  code: string;
  component: string | null;
  description: string;
  active: boolean;
  since: string | null;
  values: Record<string, unknown>;
  source: string;
  rule: string;
  history: AlarmChange[]; // the newest last
}

export interface AlarmChange {
  ts: string;
  active: boolean;
  values: Record<string, unknown>;
}

/** The alarms with what each has done. */
export async function listAlarms(service: Service, abort?: AbortSignal): Promise<Alarm[]> {
  const said = await service.json<{ alarms: Alarm[] }>("rta/v2/alarms?history=true", abort ? { abort } : {});
  return said.alarms;
}
