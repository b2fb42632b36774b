/** Zooming and moving the y axes of a plot, by the wheel, by dragging on them, and by keys. */

import { axisOf, setAxis } from "../../state/view";
import { texts } from "../../texts/en";
import { follow } from "./drag";
import type { YKey } from "./gestures";
import { sideOf } from "./paint";
import { axisNames, partAt, rangeName } from "./painter";
import { moveRange, zoomRange, type Range } from "./scale";
import type { Stack } from "./stack";

const TWICE = 350; // ms between two presses that are a double one

export class YAxes {
  private last = { name: "", at: -Infinity };

  constructor(
    private readonly id: string,
    private readonly stack: Stack,
  ) {}

  /** The axis with numbers at so many CSS px from the left of the plot area; null: there is none. */
  at(x: number): string | null {
    const [layout, width] = [this.stack.layout.peek(), this.stack.width()];
    if (layout === null || (x >= 0 && x <= width)) return null;
    const side = x < 0 ? "left" : "right";
    const slot = Math.floor((x < 0 ? -x : x - width) / layout.axis);
    const name = this.names().filter((_, nth) => sideOf(nth) === side)[slot];
    return name === undefined || isWords(name) ? null : name;
  }

  /** `y`: CSS px from the top of the plot. */
  zoom(name: string, y: number, factor: number): void {
    this.put(name, zoomRange(this.range(name), partAt(y, this.plot()?.height ?? 0), factor));
  }

  /** Drags; the second of two presses makes the axis automatic. */
  press(name: string, event: PointerEvent): void {
    const before = this.last;
    this.last = { name, at: event.timeStamp };
    if (before.name === name && event.timeStamp - before.at < TWICE) return this.free([name]);
    const [range, height] = [this.range(name), partAt(1, this.plot()?.height ?? 0) - partAt(0, this.plot()?.height ?? 0)];
    follow(event, { move: ({ y }) => this.put(name, moveRange(range, y * height)) });
  }

  /** All axes at once. */
  key(key: YKey): void {
    const names = this.names().filter((name) => !isWords(name));
    if (key.type === "free") this.free(names);
    else for (const name of names) this.put(name, key.type === "zoom" ? zoomRange(this.range(name), 0.5, key.factor) : moveRange(this.range(name), key.part));
    this.stack.saySoon(() => names.map((name) => this.words(name)).join(", "));
  }

  private free(names: string[]): void {
    this.stack.change((view) => names.reduce((next, name) => setAxis(next, this.id, name, { scale: "auto" }), view));
  }

  private put(name: string, { low, high }: Range): void {
    this.stack.change((view) => setAxis(view, this.id, name, { scale: "fixed", min: low, max: high }));
  }

  private range(name: string): Range {
    const plot = this.plot();
    const axis = plot && axisOf(plot, name);
    if (axis?.scale === "fixed") return { low: axis.min, high: axis.max };
    return this.stack.ranges.get(rangeName(this.id, name)) ?? { low: 0, high: 1 };
  }

  private words(name: string): string {
    const [plot, { low, high }] = [this.plot(), this.range(name)];
    const text = (value: number) => `${Number(value.toPrecision(6))}`;
    return texts.plots.axisIs(name, text(low), text(high), plot === undefined || axisOf(plot, name).scale === "auto");
  }

  private plot() {
    return this.stack.view.peek().plots.find(({ id }) => id === this.id);
  }

  private names(): string[] {
    const plot = this.plot();
    return plot === undefined ? [] : axisNames(plot, this.stack.view.peek(), this.stack.sessions.peek());
  }
}

const isWords = (name: string) => name.startsWith("=");
