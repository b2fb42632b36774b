/** Bounds the samples that are held in all: what is farthest from what is shown goes, and the archive has it again. */

import type { Stretch } from "../series/intervals";
import type { Block } from "../series/block";
import type { OpenSession } from "./session";

export const MOST_SAMPLES = 6_000_000; // 16 bytes each
const KEPT = 0.9;
const NEWEST = 60e9; // ns

/** `views`: what plots show of each session. */
export function forgetFarthest(sessions: OpenSession[], views: (session: OpenSession) => Stretch[], most = MOST_SAMPLES): void {
  const total = sessions.reduce((sum, session) => sum + session.tracks.samples, 0);
  if (total <= most) return;
  const found: { distance: number; block: Block }[] = [];
  for (const session of sessions) {
    const shown: Stretch[] = [[session.end - NEWEST, Infinity], ...views(session)];
    for (const { series } of session.tracks.byId.values()) {
      for (const block of series.blocks) found.push({ distance: distanceOf(block, shown), block });
    }
  }
  found.sort((a, b) => b.distance - a.distance);
  const forgotten = new Set<Block>();
  let left = total;
  for (const { block } of found) {
    if (left <= most * KEPT) break;
    forgotten.add(block);
    left -= block.count;
  }
  for (const session of sessions) {
    for (const track of session.tracks.byId.values()) track.forget((block) => forgotten.has(block));
  }
}

function distanceOf(block: Block, shown: Stretch[]): number {
  return Math.min(...shown.map(([from, to]) => Math.max(0, from - block.last, block.first - to)));
}
