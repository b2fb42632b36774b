import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { askHealth, askMetrics, rate, sectionOf, SECTIONS, subjectOf, type Metric } from "../../service/health";
import { texts } from "../../texts/en";
import type { BoardProps } from "../boards";
import { Failed } from "../boards/failed";
import { usePolled } from "../boards/polled";

const EVERY = 2000; // ms

interface Measured extends Metric {
  rates: Map<string, number | null>; // by labels, a second
}

/** What is wrong and what to do about it, then every figure that the service keeps. */
export function HealthBoard({ service }: BoardProps) {
  const words = texts.health;
  const health = usePolled((abort) => askHealth(service, abort), EVERY, [service]);
  const before = useRef<{ at: number; values: Map<string, number> } | null>(null);
  const filter = useSignal("");
  const metrics = usePolled(
    async (abort) => {
      const found = await askMetrics(service, abort);
      const at = performance.now();
      const earlier = before.current;
      const values = new Map<string, number>();
      const measured = found.map((metric): Measured => {
        const rates = new Map<string, number | null>();
        for (const { labels, value } of metric.samples) {
          const key = `${metric.name}{${labels}`;
          values.set(key, value);
          if (metric.counter) rates.set(labels, earlier === null ? null : rate(earlier.values.get(key), value, at - earlier.at));
        }
        return { ...metric, rates };
      });
      before.current = { at, values };
      return measured;
    },
    EVERY,
    [service],
  );
  const said = health.value.value;
  const all = (metrics.value.value ?? []).filter(({ name, help }) => `${name} ${help}`.toLowerCase().includes(filter.value.toLowerCase()));
  return (
    <section class="board">
      <Failed why={health.failure} />
      {said === null && health.failure.value === "" && <p class="empty">{texts.loading}</p>}
      {said !== null && (
        <div class={said.healthy ? "health-good" : "health-bad"} role="status">
          <p>
            <span class={`state state-${said.healthy ? "open" : "failed"}`}>{said.healthy ? words.healthy : words.unhealthy}</span>
          </p>
          <ul>
            {said.reasons.map((reason) => (
              <li key={reason}>
                <b>{reason}</b> <span class="quiet">{words.advice[subjectOf(reason)] ?? words.advice["other"]}</span>
              </li>
            ))}
            {said.notes.map((note) => (
              <li key={note}>
                {words.note} {note}
              </li>
            ))}
          </ul>
        </div>
      )}
      <div class="board-tools">
        <label>
          {words.filter} <input type="search" value={filter} onInput={(event) => (filter.value = event.currentTarget.value)} />
        </label>
        <a href="metrics">{words.all}</a> <a href="rta/v2/docs">{words.docs}</a>
      </div>
      <Failed why={metrics.failure} />
      <div class="health-sections">
        {SECTIONS.map((section) => (
          <MetricTable key={section} title={words.sections[section]} metrics={all.filter(({ name }) => sectionOf(name) === section)} />
        ))}
      </div>
    </section>
  );
}

function MetricTable({ title, metrics }: { title: string; metrics: Measured[] }) {
  const words = texts.health;
  if (metrics.length === 0) return null;
  return (
    <section>
      <h2>{title}</h2>
      <div class="board-scroll" tabIndex={0} role="region" aria-label={title}>
        <table class="board-table">
          <thead>
            <tr>
              <th scope="col">{words.metric}</th>
              <th scope="col" class="number">
                {words.value}
              </th>
              <th scope="col" class="number">
                {words.rate}
              </th>
            </tr>
          </thead>
          <tbody>
            {metrics.flatMap((metric) =>
              metric.samples.map(({ labels, value }, nth) => (
                <tr key={`${metric.name}{${labels}}`} title={metric.help}>
                  <th scope="row">
                    <a href={`metrics#:~:text=${encodeURIComponent(metric.name)}`}>{metric.name}</a> <span class="quiet">{labels}</span>
                    <span class={nth === 0 ? "metric-help quiet" : "unseen"}>{metric.help}</span>
                  </th>
                  <td class="number">{value.toLocaleString("en", { maximumFractionDigits: 3 })}</td>
                  <td class="number">{words.perSecond(metric.rates.get(labels) ?? null)}</td>
                </tr>
              )),
            )}
          </tbody>
        </table>
      </div>
    </section>
  );
}
