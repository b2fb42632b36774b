/**
 * What the page knows: what is looked at, the sessions that are shown, and what there is to say about them. It opens the
 * sessions of the view in the Worker, keeps the view in the address, and chooses what is plotted first.
 */

import { computed, effect, signal, untracked, type ReadonlySignal } from "@preact/signals";
import { isLive } from "../service/sessions";
import type { Source } from "../source";
import type { Link, Session } from "../worker/messages";
import { readHash, writeHash, type Tab } from "./hash";
import { laidOut } from "./layouts";
import type { Listing } from "./listing";
import { firstChoice, recall, remember } from "./remembered";
import { emptyView, FOLLOW, hide, setShift, show, type View } from "./view";

export interface Range {
  start: number; // ns since the session's base
  end: number;
  heard: number; // when that was heard, ms since the epoch
}

export interface Notice {
  words: string;
}

export interface Address {
  hash(): string;
  write(hash: string, anew: boolean): void;
}

const PATIENCE = 500; // ms until the address follows the view

/** `refused`: the Worker was refused something for want of a token that counts. */
export function pageState(
  source: Source, address: Address, favourites: ReadonlySignal<ReadonlySet<string>>, refused: () => void,
) {
  const first = readHash(address.hash());
  const tab = signal<Tab>(first.tab);
  const view = signal<View>(first.view);
  const listing = signal<Listing>(first.listing);
  const current = signal<string | null>(null); // the key of the session that tables and events are of
  const sessions = signal<ReadonlyMap<string, Session>>(new Map());
  const ranges = signal<ReadonlyMap<string, Range>>(new Map());
  const notices = signal<Notice[]>(first.problems.map((words) => ({ words })));
  /** Shown sessions that are yet to get their plots, and those that are to be put beside the first one. */
  const bare = new Set<string>();
  const unaligned = new Set<string>();
  const opened = new Set<string>();

  if (first.view.plots.length === 0) for (const { key } of first.view.shown) bare.add(key);

  const say = (words: string) => {
    if (!notices.value.some((it) => it.words === words)) notices.value = [...notices.value, { words }].slice(-5);
  };

  source.listen((report) => {
    if (report.type === "session" && opened.has(report.session.identity)) {
      const { session } = report;
      const before = sessions.value.get(session.identity)?.link;
      if (isRefused(session.link) && (before === undefined || !isRefused(before))) refused();
      sessions.value = new Map(sessions.value).set(session.identity, session);
      hear(session.identity, session.start, session.end);
      settle(session);
    } else if (report.type === "range" && opened.has(report.session)) hear(report.session, report.start, report.end);
    else if (report.type === "failed" && report.request === null) say(report.reason); // others are for who has asked
  });

  effect(() => {
    const wanted = new Set(view.value.shown.map(({ session }) => session));
    for (const session of wanted) {
      if (opened.has(session)) continue;
      opened.add(session);
      source.send({ type: "open", session });
    }
    const gone = [...opened].filter((session) => !wanted.has(session));
    for (const session of gone) {
      opened.delete(session);
      source.send({ type: "close", session });
    }
    if (gone.length > 0) {
      sessions.value = without(sessions.peek(), gone);
      ranges.value = without(ranges.peek(), gone);
    }
    if (!view.value.shown.some(({ key }) => key === current.peek())) current.value = view.value.shown[0]?.key ?? null;
  });

  function hear(session: string, start: number, end: number) {
    const before = ranges.value.get(session);
    if (before !== undefined && before.start === start && before.end === end) return;
    ranges.value = new Map(ranges.value).set(session, { start, end, heard: Date.now() });
  }

  /** Of a session that has just been opened, and whose parameters are known by now. */
  function settle(session: Session) {
    if (session.parameters.length === 0) return;
    const { shown } = view.value;
    for (const { key, session: identity } of shown) {
      if (identity !== session.identity || !bare.delete(key)) continue;
      furnish(key, session);
      if (key === shown[0]!.key) showAll(session);
    }
    const one = sessions.value.get(shown[0]!.session);
    for (const { key, session: identity } of shown) {
      const other = sessions.value.get(identity);
      if (one !== undefined && other !== undefined && unaligned.delete(key)) align(key, other, one);
    }
  }

  const has = (key: string, parameter: string) => {
    const identity = view.peek().shown.find((shown) => shown.key === key)?.session ?? "";
    return sessions.peek().get(identity)?.parameters.some(({ id }) => id === parameter) ?? false;
  };

  /** The plots of a session that has none: what was looked at last of such a session, or a first choice. */
  function furnish(key: string, session: Session) {
    const now = view.value;
    if (now.plots.length === 0) {
      const known = recall(session.parameters);
      const only = { ...now, shown: now.shown.filter((it) => it.key === key) };
      const plots = known === null ? [] : laidOut(only, known, has).plots;
      const chosen = plots.some(({ lines }) => lines.length > 0) ? known! : firstChoice(session.parameters, favourites.peek());
      view.value = { ...laidOut(only, chosen, has), shown: now.shown };
      return;
    }
    const plots = now.plots.map((plot) => {
      const added = [...new Set(plot.lines.map(({ parameter }) => parameter))].filter((parameter) => has(key, parameter));
      return { ...plot, lines: [...plot.lines, ...added.map((parameter) => ({ shown: key, parameter }))] };
    });
    view.value = { ...now, plots };
  }

  /** A session that has ended is shown from its beginning to its end. */
  function showAll({ state, start, end }: Session) {
    const now = view.value;
    const untouched = "follow" in now.stretch && now.stretch.follow === FOLLOW;
    if (isLive(state) || !untouched || start >= end) return;
    view.value = { ...now, stretch: { from: Math.floor(start), to: Math.ceil(end) } };
  }

  /** Sessions that go on at the same time are shown so; others begin together. */
  function align(key: string, session: Session, one: Session) {
    const shift = Number(session.base - one.base);
    if (session.start + shift < one.end && one.start < session.end + shift) view.value = setShift(view.value, key, shift);
  }

  /** Shows these sessions, and nothing else; or besides what is shown. */
  function open(identities: string[], beside = false) {
    let next: View = beside ? view.value : { ...emptyView(), zone: view.value.zone };
    for (const identity of identities) {
      const [with_, key] = show(next, identity);
      next = with_;
      bare.add(key);
      if (next.shown.length > 1) unaligned.add(key);
    }
    view.value = next;
    tab.value = "plots";
    for (const identity of identities) {
      const known = sessions.value.get(identity);
      if (known !== undefined) settle(known);
    }
  }

  /** Where one is, as the address has it; or another tab of the same. */
  const hash = (tab_ = tab.value) => `#${writeHash({ tab: tab_, view: view.value, listing: listing.value })}`;

  /** What the address names, as when somebody goes back, or follows a link to another view. */
  function arrive() {
    const there = readHash(address.hash());
    if (hash() === address.hash()) return;
    notices.value = there.problems.map((words) => ({ words }));
    written = there.tab;
    tab.value = there.tab;
    if (there.tab === "sessions") listing.value = there.listing;
    if (!there.empty) adopt(there.view);
  }

  /** A view that has sessions and no plots gets some. */
  function adopt(next: View) {
    if (next.plots.length === 0) for (const { key } of next.shown) bare.add(key);
    view.value = next;
    for (const { session } of next.shown) {
      const known = sessions.value.get(session);
      if (known !== undefined) settle(known);
    }
  }

  let timer: ReturnType<typeof setTimeout> | undefined;
  let written = tab.value;
  const write = () => {
    clearTimeout(timer);
    timer = undefined;
    const now = view.peek();
    if (now.shown.length === 0 && tab.peek() === "plots") return;
    address.write(untracked(hash), written !== tab.peek());
    written = tab.peek();
    const session = sessions.peek().get(now.shown[0]?.session ?? "");
    if (session !== undefined && now.plots.some(({ lines }) => lines.length > 0)) remember(session.parameters, now);
  };
  effect(() => {
    void [tab.value, view.value, listing.value];
    if (tab.value !== written) write();
    else timer ??= setTimeout(write, PATIENCE);
  });

  return {
    tab,
    view,
    listing,
    current,
    sessions: sessions as ReadonlySignal<ReadonlyMap<string, Session>>,
    ranges: ranges as ReadonlySignal<ReadonlyMap<string, Range>>,
    notices,
    say,
    has,
    open,
    arrive,
    write,
    hide: (key: string) => (view.value = hide(view.value, key)),
    /** What tables and events are of. */
    session: computed(() => {
      const shown = view.value.shown.find(({ key }) => key === current.value) ?? view.value.shown[0];
      return shown === undefined ? null : (sessions.value.get(shown.session) ?? null);
    }),
    hash,
    hashOf: (identities: string[]) => {
      const fresh = identities.reduce((all, identity) => show(all, identity)[0], emptyView());
      return `#${writeHash({ tab: "plots", view: fresh, listing: listing.value })}`;
    },
    empty: first.empty,
  };
}

export type PageState = ReturnType<typeof pageState>;

const isRefused = (link: Link) => link.state === "refused" && link.status === 401;

function without<T>(map: ReadonlyMap<string, T>, keys: string[]): ReadonlyMap<string, T> {
  return new Map([...map].filter(([key]) => !keys.includes(key)));
}
