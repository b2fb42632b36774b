// Runs the tests of the page's plain code: each file of tests/ that ends in .test.ts, or those that are named.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const named = process.argv.slice(2);
const entryPoints =
  named.length > 0 ? named : readdirSync(join(here, "tests")).filter((f) => f.endsWith(".test.ts")).map((f) => `tests/${f}`);
const out = mkdtempSync(join(here, "node_modules/.tests-"));
try {
  await esbuild.build({
    entryPoints,
    outdir: out,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    format: "esm",
    target: ["node20"],
    jsx: "automatic",
    jsxImportSource: "preact",
    sourcemap: "inline",
    absWorkingDir: here,
    logLevel: "warning",
  });
  const tests = readdirSync(out).map((file) => join(out, file));
  const result = spawnSync(process.execPath, ["--enable-source-maps", "--test", ...tests], { stdio: "inherit", cwd: here });
  process.exitCode = result.status ?? 1;
} finally {
  rmSync(out, { recursive: true, force: true });
}
