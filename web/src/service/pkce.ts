/** What one sign-in is known by (RFC 7636; OpenID Connect Core 1.0, 3.1). Each is used once. */

export interface CodeRequest {
  verifier: string;
  state: string;
  nonce: string;
}

export function newCodeRequest(): CodeRequest {
  const text = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
  return { verifier: text(), state: text(), nonce: text() };
}

/** The challenge of a verifier, by S256. */
export async function challengeOf(verifier: string): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}

export function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

/** What a token says of itself, without any proof; nothing if it is no JWT. */
export function claimsOf(token: string): Record<string, unknown> {
  try {
    const text = atob((token.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/"));
    const said: unknown = JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (c) => c.charCodeAt(0))));
    return typeof said === "object" && said !== null ? (said as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
