import type { PlotLine } from "../../state/view";
import { texts } from "../../texts/en";
import { LINE_DATA } from "../plots/plots";
import { SHOWN, type Entry } from "./ranking";

export interface PickerLineProps {
  entry: Entry;
  focused: boolean;
  plotted: boolean;
  favourite: boolean;
  act: () => void;
  like: () => void;
  shown: string;
}

/** A group, a parameter, or the way to more of them. */
export function PickerLine({ entry, focused, plotted, favourite, act, like, shown }: PickerLineProps) {
  const indent = (element: HTMLElement | null) => element?.style.setProperty("--level", `${entry.level}`);
  const common = { ref: indent, role: "treeitem" as const, "aria-level": entry.level, tabIndex: focused ? 0 : -1, onClick: act };
  if (entry.kind === "branch") {
    return (
      <div {...common} class="branch" aria-expanded={entry.open}>
        <span class="grow">{entry.branch.name}</span> <span class="quiet">{entry.branch.count}</span>
      </div>
    );
  }
  if (entry.kind === "more") {
    return (
      <div {...common} class="more">
        {texts.picker.more(Math.min(entry.more, SHOWN))}
      </div>
    );
  }
  const { id, name, description, unit } = entry.parameter;
  const line: PlotLine = { shown, parameter: id };
  const drag = (event: DragEvent) => event.dataTransfer?.setData(LINE_DATA, JSON.stringify(line));
  return (
    <div {...common} class="parameter" aria-selected={plotted} draggable title={description} onDragStart={drag}>
      <span class="check" aria-hidden>
        {plotted ? "✓" : ""}
      </span>
      <span class="grow">{name}</span> <span class="quiet">{unit}</span>
      <button
        type="button"
        class="plain star"
        tabIndex={-1}
        aria-label={texts.picker.favourite(name)}
        aria-pressed={favourite}
        onClick={(event) => (event.stopPropagation(), like())}
      >
        {favourite ? "★" : "☆"}
      </button>
    </div>
  );
}
