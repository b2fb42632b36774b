import { useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Stack } from "./stack";

/** Puts something to its place: when what it depends on changes, and in the same frame as plots that move under it. */
export function useMoving(stack: Stack, put: () => void): void {
  useSignalEffect(put);
  useEffect(() => stack.loop.beside(put), [stack]);
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
