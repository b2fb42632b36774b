/** Rows of the table: the latest of each parameter, and how it went lately. */

import { addColumns } from "../series/columns";
import { LineBuilder } from "../series/line";
import type { Row } from "./messages";
import type { OpenSession } from "./session";
import type { Track } from "./tracks";

const RATED = 10e9; // ns over which a rate is measured
const SHOWN = 60e9; // ns of a sparkline
const COLUMNS = 60;

export function rowOf(track: Track, end: number): Row {
  const { series, min, max, parameter } = track;
  const last = series.blocks.at(-1);
  const count = series.countIn(end - RATED, end);
  return {
    parameter: parameter.id,
    time: last ? last.last : NaN,
    value: last ? last.values[last.count - 1]! : NaN,
    rate: count / (RATED / 1e9),
    min,
    max,
  };
}

export function sparklineOf(track: Track, session: OpenSession): { parameter: string; low: Float64Array; high: Float64Array } {
  const line = new LineBuilder(track.parameter.id, () => false, COLUMNS + 2);
  const from = session.end - SHOWN;
  addColumns(track.series, from, session.end, SHOWN / COLUMNS, line, Infinity);
  const { time, low, high } = line.build();
  const spread = (values: Float64Array) => {
    const list = new Float64Array(COLUMNS).fill(NaN);
    time.forEach((moment, i) => {
      const at = Math.min(COLUMNS - 1, Math.floor(((moment - from) / SHOWN) * COLUMNS));
      list[at] = values[i]!;
    });
    return list;
  };
  return { parameter: track.parameter.id, low: spread(low), high: spread(high) };
}
