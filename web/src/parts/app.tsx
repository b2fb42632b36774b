import { useComputed, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { may } from "../service/info";
import { TABS, type Tab } from "../state/hash";
import { texts } from "../texts/en";
import { BOARDS } from "./boards";
import { ExportDialog } from "./export/export";
import { listenToKeys } from "./keys/global";
import { KeysDialog } from "./keys/keys";
import { LayoutsDialog } from "./layouts/layouts";
import type { Parts } from "./parts";
import { PickerDialog, PlotsView } from "./plots_view";
import { Sessions } from "./sessions/sessions";
import { ShownBar } from "./sessions/shown_bar";
import { SettingsDialog } from "./settings/settings";
import { SignInDialog } from "./sign_in/sign_in";
import { StatusLine } from "./status_line";

const AROUND = 5e9; // ns shown before and behind a time that somebody looks at

const OF_SESSIONS: Tab[] = ["plots", "table", "events"];

export function App({ parts }: { parts: Parts }) {
  const { page, settings, info, signIn } = parts;
  const main = useRef<HTMLElement>(null);
  const name = useComputed(() => page.session.value?.identifier ?? "");
  useEffect(() => listenToKeys(parts), [parts]);
  useSignalEffect(() => {
    const view = texts.tabs[page.tab.value];
    const about = page.tab.value === "sessions" || name.value === "" ? view : `${name.value} – ${view}`;
    document.title = `${about} – ${info.value?.label || texts.title}`;
  });
  useSignalEffect(() => {
    document.documentElement.dataset["theme"] = settings.value.theme;
  });
  const skip = (event: Event) => {
    event.preventDefault();
    main.current?.focus();
  };
  return (
    <>
      <Head parts={parts} skip={skip} />
      <Notices parts={parts} />
      <main ref={main} tabIndex={-1} class={`view view-${page.tab.value}`}>
        <h1 class="unseen">{texts.tabs[page.tab.value]}</h1>
        {OF_SESSIONS.includes(page.tab.value) && <ShownBar parts={parts} />}
        <div class="view-body">
          <View parts={parts} />
        </div>
      </main>
      <StatusLine parts={parts} />
      {parts.dialog.value === "export" && <ExportDialog parts={parts} />}
      {parts.dialog.value === "layouts" && <LayoutsDialog parts={parts} />}
      {parts.dialog.value === "settings" && <SettingsDialog parts={parts} />}
      {parts.dialog.value === "keys" && <KeysDialog parts={parts} />}
      {parts.dialog.value === "picker" && <PickerDialog parts={parts} />}
      {(signIn.asked.value || parts.dialog.value === "signIn") && <SignInDialog parts={parts} />}
    </>
  );
}

function Head({ parts, skip }: { parts: Parts; skip: (event: Event) => void }) {
  const { page, info, dialog, signIn } = parts;
  const to = (tab: Tab) => (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    page.tab.value = tab;
  };
  const person = signIn.person.value;
  return (
    <header class="head">
      <a class="skip" href="#" onClick={skip}>
        {texts.skip}
      </a>
      <p class="brand">{info.value?.label || texts.title}</p>
      <nav aria-label={texts.tabs.label}>
        <ul class="tabs">
          {TABS.map((tab) => (
            <li key={tab}>
              <a
                href={page.hash(tab)}
                aria-current={page.tab.value === tab ? "page" : undefined}
                onClick={to(tab)}
              >
                {texts.tabs[tab]}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <div class="tools">
        <button type="button" onClick={() => (dialog.value = "layouts")}>
          {texts.layouts.title}
        </button>
        {may(parts.role.value, "read") && page.view.value.shown.length > 0 && (
          <button type="button" onClick={() => (dialog.value = "export")}>
            {texts.export.title}
          </button>
        )}
        <button type="button" onClick={() => (dialog.value = "settings")}>
          {texts.settings.title}
        </button>
        {info.value?.auth != null && (
          <button type="button" onClick={() => (dialog.value = "signIn")}>
            {person?.name || texts.signIn.in}
          </button>
        )}
        <button type="button" aria-label={texts.keys.show} title={texts.keys.show} onClick={() => (dialog.value = "keys")}>
          ?
        </button>
      </div>
    </header>
  );
}

function Notices({ parts: { page } }: { parts: Parts }) {
  const dismiss = (words: string) => (page.notices.value = page.notices.value.filter((it) => it.words !== words));
  return (
    <section class="notices" aria-label={texts.notices} aria-live="polite">
      {page.notices.value.map(({ words }) => (
        <p key={words} class="notice">
          <span>{words}</span>
          <button type="button" class="plain" aria-label={texts.dismiss} onClick={() => dismiss(words)}>
            ✕
          </button>
        </p>
      ))}
    </section>
  );
}

function View({ parts }: { parts: Parts }) {
  const tab = parts.page.tab.value;
  if (tab === "sessions") return <Sessions parts={parts} />;
  if (tab === "plots") return <PlotsView parts={parts} />;
  const Board = BOARDS[tab];
  if (Board === undefined) return <p class="empty">{texts.notThere}</p>;
  const { source, page, service, role } = parts;
  const session = page.session.value;
  const look = (at: number) => {
    const shift = page.view.value.shown.find((it) => it.session === session?.identity)?.shift ?? 0;
    page.view.value = { ...page.view.value, stretch: { from: at + shift - AROUND, to: at + shift + AROUND }, cursor: at + shift };
    page.tab.value = "plots";
  };
  return <Board source={source} session={session} service={service} role={role.value} zone={page.view.value.zone} look={look} hashOf={page.hashOf} />;
}
