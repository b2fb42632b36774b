/**
 * Reads from the archive what plots show and is not held: samples where columns are about as fine as they, else overviews.
 * Samples that no plot shows any more are not read on.
 */

import type { Base } from "../wire/protobuf";
import { Malformed } from "../wire/malformed";
import type { Sink } from "../wire/sink";
import { Jobs, type Job } from "./jobs";
import { convertOverview, cutTile, keepsExtremes, TILE, TileCache, TileMaker, type ChannelOverview } from "./overviews";
import { channelText, rangeText, readRecorded } from "./recorded";
import { RestError, type Rest } from "./rest";
import type { ChannelKind, Track, Tracks } from "./tracks";

const TOGETHER = 4; // tiles of one overview that is asked for
const MOST_SAMPLES = 400_000; // of one piece of data
const LATE_TOGETHER = 1e9; // ns of late samples that are told once
const RECORDED_WITHIN = 3_000; // ms
const KINDS: ChannelKind[] = ["timestamped", "periodic", "row"];
const NOTHING: ChannelOverview = { channel: 0, start: [], end: [], count: [], min: [], max: [], mean: [] };

interface Piece {
  kind: "data" | "overview" | "made";
  length: number; // ns: of a piece of data, or of a stretch
  index: number; // of the piece, or of the first tile
  tracks: Track[];
}

export interface ArchiveHears {
  changed(): void;
  failed(reason: string): void;
}

export class Archive {
  readonly tiles = new TileCache();
  /** Offset up to which all is recorded that ever will be: of a closed session Infinity. */
  settled = -Infinity;
  #jobs: Jobs;
  #late = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(
    private readonly rest: Rest,
    private readonly session: string,
    private readonly base: Base,
    private readonly tracks: Tracks,
    private readonly hears: ArchiveHears,
  ) {
    this.#jobs = new Jobs({ changed: () => hears.changed(), failed: (error) => this.#fail(error) });
  }

  /** What a plot lacks now; it takes the place of what it lacked before. */
  want(plot: string, pieces: Iterable<Piece>): void {
    this.#jobs.want(
      plot,
      [...pieces].map((piece) => this.#jobOf(piece)),
    );
  }

  close(): void {
    this.#jobs.close();
    for (const timer of this.#late.values()) clearTimeout(timer);
  }

  /** A sample has come for a stretch that is not held: once it is recorded, what is shown of it is read anew. */
  late(track: Track, time: number): void {
    const key = `${track.parameter.id} ${Math.floor(time / LATE_TOGETHER)}`;
    if (this.#late.has(key)) return;
    const forget = () => {
      this.#late.delete(key);
      this.tiles.forgetAt(track.parameter.id, time);
      this.hears.changed();
    };
    this.#late.set(key, setTimeout(forget, RECORDED_WITHIN));
  }

  /** The offset where a tile begins. */
  tileStart(length: number, index: number): number {
    return index * length * TILE - this.#phase(length);
  }

  /** The tile that an offset is in. */
  tileAt(length: number, offset: number): number {
    return Math.floor((offset + this.#phase(length)) / (length * TILE));
  }

  tileKey(track: Track, length: number, index: number): string {
    return `${track.parameter.id} ${length} ${index}`;
  }

  /** Reads a stretch of samples, so that the tracks hold it. False: there are too many of them. */
  async readData(tracks: Track[], from: number, to: number, signal: AbortSignal, upto: string | null = null): Promise<boolean> {
    const only = new Set(tracks);
    const counts = { samples: 0 };
    const sink = this.#sink((channel, times, buffer) => {
      counts.samples += this.tracks.addSamples(channel, times, buffer, { only, observed: false });
    });
    const isEnough = () => counts.samples > MOST_SAMPLES;
    await this.#readKinds(tracks, from, to, sink, signal, isEnough, upto);
    if (isEnough()) {
      for (const track of tracks) track.seen = ((to - from) * tracks.length) / counts.samples;
      return false;
    }
    const held = Math.min(to, this.settled);
    for (const track of tracks) track.held.add(from, held);
    return true;
  }

  #phase(length: number): number {
    return Number(((this.base.ns % BigInt(length * TILE)) + BigInt(length * TILE)) % BigInt(length * TILE));
  }

  #jobOf(piece: Piece): Job {
    const { kind, length, index, tracks } = piece;
    const key = `${kind} ${length} ${index} ${tracks.map((track) => track.parameter.id).join(" ")}`;
    const run = { data: this.#readPiece, overview: this.#readOverview, made: this.#makeTile }[kind];
    return { key, stays: kind === "overview", run: (signal) => run.call(this, piece, signal) };
  }

  #fail(error: unknown): void {
    if (!(error instanceof RestError || error instanceof Malformed)) throw error;
    this.hears.failed(`what is recorded cannot be read: ${error.message}`);
  }

  async #readPiece({ length, index, tracks }: Piece, signal: AbortSignal): Promise<void> {
    await this.readData(tracks, index * length, (index + 1) * length - 1, signal);
  }

  /** Several tiles at once, as the service has them. */
  async #readOverview({ length, index, tracks }: Piece, signal: AbortSignal): Promise<void> {
    const from = this.tileStart(length, index);
    const to = this.tileStart(length, index + TOGETHER) - 1;
    const upto = this.settled;
    const channels = channelText(tracks.flatMap((track) => track.parameter.channels));
    const query = `${rangeText(from, to, this.base)}&points=${TILE * TOGETHER}`;
    const text = await this.rest.text(`sessions/${encodeURIComponent(this.session)}/overview/${channels}?${query}`, signal);
    const found = new Map<number, ChannelOverview>();
    for (const one of overviewsOf(text)) found.set(one.channel, one);
    for (const track of tracks) {
      const one = found.get(track.parameter.channels[0]!);
      const all = convertOverview(one ?? NOTHING, track.parameter, this.base.ns, [from, to], upto);
      for (let tile = index; tile < index + TOGETHER; tile++) {
        const made = cutTile(all, this.tileStart(length, tile), this.tileStart(length, tile + 1) - 1);
        const samples = made.count.reduce((sum, count) => sum + count, 0);
        if (samples > 0) track.seen = (made.start.length * length) / samples;
        this.tiles.set(this.tileKey(track, length, tile), made);
      }
    }
  }

  /** One tile, of the samples themselves: of rows, and where the conversion does not keep the extremes. */
  async #makeTile({ length, index, tracks }: Piece, signal: AbortSignal): Promise<void> {
    const [from, to] = [this.tileStart(length, index), this.tileStart(length, index + 1) - 1];
    const upto = this.settled;
    const makers = tracks.map((track) => new TileMaker(from, length, track.parameter));
    const byChannel = new Map<number, TileMaker[]>();
    tracks.forEach((track, i) => {
      for (const channel of track.parameter.channels) byChannel.set(channel, [...(byChannel.get(channel) ?? []), makers[i]!]);
    });
    const sink = this.#sink((channel, times, buffer) => {
      const type = this.tracks.typeOf(channel);
      if (type) for (const maker of byChannel.get(channel) ?? []) maker.add(times, type, buffer);
    });
    await this.#readKinds(tracks, from, to, sink, signal, () => false, null);
    tracks.forEach((track, i) => this.tiles.set(this.tileKey(track, length, index), makers[i]!.make(upto)));
  }

  #sink(samples: Sink["samples"]): Sink {
    const one = new Float64Array(1);
    return {
      samples,
      row: (channels, time, buffer) =>
        this.tracks.eachOfRow(channels, buffer, (channel, part) => {
          one[0] = time;
          samples(channel, one, part);
        }),
      event: () => undefined,
    };
  }

  async #readKinds(
    tracks: Track[],
    from: number,
    to: number,
    sink: Sink,
    signal: AbortSignal,
    stop: () => boolean,
    upto: string | null,
  ): Promise<void> {
    const channels = new Set(tracks.flatMap((track) => track.parameter.channels));
    for (const kind of KINDS) {
      const some = [...channels].filter((channel) => (this.tracks.kinds.get(channel) ?? kind) === kind);
      if (some.length === 0 || stop()) continue;
      const wanted = { session: this.session, kind, channels: some, from, to, upto };
      const { broken } = await readRecorded(this.rest, wanted, this.base, sink, signal, stop);
      if (broken > 0) this.hears.failed(`${broken} pieces of what is recorded are damaged, and are missing here`);
    }
  }
}

