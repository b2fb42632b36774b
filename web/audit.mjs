// Asks the registry whether anything is known against the packages of package-lock.json: `npm run audit`.
// Exit status: 0 nothing grave, 1 something is, 75 nobody could be asked.

import { spawnSync } from "node:child_process";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { verdict } from "./audit_verdict.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const { stdout } = spawnSync("npm", ["audit", "--json"], { cwd: here, encoding: "utf8", timeout: 60_000 });
const { status, words } = verdict(stdout ?? "");
console.log(words);
process.exitCode = status;
