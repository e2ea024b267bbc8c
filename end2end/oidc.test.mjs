// Signing in with a provider of identities (ACC-6), which is somebody else's program (oidc.mjs). Told by an installation of
// our own that trusts it.

import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after } from "node:test";
import { examine } from "./accessible.mjs";
import {
  bothWays, elsewhere, eventually, headingIs, parseMail, pathOf, press, results, seen, signOut, status, story,
} from "./kit.mjs";
import { walk } from "./keys.mjs";
import { Identities, settings } from "./oidc.mjs";
import { apply, finish, giveCode, somebody } from "./people.mjs";
import { Product, freePorts } from "./product.mjs";
import { Phone } from "./python.mjs";

const CALLBACK = "/sign-in/oidc/callback";

let product, identities, log, installed;

async function install() {
  const [port] = await freePorts(1);
  log = openSync(join(results, "oidc-product.log"), "w");
  // Tries are limited per address: each browser comes from one of its own.
  const all = { ...settings(port), RINGFORT_TRUSTED_PROXIES: "127.0.0.1", RUST_LOG: "warn,ringfort=info" };
  product = await Product.make("oidc", { settings: all, log });
  identities = await Identities.open(port, product.base);
  product.start("serve");
  await product.ready(120);
  return product.base;
}

/** Where the installation is, which the first story that asks for it starts. */
const installation = () => (installed ??= install());

after(async () => {
  await product?.stop();
  product?.remove();
  identities?.close();
  if (log !== undefined) closeSync(log);
});

/** The newest mail to somebody that is as asked for. */
const mail = (email, is = () => true) =>
  eventually(
    () => {
      const folder = join(product.data, "mail");
      const names = readdirSync(folder).filter((name) => name.endsWith(".eml"));
      const mails = names.map((name) => parseMail(readFileSync(join(folder, name), "utf8")));
      return mails.find((found) => found.to.includes(email) && is(found));
    },
    { within: 30_000, every: 200, what: `a mail to ${email}` },
  );

/** A business of a story's own, and its owner, in this tab. */
async function found(tab, at) {
  const person = somebody();
  await apply(tab, person, at);
  await finish(tab, person, (await mail(person.email, ({ link }) => link)).link);
  return person;
}

const button = (tab, name) => tab.getByRole("button", { name, exact: true });

/** Says at the provider who one is, or that one is not. */
async function say(tab, account, answer = "Agree") {
  await headingIs(tab, "Who are you?");
  await tab.getByLabel("Account").fill(account);
  await press(tab, button(tab, answer));
}

/** The provider knows nobody in this browser any more. */
const forgetProvider = (tab) => tab.context().clearCookies({ domain: "localhost" });

/** To the provider from one's account, and back to the page with the button that links. */
async function comeToLink(tab, at, account) {
  await tab.goto(`${at}/account`);
  await press(tab, tab.getByRole("link", { name: "Maple ID account" }));
  await press(tab, button(tab, "Link a Maple ID account"));
  await say(tab, account);
  await headingIs(tab, "Link your Maple ID account");
}

async function linkAt(tab, at, account) {
  await comeToLink(tab, at, account);
  await press(tab, button(tab, "Link it"));
  assert.equal(pathOf(tab), "/account/linked");
  await seen(tab.getByText("The account is linked. Your other sessions were ended."));
}

/** To the provider from the sign-in page, and back to the page with the button. */
async function comeBack(tab, at, account) {
  await tab.goto(`${at}/sign-in?next=/calls`);
  await press(tab, button(tab, "Sign in with Maple ID"));
  await say(tab, account);
  await headingIs(tab, "Sign in with Maple ID");
  assert.equal(pathOf(tab), "/sign-in/oidc", "state and code have left the address");
}