/** Finds out what to read, piece by piece. */
export class Lack {
  #pieces = new Map<string, Piece>();

  add(kind: Piece["kind"], length: number, index: number, track: Track): void {
    const first = kind === "overview" ? Math.floor(index / TOGETHER) * TOGETHER : index;
    const key = `${kind} ${length} ${first}`;
    const piece = this.#pieces.get(key);
    if (!piece) this.#pieces.set(key, { kind, length, index: first, tracks: [track] });
    else if (!piece.tracks.includes(track)) piece.tracks.push(track);
  }

  get pieces(): Iterable<Piece> {
    return this.#pieces.values();
  }
}

/** Whether the service's overview says how the values of a parameter go. */
export function hasOverview(track: Track, tracks: Tracks): boolean {
  const [channel, ...more] = track.parameter.channels;
  return channel !== undefined && more.length === 0 && tracks.kinds.get(channel) !== "row" && keepsExtremes(track.parameter);
}

function overviewsOf(text: string): ChannelOverview[] {
  let document: { channels?: unknown };
  try {
    document = JSON.parse(text) as { channels?: unknown };
  } catch {
    throw new Malformed("an overview is no JSON");
  }
  const isOne = (one: ChannelOverview) =>
    typeof one?.channel === "number" && [one.start, one.end, one.count, one.min, one.max, one.mean].every(Array.isArray);
  const channels = document?.channels;
  if (!Array.isArray(channels) || !channels.every(isOne)) throw new Malformed("an overview is not as it should be");
  return channels as ChannelOverview[];
}
