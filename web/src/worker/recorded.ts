/** Reads recorded data of a session over REST, as they stream in. Source: docs/rest.md, "Data". */

import { ChunkReader } from "../wire/chunks";
import type { DataKind } from "../wire/burst";
import type { Base } from "../wire/protobuf";
import type { Sink } from "../wire/sink";
import { RestError, type Rest } from "./rest";

const MOST_ITEMS = 2048; // of channels in a path
const CHUNKED = "application/vnd.mat.protobuf+chunked";

export interface Wanted {
  session: string;
  kind: DataKind;
  channels: Iterable<number> | "all";
  from: number; // offsets, both included
  to: number;
  upto: string | null; // a flush point
}

export interface Answer {
  flushPoint: string | null;
  broken: number; // chunks that could not be read, or that the service has left out
}

/** `stop`: asked after each piece; true: that is enough. */
export async function readRecorded(
  rest: Rest,
  wanted: Wanted,
  base: Base,
  sink: Sink,
  signal: AbortSignal,
  stop: () => boolean = () => false,
): Promise<Answer> {
  const answer = await rest.get(pathOf(wanted, base), signal, CHUNKED);
  const reader = new ChunkReader(wanted.kind, base, sink);
  if (answer.body) {
    const body = answer.body.getReader();
    for (;;) {
      const piece = await nextOf(body, signal);
      if (piece === null) break;
      reader.feed(piece);
      if (stop()) {
        await body.cancel();
        break;
      }
    }
  }
  if (!stop()) reader.end();
  const damaged = Number(answer.headers.get("rta-damaged-chunks") ?? 0);
  return { flushPoint: answer.headers.get("rta-flush-point"), broken: reader.broken + damaged };
}

async function nextOf(body: ReadableStreamDefaultReader<Uint8Array>, signal: AbortSignal): Promise<Uint8Array | null> {
  try {
    const { done, value } = await body.read();
    return done ? null : value;
  } catch {
    signal.throwIfAborted();
    throw new RestError(0, "an answer of the service has broken off");
  }
}

function pathOf({ session, kind, channels, from, to, upto }: Wanted, base: Base): string {
  const place = kind === "events" ? "events" : `${kind}/${channelText(channels)}`;
  return `sessions/${encodeURIComponent(session)}/data/${place}?${rangeText(from, to, base)}${
    upto === null ? "" : `&upto=${encodeURIComponent(upto)}`
  }`;
}

/** Of a stretch in a query. Times of REST are 0 to 2^63 - 1. */
export function rangeText(from: number, to: number, base: Base): string {
  const parts: string[] = [];
  if (Number.isFinite(from)) parts.push(`start=${momentText(Math.floor(from), base)}`);
  if (Number.isFinite(to)) parts.push(`end=${momentText(Math.ceil(to), base)}`);
  return parts.join("&");
}

function momentText(offset: number, base: Base): string {
  const ns = base.ns + BigInt(offset);
  const most = (1n << 63n) - 1n;
  return String(ns < 0n ? 0n : ns > most ? most : ns);
}

/** Channels in a path; runs of them are written as such, and of too many all are asked for. */
export function channelText(channels: Iterable<number> | "all"): string {
  if (channels === "all") return "-";
  const sorted = [...channels].sort((a, b) => a - b);
  const items: string[] = [];
  for (let i = 0; i < sorted.length; ) {
    let last = i;
    while (last + 1 < sorted.length && sorted[last + 1]! <= sorted[last]! + 1) last++;
    const [from, to] = [sorted[i]!.toString(16), sorted[last]!.toString(16)];
    items.push(from === to ? from : `${from}-${to}`);
    i = last + 1;
  }
  const text = items.join(",");
  return items.length > MOST_ITEMS || text.length > 16_000 ? "-" : text;
}
