/** The events of a session, in the order of time. The newest are kept. */

import type { BoundEvent } from "../wire/configuration";
import { convertOne } from "../wire/conversion";
import { formatValue } from "../wire/format";
import type { WireEvent } from "../wire/sink";
import type { TimedEvent } from "./messages";

const MOST = 100_000;

export class EventList {
  #events: TimedEvent[] = [];
  #known = new Set<string>();
  #definitions = new Map<string, BoundEvent>();
  /** Some were let go. */
  dropped = false;

  define(events: BoundEvent[]): void {
    for (const event of events) this.#definitions.set(`${event.id} ${event.application}`, event);
  }

  /** True: it was not there yet. */
  add(event: WireEvent): boolean {
    const key = JSON.stringify([event.time, event.definition, event.application, event.text, event.values]);
    if (this.#known.has(key) || !Number.isFinite(event.time)) return false;
    this.#known.add(key);
    const timed = this.#timed(event);
    const at = this.#behind(event.time);
    if (at === this.#events.length) this.#events.push(timed);
    else this.#events.splice(at, 0, timed);
    if (this.#events.length > MOST * 1.1) {
      this.#events = this.#events.slice(-MOST);
      if (this.#known.size > 2 * MOST) this.#known.clear();
      this.dropped = true;
    }
    return true;
  }

  /** The newest `limit` of a stretch, both ends included, in the order of time; and whether there are more. */
  within(from: number, to: number, limit: number): { events: TimedEvent[]; more: boolean } {
    const start = this.#behind(from - 1);
    const stop = this.#behind(to);
    const first = Math.max(start, stop - limit);
    return { events: this.#events.slice(first, stop), more: first > start || (this.dropped && start === 0) };
  }

  #behind(time: number): number {
    let [low, high] = [0, this.#events.length];
    if (high === 0 || this.#events[high - 1]!.time <= time) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#events[middle]!.time <= time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #timed(event: WireEvent): TimedEvent {
    const known = this.#definitions.get(`${event.definition} ${event.application}`);
    const texts = event.values.map((value, i) => {
      const conversion = known?.conversions[i] ?? null;
      return `${formatValue(conversion?.format ?? "", convertOne(value, conversion))} ${conversion?.unit ?? ""}`.trim();
    });
    return {
      time: event.time,
      application: event.application,
      definition: event.definition,
      description: known?.description || known?.code || `${event.application} ${event.definition}`.trim(),
      priority: known?.priority ?? "",
      text: event.text || texts.join(", "),
    };
  }
}
