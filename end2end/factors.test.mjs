// Second factors (ACC-3), with somebody else's authenticator app; and being asked again who one is (ACC-8).

import assert from "node:assert/strict";
import {
  base, bothWays, choose, cookieOf, elsewhere, fresh, freshNumber, freshPassword, headingIs, hex, mailTo, page, pathOf, post,
  press, seen, signOut, status, story,
} from "./kit.mjs";
import { hasFocus, onEnter, tabTo } from "./keys.mjs";
import { beginSetUp, found, giveCode, letProofAge, recoveryCodes, setUp, showPassword } from "./people.mjs";
import { Phone } from "./python.mjs";

const phone = new Phone();

const problems = (tab) => tab.locator("#problems");
const card = (tab, title) => tab.locator("section.card").filter({ has: tab.getByRole("heading", { name: title }) });

/** A code that is refused: it says so, keeps nothing of it, and stays. */
async function isRefused(tab, code, button) {
  const before = pathOf(tab);
  await giveCode(tab, code, button);
  assert.equal(pathOf(tab), before);
  assert.match(await problems(tab).innerText(), /this code is not right, was used already, or its time is over/i);
  assert.equal(await tab.getByRole("textbox", { name: /code/i }).inputValue(), "");
}

/** Nobody is signed in here: the password alone was not enough. */
async function isOutside(tab) {
  assert.equal(pathOf(tab), "/sign-in/factor");
  await tab.goto(`${base}/account`);
  assert.equal(pathOf(tab), "/sign-in");
  await tab.goto(`${base}/sign-in/factor`);
  await headingIs(tab, "Second step");
}

