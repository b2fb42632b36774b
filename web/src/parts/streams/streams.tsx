import { useSignal, type Signal } from "@preact/signals";
import { may, type Role } from "../../service/info";
import { wordsOf, type Service } from "../../service/service";
import { listStreams, removeStream, startStream, stopStream, type Stream } from "../../service/streams";
import type { Zone } from "../../state/view";
import { moment, size } from "../../state/words";
import { texts } from "../../texts/en";
import type { BoardProps } from "../boards";
import { Failed } from "../boards/failed";
import { usePolled } from "../boards/polled";
import { LastValues } from "./last";
import { Nodes } from "./nodes";
import { Settings } from "./settings";

const EVERY = 1000; // ms

/** The node's streams: which run, why, until when, and what may be done about it. */
export function Streams({ service, role, zone, hashOf }: BoardProps) {
  const words = texts.streams;
  const { value, failure, again } = usePolled((abort) => listStreams(service, abort), EVERY, [service]);
  const filter = useSignal("");
  const done = useSignal("");
  if (value.value === null) return failure.value === "" ? <p class="empty">{texts.loading}</p> : <Failed why={failure} />;
  const streams = value.value.filter(({ code, name }) => `${code}/${name ?? ""}`.includes(filter.value));
  return (
    <section class="board">
      <div class="board-tools">
        <label>
          {words.filter} <input type="search" value={filter} onInput={(event) => (filter.value = event.currentTarget.value)} />
        </label>
        <span class="quiet" role="status">
          {words.count(value.value.filter(({ state }) => state === "running").length, value.value.length)}
        </span>
      </div>
      <Failed why={failure} />
      <p class="stream-done" role="status">
        {done}
      </p>
      {value.value.length === 0 && <p class="empty">{words.none}</p>}
      <ul class="stream-list">
        {streams.map((stream) => (
          <li key={`${stream.code}/${stream.name ?? ""}`}>
            <One stream={stream} service={service} role={role} zone={zone} done={done} again={again} />
          </li>
        ))}
      </ul>
      <Nodes service={service} zone={zone} hashOf={hashOf} />
    </section>
  );
}

interface OneProps {
  stream: Stream;
  service: Service;
  role: Role | null;
  zone: Zone;
  done: Signal<string>;
  again: () => void;
}

function One({ stream, service, role, zone, done, again }: OneProps) {
  const words = texts.streams;
  const busy = useSignal(false);
  const open = useSignal(false);
  const title = stream.name === null ? stream.code : `${stream.code}/${stream.name}`;
  const act = async (what: () => Promise<unknown>, said: string) => {
    busy.value = true;
    try {
      await what();
      done.value = said;
    } catch (error) {
      done.value = words.refused(title, wordsOf(error));
    }
    busy.value = false;
    again();
  };
  const runs = stream.state === "running";
  return (
    <article class="stream" aria-label={title}>
      <header class="stream-head">
        <h2>{title}</h2>
        <span class={`state state-${runs ? "open" : "closed"}`}>{runs ? words.running : words.stopped}</span>
        {may(role, "operate") && (
          <span class="stream-tools">
            <button type="button" disabled={busy} onClick={() => void act(() => startStream(service, stream, null), words.started(title))}>
              {runs ? words.renew : words.start}
            </button>
            {runs && (
              <button type="button" disabled={busy} onClick={() => void act(() => stopStream(service, stream), words.wasStopped(title))}>
                {words.stop}
              </button>
            )}
          </span>
        )}
      </header>
      {stream.description !== "" && <p>{stream.description}</p>}
      <p>{why(stream, zone)}</p>
      <p class="quiet">
        {runs && words.rates(stream.messages, size(stream.bytes))} {words.sent(stream.seq)}
        {stream.kept !== null && ` ${words.kept(stream.kept.entries, at(stream.kept.oldest, zone))}`}
      </p>
      <LastValues stream={stream} service={service} zone={zone} />
      {Object.keys(stream.consumers).length > 0 && (
        <p>
          {words.consumers}{" "}
          {Object.entries(stream.consumers).map(([node, presence]) => (
            <span key={node} class={`state state-${presence === "online" ? "open" : "closed"} stream-consumer`}>
              {node} ({words.presences[presence] ?? presence})
            </span>
          ))}
        </p>
      )}
      <details onToggle={(event) => (open.value = event.currentTarget.open)}>
        <summary>{words.settings}</summary>
        {open.value && (
          <Settings
            stream={stream}
            service={service}
            editable={may(role, "administer")}
            changed={() => {
              done.value = words.changed(title);
              again();
            }}
            remove={() => {
              if (confirm(words.sure(title))) void act(() => removeStream(service, stream), words.removed(title));
            }}
          />
        )}
      </details>
    </article>
  );
}

const at = (time: string, zone: Zone) => moment(Date.parse(time), zone);

function why({ state, since, startedBy, stoppedBy, pruneAt }: Stream, zone: Zone): string {
  const words = texts.streams;
  if (state === "stopped") return stoppedBy === null ? words.neverStarted : words.stoppedBy(stoppedBy);
  const from = words.runsSince(since === null ? "" : at(since, zone), startedBy ?? "");
  return pruneAt === null ? `${from} ${words.runsOn}` : `${from} ${words.prunedAt(at(pruneAt, zone))}`;
}
