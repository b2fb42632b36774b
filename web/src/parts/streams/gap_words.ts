/** What is missing of a stream of a remote node, in words: one sentence each, the open gaps first. */

import type { RemoteStream } from "../../service/nodes";
import { texts } from "../../texts/en";

const MOST = 4; // open gaps, the newest ones

export function gapWords({ entries, gaps, healed, givenUp, lost, replaying }: RemoteStream, heals: boolean, online: boolean): string[] {
  const words = texts.streams.nodes;
  const said = gaps.slice(-MOST).map(({ after, before, missing }) => words.missing(missing, after, before));
  if (gaps.length > MOST) said.unshift(words.moreGaps(gaps.length - MOST));
  if (gaps.length > 0) said.push(replaying ? words.replaying : !online ? words.away : heals ? words.toFetch : words.notFetched);
  if (healed > 0) said.push(words.healed(healed));
  if (givenUp > 0) said.push(words.givenUp(givenUp, lost));
  return said.length > 0 ? said : [entries > 0 ? words.complete : words.noEntries];
}
