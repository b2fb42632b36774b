import type { Theme } from "../../state/settings";
import { siteZone, zonesToChoose } from "../../state/zones";
import { texts } from "../../texts/en";
import { Dialog } from "../dialog";
import { Choice } from "../export/export";
import type { Parts } from "../parts";

const THEMES: Theme[] = ["system", "light", "dark"];

export function SettingsDialog({ parts: { page, settings, change, dialog } }: { parts: Parts }) {
  return (
    <Dialog title={texts.settings.title} close={() => (dialog.value = null)}>
      <Choice
        legend={texts.settings.theme}
        name="theme"
        value={settings.value.theme}
        put={(theme) => change({ theme })}
        choices={THEMES.map((it) => [it, texts.settings.themes[it]])}
      />
      <Choice
        legend={texts.settings.zone}
        name="zone"
        value={page.view.value.zone}
        put={(zone) => (page.view.value = { ...page.view.value, zone })}
        choices={zonesToChoose(page.view.value.zone).map((it) => [it, it === "site" ? texts.settings.site(siteZone.value) : texts.settings.zones[it]])}
      />
      <label class="field-inline">
        <input type="checkbox" checked={settings.value.keys} onChange={(event) => change({ keys: event.currentTarget.checked })} />
        {texts.settings.keys}
      </label>
    </Dialog>
  );
}
