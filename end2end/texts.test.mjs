// Codes by text message (ACC-3), through Twilio's interface as a stand-in speaks it (texts.mjs). Told by an installation of
// our own, because the stand-in is a setting.

import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after } from "node:test";
import {
  bothWays, elsewhere, eventually, freshNumber, headingIs, parseMail, pathOf, picture, press, results, seen, signOut, story,
  submitSignIn,
} from "./kit.mjs";
import { apply, connectTwilio, finish, giveCode, recoveryCodes, somebody } from "./people.mjs";
import { Product } from "./product.mjs";
import { psql } from "./psql.mjs";
import { Texts } from "./texts.mjs";

const LOG = join(results, "texts-product.log");
// Tries to get in are limited per address: browsers name addresses of their own, as a proxy would.
const OWN = { RINGFORT_TRUSTED_PROXIES: "127.0.0.1", RUST_LOG: "warn,ringfort=info" };

let product, log, texts, installed;

async function install() {
  texts = await Texts.open();
  log = openSync(LOG, "w");
  product = await Product.make("texts", { settings: { ...texts.settings, ...OWN }, log });
  product.start("demo");
  await product.ready(240);
}

/** The installation, which the first story that asks for it starts. Its address. */
async function installation() {
  installed ??= install();
  await installed;
  return product.base;
}

after(async () => {
  await product?.stop();
  product?.remove();
  texts?.close();
  if (log !== undefined) closeSync(log);
});

/** For the story that finds the installation not started yet. */
const PATIENT = { timeout: 480_000 };

const problems = (tab) => tab.locator("#problems");
const card = (tab) =>
  tab.locator("section.card").filter({ has: tab.getByRole("heading", { name: "Codes by text message" }) });

/** The newest mail to somebody with this subject. */
function mailed(email, subject) {
  const folder = product.demo.mail_dir;
  const look = () =>
    readdirSync(folder)
      .filter((name) => name.endsWith(".eml"))
      .map((name) => parseMail(readFileSync(join(folder, name), "utf8")))
      .find((mail) => mail.to.includes(email) && mail.subject === subject);
  return eventually(look, { every: 200, what: `«${subject}» to ${email}` });
}

/** Somebody with a business of their own. */
async function founder(tab, at) {
  const person = somebody();
  await apply(tab, person, at);
  await finish(tab, person, (await mailed(person.email, "Your Ringfort sign-up")).link);
  return person;
}

/** Connects Twilio to the business of who is signed in here: the number that it texts from. */
async function connect(tab, at) {
  const line = await connectTwilio(tab, at);
  texts.opens(line.account, line.secret);
  return line;
}

/** Types the number whose codes are wanted. */
async function begin(tab, at, number) {
  await tab.goto(`${at}/account/two-factor`);
  await tab.getByLabel("Your mobile number").fill(number);
  await press(tab, tab.getByRole("button", { name: "Text me a first code" }));
}

/** The code of the newest text to a number, once there are so many. */
async function codeTo(number, count = 1) {
  await eventually(() => texts.to(number).length >= count, { what: `text ${count} to ${number}` });
  assert.equal(texts.to(number).length, count);
  const code = texts.to(number).at(-1).body.match(/^\d{8}\b/)?.[0];
  assert.ok(code, "the text begins with eight digits");
  return code;
}

/** What waiting a minute would do. */
const letMinutePass = () =>
  psql(product.demo.owner_database_url, "update lobby.text_sends set sent_at = sent_at - interval '61 seconds'");

/** What waiting ten seconds and twenty would do: what waits for its next try has it. */
const letNextTryCome = () =>
  psql(product.demo.owner_database_url, "update jobs set run_at = now() where attempts > 0 and run_at > now()");

async function showPassword(tab, at, { email, password }) {
  await tab.goto(`${at}/sign-in`);
  await submitSignIn(tab, email, password);
  return pathOf(tab);
}

/** A code that is refused: it says so, keeps nothing of it, and stays. */
async function isRefused(tab, code, button) {
  const before = pathOf(tab);
  await giveCode(tab, code, button);
  assert.equal(pathOf(tab), before);
  assert.match(await problems(tab).innerText(), /this code is not right, was used already, or its time is over/i);
}

