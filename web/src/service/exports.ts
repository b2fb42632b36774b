/** A recorded session as a file, as the service exports it. */

import { texts } from "../texts/en";
import { Failure, failureOf, isAbort, segment, type Service } from "./service";

export type Format = "csv" | "parquet" | "arrow" | "mcap";
export const FORMATS: Format[] = ["csv", "parquet", "arrow", "mcap"];

export interface Wanted {
  session: string;
  format: Format;
  parameters: string[] | "all" | "events";
  start: bigint | null; // ns since the epoch, inclusive; null: from the beginning
  end: bigint | null;
}

const LONGEST = 32_000; // characters of an address

/** What is asked for. Throws a Failure where an address cannot hold it. */
export function exportPath({ session, format, parameters, start, end }: Wanted): string {
  const fields = new URLSearchParams({ format });
  if (parameters === "events") fields.set("events", "true");
  else if (parameters !== "all") for (const parameter of parameters) fields.append("parameters", parameter);
  if (start !== null) fields.set("start", `${start < 0n ? 0n : start}`);
  if (end !== null) fields.set("end", `${end < 0n ? 0n : end}`);
  const path = `rta/v2/sessions/${segment(session)}/export?${fields}`;
  if (path.length > LONGEST) throw new Failure(texts.export.tooLong, 0);
  return path;
}

/** Where the bytes go. */
export interface Keeper {
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  close(): Promise<void>;
  abort(): Promise<void>;
}

/** Fetches the file piece by piece. It is kept only if all of it has come. */
export async function runExport(
  service: Service, wanted: Wanted, keeper: Keeper, tell: (bytes: number) => void, abort: AbortSignal,
): Promise<number> {
  let bytes = 0;
  try {
    const response = await service.answer(exportPath(wanted), { abort, patience: 120_000 });
    if (!response.ok) throw await failureOf(response);
    const reader = response.body!.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      await keeper.write(value);
      bytes += value.length;
      tell(bytes);
    }
    await keeper.close();
    return bytes;
  } catch (error) {
    await keeper.abort().catch(() => undefined);
    if (error instanceof Failure || isAbort(error)) throw error;
    throw new Failure(error instanceof TypeError ? texts.export.brokenOff : String(error), 0);
  }
}

/** A name that says what is in it. */
export function fileName(identifier: string, wanted: Wanted): string {
  const name = identifier.replace(/[^\p{L}\p{N}._-]+/gu, "_").replace(/^[._]+/, "").slice(0, 80) || "session";
  return `${name}${wanted.parameters === "events" ? "-events" : ""}.${wanted.format}`;
}

type Picker = (options: { suggestedName: string }) => Promise<{ createWritable(): Promise<Keeper> }>;

/** A file that the person chooses, where the browser can write to one as it comes; otherwise memory, then a download. */
export async function keeperFor(name: string): Promise<Keeper> {
  const choose = (globalThis as { showSaveFilePicker?: Picker }).showSaveFilePicker;
  if (choose !== undefined && isSecureContext) return (await choose({ suggestedName: name })).createWritable();
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  return {
    async write(bytes) {
      pieces.push(bytes);
    },
    async close() {
      download(new Blob(pieces), name);
    },
    async abort() {
      pieces.length = 0;
    },
  };
}

/** Has the browser keep something as a file. */
export function download(blob: Blob, name: string) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
