/** What this browser keeps of what somebody prefers. Where it may keep nothing, everything works until the page is closed. */

export interface Shelf {
  get(key: string): string | null;
  set(key: string, value: string | null): void;
}

export function shelf(storage: () => Storage): Shelf {
  const here = new Map<string, string>();
  return {
    get(key) {
      try {
        return storage().getItem(`rta.${key}`) ?? here.get(key) ?? null;
      } catch {
        return here.get(key) ?? null;
      }
    },
    set(key, value) {
      if (value === null) here.delete(key);
      else here.set(key, value);
      try {
        if (value === null) storage().removeItem(`rta.${key}`);
        else storage().setItem(`rta.${key}`, value);
      } catch {
        // full, or forbidden: it counts until the page is closed
      }
    },
  };
}

export const kept = shelf(() => localStorage);
/** Until the tab is closed. */
export const keptInTab = shelf(() => sessionStorage);

/** The JSON of a key; null: there is none, or nothing that can be read. */
export function readKept(from: Shelf, key: string): unknown {
  try {
    return JSON.parse(from.get(key) ?? "null");
  } catch {
    return null;
  }
}
