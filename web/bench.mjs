// Measures what the Worker's work costs, in node: `node bench.mjs`.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = mkdtempSync(join(here, "node_modules/.bench-"));
try {
  const outfile = join(out, "worker.mjs");
  const options = { bundle: true, platform: "node", format: "esm", target: ["node20"], absWorkingDir: here };
  await esbuild.build({ ...options, entryPoints: ["bench/worker.ts"], outfile, logLevel: "warning" });
  process.exitCode = spawnSync(process.execPath, [outfile], { stdio: "inherit" }).status ?? 1;
} finally {
  rmSync(out, { recursive: true, force: true });
}
