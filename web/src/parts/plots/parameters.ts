/** Parameters of a session by their id, and their values as people read them. */

import { formatValue } from "../../wire/format";
import type { Parameter, Session } from "../../worker/messages";

const byId = new WeakMap<Parameter[], Map<string, Parameter>>();

export function parameterOf(session: Session | undefined, id: string): Parameter | undefined {
  if (session === undefined) return undefined;
  let found = byId.get(session.parameters);
  if (found === undefined) {
    found = new Map(session.parameters.map((parameter) => [parameter.id, parameter]));
    byId.set(session.parameters, found);
  }
  return found.get(id);
}

/** Without its unit. */
export function valueText({ texts, format }: Pick<Parameter, "texts" | "format">, value: number): string {
  if (Number.isNaN(value)) return "–";
  return texts ? (texts[`${value}`] ?? texts[""] ?? `${value}`) : formatValue(format, value);
}
