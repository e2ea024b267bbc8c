// People of a story's own: somebody founds a business for it, colleagues join. By the real pages and mails, so what a story
// locks, changes or removes is nobody else's, and it needs no other beginning. By HTTP where the pages are not the story.
//
// Each browser of such a story comes from an address of its own (`elsewhere`): tries to get in are limited per address.

import assert from "node:assert/strict";
import {
  adopt, base, choose, cookieOf, cookiesIn, demo, fresh, freshNumber, freshPassword, headingIs, hex, mailTo, originOf, page,
  pathOf, post, press, raw, submitSignIn,
} from "./kit.mjs";
import { psql } from "./psql.mjs";

/** Somebody who is in no business yet, and what theirs would be called. */
export function somebody(name = "Frances Pine") {
  const mark = fresh();
  const box = name.split(" ")[0].toLowerCase();
  return { name, email: `${box}-${mark}@e2e.example`, password: freshPassword(), business: `Alder ${mark}` };
}

/** Asks for a business, at the installation with this address. The rest is in the mail. */
export async function apply(tab, person, at = base) {
  await tab.goto(`${at}/sign-up`);
  await tab.getByLabel("Your email address").fill(person.email);
  await tab.getByLabel("Name of the business").fill(person.business);
  await tab.locator("label").filter({ has: tab.getByRole("radio", { name: /^Field service/ }) }).click();
  await press(tab, tab.getByRole("button", { name: "Send me the link" }));
  await headingIs(tab, "Check your mail");
}

/** Opens the mailed link and founds the business. The tab is at its owner's home page then. */
export async function finish(tab, person, link) {
  await tab.goto(link);
  await tab.getByLabel("Your name").fill(person.name);
  await tab.getByLabel("Choose a password").fill(person.password);
  await press(tab, tab.getByRole("button", { name: "Open my business" }));
  await headingIs(tab, person.business);
}

/** Opens a mailed link and sends the form behind it, by HTTP. The tab is at home then. */
async function enter(tab, link, form, person) {
  const headers = await originOf(tab);
  const opened = await raw(link, { headers: { accept: "text/html", ...headers } });
  assert.equal(opened.status, 303, "the link opens");
  const answer = await post(form, { name: person.name, password: person.password }, { cookie: cookiesIn(opened), headers });
  assert.deepEqual([answer.status, answer.headers.location], [303, "/home"]);
  await adopt(tab, answer);
  await tab.goto(`${base}/home`);
  assert.equal(pathOf(tab), "/home");
}

/** A new business in this tab, and its owner. By HTTP: the pages on the way are other stories' (journey.test.mjs). */
export async function found(tab, person = somebody()) {
  const form = { email: person.email, business: person.business, profile: "field_service", zone: "America/Chicago" };
  const asked = await post("/api/sign-up", form, { headers: await originOf(tab) });
  assert.deepEqual([asked.status, asked.headers.location], [303, "/sign-up/sent"]);
  await enter(tab, (await mailTo(person.email)).link, "/api/sign-up/finish", person);
  await headingIs(tab, person.business);
  return person;
}

/** The id of the business in this tab, whose owner it must be. */
export async function businessOf(tab) {
  await tab.goto(`${base}/settings/networks`);
  return (await tab.locator("main").innerText()).match(/biz_[0-9a-f]{32}/)[0];
}

/** Somebody whom the owner in the first tab invites, and who joins in the second; by HTTP too. */
export async function hire(owner, tab, role, person = somebody("Colin Ash")) {
  const by = { cookie: await cookieOf(owner.context()), headers: await originOf(owner) };
  const invited = await post("/api/team/invite", { email: person.email, role }, by);
  assert.deepEqual([invited.status, invited.headers.location], [303, "/team"]);
  await enter(tab, (await mailTo(person.email)).link, "/api/join", person);
  return person;
}

/** Connects Twilio to the business of who is signed in here, at the installation with this address, with values made up. */
export async function connectTwilio(tab, at = base) {
  const [account, secret, number] = [`AC${hex(16)}`, hex(16), freshNumber()];
  const label = `Line ${fresh()}`;
  await tab.goto(`${at}/connections/new`);
  await choose(tab, /^Twilio/);
  await tab.getByLabel("Name", { exact: true }).fill(label);
  await tab.getByLabel("Account", { exact: true }).fill(account);
  await tab.getByLabel("Secret", { exact: true }).fill(secret);
  await tab.getByLabel("Your number there").fill(number);
  await press(tab, tab.getByRole("button", { name: "Connect" }));
  await headingIs(tab, label);
  return { account, secret, number };
}

/** Shows the password at the sign-in, and says at which path that ends. */
export async function showPassword(tab, { email, password }) {
  await tab.goto(`${base}/sign-in`);
  await submitSignIn(tab, email, password);
  return pathOf(tab);
}

/** Whether what this browser has opens what only people open. It stays where it is. */
export async function isSignedIn(tab) {
  const cookies = (await tab.context().cookies()).map(({ name, value }) => `${name}=${value}`);
  return (await page("/account", cookies.join("; "))).status === 200;
}

/** Types a code into the one field for it, and presses the button beside it. */
export async function giveCode(tab, code, button = "Sign in") {
  await tab.getByRole("textbox", { name: /code/i }).fill(code);
  await press(tab, tab.getByRole("button", { name: button, exact: true }));
}

/** Begins to set up an authenticator app: the secret that the page shows to be typed into it. */
export async function beginSetUp(tab) {
  await tab.goto(`${base}/account/two-factor`);
  await press(tab, tab.getByRole("button", { name: "Set up an authenticator app" }));
  assert.equal(pathOf(tab), "/account/two-factor/app");
  const secret = (await tab.locator("main code.secret").innerText()).replaceAll(/\s/g, "");
  assert.match(secret, /^[A-Z2-7]{32}$/);
  return secret;
}

/** The recovery codes that the page shows once. */
export async function recoveryCodes(tab) {
  assert.equal(pathOf(tab), "/account/two-factor/codes");
  return (await tab.locator("main pre.secret").innerText()).trim().split(/\s+/);
}

/** Sets up an authenticator app on this phone. Leaves the phone's present code unused. */
export async function setUp(tab, phone) {
  const secret = await beginSetUp(tab);
  await giveCode(tab, await phone.lastCode(secret), "Switch it on");
  return { secret, recovery: await recoveryCodes(tab) };
}

/** What waiting would do: the last proof of all sessions of a person was eleven minutes ago. */
export function letProofAge({ email }) {
  const aged = psql(
    demo.owner_database_url,
    `update lobby.sessions set data = jsonb_set(data, '{proved}', to_jsonb(extract(epoch from now())::bigint - 660))
     where user_id = (select id from lobby.users where email = '${email}') returning id`,
  );
  assert.match(aged, /^[0-9a-f]{8}-/, `${email} is signed in`);
}
