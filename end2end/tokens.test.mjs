// The interface for programs, as docs/API.md tells about it (ACC-7). Its tokens are read by somebody else's library, with
// nothing but what the installation publishes.

import assert from "node:assert/strict";
import {
  base, bothWays, cookieOf, elsewhere, freshPassword, mailTo, page, pathOf, press, raw, seen, story,
} from "./kit.mjs";
import { found, setUp } from "./people.mjs";
import { Driver, Phone } from "./python.mjs";

const reader = new Driver("tokens");

/** A program's request, from an address of its own. */
async function api(path, { body, token, headers } = {}) {
  const answer = await raw(`/api/v1${path}`, {
    method: body === undefined ? "GET" : "POST",
    body: body === undefined ? undefined : JSON.stringify(body),
    headers: {
      "user-agent": "RingfortTech/1.4 (Android 14)",
      "x-forwarded-for": elsewhere(),
      ...(body !== undefined && { "content-type": "application/json" }),
      ...(token && { authorization: `Bearer ${token}` }),
      ...headers,
    },
  });
  return { ...answer, json: JSON.parse(answer.body) };
}

const byPassword = ({ email, password }, more) =>
  api("/token", { body: { grant_type: "password", email, password, device: "Frances's phone", ...more } });
const refresh = (token) => api("/token", { body: { grant_type: "refresh_token", refresh_token: token } });
const me = async (token) => (await api("/me", { token })).status;

/** A pair of tokens, as RFC 6749, 5.1 has it. */
function pairIn({ status, headers, json }) {
  assert.equal(status, 200, JSON.stringify(json));
  assert.equal(headers["cache-control"], "no-store");
  assert.deepEqual([json.token_type, json.expires_in], ["Bearer", 300]);
  return { access: json.access_token, refresh: json.refresh_token, lasts: json.refresh_expires_in };
}

function isDenied({ status, json }, why) {
  assert.deepEqual([status, json.error], [400, "invalid_grant"]);
  if (why) assert.match(json.error_description, why);
}

/** What PyJWT makes of a token. */
async function read(token, { audience = "ringfort-api", issuer = base } = {}) {
  const { json: jwks } = await api("/jwks.json");
  return reader.ask({ read: token, jwks, issuer, audience });
}

story("an access token is good by the published keys, and opens what its person may open", async (stage) => {
  const tab = await stage.open({ from: elsewhere() });
  const person = await found(tab);
  const { access, lasts } = pairIn(await byPassword(person));
  assert.equal(lasts, 30 * 24 * 3600);

  const { json: jwks } = await api("/jwks.json");
  assert.ok(jwks.keys.length > 0);
  for (const key of jwks.keys) {
    assert.deepEqual([key.kty, key.crv, key.alg, key.use], ["OKP", "Ed25519", "EdDSA", "sig"]);
    assert.ok(!("d" in key), "the private half is nobody's");
  }
  const { header, claims, error, says } = await read(access);
  assert.ok(claims, `${error}: ${says}`);
  assert.deepEqual([header.alg, header.typ], ["EdDSA", "at+jwt"]);
  assert.equal(claims.exp - claims.iat, 300);
  assert.ok(Math.abs(claims.iat - Date.now() / 1000) < 30);
  assert.equal((await read(access, { audience: "somebody-else" })).error, "InvalidAudienceError");
  assert.equal((await read(access, { issuer: "https://evil.example" })).error, "InvalidIssuerError");

  const { status, json } = await api("/me", { token: access });
  assert.equal(status, 200);
  assert.equal(json.user.email, person.email);
  assert.deepEqual([json.member.name, json.business.name, json.role], [person.name, person.business, "owner"]);
  assert.deepEqual([claims.sub, claims.biz], [json.user.id, json.business.id]);
  assert.ok(json.permissions.some(({ code, reach }) => code === "calls.own" && reach === "all"));
});

story("a program is asked for a token, and a browser for a session: neither passes for the other", async (stage) => {
  const tab = await stage.open({ from: elsewhere() });
  const person = await found(tab);
  const { access } = pairIn(await byPassword(person));
  const cookie = await cookieOf(tab.context());
  const none = await api("/me");
  assert.deepEqual([none.status, none.json.kind], [401, "signed_out"]);
  assert.match(none.headers["www-authenticate"], /^Bearer/);
  assert.equal((await api("/me", { headers: { cookie } })).status, 401);
  const asPage = await raw("/account", { headers: { accept: "text/html", authorization: `Bearer ${access}` } });
  assert.deepEqual([asPage.status, asPage.headers.location], [303, "/sign-in?next=%2Faccount"]);

  // What is not signed by the installation is nobody's.
  const { json: jwks } = await api("/jwks.json");
  const { header, claims } = await read(access);
  assert.equal(await me(access), 200);
  for (const forge of ["none", "hs256", "stranger"]) {
    const { token } = await reader.ask({ forge, header, claims: { ...claims, exp: claims.exp + 60 }, jwks });
    assert.ok(token, forge);
    assert.equal(await me(token), 401, forge);
  }
  const [head, , signature] = access.split(".");
  const other = Buffer.from(JSON.stringify({ ...claims, exp: claims.exp + 60 })).toString("base64url");
  assert.equal(await me(`${head}.${other}.${signature}`), 401, "changed after it was signed");

  // And nothing but JSON is read.
  const form = await raw("/api/v1/token", {
    method: "POST",
    body: new URLSearchParams({ grant_type: "password", ...person, device: "x" }).toString(),
    headers: { "content-type": "application/x-www-form-urlencoded", "x-forwarded-for": elsewhere() },
  });
  assert.equal(form.status, 415);
  for (const [body, error] of [
    [{ grant_type: "client_credentials" }, "unsupported_grant_type"],
    [{ grant_type: "password", email: person.email, password: person.password }, "invalid_request"],
    [{ grant_type: "password", email: person.email, password: person.password, device: " " }, "invalid_request"],
    [{ grant_type: "refresh_token", refresh_token: "x", scope: "all" }, "invalid_request"],
  ]) {
    const refused = await api("/token", { body });
    assert.deepEqual([refused.status, refused.json.error], [400, error], JSON.stringify(body));
  }
});

