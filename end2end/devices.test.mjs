// Where one is signed in, and how one ends it somewhere else (ACC-5).

import assert from "node:assert/strict";
import {
  base, bothWays, cookieOf, elsewhere, openLive, page, pathOf, press, seen, signOut, soon, status, story, stream,
} from "./kit.mjs";
import { found, hire, showPassword } from "./people.mjs";

const networkOf = (address) => `${address.split(".").slice(0, 3).join(".")}.0/24`;
/** The sessions that are listed as going on: the one in use, and the others. */
const isThis = (tab) => tab.getByText("This session", { exact: true });
const inUse = (tab) => tab.locator("main li.card").filter({ has: isThis(tab) });
const elsewhereIn = (tab) => tab.locator("main li.card").filter({ hasNot: isThis(tab) });

/** What is open ends soon after `act`. */
async function ends(open, act) {
  assert.equal(open.status, 200);
  try {
    await act();
    await soon(open.ended, "the end of the stream");
  } finally {
    open.stop();
  }
}

bothWays("a session that is ended elsewhere loses its stream at once, and its next click", async (stage, scripts) => {
  const here = await stage.open({ scripts, from: elsewhere() });
  const person = await found(here);
  const address = elsewhere();
  const there = await stage.open({ scripts, from: address, allow: [status(401)] });
  assert.equal(await showPassword(there, person), "/home");
  if (scripts) await openLive(there, "/board");
  else await there.goto(`${base}/board`);
  const cookie = await cookieOf(there.context());

  await here.goto(`${base}/account`);
  await press(here, here.getByRole("link", { name: "Sessions and devices" }).first());
  await seen(here.getByText("You are signed in here and in one other place."));
  assert.match(await inUse(here).innerText(), /Chrome on Linux[\s\S]*Active now[\s\S]*Signed in with password/);
  assert.equal(await inUse(here).getByRole("button").count(), 0, "this one ends by signing out");
  const row = elsewhereIn(here).filter({ hasText: `from ${networkOf(address)}` });
  assert.match(await row.innerText(), new RegExp(`Chrome on Linux[\\s\\S]*${person.business}[\\s\\S]*First seen`));

  await ends(await stream(cookie), async () => {
    await press(here, row.getByRole("button", { name: /^End this session/ }));
    await seen(here.getByText("That session is over."));
    await seen(here.getByText("You are signed in here and nowhere else."));
  });
  assert.equal((await page("/account", cookie)).status, 303);
  if (scripts) await seen(there.getByText(/^Lost for \d+ s/));
  await press(there, there.getByRole("navigation", { name: "Main" }).first().getByRole("link", { name: "Calls", exact: true }));
  assert.equal(pathOf(there), "/sign-in", "its next click");

  const past = here.getByRole("row").filter({ hasText: "Ended by you elsewhere" });
  assert.match(await past.innerText(), new RegExp(`Chrome on Linux[\\s\\S]*${networkOf(address)}`));
});

bothWays("all other sessions end by one button, and each end has its cause", async (stage, scripts) => {
  const here = await stage.open({ scripts, from: elsewhere() });
  const person = await found(here);
  const others = [];
  for (let n = 0; n < 2; n++) {
    const tab = await stage.open({ scripts, from: elsewhere(), allow: [status(401)] });
    await showPassword(tab, person);
    others.push(tab);
  }
  const left = await stage.open({ scripts, from: elsewhere(), allow: [status(401)] });
  await showPassword(left, person);
  await signOut(left);

  await here.goto(`${base}/account/sessions`);
  await seen(here.getByText("You are signed in here and in 2 other places."));
  assert.equal(await here.getByRole("row").filter({ hasText: "Signed out there" }).count(), 1);
  await press(here, here.getByRole("button", { name: "End all other sessions" }));
  await seen(here.getByText("2 other sessions are over. You are signed in here only."));
  assert.equal(await here.getByRole("row").filter({ hasText: "Ended by you elsewhere" }).count(), 2);
  for (const tab of others) {
    await tab.goto(`${base}/calls`);
    assert.equal(pathOf(tab), "/sign-in");
  }
  await here.goto(`${base}/home`);
  assert.equal(pathOf(here), "/home", "this one goes on");
});

story("signing out takes the session out of the browser, not only off the list", async (stage) => {
  const tab = await stage.open({ from: elsewhere() });
  await found(tab);
  await cookieOf(tab.context());
  await signOut(tab);
  await assert.rejects(cookieOf(tab.context()), /has a session/);
});

bothWays("who manages the team signs somebody out of the business", async (stage, scripts) => {
  const owner = await stage.open({ scripts, from: elsewhere() });
  await found(owner);
  const tab = await stage.open({ scripts, from: elsewhere(), allow: [status(401)] });
  const person = await hire(owner, tab, "dispatcher");
  if (scripts) await openLive(tab, "/board");
  await ends(await stream(await cookieOf(tab.context())), async () => {
    await owner.goto(`${base}/team`);
    await press(owner, owner.getByRole("link", { name: person.name }));
    await press(owner, owner.getByRole("button", { name: "End all sessions of this person" }));
    await seen(owner.getByText("Their session here is over."));
  });
  await tab.goto(`${base}/calls`);
  assert.equal(pathOf(tab), "/sign-in");
  assert.equal(await showPassword(tab, person), "/home", "they may sign in again");
});
