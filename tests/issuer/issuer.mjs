// An OAuth 2 issuer on 127.0.0.1: oidc-provider, with the keys, clients and claims of a file.
// Who signs in there is whoever they say.
//
//   node issuer.mjs FILE
//
// FILE is JSON: port, jwks (private keys; the first one signs), algorithm, life (s), clients, roles by client id, and
// tokensAt, the origin at which it says that it gives tokens, or null.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import Provider from "oidc-provider";

const { port, jwks, algorithm, life, clients, roles, tokensAt } = JSON.parse(readFileSync(process.argv[2], "utf8"));

const provider = new Provider(`http://127.0.0.1:${port}`, {
  jwks,
  clients,
  cookies: { keys: ["throw-away"] },
  clientBasedCORS: (_, origin) => new URL(origin).hostname === "127.0.0.1", // of any port, as redirections
  extraTokenClaims: (_, token) => ({ realm_access: { roles: roles[token.clientId] ?? [] } }),
  features: {
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_, audience) => ({
        audience,
        scope: "",
        accessTokenFormat: "jwt",
        accessTokenTTL: life,
        jwt: { sign: { alg: algorithm } },
      }),
      useGrantedResource: () => true,
    },
  },
});

// Whoever waits for a device is to ask every second; without this they do every five.
provider.use(async (context, next) => {
  await next();
  if (context.oidc?.route === "device_authorization" && context.status === 200) context.body.interval = 1;
});

// Tokens may be had under another name. Pages load nothing: no font from elsewhere, and no icon.
provider.use(async (context, next) => {
  await next();
  if (context.oidc?.route === "discovery" && tokensAt) context.body.token_endpoint = `${tokensAt}/token`;
  if (typeof context.body !== "string") return;
  context.body = context.body.replace(/@import url[^;]*;/, "").replace("</title>", '$&<link rel="icon" href="data:,">');
});

createServer(provider.callback()).listen(port, "127.0.0.1");
