/** Calls of the service's REST API. What goes wrong is a `RestError`, which says whether one has to sign in. */

export class RestError extends Error {
  /** `status`: 0 where the service did not answer. */
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }

  get isRefusal(): boolean {
    return this.status === 401 || this.status === 403;
  }
}

const ANSWERS_WITHIN = 30_000; // ms until the head of an answer is there

export class Rest {
  token: string | null = null;

  /** `base`: the address of the service, ending in a slash. */
  constructor(readonly base: string) {}

  /** `path`: behind `rta/v2/`. */
  async get(path: string, signal: AbortSignal, accept = "application/json"): Promise<Response> {
    return this.#call(path, { headers: { accept }, signal });
  }

  async text(path: string, signal: AbortSignal): Promise<string> {
    return read(await this.get(path, signal));
  }

  /** null: there is none. */
  async textIfThere(path: string, signal: AbortSignal): Promise<string | null> {
    try {
      return await this.text(path, signal);
    } catch (error) {
      if (error instanceof RestError && error.status === 404) return null;
      throw error;
    }
  }

  /** For one WebSocket of a session. */
  async ticket(session: string, signal: AbortSignal): Promise<string> {
    const body = JSON.stringify({ session });
    const headers = { "content-type": "application/json" };
    const answer = await this.#call("tickets", { method: "POST", headers, body, signal });
    return (JSON.parse(await read(answer)) as { ticket: string }).ticket;
  }

  /** Where the WebSocket of a session is. */
  streamUrl(session: string, after: string | null): string {
    const query = after === null ? "" : `?after=${encodeURIComponent(after)}`;
    return `${this.base.replace(/^http/, "ws")}rta/v2/sessions/${encodeURIComponent(session)}/stream${query}`;
  }

  async #call(path: string, init: RequestInit & { headers: Record<string, string>; signal: AbortSignal }): Promise<Response> {
    if (this.token !== null) init.headers.authorization = `Bearer ${this.token}`;
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), ANSWERS_WITHIN);
    const signal = AbortSignal.any([init.signal, late.signal]); // it counts until the answer has been read
    let answer: Response;
    try {
      init.signal.throwIfAborted();
      answer = await fetch(`${this.base}rta/v2/${path}`, { ...init, signal });
    } catch {
      init.signal.throwIfAborted();
      throw new RestError(0, "the service does not answer");
    } finally {
      clearTimeout(timer);
    }
    if (!answer.ok) throw new RestError(answer.status, await reasonOf(answer));
    return answer;
  }
}

async function read(answer: Response): Promise<string> {
  try {
    return await answer.text();
  } catch {
    throw new RestError(0, "an answer of the service has broken off");
  }
}

async function reasonOf(answer: Response): Promise<string> {
  try {
    const problem = (await answer.json()) as { detail?: string; title?: string; reason?: string };
    return problem.detail ?? problem.reason ?? problem.title ?? `status ${answer.status}`;
  } catch {
    return `status ${answer.status}`;
  }
}
