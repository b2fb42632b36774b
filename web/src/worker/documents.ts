/** Configuration documents, which never change: each is read once, for all sessions. */

import type { Rest } from "./rest";

const MOST = 64;

export class Documents {
  #texts = new Map<string, Promise<unknown>>();

  constructor(private readonly rest: Rest) {}

  /** The parsed document. It is read on for other sessions where one is closed. */
  get(identifier: string): Promise<unknown> {
    const known = this.#texts.get(identifier);
    if (known) return known;
    const read = this.#read(identifier);
    this.#texts.set(identifier, read);
    read.catch(() => this.#texts.delete(identifier));
    if (this.#texts.size > MOST) this.#texts.delete(this.#texts.keys().next().value!);
    return read;
  }

  async #read(identifier: string): Promise<unknown> {
    const signal = new AbortController().signal;
    const answer = await this.rest.get(`configs/${encodeURIComponent(identifier)}`, signal, "application/vnd.mat.config+json, application/json");
    return answer.json();
  }
}
