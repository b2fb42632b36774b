/** Times in ns since the Unix epoch, exactly: as bigint, and out of JSON, which would round them. */

/** The bigint of a JSON number or text of digits; null if it is none of 64 bits. */
export function nanoseconds(value: unknown): bigint | null {
  if (typeof value === "number" && !Number.isSafeInteger(value)) return null;
  if (typeof value !== "number" && typeof value !== "string" && typeof value !== "bigint") return null;
  if (typeof value === "string" && !/^-?\d{1,19}$/.test(value)) return null;
  const found = BigInt(value);
  return BigInt.asIntN(64, found) === found ? found : null;
}

/** Parses JSON; whole numbers that a double does not hold become texts of their digits. */
export function parseExactly(text: string): unknown {
  const exact = text.replace(/"[^"\\]*(?:\\[^][^"\\]*)*"|-?\d{16,}(?![\d.eE])/g, (found) => (found[0] === '"' ? found : `"${found}"`));
  return JSON.parse(exact);
}
