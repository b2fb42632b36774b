/** What alarms have done since the service began, as far as it keeps it. */

import type { Alarm } from "../../service/streams";

export interface Change {
  name: string;
  active: boolean;
  at: string; // as the service says it
  values: Record<string, unknown>;
}

const MOST = 500;

export const nameOf = ({ code, component }: Pick<Alarm, "code" | "component">) => (component === null ? code : `${code} ${component}`);

/** The changes of all alarms, the newest first. */
export const changesOf = (alarms: Alarm[]): Change[] =>
  alarms
    .flatMap((alarm) => alarm.history.map(({ ts, active, values }) => ({ name: nameOf(alarm), active, at: ts, values })).reverse())
    .sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0)) // it is stable: of one time, a name's later one stays before
    .slice(0, MOST);

export const valuesText = (values: Record<string, unknown>) =>
  Object.entries(values)
    .map(([name, value]) => `${name} ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");
