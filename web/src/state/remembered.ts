/** What was looked at last, for sessions with the same parameters; and a first choice where nothing is known. */

import type { Parameter } from "../worker/messages";
import { layoutOf, readLayouts, writeLayouts, type Layout } from "./layouts";
import { kept, type Shelf } from "./storage";
import { HEIGHT, type View } from "./view";

const MOST = 30;

/** The same for sessions that have the same parameters. */
export function signatureOf(parameters: Parameter[]): string {
  let [a, b] = [0x811c9dc5, 0x01000193];
  for (const id of parameters.map(({ id }) => id).sort()) {
    for (let i = 0; i < id.length; i++) {
      a = Math.imul(a ^ id.charCodeAt(i), 0x01000193);
      b = Math.imul(b ^ id.charCodeAt(i), 0x5bd1e995) ^ (b >>> 15);
    }
    a = Math.imul(a ^ 0x1ffff, 0x01000193);
  }
  return `${parameters.length}-${(a >>> 0).toString(16)}${(b >>> 0).toString(16)}`;
}

export function remember(parameters: Parameter[], view: View, shelf: Shelf = kept) {
  if (parameters.length === 0) return; // nothing is known yet of what the session has
  const layout = layoutOf(signatureOf(parameters), view);
  const others = all(shelf).filter(({ name }) => name !== layout.name);
  shelf.set("remembered", writeLayouts([...others, layout].slice(-MOST)));
}

/** What was looked at last; null: nothing that is known. */
export function recall(parameters: Parameter[], shelf: Shelf = kept): Layout | null {
  const signature = signatureOf(parameters);
  return all(shelf).find(({ name }) => name === signature) ?? null;
}

function all(shelf: Shelf): Layout[] {
  try {
    return readLayouts(shelf.get("remembered") ?? "");
  } catch {
    return [];
  }
}

const PLOTS = 4;
const BOTH = 2; // parameters of one unit in one plot

/**
 * The parameters with most to tell: favourites, then those whose names say that everybody knows them, then quick ones, in
 * the order of the tree. Parameters of one unit share a plot.
 */
export function firstChoice(parameters: Parameter[], favourites: ReadonlySet<string>): Layout {
  const usual = parameters.filter(({ raw }) => !raw);
  const ranked = (usual.length > 0 ? usual : parameters)
    .map((parameter, at) => ({ parameter, score: scoreOf(parameter, favourites) - at / (parameters.length + 1) / 2 }))
    .filter(({ parameter }) => parameter.channels.length > 0)
    .sort((x, y) => y.score - x.score)
    .map(({ parameter }) => parameter);
  const plots: Parameter[][] = [];
  for (const parameter of ranked) {
    const alike = parameter.unit === "" ? undefined : plots.find((plot) => plot[0]!.unit === parameter.unit);
    if (alike === undefined && plots.length < PLOTS) plots.push([parameter]);
    else if (alike !== undefined && alike.length < BOTH && related(alike[0]!, parameter)) alike.push(parameter);
  }
  return {
    name: "",
    plots: plots.map((plot) => ({ parameters: plot.map(({ id }) => id), height: HEIGHT.usual, axes: {} })),
    follow: 0,
  };
}

/** What the names of parameters say, and how much that has to tell. The first that fits counts. */
const KNOWN: [RegExp, number][] = [
  [/\b(raw|status|flags?|counter|reserved|spare|debug|crc|baro|ambient|battery)\b/, -2],
  [/\bspeed\b|^v(car|el)\b|velocity|\brpm\b|^nengine|rotation/, 6],
  [/throttle|pedal|\bvolume\b|\bflow\b|\bpower\b/, 5],
  [/brake|steer|\bgear\b|boost|torque|occupancy/, 4],
  [/temperature|\btemp\b|pressure|\bpress\b|\blevel\b|voltage|current\b/, 3],
  [/\blat\b|\blong?\b|accel/, 2],
];
const OF_ITS_SETTING = /\b(target|req|demand|setpoint)\b/;

function scoreOf(parameter: Parameter, favourites: ReadonlySet<string>): number {
  const name = parameter.name.replace(/_/g, " ").toLowerCase();
  const said = (text: string) => KNOWN.find(([pattern]) => pattern.test(text))?.[1];
  let score = said(name) ?? (said(parameter.description.toLowerCase()) ?? 0) / 2;
  if (favourites.has(parameter.id)) score += 20;
  if (OF_ITS_SETTING.test(name)) score -= 2;
  if (parameter.unit !== "") score += 1;
  if (parameter.texts !== null) score -= 1;
  return score;
}

/** Whether the names have a word in common: throttle and throttle target, not throttle and humidity. */
function related(one: Parameter, other: Parameter): boolean {
  const words = (parameter: Parameter) => parameter.name.toLowerCase().split(/[^a-z]+/).filter((word) => word.length > 3);
  const known = new Set(words(one));
  return words(other).some((word) => known.has(word));
}
