/**
 * What the numbers on the wire mean: configuration documents, bound to channels. Source: docs/protocol.md,
 * "Configuration documents". What is broken in a document is left out and told; the rest counts.
 */

import type { EventDefinition, Parameter } from "../worker/messages";
import { textsOf, type Conversion, type Scaling } from "./conversion";
import { isSampleType, type ChannelType } from "./samples";
import type { Binding } from "./session";

const DEEPEST = 64; // groups within each other

export interface BoundParameter extends Parameter, Scaling {}

export interface BoundEvent extends EventDefinition {
  conversions: (Conversion | null)[];
}

export interface Bound {
  parameters: BoundParameter[];
  /** Channels that no parameter has, as if they were one. */
  raws: BoundParameter[];
  events: BoundEvent[];
  /** All channels whose type is known, by their id on the wire. */
  types: Map<number, ChannelType>;
  intervals: Map<number, number>;
  /** How its data come, as the document says; they may come otherwise. */
  kinds: Map<number, "timestamped" | "periodic" | "row">;
  faults: string[];
}

type Fields = Record<string, unknown>;

/** The parameters and events of a parsed document. */
export function bind(document: unknown, { channelOffset }: Binding): Bound {
  const bound: Bound = { parameters: [], raws: [], events: [], types: new Map(), intervals: new Map(), kinds: new Map(), faults: [] };
  if (!isFields(document)) {
    bound.faults.push("a configuration is no object");
    return bound;
  }
  for (const [name, application] of Object.entries(document)) {
    if (isFields(application)) bindApplication(name, keysOf(application), channelOffset, bound);
    else if (application !== null) bound.faults.push(`${name} of a configuration is no object`);
  }
  const taken = new Set(bound.parameters.flatMap(({ channels }) => channels));
  bound.raws = bound.raws.filter(({ channels }) => !taken.has(channels[0]!));
  return bound;
}

function bindApplication(name: string, application: Fields, channelOffset: number, bound: Bound): void {
  const conversions = new Map<string, Conversion>();
  for (const one of listOf(application.conversions)) conversions.set(textOf(one.name), readConversion(one));
  for (const channel of listOf(application.channels)) {
    const type = channel.type ?? "f64";
    const id = Number(channel.id) + channelOffset;
    if (!isSampleType(type)) bound.faults.push(`channel ${id} has the type ${String(type)}, which is not known`);
    else if (Number.isSafeInteger(id)) {
      bound.types.set(id, { type, bigEndian: false });
      bound.raws.push(rawOf(name, channel, id));
      const interval = numberOf(channel.interval, 0);
      if (interval > 0) bound.intervals.set(id, interval);
      const source = channel.source === "synchro" ? "timestamped" : channel.source;
      if (source === "timestamped" || source === "periodic" || source === "row") bound.kinds.set(id, source);
    }
  }
  const groups = groupsOf(application.tree);
  for (const one of listOf(application.parameters)) {
    const parameter = readParameter(name, one, channelOffset, conversions, groups, bound);
    if (parameter.id !== "") bound.parameters.push(parameter);
  }
  for (const one of listOf(application.events)) {
    const names = Array.isArray(one.convs) ? one.convs : [];
    bound.events.push({
      id: numberOf(one.id, 0),
      application: name,
      code: textOf(one.code),
      description: textOf(one.desc),
      priority: textOf(one.pri),
      conversions: names.map((conversion) => conversions.get(textOf(conversion)) ?? null),
    });
  }
}

function readParameter(
  application: string,
  one: Fields,
  channelOffset: number,
  conversions: Map<string, Conversion>,
  groups: Map<string, string[]>,
  bound: Bound,
): BoundParameter {
  const id = textOf(one.id);
  const conversion = conversions.get(textOf(one.conv)) ?? null;
  const ids = (Array.isArray(one.channels) ? one.channels : []).map((channel) => Number(channel) + channelOffset);
  const channels = ids.filter((channel) => bound.types.has(channel));
  for (const channel of channels) bound.types.get(channel)!.bigEndian = one.byteorder === "be";
  const [min, max] = [numberOf(one.min, 0), numberOf(one.max, 0)];
  return {
    id,
    name: textOf(one.name) || id,
    description: textOf(one.desc),
    application,
    groups: groups.get(id) ?? [],
    unit: textOf(one.unit ?? conversion?.unit),
    format: textOf(one.format ?? conversion?.format),
    min,
    max,
    warnMin: numberOf(one.warnmin, min),
    warnMax: numberOf(one.warnmax, max),
    channels,
    interval: Math.max(0, ...channels.map((channel) => bound.intervals.get(channel) ?? 0)),
    raw: false,
    texts: textsOf(conversion),
    shift: Math.trunc(numberOf(one.shift, 0)),
    mask: maskOf(one.mask),
    offset: numberOf(one.offset, 0),
    conversion,
  };
}

/** It is named by its channel, as the document has it. */
function rawOf(application: string, channel: Fields, id: number): BoundParameter {
  const number = `#${Number(channel.id)}`;
  return {
    ...{ id: `${number}:${application}`, name: `${textOf(channel.name)} ${number}`.trim(), description: "", application, groups: [] },
    ...{ unit: "", format: "", min: 0, max: 0, warnMin: 0, warnMax: 0, channels: [id], raw: true, texts: null },
    interval: Math.max(0, numberOf(channel.interval, 0)),
    ...{ shift: 0, mask: 0xffffffff, offset: 0, conversion: null },
  };
}

function readConversion(one: Fields): Conversion {
  const fieldsOf = (value: unknown) => (isFields(value) ? keysOf(value) : null);
  const [rational, table, text] = [fieldsOf(one.rational), fieldsOf(one.table), fieldsOf(one.text)];
  return {
    name: textOf(one.name),
    unit: textOf(one.unit),
    format: textOf(one.format),
    rational: rational && { coeffs: numbersOf(rational.coeffs) },
    table: table && {
      raw: numbersOf(table.raw),
      calibrated: numbersOf(table.calibrated),
      interpolated: table.interpolated === true,
    },
    text: text && {
      keys: numbersOf(text.keys),
      values: (Array.isArray(text.values) ? text.values : []).map(textOf),
      default: textOf(text.default),
    },
    formula: isFields(one.formula),
  };
}

/** The groups of each parameter of a tree, from the top. */
function groupsOf(tree: unknown): Map<string, string[]> {
  const found = new Map<string, string[]>();
  const walk = (node: Fields, path: string[]) => {
    for (const id of Array.isArray(node.params) ? node.params : []) found.set(textOf(id), path);
    if (path.length >= DEEPEST) return;
    for (const group of listOf(node.groups)) walk(group, [...path, textOf(group.desc) || textOf(group.id)]);
  };
  if (isFields(tree)) walk(keysOf(tree), []);
  return found;
}

/** Keys may be written in any case. */
function keysOf(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key.toLowerCase(), value]));
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function listOf(value: unknown): Fields[] {
  return Array.isArray(value) ? value.filter(isFields).map(keysOf) : [];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function numberOf(value: unknown, otherwise: number): number {
  return typeof value === "number" && Number.isFinite(value) ? value : otherwise;
}

function numbersOf(value: unknown): number[] {
  return Array.isArray(value) ? value.map((one) => numberOf(one, NaN)) : [];
}

function maskOf(value: unknown): number {
  return typeof value === "string" && /^(0x)?[0-9a-f]+$/i.test(value) ? Number(BigInt.asUintN(32, BigInt(`0x${value.replace(/^0x/i, "")}`))) : 0xffffffff;
}
