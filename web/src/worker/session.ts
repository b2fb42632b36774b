/**
 * One session that is open in the page: what it is, its newest samples, and its live stream, over any number of
 * connections. Source: docs/protocol.md, "Behind a flush point".
 */

import type { Stretch } from "../series/intervals";
import { bind } from "../wire/configuration";
import type { DataKind } from "../wire/burst";
import type { Unpacker } from "../wire/lz4";
import { Malformed } from "../wire/malformed";
import { Base } from "../wire/protobuf";
import { readSession, type Binding, type SessionJson } from "../wire/session";
import type { Sink } from "../wire/sink";
import { Archive } from "./archive";
import type { Documents } from "./documents";
import { EventList } from "./events";
import type { Link, Report, Session } from "./messages";
import { offsetsOf, readRecording } from "./recording";
import { readRecorded } from "./recorded";
import { RestError, type Rest } from "./rest";
import { LiveSocket, type Ended } from "./socket";
import { Backoff, Throttle, wait } from "./timing";
import { Tracks, type Takers, type Track } from "./tracks";

const NEWEST = 60e9; // ns that are read at first, and held from then on
const FEW = 300; // parameters up to which all are followed
const QUIET = 5_000; // ms without a message until REST is asked whether there should have been some
const TELLS_WITHIN = 5_000; // ms until it has to have answered then
const YOUNG = 30_000; // ms in which more is asked for on the same connection
const MISSING_AGAIN = { first: 1000, most: 60_000 }; // ms until it is looked whether there is such a session now
const CLOSED_AGAIN = 10_000; // ms until it is looked whether a closed session is open again
const RECORDING_AGAIN = 30_000; // ms: holes
const RECORDING_SOON = 1000; // ms, and each time twice as long, while nothing is recorded
const FILLS = 3_000; // ms until a connection that tells no marks counts as filled
const LATE = 2e9; // ns
const KINDS: DataKind[] = ["timestamped", "periodic", "row", "events"];
const SEALED = 4002;
const WIDENED = 0; // our own: more is followed
const AT_ONCE = new Set([4003, 4004, WIDENED]);

export class OpenSession {
  tracks = new Tracks();
  events = new EventList();
  archive: Archive | null = null;
  start = 0;
  end = 0;
  holes: Stretch[] = [];
  /** Offset of the first sample that is recorded; null: nothing is. */
  recordedFrom: number | null = null;
  #base: Base | null = null;
  #json: SessionJson | null = null;
  #link: Link = { state: "connecting" };
  #stop = new AbortController();
  #wake = new AbortController();
  #bound = new Set<string>();
  #socket: LiveSocket | null = null;
  #mark: string | null = null;
  #recordedUpto: string | null = null;
  #isSealed = false;
  #everything = false;
  /** What was missed before this connection has come. */
  isFilled = false;
  /** All of a session that is closed has come. */
  #isComplete = false;
  #isExact = false;
  #told = new Set<string>();
  #changed: Throttle;
  #range: Throttle;
  #widen: Throttle;
  #fresh = new Set<Track>();
  #asked = -Infinity;
  #backoff = new Backoff();
  #missed = 0;
  /** All that the service has had from its beginning on has come, or will. */
  #fromBeginning = false;
  /** What the connection is of: a session that ends while it flows is live until all of it has come. */
  #flowing: "live" | "closed" = "live";

  constructor(
    readonly identity: string,
    private readonly rest: Rest,
    private readonly documents: Documents,
    private readonly unpacker: Unpacker,
    private readonly tell: (report: Report) => void,
  ) {
    this.#changed = new Throttle(16, () => this.tell({ type: "changed", session: this.identity }));
    this.#range = new Throttle(100, () => this.tell({ type: "range", session: this.identity, start: this.start, end: this.end }));
    this.#widen = new Throttle(100, () => void this.#follow());
  }

  get isOpen(): boolean {
    return this.#json !== null && !this.#json.closed;
  }

  get isLost(): boolean {
    return this.#link.state === "lost";
  }

  get base(): bigint {
    return this.#base?.ns ?? 0n;
  }

  /** Where there may be recorded samples that are not held. */
  get recorded(): Stretch | null {
    return this.recordedFrom === null ? null : [this.recordedFrom, Math.min(this.end, this.archive!.settled)];
  }

