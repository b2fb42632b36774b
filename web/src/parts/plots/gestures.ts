/**
 * What pointers do on plots: one drags, or draws a box with Shift; two pinch; a tap puts the cursor.
 * Plain: pointers and the stretch that is seen go in, what is to happen comes out. x in px from the left of the plot area.
 */

import { zoom, type Span } from "./stretch";

export type Pointing =
  | { type: "down"; id: number; x: number; shift: boolean }
  | { type: "move"; id: number; x: number }
  | { type: "up"; id: number; x: number }
  | { type: "cancel"; id: number };

export type Effect =
  | { type: "stretch"; span: Span }
  | { type: "box"; left: number; right: number } // is being drawn
  | { type: "boxed"; left: number; right: number } // is finished
  | { type: "unboxed" }
  | { type: "tap"; x: number };

interface Pointer {
  id: number;
  x: number;
}

/** `began`: the stretch and pointers when the present mode began. */
export interface Hold {
  mode: "none" | "press" | "pan" | "box" | "pinch";
  pointers: Pointer[];
  began: { span: Span; pointers: Pointer[] };
}

export const NOTHING: Hold = { mode: "none", pointers: [], began: { span: { from: 0, to: 1 }, pointers: [] } };
const SLOP = 4; // px that a pointer moves before it is a drag

export function point(hold: Hold, event: Pointing, seen: Span, width: number): [Hold, Effect[]] {
  switch (event.type) {
    case "down":
      return down(hold, event, seen);
    case "move":
      return move(hold, event, seen, width);
    case "up":
    case "cancel":
      return up(hold, event, seen);
  }
}

function down(hold: Hold, { id, x, shift }: { id: number; x: number; shift: boolean }, seen: Span): [Hold, Effect[]] {
  if (hold.pointers.length === 2) return [hold, []];
  const pointers = [...hold.pointers, { id, x }];
  const mode = pointers.length === 2 ? "pinch" : shift ? "box" : "press";
  return [{ mode, pointers, began: { span: seen, pointers } }, hold.mode === "box" ? [{ type: "unboxed" }] : []];
}

function move(hold: Hold, { id, x }: { id: number; x: number }, seen: Span, width: number): [Hold, Effect[]] {
  if (!hold.pointers.some((pointer) => pointer.id === id)) return [hold, []];
  const pointers = hold.pointers.map((pointer) => (pointer.id === id ? { id, x } : pointer));
  const start = hold.began.pointers[0]!;
  const now = pointers[0]!;
  if (hold.mode === "pinch") return [{ ...hold, pointers }, [{ type: "stretch", span: pinch(hold, pointers, width) }]];
  if (hold.mode === "box") return [{ ...hold, pointers }, [{ type: "box", ...sides(start.x, now.x, width) }]];
  if (hold.mode === "press") {
    if (Math.abs(now.x - start.x) < SLOP) return [{ ...hold, pointers }, []];
    const began = { span: seen, pointers }; // live plots have moved on since the pointer went down
    return [{ mode: "pan", pointers, began }, [{ type: "stretch", span: seen }]];
  }
  const { span } = hold.began;
  const by = ((start.x - now.x) / width) * (span.to - span.from);
  return [{ ...hold, pointers }, [{ type: "stretch", span: { from: span.from + by, to: span.to + by } }]];
}

function up(hold: Hold, event: { type: "up" | "cancel"; id: number; x?: number }, seen: Span): [Hold, Effect[]] {
  const pointers = hold.pointers.filter((pointer) => pointer.id !== event.id);
  if (pointers.length === hold.pointers.length) return [hold, []];
  const effects: Effect[] = [];
  if (hold.mode === "press" && event.type === "up") effects.push({ type: "tap", x: event.x! });
  if (hold.mode === "box") {
    const [a, b] = [hold.began.pointers[0]!.x, hold.pointers[0]!.x];
    const drawn = event.type === "up" && Math.abs(a - b) >= SLOP;
    effects.push(drawn ? { type: "boxed", left: Math.min(a, b), right: Math.max(a, b) } : { type: "unboxed" });
  }
  // of two fingers one is left: it goes on as a drag
  const mode = pointers.length === 1 ? "pan" : "none";
  return [{ mode, pointers, began: { span: seen, pointers } }, effects];
}

/** The times that were under the two fingers stay under them. */
function pinch({ began }: Hold, pointers: Pointer[], width: number): Span {
  const { span } = began;
  const middle = (at: Pointer[]) => (at[0]!.x + at[1]!.x) / 2;
  const apart = (at: Pointer[]) => Math.max(Math.abs(at[0]!.x - at[1]!.x), 10);
  const held = span.from + (middle(began.pointers) / width) * (span.to - span.from);
  const zoomed = zoom(span, held, apart(began.pointers) / apart(pointers));
  const by = ((middle(pointers) - middle(began.pointers)) / width) * (zoomed.to - zoomed.from);
  return { from: zoomed.from - by, to: zoomed.to - by };
}

function sides(a: number, b: number, width: number): { left: number; right: number } {
  const inside = (x: number) => Math.min(Math.max(x, 0), width);
  return { left: inside(Math.min(a, b)), right: inside(Math.max(a, b)) };
}

/** How much a turn of the wheel zooms. Pixels, lines (1) or pages (2). */
export function wheelFactor(delta: number, mode: number): number {
  const pixels = mode === 1 ? delta * 33 : mode === 2 ? delta * 400 : delta;
  return 2 ** (Math.min(Math.max(pixels, -300), 300) / 200);
}

export type Key =
  | { type: "cursor"; columns: number }
  | { type: "pan"; part: number } // of what is seen
  | { type: "zoom"; factor: number }
  | { type: "live" | "pause" | "all" | "back" | "clear" };

export type YKey =
  | { type: "move"; part: number } // of the height, upwards
  | { type: "zoom"; factor: number }
  | { type: "free" }; // as what is seen

/** What a key does to the y axes of a plot that has the focus. Arrows alone scroll the page. */
export function keyedY(key: string, shift: boolean, ctrl: boolean): YKey | null {
  if (key === "a" || key === "A") return ctrl ? null : { type: "free" };
  if ((key !== "ArrowUp" && key !== "ArrowDown") || shift === ctrl) return null;
  const up = key === "ArrowUp";
  return shift ? { type: "zoom", factor: up ? 0.8 : 1.25 } : { type: "move", part: up ? 0.1 : -0.1 };
}

/** What a key does on a plot that has the focus. */
export function keyed(key: string, shift: boolean, page: boolean): Key | null {
  switch (key) {
    case "ArrowLeft":
    case "ArrowRight": {
      const way = key === "ArrowLeft" ? -1 : 1;
      return shift ? { type: "pan", part: way * 0.1 } : { type: "cursor", columns: way * (page ? 10 : 1) };
    }
    case "PageUp":
    case "PageDown":
      return { type: "pan", part: key === "PageUp" ? -0.9 : 0.9 };
    case "+":
    case "=":
      return { type: "zoom", factor: 0.5 };
    case "-":
    case "_":
      return { type: "zoom", factor: 2 };
    case "l":
    case "L":
    case "End":
      return { type: "live" };
    case " ":
      return { type: "pause" };
    case "0":
    case "Home":
      return { type: "all" };
    case "Backspace":
      return { type: "back" };
    case "Escape":
      return { type: "clear" };
    default:
      return null;
  }
}
