import { texts } from "../../texts/en";
import { Dialog } from "../dialog";
import type { Parts } from "../parts";

/** Groups of keys: a title, and what each key does. */
const KEY_GROUPS: [title: string, keys: [key: string, does: string][]][] = [
  [texts.keys.groups.everywhere, texts.keys.everywhere],
  [texts.keys.groups.plots, texts.keys.plots],
  [texts.keys.groups.picker, texts.keys.picker],
];

export function KeysDialog({ parts: { dialog } }: { parts: Parts }) {
  return (
    <Dialog title={texts.keys.title} close={() => (dialog.value = null)} kind="keys">
      {KEY_GROUPS.map(([title, keys]) => (
        <section key={title}>
          <h3>{title}</h3>
          <dl>
            {keys.map(([key, does]) => (
              <div key={key}>
                <dt>
                  {key.split(" ").map((one) => (one === "…" ? " … " : <kbd key={one}>{one}</kbd>))}
                </dt>
                <dd>{does}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
      <p class="quiet">{texts.keys.note}</p>
    </Dialog>
  );
}
