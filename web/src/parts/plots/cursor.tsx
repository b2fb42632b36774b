import { untracked, useSignalEffect } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Stack } from "./stack";

/** Paints something in the same frame as the plots. */
export function useBeside(stack: Stack, paint: () => void): void {
  useLayoutEffect(() => stack.loop.beside(paint), [stack]); // other effects end a frame after what they paint is gone
}

/** Puts to its place what is at the cursor: when somebody moves that, and in the same frame as plots that move under it. */
export function useMoving(stack: Stack, put: () => void): void {
  useSignalEffect(() => {
    void [stack.pointer.value, stack.view.value, stack.layout.value];
    untracked(put);
  });
  useBeside(stack, put);
}

/** The line through all plots, and the box that is being drawn. */
export function Cursor({ stack }: { stack: Stack }) {
  const line = useRef<HTMLDivElement>(null);
  const box = useRef<HTMLDivElement>(null);
  useMoving(stack, () => {
    const cursor = stack.cursor.value;
    const left = stack.layout.value?.left ?? 0;
    const x = cursor === null ? Number.NaN : stack.xAt(cursor);
    const shown = x >= 0 && x <= stack.width();
    line.current!.hidden = !shown;
    if (shown) line.current!.style.transform = `translateX(${Math.round(left + x)}px)`;
  });
  useSignalEffect(() => {
    const drawn = stack.box.value;
    const left = stack.layout.value?.left ?? 0;
    box.current!.hidden = drawn === null;
    if (drawn === null) return;
    box.current!.style.left = `${left + drawn.left}px`;
    box.current!.style.width = `${drawn.right - drawn.left}px`;
  });
  return (
    <>
      <div class="plots-cursor" ref={line} hidden />
      <div class="plots-box" ref={box} hidden />
    </>
  );
}
