/**
 * What plots lack, and reads for them: a few at a time. While what they show changes quickly, as in zooming, nothing is
 * begun that would be passed before it came.
 */

const AT_ONCE = 4;
const PASSING = 200; // ms: what is wanted so soon after something else waits as long, and may have been passed then
const SAME = 10; // ms in which several plots say what they lack of one view
const AGAIN = 5_000; // ms until what has failed is tried again

export interface Job {
  key: string;
  /** It runs on when no plot wants it any more, as long as there is room: what it reads stands in for what is finer. */
  stays: boolean;
  run(signal: AbortSignal): Promise<void>;
}

export interface JobsHear {
  changed(): void;
  /** Once for each failure. Throws what is no failure of the service. */
  failed(error: unknown): void;
}

interface Running {
  control: AbortController;
  stays: boolean;
}

export class Jobs {
  #wanted = new Map<string, Job[]>();
  #due = new Map<string, number>(); // by the key of a job that is wanted: ms
  #running = new Map<string, Running>();
  #failed = new Map<string, number>();
  #latest = { at: -Infinity, due: -Infinity }; // ms: when something else was wanted than before, and is begun
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly hears: JobsHear,
    private readonly now = () => performance.now(),
  ) {}

  /** What a plot lacks now; it takes the place of what it lacked before. */
  want(plot: string, jobs: Job[]): void {
    if (jobs.length > 0) this.#wanted.set(plot, jobs);
    else this.#wanted.delete(plot);
    this.#pump();
  }

  close(): void {
    this.#wanted.clear();
    clearTimeout(this.#timer);
    for (const { control } of this.#running.values()) control.abort();
  }

  #pump(): void {
    clearTimeout(this.#timer);
    const now = this.now();
    const jobs = new Map<string, Job>();
    for (const list of this.#wanted.values()) for (const job of list) jobs.set(job.key, job);
    this.#plan(jobs, now);
    for (const [key, { control, stays }] of this.#running) if (!stays && !jobs.has(key)) control.abort();
    let next = Infinity;
    for (const job of jobs.values()) {
      if (this.#running.has(job.key) || this.#failed.has(job.key)) continue;
      const due = this.#due.get(job.key)!;
      if (due > now) next = Math.min(next, due);
      else if (this.#hasRoom(jobs)) void this.#start(job);
    }
    if (next < Infinity) this.#timer = setTimeout(() => this.#pump(), next - now);
  }

  /** When what is newly wanted is begun. */
  #plan(jobs: ReadonlyMap<string, Job>, now: number): void {
    for (const [key, until] of this.#failed) if (until <= now || !jobs.has(key)) this.#failed.delete(key);
    for (const key of this.#due.keys()) if (!jobs.has(key)) this.#due.delete(key);
    const fresh = [...jobs.keys()].filter((key) => !this.#due.has(key));
    if (fresh.length === 0) return;
    const passed = now - this.#latest.at;
    if (passed > SAME) this.#latest = { at: now, due: passed < PASSING ? now + PASSING : now };
    for (const key of fresh) this.#due.set(key, this.#latest.due);
  }

  /** Whether one more may run; one that is not wanted any more makes room. */
  #hasRoom(jobs: ReadonlyMap<string, Job>): boolean {
    if (this.#running.size < AT_ONCE) return true;
    for (const [key, { control }] of this.#running) {
      if (jobs.has(key)) continue;
      control.abort();
      this.#running.delete(key);
      return true;
    }
    return false;
  }

  async #start(job: Job): Promise<void> {
    const control = new AbortController();
    const { signal } = control;
    this.#running.set(job.key, { control, stays: job.stays });
    let isDone = false;
    try {
      await job.run(signal);
      isDone = true;
      this.#unwant(job.key);
    } catch (error) {
      if (!signal.aborted) {
        this.#failed.set(job.key, this.now() + AGAIN);
        setTimeout(() => this.hears.changed(), AGAIN + 10);
        this.hears.failed(error);
      }
    } finally {
      if (this.#running.get(job.key)?.control === control) this.#running.delete(job.key);
      if (isDone || !signal.aborted) this.hears.changed();
      this.#pump();
    }
  }

  #unwant(key: string): void {
    for (const [plot, jobs] of this.#wanted) {
      this.#wanted.set(
        plot,
        jobs.filter((job) => job.key !== key),
      );
    }
  }
}
