/** Times of the shared axis as people read them, in a zone. Offsets are ns since the base, which is ns since the epoch. */

import type { Zone } from "../../state/view";
import { ahead } from "../../state/zones";

export interface Clock {
  zone: Zone;
  base: bigint;
}

export const SECOND = 1e9;
export const DAY = 86400e9;

/** Wall clock: ms since 1970-01-01 00:00 of the zone, and the ns within that ms. */
export function wall({ zone, base }: Clock, offset: number): { ms: number; ns: number } {
  if (zone === "session") {
    const ms = Math.floor(offset / 1e6);
    return { ms, ns: Math.round(offset - ms * 1e6) };
  }
  const time = base + BigInt(Math.round(offset));
  const ns = Number(((time % 1_000_000n) + 1_000_000n) % 1_000_000n);
  const ms = Number((time - BigInt(ns)) / 1_000_000n);
  return { ms: ms + ahead(zone, ms), ns };
}

const two = (value: number) => `${value}`.padStart(2, "0");

/** The digits of a second's fraction down to `resolution` (ns): ".25", ".123 456", or none. */
function fraction(ms: number, ns: number, resolution: number): string {
  const digits = resolution >= SECOND ? 0 : Math.min(9, Math.ceil(9 - Math.log10(Math.max(resolution, 1)) - 1e-9));
  if (digits === 0) return "";
  const all = `${(((ms % 1000) + 1000) % 1000) * 1e6 + ns}`.padStart(9, "0").slice(0, digits);
  return `.${all.replace(/(\d{3})(?=\d)/g, "$1\u2009")}`;
}

/** 12:04:05.25; of a session's own time 0:00:05.25, with a sign before its base. */
export function clockText(clock: Clock, offset: number, resolution: number): string {
  if (clock.zone === "session" && offset < 0) return `−${clockText(clock, -offset, resolution)}`;
  const { ms, ns } = wall(clock, offset);
  const seconds = Math.floor(ms / 1000);
  const hours = Math.floor(seconds / 3600);
  const minutes = two(Math.floor(seconds / 60) % 60);
  const shown = clock.zone === "session" ? `${hours}` : two(((hours % 24) + 24) % 24);
  const rest = resolution >= 60 * SECOND ? "" : `:${two(seconds % 60)}${fraction(ms, ns, resolution)}`;
  return `${shown}:${minutes}${rest}`;
}

/** 2026-11-29; nothing for a session's own time. */
export function dateText(clock: Clock, offset: number): string {
  return clock.zone === "session" ? "" : new Date(wall(clock, offset).ms).toISOString().slice(0, 10);
}

export const timeText = (clock: Clock, offset: number, resolution: number): string =>
  `${dateText(clock, offset)} ${clockText(clock, offset, resolution)}`.trim();

const UNITS: [number, string][] = [
  [DAY, "d"],
  [3600e9, "h"],
  [60e9, "min"],
  [1e9, "s"],
  [1e6, "ms"],
  [1e3, "µs"],
  [1, "ns"],
];

/** A length of time in its largest unit: 30 s, 1.5 min, 250 µs. */
export function lengthText(ns: number): string {
  const size = Math.abs(ns);
  const [unit, name] = UNITS.find(([unit]) => size >= unit * (1 - 1e-12)) ?? [1, "ns"];
  const text = `${Number((size / unit).toPrecision(4))}\u202f${name}`;
  return ns < 0 ? `−${text}` : text;
}
