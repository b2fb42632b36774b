/** Which sessions are wanted, as the service's query dialect says it (docs/rest.md, "Queries"). */

export type Operator = "is" | "isNot" | "contains" | "begins" | "atLeast" | "atMost" | "missing";

export interface Filter {
  path: string; // a property: identifier, details.driver …
  operator: Operator;
  value: string; // as it was typed
}

export interface Wanted {
  text: string; // words that all have to be somewhere
  filters: Filter[];
}

/** What is known of a property, from the metamodel. */
export interface Property {
  path: string;
  label: string;
  type: string | null; // string, integer, number, boolean, date-time …; null: not known
  values: (string | number | boolean)[];
  minimum: string | number | null;
  maximum: string | number | null;
}

type Json = null | string | number | boolean | Json[] | { [key: string]: Json };
export type Query = { [key: string]: Json };

const LIVE: Json = { $in: ["open", "waiting"] };
const ENDED: Json = { $nin: ["open", "waiting"] };

/** The query for live sessions, or for those that have ended. */
export function queryOf(wanted: Wanted, live: boolean, properties: Property[] = []): Query {
  const criteria: Query[] = [{ state: live ? LIVE : ENDED }];
  for (const word of wanted.text.split(/\s+/).filter((it) => it !== "")) criteria.push(anywhere(word, properties));
  for (const filter of wanted.filters) if (isWhole(filter)) criteria.push(criterion(filter));
  return criteria.length === 1 ? criteria[0]! : { $and: criteria };
}

/** A filter that somebody is still writing asks for nothing. */
export const isWhole = ({ path, operator, value }: Filter) =>
  path !== "" && (operator === "missing" || value.trim() !== "");

/** In the name, the identity, the group, or any detail that is a text; a number is equal to one that is a number. */
function anywhere(word: string, properties: Property[]): Query {
  const details = properties.filter(({ path }) => path.startsWith("details."));
  const texts = ["identifier", "identity", "group", ...details.map(({ path }) => path)].slice(0, 100);
  const criteria: Query[] = texts.map((path) => ({ [path]: { $contains: word } }));
  const number = numberOf(word);
  if (number !== null) criteria.push(...texts.slice(3).map((path) => ({ [path]: number })));
  return { $or: criteria };
}

function criterion({ path, operator, value }: Filter): Query {
  switch (operator) {
    case "is":
      return { [path]: { $in: readings(value) } };
    case "isNot":
      return { [path]: { $nin: readings(value) } };
    case "contains":
      return { [path]: { $contains: value.trim() } };
    case "begins":
      return { [path]: { $startsWith: value.trim() } };
    case "atLeast":
      return { [path]: { $gte: numberOf(value) ?? value.trim() } };
    case "atMost":
      return { [path]: { $lte: numberOf(value) ?? value.trim() } };
    case "missing":
      return { [path]: null };
  }
}

/** A typed value may be meant as a text, a number or a boolean: values of different kinds are never equal. */
function readings(value: string): Json[] {
  const text = value.trim();
  const number = numberOf(text);
  const all: Json[] = [text];
  if (number !== null) all.push(number);
  if (text === "true" || text === "false") all.push(text === "true");
  return all;
}

function numberOf(value: string): number | null {
  const text = value.trim();
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) && Number.isFinite(Number(text)) ? Number(text) : null;
}

/** The properties that the metamodel names, at most so many as a person can choose from. */
export function readMetamodel(model: Record<string, unknown>): Property[] {
  const found: Property[] = [];
  const add = (path: string, label: string, said: unknown) => {
    if (typeof said !== "object" || said === null) return;
    const { type, constraints } = said as { type?: unknown; constraints?: Record<string, unknown> };
    const values = Array.isArray(constraints?.["values"]) ? constraints["values"] : [];
    found.push({
      path,
      label,
      type: typeof type === "string" ? type : null,
      values: values.filter((it) => ["string", "number", "boolean"].includes(typeof it)),
      minimum: bound(constraints?.["minimum"]),
      maximum: bound(constraints?.["maximum"]),
    });
  };
  for (const [head, said] of Object.entries(model)) {
    if (head === "details") for (const [name, one] of members(said)) add(`details.${name}`, name, one);
    else if (head === "extDetails") {
      for (const [group, one] of members(said)) {
        const inner = (one as { properties?: unknown } | null)?.properties;
        for (const [name, property] of members(inner)) add(`extDetails.${group}.${name}`, `${group} ${name}`, property);
      }
    } else if (head !== "state") add(head, head, said);
  }
  return found;
}

const members = (said: unknown) => (typeof said === "object" && said !== null ? Object.entries(said) : []);
const bound = (value: unknown) => (typeof value === "string" || typeof value === "number" ? value : null);
