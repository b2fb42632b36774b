import type { Command, Report } from "./messages";

const tell = (report: Report) => postMessage(report);

addEventListener("message", ({ data }: MessageEvent<Command>) => {
  tell({ type: "failed", request: null, reason: `not there yet: ${data.type}` });
});
