// Who comes and who goes: invitations that are sent again, withdrawn, and sent by a list (ACC-6); leaving by one button, and
// the review of who has access (ACC-10).

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  base, bothWays, cookieOf, demo, elsewhere, headingIs, mailTo, pathOf, press, raw, seen, soon, status, stream,
} from "./kit.mjs";
import { found, hire, showPassword, somebody } from "./people.mjs";
import { psql } from "./psql.mjs";

const problems = (tab) => tab.locator("#problems");
const row = (tab, text) => tab.getByRole("row").filter({ hasText: text });

/** Invites somebody by the form, and returns the mailed link. */
async function invite(tab, { email }, role) {
  await tab.goto(`${base}/team`);
  await tab.getByLabel("Email address").fill(email);
  await tab.getByLabel("Role", { exact: true }).selectOption(role);
  await press(tab, tab.getByRole("button", { name: "Send the invitation" }));
  await seen(tab.getByText("The invitation is on its way."));
  return (await mailTo(email)).link;
}

/** Opens somebody's page from the list of the team. */
async function openMember(tab, { name }) {
  await tab.goto(`${base}/team`);
  await press(tab, tab.getByRole("link", { name }));
  await headingIs(tab, name);
}

/** What waiting would do: the invitation was sent a minute ago. */
const letMinutePass = ({ email }) =>
  psql(
    demo.owner_database_url,
    `update invitations set created_at = created_at - interval '61 seconds' where email = '${email}'`,
  );

bothWays("an invitation is sent again and withdrawn, and a list says what became of each line", async (stage, scripts) => {
  const owner = await stage.open({ scripts, from: elsewhere() });
  const { business } = await found(owner);
  const guest = somebody("Colin Ash");
  const first = await invite(owner, guest, "agent");
  const again = row(owner, guest.email).getByRole("button", { name: /^Send again/ });
  await press(owner, again);
  assert.match(await problems(owner).innerText(), /too many tries/i, "one a minute");
  letMinutePass(guest);
  await press(owner, again);
  await seen(owner.getByText("A new invitation is on its way. The link of the old one is dead."));
  const second = (await mailTo(guest.email, { is: ({ link }) => link && link !== first })).link;
  const tab = await stage.open({ scripts, from: elsewhere(), allow: [status(404)] });
  await tab.goto(first);
  await headingIs(tab, "This invitation is over");
  await tab.goto(second);
  await headingIs(tab, `Join ${business}`);
  await press(owner, row(owner, guest.email).getByRole("button", { name: /^Withdraw/ }));
  await seen(owner.getByText("The invitation is withdrawn."));
  assert.equal(await row(owner, guest.email).count(), 0);
  await tab.reload();
  await headingIs(tab, "This invitation is over");

  const [one, two] = [somebody("Ada Oak"), somebody("Bo Elm")];
  const list = [
    "email,role", `${one.email},agent`, `"${one.email}","viewer"`, "nobody", `${two.email},boss`, `${two.email}, viewer`,
  ];
  await press(owner, owner.getByRole("link", { name: "Invite many from a list" }));
  await owner.getByLabel("The list").fill(list.join("\n"));
  await press(owner, owner.getByRole("button", { name: "Send the invitations" }));
  assert.match(pathOf(owner), /^\/team\/import\/\w+$/);
  await headingIs(owner, "2 of 5 invited");
  const told = await owner.getByRole("region", { name: "What became of each line" }).locator("tbody tr").allInnerTexts();
  const wanted = [
    /^2\b[^]*Invited/, /^3\b[^]*In an earlier line/, /^4\b[^]*Not understood/, /^5\b[^]*No such role/, /^6\b[^]*Invited/,
  ];
  assert.equal(told.length, wanted.length);
  for (const [n, says] of wanted.entries()) assert.match(told[n].trim(), says);
  await tab.goto((await mailTo(two.email)).link);
  await headingIs(tab, `Join ${business}`);
  await seen(tab.getByText("Viewer", { exact: true }));
});

/** A program that is signed in as somebody: whether its token opens what only people open. */
async function program({ email, password }) {
  const from = { "x-forwarded-for": elsewhere() };
  const body = JSON.stringify({ grant_type: "password", email, password, device: "A phone" });
  const answer = await raw("/api/v1/token", { method: "POST", body, headers: { ...from, "content-type": "application/json" } });
  assert.equal(answer.status, 200, answer.body);
  const authorization = `Bearer ${JSON.parse(answer.body).access_token}`;
  return async () => (await raw("/api/v1/me", { headers: { ...from, authorization } })).status === 200;
}

