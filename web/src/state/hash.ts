/**
 * The view as the text behind the # of the page's address, so that a colleague sees the same:
 *
 *   v1/plots?session=a.7d7c0b48-…&plot=a.RPM:csv,a.Boost:csv;height=240;y=kPa,0,300&follow=30
 *   v1/sessions?search=wet&filter=details.driver,is,Anna&page=2
 *
 * Times and shifts are seconds with as many decimals as they need, exact to the nanosecond. What cannot be read is left
 * out, and said. Later versions of the page go on reading `v1`.
 */

import type { Filter, Operator } from "../service/query";
import { texts } from "../texts/en";
import { emptyListing, type Listing } from "./listing";
import { emptyView, FOLLOW, HEIGHT, type Axis, type Plot, type Shown, type Stretch, type View, type Zone } from "./view";

export const TABS = ["sessions", "plots", "table", "events", "streams", "alarms", "health"] as const;
export type Tab = (typeof TABS)[number];

export interface Place {
  tab: Tab;
  view: View;
  listing: Listing; // stands in the address of sessions only
}

const VERSION = "v1";
const LIMIT = { text: 65_536, shown: 26, plots: 100, lines: 100, filters: 50, page: 1_000_000 };

export function writeHash({ tab, view, listing }: Place): string {
  const fields = tab === "sessions" ? listingFields(listing) : [];
  for (const { key, session, shift } of view.shown) {
    fields.push(`session=${key}.${escape(session)}${shift === 0 ? "" : `;shift=${seconds(shift)}`}`);
  }
  view.plots.forEach((plot, at) => fields.push(`plot=${writePlot(plot, at)}`));
  const { stretch } = view;
  if ("follow" in stretch) {
    if (stretch.follow !== FOLLOW) fields.push(`follow=${seconds(stretch.follow)}`);
  } else fields.push(`from=${seconds(stretch.from)}`, `to=${seconds(stretch.to)}`);
  if (view.cursor !== null) fields.push(`cursor=${seconds(view.cursor)}`);
  if (view.zone !== emptyView().zone) fields.push(`zone=${view.zone}`);
  return `${VERSION}/${tab}${fields.length > 0 ? "?" : ""}${fields.join("&")}`;
}

function listingFields({ text, filters, page }: Listing): string[] {
  const fields = text === "" ? [] : [`search=${escape(text)}`];
  for (const { path, operator, value } of filters) fields.push(`filter=${escape(path)},${operator},${escape(value)}`);
  return page === 0 ? fields : [...fields, `page=${page + 1}`];
}

function writePlot({ id, lines, height, axes }: Plot, at: number): string {
  const parts = [lines.map(({ shown, parameter }) => `${shown}.${escape(parameter)}`).join(",")];
  if (id !== `${at + 1}`) parts.push(`id=${escape(id)}`);
  if (height !== HEIGHT.usual) parts.push(`height=${height}`);
  for (const [unit, axis] of Object.entries(axes)) parts.push(`y=${escape(unit)},${writeAxis(axis)}`);
  return parts.join(";");
}

const writeAxis = (axis: Axis) => (axis.scale === "fixed" ? `${axis.min},${axis.max}` : axis.scale);

