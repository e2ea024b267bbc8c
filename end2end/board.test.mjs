// The live board, complete (TEL-2): agents speak for themselves, a supervisor takes a call over, a wallboard hangs on a wall, the
// keys can be switched off, and what the screen shows is what the database holds.

import assert from "node:assert/strict";
import {
  base, bothWays, business, demo, desks, eventually, freshNumber, gone, headingIs, line, masked, openLive, page, picture, press,
  seen, status, story, user,
} from "./kit.mjs";
import { psql } from "./psql.mjs";
import { Call } from "./twilio.mjs";

const ours = business("field_service");
const dispatcher = user(ours, "dispatcher");
const owner = user(ours, "owner");
const [mine] = desks(ours);

const rowOf = (tab, number) => tab.locator("tr[data-call]").filter({ hasText: masked(number) });
const agentOf = (tab, name) => tab.locator("li[data-agent]").filter({ hasText: name });

/** What stands on a board: calls and their states, as the page shows them. */
const shown = (tab) =>
  tab.locator("tr[data-call]").evaluateAll((rows) =>
    rows.map((row) => `${row.dataset.call} ${row.dataset.state}`).sort());

/** What the database holds of calls that are not over. */
function held() {
  const statement = `
    select 'call_' || replace(id::text, '-', '') || ' ' || state from calls
    where business_id = '${ours.id}' and ended_at is null and state_at > now() - interval '4 hours'`;
  return psql(demo.owner_database_url, statement).split("\n").filter(Boolean).sort();
}

bothWays("an agent says that they take a break, and the board shows it", async (stage, scripts) => {
  const desk = await stage.open({ as: mine.user, path: "/home", scripts });
  await desk.getByLabel("Show me as").selectOption({ label: "On a break: Lunch" });
  await press(desk, desk.getByRole("button", { name: "Set my state" }));
  await seen(desk.getByText("You are shown as: on a break."));
  const watched = await stage.open({ as: dispatcher, path: "/board", scripts });
  const agent = agentOf(watched, mine.user.name);
  await seen(agent.getByText("On a break", { exact: true }));
  await seen(agent.getByText("Lunch"));
  // While somebody watches it changes by itself.
  if (scripts) {
    await openLive(watched, "/board");
    await desk.getByLabel("Show me as").selectOption({ label: "Available" });
    await press(desk, desk.getByRole("button", { name: "Set my state" }));
    await seen(agentOf(watched, mine.user.name).getByText("Available", { exact: true }));
  }
});

story("a running call marks its agent, counts in its queue, and the screen is what the database holds", async (stage) => {
  const from = freshNumber();
  const watched = await stage.open({ as: dispatcher });
  await openLive(watched, "/board");
  await seen(watched.getByText("Connected", { exact: true }));
  const call = new Call(line(ours), { from });
  await call.ring();
  await call.legRinging(mine.target);
  await seen(rowOf(watched, from));
  await seen(watched.locator("li[data-queue]").filter({ hasText: "Main line" }).getByText(/[1-9]\d* waiting/));
  await call.answer(mine.target);
  await seen(agentOf(watched, mine.user.name).getByText("on a call"));
  // The checker: screen against database, until both have come to rest.
  const isRunning = (row) => / (queued|initiated|ringing|in_progress)$/.test(row);
  const isSame = async () => {
    const rows = (await shown(watched)).filter(isRunning);
    return JSON.stringify(rows) === JSON.stringify(held());
  };
  await eventually(isSame, { what: "the screen to be what the database holds" });
  await picture(watched, "board-complete");
  await call.complete();
  await gone(agentOf(watched, mine.user.name).getByText("on a call"));
});

bothWays("a supervisor is offered what the provider can do, and asked before a call is ended", async (stage, scripts) => {
  const from = freshNumber();
  const call = new Call(line(ours), { from });
  await call.ring();
  const tab = await stage.open({ as: dispatcher, path: "/board", scripts });
  await rowOf(tab, from).getByRole("link", { name: "Open" }).click();
  await headingIs(tab, "Incoming call");
  await seen(tab.getByRole("heading", { name: "Take over" }));
  await seen(tab.getByText("Twilio mutes participants of a conference only"));
  await tab.getByLabel("Type end to confirm").fill("no");
  await press(tab, tab.getByRole("button", { name: "End the call for everybody" }));
  await seen(tab.getByRole("alert").getByText("type end to confirm"));
  // Whose desk rings sees the call, and is offered nothing of it.
  await call.legRinging(mine.target);
  const agent = await stage.open({ as: mine.user, path: new URL(tab.url()).pathname, scripts });
  await headingIs(agent, "Incoming call");
  assert.equal(await agent.getByRole("heading", { name: "Take over" }).count(), 0, "not for an agent");
  await call.complete();
});