bothWays("the last owner hands over before leaving, and one button ends everything of theirs", async (stage, scripts) => {
  // Open streams end with a membership.
  const allow = [status(401), status(404)];
  const owner = await stage.open({ scripts, from: elsewhere(), allow });
  const boss = await found(owner);
  const tab = await stage.open({ scripts, from: elsewhere(), allow });
  const heir = await hire(owner, tab, "admin");
  const guest = somebody("Ada Oak");
  const invitation = await invite(owner, guest, "agent");
  const opens = await program(boss);
  assert.ok(await opens());

  await openMember(owner, boss);
  await seen(owner.getByText("The last owner cannot leave"));
  assert.equal(await owner.getByRole("button", { name: "Remove", exact: true }).count(), 0);
  await openMember(owner, heir);
  const word = owner.getByLabel("Type owner to confirm");
  await word.fill("yes");
  await press(owner, owner.getByRole("button", { name: "Make them an owner" }));
  assert.match(await problems(owner).innerText(), /type owner to confirm/i);
  assert.equal(await word.inputValue(), "yes", "what was typed is kept");
  await word.fill("owner");
  await press(owner, owner.getByRole("button", { name: "Make them an owner" }));
  await seen(owner.getByText("They are an owner now, as you are."));

  const open = await stream(await cookieOf(owner.context()));
  assert.equal(open.status, 200);
  try {
    await openMember(tab, boss);
    const confirm = tab.getByLabel("Type remove to confirm");
    await confirm.fill("yes");
    await press(tab, tab.getByRole("button", { name: "Remove", exact: true }));
    assert.match(await problems(tab).innerText(), /type remove to confirm/i);
    assert.ok(await opens(), "nothing was done");
    await confirm.fill("remove");
    await press(tab, tab.getByRole("button", { name: "Remove", exact: true }));
    assert.equal(pathOf(tab), "/team");
    await seen(tab.getByText("They are removed, and signed out everywhere."));
    await soon(open.ended, "the end of the stream");
  } finally {
    open.stop();
  }
  assert.ok(!(await opens()), "the program is signed out");
  await owner.goto(`${base}/home`);
  assert.equal(pathOf(owner), "/sign-in");
  assert.equal(await showPassword(owner, boss), "/sign-in", "without a business there is no way in");
  await owner.goto(invitation);
  await headingIs(owner, "This invitation is over");
  assert.equal(await row(tab, boss.email).count(), 0);
  for (const action of ["member.handed_over", "member.removed"]) {
    await tab.goto(`${base}/audit?action=${action}`);
    await seen(row(tab.locator("main"), "Done").first());
  }
});

bothWays("an access review is decided person by person, and anybody can check its record", async (stage, scripts) => {
  const owner = await stage.open({ scripts, from: elsewhere() });
  const boss = await found(owner);
  const admin = await stage.open({ scripts, from: elsewhere() });
  const second = await hire(owner, admin, "admin", somebody("Ada Oak"));
  // Open streams end with a membership, and with what a role may no longer see.
  const [tab, other] = [
    await stage.open({ scripts, from: elsewhere(), allow: [status(401)] }),
    await stage.open({ scripts, from: elsewhere(), allow: [status(403)] }),
  ];
  const goes = await hire(owner, tab, "agent");
  const changes = await hire(owner, other, "agent", somebody("Bo Elm"));

  await owner.goto(`${base}/reviews`);
  await press(owner, owner.getByRole("button", { name: "Open one now" }));
  await seen(owner.getByText("The review is open. Everybody who can decide gets a mail."));
  const path = pathOf(owner);
  for (const { email } of [boss, second]) {
    const { text } = await mailTo(email, { is: ({ subject }) => subject === "An access review is open" });
    assert.ok(text.includes(base + path), "the mail leads there");
  }
  assert.equal(await row(owner, boss.name).getByRole("button").count(), 0, "nobody decides about themselves");
  await press(owner, row(owner, second.name).getByRole("button", { name: /^Keep/ }));
  await seen(row(owner, second.name).getByText("Kept", { exact: true }));
  await row(owner, changes.name).locator("summary").click();
  await owner.getByLabel(`New role of ${changes.name}`).selectOption("viewer");
  await press(owner, row(owner, changes.name).getByRole("button", { name: "Change the role" }));
  await seen(row(owner, changes.name).getByText("Changed: Viewer", { exact: true }));
  await row(owner, goes.name).locator("summary").click();
  await row(owner, goes.name).getByLabel(/^Type remove to confirm/).fill("remove");
  await press(owner, row(owner, goes.name).getByRole("button", { name: "Remove", exact: true }));
  await seen(row(owner, goes.name).getByText("Removed", { exact: true }));
  await tab.goto(`${base}/home`);
  assert.equal(pathOf(tab), "/sign-in", "what is decided is done at once");
  assert.equal(await owner.getByRole("button", { name: "Close it" }).count(), 0, "not before everybody is decided");

  await admin.goto(base + path);
  assert.equal(await row(admin, boss.name).locator("summary").count(), 0, "who holds more is kept, or left to others");
  await press(admin, row(admin, boss.name).getByRole("button", { name: /^Keep/ }));
  await press(admin, admin.getByRole("button", { name: "Close it" }));
  await seen(admin.getByText("The review is closed. Its record cannot be changed any more."));

  await owner.goto(base + path);
  assert.equal(await owner.getByRole("button", { name: /^(Keep|Remove|Change|Close)/ }).count(), 0);
  await seen(owner.getByText("The decisions are the ones that were signed"));
  await owner.getByText("The decisions as they were signed").click();
  const signed = (await owner.locator("main pre.secret").innerText()).trim();
  const hash = createHash("sha256").update(signed).digest("hex");
  assert.ok((await owner.locator("main").innerText()).includes(hash), "the hash is the one of the text");
  const decisions = JSON.parse(signed).items.map(({ decision }) => decision);
  assert.deepEqual(decisions.sort(), ["change", "keep", "keep", "remove"]);
  for (const { name } of [boss, second, changes, goes]) assert.ok(!signed.includes(name), "names are not in it");
});
