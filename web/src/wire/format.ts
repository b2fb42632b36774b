/** Values as people read them, by a format as that of C. What does not fit shows the plain value. */

const FORM = /%([-+ #0]*)(\d*)(?:\.(\d*))?(?:hh|h|ll|l|L|q|j|z|t)?([idufFgGeExXocs%])/g;
const MOST = 64; // of width and precision

export function formatValue(format: string, value: number | string): string {
  const plain = typeof value === "string" ? value : general(value, 6, false);
  if (format === "") return plain;
  let used = 0;
  let fits = true;
  const text = format.replace(FORM, (_, flags: string, width: string, precision: string | undefined, kind: string) => {
    if (kind === "%") return "%";
    used++;
    const written = formatOne(value, plain, flags, precision === undefined ? null : bounded(precision), kind);
    if (written === null) fits = false;
    return written === null ? "" : padded(written, flags, bounded(width), kind, value);
  });
  return used === 1 && fits ? text : plain;
}

/** null: the format does not fit the value. */
function formatOne(value: number | string, plain: string, flags: string, precision: number | null, kind: string): string | null {
  if (kind === "s") return precision === null ? plain : [...plain].slice(0, precision).join("");
  if (typeof value === "string" || !Number.isFinite(value)) return plain;
  switch (kind) {
    case "i":
    case "d":
    case "u":
      return sign(rounded(value), flags) + digits(rounded(value), 10, precision);
    case "o":
    case "x":
    case "X": {
      const bits = Number(BigInt.asUintN(32, BigInt(rounded(value))));
      const written = digits(bits, kind === "o" ? 8 : 16, precision);
      const prefix = !flags.includes("#") ? "" : kind === "o" ? "0o" : `0${kind}`;
      return sign(1, flags) + prefix + (kind === "X" ? written.toUpperCase() : written);
    }
    case "c": {
      const code = rounded(value);
      return code >= 0 && code < 0x110000 && !/[\p{C}\p{Z}]/u.test(String.fromCodePoint(code).replace(" ", ""))
        ? String.fromCodePoint(code)
        : plain;
    }
    case "e":
    case "E": {
      const written = exponent(Math.abs(value), precision ?? 6);
      return sign(value, flags) + (kind === "E" ? written.toUpperCase() : written);
    }
    case "g":
    case "G": {
      const written = general(Math.abs(value), precision ?? 6, flags.includes("#"));
      return sign(value, flags) + (kind === "G" ? written.toUpperCase() : written);
    }
    default:
      return sign(value, flags) + fixed(Math.abs(value), precision ?? 6, flags.includes("#"));
  }
}

function padded(text: string, flags: string, width: number, kind: string, value: number | string): string {
  const missing = width - [...text].length;
  const isNumber = kind !== "c" && typeof value === "number" && Number.isFinite(value);
  if (missing <= 0 || !(isNumber || kind === "s")) return text;
  if (flags.includes("-")) return text + " ".repeat(missing);
  if (kind === "s" || !flags.includes("0")) return " ".repeat(missing) + text;
  const [, head, rest] = /^([-+ ]?(?:0[oxX])?)(.*)$/.exec(text)!;
  return head + "0".repeat(missing) + rest;
}

function bounded(digits: string): number {
  return Math.min(Number(digits || 0), MOST);
}

function sign(value: number, flags: string): string {
  if (value < 0 || Object.is(value, -0)) return "-";
  return flags.includes("+") ? "+" : flags.includes(" ") ? " " : "";
}

function digits(value: number, base: number, precision: number | null): string {
  return BigInt(Math.abs(value)).toString(base).padStart(precision ?? 1, "0");
}

/** To the nearest whole number, halves to the even one; never -0. */
function rounded(value: number): number {
  const below = Math.floor(value);
  const part = value - below;
  return (part < 0.5 || (part === 0.5 && below % 2 === 0) ? below : below + 1) + 0;
}

function fixed(value: number, precision: number, point: boolean): string {
  const text = value < 1e21 ? toEven(value, (more) => value.toFixed(more), precision) : withZeros(BigInt(value).toString(), precision);
  return point && precision === 0 ? `${text}.` : text;
}

function withZeros(text: string, precision: number): string {
  return precision > 0 ? `${text}.${"0".repeat(precision)}` : text;
}

function exponent(value: number, precision: number): string {
  const text = toEven(value, (more) => value.toExponential(more), precision);
  const [mantissa, power] = text.split("e") as [string, string];
  return `${mantissa}e${power[0]}${power.slice(1).padStart(2, "0")}`;
}

/** JavaScript rounds a half up, C to the even digit. That matters where a double is such a half exactly. */
function toEven(value: number, write: (precision: number) => string, precision: number): string {
  const up = write(precision);
  const [digits, power] = up.split("e") as [string, string | undefined];
  const more = write(Math.min(100, precision + 40)).split("e")[0]!;
  const rest = more.slice(more.indexOf(".") + 1 + precision);
  if (value === 0 || Number(digits.at(-1)) % 2 === 0 || !/^50*$/.test(rest)) return up;
  const below = String(BigInt(digits.replace(".", "")) - 1n).padStart(precision + 1, "0");
  const text = precision > 0 ? `${below.slice(0, -precision)}.${below.slice(-precision)}` : below;
  return power === undefined ? text : `${text}e${power}`;
}

/** As %g. */
function general(value: number, precision: number, keep: boolean): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value < 0 ? "-inf" : "inf";
  if (value < 0 || Object.is(value, -0)) return `-${general(-value, precision, keep)}`;
  const most = precision || 1;
  const power = value === 0 ? 0 : Number(exponent(value, most - 1).split("e")[1]);
  const written = power < -4 || power >= most ? exponent(value, most - 1) : fixed(value, most - 1 - power, false);
  if (keep && !written.includes(".")) return written.replace(/e|$/, ".$&");
  if (keep || !written.includes(".")) return written;
  return written.replace(/\.?0+(e|$)/, "$1");
}
