// Getting in by mail (ACC-2), and new passwords by mail (ACC-1). What a mail scanner does on the way changes nothing.

import assert from "node:assert/strict";
import {
  base, bothWays, elsewhere, fresh, freshPassword, headingIs, mailTo, pathOf, press, seen, signOut, status, story,
} from "./kit.mjs";
import { found, giveCode, isSignedIn, setUp, showPassword } from "./people.mjs";
import { Phone } from "./python.mjs";

const problems = (tab) => tab.locator("#problems");

/** The newest mail to somebody with this subject and a link, but for one that came before. */
async function linkIn(person, subject, before) {
  const is = (mail) => mail.subject === subject && mail.link && mail.link !== before;
  return (await mailTo(person.email, { is })).link;
}

/** Asks for a sign-in link, on the way to a page. */
async function ask(tab, person, { path = "/home", before } = {}) {
  await tab.goto(base + path);
  assert.equal(pathOf(tab), "/sign-in");
  await press(tab, tab.getByRole("link", { name: "Mail me a link instead" }));
  await tab.getByLabel("Email address").fill(person.email);
  await press(tab, tab.getByRole("button", { name: "Mail me the link" }));
  assert.equal(pathOf(tab), "/sign-in/link/sent");
  return linkIn(person, "Your Ringfort sign-in link", before);
}

/** A scanner on the mail's way: it looks at the link three times, by GET and by HEAD, and at the page behind it. */
async function scan(link, says) {
  for (const method of ["GET", "HEAD", "GET", "HEAD", "GET", "HEAD"]) {
    const opened = await fetch(link, { method, redirect: "manual" });
    assert.equal(opened.status, 303, `${method} of the link`);
    const cookie = opened.headers.getSetCookie().map((c) => c.split(";")[0]).join("; ");
    const next = new URL(opened.headers.get("location"), base);
    const shown = await fetch(next, { method, redirect: "manual", headers: { cookie, accept: "text/html" } });
    assert.equal(shown.status, 200, `${method} of the page behind it`);
    if (method === "GET") assert.match(await shown.text(), says);
  }
}

bothWays("a mailed link signs in the browser that asked for it, once, whoever looked before", async (stage, scripts) => {
  const tab = await stage.open({ scripts, from: elsewhere(), allow: [status(404)] });
  const person = await found(tab);
  await signOut(tab);
  const link = await ask(tab, person, { path: "/calls" });
  await scan(link, /Show me the code/);

  await tab.goto(link);
  assert.equal(pathOf(tab), "/sign-in/link/open", "the token has left the address");
  await headingIs(tab, "Sign in by mail");
  assert.ok(!(await isSignedIn(tab)));
  await press(tab, tab.getByRole("button", { name: "Sign in" }));
  assert.equal(pathOf(tab), "/calls", "where the person was going");

  await signOut(tab);
  await tab.goto(link);
  await headingIs(tab, "This link is over");

  // A newer one takes the place of an older one.
  const older = await ask(tab, person, { before: link });
  const newer = await ask(tab, person, { before: older });
  await tab.goto(older);
  await headingIs(tab, "This link is over");
  await tab.goto(newer);
  await press(tab, tab.getByRole("button", { name: "Sign in" }));
  assert.equal(pathOf(tab), "/home");
});

bothWays("opened in another browser, a link shows a code, which signs in the one that asked", async (stage, scripts) => {
  const asks = await stage.open({ scripts, from: elsewhere() });
  const person = await found(asks);
  await signOut(asks);
  const link = await ask(asks, person);

  const reads = await stage.open({ scripts, from: elsewhere(), allow: [status(404)] });
  await reads.goto(link);
  assert.equal(pathOf(reads), "/sign-in/link/open");
  await press(reads, reads.getByRole("button", { name: "Show me the code" }));
  assert.ok(!(await isSignedIn(reads)));
  const code = (await reads.locator("main p.secret").innerText()).trim();
  assert.match(code, /^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$/);
  await reads.reload();
  assert.equal((await reads.locator("main p.secret").innerText()).trim(), code, "the same, however often it is shown");

  // Whoever else gets hold of it has nothing.
  const third = await stage.open({ scripts, from: elsewhere(), path: "/sign-in/link/sent" });
  for (const [tab, wrong] of [[third, code], [asks, "0000-0000"]]) {
    await giveCode(tab, wrong);
    assert.equal(pathOf(tab), "/sign-in/link/sent");
    assert.match(await problems(tab).innerText(), /this code is not right/i);
    assert.ok(!(await isSignedIn(tab)));
  }

  await giveCode(asks, code.toLowerCase().replace("-", " "));
  assert.equal(pathOf(asks), "/home");
  await headingIs(asks, person.business);
  await reads.reload();
  await headingIs(reads, "This link is over");
});