story("a refresh token works once; used twice, it ends everything of its device", async (stage) => {
  const tab = await stage.open({ from: elsewhere() });
  const person = await found(tab);
  const first = pairIn(await byPassword(person));
  const bystander = pairIn(await byPassword(person, { device: "Frances's tablet" }));

  // An answer that got lost: the old one is good again, as long as the new one was not used.
  pairIn(await refresh(first.refresh));
  const second = pairIn(await refresh(first.refresh));
  const third = pairIn(await refresh(second.refresh));
  assert.equal(new Set([first, second, third].map((pair) => pair.refresh)).size, 3);
  assert.ok(third.lasts <= first.lasts && third.lasts > first.lasts - 120, "the end does not move");
  assert.equal(await me(third.access), 200);

  isDenied(await refresh(first.refresh));
  for (const pair of [first, second, third]) assert.equal(await me(pair.access), 401, "at once");
  isDenied(await refresh(third.refresh));
  const { text } = await mailTo(person.email, { is: ({ subject }) => /program was signed out/.test(subject) });
  assert.match(text, /showed a key that had been used before/);
  assert.equal(await me(bystander.access), 200, "another device goes on");
  await tab.goto(`${base}/account/sessions`);
  assert.equal(await tab.getByText("Frances's phone", { exact: true }).count(), 0);
  await seen(tab.getByText("Frances's tablet", { exact: true }));
});

bothWays("programs are listed beside one's sessions, and signed out there", async (stage, scripts) => {
  const tab = await stage.open({ scripts, from: elsewhere() });
  const person = await found(tab);
  await tab.goto(`${base}/account/sessions`);
  await seen(tab.getByText("No phone app and no other program is signed in with your account."));
  const phone = pairIn(await byPassword(person));
  const tablet = pairIn(await byPassword(person, { device: "Frances's <b>tablet" }));
  await tab.reload();
  const card = tab.locator("main li.card").filter({ hasText: "Frances's phone" });
  assert.match(await card.innerText(), new RegExp(`${person.business} · A program[\\s\\S]*Signed in[\\s\\S]*Good until`));
  await seen(tab.getByText("Frances's <b>tablet", { exact: true }));
  await press(tab, card.getByRole("button", { name: /^Sign out this program/ }));
  assert.equal(pathOf(tab), "/account/sessions");
  await seen(tab.getByText("That program is signed out."));
  assert.equal(await card.count(), 0);
  assert.equal(await me(phone.access), 401);
  isDenied(await refresh(phone.refresh));

  // A program signs itself out, by whatever it has.
  assert.equal(await me(tablet.access), 200);
  for (let n = 0; n < 2; n++) {
    assert.equal((await api("/token/revoke", { body: { refresh_token: tablet.refresh } })).status, 200);
    assert.equal(await me(tablet.access), 401);
  }
  assert.equal((await page("/account", await cookieOf(tab.context()))).status, 200, "the browser goes on");
});

story("a program is asked for the second factor too, and told so only after the right password", async (stage) => {
  const tab = await stage.open({ from: elsewhere() });
  const phone = new Phone();
  const person = await found(tab);
  const before = pairIn(await byPassword(person));
  const { secret, recovery } = await setUp(tab, phone);
  assert.equal(await me(before.access), 401, "what was got without a factor ends when one comes");
  isDenied(await refresh(before.refresh));

  const wrong = await byPassword({ ...person, password: freshPassword() });
  isDenied(wrong);
  const unknown = await byPassword({ email: `nobody-${person.email}`, password: freshPassword() });
  assert.deepEqual(unknown.json, wrong.json);
  const needed = await byPassword(person);
  isDenied(needed, /^a second factor is needed$/);
  assert.notDeepEqual(needed.json, wrong.json);
  const code = await phone.code(secret);
  assert.deepEqual((await byPassword(person, { code: await phone.wrongCode(secret) })).json, wrong.json);
  assert.equal(await me(pairIn(await byPassword(person, { code })).access), 200);
  isDenied(await byPassword(person, { code }));
  pairIn(await byPassword(person, { code: recovery[0] }));
});
