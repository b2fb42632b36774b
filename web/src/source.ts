/** The page's hold on its Worker: commands go there, reports come back. */

import type { Command, Report } from "./worker/messages";

export interface Source {
  send(command: Command): void;
  /** Calls back for every report, until the function that it returns is called. */
  listen(hear: (report: Report) => void): () => void;
}

export function workerSource(worker: Worker): Source {
  const ears = new Set<(report: Report) => void>();
  worker.addEventListener("message", ({ data }: MessageEvent<Report>) => ears.forEach((hear) => hear(data)));
  return {
    send: (command) => worker.postMessage(command),
    listen(hear) {
      ears.add(hear);
      return () => ears.delete(hear);
    },
  };
}

let last = 0;

/** A number for a request: no two of the page's are the same, since every part hears every report. */
export const nextRequest = (): number => ++last;
