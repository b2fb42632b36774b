/** Which rows of the live table are shown, and in which order. */

import type { Parameter, Row } from "../../worker/messages";

export const COLUMNS = ["parameter", "value", "unit", "rate", "min", "max"] as const;
export type Column = (typeof COLUMNS)[number];

export interface Order {
  column: Column;
  falling: boolean;
}

export const turned = (order: Order, column: Column): Order => ({
  column,
  falling: order.column === column ? !order.falling : column !== "parameter" && column !== "unit",
});

/** Those that have all words of the text in their name, description, group or unit. */
export function filtered(parameters: Parameter[], text: string): Parameter[] {
  const words = text.toLowerCase().split(/\s+/).filter((word) => word !== "");
  if (words.length === 0) return parameters;
  return parameters.filter((it) => {
    const all = `${it.id} ${it.name} ${it.description} ${it.unit} ${it.groups.join(" ")}`.toLowerCase();
    return words.every((word) => all.includes(word));
  });
}

/** What has no value is last, whichever way the others go; what is equal stays in the order of the names. */
export function ordered(parameters: Parameter[], rows: ReadonlyMap<string, Row>, { column, falling }: Order): Parameter[] {
  const sign = falling ? -1 : 1;
  const byName = (a: Parameter, b: Parameter) => a.name.localeCompare(b.name, undefined, { numeric: true }) || (a.id < b.id ? -1 : 1);
  if (column === "parameter") return [...parameters].sort((a, b) => sign * byName(a, b));
  if (column === "unit") return [...parameters].sort((a, b) => sign * a.unit.localeCompare(b.unit) || byName(a, b));
  const number = (it: Parameter) => rows.get(it.id)?.[column] ?? Number.NaN;
  return [...parameters].sort((a, b) => {
    const [x, y] = [number(a), number(b)];
    if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y)) || byName(a, b);
    return sign * (x - y) || byName(a, b);
  });
}
