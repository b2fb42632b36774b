/** Dragging: of what is on the page by a pointer, and of parameters that are dropped on plots. */

import type { PlotLine } from "../../state/view";

/** The data type of a dragged parameter: JSON of a `PlotLine`. */
export const LINE_DATA = "application/x-rta-line";

export function acceptLine(event: DragEvent): void {
  if (event.dataTransfer?.types.includes(LINE_DATA)) event.preventDefault();
}

export function droppedLine(event: DragEvent): PlotLine | null {
  const data = event.dataTransfer?.getData(LINE_DATA);
  if (!data) return null;
  event.preventDefault();
  return JSON.parse(data) as PlotLine;
}

export interface Moved {
  x: number;
  y: number;
}

/** Follows a pointer that has gone down until it is released, by how far it has moved since. */
export function follow(event: PointerEvent, on: { move(by: Moved): void; end?(): void }): void {
  if (event.button !== 0) return;
  const element = event.currentTarget as HTMLElement;
  const start = { x: event.clientX, y: event.clientY };
  const move = (next: PointerEvent) => on.move({ x: next.clientX - start.x, y: next.clientY - start.y });
  const end = () => {
    element.removeEventListener("pointermove", move);
    element.removeEventListener("pointerup", end);
    element.removeEventListener("pointercancel", end);
    on.end?.();
  };
  element.setPointerCapture(event.pointerId);
  element.addEventListener("pointermove", move);
  element.addEventListener("pointerup", end);
  element.addEventListener("pointercancel", end);
}
