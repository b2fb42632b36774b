/**
 * Bounds the samples that are held. Of what the archive has again, what is far from what is shown goes; where that leaves
 * too many in all, what is farthest.
 */

import type { Stretch } from "../series/intervals";
import type { Block } from "../series/block";
import type { OpenSession } from "./session";

export const MOST_SAMPLES = 6_000_000; // 16 bytes each
const KEPT = 0.9;
const NEWEST = 60e9; // ns
const FAR = 300e9; // ns
const FEW = 200_000; // samples that may be held wherever they are

/** `views`: what plots show of each session. */
export function forgetFarthest(sessions: OpenSession[], views: (session: OpenSession) => Stretch[], most = MOST_SAMPLES, few = FEW): void {
  let left = sessions.reduce((sum, session) => sum + session.tracks.samples, 0);
  if (left <= Math.min(most, few)) return;
  const forgotten = new Set<Block>();
  const forget = (block: Block) => {
    forgotten.add(block);
    left -= block.count;
  };
  const others: { distance: number; block: Block }[] = [];
  for (const session of sessions) {
    const shown: Stretch[] = [[session.end - NEWEST, Infinity], ...views(session)];
    const [from, to] = session.recorded ?? [NaN, NaN];
    for (const { series } of session.tracks.byId.values()) {
      for (const block of series.blocks) {
        const distance = distanceOf(block, shown);
        if (distance > FAR && block.first >= from && block.last <= to) forget(block);
        else others.push({ distance, block });
      }
    }
  }
  if (left > most) {
    others.sort((a, b) => b.distance - a.distance);
    for (const { block } of others) {
      if (left <= most * KEPT) break;
      forget(block);
    }
  }
  if (forgotten.size === 0) return;
  for (const session of sessions) {
    for (const track of session.tracks.byId.values()) track.forget((block) => forgotten.has(block));
  }
}

function distanceOf(block: Block, shown: Stretch[]): number {
  return Math.min(...shown.map(([from, to]) => Math.max(0, from - block.last, block.first - to)));
}
