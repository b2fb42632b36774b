/** One WebSocket of a session: what is asked for, what comes, and how it ends. Source: docs/protocol.md. */

import { readBurst } from "../wire/burst";
import { Unpacker } from "../wire/lz4";
import { Malformed } from "../wire/malformed";
import type { Base } from "../wire/protobuf";
import { streamRequest } from "../wire/request";
import type { Sink } from "../wire/sink";
import type { Rest } from "./rest";

const PROTOCOL = "mat.ocs.rta.stream-lz4";
const OPENS_WITHIN = 15_000; // ms

export interface Hears {
  sink: Sink;
  /** A burst has been read, and its items given to the sink. */
  burst(): void;
  /** All that is subscribed has come up to this flush point. */
  mark(point: string): void;
  broken(reason: string): void;
}

export interface Ended {
  code: number;
  reason: string;
}

export class LiveSocket {
  /** ms, by `performance.now()`: of the last message. */
  heard = performance.now();
  readonly opened = performance.now();
  #socket: WebSocket | null = null;
  #end: ((ended: Ended) => void) | null = null;
  #asked: Uint8Array<ArrayBuffer>[] = [];

  constructor(
    private readonly rest: Rest,
    private readonly session: string,
    readonly after: string | null,
    private readonly base: Base,
    private readonly hears: Hears,
    private readonly unpacker: Unpacker,
  ) {}

  /** Until the connection is over. */
  async run(signal: AbortSignal): Promise<Ended> {
    const protocols = [PROTOCOL];
    if (this.rest.token !== null) protocols.push(`rta.ticket.${await this.rest.ticket(this.session, signal)}`);
    signal.throwIfAborted();
    const socket = new WebSocket(this.rest.streamUrl(this.session, this.after), protocols);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    const late = setTimeout(() => this.giveUp("the service does not answer"), OPENS_WITHIN);
    const leave = () => this.giveUp("");
    signal.addEventListener("abort", leave);
    try {
      return await new Promise<Ended>((resolve) => {
        this.#end = resolve;
        socket.onopen = () => {
          clearTimeout(late);
          this.heard = performance.now();
          for (const request of this.#asked.splice(0)) socket.send(request);
        };
        socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => this.#hear(data);
        socket.onclose = ({ code, reason }) => resolve({ code, reason });
      });
    } finally {
      clearTimeout(late);
      signal.removeEventListener("abort", leave);
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
  }

  /** Asks for more. */
  subscribe(channels: Iterable<number> | "all"): void {
    const request = streamRequest(channels, true);
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(request);
    else this.#asked.push(request);
  }

  /** Takes the connection for lost; with another code, ends it for another reason. */
  giveUp(reason: string, code = 1006): void {
    this.#end?.({ code, reason });
  }

  #hear(data: string | ArrayBuffer): void {
    this.heard = performance.now();
    if (typeof data === "string") {
      this.hears.mark(data);
      return;
    }
    try {
      readBurst(this.unpacker.unpack(new Uint8Array(data)), this.base, this.hears.sink);
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      this.hears.broken(`a message of the service cannot be read: ${error.message}`);
    }
    this.hears.burst();
  }
}
