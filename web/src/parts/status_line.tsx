import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Zone } from "../state/view";
import { age, moment } from "../state/words";
import { texts } from "../texts/en";
import type { Session } from "../worker/messages";
import type { Parts } from "./parts";

/** How the data come, and how old what one sees is. Ages tick without being read out; a change of the state is. */
export function StatusLine({ parts }: { parts: Parts }) {
  const { page, service, signIn, dialog } = parts;
  const now = useSignal(Date.now());
  useEffect(() => {
    const timer = setInterval(() => (now.value = Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  const shown = [...new Set(page.view.value.shown.map(({ session }) => session))];
  const sessions = shown.map((identity) => page.sessions.value.get(identity)).filter((it) => it !== undefined);
  return (
    <footer class="status" aria-label={texts.status.label}>
      {signIn.ending.value && (
        <p class="status-item">
          {texts.status.ending}{" "}
          <button type="button" onClick={() => (dialog.value = "signIn")}>
            {texts.status.signInAgain}
          </button>
        </p>
      )}
      {shown.length === 0 && <p class="status-item">{texts.status.nothing}</p>}
      {shown.length > sessions.length && <p class="status-item">{texts.status.connecting}</p>}
      {sessions.map((session) => {
        const end = page.ranges.value.get(session.identity)?.end ?? session.end;
        const newest = session.base === 0n ? NaN : Number(session.base / 1_000n) / 1e3 + end / 1e6; // ms since the epoch
        return (
          <p key={session.identity} class="status-item">
            <span role="status" class={`link link-${session.link.state}`}>
              {shown.length > 1 && <b>{session.identifier} </b>}
              {texts.status[session.link.state]}
            </span>{" "}
            <span class="quiet">{wordsOfLink(session, newest, now.value, now.value + service.ahead, page.view.value.zone)}</span>
          </p>
        );
      })}
      {sessions.some(({ link }) => link.state === "live") && !("follow" in page.view.value.stretch) && (
        <p class="status-item quiet">{texts.status.stretch}</p>
      )}
    </footer>
  );
}

const YOUNG = 1000; // ms: how old exactly tells nobody anything, and would flicker

const newestIs = (ms: number) => (Number.isNaN(ms) ? "" : texts.status.newest(ms < YOUNG ? texts.status.young : age(ms)));

function wordsOfLink({ link }: Session, newest: number, now: number, serviceNow: number, zone: Zone) {
  switch (link.state) {
    case "connecting":
    case "missing":
      return "";
    case "live":
      return newestIs(serviceNow - newest);
    case "lost": {
      const next = link.again > now ? texts.status.again(age(link.again - now)) : texts.status.againNow;
      const parts = [texts.status.lostSince(age(now - link.since), link.reason), next, newestIs(serviceNow - newest)];
      return parts.filter((it) => it !== "").join("; ");
    }
    case "closed":
      return texts.status.ends(moment(newest, zone));
    case "refused":
      return texts.status.reasonOf(link.status, link.reason);
  }
}
