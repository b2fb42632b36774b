import { may } from "../../service/info";
import { TABS } from "../../state/hash";
import type { Parts } from "../parts";

/** Single keys that do something wherever the focus is, but where one types. Gives back what ends that. */
export function listenToKeys(parts: Parts): () => void {
  const hear = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (!parts.settings.value.keys || parts.dialog.value !== null || parts.signIn.asked.value || types(event.target)) return;
    if (act(parts, event.key)) event.preventDefault();
  };
  addEventListener("keydown", hear);
  return () => removeEventListener("keydown", hear);
}

function act({ page, dialog, change, settings, role }: Parts, key: string): boolean {
  const tab = TABS[Number(key) - 1];
  if (tab !== undefined) page.tab.value = tab;
  else if (key === "?") dialog.value = "keys";
  else if (key === "l") dialog.value = "layouts";
  else if (key === "s") dialog.value = "settings";
  else if (key === "e" && page.view.value.shown.length > 0 && may(role.value, "read")) dialog.value = "export";
  else if (key === "p") {
    if (page.tab.value === "plots") change({ picker: !settings.value.picker });
    else [page.tab.value] = ["plots"];
  } else if (key === "/") search(page.tab.value === "sessions" ? "#sessions-search" : "#picker-search");
  else return false;
  return true;

  function search(field: string) {
    if (field === "#picker-search") {
      page.tab.value = "plots";
      change({ picker: true });
    }
    requestAnimationFrame(() => document.querySelector<HTMLElement>(field)?.focus());
  }
}

function types(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "button"].includes(target.type);
  return target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}
