import { useComputed } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { may } from "../service/info";
import { texts } from "../texts/en";
import { Dialog } from "./dialog";
import type { Parts } from "./parts";
import { Picker } from "./picker/picker";
import { Plots } from "./plots/plots";

/** The plots, and the list of parameters: beside them where there is room, otherwise in front of them. */
export function PlotsView({ parts }: { parts: Parts }) {
  const { source, page, settings, target, wide } = parts;
  const root = useRef<HTMLDivElement>(null);
  const marks = useComputed(() => settings.value.marks);
  const beside = wide.value && settings.value.picker;
  const some = page.view.value.shown.length > 0;
  useEffect(() => {
    const [view, here] = [root.current?.parentElement, root.current];
    if (view == null || here === null) return;
    const fit = () => here.style.setProperty("--view-height", `${view.clientHeight}px`);
    const observer = new ResizeObserver(fit);
    observer.observe(view);
    return () => observer.disconnect();
  }, [some]);
  if (!some) return <NothingShown parts={parts} />;
  const pick = (plot: string) => {
    target.value = plot;
    openPicker(parts);
  };
  return (
    <div ref={root} class={beside ? "plots-view with-picker" : "plots-view"}>
      {beside && <Picker parts={parts} close={() => parts.change({ picker: false })} />}
      <div class="plots-place">
        <Plots source={source} view={page.view} sessions={page.sessions} pick={pick} marks={marks} mark={(on) => parts.change({ marks: on })} />
      </div>
    </div>
  );
}

export function PickerDialog({ parts }: { parts: Parts }) {
  return (
    <Dialog title={texts.picker.title} close={() => (parts.dialog.value = null)}>
      <Picker parts={parts} />
    </Dialog>
  );
}

/** Shows the list of parameters where it has room, with the focus in its search. */
export function openPicker({ wide, change, dialog }: Parts) {
  if (wide.value) change({ picker: true });
  else dialog.value = "picker";
  requestAnimationFrame(() => document.querySelector<HTMLInputElement>("#picker-search")?.focus());
}

function NothingShown({ parts: { page, role, signIn } }: { parts: Parts }) {
  if (role.value === null && !signIn.asked.value) return <p class="empty">{texts.loading}</p>;
  return (
    <div class="empty">
      <p>{may(role.value, "read") ? texts.shown.noneLive : texts.shown.none}</p>
      {may(role.value, "read") && (
        <button type="button" class="strong" onClick={() => (page.tab.value = "sessions")}>
          {texts.shown.choose}
        </button>
      )}
    </div>
  );
}
