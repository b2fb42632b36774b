/** Answers that may have to read from the archive first: values at a moment, and samples one by one. */

import type { OpenSession } from "./session";
import { wait } from "./timing";
import type { Track } from "./tracks";

const BEFORE = 10e9; // ns: so far back a value is looked for in the archive
const PASSING = 100; // ms that a moment has to be asked for until it is looked up in the archive
const PIECE = 100_000; // samples that are read at once, about

export interface Valued {
  parameter: string;
  time: number;
  value: number;
}

/** Of each parameter the last sample at or before a moment. */
export async function valuesAt(session: OpenSession, at: number, parameters: string[], signal: AbortSignal): Promise<Valued[]> {
  const tracks = parameters.map((id) => session.tracks.byId.get(id));
  const unknown = tracks.filter((track): track is Track => track !== undefined && !isKnown(track, at, session));
  if (unknown.length > 0) {
    await wait(PASSING, signal);
    await session.archive!.readData(unknown, at - BEFORE, at, signal);
  }
  return parameters.map((parameter, i) => {
    const found = tracks[i]?.series.lastAt(at);
    return found ? { parameter, ...found } : { parameter, time: NaN, value: NaN };
  });
}

/** Whether what is held says it. */
function isKnown({ series, held }: Track, at: number, { recorded }: OpenSession): boolean {
  if (recorded === null || at < recorded[0] || !held.has(Math.min(at, recorded[1]))) return recorded === null || at < recorded[0];
  const found = series.lastAt(at);
  return held.covers(found ? found.time : at - BEFORE, Math.min(at, recorded[1]));
}

/** The first samples of a stretch. */
export async function samplesWithin(
  session: OpenSession,
  track: Track,
  from: number,
  to: number,
  limit: number,
  signal: AbortSignal,
): Promise<{ times: Float64Array; values: Float64Array; more: boolean }> {
  const { series, held } = track;
  const { recorded } = session;
  if (recorded !== null) {
    const [first, last] = [Math.max(from, recorded[0]), Math.min(to, recorded[1])];
    const piece = Math.max(1e9, (Number.isNaN(track.step) ? 1e7 : track.step) * PIECE);
    for (let at = first; at <= last && series.countIn(from, at) <= limit; at += piece) {
      const stop = Math.min(at + piece, last);
      if (!held.covers(at, stop)) await session.archive!.readData([track], at, stop, signal);
    }
  }
  const [times, values] = [new Float64Array(limit), new Float64Array(limit)];
  let count = 0;
  for (let b = series.blockAt(from); b < series.blocks.length; b++) {
    const block = series.blocks[b]!;
    for (let i = block.lowerBound(from); i < block.count && block.times[i]! <= to; i++) {
      if (count === limit) return { times, values, more: true };
      times[count] = block.times[i]!;
      values[count++] = block.values[i]!;
    }
  }
  return { times: times.slice(0, count), values: values.slice(0, count), more: false };
}
