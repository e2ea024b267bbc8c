// Roles that a business makes itself (PER-1, PER-2, PER-5), and viewing the product as another role (PER-6).

import assert from "node:assert/strict";
import { base, bothWays, cookieOf, elsewhere, headingIs, openLive, page, pathOf, press, seen, soon, status, story, stream } from "./kit.mjs";
import { found, hire } from "./people.mjs";

/** One permission of a role's form. */
const cell = (tab, permission) => tab.getByRole("group", { name: permission });

/** Copies a role, and stands on the copy's page then. */
async function copy(owner, of, name) {
  await owner.goto(`${base}/roles`);
  await owner.getByLabel("Copy", { exact: true }).selectOption(of);
  await owner.getByLabel("Name of the copy", { exact: true }).fill(name);
  await press(owner, owner.getByRole("button", { name: "Copy to a custom role" }));
  await headingIs(owner, name);
  return pathOf(owner);
}

/** Gives a colleague a role, by the page of the colleague. */
async function give(owner, person, role) {
  await owner.goto(`${base}/team`);
  await press(owner, owner.getByRole("link", { name: person.name }));
  await owner.getByLabel("New role", { exact: true }).selectOption({ label: role });
  await press(owner, owner.getByRole("button", { name: "Change the role" }));
  await seen(owner.getByText("The role is changed."));
}

bothWays("an owner makes a role, sees who loses what, and saves it", async (stage, scripts) => {
  const owner = await stage.open({ scripts, from: elsewhere() });
  await found(owner);
  const tab = await stage.open({ scripts, from: elsewhere(), allow: [status(403)] });
  const person = await hire(owner, tab, "dispatcher");
  const place = await copy(owner, "dispatcher", "Front desk");
  await seen(owner.getByText("Nobody has it yet"));
  await give(owner, person, "Front desk");
  await tab.goto(`${base}/calls`);
  await headingIs(tab, "Calls");

  await owner.goto(base + place);
  // It leads nowhere without the call log.
  await cell(owner, "Transfer, mute and end calls").getByLabel("Denied").check();
  await cell(owner, "See the full call log").getByLabel("Denied").check();
  await cell(owner, "See their own calls").getByLabel("Denied").check();
  await press(owner, owner.getByRole("button", { name: "Show who gains and loses what" }));
  await seen(owner.getByText(`1 person loses See the full call log: ${person.name}`));
  await tab.goto(`${base}/calls`);
  await headingIs(tab, "Calls");
  // What was chosen can be gone back to, and says what it was.
  await seen(cell(owner, "See their own calls").getByText("today: Allowed"));
  await press(owner, owner.getByRole("button", { name: "Save the role" }));
  await seen(owner.getByText("The role is changed."));
  assert.equal(await cell(owner, "See the full call log").getByLabel("Denied").isChecked(), true);
  const answer = await page("/calls", await cookieOf(tab.context()));
  assert.equal(answer.status, 403, "from the next click on");

  await owner.goto(`${base}/roles?permission=live_board`);
  const row = owner.getByRole("row").filter({ hasText: "Front desk" });
  assert.match(await row.innerText(), new RegExp(`Allowed[\\s\\S]*${person.name}`));
  await press(owner, row.getByRole("link", { name: "Front desk" }));
  await seen(owner.getByRole("heading", { name: "Front desk" }));

  await owner.goto(`${base}/team`);
  await press(owner, owner.getByRole("link", { name: person.name }));
  await press(owner, owner.getByRole("link", { name: "What they may do, and why" }));
  const why = owner.getByRole("row").filter({ hasText: "See the full call log" }).first();
  assert.match(await why.innerText(), /The role Front desk, which this business made, does not hold it[\s\S]*Denied/);

  // Somebody has it, so it stays; then nobody has, and it goes.
  await owner.goto(base + place);
  assert.equal(await owner.getByRole("button", { name: "Delete the role" }).count(), 0);
  await give(owner, person, "Dispatcher");
  await owner.goto(base + place);
  await press(owner, owner.getByRole("button", { name: "Delete the role" }));
  assert.equal(pathOf(owner), "/roles");
  assert.equal(await owner.getByRole("link", { name: "Front desk" }).count(), 0);
});

bothWays("who changed what somebody else has changed meanwhile is told, and sees it", async (stage, scripts) => {
  const owner = await stage.open({ scripts, from: elsewhere() });
  await found(owner);
  const place = await copy(owner, "agent", "Desk");
  const other = await owner.context().newPage();
  for (const tab of [owner, other]) {
    await tab.goto(base + place);
    await cell(tab, "Work with leads").getByLabel("Denied").check();
    await press(tab, tab.getByRole("button", { name: "Show who gains and loses what" }));
    await seen(tab.getByText("Nobody yet loses Work with leads"));
  }
  await press(other, other.getByRole("button", { name: "Save the role" }));
  await seen(other.getByText("The role is changed."));
  await press(owner, owner.getByRole("button", { name: "Save the role" }));
  await seen(owner.locator("#problems"));
  await seen(owner.getByText("there is nothing to save"));
});

bothWays("an owner views the product as somebody else sees it, and comes back", async (stage, scripts) => {
  const owner = await stage.open({ scripts, from: elsewhere(), allow: [status(403)] });
  await found(owner);
  await owner.goto(`${base}/roles?role=viewer`);
  await press(owner, owner.getByRole("button", { name: "View as Viewer" }));
  assert.equal(pathOf(owner), "/home");
  const stop = owner.getByRole("button", { name: "Stop viewing as Viewer" });
  await seen(stop);
  const nav = owner.getByRole("navigation", { name: "Main" }).first();
  assert.deepEqual((await nav.getByRole("link").allInnerTexts()).map((text) => text.trim()), ["Home"]);
  for (const path of ["/calls", "/settings", "/roles"]) {
    await owner.goto(base + path);
    await headingIs(owner, "Your role does not allow this");
    await seen(stop);
  }
  await press(owner, stop);
  await seen(owner.getByText("You see what you may do yourself again."));
  await owner.goto(`${base}/settings`);
  await headingIs(owner, "Settings");
});

story("a role is changed while the board of somebody who has it is open", async (stage) => {
  const owner = await stage.open({ from: elsewhere() });
  await found(owner);
  const tab = await stage.open({ from: elsewhere(), allow: [status(403)] });
  const person = await hire(owner, tab, "dispatcher");
  const place = await copy(owner, "dispatcher", "Front desk");
  await give(owner, person, "Front desk");
  await openLive(tab, "/board");
  const cookie = await cookieOf(tab.context());
  const live = await stream(cookie);
  assert.equal(live.status, 200);
  await owner.goto(base + place);
  for (const permission of ["Watch the live board", "Get screen pops", "Work on jobs"]) await cell(owner, permission).getByLabel("Denied").check();
  await press(owner, owner.getByRole("button", { name: "Show who gains and loses what" }));
  await press(owner, owner.getByRole("button", { name: "Save the role" }));
  await soon(live.ended, "the end of the stream");
  assert.equal((await stream(cookie)).status, 403);
  assert.equal((await page("/board", cookie)).status, 403);
});
