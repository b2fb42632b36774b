/**
 * What the page and its Worker say to each other. The Worker owns sockets, decoding and samples; the page draws.
 *
 * Times are *offsets*: ns since the `base` of their session, as a double (exact for 104 days). The base is ns since the
 * Unix epoch, as a bigint, which structured cloning keeps. Values are those of parameters, after their conversion; NaN is a null.
 */

/** How a session's data come. */
export type Link =
  | { state: "connecting" }
  | { state: "live" }
  | { state: "lost"; reason: string; since: number; again: number } // ms since the epoch: lost since, tried again at
  | { state: "closed" } // the session is closed: everything there is comes from the archive
  | { state: "missing" } // the service has no such session, or not any more
  | { state: "refused"; status: number; reason: string }; // one has to sign in, or may not

export interface Parameter {
  id: string; // name:application
  name: string;
  description: string;
  application: string;
  groups: string[]; // from the top of the tree
  unit: string;
  format: string; // as the configuration has it: printf-like, perhaps empty
  min: number; // both 0: not known
  max: number;
  warnMin: number;
  warnMax: number;
  channels: number[]; // as on the wire
  interval: number; // ns, of periodic channels; 0: not known
  raw: boolean; // the samples of a channel that no parameter has, as they are
  texts: Record<string, string> | null; // by String(value), what values of a text conversion mean; "": all others
}

export interface EventDefinition {
  id: number;
  application: string;
  code: string;
  description: string;
  priority: string; // high, medium, low, or whatever the configuration says
}

export interface Session {
  identity: string;
  identifier: string;
  state: string;
  details: Record<string, string | number | boolean>;
  base: bigint;
  start: number; // of the time range that is known
  end: number;
  recordedFrom: number | null; // null: nothing of it is recorded
  heldFrom: number | null; // nothing is recorded, and the beginning is not there: the first that there is
  parameters: Parameter[];
  link: Link;
}

export interface TimedEvent {
  time: number;
  application: string;
  definition: number;
  description: string;
  priority: string;
  text: string; // its status text, or its values with units
}

/**
 * A parameter in a stretch of time, at most one entry a column. What a column hides is between its low and its high: a
 * spike is never lost. The first entry may be the last sample before the stretch, and the last one the first behind it, so
 * that lines reach the edges. All arrays have the same length, but for `gaps`.
 */
export interface Line {
  parameter: string;
  time: Float64Array; // of the first sample of the column
  until: Float64Array; // of its last one
  first: Float64Array;
  low: Float64Array;
  high: Float64Array;
  last: Float64Array;
  broken: Uint8Array; // 1: a null or a gap is between this entry and the one before; they are not joined
  gaps: Float64Array; // from, to, from, to …: where samples are missing (a hole, or nothing for too long)
  whole: boolean; // false: more is on its way (from the archive)
  samples: boolean; // true: each entry is one sample
}

export interface Row {
  parameter: string;
  time: number; // of the latest sample; NaN: there is none
  value: number;
  rate: number; // samples a second, over the last 10 s
  min: number; // since the session was opened
  max: number;
}

/** To the Worker. `request` numbers come back in the answer; a newer draw request of the same `plot` replaces older ones,
 * and so does one for values of the same `shown`. */
export type Command =
  | { type: "open"; session: string }
  | { type: "close"; session: string }
  | { type: "token"; token: string | null } // for REST and tickets; null: nobody has signed in
  | { type: "follow"; session: string; parameters: string[] | "all" } // what else is to come live
  | { type: "draw"; request: number; plot: string; session: string; from: number; to: number; columns: number; parameters: string[] }
  | { type: "values"; request: number; shown: string; session: string; at: number; parameters: string[] } // last at or before
  | { type: "samples"; request: number; session: string; from: number; to: number; parameter: string; limit: number }
  | { type: "rows"; request: number; session: string; sparkline: string[] } // the table; sparklines of those in view
  | { type: "events"; request: number; session: string; from: number; to: number; limit: number };

/** From the Worker. */
export type Report =
  | { type: "session"; session: Session } // opened, or something of it has changed (its parameters, its state, its link)
  | { type: "range"; session: string; start: number; end: number } // at most 10 a second
  | { type: "changed"; session: string } // what was drawn would look different now; at most one a frame (16 ms)
  | { type: "drawn"; request: number; plot: string; lines: Line[] }
  | { type: "valued"; request: number; values: { parameter: string; time: number; value: number }[] } // NaN, NaN: none
  | { type: "sampled"; request: number; times: Float64Array; values: Float64Array; more: boolean }
  | { type: "rowed"; request: number; rows: Row[]; sparklines: { parameter: string; low: Float64Array; high: Float64Array }[] }
  | { type: "happened"; request: number; events: TimedEvent[]; more: boolean }
  | { type: "failed"; request: number | null; reason: string };
