import { useSignal, type Signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { nextRequest } from "../../source";
import { shownOf, type Plot } from "../../state/view";
import { texts } from "../../texts/en";
import { parameterOf, valueText } from "./parameters";
import type { Stack } from "./stack";
import { timeText } from "./time_text";

const PAGE = 50;

interface Page {
  nth: number; // of the plot's lines
  from: number; // on the shared axis
  to: number;
  earlier: number[]; // where the pages before began
}

interface Found {
  of: Page;
  times: Float64Array;
  values: Float64Array;
  more: boolean;
}

/** The samples of what is seen, as a table, a page at a time: for those who do not see the plot, and to read exactly. */
export function Samples({ plot, stack, open }: { plot: Plot; stack: Stack; open: Signal<boolean> }) {
  const page = useSignal<Page | null>(null);
  const found = useSignal<Found | null>(null);
  const words = texts.plots;
  const line = page.value === null ? undefined : plot.lines[page.value.nth];
  const shown = line && shownOf(stack.view.value, line.shown);
  const parameter = line && parameterOf(stack.sessionOf(line.shown), line.parameter);

  function begin(nth: number): void {
    const { from, to } = stack.loop.seen.peek();
    page.value = { nth, from, to, earlier: [] };
  }
  useEffect(() => {
    if (open.value && plot.lines.length > 0) begin(0);
    if (!open.value) [page.value, found.value] = [null, null];
  }, [open.value]);
  useEffect(() => {
    if (page.value === null || line === undefined || shown === undefined) return;
    const of = page.value;
    const { from, to } = of;
    const request = nextRequest();
    const deaf = stack.source.listen((report) => {
      if (report.type === "sampled" && report.request === request) found.value = { ...report, of };
    });
    const command = { session: shown.session, parameter: line.parameter, from: from - shown.shift, to: to - shown.shift, limit: PAGE };
    stack.source.send({ type: "samples", request, ...command });
    return deaf;
  }, [page.value, line?.parameter, shown?.session]);

  if (!open.value || page.value === null || line === undefined) {
    return <button onClick={() => (open.value = true)}>{words.showTable}</button>;
  }
  const { nth, from, to, earlier } = page.value;
  const times = found.value?.times ?? new Float64Array();
  const next = (times.at(-1) ?? from) + (shown?.shift ?? 0);
  return (
    <>
      <label>
        {words.samplesOf}{" "}
        <select value={nth} onChange={(event) => begin(Number(event.currentTarget.value))}>
          {plot.lines.map((each, at) => (
            <option key={at} value={at}>
              {parameterOf(stack.sessionOf(each.shown), each.parameter)?.name ?? each.parameter}
            </option>
          ))}
        </select>
      </label>{" "}
      <button disabled={earlier.length === 0} onClick={() => (page.value = { nth, from: earlier.at(-1)!, to, earlier: earlier.slice(0, -1) })}>
        {words.earlier}
      </button>{" "}
      <button disabled={!found.value?.more} onClick={() => (page.value = { nth, from: next + 1, to, earlier: [...earlier, from] })}>
        {words.later}
      </button>{" "}
      <button onClick={() => begin(nth)}>{words.asSeenNow}</button>
      <div class="plots-scroll" tabIndex={0} role="region" aria-label={words.table} aria-busy={found.value?.of !== page.value}>
        <table>
          <thead>
            <tr>
              <th scope="col">{words.time}</th>
              <th scope="col">
                {parameter?.name} {parameter?.unit && `(${parameter.unit})`}
              </th>
            </tr>
          </thead>
          <tbody>
            {[...times].map((time, at) => (
              <tr key={at}>
                <td>{timeText(stack.clock.value, time + (shown?.shift ?? 0), 1)}</td>
                <td>{parameter && valueText(parameter, found.value!.values[at]!)}</td>
              </tr>
            ))}
          </tbody>
        </table>
        {found.value !== null && times.length === 0 && <p>{words.noSamples}</p>}
      </div>
    </>
  );
}
