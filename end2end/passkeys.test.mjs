// Passkeys (ACC-3), with Chromium's own authenticator: added, asked for, refused, taken away. Told by an installation of our
// own at http://localhost, because no passkey belongs to an IP address; the shared demo, which has one, says so.

import assert from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { after } from "node:test";
import { examine } from "./accessible.mjs";
import {
  agency, elsewhere, headingIs, pathOf, picture, press, raw, results, seen, signOut, status, story, user,
} from "./kit.mjs";
import { walk } from "./keys.mjs";
import { giveCode, recoveryCodes } from "./people.mjs";
import { Product, freePorts } from "./product.mjs";
import { psql } from "./psql.mjs";

const FORM = { accept: "application/json", "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin" };

let product, log, installed;

async function install() {
  const [port, metrics] = await freePorts(2);
  log = openSync(join(results, "passkeys-product.log"), "w");
  const settings = { RINGFORT_PUBLIC_URL: `http://localhost:${port}`, RINGFORT_TRUSTED_PROXIES: "127.0.0.1" };
  product = new Product("passkeys", [port, metrics], settings, log);
  product.start("demo");
  await product.ready(300);
  return `http://localhost:${port}`;
}

/** The installation's public address, which the first story that asks for it starts. */
const installation = () => (installed ??= install());

after(async () => {
  await product?.stop();
  product?.remove();
  if (log !== undefined) closeSync(log);
});

const sql = (statement) => psql(product.demo.owner_database_url, statement);
/** Somebody of the installation whom no other story takes. */
const person = (role) => product.demo.businesses[0].users.find((u) => u.role === role);

/** Chromium's authenticator in this tab: built in, knows whose key it has, asks for a finger and always finds it. */
async function authenticator(tab) {
  const cdp = await tab.context().newCDPSession(tab);
  await cdp.send("WebAuthn.enable");
  const options = {
    protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true,
    automaticPresenceSimulation: true,
  };
  const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", { options });
  return {
    credentials: async () => (await cdp.send("WebAuthn.getCredentials", { authenticatorId })).credentials,
    verifies: (isUserVerified) => cdp.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified }),
  };
}

const card = (tab) => tab.locator("section.card").filter({ has: tab.getByRole("heading", { name: "Passkeys", exact: true }) });
const problems = (tab) => tab.locator("#problems");
const button = (tab, name) => tab.getByRole("button", { name, exact: true });
const alert = (tab) => tab.locator('[data-passkey-part="problem"]');

/** Shows the password, and says at which path that ends. */
async function enter(tab, at, { email, password }) {
  await tab.goto(`${at}/sign-in`);
  await tab.getByLabel("Email address").fill(email);
  await tab.getByLabel("Password").fill(password);
  await press(tab, button(tab, "Sign in"));
  return pathOf(tab);
}

/** Adds the first passkey of somebody who is signed in here: their recovery codes. */
async function add(tab, at, name = "Work laptop") {
  await tab.goto(`${at}/account/two-factor`);
  await tab.getByLabel("Name of the passkey").fill(name);
  await press(tab, button(tab, "Add a passkey"));
  return recoveryCodes(tab);
}

/** A tab in which somebody is signed in and has a passkey. */
async function having(stage, role, { allow = [] } = {}) {
  const at = await installation();
  const tab = await stage.open({ from: elsewhere(), allow });
  const key = await authenticator(tab);
  const who = person(role);
  assert.equal(await enter(tab, at, who), "/home");
  const recovery = await add(tab, at);
  return { at, tab, key, who, recovery };
}

async function byPasskey(tab, at) {
  await tab.goto(`${at}/sign-in`);
  await press(tab, button(tab, "Sign in with a passkey"));
  return pathOf(tab);
}

/** The passkey was no good: the page says so and nobody is in. */
async function isRefused(tab, at) {
  assert.equal(await byPasskey(tab, at), "/sign-in");
  assert.match(await problems(tab).innerText(), /this passkey was not accepted/i);
}

/** What waiting would do: the last proof of all sessions of a person was eleven minutes ago. */
const letProofAge = ({ email }) =>
  sql(`update lobby.sessions set data = jsonb_set(data, '{proved}', to_jsonb(extract(epoch from now())::bigint - 660))
       where user_id = (select id from lobby.users where email = '${email}')`);

