import { listAlarms } from "../../service/streams";
import { moment } from "../../state/words";
import { texts } from "../../texts/en";
import type { BoardProps } from "../boards";
import { Failed } from "../boards/failed";
import { usePolled } from "../boards/polled";
import { changesOf, nameOf, valuesText } from "./changes";

const EVERY = 1000; // ms

/** The node's alarms: those that are active first, with the values of their last change, and what they have done. */
export function Alarms({ service, zone }: BoardProps) {
  const words = texts.alarms;
  const { value, failure } = usePolled((abort) => listAlarms(service, abort), EVERY, [service]);
  if (value.value === null) return failure.value === "" ? <p class="empty">{texts.loading}</p> : <Failed why={failure} />;
  const at = (time: string | null) => (time === null || time === "" ? "" : moment(Date.parse(time), zone));
  const alarms = [...value.value].sort(
    (a, b) => Number(b.active) - Number(a.active) || ((b.since ?? "") < (a.since ?? "") ? -1 : 1) || (nameOf(a) < nameOf(b) ? -1 : 1),
  );
  const changes = changesOf(value.value);
  const active = alarms.filter((alarm) => alarm.active).length;
  return (
    <section class="board">
      <Failed why={failure} />
      <p class={active > 0 ? "alarms-active" : "quiet"} role="status">
        {words.count(active, alarms.length)}
      </p>
      {alarms.length === 0 && <p class="empty">{words.none}</p>}
      {alarms.length > 0 && (
        <div class="board-scroll" tabIndex={0} role="region" aria-label={words.label}>
          <table class="board-table">
            <thead>
              <tr>
                {[words.alarm, words.state, words.since, words.values, words.rule, words.description].map((column) => (
                  <th key={column} scope="col">
                    {column}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {alarms.map((alarm) => (
                <tr key={nameOf(alarm)} class={alarm.active ? "alarm-active" : ""}>
                  <th scope="row">{nameOf(alarm)}</th>
                  <td>
                    <span class={`state state-${alarm.active ? "failed" : "closed"}`}>{alarm.active ? words.active : words.inactive}</span>
                  </td>
                  <td>{at(alarm.since)}</td>
                  <td class="wide">{valuesText(alarm.values)}</td>
                  <td class="wide">
                    {alarm.source}: {alarm.rule}
                  </td>
                  <td class="wide">{alarm.description}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {alarms.length > 0 && <h2>{words.changes}</h2>}
      {alarms.length > 0 && changes.length === 0 && <p class="quiet">{words.noChanges}</p>}
      <ol class="alarm-changes">
        {changes.map((change) => (
          <li key={`${change.name} ${change.at} ${change.active}`}>
            {at(change.at)} <b>{change.name}</b> {change.active ? words.raised : words.over} {valuesText(change.values)}
          </li>
        ))}
      </ol>
    </section>
  );
}
