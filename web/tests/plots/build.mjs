// Builds the page that tries the plots, into the folder that is named.

import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2];
await esbuild.build({
  entryPoints: ["page.tsx", "fake_worker.ts", "../../src/style.css"].map((name) => join(here, name)),
  outdir: out,
  entryNames: "[name]",
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022"],
  jsx: "automatic",
  jsxImportSource: "preact",
});
const body = `<meta name="viewport" content="width=device-width, initial-scale=1" /><meta name="color-scheme" content="light dark" />`;
writeFileSync(
  join(out, "index.html"),
  `<!doctype html><html lang="en"><head><meta charset="utf-8" /><title>Plots</title>${body}
<link rel="stylesheet" href="style.css" /><script type="module" src="page.js"></script></head><body></body></html>`,
);
