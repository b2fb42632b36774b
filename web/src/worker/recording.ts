/** What the archive has of a session. Source: docs/rest.md, "Recording". */

import type { Stretch } from "../series/intervals";
import { Malformed } from "../wire/malformed";
import { nanoseconds, parseExactly } from "../wire/times";

export interface Recording {
  from: bigint | null; // ns: the first sample
  flushPoint: string | null;
  sealed: boolean; // all of it is recorded, and stays as it is
  /** ns since the Unix epoch, by the clock of the service: when something arrived that could not be recorded. */
  holes: [bigint, bigint][];
}

interface Document {
  timeRange?: { startTime?: unknown } | null;
  flushPoint?: unknown;
  sealed?: unknown;
  runs?: { start?: unknown; upto?: unknown; holes?: { after?: unknown; upto?: unknown }[] }[];
}

/** null: nothing is recorded of it. */
export function readRecording(text: string): Recording | null {
  try {
    const document = parseExactly(text) as Document | null;
    if (document === null) return null;
    const { timeRange, flushPoint, sealed, runs = [] } = document;
    const holes = runs.flatMap((run) =>
      (run.holes ?? []).flatMap((hole): [bigint, bigint][] => {
        const first = max(position(hole.after), position(run.start));
        const last = min(position(hole.upto), position(run.upto));
        return first !== null && last !== null && first <= last ? [[first, last]] : [];
      }),
    );
    return {
      from: nanoseconds(timeRange?.startTime),
      flushPoint: typeof flushPoint === "string" ? flushPoint : null,
      sealed: sealed === true,
      holes,
    };
  } catch (error) {
    throw new Malformed(`what is recorded cannot be told: ${(error as Error).message}`);
  }
}

export function offsetsOf(holes: [bigint, bigint][], base: bigint): Stretch[] {
  return holes.map(([a, b]) => [Number(a - base), Number(b - base)]);
}

/** A position is ms since the Unix epoch, and a count. */
function position(value: unknown): bigint | null {
  const found = typeof value === "string" ? /^(\d{1,20})-\d{1,20}$/.exec(value) : null;
  return found ? BigInt(found[1]!) * 1_000_000n : null;
}

function max(a: bigint | null, b: bigint | null): bigint | null {
  return a === null || b === null ? null : a > b ? a : b;
}

function min(a: bigint | null, b: bigint | null): bigint | null {
  return a === null || b === null ? null : a < b ? a : b;
}
