/** Lengths, ages, sizes and moments as people read them. */

import type { Zone } from "./view";
import { ahead, siteZone } from "./zones";
import { texts } from "../texts/en";

/** How long something lasts or lasted, ms. */
export function length(ms: number): string {
  const seconds = Math.floor(Math.max(ms, 0) / 1000);
  const [days, rest] = [Math.floor(seconds / 86_400), seconds % 86_400];
  const clock = [Math.floor(rest / 3600), Math.floor((rest % 3600) / 60), rest % 60];
  const text = clock.map((part, at) => (at === 0 ? `${part}` : `${part}`.padStart(2, "0"))).join(":");
  return days > 0 ? `${texts.units.days(days)} ${text}` : text;
}

/** How old something is, ms: as exact as it is of use. */
export function age(ms: number): string {
  if (ms < 9_950) return `${(Math.max(ms, 0) / 1000).toFixed(1)} s`;
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return ms < 172_800_000 ? `${Math.round(ms / 3_600_000)} h` : texts.units.days(Math.round(ms / 86_400_000));
}

export function size(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let [at, value] = [0, bytes];
  while (value >= 999.5 && at < units.length - 1) [at, value] = [at + 1, value / 1000];
  return `${at === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[at]}`;
}

const two = (part: number) => `${part}`.padStart(2, "0");

/** A moment, ms since the epoch, to the second; days in the order of the alphabet, hours by 24. */
export function moment(ms: number, zone: Zone): string {
  if (!Number.isFinite(ms) || Math.abs(ms) > 8.64e15) return "";
  const date = new Date(ms);
  if (zone === "site" && siteZone.value !== null) {
    const offset = ahead(zone, ms);
    const local = new Date(ms + offset).toISOString().slice(0, 19).replace("T", " ");
    const minutes = Math.abs(Math.round(offset / 60e3));
    return `${local} ${offset < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
  }
  if (zone === "utc" || zone === "site") return `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
