/** Events on the time line: those that are close together on the screen are one mark. */

import type { TimedEvent } from "../../worker/messages";
import type { Span } from "./stretch";
import type { Mark } from "./theme";

export interface Placed extends TimedEvent {
  at: number; // on the shared axis
  shown: string;
}

export interface Cluster {
  at: number; // of its first event
  until: number; // of its last one
  events: Placed[];
  priority: string; // the highest among them
}

const PRIORITIES = ["critical", "high", "medium", "low"];

/** How a priority is told from others, also without its colour: its mark, and its line through the plots. */
export interface Look {
  mark: Mark;
  dash: number[]; // CSS px
  thick: number; // CSS px
  warns: boolean; // it has the colour of warnings
}

const LOOKS: Record<string, Look> = {
  critical: { mark: "cross", dash: [], thick: 2, warns: true },
  high: { mark: "triangle", dash: [], thick: 1, warns: true },
  medium: { mark: "diamond", dash: [6, 3], thick: 1, warns: false },
};
const LOW: Look = { mark: "bar", dash: [1, 3], thick: 1, warns: false };

export const lookOf = (priority: string): Look => (Object.hasOwn(LOOKS, priority) ? LOOKS[priority]! : LOW);

/** `apart`: ns between the marks. */
export function cluster(events: Placed[], { from, to }: Span, apart: number): Cluster[] {
  const clusters: Cluster[] = [];
  for (const event of [...events].sort((a, b) => a.at - b.at)) {
    if (event.at < from || event.at > to) continue;
    const last = clusters.at(-1);
    // marks stay where they are while the plots move on: the axis is cut at fixed times
    if (last !== undefined && Math.floor(event.at / apart) === Math.floor(last.at / apart)) {
      last.events.push(event);
      last.until = event.at;
      last.priority = higher(last.priority, event.priority);
    } else clusters.push({ at: event.at, until: event.at, events: [event], priority: event.priority.toLowerCase() });
  }
  return clusters;
}

function higher(one: string, other: string): string {
  return order(other) < order(one) ? other.toLowerCase() : one;
}

function order(priority: string): number {
  const at = PRIORITIES.indexOf(priority.toLowerCase());
  return at < 0 ? PRIORITIES.length : at;
}

/** The mark that a pointer is at, within `reach` ns. */
export function clusterAt(clusters: Cluster[], at: number, reach: number): Cluster | null {
  let best: Cluster | null = null;
  for (const each of clusters) {
    const distance = at < each.at ? each.at - at : Math.max(at - each.until, 0);
    if (distance <= reach) [best, reach] = [each, distance];
  }
  return best;
}
