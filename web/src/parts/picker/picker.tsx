import { useComputed, useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { addLine, addPlot, removeLine, type PlotLine, type View } from "../../state/view";
import { texts } from "../../texts/en";
import type { Parameter } from "../../worker/messages";
import type { Parts } from "../parts";
import { PickerLine } from "./picker_line";
import { entriesOf, ranked, treeOf, type Branch, type Entry } from "./ranking";

/** The parameters of a session: by search, as favourites, and as the tree of their groups. One list, walked by arrows. */
export function Picker({ parts, close }: { parts: Parts; close?: () => void }) {
  const { page, favourites, toggle, target } = parts;
  const text = useSignal("");
  const turned = useSignal<ReadonlySet<string>>(new Set());
  const steps = useSignal<ReadonlyMap<string, number>>(new Map());
  const at = useSignal("");
  const list = useRef<HTMLDivElement>(null);
  const parameters = useComputed(() => page.session.value?.parameters ?? []);
  const tree = useComputed(() => treeOf(parameters.value.filter(({ raw }) => !raw)));
  const found = useComputed(() => ranked(parameters.value, text.value, favourites.value));
  const entries = useComputed(() => {
    if (text.value.trim() !== "") return entriesOf(branchOf("", "/?", found.value), turned.value, steps.value);
    const liked = parameters.value.filter(({ id }) => favourites.value.has(id));
    const { branches, parameters: rest } = tree.value;
    const top = branches.length === 1 && rest.length === 0 ? branches[0]! : tree.value;
    const all = { ...top, name: texts.picker.all, path: "/*", opens: true };
    const raws = parameters.value.filter(({ raw }) => raw);
    const each = [branchOf(texts.picker.favourites, "/favourites", liked), all, { ...branchOf(texts.picker.raws, "/raws", raws), opens: false }];
    const some = each.filter((it) => it === all || it.count > 0);
    return entriesOf({ ...branchOf("", "", []), branches: some }, turned.value, steps.value);
  });
  const key = page.current.value ?? page.view.value.shown[0]?.key ?? "";
  const plotted = useComputed(() => plottedOf(page.view.value, page.current.value ?? page.view.value.shown[0]?.key ?? ""));

  const pick = (parameter: Parameter) => {
    const line = { shown: key, parameter: parameter.id };
    page.view.value = picked(page.view.value, line, target.value);
  };
  const turn = ({ path }: Branch) => {
    const next = new Set(turned.value);
    if (!next.delete(path)) next.add(path);
    turned.value = next;
  };
  const more = (entry: Entry) => {
    const path = entry.key.slice(0, -"//more".length);
    steps.value = new Map(steps.value).set(path, (steps.value.get(path) ?? 1) + 1);
  };
  const act = (entry: Entry) => {
    if (entry.kind === "branch") turn(entry.branch);
    else if (entry.kind === "parameter") pick(entry.parameter);
    else more(entry);
  };
  const focus = (entry: Entry | undefined) => {
    if (entry === undefined) return;
    at.value = entry.key;
    requestAnimationFrame(() => list.current?.querySelector<HTMLElement>(`[tabindex="0"]`)?.focus());
  };
  const onKey = (event: KeyboardEvent) => {
    const all = entries.value;
    const index = Math.max(all.findIndex((it) => it.key === at.value), 0);
    const entry = all[index];
    if (entry === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    const moves: Record<string, () => void> = {
      ArrowDown: () => focus(all[index + 1]),
      ArrowUp: () => (index === 0 ? document.querySelector<HTMLElement>("#picker-search")?.focus() : focus(all[index - 1])),
      Home: () => focus(all[0]),
      End: () => focus(all.at(-1)),
      Enter: () => act(entry),
      " ": () => act(entry),
      f: () => entry.kind === "parameter" && toggle(entry.parameter.id),
      ArrowRight: () => entry.kind === "branch" && (entry.open ? focus(all[index + 1]) : turn(entry.branch)),
      ArrowLeft: () =>
        entry.kind === "branch" && entry.open
          ? turn(entry.branch)
          : focus(all.slice(0, index).reverse().find((it) => it.kind === "branch" && it.level < entry.level)),
    };
    const move = moves[event.key];
    if (move === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    move();
  };
  const { none } = texts.picker;
  const plot = page.view.value.plots.findIndex(({ id }) => id === target.value);
  const focused = entries.value.some((it) => it.key === at.value) ? at.value : entries.value[0]?.key;
  return (
    <aside class="picker" aria-label={texts.picker.title}>
      {close !== undefined && (
        <header>
          <h2>{texts.picker.title}</h2>
          <button type="button" class="plain" aria-label={texts.picker.hide} onClick={close}>
            ✕
          </button>
        </header>
      )}
      {page.view.value.shown.length > 1 && (
        <p class="quiet">
          {texts.picker.session} {page.session.value?.identifier}
        </p>
      )}
      <input
        id="picker-search"
        type="search"
        autofocus={close === undefined}
        aria-label={texts.picker.search}
        placeholder={`${texts.picker.search}: ${texts.picker.hint}`}
        value={text.value}
        onInput={(event) => (text.value = event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown") focus(entries.value[0]);
          else if (event.key === "Enter" && found.value[0] !== undefined) pick(found.value[0]);
          else return;
          event.preventDefault();
        }}
      />
      <p class="quiet picker-target" role="status">
        {plot < 0 ? texts.picker.newPlot : texts.picker.target(plot + 1)}
        {plot >= 0 && (
          <button type="button" onClick={() => (target.value = null)}>
            {texts.picker.toNewPlot}
          </button>
        )}
        {text.value.trim() !== "" && ` · ${found.value.length === 0 ? none : texts.picker.found(found.value.length)}`}
      </p>
      {parameters.value.length === 0 && <p class="quiet">{texts.picker.noneYet}</p>}
      <div ref={list} class="picker-list" role="tree" aria-label={texts.picker.title} aria-multiselectable onKeyDown={onKey}>
        {entries.value.map((entry) => (
          <PickerLine
            key={entry.key}
            entry={entry}
            focused={entry.key === focused}
            plotted={entry.kind === "parameter" && plotted.value.has(entry.parameter.id)}
            favourite={entry.kind === "parameter" && favourites.value.has(entry.parameter.id)}
            act={() => ((at.value = entry.key), act(entry))}
            like={() => entry.kind === "parameter" && toggle(entry.parameter.id)}
            shown={key}
          />
        ))}
      </div>
      <p class="quiet picker-keys">{texts.picker.keys}</p>
    </aside>
  );
}

function branchOf(name: string, path: string, parameters: Parameter[]): Branch {
  return { name, path, branches: [], parameters, count: parameters.length, opens: true };
}

function plottedOf(view: View, key: string): ReadonlySet<string> {
  return new Set(view.plots.flatMap(({ lines }) => lines.filter(({ shown }) => shown === key).map(({ parameter }) => parameter)));
}

/** Plots a parameter where it is wanted, or takes it away: from that plot, or from all of them. */
function picked(view: View, line: PlotLine, target: string | null): View {
  const has = view.plots.filter(({ lines }) => lines.some((it) => it.shown === line.shown && it.parameter === line.parameter));
  const wanted = view.plots.find(({ id }) => id === target);
  if (wanted !== undefined) return has.includes(wanted) ? removeLine(view, wanted.id, line) : addLine(view, wanted.id, line);
  if (has.length === 0) return addPlot(view, [line]);
  const without = has.reduce((next, { id }) => removeLine(next, id, line), view);
  return { ...without, plots: without.plots.filter(({ id, lines }) => lines.length > 0 || !has.some((it) => it.id === id)) };
}