bothWays("an authenticator app is set up, asked for at each sign-in, and taken away", async (stage, scripts) => {
  const tab = await stage.open({ scripts, from: elsewhere() });
  const person = await found(tab);
  const other = await stage.open({ scripts, from: elsewhere(), allow: [status(401)] });
  assert.equal(await showPassword(other, person), "/home", "without a factor the password is enough");

  // Setting it up.
  await tab.goto(`${base}/account`);
  await press(tab, tab.getByRole("link", { name: "Two-factor sign-in" }));
  await seen(tab.getByText("Your password is all that protects your account"));
  // The demo is reached by an IP address, where no passkey can be used: that stands last.
  const cards = await tab.locator("main h2.card-title").allInnerTexts();
  assert.deepEqual([cards[0], cards.at(-1)], ["Authenticator app", "Passkeys"]);
  const secret = await beginSetUp(tab);
  await seen(tab.getByRole("img", { name: /^QR code/ }));
  await isRefused(tab, await phone.wrongCode(secret), "Switch it on");
  assert.equal((await tab.locator("main code.secret").innerText()).replaceAll(/\s/g, ""), secret, "still the same");
  await giveCode(tab, await phone.lastCode(secret), "Switch it on");
  await seen(tab.getByText("Your authenticator app is set up."));
  const recovery = await recoveryCodes(tab);
  assert.equal(new Set(recovery).size, 10);
  for (const code of recovery) assert.match(code, /^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){5}$/);

  // What was shown is shown once.
  await press(tab, tab.getByRole("link", { name: "I have kept them" }));
  assert.match(await card(tab, "Authenticator app").innerText(), /\bOn\b/);
  assert.match(await card(tab, "Recovery codes").innerText(), /10 of 10/);
  await tab.goto(`${base}/account/two-factor/codes`);
  await seen(tab.getByText("They were shown once"));
  for (const code of recovery) assert.ok(!(await tab.content()).includes(code));
  await tab.goto(`${base}/account/two-factor/app`);
  assert.equal(pathOf(tab), "/account/two-factor", "a seed that counts is not shown");
  assert.ok(!(await tab.content()).replaceAll(/\s/g, "").includes(secret));

  // Whoever else was signed in is not any more, and the mailbox knows.
  await other.goto(`${base}/home`);
  assert.equal(pathOf(other), "/sign-in");
  await mailTo(person.email, { is: (mail) => /second factor was added/.test(mail.subject) });

  // Signing in asks for a code.
  await signOut(tab);
  await showPassword(tab, person);
  await isOutside(tab);
  const code = await phone.code(secret);
  await giveCode(tab, code);
  assert.equal(pathOf(tab), "/home");
  await headingIs(tab, person.business);

  // No code counts twice.
  await signOut(tab);
  await showPassword(tab, person);
  await isRefused(tab, code);
  await isOutside(tab);
  const [first, second] = recovery;
  await giveCode(tab, first.toLowerCase().replaceAll("-", ""));
  assert.equal(pathOf(tab), "/home", "a recovery code stands in for it");
  const told = await mailTo(person.email, { is: (mail) => /recovery code .* was used/.test(mail.subject) });
  assert.match(told.text, /9 are left/);
  assert.ok(!told.text.includes(first) && !told.text.includes(second), "no mail holds a code of these");

  await signOut(tab);
  await showPassword(tab, person);
  await isRefused(tab, first);
  await giveCode(tab, second);
  assert.equal(pathOf(tab), "/home");

  // Taking it away.
  await tab.goto(`${base}/account/two-factor`);
  assert.match(await card(tab, "Recovery codes").innerText(), /8 of 10/);
  await tab.getByLabel("Type remove to confirm").fill("delete");
  await press(tab, tab.getByRole("button", { name: "Remove the authenticator app" }));
  assert.match(await problems(tab).innerText(), /type remove to confirm/i);
  assert.match(await card(tab, "Authenticator app").innerText(), /\bOn\b/);
  await tab.getByLabel("Type remove to confirm").fill("remove");
  await press(tab, tab.getByRole("button", { name: "Remove the authenticator app" }));
  await seen(tab.getByText("The authenticator app is removed."));
  assert.match(await card(tab, "Authenticator app").innerText(), /\bOff\b/);
  assert.equal(await card(tab, "Recovery codes").count(), 0, "they stood in for it alone");
  await mailTo(person.email, { is: (mail) => /second factor was removed/.test(mail.subject) });
  await signOut(tab);
  assert.equal(await showPassword(tab, person), "/home");

  // All of it can be read afterwards, and no code is in it.
  for (const action of ["factor.added", "factor.recovery_used", "factor.removed", "session.refused"]) {
    await tab.goto(`${base}/audit?action=${action}`);
    await seen(tab.locator("main tbody tr").first());
    const text = await tab.content();
    for (const word of [secret, first, second]) assert.ok(!text.includes(word), `${action} holds no code`);
  }
});

story("a second factor by keyboard alone", async (stage) => {
  const tab = await stage.open({ from: elsewhere() });
  const person = await found(tab);
  const button = (text) => (f) => f.tag === "button" && f.text === text;

  await tab.goto(`${base}/account`);
  await tabTo(tab, (f) => f.href === "/account/two-factor", "the second factors");
  await onEnter(tab);
  await headingIs(tab, "Two-factor sign-in");
  await tabTo(tab, button("Set up an authenticator app"), "the button that begins");
  await onEnter(tab);
  const secret = (await tab.locator("main code.secret").innerText()).replaceAll(/\s/g, "");
  await tabTo(tab, (f) => f.name === "code", "the field for the code");
  await tab.keyboard.type(await phone.wrongCode(secret));
  await onEnter(tab);
  await hasFocus(tab, "problems");
  await tabTo(tab, (f) => f.href === "#f-code", "its link", 3);
  await tab.keyboard.press("Enter");
  await hasFocus(tab, "f-code");
  await tab.keyboard.type(await phone.lastCode(secret));
  await onEnter(tab);
  assert.equal((await recoveryCodes(tab)).length, 10);
  await tabTo(tab, (f) => f.text === "I have kept them", "the way on");
  await onEnter(tab);

  await tabTo(tab, (f) => f.tag === "summary" && f.text.includes("your menu"), "the person's menu");
  await tab.keyboard.press("Enter");
  await tabTo(tab, button("Sign out"), "signing out", 5);
  await onEnter(tab);
  await headingIs(tab, "Sign in");
  await tabTo(tab, (f) => f.name === "email", "the address");
  await tab.keyboard.type(person.email);
  await tabTo(tab, (f) => f.name === "password", "the password");
  await tab.keyboard.type(person.password);
  await onEnter(tab);
  await headingIs(tab, "Second step");
  await tabTo(tab, (f) => f.name === "code", "the field for the code");
  await tab.keyboard.type(await phone.code(secret));
  await onEnter(tab);
  await headingIs(tab, person.business);
});