story(
  "a passkey is added, signs in with nothing else, and is taken away",
  async (stage) => {
    const { at, tab, key, recovery } = await having(stage, "dispatcher");
    assert.equal(new Set(recovery).size, 10);
    const [made, ...more] = await key.credentials();
    assert.deepEqual([more.length, made.rpId, made.isResidentCredential], [0, "localhost", true]);
    await tab.goto(`${at}/account/two-factor`);
    assert.match(await card(tab).innerText(), /Work laptop\s+Added .+\s+Last used –/);

    await signOut(tab);
    assert.equal(await byPasskey(tab, at), "/home");
    await tab.goto(`${at}/account/two-factor`);
    assert.doesNotMatch(await card(tab).innerText(), /Last used –/);
    await tab.goto(`${at}/account/sessions`);
    await seen(tab.getByText("Signed in with passkey", { exact: true }).first());

    // It goes on where one wanted to go.
    await signOut(tab);
    await tab.goto(`${at}/calls`);
    assert.equal(pathOf(tab), "/sign-in");
    await press(tab, button(tab, "Sign in with a passkey"));
    assert.equal(pathOf(tab), "/calls");

    await tab.goto(`${at}/account/two-factor`);
    const word = card(tab).getByLabel("Type remove to confirm");
    await word.fill("delete");
    await press(tab, button(tab, "Remove the passkey"));
    assert.match(await problems(tab).innerText(), /type remove to confirm/i);
    await word.fill("remove");
    await press(tab, button(tab, "Remove the passkey"));
    await seen(tab.getByText("The passkey is removed."));
    assert.equal(await button(tab, "Remove the passkey").count(), 0);
    await signOut(tab);
    await isRefused(tab, at);
  },
  { timeout: 400_000 },
);

story(
  "a passkey is the second proof after a password, and shows again who one is",
  async (stage) => {
    // The script is told that a proof is too old, and lets the form ask for a new one.
    const { at, tab, key, who } = await having(stage, "agent", { allow: [status(403)] });
    await signOut(tab);
    assert.equal(await enter(tab, at, who), "/sign-in/factor");
    await press(tab, button(tab, "Use your passkey"));
    assert.equal(pathOf(tab), "/home");
    const means = sql(`select means from lobby.sessions s join lobby.users u on u.id = s.user_id
                       where u.email = '${who.email}' order by s.created_at desc limit 1`);
    assert.equal(means, "password+passkey");

    letProofAge(who);
    await tab.goto(`${at}/account/two-factor`);
    assert.equal(pathOf(tab), "/confirm");
    assert.equal(await tab.getByLabel(/password/i).count(), 0, "a password is not enough");
    await press(tab, button(tab, "Use your passkey"));
    assert.equal(pathOf(tab), "/account/two-factor");

    // A form that waits meanwhile comes back with what was typed.
    await tab.getByLabel("Name of the passkey").fill("Old phone");
    letProofAge(who);
    await press(tab, button(tab, "Add a passkey"));
    assert.equal(pathOf(tab), "/confirm");
    await press(tab, button(tab, "Use your passkey"));
    assert.equal(pathOf(tab), "/account/two-factor");
    assert.equal(await tab.getByLabel("Name of the passkey").inputValue(), "Old phone");
    assert.equal((await key.credentials()).length, 1);
  },
  { timeout: 400_000 },
);

story(
  "who closes the question, or has nothing to answer with, is told so and stays",
  async (stage) => {
    const { at, tab, key, who, recovery } = await having(stage, "manager");
    // The same device makes no second one.
    await tab.goto(`${at}/account/two-factor`);
    await tab.getByLabel("Name of the passkey").fill("The same again");
    await button(tab, "Add a passkey").click();
    await seen(alert(tab));
    assert.match(await alert(tab).innerText(), /This device has a passkey for your account already/);
    assert.equal(await alert(tab).getAttribute("role"), "alert");
    assert.ok(await button(tab, "Add a passkey").isEnabled());
    assert.equal((await key.credentials()).length, 1);

    await signOut(tab);
    await key.verifies(false);
    await tab.goto(`${at}/sign-in`);
    await button(tab, "Sign in with a passkey").click();
    await seen(alert(tab));
    assert.match(await alert(tab).innerText(), /No passkey was used/);
    assert.equal(pathOf(tab), "/sign-in");
    await key.verifies(true);
    await press(tab, button(tab, "Sign in with a passkey"));
    assert.equal(pathOf(tab), "/home");

    // Without the device, a recovery code.
    const other = await stage.open({ from: elsewhere() });
    assert.equal(await enter(other, at, who), "/sign-in/factor");
    await other.getByRole("textbox", { name: /code/i }).fill(recovery[0]);
    await press(other, button(other, "Sign in"));
    assert.equal(pathOf(other), "/home");
  },
  { timeout: 400_000 },
);

