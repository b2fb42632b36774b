import { may } from "../../service/info";
import { TABS } from "../../state/hash";
import type { Parts } from "../parts";
import { openPicker } from "../plots_view";

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

function act(parts: Parts, key: string): boolean {
  const { page, dialog, change, settings, role, wide } = parts;
  const tab = TABS[Number(key) - 1];
  if (tab !== undefined) page.tab.value = tab;
  else if (key === "?") dialog.value = "keys";
  else if (key === "l") dialog.value = "layouts";
  else if (key === "s") dialog.value = "settings";
  else if (key === "e" && page.view.value.shown.length > 0 && may(role.value, "read")) dialog.value = "export";
  else if (key === "p" && page.tab.value === "plots" && wide.value && settings.value.picker) change({ picker: false });
  else if (key === "/" && page.tab.value === "sessions") document.querySelector<HTMLElement>("#sessions-search")?.focus();
  else if (key === "p" || key === "/") {
    page.tab.value = "plots";
    openPicker(parts);
  } else return false;
  return true;
}

function types(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "button"].includes(target.type);
  return target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}
