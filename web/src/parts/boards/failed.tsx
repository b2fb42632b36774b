import type { ReadonlySignal } from "@preact/signals";
import { texts } from "../../texts/en";

/** Says why what is shown is not up to date. */
export function Failed({ why }: { why: ReadonlySignal<string> }) {
  return (
    <div aria-live="polite">
      {why.value !== "" && (
        <p class="board-failed">
          {why} {texts.boards.stale}
        </p>
      )}
    </div>
  );
}
