/** What the service says of itself, how one signs in, and who one is. */

import { Failure, type Service } from "./service";

export interface SignInOffer {
  required: boolean; // whoever has not signed in may do nothing
  tokens: boolean; // there are static ones
  issuer: { authority: string; clientId: string; audience: string | null; scopes: string[] } | null;
}

export interface Info {
  label: string;
  description: string;
  timezone: string | null; // an IANA name; null: whoever asks may not read
  auth: SignInOffer | null; // null: nobody has to sign in
}

export type Role = "read" | "operate" | "administer";

export interface Person {
  name: string;
  role: Role | null;
  ends: number | null; // ms since the epoch
}

const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : null);

export function readInfo(said: Record<string, unknown>): Info {
  const auth = said["auth"] as Record<string, unknown> | undefined;
  return {
    label: text(said["label"]) ?? "",
    description: text(said["description"]) ?? "",
    timezone: text(said["timezone"]),
    auth: typeof auth === "object" && auth !== null ? readOffer(auth) : null,
  };
}

function readOffer(auth: Record<string, unknown>): SignInOffer {
  const [authority, clientId] = [text(auth["authority"]), text(auth["clientId"])];
  const scopes = Array.isArray(auth["scopes"]) ? auth["scopes"].filter((it) => typeof it === "string") : [];
  const issuer =
    authority === null || clientId === null ? null : { authority, clientId, audience: text(auth["audience"]), scopes };
  return { required: auth["required"] === true, tokens: auth["tokens"] === true, issuer };
}

export const askInfo = async (service: Service) => readInfo((await service.json("rta/v2/info")) ?? {});

/** Who the service takes us for; null: for nobody who may do anything. */
export async function askPerson(service: Service): Promise<Person | null> {
  try {
    const said = await service.json<Record<string, unknown>>("rta/v2/whoami");
    const ends = Date.parse(text(said["ends"]) ?? "");
    return { name: text(said["name"]) ?? "", role: roleOf(said["role"]), ends: Number.isNaN(ends) ? null : ends };
  } catch (error) {
    if (error instanceof Failure && (error.status === 401 || error.status === 403)) return null;
    throw error;
  }
}

const ROLES: Role[] = ["read", "operate", "administer"];
const roleOf = (value: unknown): Role | null => ROLES.find((role) => role === value) ?? null;

/** Whether somebody with this role may do what needs that one. Each role includes those before it. */
export const may = (role: Role | null, needed: Role) => role !== null && ROLES.indexOf(role) >= ROLES.indexOf(needed);
