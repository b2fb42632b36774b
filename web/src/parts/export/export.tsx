import { useSignal } from "@preact/signals";
import { exportPath, fileName, FORMATS, keeperFor, runExport, type Format, type Wanted } from "../../service/exports";
import { isAbort, wordsOf } from "../../service/service";
import { size } from "../../state/words";
import type { Shown, View } from "../../state/view";
import { texts } from "../../texts/en";
import type { Session } from "../../worker/messages";
import { Dialog } from "../dialog";
import type { Parts } from "../parts";

type Content = "plotted" | "all" | "events";

/** What is shown, as a file: exact, in each format that the archive offers. */
export function ExportDialog({ parts }: { parts: Parts }) {
  const { page, service, dialog } = parts;
  const view = page.view.value;
  const key = useSignal(page.current.value ?? view.shown[0]?.key ?? "");
  const content = useSignal<Content>("plotted");
  const whole = useSignal(false);
  const format = useSignal<Format>("csv");
  const state = useSignal<"ready" | "running" | "done">("ready");
  const bytes = useSignal(0);
  const problem = useSignal("");
  const abort = useSignal<AbortController | null>(null);

  const shown = view.shown.find((it) => it.key === key.value);
  const session = page.sessions.value.get(shown?.session ?? "");
  const lines = shown === undefined ? [] : plottedOf(view, shown);
  const raws = new Set((session?.parameters ?? []).filter(({ raw }) => raw).map(({ id }) => id)); // exports do not know them
  const plotted = lines.filter((parameter) => !raws.has(parameter));
  const close = () => {
    abort.value?.abort();
    dialog.value = null;
  };

  const start = async () => {
    if (session === undefined || shown === undefined) return;
    const parameters = content.value === "plotted" ? plotted : content.value;
    const range = page.ranges.value.get(view.shown[0]?.session ?? "");
    const [from, to] = whole.value ? [null, null] : stretchOf(view, shown, session, range?.end ?? session.end);
    const wanted: Wanted = { session: session.identity, format: format.value, parameters, start: from, end: to };
    abort.value = new AbortController();
    [bytes.value, problem.value] = [0, ""];
    try {
      exportPath(wanted);
      const keeper = await keeperFor(fileName(session.identifier, wanted));
      state.value = "running";
      bytes.value = await runExport(service, wanted, keeper, (so) => (bytes.value = so), abort.value.signal);
      state.value = "done";
    } catch (error) {
      state.value = "ready";
      if (!isAbort(error)) problem.value = wordsOf(error);
    }
  };

  const nothing = content.value === "plotted" && plotted.length === 0;
  const unrecorded = session !== undefined && session.recordedFrom === null;
  return (
    <Dialog title={texts.export.title} close={close}>
      <form method="dialog" onSubmit={(event) => (event.preventDefault(), void start())}>
        {view.shown.length > 1 && (
          <label class="field">
            {texts.export.session}
            <select value={key.value} onChange={(event) => (key.value = event.currentTarget.value)}>
              {view.shown.map((it) => (
                <option key={it.key} value={it.key}>
                  {it.key} {page.sessions.value.get(it.session)?.identifier ?? it.session}
                </option>
              ))}
            </select>
          </label>
        )}
        <Choice
          legend={texts.export.content}
          name="content"
          value={content.value}
          put={(it) => (content.value = it)}
          choices={[
            ["plotted", texts.export.plotted(plotted.length)],
            ["all", texts.export.all((session?.parameters.length ?? 0) - raws.size)],
            ["events", texts.export.events],
          ]}
        />
        <Choice
          legend={texts.export.stretch}
          name="stretch"
          value={whole.value ? "whole" : "shown"}
          put={(it) => (whole.value = it === "whole")}
          choices={[
            ["shown", texts.export.shown],
            ["whole", texts.export.whole],
          ]}
        />
        <Choice
          legend={texts.export.format}
          name="format"
          value={format.value}
          put={(it) => (format.value = it)}
          choices={FORMATS.map((it) => [it, texts.export.formats[it]])}
        />
        <p class="quiet">{unrecorded ? texts.export.notRecorded : nothing ? texts.export.nothing : texts.export.note}</p>
        {raws.size > 0 && <p class="quiet">{texts.export.raws}</p>}
        {problem.value !== "" && <p class="problem" role="alert">{problem.value}</p>}
        <p role="status">
          {state.value === "running" && (bytes.value === 0 ? texts.export.asked : texts.export.running(size(bytes.value)))}
          {state.value === "done" && texts.export.done(size(bytes.value))}
        </p>
        <footer>
          {state.value === "running" ? (
            <button type="button" onClick={() => abort.value?.abort()}>
              {texts.cancel}
            </button>
          ) : (
            <button type="submit" class="strong" disabled={session === undefined || nothing || unrecorded}>
              {texts.export.start}
            </button>
          )}
        </footer>
      </form>
    </Dialog>
  );
}

interface ChoiceProps<T extends string> {
  legend: string;
  name: string;
  value: T;
  put: (value: T) => void;
  choices: [T, string][];
}

export function Choice<T extends string>({ legend, name, value, put, choices }: ChoiceProps<T>) {
  return (
    <fieldset class="choice">
      <legend>{legend}</legend>
      {choices.map(([choice, label]) => (
        <label key={choice}>
          <input type="radio" name={name} checked={choice === value} onChange={() => put(choice)} />
          {label}
        </label>
      ))}
    </fieldset>
  );
}

const plottedOf = (view: View, { key }: Shown) => [
  ...new Set(view.plots.flatMap(({ lines }) => lines.filter(({ shown }) => shown === key).map(({ parameter }) => parameter))),
];

/** The stretch that is shown, in ns since the epoch: times of a session are those of the axis without its shift. */
function stretchOf({ stretch }: View, { shift }: Shown, { base }: Session, newest: number): [bigint, bigint] {
  const [from, to] = "follow" in stretch ? [newest - stretch.follow, newest] : [stretch.from, stretch.to];
  const absolute = (offset: number) => base + BigInt(Math.round(offset - shift));
  return [absolute(from), absolute(to)];
}
