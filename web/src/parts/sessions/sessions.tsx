import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { may } from "../../service/info";
import { queryOf, type Property } from "../../service/query";
import { isAbort, wordsOf } from "../../service/service";
import { askProperties, channelCounter, deleteSession, listSessions, type Listed } from "../../service/sessions";
import { isLeafed, search } from "../../state/listing";
import { texts } from "../../texts/en";
import type { Parts } from "../parts";
import { Filters } from "./filters";
import { SessionTable } from "./session_table";

const OFTEN = 5_000; // ms between looks at the lists
const TYPING = 250; // ms without a further sign until what is typed is asked for

type Found = { sessions: Listed[]; more: boolean; incomplete: boolean } | null;

/** The sessions that there are: live ones first, then those that have ended, a page at a time. */
export function Sessions({ parts }: { parts: Parts }) {
  const { service, page, role, signIn } = parts;
  const { listing } = page;
  const asked = useSignal(listing.peek()); // what is typed is asked for a little later
  const live = useSignal<Found>(null);
  const ended = useSignal<Found>(null);
  const problem = useSignal("");
  const properties = useSignal<Property[]>([]);
  const selected = useSignal<ReadonlyMap<string, Listed>>(new Map());
  const again = useSignal(0);
  const countChannels = useMemo(() => channelCounter(service), [service]);

  useEffect(() => {
    askProperties(service).then((found) => (properties.value = found), () => undefined);
  }, [signIn.token.value]);

  useSignalEffect(() => {
    const next = listing.value;
    const timer = setTimeout(() => (asked.value = next), isLeafed(asked.peek(), next) ? 0 : TYPING);
    return () => clearTimeout(timer);
  });

  useSignalEffect(() => {
    const [wanted, known] = [asked.value, properties.value];
    void [again.value, signIn.token.value];
    const abort = new AbortController();
    const look = async () => {
      try {
        const [a, b] = await Promise.all([
          listSessions(service, queryOf(wanted, true, known), 0, abort.signal, 100),
          listSessions(service, queryOf(wanted, false, known), wanted.page, abort.signal),
        ]);
        [live.value, ended.value, problem.value] = [a, b, ""];
      } catch (error) {
        if (!isAbort(error) && !abort.signal.aborted) problem.value = wordsOf(error);
      }
    };
    void look();
    const timer = setInterval(() => document.visibilityState === "visible" && void look(), OFTEN);
    return () => (clearInterval(timer), abort.abort());
  });

  const select = (session: Listed) => {
    const next = new Map(selected.value);
    if (!next.delete(session.identity)) next.set(session.identity, session);
    selected.value = next;
  };
  const open = (beside: boolean) => {
    page.open([...selected.value.keys()], beside);
    selected.value = new Map();
  };
  const remove = async (session: Listed) => {
    if (!confirm(texts.sessions.removeAsk(session.identifier))) return;
    try {
      await deleteSession(service, session.identity);
      again.value++;
    } catch (error) {
      problem.value = wordsOf(error);
    }
  };
  const { noneFound, noLive, noEnded } = texts.sessions;
  const anything = asked.value.text.trim() !== "" || asked.value.filters.length > 0;
  const { text, filters, page: at } = listing.value;
  const leaf = (to: number) => (listing.value = { ...listing.value, page: to });
  const table = { parts, selected, select, countChannels, remove: may(role.value, "administer") ? remove : null };
  return (
    <div class="sessions">
      <search>
        <label class="search">
          <span class="unseen">{texts.sessions.search}</span>
          <input
            id="sessions-search"
            type="search"
            placeholder={`${texts.sessions.search}: ${texts.sessions.searchHint}`}
            value={text}
            onInput={(event) => (listing.value = search({ text: event.currentTarget.value, filters }))}
          />
        </label>
        <Filters filters={filters} properties={properties.value} change={(some) => (listing.value = search({ text, filters: some }))} />
      </search>
      {problem.value !== "" && <p class="problem" role="alert">{problem.value}</p>}
      {(live.value?.incomplete || ended.value?.incomplete) && <p class="notice">{texts.sessions.incomplete}</p>}
      <h2>{texts.sessions.live}</h2>
      <Found {...table} label={texts.sessions.live} found={live.value} none={anything ? noneFound : noLive} />
      <h2>{texts.sessions.ended}</h2>
      <Found {...table} label={texts.sessions.ended} found={ended.value} none={anything ? noneFound : noEnded} />
      {(at > 0 || ended.value?.more) && (
        <p class="pages">
          <button type="button" disabled={at === 0} onClick={() => leaf(at - 1)}>
            {texts.sessions.earlier}
          </button>
          <span role="status">{texts.sessions.page(at + 1)}</span>
          <button type="button" disabled={!ended.value?.more} onClick={() => leaf(at + 1)}>
            {texts.sessions.later}
          </button>
        </p>
      )}
      {selected.value.size > 0 && (
        <p class="selected">
          <button type="button" class="strong" onClick={() => open(false)}>
            {texts.sessions.open(selected.value.size)}
          </button>
          {page.view.value.shown.length > 0 && (
            <button type="button" onClick={() => open(true)}>
              {texts.sessions.beside}
            </button>
          )}
          <button type="button" onClick={() => (selected.value = new Map())}>
            {texts.sessions.clear}
          </button>
        </p>
      )}
    </div>
  );
}

type TableProps = Omit<Parameters<typeof SessionTable>[0], "sessions">;

function Found({ found, none, ...table }: TableProps & { found: Found; none: string }) {
  if (found === null) return <p class="quiet">{texts.loading}</p>;
  if (found.sessions.length === 0) return <p class="quiet">{none}</p>;
  return <SessionTable {...table} sessions={found.sessions} />;
}
