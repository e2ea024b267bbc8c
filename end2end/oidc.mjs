// A provider of identities that runs here: oidc-provider, which is certified for OpenID Connect, with people whom a story
// makes up and a page of one form. It lives at localhost, and the product at 127.0.0.1: another site, as in real life.

import { generateKeyPairSync, randomUUID } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import * as oidc from "oidc-provider";

const CLIENT = { client_id: "ringfort-e2e", client_secret: "a shared secret, with + and % in it" };

/** What the product must be told of it. */
export const settings = (port) => ({
  RINGFORT_OIDC_ISSUER: `http://localhost:${port}`,
  RINGFORT_OIDC_CLIENT_ID: CLIENT.client_id,
  RINGFORT_OIDC_CLIENT_SECRET: CLIENT.client_secret,
  RINGFORT_OIDC_NAME: "Maple ID",
  RINGFORT_OUTBOUND_ALLOW: `localhost:${port}`,
});

const PAGE = `<!DOCTYPE html><html lang="en"><head><title>Maple ID</title><link rel="icon" href="data:,"></head><body>
<h1>Who are you?</h1><form method="post"><label>Account <input name="account"></label>
<button name="answer" value="agree">Agree</button><button name="answer" value="refuse">Refuse</button></form></body></html>`;

/** It can be asked to let people choose among their accounts, as Google can. */
function choosing() {
  const policy = oidc.interactionPolicy.base();
  policy.add(new oidc.interactionPolicy.Prompt({ name: "select_account", requestable: true }), 0);
  return policy;
}

async function formOf(request) {
  let body = "";
  for await (const chunk of request) body += chunk;
  return new URLSearchParams(body);
}

export class Identities {
  #people = new Map();
  #provider;
  #server;

  /** Listens on this port, for the product at this address. */
  static async open(port, product) {
    const identities = new Identities(`http://localhost:${port}`, `${product}/sign-in/oidc/callback`);
    identities.#server.listen(port, "127.0.0.1");
    await once(identities.#server, "listening");
    return identities;
  }

  constructor(issuer, redirect) {
    const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });
    this.#provider = new oidc.Provider(issuer, {
      clients: [{ ...CLIENT, redirect_uris: [redirect], response_types: ["code"], grant_types: ["authorization_code"] }],
      jwks: { keys: [{ ...key, use: "sig", alg: "RS256", kid: randomUUID() }] },
      cookies: { keys: [randomUUID()] },
      claims: { openid: ["sub"], email: ["email", "email_verified"] },
      // Into the identity token, as Google does it.
      conformIdTokenClaims: false,
      pkce: { required: () => true },
      features: { devInteractions: { enabled: false } },
      interactions: { url: (_, { uid }) => `/interaction/${uid}`, policy: choosing() },
      findAccount: (_, sub) => ({ accountId: sub, claims: async () => ({ sub, ...this.#people.get(sub) }) }),
      // Agreeing to sign in is agreeing to what is told.
      loadExistingGrant: async (ctx) => {
        const { client, provider, session } = ctx.oidc;
        const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
        grant.addOIDCScope("openid email");
        await grant.save();
        return grant;
      },
    });
    const rest = this.#provider.callback();
    this.#server = http.createServer((request, response) => {
      if (!request.url.startsWith("/interaction/")) return rest(request, response);
      return this.#interact(request, response).catch((error) => {
        response.writeHead(500, { "content-type": "text/plain" });
        response.end(String(error));
      });
    });
  }

  async #interact(request, response) {
    await this.#provider.interactionDetails(request, response);
    if (request.method !== "POST") {
      response.writeHead(200, { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" });
      return response.end(PAGE);
    }
    const form = await formOf(request);
    const result =
      form.get("answer") === "agree"
        ? { login: { accountId: form.get("account") }, select_account: {} }
        : { error: "access_denied" };
    return this.#provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  }

  /** Somebody has an account there; its subject. */
  enrol(email, { verified = true } = {}) {
    const subject = randomUUID();
    this.#people.set(subject, { email, email_verified: verified });
    return subject;
  }

  close() {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
