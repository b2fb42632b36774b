/** Hands what pointers, the wheel and keys do on an element to the stack. */

import { NOTHING, keyed, keyedY, point, wheelFactor, type Effect, type Pointing } from "./gestures";
import type { Stack } from "./stack";
import type { YAxes } from "./y_axes";

/** `axes`: those beside the plot. */
export function handlePointers(element: HTMLElement, stack: Stack, axes: YAxes | null = null): () => void {
  let hold = NOTHING;
  const x = (event: MouseEvent) => event.clientX - element.getBoundingClientRect().left - (stack.layout.peek()?.left ?? 0);

  function act(event: Pointing): void {
    const { from, to } = stack.loop.seen.peek();
    let effects: Effect[];
    [hold, effects] = point(hold, event, { from, to }, stack.width());
    for (const effect of effects) carryOut(effect);
    element.classList.toggle("plots-panning", hold.mode === "pan" || hold.mode === "pinch");
  }

  function carryOut(effect: Effect): void {
    if (effect.type === "stretch") {
      stack.pointer.value = null;
      stack.lookAt(effect.span);
    } else if (effect.type === "box") stack.box.value = effect;
    else if (effect.type === "tap") stack.putCursor(stack.timeAt(Math.min(Math.max(effect.x, 0), stack.width())));
    else {
      stack.box.value = null;
      if (effect.type === "boxed") stack.lookAt({ from: stack.timeAt(effect.left), to: stack.timeAt(effect.right) });
    }
  }

  const axisAt = (event: MouseEvent) => axes?.at(x(event)) ?? null;
  const hover = (event: PointerEvent) => {
    const at = x(event);
    element.classList.toggle("plots-on-axis", axisAt(event) !== null);
    stack.pointer.value = at >= 0 && at <= stack.width() ? at : null;
  };
  const on: { [Name in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[Name]) => void } = {
    pointerdown(event) {
      if (event.button !== 0) return;
      const axis = axisAt(event);
      if (axis !== null && hold.mode === "none") return axes!.press(axis, event);
      element.setPointerCapture(event.pointerId);
      act({ type: "down", id: event.pointerId, x: x(event), shift: event.shiftKey });
    },
    pointermove(event) {
      if (hold.mode === "none") {
        if (event.pointerType === "mouse") hover(event);
      } else act({ type: "move", id: event.pointerId, x: x(event) });
    },
    pointerup: (event) => act({ type: "up", id: event.pointerId, x: x(event) }),
    pointercancel: (event) => act({ type: "cancel", id: event.pointerId }),
    pointerleave: () => (stack.pointer.value = null),
    touchstart(event) {
      const [touch] = event.touches;
      const left = element.getBoundingClientRect().left + (stack.layout.peek()?.left ?? 0);
      if (touch !== undefined && axes?.at(touch.clientX - left) != null) event.preventDefault(); // the page does not scroll
    },
    dblclick(event) {
      if (axisAt(event) !== null) return;
      stack.putCursor(null);
      stack.back();
    },
    wheel(event) {
      if (event.metaKey || event.altKey) return;
      event.preventDefault();
      const axis = axisAt(event);
      if (axis !== null) {
        axes!.zoom(axis, event.clientY - element.getBoundingClientRect().top, wheelFactor(event.deltaY, event.deltaMode));
        return;
      }
      const sideways = event.shiftKey ? event.deltaY || event.deltaX : Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : 0;
      if (sideways !== 0) stack.pan(sideways / 1000);
      else stack.zoom(stack.timeAt(x(event)), wheelFactor(event.deltaY * (event.ctrlKey ? 4 : 1), event.deltaMode));
    },
  };
  const entries = Object.entries(on) as [string, EventListener][];
  for (const [name, listener] of entries) element.addEventListener(name, listener, { passive: false });
  return () => {
    for (const [name, listener] of entries) element.removeEventListener(name, listener);
  };
}

/** True: the cursor or what is seen has changed. */
export function handleKey(event: KeyboardEvent, stack: Stack, axes: YAxes): boolean {
  if (event.altKey || event.metaKey) return false;
  const vertical = keyedY(event.key, event.shiftKey, event.ctrlKey);
  if (vertical !== null) {
    event.preventDefault();
    axes.key(vertical);
    return false;
  }
  const key = keyed(event.key, event.shiftKey, event.ctrlKey);
  if (key === null) return false;
  event.preventDefault();
  stack.press(key);
  return true;
}
