/**
 * What is looked at: plain data, so that the URL can hold it and a layout can save it.
 *
 * All plots share one time axis. Its times are offsets of the first session shown (ns since that session's base). Another
 * session's sample is drawn at its own offset plus the shift, so a session may be shown twice, each time with another shift.
 */

export interface Shown {
  key: string; // what lines refer to: "a", "b", …
  session: string; // its identity
  shift: number; // ns; 0 for the first. Sessions side by side as it was: the difference of their bases
}

export interface PlotLine {
  shown: string; // the key
  parameter: string; // its id
}

/** How the y axis of a unit is scaled: by what is visible, by the parameters' min and max, or fixed. */
export type Axis = { scale: "auto" } | { scale: "parameter" } | { scale: "fixed"; min: number; max: number };

export interface Plot {
  id: string;
  lines: PlotLine[];
  height: number; // CSS px
  axes: Record<string, Axis>; // by unit; one that is not here is "auto"
}

/** `follow`: the newest so many ns, live. Otherwise a stretch that stays, on the shared axis. */
export type Stretch = { follow: number } | { from: number; to: number };

/** The zone of the viewer, that of the site, UTC, or how long since the first session's base began. */
export type Zone = "viewer" | "site" | "utc" | "session";

export interface View {
  shown: Shown[];
  plots: Plot[];
  stretch: Stretch;
  cursor: number | null; // where it was put, on the shared axis; where the pointer hovers is not part of the view
  zone: Zone;
}

export const FOLLOW = 30e9;
export const HEIGHT = { least: 96, usual: 200, most: 1200 };

export const emptyView = (): View => ({ shown: [], plots: [], stretch: { follow: FOLLOW }, cursor: null, zone: "viewer" });

export const shownOf = (view: View, key: string) => view.shown.find((shown) => shown.key === key);

export const axisOf = (plot: Plot, unit: string): Axis => plot.axes[unit] ?? { scale: "auto" };

/** Shows a session (once more, if it is there): the view and the key of what was added. */
export function show(view: View, session: string, shift = 0): [View, string] {
  const key = unused("abcdefghijklmnopqrstuvwxyz".split(""), view.shown.map((shown) => shown.key));
  return [{ ...view, shown: [...view.shown, { key, session, shift }] }, key];
}

/** Shows what is shown once more, with all its lines, shifted: two stretches of a session lie on each other. */
export function overlay(view: View, key: string, shift: number): View {
  const again = shownOf(view, key);
  if (again === undefined) return view;
  const [shown, added] = show(view, again.session, Math.round(again.shift + shift));
  const more = (plot: Plot) => plot.lines.filter((line) => line.shown === key).map((line) => ({ ...line, shown: added }));
  return { ...shown, plots: shown.plots.map((plot) => ({ ...plot, lines: [...plot.lines, ...more(plot)] })) };
}

/** Hides what was shown, with its lines, and plots that have none left. */
export function hide(view: View, key: string): View {
  const plots = view.plots
    .map((plot) => ({ ...plot, lines: plot.lines.filter((line) => line.shown !== key) }))
    .filter((plot, at) => plot.lines.length > 0 || view.plots[at]!.lines.length === 0);
  return { ...view, plots, shown: view.shown.filter((shown) => shown.key !== key) };
}

export function addPlot(view: View, lines: PlotLine[] = []): View {
  const ids = Array.from({ length: view.plots.length + 1 }, (_, at) => `${at + 1}`);
  const id = unused(ids, view.plots.map((plot) => plot.id));
  return { ...view, plots: [...view.plots, { id, lines, height: HEIGHT.usual, axes: {} }] };
}

export const removePlot = (view: View, id: string): View => ({ ...view, plots: view.plots.filter((plot) => plot.id !== id) });

export function changePlot(view: View, id: string, change: (plot: Plot) => Plot): View {
  return { ...view, plots: view.plots.map((plot) => (plot.id === id ? change(plot) : plot)) };
}

/** Puts a plot at another place: 0 is the top. */
export function movePlot(view: View, id: string, to: number): View {
  const from = view.plots.findIndex((plot) => plot.id === id);
  if (from < 0) return view;
  const plots = [...view.plots];
  plots.splice(Math.min(Math.max(to, 0), plots.length - 1), 0, ...plots.splice(from, 1));
  return { ...view, plots };
}

export const resizePlot = (view: View, id: string, height: number): View =>
  changePlot(view, id, (plot) => ({ ...plot, height: Math.round(Math.min(Math.max(height, HEIGHT.least), HEIGHT.most)) }));

export const addLine = (view: View, id: string, line: PlotLine): View =>
  changePlot(view, id, (plot) => (plot.lines.some(same(line)) ? plot : { ...plot, lines: [...plot.lines, line] }));

export const removeLine = (view: View, id: string, line: PlotLine): View =>
  changePlot(view, id, (plot) => ({ ...plot, lines: plot.lines.filter((other) => !same(line)(other)) }));

export const setAxis = (view: View, id: string, unit: string, axis: Axis): View =>
  changePlot(view, id, (plot) => {
    const others = Object.entries(plot.axes).filter(([name]) => name !== unit);
    return { ...plot, axes: Object.fromEntries(axis.scale === "auto" ? others : [...others, [unit, axis]]) };
  });

export const setShift = (view: View, key: string, shift: number): View => ({
  ...view,
  shown: view.shown.map((shown) => (shown.key === key ? { ...shown, shift: Math.round(shift) } : shown)),
});

const same = (line: PlotLine) => (other: PlotLine) => other.shown === line.shown && other.parameter === line.parameter;

function unused(names: string[], used: string[]): string {
  return names.find((name) => !used.includes(name)) ?? `${used.length + 1}-${names.length}`;
}
