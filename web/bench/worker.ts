/** What the Worker's work costs: `node bench.mjs`. Prints a table. */

import { readBurst } from "../src/wire/burst";
import { Unpacker } from "../src/wire/lz4";
import { Base } from "../src/wire/protobuf";
import { bind } from "../src/wire/configuration";
import { Archive, Lack } from "../src/worker/archive";
import { drawLine, type Scene } from "../src/worker/drawing";
import { Rest } from "../src/worker/rest";
import { Tracks } from "../src/worker/tracks";
import { burstOf, packed, timestamped } from "../tests/writing";

const START = 1_620_129_055_000_000_001n;
const PARAMETERS = 20;
const EVERY = 1e7; // ns: 100 Hz

/** CPU time of one round, which other programs of the machine do not add to. */
function measured(rounds: number, run: () => void): string {
  for (let i = 0; i < rounds / 4; i++) run();
  const before = process.cpuUsage();
  const started = performance.now();
  for (let i = 0; i < rounds; i++) run();
  const { user, system } = process.cpuUsage(before);
  const wall = ((performance.now() - started) * 1000) / rounds;
  return `${((user + system) / rounds).toFixed(0).padStart(7)} us of CPU, ${wall.toFixed(0).padStart(7)} us in all`;
}

function session(): { tracks: Tracks; scene: Scene } {
  const ids = Array.from({ length: PARAMETERS }, (_, i) => i);
  const document = {
    app: {
      channels: ids.map((id) => ({ id, type: "f64", source: "timestamped" })),
      parameters: ids.map((id) => ({ id: `p${id}`, channels: [id], conv: "c" })),
      conversions: [{ name: "c", rational: { coeffs: [0, 0.1, 3, 0, 0, 1] } }],
    },
  };
  const tracks = new Tracks();
  tracks.add(bind(document, { identifier: "c", channelOffset: 0 }));
  for (const track of tracks.byId.values()) {
    track.followed = true;
    track.held.add(-Infinity, Infinity);
  }
  const archive = new Archive(new Rest("http://nowhere/"), "s", new Base(START), tracks, { changed: () => {}, failed: () => {} });
  return { tracks, scene: { archive, tracks, recorded: null, holes: [], end: 0, isLost: false, isOpen: true, isFilled: true } };
}

function fill(tracks: Tracks, from: number, count: number): void {
  const times = new Float64Array(1000);
  const values = new Float64Array(1000);
  for (let channel = 0; channel < PARAMETERS; channel++) {
    for (let at = 0; at < count; at += 1000) {
      for (let i = 0; i < 1000; i++) {
        times[i] = (from + at + i) * EVERY;
        values[i] = Math.sin((at + i) / 50 + channel);
      }
      tracks.addSamples(channel, times, new Uint8Array(values.buffer), { only: null, observed: true });
    }
  }
}

const takers = { only: null, observed: true };
const base = new Base(START);

{
  const { tracks } = session();
  const items = Array.from({ length: PARAMETERS }, (_, channel) =>
    timestamped(channel, START, 10_000_000, Array.from({ length: 290 }, (_, i) => Math.sin(i * channel))),
  );
  const burst = packed(burstOf(items));
  const raw = new Unpacker().unpack(burst).length;
  const unpacker = new Unpacker();
  const nothing = { samples: () => {}, row: () => {}, event: () => {} };
  console.log(`a burst of ${raw} bytes: decoded         ${measured(500, () => readBurst(unpacker.unpack(burst), base, nothing))}`);
  let shift = 0;
  const inserting = {
    ...nothing,
    samples: (channel: number, times: Float64Array, buffer: Uint8Array) => {
      for (let i = 0; i < times.length; i++) times[i]! += shift;
      tracks.addSamples(channel, times, buffer, takers);
    },
  };
  const insert = () => {
    shift += 2.9e9;
    readBurst(unpacker.unpack(burst), base, inserting);
  };
  console.log(`the same, and its samples kept              ${measured(200, insert)}`);
  const small = packed(burstOf(Array.from({ length: 1000 }, (_, i) => timestamped(i % 20, START + BigInt(i), 0, [1]))));
  console.log(`1000 items of one sample: decoded           ${measured(300, () => readBurst(unpacker.unpack(small), base, nothing))}`);
}

for (const seconds of [30, 300, 3600]) {
  const { tracks, scene } = session();
  fill(tracks, 0, seconds * 100);
  scene.end = seconds * 1e9;
  const memory = process.memoryUsage();
  const draw = () => {
    const lack = new Lack();
    scene.end += 1.6e7;
    for (const track of tracks.byId.values()) {
      drawLine(track, { from: scene.end - seconds * 1e9, to: scene.end, columns: 1280 }, scene, lack);
    }
  };
  const mb = ((memory.arrayBuffers + memory.heapUsed) / 2 ** 20).toFixed(0);
  console.log(`20 parameters, ${String(seconds).padStart(4)} s in view: a frame        ${measured(30, draw)} (${tracks.samples} samples, ${mb} MB)`);
}
