import type { ReadonlySignal, Signal } from "@preact/signals";
import type { Source } from "../../source";
import type { View } from "../../state/view";
import type { Session } from "../../worker/messages";

export interface PlotsProps {
  source: Source;
  /** Changed by zooming, panning, and whatever else is done to plots: up to once a frame. */
  view: Signal<View>;
  /** What the Worker last said of each session that is shown, by identity. Plots open none themselves. */
  sessions: ReadonlySignal<ReadonlyMap<string, Session>>;
  /** Asks for a parameter to be picked for this plot. A picker may also drag LINE_DATA onto a plot. */
  pick: (plot: string) => void;
}

/** The data type of a dragged parameter: JSON of a `PlotLine`. */
export const LINE_DATA = "application/x-rta-line";

export function Plots({ source, view, sessions, pick }: PlotsProps) {
  void [source, view, sessions, pick];
  return <section />;
}
