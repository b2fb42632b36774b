/** A service with one session, in the test's own process: REST and WebSocket as far as the Worker uses them. */

import { burstOf, chunkOf, event, jsonItem, packed, rangeItem, row, timestamped } from "./writing";

export const START = 1_620_129_055_000_000_001n;
const SECOND = 1_000_000_000;

export interface Item {
  kind: "timestamped" | "row" | "events";
  time: number; // offset of its only sample
  bytes: number[];
}

export const DOCUMENT = {
  app: {
    channels: [
      { id: 1, type: "f64", source: "timestamped" },
      { id: 2, type: "f64", source: "row" },
    ],
    parameters: [
      { id: "a:app", name: "a", channels: [1], conv: "falls" },
      { id: "b:app", name: "b", channels: [2] },
    ],
    conversions: [{ name: "falls", rational: { coeffs: [0, -1, 0, 0, 0, 1] } }],
    events: [{ id: 7, desc: "Lap", pri: "high" }],
  },
};

export function sample(second: number, value: number): Item {
  const time = Math.round(second * SECOND);
  return { kind: "timestamped", time, bytes: timestamped(1, START + BigInt(time), 0, [value]) };
}

export function rowOf(second: number, value: number): Item {
  const time = Math.round(second * SECOND);
  return { kind: "row", time, bytes: row([2], START + BigInt(time), [value]) };
}

export function lap(second: number, text: string): Item {
  const time = Math.round(second * SECOND);
  return { kind: "events", time, bytes: event(7, "app", START + BigInt(time), text) };
}

const FIELDS = { timestamped: 4, row: 6, events: 7 };

export class FakeService {
  items: Item[] = [];
  /** So many of them are recorded; null: there is no archive. */
  recorded: number | null = 0;
  state = "open";
  isUp = true;
  isThere = true;
  /** So many items are not in the buffer any more. */
  trimmed = 0;
  token: string | null = null;
  /** What was asked for: paths of REST, and where WebSockets began. */
  asked: string[] = [];
  sockets = new Set<FakeSocket>();
  holes: { after: string; upto: string; reason: string }[] = [];
  /** Answers of these paths wait until they are let go. */
  held: { path: string; go: () => void }[] | null = null;

  install(): void {
    globalThis.fetch = (async (url: string, init: RequestInit) => this.#answer(new URL(url), init)) as typeof fetch;
    const service = this;
    globalThis.WebSocket = class extends FakeSocket {
      constructor(url: string, protocols: string[]) {
        super(service, url, protocols);
      }
    } as unknown as typeof WebSocket;
  }

  get end(): number {
    return Math.max(0, ...this.items.map(({ time }) => time));
  }

  get json(): object {
    const bindings = [{ identifier: "c", channelOffset: 0 }];
    return { identity: "s", identifier: "S", state: this.state, timestamp: "2021-05-04T11:50:55Z", configBindings: bindings };
  }

  /** More has come: to those who listen, unless they are to miss it. */
  add(...items: Item[]): void {
    this.items.push(...items);
    for (const socket of this.sockets) socket.send_(items);
  }

  /** The session has another state: those who listen are told. */
  turn(state: string): void {
    this.state = state;
    for (const socket of this.sockets) socket.tellJson();
  }

  mark(): void {
    for (const socket of this.sockets) socket.tell(String(this.items.length));
  }

  close(code: number): void {
    for (const socket of [...this.sockets]) socket.end(code);
  }

  async #answer(url: URL, init: RequestInit): Promise<Response> {
    const path = url.pathname.replace("/rta/v2/", "");
    this.asked.push(path + url.search);
    if (this.held && /overview|data/.test(path)) {
      await new Promise<void>((go, stop) => {
        this.held!.push({ path: path + url.search, go });
        init.signal?.addEventListener("abort", () => stop(new Error("aborted")));
      });
    }
    if (!this.isUp) throw new TypeError("nobody there");
    const headers = init.headers as Record<string, string>;
    if (this.token !== null && headers.authorization !== `Bearer ${this.token}`) {
      return Response.json({ detail: "sign in" }, { status: 401 });
    }
    if (path === "tickets") return Response.json({ ticket: "T" }, { status: 201 });
    if (path === "configs/c") return Response.json(DOCUMENT);
    if (path === "sessions/s" && !this.isThere) return Response.json({ detail: "no such session" }, { status: 404 });
    if (path === "sessions/s") return new Response(this.#sessionText());
    if (path === "sessions/s/recording") return this.#recording();
    if (path.startsWith("sessions/s/data/")) return this.#data(path, url.searchParams);
    if (path.startsWith("sessions/s/overview/")) return this.#overview(url.searchParams);
    return Response.json({ detail: `there is no ${path}` }, { status: 404 });
  }

  #sessionText(): string {
    const range = `{"startTime":${START},"endTime":${START + BigInt(this.end)}}`;
    return JSON.stringify(this.json).replace(/}$/, `,"timeRange":${range}}`);
  }

  #recording(): Response {
    if (!this.recorded) return Response.json(null);
    const first = Math.min(...this.items.slice(0, this.recorded).map(({ time }) => time));
    const timeRange = { startTime: String(START + BigInt(first)), endTime: String(START + BigInt(this.end)) };
    const runs = [{ start: "0-0", upto: "9999999999999-0", holes: this.holes }];
    return Response.json({ timeRange, flushPoint: String(this.recorded), runs });
  }

  #data(path: string, query: URLSearchParams): Response {
    if (this.recorded === null) return new Response(new Uint8Array(0));
    const kind = path.split("/")[3]!;
    const upto = Number(query.get("upto") ?? this.recorded);
    const found = this.items.slice(0, upto).filter((item) => item.kind === kind && this.#isWithin(item, query));
    const body = found.length > 0 ? chunkOf(found.map(({ bytes }) => bytes)) : new Uint8Array(0);
    return new Response(body as Uint8Array<ArrayBuffer>, { headers: { "rta-flush-point": String(upto) } });
  }

  #isWithin({ time }: Item, query: URLSearchParams): boolean {
    const at = START + BigInt(time);
    return at >= BigInt(query.get("start") ?? 0) && at <= BigInt(query.get("end") ?? 1n << 62n);
  }

  /** Samples have the value that stands in their bytes. */
  #overview(query: URLSearchParams): Response {
    const [start, end] = [BigInt(query.get("start")!), BigInt(query.get("end")!)];
    const length = (end + 1n - start) / BigInt(query.get("points")!);
    const stretches = new Map<bigint, number[]>();
    for (const item of this.items.slice(0, this.recorded ?? 0)) {
      if (item.kind !== "timestamped" || !this.#isWithin(item, query)) continue;
      const at = ((START + BigInt(item.time)) / length) * length;
      stretches.set(at, [...(stretches.get(at) ?? []), valueOf(item)]);
    }
    const list = [...stretches].sort(([a], [b]) => (a < b ? -1 : 1));
    const of = (give: (values: number[]) => number) => list.map(([, values]) => give(values));
    const one = {
      channel: 1,
      start: list.map(([at]) => String(at)),
      end: list.map(([at]) => String(at + length)),
      count: of((values) => values.length),
      min: of((values) => Math.min(...values)),
      max: of((values) => Math.max(...values)),
      mean: of((values) => values.reduce((a, b) => a + b) / values.length),
    };
    return Response.json({ channels: [one] });
  }
}

