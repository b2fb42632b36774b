/** What readers of the wire give: one call for each item, in its order. Arrays are good during the call only. */
export interface Sink {
  sessionJson?(text: string): void;
  /** ns since the Unix epoch. */
  timeRange?(start: bigint, end: bigint): void;
  /** Samples of one channel: their times (ns since the base), and their bytes one behind the other, perhaps of fewer. */
  samples(channel: number, times: Float64Array, buffer: Uint8Array): void;
  /** One sample of each channel, of its own type. */
  row(channels: number[], time: number, buffer: Uint8Array): void;
  event(event: WireEvent): void;
}

export interface WireEvent {
  definition: number;
  application: string;
  time: number; // ns since the base
  text: string;
  values: number[];
}
