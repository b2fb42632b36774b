/** The plots on a page of their own, before the fake Worker. The query says how much: ?plots=5&lines=4&span=30&old=1 */

import { signal } from "@preact/signals";
import { render } from "preact";
import { Plots } from "../../src/parts/plots/plots";
import { workerSource } from "../../src/source";
import { addLine, addPlot, emptyView, show } from "../../src/state/view";
import type { Session } from "../../src/worker/messages";

const query = new URLSearchParams(location.search);
const number = (name: string, otherwise: number) => Number(query.get(name) ?? otherwise);

let view = emptyView();
let live: string;
[view, live] = show(view, "live");
for (let plot = 0; plot < number("plots", 4); plot++) {
  const first = plot * number("lines", 2);
  const lines = Array.from({ length: number("lines", 2) }, (_, nth) => ({ shown: live, parameter: `signal${first + nth}:fake` }));
  view = addPlot(view, lines);
}
if (query.has("old")) {
  let old: string;
  [view, old] = show(view, "old", number("shift", 0) * 1e9);
  view = addLine(view, "1", { shown: old, parameter: "signal0:fake" });
}
view = { ...view, stretch: { follow: number("span", 30) * 1e9 } };
const shown = signal(view);
const marks = signal(true);
const sessions = signal<ReadonlyMap<string, Session>>(new Map());
const source = workerSource(new Worker("fake_worker.js", { type: "module" }));
source.listen((report) => {
  if (report.type === "session") sessions.value = new Map(sessions.value).set(report.session.identity, report.session);
});
source.send({ type: "open", session: "live" });
if (query.has("old")) source.send({ type: "open", session: "old" });
let next = 10;
render(
  <Plots
    source={source}
    view={shown}
    sessions={sessions}
    marks={marks}
    mark={(on) => (marks.value = on)}
    pick={(plot) => (shown.value = addLine(shown.value, plot, { shown: live, parameter: `signal${next++ % 20}:fake` }))}
  />,
  document.body,
);
Object.assign(globalThis, { view: shown });
