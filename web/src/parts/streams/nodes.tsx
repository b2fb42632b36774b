import { useSignal } from "@preact/signals";
import { askNode, listNodes, type RemoteNode, type RemoteStream } from "../../service/nodes";
import type { Service } from "../../service/service";
import type { Zone } from "../../state/view";
import { age, moment } from "../../state/words";
import { texts } from "../../texts/en";
import { Failed } from "../boards/failed";
import { usePolled } from "../boards/polled";
import { gapWords } from "./gap_words";

const EVERY = 2000; // ms

interface NodesProps {
  service: Service;
  zone: Zone;
}

interface LinkingProps extends NodesProps {
  hashOf: (sessions: string[]) => string;
}

/** The nodes that the service listens to on a broker: who is there, and what is missing. Nothing where it follows none. */
export function Nodes({ service, zone, hashOf }: LinkingProps) {
  const { value, failure } = usePolled((abort) => listNodes(service, abort), EVERY, [service]);
  const nodes = value.value ?? [];
  if (nodes.length === 0) return <Failed why={failure} />;
  const words = texts.streams.nodes;
  return (
    <section class="nodes" aria-label={words.title}>
      <h2>{words.title}</h2>
      <p class="quiet" role="status">
        {words.count(nodes.filter(({ presence }) => presence === "online").length, nodes.length)}
      </p>
      <Failed why={failure} />
      <ul class="node-list">
        {nodes.map((node) => (
          <li key={`${node.source} ${node.id}`}>
            <One node={node} service={service} zone={zone} hashOf={hashOf} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function One({ node, service, zone, hashOf }: LinkingProps & { node: RemoteNode }) {
  const words = texts.streams.nodes;
  const open = useSignal(false);
  const since = node.since === null ? "" : moment(Date.parse(node.since), zone);
  return (
    <article class="stream" aria-label={node.id}>
      <header class="stream-head">
        <h3>{node.id}</h3>
        <span class={`state state-${STATES[node.presence]}`}>{words.presences[node.presence]}</span>
      </header>
      <p>
        {words.since[node.presence](since)} {node.retained && words.retained}
      </p>
      <p class="quiet">
        {words.source(node.source)}{" "}
        {node.session === null ? words.noSession : <a href={hashOf([node.session])}>{words.session(node.session)}</a>}
      </p>
      {node.streams !== null && <RemoteStreams node={node} streams={node.streams} service={service} zone={zone} />}
      {node.streams === null && (
        <details onToggle={(event) => (open.value = event.currentTarget.open)}>
          <summary>{words.streams}</summary>
          {open.value && <Asked node={node} service={service} zone={zone} />}
        </details>
      )}
    </article>
  );
}

const STATES = { online: "open", offline: "failed", shutdown: "closed", unknown: "closed" } as const;

function Asked({ node, service, zone }: NodesProps & { node: RemoteNode }) {
  const { value, failure } = usePolled((abort) => askNode(service, node, abort), EVERY, [service, node.id, node.source]);
  const streams = value.value?.streams ?? [];
  return (
    <>
      <Failed why={failure} />
      {value.value !== null && <RemoteStreams node={node} streams={streams} service={service} zone={zone} />}
    </>
  );
}

function RemoteStreams({ node, streams, service, zone }: NodesProps & { node: RemoteNode; streams: RemoteStream[] }) {
  const words = texts.streams.nodes;
  if (streams.length === 0) return <p class="quiet">{words.noStreams}</p>;
  return (
    <div class="board-scroll stream-values" tabIndex={0} role="region" aria-label={words.streamsOf(node.id)}>
      <table class="board-table">
        <thead>
          <tr>
            {[words.stream, words.state, words.newest, words.entries, words.gaps].map((column) => (
              <th key={column} scope="col" class={column === words.entries ? "number" : ""}>
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {streams.map((stream) => {
            const title = stream.name === "" ? stream.code : `${stream.code}/${stream.name}`;
            const at = stream.ts === null ? NaN : Date.parse(stream.ts);
            return (
              <tr key={title}>
                <th scope="row">{title}</th>
                <td>{stream.state === null ? texts.streams.notKnown : texts.streams[stream.state]}</td>
                <td>{stream.ts !== null && words.newestOf(stream.seq, moment(at, zone), age(Date.now() + service.ahead - at))}</td>
                <td class="number">{stream.entries}</td>
                <td class={`wide node-gaps ${stream.gaps.length + stream.givenUp > 0 ? "node-lacks" : ""}`}>{gapWords(stream, node.heals, node.presence === "online").join(" ")}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