/** The place that a hash names, what of it cannot be read, in words, and whether there is anything in it at all. */
export function readHash(hash: string): Place & { problems: string[]; empty: boolean } {
  const problems: string[] = [];
  const complain = (problem: string) => void (problems.length < 20 && problems.push(problem));
  const text = hash.replace(/^#/, "");
  const nothing = { tab: "plots" as Tab, view: emptyView(), listing: emptyListing(), problems, empty: true };
  if (text === "") return nothing;
  const head = /^(v\d+)(?:\/([^?]*))?(?:\?(.*))?$/s.exec(text);
  if (text.length > LIMIT.text) complain(texts.address.long);
  else if (head === null) complain(texts.address.strange);
  else if (head[1] !== VERSION) complain(texts.address.version(head[1]!));
  if (problems.length > 0) return nothing;
  const tab = TABS.find((it) => it === head![2]);
  if (tab === undefined) complain(texts.address.tab(head![2] ?? ""));
  return { tab: tab ?? "plots", ...readFields(fieldsOf(head![3] ?? ""), complain), problems, empty: false };
}

type Field = [name: string, value: string];
const fieldsOf = (text: string): Field[] =>
  text.split("&").filter((it) => it !== "").map((field) => {
    const at = field.indexOf("=");
    return at < 0 ? [field, ""] : [field.slice(0, at), field.slice(at + 1)];
  });

function readFields(fields: Field[], complain: (problem: string) => void): { view: View; listing: Listing } {
  const [view, listing] = [emptyView(), emptyListing()];
  let follow: number | null = null;
  let [from, to]: [number | null, number | null] = [null, null];
  for (const [name, value] of fields) {
    try {
      if (name === "session") addShown(view.shown, value);
      else if (name === "plot") addPlot(view, value, complain);
      else if (name === "follow") follow = positive(readSeconds(value));
      else if (name === "from") from = readSeconds(value);
      else if (name === "to") to = readSeconds(value);
      else if (name === "cursor") view.cursor = readSeconds(value);
      else if (name === "zone") view.zone = oneOf<Zone>(["viewer", "site", "utc", "session"], value);
      else if (name === "search") listing.text = unescape(value);
      else if (name === "filter") addFilter(listing.filters, value);
      else if (name === "page") listing.page = readPage(value);
      else complain(texts.address.unknown(clip(name)));
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      complain(texts.address.field(name, clip(value), error.message));
    }
  }
  view.stretch = stretchOf(follow, from, to, complain);
  return { view, listing };
}

const OPERATORS = Object.keys(texts.sessions.operators) as Operator[];

function addFilter(filters: Filter[], said: string) {
  if (filters.length >= LIMIT.filters) throw new Unreadable(texts.address.many(LIMIT.filters));
  const [path, operator, value, ...more] = said.split(",");
  if (value === undefined || more.length > 0) throw new Unreadable(texts.address.filter);
  filters.push({ path: unescape(path!), operator: oneOf(OPERATORS, operator!), value: unescape(value) });
}

function readPage(text: string): number {
  const page = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (page < 1 || page > LIMIT.page) throw new Unreadable(texts.address.page);
  return page - 1;
}

function stretchOf(follow: number | null, from: number | null, to: number | null, complain: (it: string) => void): Stretch {
  if (from !== null && to !== null && from < to) return { from, to };
  if (from !== null || to !== null) complain(texts.address.stretch);
  return { follow: follow ?? FOLLOW };
}

class Unreadable extends Error {}

function addShown(shown: Shown[], value: string) {
  const [name, ...options] = value.split(";");
  const [, key, session] = /^([A-Za-z0-9-]{1,20})\.(.+)$/.exec(name!) ?? [];
  if (key === undefined || session === undefined) throw new Unreadable(texts.address.shown);
  if (shown.some((it) => it.key === key)) throw new Unreadable(texts.address.twice(key));
  if (shown.length >= LIMIT.shown) throw new Unreadable(texts.address.many(LIMIT.shown));
  let shift = 0;
  for (const option of options) {
    if (!option.startsWith("shift=")) throw new Unreadable(texts.address.option(clip(option)));
    shift = readSeconds(option.slice("shift=".length));
  }
  shown.push({ key, session: unescape(session), shift });
}

function addPlot(view: View, value: string, complain: (problem: string) => void) {
  if (view.plots.length >= LIMIT.plots) throw new Unreadable(texts.address.many(LIMIT.plots));
  const [names, ...options] = value.split(";");
  const plot: Plot = { id: "", lines: [], height: HEIGHT.usual, axes: {} };
  for (const name of names!.split(",").filter((it) => it !== "")) {
    const at = name.indexOf(".");
    const line = { shown: name.slice(0, Math.max(at, 0)), parameter: unescape(name.slice(at + 1)) };
    if (!view.shown.some(({ key }) => key === line.shown)) complain(texts.address.line(clip(name)));
    else if (plot.lines.length >= LIMIT.lines) throw new Unreadable(texts.address.many(LIMIT.lines));
    else if (!plot.lines.some((it) => it.shown === line.shown && it.parameter === line.parameter)) plot.lines.push(line);
  }
  for (const option of options) {
    const [, name, said] = /^(id|height|y)=(.*)$/s.exec(option) ?? [];
    if (name === "id") plot.id = unescape(said!);
    else if (name === "height") plot.height = Math.round(Math.min(Math.max(number(said!), HEIGHT.least), HEIGHT.most));
    else if (name === "y") {
      const [unit, ...scale] = said!.split(",");
      plot.axes = Object.fromEntries([...Object.entries(plot.axes), [unescape(unit!), readAxis(scale)]]);
    } else throw new Unreadable(texts.address.option(clip(option)));
  }
  if (plot.id === "" || view.plots.some(({ id }) => id === plot.id)) {
    let number = view.plots.length + 1;
    while (view.plots.some(({ id }) => id === `${number}`)) number++;
    plot.id = `${number}`;
  }
  view.plots.push(plot);
}

function readAxis(said: string[]): Axis {
  if (said.length === 1) return { scale: oneOf(["auto", "parameter"], said[0]!) };
  if (said.length !== 2) throw new Unreadable(texts.address.scale);
  const [min, max] = [number(said[0]!), number(said[1]!)];
  if (min >= max) throw new Unreadable(texts.address.scale);
  return { scale: "fixed", min, max };
}

/** ns as seconds, exactly. */
export function seconds(ns: number): string {
  const whole = BigInt(Number.isFinite(ns) ? Math.round(ns) : 0);
  const size = whole < 0n ? -whole : whole;
  const fraction = `${size % 1_000_000_000n}`.padStart(9, "0").replace(/0+$/, "");
  return `${whole < 0n ? "-" : ""}${size / 1_000_000_000n}${fraction === "" ? "" : `.${fraction}`}`;
}

function readSeconds(text: string): number {
  const [, sign, whole, fraction = ""] = /^(-?)(\d{1,10})(?:\.(\d{1,9}))?$/.exec(text) ?? [];
  if (whole === undefined) throw new Unreadable(texts.address.seconds);
  const ns = Number(BigInt(whole) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0")));
  return sign === "-" && ns !== 0 ? -ns : ns;
}

function positive(ns: number): number {
  if (ns <= 0) throw new Unreadable(texts.address.positive);
  return ns;
}

function number(text: string): number {
  if (!/^-?\d+(\.\d+)?(e[-+]?\d+)?$/i.test(text) || !Number.isFinite(Number(text))) throw new Unreadable(texts.address.number);
  return Number(text);
}

function oneOf<T extends string>(values: T[], text: string): T {
  const found = values.find((it) => it === text);
  if (found === undefined) throw new Unreadable(texts.address.oneOf(values.join(", ")));
  return found;
}

/** Percent-encoded as far as it has to be: the signs between the parts are not in it. */
const escape = (text: string) =>
  encodeURIComponent(text.replace(/\p{Surrogate}/gu, "\ufffd")).replace(/%3A/g, ":").replace(/%2F/g, "/").replace(/%40/g, "@");

function unescape(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Unreadable(texts.address.encoding);
  }
}

const clip = (text: string) => (text.length > 60 ? `${text.slice(0, 60)}…` : text);
