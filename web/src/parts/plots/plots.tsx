import type { ReadonlySignal, Signal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Source } from "../../source";
import { addPlot, type View } from "../../state/view";
import { texts } from "../../texts/en";
import type { Session } from "../../worker/messages";
import { Cursor } from "./cursor";
import { acceptLine, droppedLine } from "./drag";
import { PlotCard } from "./plot";
import { Shifts } from "./shifts";
import { Stack } from "./stack";
import { readTheme } from "./theme";
import { TimeAxis } from "./time_axis";
import { Toolbar } from "./toolbar";

export { LINE_DATA } from "./drag";

export interface PlotsProps {
  source: Source;
  /** Changed by zooming, panning, and whatever else is done to plots: up to once a frame. */
  view: Signal<View>;
  /** What the Worker last said of each session that is shown, by identity. Plots open none themselves. */
  sessions: ReadonlySignal<ReadonlyMap<string, Session>>;
  /** Asks for a parameter to be picked for this plot. A picker may also drag LINE_DATA onto a plot. */
  pick: (plot: string) => void;
  /** Whether events go through the plots. */
  marks: ReadonlySignal<boolean>;
  mark: (on: boolean) => void;
}

export function Plots({ source, view, sessions, pick, marks, mark }: PlotsProps) {
  const stack = useMemo(() => new Stack(source, view, sessions, marks), [source, view, sessions, marks]);
  const root = useRef<HTMLElement>(null);
  useEffect(() => stack.start(), [stack]);
  useEffect(() => fit(root.current!, stack), [stack]);
  const { plots } = view.value;

  function add(): void {
    view.value = addPlot(view.value);
    pick(view.value.plots.at(-1)!.id);
  }

  return (
    <section class="plots" ref={root} aria-label={texts.plots.title}>
      <Toolbar stack={stack} mark={mark} />
      <Shifts stack={stack} />
      <div class="plots-stack">
        {plots.map((plot, at) => (
          <PlotCard key={plot.id} plot={plot} at={at} stack={stack} pick={pick} />
        ))}
        <Cursor stack={stack} />
      </div>
      {plots.length > 0 && <TimeAxis stack={stack} />}
      <button
        class="plots-add"
        onClick={add}
        onDragOver={acceptLine}
        onDrop={(event) => {
          const line = droppedLine(event);
          if (line !== null) view.value = addPlot(view.value, [line]);
        }}
      >
        {texts.plots.addPlot}
      </button>
      <p class="plots-said" role="status">
        {stack.said}
      </p>
    </section>
  );
}

/** Keeps to the width there is, the screen's pixels, the colour scheme, and less motion where that is asked for. */
function fit(root: HTMLElement, stack: Stack): () => void {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const measure = () => {
    const scale = Math.min(devicePixelRatio || 1, 3);
    const width = root.querySelector(".plots-stack")!.clientWidth;
    if (width !== stack.size.value.width || scale !== stack.size.value.scale) stack.size.value = { width, scale };
  };
  const colour = () => (stack.theme.value = readTheme(root, stack.size.value.scale));
  const calm = () => (stack.loop.still = still.matches);
  const observer = new ResizeObserver(() => {
    measure();
    colour();
  });
  observer.observe(root);
  const chosen = new MutationObserver(colour); // by those who do not want the system's colours
  chosen.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  dark.addEventListener("change", colour);
  still.addEventListener("change", calm);
  measure();
  colour();
  calm();
  return () => {
    observer.disconnect();
    chosen.disconnect();
    dark.removeEventListener("change", colour);
    still.removeEventListener("change", calm);
  };
}
