/** Takes the page's commands, and answers them. */

import { Unpacker } from "../wire/lz4";
import { Lack } from "./archive";
import { Documents } from "./documents";
import { drawLine, type Scene, type View } from "./drawing";
import { forgetFarthest } from "./memory";
import type { Command, Line, Report } from "./messages";
import { samplesWithin, valuesAt } from "./reading";
import type { Rest } from "./rest";
import { OpenSession } from "./session";
import { rowOf, sparklineOf } from "./table";

const MOST_LIMIT = 1_000_000; // of samples and events that are asked for
const MOST_COLUMNS = 20_000;
const FORGETS = 1_000; // ms

type Draw = Extract<Command, { type: "draw" }>;
type Of<T extends Command["type"]> = Extract<Command, { type: T }>;

export class Desk {
  #sessions = new Map<string, OpenSession>();
  #draws = new Map<string, Draw>();
  #views = new Map<string, { session: string; view: View; at: number }>();
  #reading = new Map<string, AbortController>();
  #documents: Documents;
  #unpacker = new Unpacker();
  #forgets: ReturnType<typeof setInterval>;

  constructor(
    private readonly rest: Rest,
    private readonly tell: (report: Report, transfer?: ArrayBuffer[]) => void,
  ) {
    this.#documents = new Documents(rest);
    this.#forgets = setInterval(() => this.#forget(), FORGETS);
  }

  close(): void {
    clearInterval(this.#forgets);
    for (const identity of [...this.#sessions.keys()]) this.#close(identity);
  }

  handle(command: Command): void {
    switch (command.type) {
      case "open":
        return this.#open(command.session);
      case "close":
        return this.#close(command.session);
      case "token":
        return this.#takeToken(command.token);
      case "follow":
        return this.#sessions.get(command.session)?.follow(command.parameters);
      case "draw":
        return this.#drawSoon(command);
      case "values":
        return void this.#answer(command, `values ${command.shown}`, (session, signal) => this.#values(command, session, signal));
      case "samples":
        return void this.#answer(command, `samples ${command.session}`, (session, signal) => this.#samples(command, session, signal));
      case "rows":
        return void this.#answer(command, null, (session) => this.#rows(command, session));
      case "events":
        return void this.#answer(command, null, (session) => this.#events(command, session));
    }
  }

  #open(identity: string): void {
    if (this.#sessions.has(identity)) return;
    const session = new OpenSession(identity, this.rest, this.#documents, this.#unpacker, this.tell);
    this.#sessions.set(identity, session);
    void session.run();
  }

  #close(identity: string): void {
    this.#sessions.get(identity)?.close();
    this.#sessions.delete(identity);
    for (const [plot, { session }] of this.#views) if (session === identity) this.#views.delete(plot);
  }

  #takeToken(token: string | null): void {
    if (token === this.rest.token) return;
    this.rest.token = token;
    for (const session of this.#sessions.values()) session.retry();
  }

  /** Commands that wait are taken first: of several draws of a plot only the newest counts. */
  #drawSoon(command: Draw): void {
    if (this.#draws.size === 0) setTimeout(() => this.#drawAll(), 0);
    this.#draws.set(command.plot, command);
  }

  #drawAll(): void {
    const draws = [...this.#draws.values()];
    this.#draws.clear();
    for (const draw of draws) void this.#answer(draw, null, (session) => this.#draw(draw, session));
  }

  #draw({ request, plot, from, to, columns, parameters }: Draw, session: OpenSession): void {
    if (!(from < to) || !session.archive) {
      this.tell({ type: "drawn", request, plot, lines: [] });
      return;
    }
    const view = { from, to, columns: Math.max(1, Math.min(columns, MOST_COLUMNS)) };
    this.#views.set(plot, { session: session.identity, view, at: performance.now() });
    session.follow(parameters);
    const lack = new Lack();
    const scene = sceneOf(session);
    const lines: Line[] = [];
    for (const id of parameters) {
      const track = session.tracks.byId.get(id);
      if (track) lines.push(drawLine(track, view, scene, lack));
    }
    session.archive.want(plot, lack.pieces);
    this.tell({ type: "drawn", request, plot, lines }, lines.flatMap(buffersOf));
  }

  async #values({ request, at, parameters }: Of<"values">, session: OpenSession, signal: AbortSignal): Promise<void> {
    session.follow(parameters);
    this.tell({ type: "valued", request, values: await valuesAt(session, at, parameters, signal) });
  }

  async #samples(command: Of<"samples">, session: OpenSession, signal: AbortSignal): Promise<void> {
    const { request, from, to, parameter } = command;
    const track = session.tracks.byId.get(parameter);
    if (!track) throw new Error(`there is no parameter ${parameter}`);
    const limit = Math.max(0, Math.min(command.limit, MOST_LIMIT));
    const found = await samplesWithin(session, track, from, to, limit, signal);
    this.tell({ type: "sampled", request, ...found }, [found.times.buffer as ArrayBuffer, found.values.buffer as ArrayBuffer]);
  }

  #rows({ request, sparkline }: Of<"rows">, session: OpenSession): void {
    const rows = [...session.tracks.byId.values()].map((track) => rowOf(track, session.end));
    const shown = sparkline.map((id) => session.tracks.byId.get(id)).filter((track) => track !== undefined);
    this.tell({ type: "rowed", request, rows, sparklines: shown.map((track) => sparklineOf(track, session)) });
  }

  #events({ request, from, to, limit }: Of<"events">, session: OpenSession): void {
    this.tell({ type: "happened", request, ...session.events.within(from, to, Math.max(0, Math.min(limit, MOST_LIMIT))) });
  }

  /** What goes wrong is told. `instead`: an older request with this name is given up. */
  async #answer(
    { request, session: identity }: { request: number; session: string },
    instead: string | null,
    answer: (session: OpenSession, signal: AbortSignal) => void | Promise<void>,
  ): Promise<void> {
    const session = this.#sessions.get(identity);
    const control = new AbortController();
    if (instead !== null) {
      this.#reading.get(instead)?.abort();
      this.#reading.set(instead, control);
    }
    try {
      if (!session) throw new Error(`${identity} is not open`);
      await answer(session, AbortSignal.any([control.signal, session.signal]));
    } catch (error) {
      const reason = control.signal.aborted ? "a newer request has taken its place" : (error as Error).message;
      this.tell({ type: "failed", request, reason });
    } finally {
      if (instead !== null && this.#reading.get(instead) === control) this.#reading.delete(instead);
    }
  }

  #forget(): void {
    const now = performance.now();
    for (const [plot, { at, session }] of this.#views) {
      if (now - at < 60_000) continue;
      this.#views.delete(plot);
      this.#sessions.get(session)?.archive?.want(plot, []);
    }
    const views = [...this.#views.values()];
    forgetFarthest([...this.#sessions.values()], ({ identity }) =>
      views.filter(({ session }) => session === identity).map(({ view }) => [view.from, view.to]),
    );
  }
}

export function sceneOf(session: OpenSession): Scene {
  const { archive, tracks, recorded, holes, end, isLost, isOpen, isFilled } = session;
  return { archive: archive!, tracks, recorded, holes, end, isLost, isOpen, isFilled };
}

function buffersOf({ time, broken, gaps }: Line): ArrayBuffer[] {
  return [...new Set([time, broken, gaps].map((list) => list.buffer as ArrayBuffer))];
}
