// Makes the page from its sources: `npm run build` writes it where the service finds it (rta/page/files).
// With --check it fails if what is there is not what would be written. With --out FOLDER it writes elsewhere.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const arguments_ = process.argv.slice(2);
const check = arguments_.includes("--check");
const out = arguments_.includes("--out") ? arguments_[arguments_.indexOf("--out") + 1] : join(here, "../rta/page/files");
const BUDGET = 150_000; // bytes of all that a browser loads, with gzip

const options = {
  bundle: true,
  write: false,
  minify: true,
  format: "esm",
  target: ["es2022"],
  legalComments: "none",
  jsx: "automatic",
  jsxImportSource: "preact",
  absWorkingDir: here,
  logLevel: "warning",
};

const files = new Map();

function add(name, contents) {
  const bytes = Buffer.from(contents);
  const at = name.lastIndexOf(".");
  const tag = createHash("sha256").update(bytes).digest("hex").slice(0, 12);
  const tagged = `${name.slice(0, at)}-${tag}${name.slice(at)}`;
  files.set(tagged, bytes);
  return tagged;
}

async function bundle(entry, define = {}) {
  const result = await esbuild.build({ ...options, entryPoints: [entry], define });
  return result.outputFiles[0].contents;
}

const worker = add("worker.js", await bundle("src/worker/worker.ts"));
const script = add("page.js", await bundle("src/main.tsx", { WORKER: JSON.stringify(`./page/${worker}`) }));
const style = add("page.css", await bundle("src/style.css"));
const html = readFileSync(join(here, "src/index.html"), "utf8")
  .replace("SCRIPT", `./page/${script}`)
  .replace("STYLE", `./page/${style}`);
files.set("index.html", Buffer.from(html));

const sizes = [...files].map(([name, bytes]) => [name, bytes.length, gzipSync(bytes).length]);
const total = sizes.reduce((sum, [, , packed]) => sum + packed, 0);
files.set("LICENCES.txt", Buffer.from(licences()));

function licences() {
  const lock = JSON.parse(readFileSync(join(here, "package-lock.json"), "utf8"));
  const shipped = Object.entries(lock.packages).filter(([path, { dev }]) => path !== "" && !dev);
  return shipped
    .map(([path, { version }]) => {
      const folder = join(here, path);
      const name = path.replace(/^.*node_modules\//, "");
      const file = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
      if (file === undefined) throw new Error(`${name} has no licence file`);
      return `${name} ${version}\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
    })
    .join(`\n${"-".repeat(80)}\n\n`);
}

if (check) {
  const there = existsSync(out) ? readdirSync(out) : [];
  const wrong = [...files].filter(([name, bytes]) => !there.includes(name) || !readFileSync(join(out, name)).equals(bytes));
  const strange = there.filter((name) => !files.has(name));
  if (wrong.length + strange.length > 0) {
    console.error(`the built page is not that of its sources: make web (${[...wrong.map(([name]) => name), ...strange]})`);
    process.exitCode = 1;
  }
} else {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  for (const [name, bytes] of files) writeFileSync(join(out, name), bytes);
  for (const [name, bytes, packed] of sizes) console.log(`${name}: ${bytes} bytes, ${packed} with gzip`);
  console.log(`in all ${total} with gzip, of ${BUDGET}`);
}
if (total > BUDGET) {
  console.error(`the page has ${total} bytes with gzip; it may have ${BUDGET}`);
  process.exitCode = 1;
}
