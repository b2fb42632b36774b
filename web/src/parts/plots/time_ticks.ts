/** Ticks of the time axis, at round times of the zone, from ns to years. */

import { ahead } from "../../state/zones";
import { roundStep } from "./scale";
import type { Span } from "./stretch";
import { DAY, SECOND, clockText, dateText, lengthText, wall, type Clock } from "./time_text";

export interface TimeTick {
  at: number;
  text: string;
}

export interface TimeTicks {
  ticks: TimeTick[];
  /** What the ticks do not say: the day, or the time that those of µs and ns are counted from. */
  context: string;
}

const MINUTE = 60 * SECOND;
const HOUR = 3600 * SECOND;
const STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR),
  ...[1, 2, 7, 14, 28, 91, 365].map((days) => days * DAY),
];

export function timeStep(span: number, most: number): number {
  const least = span / Math.max(most, 1);
  if (least <= SECOND / 2) return Math.max(1, Math.round(roundStep(span, most)));
  return STEPS.find((step) => step >= least) ?? STEPS.at(-1)!;
}

export function timeTicks(clock: Clock, span: Span, most: number): TimeTicks {
  const step = timeStep(span.to - span.from, most);
  const times = step <= SECOND ? fine(clock, span, step) : coarse(clock, span, step);
  if (step < 1e6) return counted(clock, times, step);
  const text = (at: number) => {
    const midnight = step >= MINUTE && wall(clock, at).ms % (DAY / 1e6) === 0;
    if (step >= DAY || midnight) return clock.zone === "session" ? lengthText(at) : dateText(clock, at).slice(5);
    return clockText(clock, at, step);
  };
  const ticks = times.map((at) => ({ at, text: text(at) }));
  const date = dateText(clock, span.from);
  return { ticks, context: step >= DAY ? date.slice(0, 4) : date };
}

/** Steps that divide a second: exact in ns, whatever the zone. */
function fine({ zone, base }: Clock, { from, to }: Span, step: number): number[] {
  const phase = zone === "session" ? 0 : Number(base % BigInt(step));
  const times: number[] = [];
  for (let at = Math.ceil((from + phase) / step); at * step - phase <= to; at++) times.push(at * step - phase);
  return times;
}

/** Steps of whole seconds, at round times of the wall clock, also where it is put forward or back. */
function coarse(clock: Clock, { from, to }: Span, step: number): number[] {
  const ms = step / 1e6;
  const first = wall(clock, from).ms;
  const times: number[] = [];
  for (let local = Math.ceil(first / ms) * ms; times.length < 200; local += ms) {
    const at = offsetOf(clock, local);
    if (at > to) break;
    if (at >= from) times.push(at);
  }
  return times;
}

function offsetOf({ zone, base }: Clock, local: number): number {
  if (zone === "session") return local * 1e6;
  const ms = local - ahead(zone, local - ahead(zone, local));
  return Number(BigInt(ms) * 1_000_000n - base);
}

/** Ticks of µs and ns are counted from a round time, which the context says. */
function counted(clock: Clock, times: number[], step: number): TimeTicks {
  const first = times[0];
  if (first === undefined) return { ticks: [], context: "" };
  const unit = step >= 1e3 ? 1e6 : 1e3;
  const phase = clock.zone === "session" ? 0 : Number(clock.base % BigInt(unit));
  const zero = Math.floor((first + phase) / unit) * unit - phase;
  const [size, name] = step >= 1e3 ? [1e3, "µs"] : [1, "ns"];
  const ticks = times.map((at) => ({ at, text: `+${Math.round(at - zero) / size}\u202f${name}` }));
  return { ticks, context: `${dateText(clock, zero)} ${clockText(clock, zero, unit)}`.trim() };
}
