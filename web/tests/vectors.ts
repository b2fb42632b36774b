/** What Python writes, and what it means to Python: scripts/page_vectors.py. */

import { readFileSync } from "node:fs";

export interface Vectors {
  base: string;
  blocks: { raw: string; packed: string }[];
  bursts: { name: string; packed: string; calls: unknown[][] }[];
  answers: { kind: "timestamped" | "periodic" | "row" | "events"; bytes: string; calls: unknown[][]; chunks: string[][] }[];
  conversions: { type: string; parameter: Record<string, unknown>; conversion: unknown; buffer: string; values: unknown[] }[];
  formats: [format: string, value: number | string, isText: boolean, text: string][];
  sessions: {
    text: string;
    identity: string;
    state: string;
    closed: boolean;
    range: [string, string] | null;
    bindings: [string, number][] | null;
  }[];
  configuration: {
    document: unknown;
    channelOffset: number;
    parameters: { id: string; unit: string; format: string; channels: Record<string, string>; bigEndian: boolean }[];
  };
}

export const vectors = JSON.parse(readFileSync("tests/vectors.json", "utf8")) as Vectors;

export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, "base64"));
}

/** Numbers as JSON has them: those that it does not know as texts of Python. */
export function numberOf(value: unknown): number {
  return value === "nan" ? NaN : value === "inf" ? Infinity : value === "-inf" ? -Infinity : (value as number);
}

/** Numbers that are the same each time. */
export function chanceOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