bothWays(
  "codes by text message are set up, sign in, and are switched off",
  async (stage, scripts) => {
    const at = await installation();
    const tab = await stage.open({ scripts, from: elsewhere() });
    const person = await founder(tab, at);
    const phone = freshNumber();
    const show = (name) => picture(tab, `texts-${name}-${scripts ? "scripted" : "plain"}`);

    // Without a provider it is said what to do.
    await tab.goto(`${at}/account/two-factor`);
    await seen(card(tab).getByText("The weakest choice"));
    assert.match(await card(tab).innerText(), /no phone provider that could send them[\s\S]*Connections/);
    assert.equal(await card(tab).getByRole("button").count(), 0);
    await show("none");
    const line = await connect(tab, at);

    // Numbers of other places cost others' money.
    for (const [number, says] of [["4155550100", /with its country code/], ["+447700900123", /begin with \+1/]]) {
      await begin(tab, at, number);
      assert.equal(pathOf(tab), "/account/two-factor");
      assert.match(await problems(tab).innerText(), says);
      assert.equal(await tab.getByLabel("Your mobile number").inputValue(), number, "what was typed is kept");
    }
    await show("refused-number");

    // The number counts when it has shown a code.
    await begin(tab, at, phone);
    await headingIs(tab, "Set up codes by text message");
    const first = await codeTo(phone);
    const [text] = texts.to(phone);
    assert.deepEqual([text.account, text.from], [line.account.toLowerCase(), line.number], "by the business's own line");
    assert.ok(!(await tab.content()).includes(phone) && (await tab.content()).includes(`***-***-${phone.slice(-4)}`));
    await press(tab, tab.getByRole("button", { name: "Text me another code" }));
    assert.match(await problems(tab).innerText(), /too many tries/i, "one a minute");
    await isRefused(tab, first === "00000000" ? "11111111" : "00000000", "Switch it on");
    await show("set-up");
    await giveCode(tab, `${first.slice(0, 4)} ${first.slice(4)}`, "Switch it on");
    await seen(tab.getByText("Codes by text message are on."));
    const [recovery] = await recoveryCodes(tab);
    await tab.goto(`${at}/account/two-factor`);
    assert.match(await card(tab).innerText(), /\bOn\b[\s\S]*\*\*\*-\*\*\*-\d{4}/);
    await show("on");
    await mailed(person.email, "A second factor was added to your Ringfort account");

    // Signing in asks for one, and texts it.
    await signOut(tab);
    letMinutePass();
    assert.equal(await showPassword(tab, at, person), "/sign-in/factor");
    await isRefused(tab, first);
    await press(tab, tab.getByRole("button", { name: "Text me a code" }));
    await seen(tab.getByText("A code is on its way to your phone."));
    await show("factor");
    const second = await codeTo(phone, 2);
    const elsewise = await stage.open({ scripts, from: elsewhere() });
    await showPassword(elsewise, at, person);
    await isRefused(elsewise, second);
    await press(elsewise, elsewise.getByRole("button", { name: "Text me a code" }));
    assert.match(await problems(elsewise).innerText(), /too many tries/i);
    await giveCode(tab, second);
    assert.equal(pathOf(tab), "/home", "it is good where it was asked for");
    await giveCode(elsewise, recovery);
    assert.equal(pathOf(elsewise), "/home", "a recovery code stands in for it");

    // All of it can be read afterwards, and neither number nor code is in it.
    for (const action of ["factor.added", "factor.text_sent", "session.started"]) {
      await tab.goto(`${at}/audit?action=${action}`);
      await seen(tab.locator("main tbody tr").first());
      const page = await tab.content();
      for (const word of [phone, first, second]) assert.ok(!page.includes(word), `${action} holds no ${word}`);
    }
    const logged = readFileSync(LOG, "utf8");
    for (const word of [phone, first, second]) assert.ok(!logged.includes(word), "nor does the log");

    // Switching it off.
    await tab.goto(`${at}/account/two-factor`);
    await press(tab, tab.getByRole("button", { name: "Switch codes by text message off" }));
    await seen(tab.getByText("Codes by text message are off."));
    await mailed(person.email, "A second factor was removed from your Ringfort account");
    await signOut(tab);
    assert.equal(await showPassword(tab, at, person), "/home");
  },
  PATIENT,
);

story(
  "a text that the provider does not take at once comes once, and one that it refuses is written down",
  async (stage) => {
    const at = await installation();
    const tab = await stage.open({ from: elsewhere() });
    await founder(tab, at);
    await connect(tab, at);
    const phone = freshNumber();
    const before = { tries: texts.tries, looks: texts.looks };
    // At ten and twenty seconds it is tried again.
    texts.answerWith([500, 20500], "lost");
    await begin(tab, at, phone);
    const sent = () => psql(product.demo.owner_database_url, "select count(*) from lobby.texts");
    const isOver = () => {
      letNextTryCome();
      return sent() === "0";
    };
    await eventually(isOver, { within: 60_000, every: 500, what: "the end of the job" });
    const code = await codeTo(phone);
    assert.deepEqual([texts.tries - before.tries, texts.looks - before.looks], [2, 2], "what went out is not sent again");
    assert.equal(texts.to(phone).length, 1);
    await giveCode(tab, code, "Switch it on");
    await recoveryCodes(tab);

    const other = await stage.open({ from: elsewhere() });
    await founder(other, at);
    await connect(other, at);
    texts.answerWith([400, 21211]);
    await begin(other, at, freshNumber());
    await eventually(() => sent() === "0", { within: 30_000, what: "the end of the job" });
    await other.goto(`${at}/audit?action=factor.text_sent`);
    const entry = await other.locator("main tbody tr").first().innerText();
    for (const word of [/A code was sent by text message/, /Failed/]) assert.match(entry, word);
  },
  PATIENT,
);

bothWays(
  "a texted code answers a mailed link: a phone is not the mailbox",
  async (stage, scripts) => {
    const at = await installation();
    const tab = await stage.open({ scripts, from: elsewhere() });
    const person = await founder(tab, at);
    await connect(tab, at);
    const phone = freshNumber();
    await begin(tab, at, phone);
    await giveCode(tab, await codeTo(phone), "Switch it on");
    await recoveryCodes(tab);
    await signOut(tab);
    letMinutePass();
    await tab.goto(`${at}/sign-in/link`);
    await tab.getByLabel("Email address").fill(person.email);
    await press(tab, tab.getByRole("button", { name: "Mail me the link" }));
    await tab.goto((await mailed(person.email, "Your Ringfort sign-in link")).link);
    await press(tab, tab.getByRole("button", { name: "Sign in", exact: true }));
    assert.equal(pathOf(tab), "/sign-in/factor");
    assert.equal(await tab.getByRole("button", { name: "Mail me a code" }).count(), 0);
    await press(tab, tab.getByRole("button", { name: "Text me a code" }));
    await giveCode(tab, await codeTo(phone, 2));
    assert.equal(pathOf(tab), "/home");
    await tab.goto(`${at}/account/sessions`);
    await seen(tab.getByText("Signed in with mailed link and texted code"));
  },
  PATIENT,
);
