import { computed, effect, signal } from "@preact/signals";
import { render } from "preact";
import { App } from "./parts/app";
import type { DialogName, Parts } from "./parts/parts";
import { askInfo, type Info } from "./service/info";
import type { Query } from "./service/query";
import { restService, wordsOf } from "./service/service";
import { listSessions } from "./service/sessions";
import { signIn as signInOf } from "./service/sign_in";
import { workerSource } from "./source";
import { pageState } from "./state/page";
import { favouritesOf, settingsOf } from "./state/settings";
import { keptInTab } from "./state/storage";
import { setSiteZone } from "./state/zones";
import { texts } from "./texts/en";

declare const WORKER: string;

const redirect = new URL(location.pathname, location.origin).href;
const signIn = signInOf({
  shelf: keptInTab,
  location,
  replace: (address) => history.replaceState(null, "", address),
  now: Date.now,
  redirect,
});
const arrived = signIn.arrive(); // before anything reads the address

const source = workerSource(new Worker(WORKER, { type: "module" }));
const service = restService(document.baseURI, signIn.credentials);
const { settings, change } = settingsOf();
const { favourites, toggle } = favouritesOf();
const address = {
  hash: () => location.hash,
  write: (hash: string, anew: boolean) => history[anew ? "pushState" : "replaceState"](null, "", hash),
};
effect(() => source.send({ type: "token", token: signIn.token.value }));
const page = pageState(source, address, favourites, () => void signIn.meet(service).catch(complain));
addEventListener("popstate", page.arrive);

const info = signal<Info | null>(null);
const parts: Parts = {
  source,
  service,
  signIn,
  page,
  info,
  role: computed(() => signIn.person.value?.role ?? null),
  settings,
  change,
  favourites,
  toggle,
  target: signal(null),
  wide: mediaSignal("(min-width: 56rem)"),
  dialog: signal<DialogName | null>(null),
};
render(<App parts={parts} />, document.body);

function mediaSignal(query: string) {
  const media = matchMedia(query);
  const matches = signal(media.matches);
  media.addEventListener("change", () => (matches.value = media.matches));
  return matches;
}

/** Everything that is asked at first is asked at once. It is asked again once somebody has signed in. */
async function begin() {
  await arrived;
  signIn.begin();
  effect(() => {
    void signIn.token.value;
    askInfo(service).then(meetSite, complain);
    signIn.meet(service).catch(complain);
    if (page.view.peek().shown.length === 0 && page.tab.peek() === "plots") openNewest().catch(() => undefined);
  });
}

function meetSite(said: Info) {
  if (!setSiteZone(said.timezone)) page.say(texts.settings.unknownZone(said.timezone ?? ""));
  info.value = said;
}

function complain(error: unknown) {
  page.say(wordsOf(error));
}

/** The newest live session, or else the newest one. */
async function openNewest() {
  const queries: Query[] = [{ state: "open" }, {}];
  for (const query of queries) {
    const { sessions } = await listSessions(service, query, 0, undefined, 1);
    if (page.view.peek().shown.length > 0) return;
    if (sessions[0] !== undefined) return page.open([sessions[0].identity]);
  }
  page.tab.value = "sessions";
}

void begin();