story("five wrong codes lead back to the password, which waits a minute", async (stage) => {
  const tab = await stage.open({ from: elsewhere() });
  const person = await found(tab);
  const { secret } = await setUp(tab, phone);
  await signOut(tab);
  await showPassword(tab, person);
  const wrong = await phone.wrongCode(secret);
  for (let n = 0; n < 5; n++) await isRefused(tab, wrong);
  await giveCode(tab, await phone.code(secret));
  assert.equal(pathOf(tab), "/sign-in", "the right one comes too late");
  await seen(tab.getByText(/too many tries\. Please sign in again/));
  assert.equal(await showPassword(tab, person), "/sign-in");
  assert.match(await problems(tab).innerText(), /address and password do not match/i);
  await mailTo(person.email, { is: (mail) => /locked for a while/.test(mail.subject) });
});

bothWays("codes by email are switched on, and one of them signs in", async (stage, scripts) => {
  const tab = await stage.open({ scripts, from: elsewhere() });
  const person = await found(tab);
  await tab.goto(`${base}/account/two-factor`);
  await press(tab, tab.getByRole("button", { name: "Switch codes by email on" }));
  const recovery = await recoveryCodes(tab);
  assert.equal(recovery.length, 10);
  await signOut(tab);
  await showPassword(tab, person);
  await isOutside(tab);
  await press(tab, tab.getByRole("button", { name: "Mail me a code" }));
  await seen(tab.getByText("A code is on its way to your mailbox."));
  const { text } = await mailTo(person.email, { is: (mail) => mail.subject === "Your Ringfort code" });
  const code = text.match(/^\d{8}$/m)?.[0];
  assert.ok(code, "the mail has a code of eight digits");
  await press(tab, tab.getByRole("button", { name: "Mail me a code" }));
  assert.match(await problems(tab).innerText(), /too many tries/i, "one a minute");
  const elsewise = await stage.open({ scripts, from: elsewhere() });
  await showPassword(elsewise, person);
  await isRefused(elsewise, code);
  await giveCode(tab, `${code.slice(0, 4)} ${code.slice(4)}`);
  assert.equal(pathOf(tab), "/home", "it is good where it was asked for");
});

