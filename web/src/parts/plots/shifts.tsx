import { hide, setShift, type Shown } from "../../state/view";
import { texts } from "../../texts/en";
import { follow } from "./drag";
import type { Stack } from "./stack";

/** Where several sessions are shown, or one twice: how far each is shifted on the time axis. */
export function Shifts({ stack }: { stack: Stack }) {
  const { shown } = stack.view.value;
  if (shown.length < 2 && (shown[0]?.shift ?? 0) === 0) return null;
  return (
    <ul class="plots-shifts" aria-label={texts.plots.shifts}>
      {shown.map((each) => (
        <ShiftOf key={each.key} shown={each} stack={stack} />
      ))}
    </ul>
  );
}

function ShiftOf({ shown, stack }: { shown: Shown; stack: Stack }) {
  const words = texts.plots;
  const session = stack.sessions.value.get(shown.session);
  const first = stack.view.value.shown[0]!;
  const reference = stack.sessions.value.get(first.session);
  const name = session?.identifier ?? shown.session;
  const set = (shift: number) => stack.change((view) => setShift(view, shown.key, shift));
  const column = () => stack.timeAt(1) - stack.timeAt(0);
  return (
    <li>
      <b class="plots-key">{shown.key}</b> <span class="plots-name">{name}</span>{" "}
      <label>
        {words.shift}{" "}
        <input
          type="number"
          step="any"
          value={shown.shift / 1e9}
          onChange={(event) => Number.isFinite(event.currentTarget.valueAsNumber) && set(event.currentTarget.valueAsNumber * 1e9)}
        />{" "}
        s
      </label>
      <button
        class="plots-grip plots-sideways"
        aria-label={words.dragShift(name)}
        title={words.dragShiftHint}
        onPointerDown={(event) => {
          const [from, each] = [shown.shift, column()];
          follow(event, { move: ({ x }) => set(from + x * each) });
        }}
        onKeyDown={(event) => {
          const way = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
          if (way === 0) return;
          event.preventDefault();
          set(shown.shift + way * (event.shiftKey ? 10 : 1) * column());
        }}
      >
        <span aria-hidden="true">⇔</span>
      </button>
      {shown !== first && session !== undefined && reference !== undefined && (
        <>
          <button onClick={() => set(reference.start + first.shift - session.start)}>{words.alignStarts}</button>
          <button onClick={() => set(Number(session.base - reference.base) + first.shift)}>{words.alignClocks}</button>
        </>
      )}
      {stack.view.value.shown.length > 1 && (
        <button aria-label={words.hide(name)} title={words.remove} onClick={() => stack.change((view) => hide(view, shown.key))}>
          <span aria-hidden="true">✕</span>
        </button>
      )}
    </li>
  );
}
