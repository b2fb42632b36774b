import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { texts } from "../../texts/en";
import type { Parameter, Row } from "../../worker/messages";
import type { BoardProps } from "../boards";
import { valueText } from "../plots/parameters";
import { useLiveRows, type Sparkline as Drawn } from "./live";
import { COLUMNS, filtered, ordered, turned, type Order } from "./order";
import { Sparkline } from "./sparkline";

const HEIGHT = 28; // CSS px of a row; the style sheet has it too
const MORE = 8; // rows that are there above and below what is seen
const RESORT = 1000; // ms between two orders by what changes

/** Every parameter with its latest value. Only rows that can be seen exist, so thousands cost no more than a screenful. */
export function Table({ source, session }: BoardProps) {
  const words = texts.table;
  const filter = useSignal("");
  const order = useSignal<Order>({ column: "parameter", falling: false });
  const view = useSignal({ top: 0, height: 600 });
  const scroll = useRef<HTMLDivElement>(null);
  const sorted = useRef<{ parameters: Parameter[]; key: string; at: number }>({ parameters: [], key: "", at: 0 });
  const shown = useRef<Parameter[]>([]);
  const live = useLiveRows(source, session?.identity ?? null, () => shown.current.map(({ id }) => id));
  const matching = useComputed(() => filter.value);
  useEffect(() => {
    const it = scroll.current;
    if (it === null) return;
    const look = () => (view.value = { top: it.scrollTop, height: it.clientHeight });
    const watched = new ResizeObserver(look);
    watched.observe(it);
    it.addEventListener("scroll", look, { passive: true });
    look();
    return () => {
      watched.disconnect();
      it.removeEventListener("scroll", look);
    };
  }, [session === null]);
  if (session === null) return <p class="empty">{texts.boards.noSession}</p>;

  const { rows, sparklines } = live.value;
  const all = session.parameters;
  const key = `${session.identity} ${all.length} ${matching.value} ${order.value.column} ${order.value.falling}`;
  const isSteady = order.value.column === "parameter" || order.value.column === "unit";
  if (sorted.current.key !== key || (!isSteady && performance.now() - sorted.current.at > RESORT)) {
    sorted.current = { parameters: ordered(filtered(all, matching.value), rows, order.value), key, at: performance.now() };
  }
  const { parameters } = sorted.current;
  const first = Math.max(0, Math.min(Math.floor(view.value.top / HEIGHT) - MORE, parameters.length));
  const last = Math.min(parameters.length, first + Math.ceil(view.value.height / HEIGHT) + 2 * MORE);
  shown.current = parameters.slice(first, last);

  return (
    <section class="board table-board">
      <div class="board-tools">
        <label>
          {words.filter}{" "}
          <input type="search" value={filter} onInput={(event) => (filter.value = event.currentTarget.value)} />
        </label>
        <span class="quiet" role="status">
          {words.count(parameters.length, all.length)}
        </span>
      </div>
      <div class="board-scroll table-scroll" ref={scroll} tabIndex={0} role="region" aria-label={words.label}>
        <table class="board-table live-table" aria-rowcount={parameters.length + 1}>
          <thead>
            <tr aria-rowindex={1}>
              {COLUMNS.map((column) => (
                <th
                  key={column}
                  scope="col"
                  class={column === "parameter" || column === "unit" ? "" : "number"}
                  aria-sort={order.value.column !== column ? undefined : order.value.falling ? "descending" : "ascending"}
                >
                  <button type="button" onClick={() => (order.value = turned(order.value, column))}>
                    {words[column]}
                    <span aria-hidden="true">{order.value.column !== column ? "" : order.value.falling ? " ▼" : " ▲"}</span>
                  </button>
                </th>
              ))}
              <th scope="col">{words.sparkline}</th>
            </tr>
          </thead>
          <tbody>
            <Spacer rows={first} />
            {shown.current.map((parameter, at) => (
              <Line key={parameter.id} parameter={parameter} row={rows.get(parameter.id)} drawn={sparklines.get(parameter.id)} index={first + at + 2} />
            ))}
            <Spacer rows={parameters.length - last} />
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Spacer({ rows }: { rows: number }) {
  return rows === 0 ? null : (
    <tr aria-hidden="true" class="spacer">
      <td colSpan={COLUMNS.length + 1} style={{ height: `${rows * HEIGHT}px` }} />
    </tr>
  );
}

interface LineProps {
  parameter: Parameter;
  row: Row | undefined;
  drawn: Drawn | undefined;
  index: number;
}

function Line({ parameter, row, drawn, index }: LineProps) {
  const text = (value: number | undefined) => valueText(parameter, value ?? Number.NaN);
  const { warnMin, warnMax } = parameter;
  const warned = row !== undefined && warnMin < warnMax && (row.value < warnMin || row.value > warnMax);
  return (
    <tr aria-rowindex={index}>
      <th scope="row" title={parameter.description || parameter.id}>
        {parameter.name}
      </th>
      <td class={warned ? "number warned" : "number"}>
        {warned && <span aria-label={texts.table.warned}>▲ </span>}
        {text(row?.value)}
      </td>
      <td>{parameter.texts ? "" : parameter.unit}</td>
      <td class="number">{row === undefined ? "" : texts.table.hertz(row.rate)}</td>
      <td class="number">{parameter.texts ? "" : text(row?.min)}</td>
      <td class="number">{parameter.texts ? "" : text(row?.max)}</td>
      <td>
        <Sparkline drawn={drawn} />
      </td>
    </tr>
  );
}
