import { useSignal } from "@preact/signals";
import { download } from "../../service/exports";
import { wordsOf } from "../../service/service";
import { laidOut, layoutOf, missingOf, readLayouts, withLayout, writeLayouts, type Layout } from "../../state/layouts";
import { kept } from "../../state/storage";
import { texts } from "../../texts/en";
import { Dialog } from "../dialog";
import type { Parts } from "../parts";

const keptLayouts = (): Layout[] => {
  try {
    return readLayouts(kept.get("layouts") ?? "");
  } catch {
    return [];
  }
};

/** Plots that have a name: saved here, shown again for any session, and taken elsewhere as a file. */
export function LayoutsDialog({ parts: { page, dialog } }: { parts: Parts }) {
  const layouts = useSignal(keptLayouts());
  const name = useSignal("");
  const words = useSignal("");
  const problem = useSignal("");
  const keep = (next: Layout[]) => {
    layouts.value = next;
    kept.set("layouts", writeLayouts(next));
  };
  const save = (event: Event) => {
    event.preventDefault();
    if (name.value.trim() === "") return;
    keep(withLayout(layouts.value, layoutOf(name.value, page.view.value)));
    name.value = "";
  };
  const apply = (layout: Layout) => {
    const missing = missingOf(page.view.value, layout, page.has);
    page.view.value = laidOut(page.view.value, layout, page.has);
    page.tab.value = "plots";
    dialog.value = null;
    if (missing.length > 0) page.say(texts.layouts.missing(missing));
  };
  const take = async (input: HTMLInputElement) => {
    [words.value, problem.value] = ["", ""];
    try {
      const read = readLayouts((await input.files?.[0]?.text()) ?? "");
      keep(read.reduce(withLayout, layouts.value));
      words.value = texts.layouts.imported(read.length);
    } catch (error) {
      problem.value = wordsOf(error);
    }
    input.value = "";
  };
  const give = (some: Layout[]) => download(new Blob([writeLayouts(some)], { type: "application/json" }), texts.layouts.file);
  return (
    <Dialog title={texts.layouts.title} close={() => (dialog.value = null)}>
      {page.view.value.plots.length > 0 && (
        <form class="inline" onSubmit={save}>
          <label>
            {texts.layouts.name}{" "}
            <input autofocus value={name.value} maxLength={100} onInput={(event) => (name.value = event.currentTarget.value)} />
          </label>
          <button type="submit" class="strong" disabled={name.value.trim() === ""}>
            {texts.layouts.save}
          </button>
        </form>
      )}
      {layouts.value.length === 0 && <p class="quiet">{texts.layouts.none}</p>}
      <ul class="layouts">
        {layouts.value.map((layout) => (
          <li key={layout.name}>
            <button
              type="button"
              class="plain grow"
              aria-label={texts.layouts.apply(layout.name)}
              disabled={page.view.value.shown.length === 0}
              onClick={() => apply(layout)}
            >
              {layout.name}{" "}
              <span class="quiet">
                {texts.layouts.plots(layout.plots.length, new Set(layout.plots.flatMap((it) => it.parameters)).size)}
              </span>
            </button>
            <button type="button" aria-label={texts.layouts.exportOne(layout.name)} onClick={() => give([layout])}>
              {texts.layouts.exportShort}
            </button>
            <button
              type="button"
              aria-label={texts.layouts.remove(layout.name)}
              onClick={() => keep(layouts.value.filter((it) => it.name !== layout.name))}
            >
              {texts.layouts.removeShort}
            </button>
          </li>
        ))}
      </ul>
      <p role="status">{words.value}</p>
      {problem.value !== "" && <p class="problem" role="alert">{problem.value}</p>}
      <footer>
        {layouts.value.length > 0 && (
          <button type="button" onClick={() => give(layouts.value)}>
            {texts.layouts.export}
          </button>
        )}
        <label class="button">
          {texts.layouts.import}
          <input class="unseen" type="file" accept=".json,application/json" onChange={(event) => void take(event.currentTarget)} />
        </label>
      </footer>
    </Dialog>
  );
}