  /** Where nothing is recorded, and the beginning is not held any more: the first sample of what is. */
  get heldFrom(): number | null {
    if (this.recordedFrom !== null || this.#fromBeginning || !this.isFilled) return null;
    const tracks = this.tracks.usual;
    if (!tracks.every(({ followed }) => followed)) return null; // others may begin before
    const first = tracks.reduce((least, { series }) => (series.first < least ? series.first : least), Infinity);
    return first > this.start + LATE && first < Infinity ? first : null;
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  close(): void {
    this.#stop.abort();
    this.archive?.close();
    for (const throttle of [this.#changed, this.#range, this.#widen]) throttle.stop();
  }

  /** Try again now: there is another token, or somebody wants to. */
  retry(): void {
    this.#wake.abort();
  }

  changed(): void {
    this.#changed.ask();
  }

  /** What is drawn, or shown in a table, is to come live. */
  follow(parameters: Iterable<string> | "all"): void {
    if (parameters === "all") this.#everything = true;
    const tracks = parameters === "all" ? this.tracks.byId.values() : [...parameters].map((id) => this.tracks.byId.get(id));
    for (const track of tracks) {
      if (!track || track.followed) continue;
      track.followed = true;
      this.#fresh.add(track);
    }
    if (this.#fresh.size === 0) return;
    if (this.#socket) this.#widen.ask();
    else if (this.#link.state === "closed") this.retry();
  }

  fail(reason: string): void {
    if (this.#told.has(reason) || this.#told.size > 100) return;
    this.#told.add(reason);
    this.tell({ type: "failed", request: null, reason: `${this.identity}: ${reason}` });
  }

  /** Until it is closed in the page. */
  async run(): Promise<void> {
    const gone = () => this.#stop.signal.aborted;
    while (!gone()) {
      try {
        await this.#once();
      } catch (error) {
        if (gone()) return;
        await this.#lost(error);
      }
    }
  }

  /** Follows it over one connection. */
  async #once(): Promise<void> {
    this.#wake = new AbortController();
    const isThere = await this.#describe();
    if (!isThere) await this.#miss();
    else if (!this.isOpen) await this.#rest();
    else {
      this.#isComplete = false;
      if (this.#mark === null) this.#mark = await this.#readAll();
      await this.#ended(await this.#live(this.#mark));
    }
  }

  /** While there is no such session: it may be written later. */
  async #miss(): Promise<void> {
    if (this.#link.state !== "missing") this.#missed = 0;
    if (this.#json) this.#losePoint();
    this.#isComplete = false;
    this.#setLink({ state: "missing" });
    await this.#pause(Math.min(MISSING_AGAIN.first * 2 ** this.#missed++, MISSING_AGAIN.most));
  }

  /** While it is closed. */
  async #rest(): Promise<void> {
    const isRecorded = this.#recordedUpto !== null;
    if (!this.#isComplete || (!isRecorded && this.#fresh.size > 0)) {
      for (const track of this.tracks.byId.values()) track.held.remove(-Infinity, Infinity);
      this.#mark = await this.#readAll();
      this.#isComplete = this.#isSealed; // otherwise more of it may be recorded soon
      if (!isRecorded) return this.#readBuffer();
    } else if (this.#fresh.size > 0) await this.#readAll();
    this.#fill();
    this.#setLink({ state: "closed" });
    await this.#pause(CLOSED_AGAIN);
  }

  /** What the buffer alone has: all of it, or, where the beginning is not held any more, what it fills new clients with. */
  async #readBuffer(): Promise<void> {
    let ended = await this.#live(this.#mark);
    if (ended.code === SEALED) ended = await this.#live((this.#mark = null));
    await this.#ended(ended);
  }

  #fill(): void {
    if (this.isFilled) return;
    this.isFilled = true;
    this.#tellSession();
  }

  async #ended({ code, reason }: Ended): Promise<void> {
    this.signal.throwIfAborted();
    if (code === SEALED) this.#losePoint();
    if (AT_ONCE.has(code)) return;
    if (code === 1000) {
      this.#isComplete = true;
      await this.#pause(this.isOpen ? 1000 : 0);
      return;
    }
    const why = reason || (code === 1006 ? "the connection has broken off" : `the connection was closed: ${code}`);
    throw new RestError(0, why);
  }

  /** What comes next cannot be told from what has come: the newest is read anew, the rest when it is shown. */
  #losePoint(): void {
    this.#mark = null;
    const sure = this.end - 5e9;
    for (const track of this.tracks.byId.values()) track.held.remove(sure, Infinity);
  }

  async #lost(error: unknown): Promise<void> {
    if (error instanceof RestError && error.isRefusal) {
      this.#setLink({ state: "refused", status: error.status, reason: error.message });
      await this.#pause(3600_000);
      return;
    }
    if (!(error instanceof RestError || error instanceof Malformed)) {
      this.fail(String(error));
      console.error(error);
    }
    const pause = this.#backoff.next();
    const since = this.#link.state === "lost" ? this.#link.since : Date.now();
    this.#setLink({ state: "lost", reason: (error as Error).message, since, again: Date.now() + pause });
    await this.#pause(pause);
  }

  async #pause(ms: number): Promise<void> {
    try {
      await wait(ms, AbortSignal.any([this.signal, this.#wake.signal]));
    } catch {
      // somebody wants to go on, or not to go on at all
    }
  }

  /** What it is, its configurations, and what is recorded of it. False: there is none. */
  async #describe(): Promise<boolean> {
    const path = `sessions/${encodeURIComponent(this.identity)}`;
    const [text, recording] = await Promise.all([
      this.rest.textIfThere(path, this.signal),
      this.#recordingText(),
    ]);
    if (text === null) return false;
    await this.#take(readSession(text));
    this.#takeRecording(recording);
    this.#tellSession();
    return true;
  }

  /** A 404 would stand on the browser's console. */
  #recordingText(): Promise<string> {
    return this.rest.text(`sessions/${encodeURIComponent(this.identity)}/recording?absent=null`, this.signal);
  }

  #takeRecording(text: string): void {
    const base = this.#base!;
    const recording = readRecording(text);
    this.recordedFrom = recording?.from == null ? null : Number(recording.from - base.ns);
    this.holes = recording && this.#json!.details.time !== "kept" ? offsetsOf(recording.holes, base.ns) : [];
    this.#recordedUpto = recording?.flushPoint ?? null;
    this.#isSealed = recording?.sealed ?? false;
    this.#settle();
  }

  async #take(json: SessionJson): Promise<void> {
    this.#json = { ...json, bindings: json.bindings ?? this.#json?.bindings ?? null, range: json.range ?? this.#json?.range ?? null };
    if (!this.#base) {
      const moment = Date.parse(json.timestamp);
      const ns = json.range?.start ?? BigInt(Number.isFinite(moment) ? moment : Date.now()) * 1_000_000n;
      this.#base = new Base(ns);
      this.archive = new Archive(this.rest, this.identity, this.#base, this.tracks, {
        changed: () => this.changed(),
        failed: (reason) => this.fail(reason),
      });
      this.start = this.end = 0;
    }
    if (json.range) this.#takeRange(json.range.start, json.range.end);
    this.#settle();
    for (const binding of json.bindings ?? []) await this.#bind(binding);
  }

  /** Of what is recorded, the newest may not be all there is. */
  #settle(): void {
    if (this.archive) this.archive.settled = this.#isSealed && !this.isOpen ? Infinity : this.end - LATE;
  }

