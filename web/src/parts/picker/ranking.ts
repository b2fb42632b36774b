/** Parameters by what somebody types, and as a tree of their groups. */

import type { Parameter } from "../../worker/messages";

/** Those that have all words somewhere: in the name before the rest, at the beginning of a word before the middle. */
export function ranked(parameters: Parameter[], text: string, favourites: ReadonlySet<string>): Parameter[] {
  const words = fold(text).split(/\s+/).filter((word) => word !== "");
  if (words.length === 0) return [];
  const scored: { parameter: Parameter; score: number }[] = [];
  for (const parameter of parameters) {
    let score = favourites.has(parameter.id) ? 1 : 0;
    for (const word of words) {
      const found = scoreOf(parameter, word);
      if (found === 0) {
        score = -1;
        break;
      }
      score += found;
    }
    if (score > 0) scored.push({ parameter, score });
  }
  return scored.sort((a, b) => b.score - a.score).map(({ parameter }) => parameter);
}

function scoreOf(parameter: Parameter, word: string): number {
  const name = fold(parameter.name);
  if (name === word) return 100;
  if (name.startsWith(word)) return 60;
  if (startsAWord(name, word)) return 40;
  if (name.includes(word)) return 20;
  if (fold(parameter.unit) === word) return 15;
  if (fold(parameter.id).includes(word)) return 12;
  const description = fold(parameter.description);
  if (startsAWord(description, word)) return 10;
  if (description.includes(word)) return 6;
  return parameter.groups.some((group) => fold(group).includes(word)) ? 4 : 0;
}

const startsAWord = (text: string, word: string) => {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    if (at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1]!)) return true;
  }
  return false;
};

/** As it is compared: without upper case and accents. */
const fold = (text: string) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

export interface Branch {
  name: string;
  path: string; // unlike that of any other branch
  branches: Branch[];
  parameters: Parameter[];
  count: number; // of all parameters below
  opens: boolean; // it is open until somebody closes it
}

const FEW = 60; // parameters in all, which are shown at once

/** The groups, in the order in which they come. */
export function treeOf(parameters: Parameter[]): Branch {
  const opens = parameters.length <= FEW;
  const root: Branch = { name: "", path: "", branches: [], parameters: [], count: 0, opens: true };
  for (const parameter of parameters) {
    let branch = root;
    branch.count++;
    for (const name of parameter.groups) {
      let next = branch.branches.find((it) => it.name === name);
      if (next === undefined) {
        next = { name, path: `${branch.path}/${encodeURIComponent(name)}`, branches: [], parameters: [], count: 0, opens };
        branch.branches.push(next);
      }
      next.count++;
      branch = next;
    }
    branch.parameters.push(parameter);
  }
  return root;
}

/** What can be seen of a tree, and walked through by keys: one entry a line. */
export type Entry =
  | { kind: "branch"; key: string; level: number; branch: Branch; open: boolean }
  | { kind: "parameter"; key: string; level: number; parameter: Parameter }
  | { kind: "more"; key: string; level: number; more: number };

export const SHOWN = 200; // of one branch at first, and by each step further

/** `turned`: branches that somebody has opened or closed. `steps`: how often more of a branch was asked for, and once. */
export function entriesOf(
  root: Branch, turned: ReadonlySet<string>, steps: ReadonlyMap<string, number>, level = 1,
): Entry[] {
  const entries: Entry[] = [];
  for (const branch of root.branches) {
    const open = branch.opens !== turned.has(branch.path);
    entries.push({ kind: "branch", key: branch.path, level, branch, open });
    if (open) entries.push(...entriesOf(branch, turned, steps, level + 1));
  }
  const shown = SHOWN * (steps.get(root.path) ?? 1);
  for (const parameter of root.parameters.slice(0, shown)) {
    entries.push({ kind: "parameter", key: `${root.path}//${parameter.id}`, level, parameter });
  }
  const more = root.parameters.length - shown;
  if (more > 0) entries.push({ kind: "more", key: `${root.path}//more`, level, more });
  return entries;
}
