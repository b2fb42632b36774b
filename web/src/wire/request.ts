/** Writes a `StreamRequest`, which is not compressed. Source: proto/rta/stream.proto. */

/** Asks for these channels, or for all; and for events. It widens what a connection has. */
export function streamRequest(channels: Iterable<number> | "all", events: boolean): Uint8Array<ArrayBuffer> {
  const subscription: number[] = [];
  if (events) subscription.push(0x08, 1);
  if (channels === "all") subscription.push(0x10, 1);
  else {
    const ids: number[] = [];
    for (const channel of channels) pushVarint(ids, channel);
    if (ids.length > 0) {
      subscription.push(0x1a);
      pushVarint(subscription, ids.length);
      for (const byte of ids) subscription.push(byte);
    }
  }
  const request = [0x12];
  pushVarint(request, subscription.length);
  return Uint8Array.from(request.concat(subscription));
}

function pushVarint(bytes: number[], value: number): void {
  let rest = value >>> 0;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
}
