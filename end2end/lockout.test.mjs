// Guessing locks who guesses, and not the person (ACC-4; security.md, rule 17).

import assert from "node:assert/strict";
import {
  base, bothWays, comeFrom, elsewhere, freshPassword, headingIs, mailTo, pathOf, press, seen, signOut, story,
} from "./kit.mjs";
import { found, giveCode, hire, isSignedIn, setUp, showPassword } from "./people.mjs";
import { Phone } from "./python.mjs";

const phone = new Phone();

bothWays("five wrong passwords lock a stranger's browser and not the person's own, until an owner unlocks", async (stage, scripts) => {
  const owner = await stage.open({ scripts, from: elsewhere() });
  await found(owner);
  const own = await stage.open({ scripts, from: elsewhere() });
  const person = await hire(owner, own, "agent");
  await signOut(own);

  // Each try from another address, so that no limit of one address ends this first.
  const stranger = await stage.open({ scripts });
  const told = async (password) => {
    await comeFrom(stranger.context(), elsewhere());
    assert.equal(await showPassword(stranger, { ...person, password }), "/sign-in");
    return stranger.locator("body").innerText();
  };
  const wrong = await told(freshPassword());
  assert.match(wrong, /address and password do not match an account here/i);
  for (let n = 0; n < 4; n++) assert.equal(await told(freshPassword()), wrong);
  assert.equal(await told(person.password), wrong, "now the right one is answered as a wrong one");
  const mail = await mailTo(person.email, { is: ({ subject }) => /locked for a while/.test(subject) });
  assert.match(mail.text, /in a browser that you have not signed in with before/);

  // Whom the account knows comes in as ever, and opens the door for nobody else.
  assert.equal(await showPassword(own, person), "/home");
  assert.equal(await told(person.password), wrong);

  await owner.goto(`${base}/team`);
  await press(owner, owner.getByRole("link", { name: person.name }));
  await seen(owner.getByRole("heading", { name: "Sign-in is locked" }));
  await seen(owner.getByText("Browsers that are new to them"));
  await seen(owner.getByText(/^Locked until/));
  assert.equal(await owner.getByText("A browser that they have used").count(), 0);
  await press(owner, owner.getByRole("button", { name: "Unlock" }));
  await seen(owner.getByText("Nothing is locked any more."));
  assert.equal(await owner.getByRole("heading", { name: "Sign-in is locked" }).count(), 0);
  assert.equal(await showPassword(stranger, person), "/home");

  await owner.goto(`${base}/audit?action=account.unlocked`);
  await headingIs(owner, "Audit log");
  await seen(owner.locator("main tbody tr").first());
});

story("a lock holds for strangers who wait at the second step already", async (stage) => {
  const own = await stage.open({ from: elsewhere() });
  const person = await found(own);
  const { secret } = await setUp(own, phone);
  const [guesses, waits] = [await stage.open({ from: elsewhere() }), await stage.open({ from: elsewhere() })];
  for (const tab of [guesses, waits]) assert.equal(await showPassword(tab, person), "/sign-in/factor");
  const wrong = await phone.wrongCode(secret);
  for (let n = 0; n < 5; n++) await giveCode(guesses, wrong);
  const code = await phone.code(secret);
  await giveCode(waits, code);
  assert.equal(pathOf(waits), "/sign-in/factor", "the right code comes while all of them are locked");
  assert.ok(!(await isSignedIn(waits)));
  // The person's own browser is not.
  await signOut(own);
  assert.equal(await showPassword(own, person), "/sign-in/factor");
  await giveCode(own, code);
  assert.equal(pathOf(own), "/home", "and nobody has used the code up");
});

bothWays("a mailed link gets past the lock", async (stage, scripts) => {
  const own = await stage.open({ scripts, from: elsewhere() });
  const person = await found(own);
  const tab = await stage.open({ scripts });
  for (let n = 0; n < 5; n++) {
    await comeFrom(tab.context(), elsewhere());
    await showPassword(tab, { ...person, password: freshPassword() });
  }
  assert.equal(await showPassword(tab, person), "/sign-in", "locked");
  await press(tab, tab.getByRole("link", { name: "Mail me a link instead" }));
  await tab.getByLabel("Email address").fill(person.email);
  await press(tab, tab.getByRole("button", { name: "Mail me the link" }));
  await tab.goto((await mailTo(person.email, { is: ({ subject }) => subject === "Your Ringfort sign-in link" })).link);
  await press(tab, tab.getByRole("button", { name: "Sign in" }));
  await headingIs(tab, person.business);
});