bothWays("an account is linked by a proof of both, signs in, and does not once it is unlinked", async (stage, scripts) => {
  const at = await installation();
  const tab = await stage.open({ scripts, from: elsewhere() });
  const person = await found(tab, at);
  const other = await stage.open({ scripts, from: elsewhere(), allow: [status(401)] });
  await other.goto(`${at}/sign-in`);
  await other.getByLabel("Email address").fill(person.email);
  await other.getByLabel("Password").fill(person.password);
  await press(other, button(other, "Sign in"));
  assert.equal(pathOf(other), "/home");

  // Their address at the provider is theirs here, and that opens nothing.
  const account = identities.enrol(person.email);
  const stranger = await stage.open({ scripts, from: elsewhere() });
  await comeBack(stranger, at, account);
  await press(stranger, button(stranger, "Sign in"));
  await headingIs(stranger, "This Maple ID account is not linked");
  await seen(stranger.getByText("No account here is linked with this Maple ID account."));
  const text = await stranger.locator("main").innerText();
  await forgetProvider(stranger);
  await comeBack(stranger, at, identities.enrol("nobody@e2e.example"));
  await press(stranger, button(stranger, "Sign in"));
  assert.equal(await stranger.locator("main").innerText(), text, "as for an address that nobody has here");

  await linkAt(tab, at, account);
  await mail(person.email, ({ subject }) => subject === "A Maple ID account was linked with your Ringfort account");
  await other.goto(`${at}/home`);
  assert.equal(pathOf(other), "/sign-in", "the other session has ended");

  await signOut(tab);
  await forgetProvider(tab);
  await comeBack(tab, at, account);
  await press(tab, button(tab, "Sign in"));
  assert.equal(pathOf(tab), "/calls", "where the person was going");
  await tab.goto(`${at}/account/sessions`);
  await seen(tab.getByText("Signed in with linked account"));

  // Who is known at the provider is not asked there.
  await signOut(tab);
  await tab.goto(`${at}/sign-in`);
  await press(tab, button(tab, "Sign in with Maple ID"));
  await headingIs(tab, "Sign in with Maple ID");
  await press(tab, button(tab, "Sign in"));
  assert.equal(pathOf(tab), "/home");

  await tab.goto(`${at}/account/linked`);
  await press(tab, button(tab, "Unlink"));
  await seen(tab.getByText("The account is unlinked. Your other sessions were ended."));
  await signOut(tab);
  await forgetProvider(tab);
  await comeBack(tab, at, account);
  await press(tab, button(tab, "Sign in"));
  await headingIs(tab, "This Maple ID account is not linked");
});

bothWays("who has a second factor is asked for it after the provider too", async (stage, scripts) => {
  const at = await installation();
  const phone = new Phone();
  const tab = await stage.open({ scripts, from: elsewhere() });
  const person = await found(tab, at);
  const account = identities.enrol(person.email);
  await linkAt(tab, at, account);
  await tab.goto(`${at}/account/two-factor`);
  await press(tab, button(tab, "Set up an authenticator app"));
  const secret = (await tab.locator("main code.secret").innerText()).replaceAll(/\s/g, "");
  await giveCode(tab, await phone.lastCode(secret), "Switch it on");
  await signOut(tab);
  await forgetProvider(tab);
  await comeBack(tab, at, account);
  await press(tab, button(tab, "Sign in"));
  assert.equal(pathOf(tab), "/sign-in/factor");
  await tab.goto(`${at}/home`);
  assert.equal(pathOf(tab), "/sign-in", "the provider alone opens nothing");
  await tab.goto(`${at}/sign-in/factor`);
  await giveCode(tab, await phone.code(secret));
  assert.equal(pathOf(tab), "/calls");
  await tab.goto(`${at}/account/sessions`);
  await seen(tab.getByText("Signed in with linked account and authenticator app"));
});

bothWays("what comes back counts once, unchanged, in the browser that went", async (stage, scripts) => {
  const at = await installation();
  const tab = await stage.open({ scripts, from: elsewhere() });
  const person = await found(tab, at);
  const account = identities.enrol(person.email);
  await linkAt(tab, at, account);
  await signOut(tab);
  await forgetProvider(tab);
  let address;
  tab.on("request", (request) => {
    if (new URL(request.url()).pathname === CALLBACK) address = request.url();
  });
  await comeBack(tab, at, account);

  const thief = await stage.open({ scripts, from: elsewhere() });
  await thief.goto(address);
  await headingIs(thief, "This took too long");
  await thief.goto(`${at}/sign-in/oidc`);
  await headingIs(thief, "This took too long");
  const tampered = new URL(address);
  tampered.searchParams.set("state", `${tampered.searchParams.get("state").slice(1)}A`);
  await tab.goto(String(tampered));
  await headingIs(tab, "This took too long");

  await tab.goto(`${at}/sign-in/oidc`);
  await press(tab, button(tab, "Sign in"));
  assert.equal(pathOf(tab), "/calls", "nothing of that has used it up");
  await signOut(tab);
  await tab.goto(address);
  await headingIs(tab, "This took too long");

  // A fresh code of another way there: the provider holds it against the verifier.
  await forgetProvider(tab);
  await comeBack(tab, at, account);
  const stolen = new URL(address);
  await forgetProvider(tab);
  await comeBack(tab, at, account);
  const own = new URL(address);
  assert.notEqual(own.searchParams.get("code"), stolen.searchParams.get("code"));
  own.searchParams.set("code", stolen.searchParams.get("code"));
  await tab.goto(String(own));
  await press(tab, button(tab, "Sign in"));
  await headingIs(tab, "Maple ID has not confirmed who you are");

  await forgetProvider(tab);
  await tab.goto(`${at}/sign-in`);
  await press(tab, button(tab, "Sign in with Maple ID"));
  await say(tab, account, "Refuse");
  await headingIs(tab, "Maple ID was told no");
  await press(tab, tab.getByRole("link", { name: "Sign in another way" }));
  assert.equal(pathOf(tab), "/sign-in");
});

