/**
 * Who has signed in on this page. The token is in memory, and in the tab's own storage so that a reload does not ask again;
 * it is never in an address. The code of the issuer is taken out of the address before anything else is done.
 */

import { computed, signal } from "@preact/signals";
import { texts } from "../texts/en";
import { askPerson, type Person } from "./info";
import { addressOf, codeOf, discover, endOf, exchange, renew, revoke, type Granted, type Issuer } from "./issuer";
import { newCodeRequest, type CodeRequest } from "./pkce";
import { wordsOf, type Service } from "./service";
import { readKept, type Shelf } from "../state/storage";

/** A token is renewed so many ms before it ends, or after half its life; people are warned where it cannot be. */
const EARLY = 60_000;
const AGAIN = 15_000;
const LEAST = 1000; // ms that a new token has to count for
const PATIENCE = 3_600_000; // for somebody to sign in at the issuer
const REVOKED_WITHIN = 2_000; // ms

/** What is held of whoever has signed in. */
interface Held extends Granted {
  issuer: Issuer | null; // null: it was pasted
}

interface Begun extends CodeRequest {
  issuer: Issuer;
  hash: string;
  at: number;
}

export interface Surroundings {
  shelf: Shelf; // of the tab
  location: Pick<Location, "href" | "assign" | "reload">;
  replace(address: string): void;
  now(): number;
  /** The same at any time, whoever signs in: the service's address. */
  redirect: string;
}

