import { useSignal } from "@preact/signals";
import type { Service } from "../../service/service";
import { askLast, valueRows, type Last, type Stream } from "../../service/streams";
import type { Zone } from "../../state/view";
import { age, moment } from "../../state/words";
import { texts } from "../../texts/en";
import { Failed } from "../boards/failed";
import { usePolled } from "../boards/polled";

const EVERY = 1000; // ms
const FEW = 8; // rows that are shown without being asked for

interface LastProps {
  stream: Stream;
  service: Service;
  zone: Zone;
}

/** The newest entry of a stream: how old it is, and its values. Many of them are shown when one asks for them. */
export function LastValues({ stream, service, zone }: LastProps) {
  const open = useSignal(false);
  const last = stream.last;
  if (last === null) return null;
  const rows = last.values === null ? null : valueRows(last.values).length;
  const words = texts.streams.last(last.seq, moment(Date.parse(last.ts), zone), age(Date.now() + service.ahead - Date.parse(last.ts)));
  if (rows !== null && rows <= FEW) {
    return (
      <>
        <p class="quiet">{words}</p>
        <Values last={last} />
      </>
    );
  }
  return (
    <>
      <p class="quiet">{words}</p>
      <details onToggle={(event) => (open.value = event.currentTarget.open)}>
        <summary>{texts.streams.values(rows)}</summary>
        {open.value && (last.values === null ? <Many stream={stream} service={service} /> : <Values last={last} />)}
      </details>
    </>
  );
}

function Many({ stream, service }: Omit<LastProps, "zone">) {
  const { value, failure } = usePolled((abort) => askLast(service, stream, abort), EVERY, [service, stream.code, stream.name]);
  return (
    <>
      <Failed why={failure} />
      {value.value === null ? failure.value === "" && <p class="empty">{texts.loading}</p> : <Values last={value.value} />}
    </>
  );
}

function Values({ last }: { last: Last }) {
  const words = texts.streams;
  const rows = valueRows(last.values ?? {});
  const components = rows.some(({ component }) => component !== "");
  return (
    <div class="board-scroll stream-values" tabIndex={0} role="region" aria-label={words.lastValues}>
      <table class="board-table">
        <thead>
          <tr>
            <th scope="col">{words.attribute}</th>
            {components && <th scope="col">{words.component}</th>}
            <th scope="col" class="number">
              {words.value}
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ attribute, component, value }) => (
            <tr key={`${attribute} ${component}`}>
              <th scope="row">{attribute}</th>
              {components && <td>{component}</td>}
              <td class="number wide">{value === null ? <span class="quiet">{words.notKnown}</span> : String(value)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