/** Invites somebody, and returns the mailed link. */
async function invite(owner, at, { email }) {
  await owner.goto(`${at}/team`);
  await owner.getByLabel("Email address").fill(email);
  await owner.getByLabel("Role", { exact: true }).selectOption("agent");
  await press(owner, owner.getByRole("button", { name: "Send the invitation" }));
  return (await mail(email, ({ link }) => link)).link;
}

bothWays("an invitation is joined with the account of the invited address, and of no other", async (stage, scripts) => {
  const at = await installation();
  const owner = await stage.open({ scripts, from: elsewhere() });
  const { business } = await found(owner, at);
  const guest = somebody("Colin Ash");
  const link = await invite(owner, at, guest);

  const tab = await stage.open({ scripts, from: elsewhere() });
  const join = async (account) => {
    await forgetProvider(tab);
    await tab.goto(link);
    await press(tab, button(tab, "Join with Maple ID"));
    await say(tab, account);
    await headingIs(tab, `Join ${business}`);
    await tab.getByLabel("Your name").fill(guest.name);
    await press(tab, button(tab, "Join"));
  };
  await join(identities.enrol("somebody-else@e2e.example"));
  await headingIs(tab, "The invitation went to another address");
  await join(identities.enrol(guest.email, { verified: false }));
  await headingIs(tab, "Maple ID has not checked your address");
  await press(tab, tab.getByRole("link", { name: "Back to the invitation" }));
  await headingIs(tab, `Join ${business}`);

  const account = identities.enrol(guest.email.toUpperCase());
  await join(account);
  assert.equal(pathOf(tab), "/home");
  await seen(tab.getByText("Welcome. You have joined."));
  await tab.goto(`${at}/account/linked`);
  await seen(tab.getByText("Linked", { exact: true }));
  await signOut(tab);
  await forgetProvider(tab);
  await comeBack(tab, at, account);
  await press(tab, button(tab, "Sign in"));
  assert.equal(pathOf(tab), "/calls");
});

/** Nothing is wrong with how this page looks. */
async function looksRight(tab, name) {
  assert.equal(await tab.getByRole("heading", { level: 1 }).count(), 1, "one h1");
  assert.deepEqual(await examine(tab, name), []);
}

/** Leads `look` through the pages of another sign-in, as somebody meets them who says no, links, comes back, and is invited. */
async function tour(stage, at, look) {
  const tab = await stage.open({ from: elsewhere() });
  await tab.goto(`${at}/sign-in`);
  await look(tab, "oidc-sign-in");
  await press(tab, button(tab, "Sign in with Maple ID"));
  await say(tab, "nobody", "Refuse");
  await headingIs(tab, "Maple ID was told no");
  await look(tab, "oidc-over-denied");
  for (const why of ["unknown", "address", "late"]) {
    await tab.goto(`${at}/sign-in/oidc/over?why=${why}`);
    await look(tab, `oidc-over-${why}`);
  }
  const person = await found(tab, at);
  await tab.goto(`${at}/account/linked`);
  await look(tab, "linked-none");
  const account = identities.enrol(person.email);
  await comeToLink(tab, at, account);
  await look(tab, "oidc-link");
  await press(tab, button(tab, "Link it"));
  await seen(tab.getByText("The account is linked. Your other sessions were ended."));
  await look(tab, "linked");

  const guest = somebody("Colin Ash");
  const link = await invite(tab, at, guest);
  await signOut(tab);
  await forgetProvider(tab);
  await comeBack(tab, at, account);
  await look(tab, "oidc-back");

  const joins = await stage.open({ from: elsewhere() });
  await joins.goto(link);
  await seen(button(joins, "Join with Maple ID"));
  await look(joins, "oidc-invitation");
  await press(joins, button(joins, "Join with Maple ID"));
  await say(joins, identities.enrol(guest.email));
  await headingIs(joins, `Join ${person.business}`);
  assert.equal(pathOf(joins), "/sign-in/oidc");
  await look(joins, "oidc-join");
}

story("axe: the pages of another sign-in", async (stage) => {
  await tour(stage, await installation(), looksRight);
}, { timeout: 360_000 });

story("the pages of another sign-in are reached by Tab", async (stage) => {
  await tour(stage, await installation(), walk);
}, { timeout: 360_000 });
