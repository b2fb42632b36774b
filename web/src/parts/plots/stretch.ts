/** Zooming and panning: from a stretch of the time axis to another. Times in ns. */

import type { Stretch } from "../../state/view";

export interface Span {
  from: number;
  to: number;
}

export const LEAST = 20; // ns
const MOST = 366 * 86400e9;

const within = (span: number) => Math.min(Math.max(span, LEAST), MOST);

/** `factor` below 1 zooms in; the time `at` stays where it is. */
export function zoom({ from, to }: Span, at: number, factor: number): Span {
  const span = within((to - from) * factor);
  const start = at - ((at - from) / (to - from)) * span;
  return { from: start, to: start + span };
}

export const pan = ({ from, to }: Span, by: number): Span => ({ from: from + by, to: to + by });

/** Kept where there is something: at least a tenth of what is seen belongs to the sessions' time. */
export function keep(span: Span, there: Span): Span {
  const size = span.to - span.from;
  const [least, most] = [there.from - size * 0.9, there.to + size * 0.9];
  if (span.from < least) return { from: least, to: least + size };
  if (span.to > most) return { from: most - size, to: most };
  return span;
}

/** All there is, with a little room. */
export function all({ from, to }: Span): Span {
  const room = Math.max((to - from) * 0.02, LEAST);
  return { from: from - room, to: to + room };
}

/** What was looked at before. Changes within one gesture, or in quick succession, are one step. */
export class Before {
  private steps: Stretch[] = [];
  private changed = -Infinity;

  /** `was` is left; `now` in ms. */
  leave(was: Stretch, now: number): void {
    if (now - this.changed > 600) this.steps.push(was);
    if (this.steps.length > 50) this.steps.shift();
    this.changed = now;
  }

  back(): Stretch | undefined {
    this.changed = -Infinity;
    return this.steps.pop();
  }
}
