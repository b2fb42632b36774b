import { useLayoutEffect, useRef } from "preact/hooks";
import type { Sparkline as Drawn } from "./live";

const WIDTH = 96;
const HEIGHT = 20;

/** What a parameter did in the last seconds: from its least to its greatest value. The numbers beside it say the same. */
export function Sparkline({ drawn }: { drawn: Drawn | undefined }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const ratio = devicePixelRatio;
    const it = canvas.current!;
    if (it.width !== Math.round(WIDTH * ratio)) [it.width, it.height] = [Math.round(WIDTH * ratio), Math.round(HEIGHT * ratio)];
    const paper = it.getContext("2d")!;
    paper.setTransform(ratio, 0, 0, ratio, 0, 0);
    paper.clearRect(0, 0, WIDTH, HEIGHT);
    if (drawn === undefined || drawn.low.length === 0) return;
    const { low, high } = drawn;
    let [least, most] = [Infinity, -Infinity];
    for (let i = 0; i < low.length; i++) {
      if (low[i]! < least) least = low[i]!;
      if (high[i]! > most) most = high[i]!;
    }
    if (!(most >= least)) return;
    const y = (value: number) => (most === least ? HEIGHT / 2 : HEIGHT - 2 - ((value - least) / (most - least)) * (HEIGHT - 4));
    const step = WIDTH / low.length;
    paper.strokeStyle = getComputedStyle(it).color;
    paper.beginPath();
    let open = false;
    for (let i = 0; i < low.length; i++) {
      if (Number.isNaN(low[i]!)) {
        open = false;
        continue;
      }
      const x = (i + 0.5) * step;
      if (open) paper.lineTo(x, y(high[i]!));
      else paper.moveTo(x, y(high[i]!));
      paper.lineTo(x, y(low[i]!) + 0.5);
      open = true;
    }
    paper.stroke();
  }, [drawn]);
  return <canvas ref={canvas} class="sparkline" aria-hidden="true" />;
}
