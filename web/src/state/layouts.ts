/**
 * Layouts: plots without the sessions that they were made for. They have a name, are kept in this browser, and go from one
 * to another as JSON. What is remembered of a session with the same parameters is one too.
 */

import { texts } from "../texts/en";
import { HEIGHT, type Axis, type Plot, type Stretch, type View } from "./view";

export interface LayoutPlot {
  parameters: string[];
  height: number;
  axes: Record<string, Axis>;
}

export interface Layout {
  name: string;
  plots: LayoutPlot[];
  follow: number; // ns; 0: a stretch was shown that stays
}

const LIMIT = { layouts: 200, name: 100, plots: 100, parameters: 100, text: 1 << 20 };

/** What is shown now, as a layout. */
export function layoutOf(name: string, view: View): Layout {
  const plots = view.plots.map(({ lines, height, axes }) => ({
    parameters: [...new Set(lines.map(({ parameter }) => parameter))],
    height,
    axes,
  }));
  return { name: name.trim().slice(0, LIMIT.name), plots, follow: "follow" in view.stretch ? view.stretch.follow : 0 };
}

/** The view with these plots of each session that it shows. `has`: whether a shown one has a parameter. */
export function laidOut(view: View, layout: Layout, has: (key: string, parameter: string) => boolean): View {
  const plots: Plot[] = layout.plots.map(({ parameters, height, axes }, at) => ({
    id: `${at + 1}`,
    lines: parameters.flatMap((parameter) =>
      view.shown.filter(({ key }) => has(key, parameter)).map(({ key }) => ({ shown: key, parameter })),
    ),
    height,
    axes,
  }));
  const stretch: Stretch = layout.follow > 0 && "follow" in view.stretch ? { follow: layout.follow } : view.stretch;
  return { ...view, plots: plots.filter(({ lines }, at) => lines.length > 0 || layout.plots[at]!.parameters.length === 0), stretch };
}

/** Parameters of a layout that none of the shown sessions has. */
export function missingOf(view: View, layout: Layout, has: (key: string, parameter: string) => boolean): string[] {
  const all = new Set(layout.plots.flatMap(({ parameters }) => parameters));
  return [...all].filter((parameter) => !view.shown.some(({ key }) => has(key, parameter)));
}

/** With a layout in place of the one of its name. */
export const withLayout = (layouts: Layout[], layout: Layout): Layout[] =>
  [...layouts.filter(({ name }) => name !== layout.name), layout]
    .sort((a, b) => a.name.localeCompare(b.name))
    .slice(0, LIMIT.layouts);

export const writeLayouts = (layouts: Layout[]) => JSON.stringify({ rta: "layouts", version: 1, layouts }, null, 2);

/** The layouts of a file that this page has written. Throws an Error, in words, if it is none. */
export function readLayouts(text: string): Layout[] {
  if (text.length > LIMIT.text) throw new Error(texts.layouts.long);
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch {
    throw new Error(texts.layouts.noJson);
  }
  const { rta, version, layouts } = (said ?? {}) as Record<string, unknown>;
  if (rta !== "layouts" || !Array.isArray(layouts)) throw new Error(texts.layouts.strange);
  if (version !== 1) throw new Error(texts.layouts.version(String(version)));
  if (layouts.length > LIMIT.layouts) throw new Error(texts.layouts.many(LIMIT.layouts));
  return layouts.map((layout, at) => readLayout(layout, `layouts[${at}]`));
}

function readLayout(said: unknown, where: string): Layout {
  const { name, plots, follow = 0 } = object(said, where);
  if (typeof name !== "string" || name.trim() === "") throw new Error(texts.layouts.wrong(`${where}.name`));
  if (!Array.isArray(plots) || plots.length > LIMIT.plots) throw new Error(texts.layouts.wrong(`${where}.plots`));
  return {
    name: name.trim().slice(0, LIMIT.name),
    plots: plots.map((plot, at) => readPlot(plot, `${where}.plots[${at}]`)),
    follow: number(follow, `${where}.follow`, 0),
  };
}

function readPlot(said: unknown, where: string): LayoutPlot {
  const { parameters, height = HEIGHT.usual, axes = {} } = object(said, where);
  if (!Array.isArray(parameters) || parameters.length > LIMIT.parameters || !parameters.every((it) => typeof it === "string")) {
    throw new Error(texts.layouts.wrong(`${where}.parameters`));
  }
  const read = Object.entries(object(axes, `${where}.axes`)).map(([unit, axis]) => [unit, readAxis(axis, `${where}.axes.${unit}`)]);
  const tall = Math.round(Math.min(Math.max(number(height, `${where}.height`, 0), HEIGHT.least), HEIGHT.most));
  return { parameters: parameters as string[], height: tall, axes: Object.fromEntries(read) as Record<string, Axis> };
}

function readAxis(said: unknown, where: string): Axis {
  const { scale, min, max } = object(said, where);
  if (scale === "auto" || scale === "parameter") return { scale };
  if (scale !== "fixed") throw new Error(texts.layouts.wrong(`${where}.scale`));
  const least = number(min, `${where}.min`);
  return { scale, min: least, max: number(max, `${where}.max`, least, true) };
}

function object(said: unknown, where: string): Record<string, unknown> {
  if (typeof said !== "object" || said === null || Array.isArray(said)) throw new Error(texts.layouts.wrong(where));
  return said as Record<string, unknown>;
}

function number(said: unknown, where: string, least = -Infinity, above = false): number {
  if (typeof said !== "number" || !Number.isFinite(said) || said < least || (above && said === least)) {
    throw new Error(texts.layouts.wrong(where));
  }
  return said;
}
