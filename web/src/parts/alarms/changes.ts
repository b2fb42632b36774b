/** What alarms have done since the page looks at them: the service lists what is, and the page keeps what was. */

import type { Alarm } from "../../service/streams";

export interface Change {
  name: string;
  active: boolean;
  at: string; // as the service says it, or empty
  values: Record<string, unknown>;
}

const MOST = 500;

export const nameOf = ({ code, component }: Pick<Alarm, "code" | "component">) => (component === null ? code : `${code} ${component}`);

/** The changes so far, the newest first, with those that a new list shows. `before`: the list before; null: there is none. */
export function changesWith(changes: Change[], before: Alarm[] | null, now: Alarm[]): Change[] {
  const was = new Map((before ?? []).map((alarm) => [nameOf(alarm), alarm]));
  const found: Change[] = [];
  for (const alarm of now) {
    const earlier = was.get(nameOf(alarm));
    const changed = earlier === undefined ? alarm.since !== null : earlier.since !== alarm.since || earlier.active !== alarm.active;
    if (changed) found.push({ name: nameOf(alarm), active: alarm.active, at: alarm.since ?? "", values: alarm.values });
  }
  if (found.length === 0) return changes;
  found.sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0));
  return [...found, ...changes].slice(0, MOST);
}

export const valuesText = (values: Record<string, unknown>) =>
  Object.entries(values)
    .map(([name, value]) => `${name} ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");
