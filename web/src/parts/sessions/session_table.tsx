import { useSignal, type ReadonlySignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { askRecorded, isLive, type Listed, type Recorded } from "../../service/sessions";
import { age, length, moment, size } from "../../state/words";
import { texts } from "../../texts/en";
import type { Parts } from "../parts";

export interface SessionTableProps {
  parts: Parts;
  label: string;
  sessions: Listed[];
  selected: ReadonlySignal<ReadonlyMap<string, Listed>>;
  select: (session: Listed) => void;
  countChannels: (configurations: string[]) => Promise<number>;
  remove: ((session: Listed) => void) | null; // null: the role may not
}

/** Sessions as a table; on a phone each row is a card. */
export function SessionTable({ sessions, label, remove, ...row }: SessionTableProps) {
  const columns = [
    texts.sessions.name,
    texts.sessions.state,
    texts.sessions.started,
    texts.sessions.lasts,
    texts.sessions.channels,
    texts.sessions.recorded,
    texts.sessions.details,
  ];
  return (
    <table class="session-table" aria-label={label}>
      <thead>
        <tr>
          <td />
          {columns.map((column) => (
            <th key={column} scope="col">
              {column}
            </th>
          ))}
          {remove !== null && <td />}
        </tr>
      </thead>
      <tbody>
        {sessions.map((session) => (
          <Row key={session.identity} session={session} remove={remove} {...row} />
        ))}
      </tbody>
    </table>
  );
}

type RowProps = Omit<SessionTableProps, "sessions" | "label"> & { session: Listed };

function Row({ parts, session, selected, select, countChannels, remove }: RowProps) {
  const { service, page } = parts;
  const { identity, identifier, state, start, end, details } = session;
  const channels = useSignal<number | null>(null);
  const recorded = useSignal<Recorded | undefined>(undefined);
  const zone = page.view.value.zone;
  useEffect(() => {
    countChannels(session.configurations).then((found) => (channels.value = found), () => undefined);
  }, [session.configurations.join()]);
  useEffect(() => {
    const abort = new AbortController();
    askRecorded(service, identity, abort.signal).then((found) => (recorded.value = found), () => undefined);
    return () => abort.abort();
  }, [identity, state]);
  const open = (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    page.open([identity]);
  };
  return (
    <tr>
      <td class="cell-select">
        <input
          type="checkbox"
          aria-label={texts.sessions.select(identifier)}
          checked={selected.value.has(identity)}
          onChange={() => select(session)}
        />
      </td>
      <th scope="row">
        <a href={page.hashOf([identity])} onClick={open}>
          {identifier}
        </a>
      </th>
      <td>
        <span class={`state state-${state}`}>{texts.states[state] ?? state}</span>
      </td>
      <td data-label={texts.sessions.started}>
        {start === null ? "" : moment(start, zone)}{" "}
        {start !== null && <span class="quiet">({age(Date.now() + service.ahead - start)})</span>}
      </td>
      <td data-label={texts.sessions.lasts}>{start === null || end === null ? "" : length(end - start)}</td>
      <td data-label={texts.sessions.channels}>{channels.value?.toLocaleString("en") ?? ""}</td>
      <td data-label={texts.sessions.recorded}>{recorded.value === undefined ? "" : wordsOfRecorded(recorded.value)}</td>
      <td data-label={texts.sessions.details} class="cell-details">
        {Object.entries(details).slice(0, 6).map(([name, value]) => `${name}: ${value}`).join(" · ")}
      </td>
      {remove !== null && (
        <td class="cell-tools">
          {!isLive(state) && recorded.value != null && (
            <button type="button" aria-label={texts.sessions.remove(identifier)} onClick={() => remove(session)}>
              {texts.sessions.removeShort}
            </button>
          )}
        </td>
      )}
    </tr>
  );
}

function wordsOfRecorded(recorded: Recorded): string {
  if (recorded === null) return texts.sessions.no;
  return recorded.sealed || recorded.bytes > 0 ? texts.sessions.yes(size(recorded.bytes)) : texts.sessions.goesOn;
}
