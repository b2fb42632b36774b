import { useComputed } from "@preact/signals";
import { removeLine, type Plot, type PlotLine } from "../../state/view";
import { texts } from "../../texts/en";
import { parameterOf, valueText } from "./parameters";
import type { Stack } from "./stack";
import { COLOURS, MARKS, markPath } from "./theme";
import { timeText } from "./time_text";

export function Legend({ plot, stack }: { plot: Plot; stack: Stack }) {
  return (
    <ul class="plots-legend">
      {plot.lines.map((line, nth) => (
        <Entry key={`${line.shown} ${line.parameter}`} plot={plot} line={line} nth={nth} stack={stack} />
      ))}
    </ul>
  );
}

function Entry({ plot, line, nth, stack }: { plot: Plot; line: PlotLine; nth: number; stack: Stack }) {
  const parameter = parameterOf(stack.sessionOf(line.shown), line.parameter);
  const found = stack.values.of(line.shown, line.parameter);
  const text = useComputed(() => {
    const known = parameterOf(stack.sessionOf(line.shown), line.parameter);
    return known ? valueText(known, found.value.value) : "–";
  });
  const look = useComputed(() => {
    const known = parameterOf(stack.sessionOf(line.shown), line.parameter);
    return warned(known, found.value.value) ? "plots-value plots-warned" : "plots-value";
  });
  const words = texts.plots;
  const several = stack.view.value.shown.length > 1;
  const name = parameter?.name ?? line.parameter;
  return (
    <li class={`plots-entry plots-colour-${(nth % COLOURS) + 1}`} title={parameter?.description || parameter?.id}>
      <svg class="plots-swatch" viewBox="0 0 22 12" width="22" height="12" aria-hidden="true">
        <path class="plots-stroke" d="M0 6H22" />
        {plot.lines.length > 1 && <path d={markOf(nth)} />}
      </svg>
      <span class="plots-name">
        {several && <b class="plots-key">{line.shown} </b>}
        {name}
      </span>
      <output class={look} aria-live="off">
        {text}
      </output>
      <span class="plots-unit">{parameter?.texts ? "" : parameter?.unit}</span>
      <Loading line={line} stack={stack} />
      <Gaps line={line} stack={stack} />
      <button
        aria-label={words.removeLine(name)}
        title={words.remove}
        onClick={() => stack.change((view) => removeLine(view, plot.id, line))}
      >
        <span aria-hidden="true">✕</span>
      </button>
    </li>
  );
}

function Loading({ line, stack }: { line: PlotLine; stack: Stack }) {
  const whole = stack.loop.whole(line.shown, line.parameter);
  return whole.value ? null : <span class="plots-loading">{texts.plots.loading}</span>;
}

/** Said only: those who see the plot see where it is hatched. */
function Gaps({ line, stack }: { line: PlotLine; stack: Stack }) {
  const gaps = stack.loop.gaps(line.shown, line.parameter).value;
  return gaps === 0 ? null : <span class="unseen plots-gaps">{texts.plots.gaps(gaps)}</span>;
}

function warned(parameter: ReturnType<typeof parameterOf>, value: number): boolean {
  return parameter !== undefined && parameter.warnMin < parameter.warnMax && (value < parameter.warnMin || value > parameter.warnMax);
}

function markOf(nth: number): string {
  const parts: string[] = [];
  const path = {
    moveTo: (x: number, y: number) => parts.push(`M${x.toFixed(1)} ${y.toFixed(1)}`),
    lineTo: (x: number, y: number) => parts.push(`L${x.toFixed(1)} ${y.toFixed(1)}`),
  };
  markPath(path, MARKS[nth % MARKS.length]!, 11, 6, 4);
  return parts.join("");
}

/** Says what is at the cursor. */
export function sayValues(plot: Plot, stack: Stack): void {
  stack.saySoon(() => {
    const { from, to } = stack.loop.seen.peek();
    const cursor = stack.cursor.peek();
    const values = plot.lines.map((line) => {
      const parameter = parameterOf(stack.sessionOf(line.shown), line.parameter);
      if (parameter === undefined) return line.parameter;
      const text = valueText(parameter, stack.values.of(line.shown, line.parameter).peek().value);
      return `${parameter.name} ${text} ${parameter.texts ? "" : parameter.unit}`.trim();
    });
    const at = cursor === null ? texts.plots.newest : timeText(stack.clock.peek(), cursor, (to - from) / 1000);
    return `${at}: ${values.join(", ")}`;
  });
}