/** Begins to sign in by HTTP alone: what a browser would be asked, and its cookie. */
async function begun(at) {
  const headers = { ...FORM, "x-forwarded-for": elsewhere() };
  const answer = await raw(`${at}/api/sign-in/passkey/start`, { method: "POST", headers, body: "" });
  assert.equal(answer.status, 200, answer.body);
  const set = [answer.headers["set-cookie"]].flat().find((c) => c.startsWith("__Host-passkey="));
  return { options: JSON.parse(answer.body), cookie: set.split(";")[0] };
}

/** Shows an answer by HTTP alone. */
async function shown(at, cookie, credential) {
  const headers = { ...FORM, "x-forwarded-for": elsewhere() };
  const body = new URLSearchParams({ credential }).toString();
  const { status, headers: answered } = await raw(`${at}/api/sign-in/passkey`, { method: "POST", headers, cookie, body });
  const isIn = [answered["set-cookie"] ?? []].flat().some((c) => c.startsWith("__Host-ringfort=") && !c.includes("Max-Age=0"));
  assert.equal(isIn, status === 200);
  return status;
}

/** Somebody else's page at the same host: another port, so another origin. */
async function neighbour() {
  const server = http.createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/html" });
    response.end("<!doctype html><title>A neighbour</title><link rel=icon href=data:,>");
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { address: `http://localhost:${server.address().port}`, close: () => server.close() };
}

story(
  "an answer counts once, for our question, from our page, and from no copy",
  async (stage) => {
    const { at, tab, who } = await having(stage, "viewer");
    await signOut(tab);

    // Sent again.
    await tab.goto(`${at}/sign-in`);
    const sent = tab.waitForRequest((r) => new URL(r.url()).pathname === "/api/sign-in/passkey");
    await press(tab, button(tab, "Sign in with a passkey"));
    assert.equal(pathOf(tab), "/home");
    const request = await sent;
    const { cookie } = await request.allHeaders();
    const credential = new URLSearchParams(request.postData()).get("credential");
    assert.ok(cookie.includes("__Host-passkey=") && credential.includes("clientDataJSON"));
    assert.equal(await shown(at, cookie, credential), 422);
    await signOut(tab);

    // To another question.
    await tab.goto(`${at}/sign-in`);
    await tab.evaluate(() => {
      const get = navigator.credentials.get.bind(navigator.credentials);
      navigator.credentials.get = ({ publicKey }) => {
        publicKey.challenge = crypto.getRandomValues(new Uint8Array(32));
        return get({ publicKey });
      };
    });
    await press(tab, button(tab, "Sign in with a passkey"));
    assert.equal(pathOf(tab), "/sign-in");
    assert.match(await problems(tab).innerText(), /this passkey was not accepted/i);

    // From somebody else's page.
    const page = await neighbour();
    const { options, cookie: ours } = await begun(at);
    await tab.goto(page.address);
    const elsewheres = await tab.evaluate(async (json) => {
      const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(json);
      return JSON.stringify((await navigator.credentials.get({ publicKey })).toJSON());
    }, options);
    page.close();
    assert.equal(await shown(at, ours, elsewheres), 422);

    // From a copy, which has counted less far.
    const stored = `lobby.passkeys where user_id = (select id from lobby.users where email = '${who.email}')`;
    const counter = sql(`select credential #>> '{cred,counter}' from ${stored}`);
    const set = (to) => sql(`update lobby.passkeys set credential = jsonb_set(credential, '{cred,counter}', '${to}')
                             where user_id = (select id from lobby.users where email = '${who.email}')`);
    set(1_000_000);
    await isRefused(tab, at);
    assert.equal(sql("select count(*) from audit_entries where action = 'factor.suspect'"), "1");
    set(counter);
    assert.equal(await byPasskey(tab, at), "/home");
  },
  { timeout: 400_000 },
);

/** By its place: Playwright finds no text inside of <noscript>, even where it is shown. */
const sentence = (where) => where.locator("form[data-passkey] noscript p").first();

