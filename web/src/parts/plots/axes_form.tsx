import { axisOf, setAxis, type Axis, type Plot } from "../../state/view";
import { texts } from "../../texts/en";
import type { Stack } from "./stack";

/** How each axis of a plot is scaled. */
export function AxesForm({ plot, names, stack }: { plot: Plot; names: string[]; stack: Stack }) {
  const words = texts.plots;
  const numbers = names.filter((name) => !name.startsWith("=")); // words have no scale
  if (numbers.length === 0) return <p class="plots-form">{words.noAxes}</p>;
  return (
    <div class="plots-form">
      {numbers.map((name) => (
        <AxisForm key={name} name={name} axis={axisOf(plot, name)} change={(axis) => stack.change((view) => setAxis(view, plot.id, name, axis))} />
      ))}
    </div>
  );
}

function AxisForm({ name, axis, change }: { name: string; axis: Axis; change: (axis: Axis) => void }) {
  const words = texts.plots;
  const fixed = axis.scale === "fixed" ? axis : { scale: "fixed" as const, min: 0, max: 1 };
  const number = (text: string, otherwise: number) => (text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : otherwise);
  return (
    <fieldset>
      <legend>{name || words.noUnit}</legend>
      {(["auto", "parameter", "fixed"] as const).map((scale) => (
        <label key={scale}>
          <input type="radio" checked={axis.scale === scale} onChange={() => change(scale === "fixed" ? fixed : { scale })} /> {words.scales[scale]}
        </label>
      ))}
      {axis.scale === "fixed" && (
        <>
          <label>
            {words.from} <input type="number" step="any" value={axis.min} onChange={(event) => change({ ...axis, min: number(event.currentTarget.value, axis.min) })} />
          </label>
          <label>
            {words.to} <input type="number" step="any" value={axis.max} onChange={(event) => change({ ...axis, max: number(event.currentTarget.value, axis.max) })} />
          </label>
        </>
      )}
    </fieldset>
  );
}
