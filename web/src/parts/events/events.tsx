import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { nextRequest } from "../../source";
import { texts } from "../../texts/en";
import type { Report, TimedEvent } from "../../worker/messages";
import type { BoardProps } from "../boards";
import { timeText } from "../plots/time_text";

const EVERY = 1000; // ms between two looks while the session is live
const MOST = 1000;

/** The events of a session as a list, the newest first. */
export function Events({ source, session, zone, look }: BoardProps) {
  const words = texts.events;
  const filter = useSignal("");
  const found = useSignal<{ events: TimedEvent[]; more: boolean } | null>(null);
  const failure = useSignal("");
  const identity = session?.identity ?? null;
  useEffect(() => {
    found.value = null;
    if (identity === null) return;
    let request = 0;
    const ask = () => {
      if (document.hidden) return;
      request = nextRequest();
      source.send({ type: "events", request, session: identity, from: -Number.MAX_SAFE_INTEGER, to: Number.MAX_SAFE_INTEGER, limit: MOST });
    };
    const deaf = source.listen((report: Report) => {
      if (report.type === "happened" && report.request === request) {
        found.value = { events: report.events, more: report.more };
        failure.value = "";
      } else if (report.type === "failed" && report.request === request && request !== 0) failure.value = report.reason;
    });
    ask();
    const timer = setInterval(ask, EVERY);
    return () => {
      clearInterval(timer);
      deaf();
    };
  }, [identity]);
  if (session === null) return <p class="empty">{texts.boards.noSession}</p>;

  const wanted = filter.value.toLowerCase();
  const events = [...(found.value?.events ?? [])]
    .sort((a, b) => b.time - a.time)
    .filter((it) => `${it.description} ${it.text} ${it.priority} ${it.application}`.toLowerCase().includes(wanted));
  return (
    <section class="board">
      <div class="board-tools">
        <label>
          {words.filter} <input type="search" value={filter} onInput={(event) => (filter.value = event.currentTarget.value)} />
        </label>
        <span class="quiet" role="status">
          {found.value === null ? texts.loading : words.count(events.length, found.value.more)}
        </span>
      </div>
      {failure.value !== "" && <p class="board-failed">{failure}</p>}
      {found.value !== null && found.value.events.length === 0 && <p class="empty">{words.none}</p>}
      {events.length > 0 && (
        <div class="board-scroll" tabIndex={0} role="region" aria-label={words.label}>
          <table class="board-table">
            <thead>
              <tr>
                {[words.time, words.event, words.priority, words.text, words.application].map((column) => (
                  <th key={column} scope="col">
                    {column}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {events.map((event) => (
                <tr key={`${event.time} ${event.application} ${event.definition} ${event.text}`}>
                  <td>
                    <button type="button" class="plain" title={words.look} onClick={() => look(event.time)}>
                      {timeText({ zone, base: session.base }, event.time, 1e6)}
                    </button>
                  </td>
                  <th scope="row">{event.description}</th>
                  <td>{event.priority}</td>
                  <td class="wide">{event.text}</td>
                  <td>{event.application}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
