/** From the bytes of a buffer to numbers, by the type of a channel. */

export type SampleType = "u8" | "s8" | "u16" | "s16" | "u32" | "s32" | "f32" | "f64";

const WIDTHS: Record<SampleType, number> = { u8: 1, s8: 1, u16: 2, s16: 2, u32: 4, s32: 4, f32: 4, f64: 8 };

export interface ChannelType {
  type: SampleType;
  bigEndian: boolean;
}

export function widthOf(type: SampleType): number {
  return WIDTHS[type];
}

export function isSampleType(text: unknown): text is SampleType {
  return typeof text === "string" && Object.hasOwn(WIDTHS, text);
}

/** The first samples of a buffer, as many as there are and `most` at most, into `out`; how many. */
export function readSamples(buffer: Uint8Array, { type, bigEndian }: ChannelType, most: number, out: Float64Array): number {
  const count = Math.min(most, Math.floor(buffer.length / WIDTHS[type]), out.length);
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  const little = !bigEndian;
  switch (type) {
    case "u8":
      for (let i = 0; i < count; i++) out[i] = buffer[i]!;
      break;
    case "s8":
      for (let i = 0; i < count; i++) out[i] = view.getInt8(i);
      break;
    case "u16":
      for (let i = 0; i < count; i++) out[i] = view.getUint16(2 * i, little);
      break;
    case "s16":
      for (let i = 0; i < count; i++) out[i] = view.getInt16(2 * i, little);
      break;
    case "u32":
      for (let i = 0; i < count; i++) out[i] = view.getUint32(4 * i, little);
      break;
    case "s32":
      for (let i = 0; i < count; i++) out[i] = view.getInt32(4 * i, little);
      break;
    case "f32":
      for (let i = 0; i < count; i++) out[i] = view.getFloat32(4 * i, little);
      break;
    case "f64":
      for (let i = 0; i < count; i++) out[i] = view.getFloat64(8 * i, little);
  }
  return count;
}
