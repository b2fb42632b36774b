import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { addLine, movePlot, removePlot, resizePlot, HEIGHT, type Plot } from "../../state/view";
import { texts } from "../../texts/en";
import { AxesForm } from "./axes_form";
import { acceptLine, droppedLine, follow } from "./drag";
import { Legend, sayValues } from "./legend";
import { Painter, axisNames } from "./painter";
import { parameterOf } from "./parameters";
import { handleKey, handlePointers } from "./pointing";
import { Samples } from "./samples";
import type { Stack } from "./stack";
import { YAxes } from "./y_axes";

interface PlotProps {
  plot: Plot;
  at: number; // its place, from the top
  stack: Stack;
  pick: (plot: string) => void;
}

export function PlotCard({ plot, at, stack, pick }: PlotProps) {
  const card = useRef<HTMLElement>(null);
  const area = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const axes = useMemo(() => new YAxes(plot.id, stack), [plot.id, stack]);
  const axesOpen = useSignal(false);
  const samplesOpen = useSignal(false);
  const words = texts.plots;
  const samples = `plots-samples-${plot.id}`;
  const names = plot.lines.map((line) => parameterOf(stack.sessionOf(line.shown), line.parameter)?.name ?? line.parameter);
  const title = words.plot(at + 1, names);

  useEffect(() => {
    const painter = new Painter(plot.id, canvas.current!, {
      view: () => stack.view.peek(),
      sessions: () => stack.sessions.peek(),
      lines: stack.loop.lines,
      ranges: stack.ranges,
      layout: () => stack.layout.peek(),
      theme: () => stack.theme.peek(),
      times: () => stack.times.peek().ticks.map((tick) => tick.at),
      marks: () => (stack.marks.peek() ? stack.clusters.peek() : []),
    });
    const observer = new IntersectionObserver(([entry]) => {
      if (entry!.isIntersecting) stack.loop.onScreen.add(plot.id);
      else stack.loop.onScreen.delete(plot.id);
      stack.loop.paint();
    });
    observer.observe(area.current!);
    const stops = [stack.loop.add(plot.id, painter), handlePointers(area.current!, stack, axes), () => observer.disconnect()];
    return () => {
      for (const stop of stops) stop();
      stack.loop.onScreen.delete(plot.id);
    };
  }, [plot.id, stack]);

  useEffect(() => {
    area.current!.style.height = `${plot.height}px`;
  }, [plot.height]);

  function dropped(event: DragEvent): void {
    const line = droppedLine(event);
    if (line !== null) stack.change((view) => addLine(view, plot.id, line));
  }

  const move = (to: number) => {
    stack.change((view) => movePlot(view, plot.id, to));
    stack.said.value = words.moved(to + 1);
  };
  const resize = (height: number) => stack.change((view) => resizePlot(view, plot.id, height));

  return (
    <article class="plots-plot" ref={card} data-plot={plot.id} aria-label={title} onDragOver={acceptLine} onDrop={dropped}>
      <header>
        <button
          class="plots-grip"
          aria-label={words.move(at + 1)}
          title={words.moveHint}
          onPointerDown={(event) => follow(event, { move: (moved) => carry(card.current!, moved.y), end: () => move(placeOf(card.current!, at)) })}
          onKeyDown={(event) => {
            const way = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : 0;
            if (way !== 0) event.preventDefault();
            if (way !== 0 && at + way >= 0 && at + way < stack.view.value.plots.length) move(at + way);
          }}
        >
          <span aria-hidden="true">⠿</span>
        </button>
        <Legend plot={plot} stack={stack} />
        <button onClick={() => pick(plot.id)} aria-label={words.addLineTo(at + 1)} title={words.addLine}>
          <span aria-hidden="true">+</span>
        </button>
        <button aria-expanded={axesOpen.value} onClick={() => (axesOpen.value = !axesOpen.value)}>
          {words.axes}
        </button>
        <button aria-expanded={samplesOpen.value} aria-controls={samples} onClick={() => (samplesOpen.value = !samplesOpen.value)}>
          {words.table}
        </button>
        <button aria-label={words.removePlot(at + 1)} title={words.remove} onClick={() => stack.change((view) => removePlot(view, plot.id))}>
          <span aria-hidden="true">✕</span>
        </button>
      </header>
      {axesOpen.value && <AxesForm plot={plot} names={axisNames(plot, stack.view.value, stack.sessions.value)} stack={stack} />}
      <div
        class="plots-area"
        ref={area}
        tabIndex={0}
        role="application"
        aria-roledescription={words.kind}
        aria-label={title}
        aria-details={samples}
        onKeyDown={(event) => {
          if (handleKey(event, stack, axes)) sayValues(plot, stack);
        }}
        onFocus={() => sayValues(plot, stack)}
      >
        <canvas ref={canvas} aria-hidden="true" />
        {plot.lines.length === 0 && <p class="plots-empty">{words.empty}</p>}
      </div>
      <div id={samples} class={samplesOpen.value ? "plots-samples" : "plots-samples plots-hidden"}>
        <Samples plot={plot} stack={stack} open={samplesOpen} />
      </div>
      <div
        class="plots-resize"
        role="separator"
        tabIndex={0}
        aria-orientation="horizontal"
        aria-label={words.resize(at + 1)}
        aria-valuenow={plot.height}
        aria-valuemin={HEIGHT.least}
        aria-valuemax={HEIGHT.most}
        onPointerDown={(event) => {
          const height = plot.height;
          follow(event, { move: (moved) => resize(height + moved.y) });
        }}
        onKeyDown={(event) => {
          const way = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : 0;
          if (way === 0) return;
          event.preventDefault();
          resize(plot.height + way * 20);
        }}
      />
    </article>
  );
}

function carry(card: HTMLElement, by: number): void {
  card.style.transform = `translateY(${by}px)`;
  card.classList.add("plots-carried");
}

/** Where a card that is carried belongs: behind the others whose middle is above its own. */
function placeOf(card: HTMLElement, was: number): number {
  const middle = (element: Element) => {
    const { top, height } = element.getBoundingClientRect();
    return top + height / 2;
  };
  const own = card.style.transform === "" ? null : middle(card);
  card.style.transform = "";
  card.classList.remove("plots-carried");
  if (own === null) return was;
  const others = [...card.parentElement!.querySelectorAll(".plots-plot")].filter((other) => other !== card);
  return others.filter((other) => middle(other) < own).length;
}
