// An OAuth 2 issuer on 127.0.0.1: oidc-provider, with the keys, clients and claims of a file.
// Who signs in there is whoever they say.
//
//   node issuer.mjs FILE
//
// FILE is JSON: port, jwks (private keys; the first one signs), algorithm, life (s), clients, and roles by client id.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import Provider from "oidc-provider";

const { port, jwks, algorithm, life, clients, roles } = JSON.parse(readFileSync(process.argv[2], "utf8"));

const provider = new Provider(`http://127.0.0.1:${port}`, {
  jwks,
  clients,
  cookies: { keys: ["throw-away"] },
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

createServer(provider.callback()).listen(port, "127.0.0.1");
