import { useComputed } from "@preact/signals";
import { overlay, type Zone } from "../../state/view";
import { zonesToChoose } from "../../state/zones";
import { texts } from "../../texts/en";
import type { Stack } from "./stack";
import { lengthText } from "./time_text";

const LENGTHS = [1, 5, 10, 30, 60, 300, 900, 3600].map((seconds) => seconds * 1e9);

export function Toolbar({ stack, mark }: { stack: Stack; mark: (on: boolean) => void }) {
  const words = texts.plots;
  const live = stack.live.value;
  const span = useComputed(() => {
    const { from, to } = stack.loop.seen.value;
    return to - from;
  });
  const lengths = [...new Set([...LENGTHS, span.value])].sort((a, b) => a - b);
  const middle = () => (stack.loop.seen.value.from + stack.loop.seen.value.to) / 2;

  function setLength(length: number): void {
    if (live) stack.goLive(length);
    else stack.zoom(middle(), length / span.value);
  }

  return (
    <div class="plots-tools" role="toolbar" aria-label={words.tools}>
      <button class="plots-live" aria-pressed={live} title={words.liveHint} onClick={() => (live ? stack.pause() : stack.goLive())}>
        <span aria-hidden="true">{live ? "●" : "❚❚"}</span> {live ? words.live : words.paused}
      </button>
      {!live && (
        <button class="plots-back-live" onClick={() => stack.goLive()}>
          {words.backToLive}
        </button>
      )}
      <label>
        {words.span}{" "}
        <select value={`${span.value}`} onChange={(event) => setLength(Number(event.currentTarget.value))}>
          {lengths.map((length) => (
            <option key={length} value={`${length}`}>
              {lengthText(length)}
            </option>
          ))}
        </select>
      </label>
      <button aria-label={words.zoomIn} title={words.zoomIn} onClick={() => stack.zoom(middle(), 0.5)}>
        <span aria-hidden="true">+</span>
      </button>
      <button aria-label={words.zoomOut} title={words.zoomOut} onClick={() => stack.zoom(middle(), 2)}>
        <span aria-hidden="true">−</span>
      </button>
      <button disabled={!stack.known.value} onClick={() => stack.all()}>
        {words.all}
      </button>
      <button title={words.backHint} onClick={() => stack.back()}>{words.back}</button>
      {stack.view.value.shown.length > 0 && (
        <button title={words.compareHint} onClick={() => stack.change((view) => overlay(view, view.shown[0]!.key, span.value))}>
          {words.compare}
        </button>
      )}
      <button title={words.marksHint} aria-pressed={stack.marks.value} onClick={() => mark(!stack.marks.value)}>
        {words.marks}
      </button>
      <label>
        {words.zone}{" "}
        <select
          value={stack.view.value.zone}
          onChange={({ currentTarget }) => stack.change((view) => ({ ...view, zone: currentTarget.value as Zone }))}
        >
          {zonesToChoose(stack.view.value.zone).map((zone) => (
            <option key={zone} value={zone}>
              {words.zones[zone]}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}
