import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { listSessions, type Listed } from "../../service/sessions";
import { moment } from "../../state/words";
import { texts } from "../../texts/en";
import type { Parts } from "../parts";
import { openPicker } from "../plots_view";

const OFTEN = 10_000; // ms between looks for a newer session

/** The sessions that are shown, each with its key, and a word when another one has begun. */
export function ShownBar({ parts }: { parts: Parts }) {
  const { page } = parts;
  const { shown } = page.view.value;
  const newer = useNewer(parts);
  if (shown.length === 0) return null;
  return (
    <section class="shown" aria-label={texts.shown.label}>
      <ul>
        {shown.map(({ key, session }) => {
          const known = page.sessions.value.get(session);
          const name = known?.identifier ?? texts.shown.unknown(session);
          return (
            <li key={key} class="chip">
              <button
                type="button"
                class="plain"
                aria-pressed={page.current.value === key}
                title={texts.shown.current(name)}
                onClick={() => (page.current.value = key)}
              >
                {shown.length > 1 && <b class="chip-key">{key}</b>} {name}
              </button>
              {known !== undefined && (
                <span class={`state state-${known.state}`}>{texts.states[known.state] ?? known.state}</span>
              )}
              <button type="button" class="plain" aria-label={texts.shown.hide(name)} onClick={() => page.hide(key)}>
                ✕
              </button>
            </li>
          );
        })}
        {page.tab.value === "plots" && !(parts.wide.value && parts.settings.value.picker) && (
          <li>
            <button type="button" onClick={() => openPicker(parts)}>
              {texts.picker.show}
            </button>
          </li>
        )}
        <li>
          <button type="button" class="plain" onClick={() => (page.tab.value = "sessions")}>
            {texts.shown.add}
          </button>
        </li>
        {newer !== null && (
          <li class="newer" role="status">
            {texts.shown.newer(newer.identifier)}{" "}
            <button type="button" class="strong" onClick={() => page.open([newer.identity])}>
              {texts.shown.openNewer}
            </button>
          </li>
        )}
      </ul>
      {[...new Set(shown.map(({ session }) => session))].map((session) => (
        <Lack key={session} identity={session} parts={parts} />
      ))}
    </section>
  );
}

/** What is not there of a session, and what one can do. */
function Lack({ identity, parts: { page } }: { identity: string; parts: Parts }) {
  const known = page.sessions.value.get(identity);
  const words = texts.shown;
  if (known?.link.state === "missing") {
    return (
      <p class="lack" role="status">
        {known.parameters.length === 0 ? words.missing(identity) : words.gone(known.identifier)}{" "}
        <button type="button" onClick={() => (page.tab.value = "sessions")}>
          {words.another}
        </button>
      </p>
    );
  }
  if (known === undefined || known.heldFrom === null) return null;
  const ms = Number(known.base / 1_000n) / 1e3 + known.heldFrom / 1e6;
  return (
    <p class="lack" role="status">
      {words.heldFrom(known.identifier, moment(ms, page.view.value.zone === "utc" ? "utc" : "viewer"))}
    </p>
  );
}

/** The newest live session, once what is shown has ended. */
function useNewer({ page, service }: Parts): Listed | null {
  const newer = useSignal<Listed | null>(null);
  const shown = page.view.value.shown.map(({ session }) => session);
  const ended = shown.length > 0 && shown.every((it) => page.sessions.value.get(it)?.link.state === "closed");
  useEffect(() => {
    newer.value = null;
    if (!ended) return;
    const abort = new AbortController();
    const look = async () => {
      try {
        const { sessions } = await listSessions(service, { state: "open" }, 0, abort.signal, 1);
        newer.value = sessions.find(({ identity }) => !shown.includes(identity)) ?? null;
      } catch {
        // the status line says what is wrong with the service
      }
    };
    void look();
    const timer = setInterval(() => void look(), OFTEN);
    return () => (clearInterval(timer), abort.abort());
  }, [ended, shown.join()]);
  return newer.value;
}
