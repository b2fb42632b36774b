/** What somebody prefers on this browser, and what they like best. */

import { signal } from "@preact/signals";
import { kept, readKept, type Shelf } from "./storage";

export type Theme = "system" | "light" | "dark";

export interface Settings {
  theme: Theme;
  keys: boolean; // single keys do something; some who speak to their computer turn that off
  picker: boolean; // the list of parameters is shown where there is room
  marks: boolean; // events go through the plots
}

const USUAL: Settings = { theme: "system", keys: true, picker: true, marks: true };

export function readSettings(said: unknown): Settings {
  const { theme, keys, picker, marks } = (said ?? {}) as Partial<Record<keyof Settings, unknown>>;
  return {
    theme: theme === "light" || theme === "dark" ? theme : USUAL.theme,
    keys: typeof keys === "boolean" ? keys : USUAL.keys,
    picker: typeof picker === "boolean" ? picker : USUAL.picker,
    marks: typeof marks === "boolean" ? marks : USUAL.marks,
  };
}

export function settingsOf(shelf: Shelf = kept) {
  const settings = signal(readSettings(readKept(shelf, "settings")));
  const change = (some: Partial<Settings>) => {
    settings.value = { ...settings.value, ...some };
    shelf.set("settings", JSON.stringify(settings.value));
  };
  return { settings, change };
}

const MOST_FAVOURITES = 1000;

/** Parameters, by id, that somebody wants to find at once. */
export function favouritesOf(shelf: Shelf = kept) {
  const said = readKept(shelf, "favourites");
  const favourites = signal<ReadonlySet<string>>(new Set(Array.isArray(said) ? said.filter((it) => typeof it === "string") : []));
  const toggle = (parameter: string) => {
    const next = new Set(favourites.value);
    if (!next.delete(parameter)) next.add(parameter);
    favourites.value = new Set([...next].slice(-MOST_FAVOURITES));
    shelf.set("favourites", JSON.stringify([...favourites.value]));
  };
  return { favourites, toggle };
}
