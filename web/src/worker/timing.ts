/** Waiting, and not calling too often. */

/** ms; ends early, by an error, when the signal is aborted. */
export function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}

/** Calls `call` soon after it is asked to, and not more often than each `interval` ms. */
export class Throttle {
  #timer: ReturnType<typeof setTimeout> | null = null;
  #last = -Infinity;

  constructor(
    private readonly interval: number,
    private readonly call: () => void,
  ) {}

  ask(): void {
    if (this.#timer !== null) return;
    const due = Math.max(0, this.#last + this.interval - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#last = performance.now();
      this.call();
    }, due);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}

/** How long to wait before the next attempt: longer each time, and never the same for all pages. */
export class Backoff {
  #next = FIRST;

  reset(): void {
    this.#next = FIRST;
  }

  /** ms */
  next(): number {
    const pause = this.#next * (0.5 + Math.random());
    this.#next = Math.min(this.#next * 2, MOST);
    return pause;
  }
}

const FIRST = 250;
const MOST = 10_000;
