/** Lines of parameters in a stretch of time, of what is held and of overviews; and what is to be read for them. */

import { addColumns, addEach, addOne } from "../series/columns";
import type { Stretch } from "../series/intervals";
import { Entry, LineBuilder } from "../series/line";
import type { Archive } from "./archive";
import { hasOverview, Lack } from "./archive";
import type { Line } from "./messages";
import { stretchWithin, type Tile } from "./overviews";
import type { Track, Tracks } from "./tracks";

const COARSER = 8; // steps of 1, 2, 5 up to which a coarser overview stands in for one that is read
const FINE = 3; // columns of up to so many samples are read as samples
const LATE = 2e9; // ns: what is older has come, if it comes at all

export interface View {
  from: number;
  to: number;
  columns: number;
}

/** What of a session counts for all of its lines. */
export interface Scene {
  archive: Archive;
  tracks: Tracks;
  /** Offsets between which there may be something recorded that is not held; null: nothing. */
  recorded: Stretch | null;
  holes: Stretch[];
  end: number; // of the session
  isLost: boolean; // the link
  isOpen: boolean;
  /** What was missed before the connection that there is has come. */
  isFilled: boolean;
}

export function drawLine(track: Track, view: View, scene: Scene, lack: Lack): Line {
  const { from, to, columns } = view;
  const { series, held } = track;
  const width = Math.max(1, (to - from) / columns);
  const holes = scene.holes.filter(([a, b]) => a <= to && b >= from);
  const longest = longestOf(track);
  const isGap = gapRule(track, longest, holes);
  const shortest = holes.length > 0 ? Math.min(longest, 1.5 * track.step || longest) : longest;
  const line = new LineBuilder(track.parameter.id, isGap, columns + 8);

  const isAll = held.covers(from, to) || scene.recorded === null;
  const missing = scene.recorded === null ? [] : clipped(held.missing(from, to), scene.recorded);
  line.samples = missing.length === 0 && (isAll || held.list.length > 0) && series.countIn(from, to) <= columns;
  addBefore(track, from, line, isAll);
  const stretches = [...(scene.recorded === null ? [[from, to] as Stretch] : held.within(from, to)), ...missing];
  for (const stretch of stretches.sort(([a], [b]) => a - b)) {
    if (missing.includes(stretch)) addRecorded(track, stretch, width, scene, line, lack);
    else if (line.samples) addEach(series, stretch[0], stretch[1], line);
    else addColumns(series, stretch[0], stretch[1], width, line, shortest);
  }
  addBehind(track, to, scene, line, longest);
  return line.build();
}

/** ns: a longer step between two samples is a gap. */
function longestOf(track: Track): number {
  const { longest } = track.series.steps;
  return Number.isFinite(longest) || Number.isNaN(track.seen) ? longest : 20 * track.seen;
}

function gapRule(track: Track, longest: number, holes: Stretch[]): (from: number, to: number) => boolean {
  const usual = track.step;
  return (from, to) => {
    const step = to - from;
    if (step > longest) return true;
    return holes.length > 0 && step > 1.5 * usual && holes.some(([a, b]) => a < to && b > from);
  };
}

/** The last sample before the stretch, so that the line reaches its edge. */
function addBefore({ series, held }: Track, from: number, line: LineBuilder, isAll: boolean): void {
  const before = series.lastAt(from - 1);
  if (before && (isAll || held.covers(before.time, from))) addOne(new Entry(), before.time, before.value, line);
}

/** The first sample behind it; or that there should have been one. */
function addBehind(track: Track, to: number, scene: Scene, line: LineBuilder, longest: number): void {
  const { series, held } = track;
  const behind = series.firstAfter(to);
  if (behind && (scene.recorded === null || held.covers(to, behind.time))) {
    addOne(new Entry(), behind.time, behind.value, line);
    return;
  }
  if (behind || Number.isNaN(line.latest) || !line.whole || !(scene.isFilled || scene.isLost)) return;
  if (scene.recorded !== null && !held.covers(line.latest, Math.min(to, scene.end))) return;
  const end = scene.isLost ? to : Math.min(to, scene.end);
  if (end - line.latest > longest + (scene.isOpen && !scene.isLost ? LATE : 0)) line.addGap(line.latest, end);
}

function clipped(stretches: Stretch[], [first, last]: Stretch): Stretch[] {
  return stretches.map(([a, b]): Stretch => [Math.max(a, first), Math.min(b, last)]).filter(([a, b]) => a <= b);
}

function addRecorded(track: Track, [from, to]: Stretch, width: number, scene: Scene, line: LineBuilder, lack: Lack): void {
  const { archive } = scene;
  const length = stretchWithin(width);
  const isFine = width <= FINE * track.step;
  line.samples = false;
  if (isFine) {
    const piece = 2 ** Math.ceil(Math.log2(width * 256));
    for (let k = Math.floor(from / piece); k * piece <= to; k++) lack.add("data", piece, k, track);
    line.whole = false;
  }
  const kind = hasOverview(track, scene.tracks) ? "overview" : "made";
  for (let k = archive.tileAt(length, from); archive.tileStart(length, k) <= to; k++) {
    const [first, last] = [Math.max(from, archive.tileStart(length, k)), Math.min(to, archive.tileStart(length, k + 1) - 1)];
    const tile = archive.tiles.get(archive.tileKey(track, length, k));
    if (tile && tile.upto >= last) {
      addTile(tile, first, last, width, line);
      continue;
    }
    if (!isFine) lack.add(kind, length, k, track);
    line.whole = false;
    addCoarser(track, first, last, length, scene, line, tile);
  }
}

/** While a tile is read, a coarser one stands in for it, or what it was before. */
function addCoarser(track: Track, from: number, to: number, length: number, { archive }: Scene, line: LineBuilder, old?: Tile): void {
  if (old) {
    addTile(old, from, to, length, line);
    return;
  }
  for (let i = 0, coarser = longer(length); i < COARSER; i++, coarser = longer(coarser)) {
    const k = archive.tileAt(coarser, from);
    if (archive.tileStart(coarser, k + 1) <= to) continue;
    const tile = archive.tiles.get(archive.tileKey(track, coarser, k));
    if (!tile) continue;
    addTile(tile, from, to, coarser, line);
    return;
  }
}

function longer(length: number): number {
  return stretchWithin(length * 2.5);
}

/** The stretches of a tile that begin in a stretch of time, as columns. */
function addTile(tile: Tile, from: number, to: number, width: number, line: LineBuilder): void {
  const { start, end, first, low, high, last } = tile;
  const entry = new Entry();
  for (let i = 0; i < start.length; ) {
    const begin = start[i]!;
    if (begin < from) {
      i++;
      continue;
    }
    if (begin > to) return;
    const column = Math.floor(begin / width);
    entry.from = entry.time = begin;
    entry.first = first[i]!;
    entry.low = Infinity;
    entry.high = -Infinity;
    for (; i < start.length && start[i]! <= to && Math.floor(start[i]! / width) === column; i++) {
      entry.low = Math.min(entry.low, low[i]!);
      entry.high = Math.max(entry.high, high[i]!);
      entry.to = entry.until = end[i]! - 1;
      entry.last = last[i]!;
    }
    line.add(entry);
  }
}
