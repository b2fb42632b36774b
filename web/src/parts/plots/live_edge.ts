/**
 * Where "now" is on the time axis while following. The service says it a few times a second; between, the edge goes on as
 * quickly as the session has lately, so that plots move evenly, whatever the speed a session is played at.
 */

const WINDOW = 2000; // ms over which the speed is taken
const FAR = 20; // times `jump`
const EASE = 300; // ms in which an error fades

export class LiveEdge {
  private said: { at: number; end: number }[] = [];
  private edge = Number.NaN;
  private asked = 0;

  /** The session's end is now `end` (ns); `now` in ms. */
  say(end: number, now: number): void {
    const last = this.said.at(-1);
    if (last !== undefined && last.end === end) return;
    this.said.push({ at: now, end });
  }

  /** ns; NaN before anything was said. `jump`: an error larger than this (ns) is not faded but put right at once. */
  at(now: number, jump: number): number {
    const last = this.said.at(-1);
    if (last === undefined) return Number.NaN;
    const passed = Math.max(now - this.asked, 0);
    this.asked = now;
    if (Number.isNaN(this.edge)) return (this.edge = last.end);
    if (Math.abs(last.end - this.edge) > FAR * jump) this.said = [last]; // it says nothing of the speed
    const speed = this.speed(now);
    this.edge += speed * passed;
    const error = last.end - this.edge;
    if (Math.abs(error) > jump + speed * EASE) this.edge = last.end;
    else this.edge += error * (1 - Math.exp(-passed / EASE));
    return this.edge;
  }

  /** Whether the edge will be elsewhere a little later: further than `least` ns from where it ends up. */
  moving(now: number, least: number): boolean {
    const last = this.said.at(-1);
    return last !== undefined && (this.speed(now) > 0 || Math.abs(last.end - this.edge) > least);
  }

  /** In how many ms it is expected to be at a time (ns): 0 if it is there. */
  until(time: number, now: number): number {
    const ahead = time - this.edge;
    const rate = this.speed(now) + Math.abs((this.said.at(-1)?.end ?? this.edge) - this.edge) / EASE;
    return ahead > 0 ? ahead / rate : 0;
  }

  private speed(now: number): number {
    while (this.said.length > 1 && this.said[0]!.at < now - WINDOW) this.said.shift();
    const [first, last] = [this.said[0]!, this.said.at(-1)!];
    return first === last ? 0 : Math.max(0, (last.end - first.end) / Math.max(now - first.at, 1));
  }
}
