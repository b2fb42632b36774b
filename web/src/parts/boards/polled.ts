/** What is asked for again and again while it is looked at, and not while the page is hidden. */

import { useSignal, type ReadonlySignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { isAbort, wordsOf } from "../../service/service";

export interface Polled<T> {
  value: ReadonlySignal<T | null>; // the last good answer; null: there is none yet
  failure: ReadonlySignal<string>; // why there is no newer one, in words; empty: nothing is wrong
  again: () => void; // asks at once
}

/** `ask` is called again `every` so many ms after it has answered. */
export function usePolled<T>(ask: (abort: AbortSignal) => Promise<T>, every: number, inputs: unknown[] = []): Polled<T> {
  const value = useSignal<T | null>(null);
  const failure = useSignal("");
  const again = useRef(() => {});
  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let asking = false;
    let wanted = false;
    const look = async () => {
      clearTimeout(timer);
      wanted = asking;
      if (asking) return;
      asking = true;
      try {
        if (!document.hidden) {
          value.value = await ask(abort.signal);
          failure.value = "";
        }
      } catch (error) {
        if (!abort.signal.aborted && !isAbort(error)) failure.value = wordsOf(error);
      }
      asking = false;
      if (!abort.signal.aborted) timer = setTimeout(look, wanted ? 0 : every);
    };
    again.current = () => void look();
    document.addEventListener("visibilitychange", again.current);
    void look();
    return () => {
      abort.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", again.current);
    };
  }, inputs);
  return { value, failure, again: () => again.current() };
}