story("five wrong codes use the link up", async (stage) => {
  const asks = await stage.open({ from: elsewhere(), allow: [status(404)] });
  const person = await found(asks);
  await signOut(asks);
  const link = await ask(asks, person);
  const reads = await stage.open({ from: elsewhere() });
  await reads.goto(link);
  await press(reads, reads.getByRole("button", { name: "Show me the code" }));
  const code = (await reads.locator("main p.secret").innerText()).trim();
  for (const typed of ["0000-0000", "1111-1111", "2222-2222", "3333-3333", "4444-4444", code]) {
    await giveCode(asks, typed);
    assert.equal(pathOf(asks), "/sign-in/link/sent", typed);
    assert.match(await problems(asks).innerText(), /this code is not right/i);
  }
  await asks.goto(link);
  await headingIs(asks, "This link is over");
});

bothWays("a mailed link is one proof: who has a second factor is asked for it", async (stage, scripts) => {
  const tab = await stage.open({ scripts, from: elsewhere() });
  const phone = new Phone();
  const person = await found(tab);
  const { secret } = await setUp(tab, phone);
  await signOut(tab);
  await tab.goto(await ask(tab, person));
  await press(tab, tab.getByRole("button", { name: "Sign in" }));
  assert.equal(pathOf(tab), "/sign-in/factor");
  assert.ok(!(await isSignedIn(tab)));
  await giveCode(tab, await phone.code(secret));
  assert.equal(pathOf(tab), "/home");
  await tab.goto(`${base}/account/sessions`);
  await seen(tab.getByText("Signed in with mailed link and authenticator app"));
});

bothWays("a forgotten password is chosen anew by mail, which ends every session", async (stage, scripts) => {
  const allow = [status(401), status(404)];
  const one = await stage.open({ scripts, from: elsewhere(), allow });
  const person = await found(one);
  const two = await stage.open({ scripts, from: elsewhere(), allow });
  assert.equal(await showPassword(two, person), "/home");

  const lost = await stage.open({ scripts, from: elsewhere(), allow, path: "/sign-in" });
  await press(lost, lost.getByRole("link", { name: "Forgot your password?" }));
  await lost.getByLabel("Email address").fill(person.email);
  await press(lost, lost.getByRole("button", { name: "Mail me the link" }));
  await headingIs(lost, "Check your mail");
  const link = await linkIn(person, "Your Ringfort password");
  await scan(link, /Change the password/);
  await lost.goto(link);
  assert.equal(pathOf(lost), "/reset", "the token has left the address");
  const field = lost.getByLabel("New password");
  const change = lost.getByRole("button", { name: "Change the password" });
  await field.fill("Aa1!");
  await press(lost, change);
  assert.match(await problems(lost).innerText(), /use at least 8 characters/i);
  assert.equal(await field.inputValue(), "");
  const renewed = { ...person, password: freshPassword() };
  await field.fill(renewed.password);
  await press(lost, change);
  assert.equal(pathOf(lost), "/sign-in", "it signs nobody in");
  await seen(lost.getByText("Your password is changed, and all your sessions are ended."));
  assert.ok(!(await isSignedIn(lost)));

  for (const tab of [one, two]) {
    await tab.goto(`${base}/home`);
    assert.equal(pathOf(tab), "/sign-in");
  }
  assert.equal(await showPassword(lost, person), "/sign-in", "the old password opens nothing");
  assert.match(await problems(lost).innerText(), /do not match/i);
  assert.equal(await showPassword(lost, renewed), "/home");
  await lost.goto(`${base}/account/sessions`);
  assert.equal(await lost.getByRole("row").filter({ hasText: "Your password was changed" }).count(), 2);
  await mailTo(person.email, { is: (mail) => mail.subject === "Your Ringfort password was changed" });
  await one.goto(link);
  await headingIs(one, "This link is over");
});

story("asking for a mail says the same for an unknown address as for a known one", async (stage) => {
  const own = await stage.open({ from: elsewhere() });
  const person = await found(own);
  for (const path of ["/sign-in/link", "/forgot"]) {
    const shown = async (email) => {
      const tab = await stage.open({ from: elsewhere(), path });
      await tab.getByLabel("Email address").fill(email);
      await press(tab, tab.getByRole("button", { name: "Mail me the link" }));
      const cookies = (await tab.context().cookies()).map((c) => `${c.name} ${c.value.length}`);
      return { url: tab.url(), text: await tab.locator("body").innerText(), cookies: cookies.sort() };
    };
    const unknown = `nobody-${fresh()}@e2e.example`;
    assert.deepEqual(await shown(unknown), await shown(person.email), path);
    const subject = path === "/forgot" ? "Your Ringfort password" : "Your Ringfort sign-in link";
    assert.ok(await linkIn(person, subject), "only the mailbox knows");
    await assert.rejects(mailTo(unknown, { within: 1_000 }));
  }
});