story(
  "without scripts, a sentence stands in for the button",
  async (stage) => {
    const at = await installation();
    const tab = await stage.open({ scripts: false, from: elsewhere() });
    await tab.goto(`${at}/sign-in`);
    await seen(sentence(tab));
    assert.equal(await button(tab, "Sign in with a passkey").count(), 0);
    await picture(tab, "passkeys-sign-in-plain");
    assert.equal(await enter(tab, at, person("technician")), "/home", "the other ways are there");
    await tab.goto(`${at}/account/two-factor`);
    await seen(sentence(card(tab)));
    assert.equal(await tab.getByLabel("Name of the passkey").isVisible(), false);
    await picture(tab, "passkeys-two-factor-plain");
  },
  { timeout: 400_000 },
);

story(
  "without scripts, who has a passkey gets on by recovery codes, and takes it away",
  async (stage) => {
    const { at, tab: scripted, who, recovery } = await having(stage, "owner");
    await signOut(scripted);
    const tab = await stage.open({ scripts: false, from: elsewhere() });
    assert.equal(await enter(tab, at, who), "/sign-in/factor");
    await seen(sentence(tab));
    assert.equal(await button(tab, "Use your passkey").count(), 0);
    await picture(tab, "passkeys-factor-plain");
    await giveCode(tab, recovery[0]);
    assert.equal(pathOf(tab), "/home");

    letProofAge(who);
    await tab.goto(`${at}/account/two-factor`);
    assert.equal(pathOf(tab), "/confirm");
    await seen(sentence(tab));
    assert.equal(await tab.getByLabel(/password/i).count(), 0, "a password is not enough");
    await picture(tab, "passkeys-confirm-plain");
    await giveCode(tab, recovery[0], "Go on");
    assert.equal(pathOf(tab), "/confirm");
    assert.match(await problems(tab).innerText(), /this code is not right, was used already/i);
    await giveCode(tab, recovery[1], "Go on");
    assert.equal(pathOf(tab), "/account/two-factor");

    assert.match(await card(tab).innerText(), /Work laptop/);
    await picture(tab, "passkeys-two-factor-on-plain");
    await card(tab).getByLabel("Type remove to confirm").fill("remove");
    await press(tab, button(tab, "Remove the passkey"));
    await seen(tab.getByText("The passkey is removed."));
    assert.doesNotMatch(await card(tab).innerText(), /Work laptop/);
    await signOut(tab);
    assert.equal(await enter(tab, at, who), "/home", "the password is enough again");
  },
  { timeout: 400_000 },
);

story(
  "the forms with passkeys are reached by Tab",
  async (stage) => {
    const { at, tab, who } = await having(stage, "admin");
    const walkWith = async (name) => {
      await seen(button(tab, name));
      await walk(tab);
    };
    await tab.goto(`${at}/account/two-factor`);
    await seen(button(tab, "Remove the passkey"));
    await walkWith("Add a passkey");
    letProofAge(who);
    await tab.goto(`${at}/account/two-factor`);
    await headingIs(tab, "Please show that it is you");
    await walkWith("Use your passkey");
    await signOut(tab);
    await tab.goto(`${at}/sign-in`);
    await walkWith("Sign in with a passkey");
    assert.equal(await enter(tab, at, who), "/sign-in/factor");
    await walkWith("Use your passkey");
  },
  { timeout: 400_000 },
);

story(
  "the pages with passkeys: no finding of axe, in light and dark, wide and on a phone",
  async (stage) => {
    const { at, tab, who } = await having(stage, "auditor");
    const looksRight = async (path) => assert.deepEqual(await examine(tab, `passkeys-${path}`), []);
    await tab.goto(`${at}/account/two-factor`);
    await looksRight("two-factor");
    letProofAge(who);
    await tab.goto(`${at}/account/two-factor`);
    assert.equal(pathOf(tab), "/confirm");
    await looksRight("confirm");
    await signOut(tab);
    await tab.goto(`${at}/sign-in`);
    await looksRight("sign-in");
    await enter(tab, at, who);
    await looksRight("factor");
  },
  { timeout: 400_000 },
);

story("an installation that is reached by an IP address says that it has no passkeys", async (stage) => {
  const tab = await stage.open({ as: user(agency, "manager"), path: "/account/two-factor" });
  await seen(card(tab).getByText("Passkeys need a host name"));
  assert.equal(await button(tab, "Add a passkey").count(), 0);
  const stranger = await stage.open({ path: "/sign-in" });
  assert.equal(await button(stranger, "Sign in with a passkey").count(), 0);
});
