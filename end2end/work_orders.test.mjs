// Jobs and the dispatch board: with scripts and without, by keyboard and with the mouse; and a customer who follows by a link.

import assert from "node:assert/strict";
import { base, bothWays, eventually, headingIs, other, page, pathOf, picture, post, press, seen, session, story, user } from "./kit.mjs";

const dispatcher = user(other, "dispatcher");
const technician = user(other, "technician");

let made = 0;

/** A customer whom no other story has. */
const customer = () => `Customer ${Date.now().toString(36)} ${(made += 1)}`;

/** Makes a job by its form, for today: its page. */
async function make(tab, name) {
  await tab.goto(`${base}/work-orders/new`);
  await headingIs(tab, "New job");
  await tab.getByLabel("Customer", { exact: true }).fill(name);
  await tab.getByLabel("Address", { exact: true }).fill("7 Larch Court, Dallas");
  await tab.getByLabel("From", { exact: true }).fill("00:00");
  await tab.getByLabel("To", { exact: true }).fill("23:59");
  await press(tab, tab.getByRole("button", { name: "Make the job" }));
  await seen(tab.getByText("The job is there."));
  return pathOf(tab);
}

/** The name of the technician, as the board has it. */
const lane = (tab) => tab.locator(".lane").filter({ has: tab.getByRole("heading", { name: new RegExp(technician.name) }) });
const card = (tab, name) => tab.locator("[data-job]").filter({ hasText: name });

bothWays("a job is made, given to somebody by its list and button, moved along, and canceled never by accident", async (stage, scripts) => {
  const tab = await stage.open({ as: dispatcher, scripts });
  const name = customer();
  const path = await make(tab, name);
  await tab.goto(`${base}/dispatch`);
  await seen(card(tab, name));
  await picture(tab, `dispatch-${scripts ? "scripts" : "plain"}`);
  await card(tab, name).getByRole("combobox").selectOption({ label: technician.name });
  await press(tab, card(tab, name).getByRole("button", { name: /^Assign/ }));
  await seen(lane(tab).getByText(name));
  await tab.goto(base + path);
  await press(tab, tab.getByRole("button", { name: "On the way" }));
  await seen(tab.getByText("The job: on the way."));
  await picture(tab, `work-order-${scripts ? "scripts" : "plain"}`);
  await tab.getByText("The customer needs nobody").click();
  await tab.getByLabel("Type cancel to confirm").fill("no");
  await press(tab, tab.getByRole("button", { name: "Cancel the job" }));
  await seen(tab.getByText("type cancel to confirm").first());
});

story("a job is dispatched by the keyboard alone, and drawn with the mouse", async (stage) => {
  const tab = await stage.open({ as: dispatcher });
  const [one, two] = [customer(), customer()];
  await make(tab, one);
  await make(tab, two);
  await tab.goto(`${base}/dispatch`);
  await card(tab, one).getByRole("link").focus();
  await tab.keyboard.press("Tab");
  await tab.keyboard.type(technician.name);
  await tab.keyboard.press("Tab");
  await Promise.all([tab.waitForEvent("load"), tab.keyboard.press("Enter")]);
  await seen(lane(tab).getByText(one));
  assert.match(await tab.evaluate(() => document.activeElement.textContent), new RegExp(one), "the focus is where one was");
  // What others change is told above the board, and may push it down just before the mouse is there.
  await eventually(async () => {
    await card(tab, two).dragTo(lane(tab).locator("h2"));
    await seen(lane(tab).getByText(two));
    return true;
  }, { within: 60_000, what: "the drawn card" });
});

story("what somebody else changes is told, and nothing moves", async (stage) => {
  const tab = await stage.open({ as: dispatcher });
  await tab.goto(`${base}/dispatch`);
  const bar = tab.getByRole("link", { name: "Jobs have changed: show them" });
  const day = await tab.getByLabel("Day", { exact: true }).inputValue();
  const name = customer();
  const fields = { customer: name, address: "9 Larch Court, Dallas", day, from: "00:00", to: "23:59" };
  assert.equal((await post("/api/work-orders/create", fields, { cookie: await session(dispatcher) })).status, 303);
  await seen(bar);
  assert.equal(await card(tab, name).count(), 0, "not by itself");
  await press(tab, bar);
  await seen(card(tab, name));
});

story("a board that missed too much says so, and hears what comes", async (stage) => {
  const tab = await stage.open({ as: dispatcher });
  await tab.addInitScript(() => {
    globalThis.theirs = [];
    globalThis.EventSource = class extends EventSource {
      constructor(...of) {
        super(...of);
        // The one stream of the page.
        if (new Error().stack.includes("/static/live.js")) globalThis.theirs.push(this);
      }
    };
  });
  await tab.goto(`${base}/dispatch`);
  const open = (n) => tab.evaluate((at) => globalThis.theirs[at]?.readyState === EventSource.OPEN, n);
  await eventually(() => open(0), { within: 15_000, what: "the stream" });
  await tab.evaluate(() => globalThis.theirs[0].dispatchEvent(new MessageEvent("reset")));
  await seen(tab.getByRole("link", { name: "Jobs have changed: show them" }));
  await eventually(() => open(1), { within: 15_000, what: "another stream" });
});

bothWays("a customer follows by a link, which ends with the job", async (stage, scripts) => {
  const tab = await stage.open({ as: dispatcher, scripts });
  const name = customer();
  const path = await make(tab, name);
  await press(tab, tab.getByRole("button", { name: "Show it once" }));
  const link = (await tab.locator("pre.secret").innerText()).trim();
  const follow = new URL(link).pathname;
  const theirs = await stage.open({ scripts });
  await theirs.goto(base + follow);
  await headingIs(theirs, "We are finding somebody for you");
  assert.equal((await theirs.content()).includes(name), false);
  await picture(theirs, `track-${scripts ? "scripts" : "plain"}`);
  await tab.goto(base + path);
  await tab.getByText("The customer needs nobody").click();
  await tab.getByLabel("Type cancel to confirm").fill("cancel");
  await press(tab, tab.getByRole("button", { name: "Cancel the job" }));
  const over = await page(follow);
  assert.equal(over.status, 404);
  assert.match(over.body, /This link is over/);
});