function valueOf({ bytes }: Item): number {
  return new DataView(Uint8Array.from(bytes.slice(-8)).buffer).getFloat64(0, true);
}

class FakeSocket {
  static OPEN = 1;
  readyState = 0;
  binaryType = "";
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: unknown }) => void) | null = null;
  onclose: ((closed: { code: number; reason: string }) => void) | null = null;
  #subscribed = false;

  constructor(
    private readonly service: FakeService,
    private readonly url: string,
    protocols: string[],
  ) {
    const after = new URL(url).searchParams.get("after");
    service.asked.push(`ws ${after} ${protocols.slice(1).join()}`.trim());
    setTimeout(() => {
      if (!service.isUp) return this.end(1006);
      this.readyState = 1;
      service.sockets.add(this);
      this.onopen?.();
    }, 0);
  }

  send(): void {
    if (this.#subscribed) return;
    this.#subscribed = true;
    this.#tellBurst([], [jsonItem(this.service.json), rangeItem(START, START + BigInt(this.service.end))]);
    const after = new URL(this.url).searchParams.get("after");
    if (after !== null && Number(after) < this.service.trimmed && !this.service.recorded) return this.end(4002);
    this.send_(this.service.items.slice(Math.max(Number(after ?? 0), this.service.trimmed)));
    if (after !== null) this.tell(String(this.service.items.length));
    if (!["open", "waiting"].includes(this.service.state.toLowerCase())) this.end(1000);
  }

  send_(items: Item[]): void {
    if (this.#subscribed && items.length > 0) {
      const others = items.map(({ kind, bytes }): [number, number[]] => [FIELDS[kind], bytes]);
      this.#tellBurst([], [...others, rangeItem(START, START + BigInt(this.service.end))]);
    }
  }

  tellJson(): void {
    this.#tellBurst([], [jsonItem(this.service.json)]);
  }

  tell(data: unknown): void {
    this.onmessage?.({ data });
  }

  end(code: number): void {
    this.service.sockets.delete(this);
    this.onclose?.({ code, reason: "" });
  }

  close(): void {
    this.service.sockets.delete(this);
  }

  #tellBurst(items: number[][], others: [number, number[]][]): void {
    this.tell(packed(burstOf(items, others)).buffer);
  }
}

