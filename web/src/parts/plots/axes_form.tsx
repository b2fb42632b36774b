import { axisOf, setAxis, type Axis, type Plot } from "../../state/view";
import { texts } from "../../texts/en";
import { rangeName } from "./painter";
import type { Range } from "./scale";
import type { Stack } from "./stack";

/** How each axis of a plot is scaled. */
export function AxesForm({ plot, names, stack }: { plot: Plot; names: string[]; stack: Stack }) {
  const words = texts.plots;
  const numbers = names.filter((name) => !name.startsWith("=")); // words have no scale
  if (numbers.length === 0) return <p class="plots-form">{words.noAxes}</p>;
  return (
    <div class="plots-form">
      {numbers.map((name) => (
        <AxisForm
          key={name}
          name={name}
          axis={axisOf(plot, name)}
          seen={() => stack.ranges.get(rangeName(plot.id, name)) ?? { low: 0, high: 1 }}
          change={(axis) => stack.change((view) => setAxis(view, plot.id, name, axis))}
        />
      ))}
    </div>
  );
}

interface AxisFormProps {
  name: string;
  axis: Axis;
  seen: () => Range; // where the axis is now: what it is fixed to at first
  change: (axis: Axis) => void;
}

function AxisForm({ name, axis, seen, change }: AxisFormProps) {
  const words = texts.plots;
  const choose = (scale: Axis["scale"]): Axis => (scale === "fixed" ? { scale, min: seen().low, max: seen().high } : { scale });
  const number = (text: string, otherwise: number) => (text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : otherwise);
  return (
    <fieldset>
      <legend>{name || words.noUnit}</legend>
      {(["auto", "parameter", "fixed"] as const).map((scale) => (
        <label key={scale}>
          <input type="radio" checked={axis.scale === scale} onChange={() => change(choose(scale))} /> {words.scales[scale]}
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
