/** What the service says of itself: `/health` in lines, `/metrics` in the text format of Prometheus. */

import { Failure, failureOf, type Service } from "./service";

export interface Health {
  healthy: boolean;
  reasons: string[];
  notes: string[];
}

export async function askHealth(service: Service, abort?: AbortSignal): Promise<Health> {
  const response = await service.answer("health", abort ? { abort } : {});
  const text = await response.text();
  if (response.status !== 200 && response.status !== 503) throw new Failure(text.trim() || `${response.status}`, response.status);
  return readHealth(response.status, text);
}

export function readHealth(status: number, text: string): Health {
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const notes = lines.filter((line) => line.startsWith("note: ")).map((line) => line.slice("note: ".length));
  const rest = lines.filter((line) => !line.startsWith("note: "));
  return { healthy: status === 200, reasons: status === 200 ? [] : rest, notes };
}

export interface Sample {
  labels: string; // as they are written, without the braces
  value: number;
}

export interface Metric {
  name: string;
  help: string;
  counter: boolean;
  samples: Sample[];
}

export async function askMetrics(service: Service, abort?: AbortSignal): Promise<Metric[]> {
  const response = await service.answer("metrics", abort ? { abort } : {});
  if (!response.ok) throw await failureOf(response);
  return readMetrics(await response.text());
}

const LINE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})?\s+([-+\d.eE]+|NaN|[-+]Inf)(?:\s|$)/;

/** The service's own metrics. When a counter was made is left out. */
export function readMetrics(text: string): Metric[] {
  const metrics = new Map<string, Metric>();
  const help = new Map<string, string>();
  const kinds = new Map<string, string>();
  for (const line of text.split("\n")) {
    if (line.startsWith("# HELP ")) {
      const [name, ...words] = line.slice(7).split(" ");
      help.set(name!, words.join(" ").replaceAll("\\n", "\n").replaceAll("\\\\", "\\"));
    } else if (line.startsWith("# TYPE ")) {
      const [name, kind] = line.slice(7).split(" ");
      kinds.set(name!, kind!);
    } else {
      const found = LINE.exec(line);
      if (found === null || found[1]!.endsWith("_created")) continue;
      const [, name, labels = "", value] = found;
      const metric = metrics.get(name!) ?? {
        name: name!,
        help: help.get(name!) ?? "",
        counter: kinds.get(name!) === "counter",
        samples: [],
      };
      metric.samples.push({ labels, value: numberOf(value!) });
      metrics.set(name!, metric);
    }
  }
  return [...metrics.values()];
}

const numberOf = (text: string) => (text === "+Inf" ? Infinity : text === "-Inf" ? -Infinity : Number(text));

/** Which part of the service a metric or a reason is of. */
export const SECTIONS = ["sources", "buffer", "clients", "archive", "streams", "connections", "service"] as const;
export type Section = (typeof SECTIONS)[number];

const PREFIXES: [RegExp, Section][] = [
  [/^rta_(ingest|malformed|notices|source|remote|odd)/, "sources"],
  [/^rta_(bursts_in|bytes_in|trimmed|reader|ring|sessions)/, "buffer"],
  [/^rta_(clients|views|lag|bursts_out|frames|bytes_out|backfill|fell|rewinds)/, "clients"],
  [/^rta_(archive|data)/, "archive"],
  [/^rta_(stream|topic|command|results|history|replay|fetch|alarm|sampler|consumer)/, "streams"],
  [/^rta_(connection|certificate|sign_in)/, "connections"],
];

export const sectionOf = (name: string): Section => PREFIXES.find(([prefix]) => prefix.test(name))?.[1] ?? "service";

/** Who a reason of `/health` is about, by its first word. */
export function subjectOf(reason: string): string {
  const who = reason.split(":")[0]!.toLowerCase();
  for (const subject of ["buffer", "archive", "history", "topics", "source", "issuer", "certificate", "sampler", "node", "clock"]) {
    if (who.includes(subject) || (subject === "clock" && reason.includes("clock"))) return subject;
  }
  return "other";
}

/** What a counter did between two looks, a second; null: nobody can tell (no look before, or it began anew). */
export function rate(before: number | undefined, now: number, ms: number): number | null {
  if (before === undefined || now < before || ms <= 0) return null;
  return ((now - before) * 1000) / ms;
}