export function signIn({ shelf, location, replace, now, redirect }: Surroundings) {
  const held = signal<Held | null>(readHeld(readKept(shelf, "token"), now()));
  const person = signal<Person | null | undefined>(undefined); // undefined: not known yet
  const asked = signal(false); // somebody has to sign in before anything goes on
  const problem = signal("");
  const ending = signal(false); // it ends soon, and cannot be renewed
  let timer: ReturnType<typeof setTimeout> | undefined;
  let renewedAt = -Infinity;
  let left = false; // for the issuer's page

  function take(next: Held | null, words = "") {
    held.value = next;
    problem.value = words;
    ending.value = false;
    shelf.set("token", next === null ? null : JSON.stringify(next));
    wait(Math.min(EARLY, ((next?.ends ?? Infinity) - now()) / 2));
  }

  /** Renews the token so many ms before it ends, or says that it ends. */
  function wait(early: number) {
    clearTimeout(timer);
    const ends = held.value?.ends ?? null;
    if (ends === null) return;
    const left = ends - now();
    if (left > early) timer = setTimeout(() => wait(early), Math.min(left - early, 2 ** 30));
    else void renewNow();
  }

  async function renewNow() {
    const old = held.value;
    if (old === null || (await renewed(old)) || held.value !== old) return;
    const left = (old.ends ?? 0) - now();
    if (left > AGAIN && old.refresh !== null) timer = setTimeout(() => void renewNow(), AGAIN);
    else if (left > 0) {
      ending.value = true;
      timer = setTimeout(() => void renewNow(), left);
    } else {
      take(null, texts.signIn.ended);
      asked.value = true;
    }
  }

  /** Whether the issuer has given a new token. */
  async function renewed(old: Held): Promise<boolean> {
    if (old.refresh === null || old.issuer === null) return false;
    try {
      const next = await renew(await discover(old.issuer), old.issuer, old.refresh, now());
      if (next.ends !== null && next.ends - now() < LEAST) return false;
      renewedAt = now();
      if (held.value === old) take({ ...next, issuer: old.issuer });
      return true;
    } catch {
      return false;
    }
  }

  let renewing: Promise<void> | null = null;
  async function replaceRefused(old: Held) {
    const another = now() - renewedAt > AGAIN; // one that is refused although it is new: the next one would be too
    if ((another && (await renewed(old))) || held.value !== old) return;
    take(null, texts.signIn.ended);
    asked.value = true;
  }

  return {
    token: computed(() => held.value?.token ?? null),
    person,
    asked,
    problem,
    ending,

    credentials: {
      token: () => held.value?.token ?? null,
      refused(token: string | null) {
        const old = held.value;
        if (token !== (old?.token ?? null)) return; // another one counts by now
        if (old === null) asked.value = true;
        else renewing ??= replaceRefused(old).finally(() => (renewing = null));
      },
    },

    /** What was kept from before a reload goes on. */
    begin: () => wait(EARLY),

    /** Asks who one is. Whoever may do nothing has to sign in. */
    async meet(service: Service) {
      person.value = await askPerson(service);
      asked.value = person.value === null || person.value.role === null;
      if (person.value !== null && person.value.role === null && held.value !== null) problem.value = texts.signIn.noRole;
    },

    /** Goes to the issuer's page, and comes back to the same view. */
    async leave(to: Issuer, hash: string) {
      problem.value = "";
      try {
        const request = newCodeRequest();
        const address = await addressOf(await discover(to), to, request, redirect);
        left = true;
        shelf.set("begun", JSON.stringify({ ...request, issuer: to, hash, at: now() } satisfies Begun));
        location.assign(address);
      } catch (error) {
        problem.value = wordsOf(error);
      }
    },

    /** Back from the issuer: true if this address is its answer, which is then taken. The view is restored at once. */
    async arrive(): Promise<boolean> {
      const address = new URL(location.href);
      const answer = address.searchParams;
      if (!answer.has("state") || !(answer.has("code") || answer.has("error"))) return false;
      const begun = readKept(shelf, "begun") as Begun | null;
      shelf.set("begun", null);
      replace(`${redirect}${begun?.hash ?? ""}`);
      if (begun === null || now() - begun.at > PATIENCE) {
        problem.value = texts.signIn.otherState;
        asked.value = true;
        return true;
      }
      try {
        const endpoints = await discover(begun.issuer);
        const code = codeOf(answer, begun, endpoints);
        const granted = await exchange(endpoints, begun.issuer, begun, code, redirect, now());
        take({ ...granted, issuer: begun.issuer });
        asked.value = false;
      } catch (error) {
        problem.value = wordsOf(error);
        asked.value = true;
      }
      return true;
    },

    /** A token that somebody has been given. It counts if the service takes it. */
    async paste(text: string, service: Service) {
      const token = text.replace(/\s+/g, "");
      if (token === "" || token.length > 16_384 || !/^[\x21-\x7e]+$/.test(token)) {
        problem.value = texts.signIn.noSuchToken;
        return;
      }
      take({ token, refresh: null, ends: endOf(token), issuer: null });
      try {
        const met = await askPerson(service);
        if (met === null || met.role === null) return take(null, met === null ? texts.signIn.notTaken : texts.signIn.noRole);
        take({ token, refresh: null, ends: met.ends ?? endOf(token), issuer: null });
        person.value = met;
        asked.value = false;
      } catch (error) {
        take(null, wordsOf(error));
      }
    },

    /** The data that were seen go with the page, which is loaded anew. */
    async signOut() {
      const old = held.value;
      person.value = undefined;
      take(null);
      asked.value = true;
      if (old?.refresh != null && old.issuer !== null) await atMost(REVOKED_WITHIN, giveBack(old.issuer, old.refresh));
      if (!left) location.reload();
    },
  };
}

export type SignIn = ReturnType<typeof signIn>;

async function giveBack(issuer: Issuer, refresh: string): Promise<void> {
  await revoke(await discover(issuer), issuer, refresh);
}

/** Whether it succeeds or not: nobody who leaves waits longer for the issuer. */
function atMost(ms: number, work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  return Promise.race([work.catch(() => undefined), late]).finally(() => clearTimeout(timer));
}

function readHeld(said: unknown, now: number): Held | null {
  const { token, refresh, ends, issuer } = (said ?? {}) as Partial<Held>;
  if (typeof token !== "string" || token === "") return null;
  if (typeof ends === "number" && ends < now && typeof refresh !== "string") return null;
  return {
    token,
    refresh: typeof refresh === "string" ? refresh : null,
    ends: typeof ends === "number" ? ends : null,
    issuer: typeof issuer?.authority === "string" ? issuer : null,
  };
}
