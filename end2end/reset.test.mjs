// Somebody has lost the phone and the recovery codes: who manages the team resets their second step (ACC-3). And the one
// person of the demo who has an authenticator app from the beginning.

import assert from "node:assert/strict";
import { base, bothWays, demo, elsewhere, headingIs, mailTo, pathOf, press, seen, status, story, user } from "./kit.mjs";
import { found, giveCode, hire, isSignedIn, letProofAge, setUp, showPassword } from "./people.mjs";
import { Phone } from "./python.mjs";

const phone = new Phone();

const problems = (tab) => tab.locator("#problems");
const card = (tab) =>
  tab.locator("section.card").filter({ has: tab.getByRole("heading", { name: "Reset the second step of their sign-in" }) });
const button = (tab) => tab.getByRole("button", { name: "Reset the second step" });

/** Opens somebody's page from the list of the team. */
async function openMember(tab, person) {
  await tab.goto(`${base}/team`);
  await press(tab, tab.getByRole("link", { name: person.name }));
  await headingIs(tab, person.name);
}

bothWays("who has lost the phone and the codes comes in by password again, after a reset", async (stage, scripts) => {
  const owner = await stage.open({ scripts, from: elsewhere() });
  const boss = await found(owner);
  const tab = await stage.open({ scripts, from: elsewhere(), allow: [status(401)] });
  const person = await hire(owner, tab, "agent");
  await openMember(owner, person);
  assert.equal(await card(owner).count(), 0, "without a second factor there is nothing to reset");
  const { secret, recovery } = await setUp(tab, phone);

  // It asks again who one is, and for a word.
  letProofAge(boss);
  await owner.reload();
  assert.equal(pathOf(owner), "/confirm");
  await owner.getByLabel("Your password").fill(boss.password);
  await press(owner, owner.getByRole("button", { name: "Go on" }));
  await headingIs(owner, person.name);
  await seen(card(owner).getByText(/First make sure that it is them who ask/));
  await card(owner).getByLabel("Type reset to confirm").fill("remove");
  await press(owner, button(owner));
  assert.match(await problems(owner).innerText(), /type reset to confirm/i);
  assert.equal(await card(owner).getByLabel("Type reset to confirm").inputValue(), "remove", "what was typed is kept");
  assert.ok(await isSignedIn(tab));
  await card(owner).getByLabel("Type reset to confirm").fill("reset");
  await press(owner, button(owner));
  await seen(owner.getByText("Their second step is reset, and they are signed out everywhere."));
  assert.equal(await card(owner).count(), 0);

  // Everything of before is over, and the mailbox knows.
  assert.ok(!(await isSignedIn(tab)));
  const told = await mailTo(person.email, { is: (mail) => /second step .* was reset/.test(mail.subject) });
  assert.match(told.text, /by somebody who manages the team/);
  for (const word of [secret, ...recovery]) assert.ok(!told.text.includes(word));
  assert.equal(await showPassword(tab, person), "/home");
  const again = await setUp(tab, phone);
  assert.notEqual(again.secret, secret);

  await owner.goto(`${base}/audit?action=factor.reset`);
  const entry = owner.locator("main tbody tr");
  await seen(entry.filter({ hasText: "Done" }));
  await seen(entry.filter({ hasText: "Refused" }));
  for (const word of [secret, ...recovery]) assert.ok(!(await owner.content()).includes(word));
});

story("a business does not reset who belongs to another one too, and nobody resets themselves", async (stage) => {
  const [one, other] = [await stage.open({ from: elsewhere() }), await stage.open({ from: elsewhere() })];
  const boss = await found(one);
  await found(other);
  const tab = await stage.open({ from: elsewhere() });
  const person = await hire(one, tab, "agent");
  const { secret } = await setUp(tab, phone);

  // Invited by the other business too: an account is shown by its password and its second step.
  await other.goto(`${base}/team`);
  await other.getByLabel("Email address").fill(person.email);
  await other.getByLabel("Role", { exact: true }).selectOption("viewer");
  await press(other, other.getByRole("button", { name: "Send the invitation" }));
  const invited = await mailTo(person.email, { is: (mail) => mail.link?.includes("/open/join/") && / as viewer/.test(mail.text) });
  const joins = await stage.open({ from: elsewhere() });
  await joins.goto(invited.link);
  await joins.getByLabel("Your name").fill(person.name);
  await joins.getByLabel("Your password").fill(person.password);
  await press(joins, joins.getByRole("button", { name: "Join", exact: true }));
  assert.equal(pathOf(joins), "/sign-in/factor");
  await giveCode(joins, await phone.code(secret));

  for (const owner of [one, other]) {
    await openMember(owner, person);
    await seen(card(owner).getByText(/They belong to another business too/));
    assert.equal(await button(owner).count(), 0);
  }
  assert.ok(await isSignedIn(tab));

  await setUp(one, phone);
  await openMember(one, boss);
  assert.equal(await card(one).count(), 0, "one's own have a page of their own");
});

story("one person of each demo business signs in with an authenticator app", async (stage) => {
  for (const business of demo.businesses) {
    const people = business.users.filter((person) => person.totp_secret);
    assert.equal(people.length, 1, business.name);
    assert.equal(people[0].role, "admin");
    assert.notEqual(people[0].email, user(business, "admin").email, "the first admin needs a password only");
  }
  const [business] = demo.businesses;
  const person = business.users.find((one) => one.totp_secret);
  const tab = await stage.open({ from: elsewhere() });
  assert.equal(await showPassword(tab, person), "/sign-in/factor");
  await giveCode(tab, await phone.code(person.totp_secret));
  assert.equal(pathOf(tab), "/home");
  await headingIs(tab, business.name);
});
