/** One plot's canvas: takes the lines that there are, settles its axes, and paints. */

import type { Axis, Plot, View } from "../../state/view";
import { axisOf, shownOf } from "../../state/view";
import type { Line, Parameter, Session } from "../../worker/messages";
import type { Cluster } from "./happenings";
import type { Painted, Seen } from "./loop";
import { keptOf, type Picture } from "./moved";
import { PAD, paintArea, paintAxes, type PaintedAxis, type Sheet, type Trace } from "./paint";
import { parameterOf } from "./parameters";
import { roundRange, settle, ticks, type Range, type Settled } from "./scale";
import type { Theme } from "./theme";
import { extent } from "./trace";

/** All that plots have in common. In CSS px. */
export interface Layout {
  width: number; // of the whole canvas
  axis: number; // that one axis takes
  left: number;
  right: number;
  scale: number; // device pixels of a CSS pixel
}

export interface Materials {
  view(): View;
  sessions(): ReadonlyMap<string, Session>;
  lines: ReadonlyMap<string, ReadonlyMap<string, Line>>;
  layout(): Layout | null;
  theme(): Theme | null;
  times(): number[]; // where the time axis has ticks
  marks(): Cluster[]; // events that go through the plot
  ranges: Map<string, Range>; // of axes by `rangeName`, as they are painted
}

export const rangeName = (plot: string, axis: string): string => `${plot}\n${axis}`;

const TOP = 6; // CSS px above and below the plot area
/** Which part of the way down an axis so many CSS px from the top of a plot are. */
export const partAt = (y: number, height: number): number => (y - TOP - PAD) / Math.max(height - 2 * (TOP + PAD), 1);

const PATIENCE = { live: 1500, still: 400 }; // ms

/** What shares an axis: parameters of a unit; texts have one for themselves. */
export const axisName = (parameter: Parameter): string => (parameter.texts ? `=${parameter.id}` : parameter.unit);

/** The axes of a plot, in the order of its lines. */
export function axisNames(plot: Plot, view: View, sessions: ReadonlyMap<string, Session>): string[] {
  const names = plot.lines.flatMap((line) => {
    const parameter = parameterOf(sessions.get(shownOf(view, line.shown)?.session ?? ""), line.parameter);
    return parameter === undefined ? [] : [axisName(parameter)];
  });
  return [...new Set(names)];
}

export class Painter implements Painted {
  private settled = new Map<string, Settled>();
  private axesPainted = "";
  private picture: Picture | null = null;

  constructor(
    private readonly plot: string,
    private readonly canvas: HTMLCanvasElement,
    private readonly materials: Materials,
  ) {}

  paint(seen: Seen, now: number): number | null {
    const { materials } = this;
    const [view, layout, theme] = [materials.view(), materials.layout(), materials.theme()];
    const plot = view.plots.find(({ id }) => id === this.plot);
    if (plot === undefined || layout === null || theme === null) return null;
    const sheet = this.sheet(plot, layout, theme);
    const names = axisNames(plot, view, materials.sessions());
    const found = this.traces(plot, view, names);
    const patience = seen.live ? PATIENCE.live : PATIENCE.still;
    const axes = names.map((name, nth) => this.axis(plot, name, found.filter(({ trace }) => trace.axis === nth), seen, sheet, now, patience));
    const painted = JSON.stringify([axes, sheet.left, sheet.width, sheet.height, theme.text, sheet.scale]);
    if (painted !== this.axesPainted) paintAxes(sheet, axes);
    this.axesPainted = painted;
    const traces = found.map(({ trace }) => trace);
    const [times, marks] = [materials.times(), materials.marks()];
    const key = JSON.stringify([painted, traces.map(({ line: _, ...rest }) => rest), (times[1] ?? 0) - (times[0] ?? 0)]);
    const picture = { seen, traces, key };
    const canKeep = marks.length === 0 && Math.abs((seen.to - seen.from) / seen.column - sheet.width) < 0.01; // columns are pixels
    paintArea(sheet, axes, traces, seen, times, marks, canKeep ? keptOf(this.picture, picture) : null);
    this.picture = canKeep ? picture : null;
    const waits = [...this.settled.values()].flatMap(({ roomy }) => (roomy === null ? [] : [roomy + patience - now]));
    return waits.length > 0 ? Math.max(Math.min(...waits), 0) + 20 : null;
  }

