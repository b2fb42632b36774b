import { may } from "../service/info";
import { texts } from "../texts/en";
import type { Parts } from "./parts";
import { Picker } from "./picker/picker";
import { Plots } from "./plots/plots";

/** The plots, and the list of parameters beside them. */
export function PlotsView({ parts }: { parts: Parts }) {
  const { source, page, settings, change, target } = parts;
  const { picker } = settings.value;
  if (page.view.value.shown.length === 0) return <NothingShown parts={parts} />;
  const pick = (plot: string) => {
    target.value = plot;
    change({ picker: true });
    requestAnimationFrame(() => document.querySelector<HTMLInputElement>("#picker-search")?.focus());
  };
  return (
    <div class={picker ? "plots-view with-picker" : "plots-view"}>
      {picker && <Picker parts={parts} />}
      <div class="plots-place">
        <Plots source={source} view={page.view} sessions={page.sessions} pick={pick} />
      </div>
    </div>
  );
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
