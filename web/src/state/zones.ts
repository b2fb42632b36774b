/** Which zones times may be shown in, and how far each is ahead of UTC. */

import { signal } from "@preact/signals";
import type { Zone } from "./view";

/** The IANA name of the zone where the site stands; null: it is UTC, or not known. */
export const siteZone = signal<string | null>(null);

let format: Intl.DateTimeFormat | null = null;
const known = new Map<number, number>(); // ms ahead, by quarter of an hour: zones change at no other times

/** The service has said where it stands. Whether this browser knows the zone. */
export function setSiteZone(name: string | null): boolean {
  [siteZone.value, format] = [null, null];
  known.clear();
  if (name === null || name === "UTC") return true;
  try {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: name, hourCycle: "h23", era: "short",
      year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric",
    });
  } catch {
    return false;
  }
  siteZone.value = name;
  return true;
}

/** Those to choose from; `chosen` is there in any case. */
export const zonesToChoose = (chosen: Zone): Zone[] =>
  siteZone.value === null && chosen !== "site" ? ["viewer", "utc", "session"] : ["viewer", "site", "utc", "session"];

/** How far the zone is ahead of UTC, in ms, at a time in ms since the epoch. */
export function ahead(zone: Zone, ms: number): number {
  if (zone === "viewer") return -new Date(ms).getTimezoneOffset() * 60e3;
  return zone === "site" && siteZone.value !== null ? siteAhead(ms) : 0;
}

const QUARTER = 900e3;
const MOST = 1000;
const LATEST = 8.64e15 - 86400e3; // what a Date holds, whatever the zone

function siteAhead(ms: number): number {
  if (format === null || !(Math.abs(ms) < LATEST)) return 0;
  const quarter = Math.floor(ms / QUARTER) * QUARTER;
  let found = known.get(quarter);
  if (found === undefined) {
    const parts = new Map(format.formatToParts(quarter).map(({ type, value }) => [type, value]));
    const part = (name: Intl.DateTimeFormatPartTypes) => Number(parts.get(name));
    const year = parts.get("era") === "BC" ? 1 - part("year") : part("year");
    const local = new Date(Date.UTC(2000, part("month") - 1, part("day"), part("hour"), part("minute"), part("second")));
    found = local.setUTCFullYear(year, part("month") - 1, part("day")) - quarter;
    if (known.size >= MOST) known.clear();
    known.set(quarter, found);
  }
  return found;
}