  private sheet(plot: Plot, { width, axis, left, right, scale }: Layout, theme: Theme): Sheet {
    const { canvas } = this;
    const [w, h] = [Math.round(width * scale), Math.round(plot.height * scale)];
    if (canvas.width !== w || canvas.height !== h) {
      [canvas.width, canvas.height] = [w, h];
      canvas.style.height = `${plot.height}px`;
      this.axesPainted = "";
      this.picture = null;
    }
    const context = canvas.getContext("2d", { alpha: false })!; // put on the screen in less time than one to be blended
    const x = Math.round(left * scale);
    const area = { left: x, width: w - x - Math.round(right * scale), top: Math.round(TOP * scale), height: h - 2 * Math.round(TOP * scale) };
    return { context, theme, scale, axis, ...area };
  }

  private traces(plot: Plot, view: View, names: string[]): { trace: Trace; parameter: Parameter }[] {
    return plot.lines.flatMap((line, nth) => {
      const shown = shownOf(view, line.shown);
      const parameter = shown && parameterOf(this.materials.sessions().get(shown.session), line.parameter);
      const found = this.materials.lines.get(line.shown)?.get(line.parameter);
      if (shown === undefined || parameter === undefined || found === undefined) return [];
      const axis = names.indexOf(axisName(parameter));
      const trace: Trace = { line: found, shift: shown.shift, nth, axis, steps: parameter.texts !== null, warn: warningsOf(parameter) };
      return [{ trace, parameter }];
    });
  }

  private axis(plot: Plot, name: string, on: { trace: Trace; parameter: Parameter }[], seen: Seen, sheet: Sheet, now: number, patience: number): PaintedAxis {
    const texts = on[0]?.parameter.texts ?? null;
    const range = texts ? wordRange(texts) : this.range(axisOf(plot, name), name, on, seen, now, patience);
    this.materials.ranges.set(rangeName(this.plot, name), range);
    const steps = Math.max(1, Math.floor(sheet.height / sheet.scale / 32));
    return { name, range, ticks: texts ? { values: wordKeys(texts), decimals: 0 } : ticks(range, steps), texts };
  }

  private range(axis: Axis, name: string, on: { trace: Trace; parameter: Parameter }[], seen: Seen, now: number, patience: number): Range {
    if (axis.scale === "fixed" && axis.max !== axis.min) return { low: Math.min(axis.min, axis.max), high: Math.max(axis.min, axis.max) };
    if (axis.scale === "parameter") {
      const bounds = union(on.map(({ parameter: { min, max } }) => (min < max ? { low: min, high: max } : null)));
      if (bounds !== null) return bounds;
    }
    const data = union(on.map(({ trace: { line, shift } }) => extent(line, seen.from - shift, seen.to - shift)));
    const settled = settle(this.settled.get(name) ?? null, data, now, patience);
    if (data !== null) this.settled.set(name, settled);
    return settled.range;
  }
}

function union(ranges: (Range | null)[]): Range | null {
  const known = ranges.filter((range) => range !== null);
  if (known.length === 0) return null;
  return { low: Math.min(...known.map(({ low }) => low)), high: Math.max(...known.map(({ high }) => high)) };
}

const wordKeys = (texts: Record<string, string>): number[] => Object.keys(texts).filter((key) => key !== "").map(Number).filter(Number.isFinite);

function wordRange(texts: Record<string, string>): Range {
  const keys = wordKeys(texts);
  return keys.length === 0 ? roundRange({ low: 0, high: 1 }) : { low: Math.min(...keys) - 0.5, high: Math.max(...keys) + 0.5 };
}

function warningsOf({ warnMin, warnMax, min, max, texts }: Parameter): [number, number] | null {
  if (texts !== null || warnMin >= warnMax || (warnMin === min && warnMax === max)) return null;
  return [warnMin, warnMax];
}