bothWays("what is sensitive asks again who one is, and what was typed waits for it", async (stage, scripts) => {
  const tab = await stage.open({ scripts, from: elsewhere() });
  const person = await found(tab);
  const before = await cookieOf(tab.context());
  const password = tab.getByLabel("Your password");
  const goOn = () => press(tab, tab.getByRole("button", { name: "Go on" }));

  // A page.
  await tab.goto(`${base}/connections`);
  letProofAge(person);
  await press(tab, tab.getByRole("link", { name: "Connect a provider" }).first());
  assert.equal(pathOf(tab), "/confirm");
  await headingIs(tab, "Please show that it is you");
  await password.fill(freshPassword());
  await goOn();
  assert.equal(pathOf(tab), "/confirm");
  assert.match(await problems(tab).innerText(), /this is not your password/i);
  await password.fill(person.password);
  await goOn();
  assert.equal(pathOf(tab), "/connections/new", "back to where that was asked");
  assert.notEqual(await cookieOf(tab.context()), before, "the session has a new id");
  assert.equal((await page("/account", before)).status, 303, "the old one is nobody's");

  // A form.
  const [label, account, secret, number] = [`Line ${fresh()}`, `AC${hex(16)}`, hex(16), freshNumber()];
  await choose(tab, /^Twilio/);
  await tab.getByLabel("Name", { exact: true }).fill(label);
  await tab.getByLabel("Account", { exact: true }).fill(account);
  await tab.getByLabel("Secret", { exact: true }).fill(secret);
  await tab.getByLabel("Your number there").fill(number);
  letProofAge(person);
  await press(tab, tab.getByRole("button", { name: "Connect" }));
  assert.equal(pathOf(tab), "/confirm");
  assert.ok(!(await tab.content()).includes(secret));
  await password.fill(person.password);
  await goOn();
  assert.equal(pathOf(tab), "/connections/new");
  await seen(tab.getByText("Nothing was saved yet"));
  assert.ok(await tab.getByRole("radio", { name: /^Twilio/ }).isChecked());
  assert.equal(await tab.getByLabel("Name", { exact: true }).inputValue(), label);
  assert.equal(await tab.getByLabel("Account", { exact: true }).inputValue(), account);
  assert.equal(await tab.getByLabel("Your number there").inputValue(), number);
  assert.equal(await tab.getByLabel("Secret", { exact: true }).inputValue(), "", "secrets are typed again");
  await tab.getByLabel("Secret", { exact: true }).fill(secret);
  await press(tab, tab.getByRole("button", { name: "Connect" }));
  await headingIs(tab, label);

  // What is not sensitive does not ask.
  letProofAge(person);
  for (const path of ["/home", "/connections", "/team", "/settings", "/account", "/account/sessions"]) {
    await tab.goto(base + path);
    assert.equal(pathOf(tab), path);
  }
});

story("a mistyped password, where one is asked again, costs nothing that was typed before", async (stage) => {
  const tab = await stage.open({ from: elsewhere() });
  const person = await found(tab);
  await tab.goto(`${base}/settings/networks`);
  await tab.getByLabel("Range", { exact: true }).fill("203.0.113.0/24");
  await tab.getByLabel("Note", { exact: true }).fill("Field office");
  letProofAge(person);
  await press(tab, tab.getByRole("button", { name: "Allow", exact: true }));
  assert.equal(pathOf(tab), "/confirm");
  assert.equal(await tab.getByText("Thank you.").count(), 0, "thanks come after the proof");
  for (const password of [freshPassword(), person.password]) {
    await tab.getByLabel("Your password").fill(password);
    await press(tab, tab.getByRole("button", { name: "Go on" }));
  }
  assert.equal(pathOf(tab), "/settings/networks");
  assert.equal(await tab.getByLabel("Range", { exact: true }).inputValue(), "203.0.113.0/24");
  assert.equal(await tab.getByLabel("Note", { exact: true }).inputValue(), "Field office");
});

story("who has an authenticator app shows its code where one is asked again: a password is not enough", async (stage) => {
  const tab = await stage.open({ from: elsewhere() });
  const person = await found(tab);
  const { secret } = await setUp(tab, phone);
  letProofAge(person);
  await tab.goto(`${base}/account/two-factor`);
  assert.equal(pathOf(tab), "/confirm");
  assert.equal(await tab.getByLabel(/password/i).count(), 0);
  const cookie = await cookieOf(tab.context());
  const form = { password: person.password, next: "/account/two-factor" };
  const headers = { accept: "application/json", "x-forwarded-for": elsewhere() };
  const answer = await post("/api/confirm", form, { cookie, headers });
  assert.equal(answer.status, 422, "nor where it is posted unasked");
  await isRefused(tab, await phone.wrongCode(secret), "Go on");
  await giveCode(tab, await phone.code(secret), "Go on");
  assert.equal(pathOf(tab), "/account/two-factor");
});