bothWays("a wallboard shows the board without names and numbers until it is revoked", async (stage, scripts) => {
  const from = freshNumber();
  const label = `Wall ${from.slice(-4)}`;
  const tab = await stage.open({ as: owner, path: "/wallboards", scripts });
  await tab.getByLabel("Which screen?").fill(label);
  await press(tab, tab.getByRole("button", { name: "Make a link" }));
  const link = (await tab.locator("code.secret").textContent()).trim();
  assert.ok(link.startsWith(`${base}/wallboard/`), link);
  const call = new Call(line(ours), { from });
  await call.ring();
  // When it is revoked, its stream is answered so.
  const wall = await stage.open({ path: new URL(link).pathname, scripts, allow: [status(404)] });
  await seen(wall.getByText("Ringing").first());
  const content = await wall.content();
  assert.ok(!content.includes(from.slice(-4)) && !content.includes(mine.user.name), "no numbers, no full names");
  if (scripts) {
    await seen(wall.getByText("Connected", { exact: true }));
    await call.legRinging(mine.target);
    await call.answer(mine.target);
    await seen(wall.getByText("In progress").first());
    await picture(wall, "wallboard");
  }
  const row = tab.getByRole("row").filter({ hasText: label });
  await press(tab, row.getByRole("button", { name: "Revoke" }));
  await seen(tab.getByRole("row").filter({ hasText: label }).getByText("Revoked", { exact: true }));
  assert.equal((await page(new URL(link).pathname)).status, 404);
  await call.complete();
});

story("the keys of the board are listed, work, and can be switched off", async (stage) => {
  const call = new Call(line(ours), { from: freshNumber() });
  await call.ring();
  const tab = await stage.open({ as: dispatcher });
  await openLive(tab, "/board");
  await seen(tab.locator("tr[data-call]").first());
  const focused = () => tab.evaluate(() => document.activeElement?.id || document.activeElement?.textContent);
  await tab.keyboard.press("j");
  assert.equal(await focused(), "Open", "a call has the focus");
  await tab.keyboard.press("/");
  assert.equal(await focused(), "f-text", "the search has it");
  await tab.keyboard.press("j");
  assert.equal(await tab.getByLabel("Person or last digits").inputValue(), "j", "typing stays typing");
  await tab.getByRole("heading", { name: "Live board" }).click();
  await tab.keyboard.press("?");
  await seen(tab.getByRole("dialog", { name: "Keys of the live board" }));
  await tab.getByLabel("Switch these keys off in this browser").check();
  await tab.getByRole("button", { name: "Close" }).click();
  await tab.keyboard.press("/");
  assert.notEqual(await focused(), "f-text", "switched off");
  await tab.getByRole("button", { name: "Keys" }).click();
  await tab.getByLabel("Switch these keys off in this browser").uncheck();
  await tab.getByRole("button", { name: "Close" }).click();
  await tab.keyboard.press("/");
  assert.equal(await focused(), "f-text", "and on again");
  await call.complete();
});

bothWays("the owner sets what the board measures by, and names a queue and a reason", async (stage, scripts) => {
  const mark = freshNumber().slice(-4);
  const tab = await stage.open({ as: owner, path: "/settings/board", scripts });
  await tab.getByLabel("And demands it after").fill("60");
  await press(tab, tab.getByRole("button", { name: "Save" }));
  await seen(tab.getByRole("alert").getByText("Demands attention after"));
  await tab.goto(`${base}/settings/board`);
  await tab.getByLabel("Reason", { exact: true }).fill(`Fitting ${mark}`);
  await tab.getByLabel("Counts as").selectOption("busy");
  await press(tab, tab.getByRole("button", { name: "Add", exact: true }));
  const row = tab.getByRole("row").filter({ hasText: `Fitting ${mark}` });
  await seen(row.getByText("Busy", { exact: true }));
  await press(tab, row.getByRole("button", { name: "Remove" }));
  await gone(tab.getByRole("row").filter({ hasText: `Fitting ${mark}` }));
});