  async #bind(binding: Binding): Promise<void> {
    const key = `${binding.channelOffset} ${binding.identifier}`;
    if (this.#bound.has(key)) return;
    this.#bound.add(key);
    try {
      const bound = bind(await this.documents.get(binding.identifier), binding);
      this.signal.throwIfAborted();
      for (const fault of bound.faults.slice(0, 3)) this.fail(fault);
      this.tracks.add(bound);
      this.events.define(bound.events);
    } catch (error) {
      this.#bound.delete(key);
      if (this.signal.aborted || !(error instanceof RestError && error.status === 404)) throw error;
      this.fail(`the service does not have the configuration ${binding.identifier}`);
      this.#bound.add(key);
    }
    const { usual } = this.tracks;
    if (this.#everything) this.follow("all");
    else if (usual.length <= FEW) this.follow(usual.map(({ parameter }) => parameter.id));
  }

  #takeRange(start: bigint, end: bigint): void {
    const base = this.#base!.ns;
    const [first, last] = [Number(start - base), Number(end - base)];
    if (last < first) return;
    this.start = Math.min(this.start, first);
    this.end = Math.max(this.end, last);
    this.#settle();
    this.#range.ask();
  }

  /** The newest samples of all that is followed, and all events. The flush point up to which they go. */
  async #readAll(): Promise<string | null> {
    const tracks = [...this.tracks.byId.values()].filter((track) => track.followed);
    this.#fresh.clear();
    const from = this.end - NEWEST;
    const upto = this.#recordedUpto;
    const takers: Takers = { only: new Set(tracks), observed: true };
    const read = (kind: DataKind, upto: string | null) => this.#readKind(kind, tracks, from, takers, upto);
    const readSamples = async (upto: string) => {
      if (tracks.length === 0) return null;
      const [point = null] = await Promise.all(KINDS.slice(0, 3).map((kind) => read(kind, upto)));
      this.#haveRead(tracks, from, point); // events may take longer: they are looked for in all of the session
      return point;
    };
    if (upto !== null) {
      const [ofSamples, ofEvents] = await Promise.all([readSamples(upto), read("events", upto)]);
      if (tracks.length > 0) return ofSamples;
      this.#haveRead(tracks, from, ofEvents);
      return ofEvents;
    }
    const point = await read("events", null);
    if (point !== null) await readSamples(point);
    this.#haveRead(tracks, from, point);
    return point;
  }

  #haveRead(tracks: Track[], from: number, point: string | null): void {
    this.#isExact = point !== null;
    this.#hold(tracks, from);
    this.changed();
  }

  /** From here on all that comes is held; where nothing is recorded, there is nothing else. */
  #hold(tracks: Iterable<Track>, from: number): void {
    const isAll = !this.#isExact || this.recordedFrom === null;
    for (const track of tracks) track.held.add(isAll ? -Infinity : from, Infinity);
  }

  async #readKind(kind: DataKind, tracks: Track[], from: number, takers: Takers, upto: string | null): Promise<string | null> {
    const channels = tracks
      .flatMap((track) => track.parameter.channels)
      .filter((channel) => (this.tracks.kinds.get(channel) ?? kind) === kind);
    if (kind !== "events" && channels.length === 0) return upto;
    const wanted = { session: this.identity, kind, channels, from: kind === "events" ? -Infinity : from, to: Infinity, upto };
    const { flushPoint, broken } = await readRecorded(this.rest, wanted, this.#base!, this.#sinkOf(takers), this.signal);
    if (broken > 0) this.fail(`${broken} pieces of what is recorded are damaged, and are missing here`);
    return flushPoint;
  }

  #sinkOf(takers: Takers): Sink {
    return {
      samples: (channel, times, buffer) => void this.tracks.addSamples(channel, times, buffer, takers),
      row: (channels, time, buffer) => this.tracks.addRow(channels, time, buffer, takers),
      event: (event) => void this.events.add(event),
    };
  }

  async #live(after: string | null): Promise<Ended> {
    const late = (track: Track, time: number) => this.archive!.late(track, time);
    const takers: Takers = { only: null, observed: true, late };
    const socket: LiveSocket = new LiveSocket(
      this.rest,
      this.identity,
      after,
      this.#base!,
      {
        sink: {
          ...this.#sinkOf(takers),
          sessionJson: (text) => void this.#update(text),
          timeRange: (start, end) => this.#takeRange(start, end),
        },
        burst: () => this.#heard(socket),
        mark: (point) => {
          if (this.#socket === socket) this.#mark = point;
          this.#fill();
        },
        broken: (reason) => this.fail(reason),
      },
      this.unpacker,
    );
    this.#socket = socket;
    this.isFilled = false;
    this.#fromBeginning = after !== null;
    this.#flowing = this.isOpen ? "live" : "closed";
    this.#subscribe(socket);
    if (this.#fresh.size > 0) this.#widen.ask();
    const filled = this.#isExact ? undefined : setTimeout(() => this.#fill(), FILLS);
    const watch = setInterval(() => void this.#watch(socket), 1_000);
    const ended = new AbortController();
    void this.#askRecordingAgain(AbortSignal.any([this.signal, ended.signal]));
    try {
      return await socket.run(this.signal);
    } finally {
      clearTimeout(filled);
      clearInterval(watch);
      ended.abort();
      if (this.#socket === socket) this.#socket = null;
    }
  }

  #subscribe(socket: LiveSocket): void {
    const all = [...this.tracks.byId.values()];
    const followed = all.filter((track) => track.followed);
    const isAll = this.#everything || followed.length === all.length;
    socket.subscribe(isAll ? "all" : new Set(followed.flatMap((track) => track.parameter.channels)));
  }

  #heard(socket: LiveSocket): void {
    if (this.#socket !== socket) return;
    if (this.#link.state !== this.#flowing) {
      this.#backoff.reset();
      this.#setLink({ state: this.#flowing });
    }
    if (this.tracks.unreadable > 0) this.fail("some samples cannot be read: their channels have no type, or they are too short");
    this.changed();
  }

  async #update(text: string): Promise<void> {
    try {
      await this.#take(readSession(text));
      this.#tellSession();
    } catch (error) {
      if (!this.signal.aborted) this.fail((error as Error).message);
    }
  }

  /** Further parameters: their newest samples are read, and they are subscribed. */
  async #follow(): Promise<void> {
    const socket = this.#socket;
    if (!socket) return;
    const fresh = [...this.#fresh];
    this.#fresh.clear();
    try {
      if (!this.#isExact) {
        this.#subscribe(socket);
        this.#hold(fresh, -Infinity);
        return;
      }
      const young = performance.now() - socket.opened < YOUNG;
      if (young) this.#subscribe(socket);
      const from = this.end - NEWEST;
      const takers: Takers = { only: new Set(fresh), observed: true };
      const point = await this.#readFresh(fresh, from, takers);
      if (!young && point !== null && this.#socket === socket) {
        this.#mark = point; // the next connection begins behind it
        socket.giveUp("", WIDENED);
      }
      this.#hold(fresh, from);
      this.changed();
    } catch (error) {
      if (this.signal.aborted) return;
      for (const track of fresh) this.#fresh.add(track);
      this.fail((error as Error).message);
      await this.#pause(1000);
      this.#widen.ask();
    }
  }

  async #readFresh(tracks: Track[], from: number, takers: Takers): Promise<string | null> {
    let point: string | null = null;
    for (const kind of KINDS.slice(0, 3)) point = (await this.#readKind(kind, tracks, from, takers, point)) ?? point;
    return point;
  }

  /** A browser cannot ping. After some silence REST says whether something should have come. */
  async #watch(socket: LiveSocket): Promise<void> {
    const { heard } = socket;
    const now = performance.now();
    if (this.#link.state !== "live" || now - Math.max(heard, this.#asked) < QUIET) return;
    this.#asked = now;
    try {
      const signal = AbortSignal.any([this.signal, AbortSignal.timeout(TELLS_WITHIN)]);
      const json = readSession(await this.rest.text(`sessions/${encodeURIComponent(this.identity)}`, signal));
      const end = json.range ? Number(json.range.end - this.base) : this.end;
      const isBehind = end > this.end + LATE || json.closed !== this.#json!.closed;
      if (socket.heard === heard && isBehind) socket.giveUp("nothing comes any more");
    } catch {
      if (socket.heard === heard) socket.giveUp("the service does not answer");
    }
  }

  async #askRecordingAgain(signal: AbortSignal): Promise<void> {
    try {
      for (let pause = RECORDING_SOON; ; pause = Math.min(2 * pause, RECORDING_AGAIN)) {
        await wait(this.recordedFrom === null ? pause : RECORDING_AGAIN, signal);
        await this.#askRecording();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #askRecording(): Promise<void> {
    const before = this.recordedFrom;
    try {
      this.#takeRecording(await this.#recordingText());
      if (this.recordedFrom !== before) this.#tellSession();
    } catch {
      // the next time
    }
  }

  #setLink(link: Link): void {
    if (JSON.stringify(link) === JSON.stringify(this.#link)) return;
    this.#link = link;
    this.#tellSession();
    this.changed();
  }

  #tellSession(): void {
    if (!this.#json || !this.#base) {
      this.tell({ type: "session", session: this.#unknown() });
      return;
    }
    const { identifier, state, details } = this.#json;
    const parameters = [...this.tracks.byId.values()].map(({ parameter }) => {
      const { shift: _shift, mask: _mask, offset: _offset, conversion: _conversion, ...plain } = parameter;
      return plain;
    });
    this.tell({ type: "session", session: { ...this.#unknown(), identifier, state, details, parameters } });
  }

  #unknown(): Session {
    const { identity, base, start, end, recordedFrom, heldFrom } = this;
    const none = { identifier: identity, state: "unknown", details: {}, parameters: [] };
    return { identity, ...none, base, start, end, recordedFrom, heldFrom, link: this.#link };
  }
}
