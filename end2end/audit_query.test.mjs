// The audit log is asked in words or by fields, which say the same; what one asks often is kept, for oneself or for a role; and a
// page that is open says that something has come, without moving a row (AUD-4).

import assert from "node:assert/strict";
import { agency, base, bothWays, eventually, fresh, headingIs, page, pathOf, press, seen, session, status, story, user } from "./kit.mjs";

const owner = user(agency, "owner");
const auditor = user(agency, "auditor");
const agent = user(agency, "agent");

const entries = (tab) => tab.getByRole("region", { name: /^Audit entries/ }).locator("tbody tr");
const bar = (tab) => tab.getByLabel("Search", { exact: true });
const asked = (tab) => new URL(tab.url()).searchParams.get("q");
const fold = (tab, name) => tab.locator("summary").filter({ hasText: name });

/** Asks in words. */
async function ask(tab, words) {
  await bar(tab).fill(words);
  await press(tab, tab.getByRole("button", { name: "Search", exact: true }));
}

/** Somebody is refused, which leaves an entry. */
async function knock() {
  assert.equal((await page("/audit", await session(agent))).status, 403);
}

bothWays("words, fields and chips say the same, and each chip goes by itself", async (stage, scripts) => {
  await knock();
  const tab = await stage.open({ as: auditor, scripts, path: "/audit" });
  await headingIs(tab, "Audit log");
  assert.equal(await bar(tab).inputValue(), "at:7d", "without being asked, the last days");

  await ask(tab, "result:refused action:door.refused at:24h");
  assert.equal(asked(tab), "result:refused action:door.refused at:24h");
  const texts = await entries(tab).allInnerTexts();
  assert.ok(texts.length > 0);
  for (const text of texts) assert.match(text, /door\.refused[\s\S]*Refused/);
  await fold(tab, /^Filters$/).click();
  assert.equal(await tab.getByLabel("Act", { exact: true }).inputValue(), "door.refused");
  assert.equal(await tab.getByLabel("Result", { exact: true }).inputValue(), "refused");
  await tab.getByLabel(/^Network/).fill("127.0.0.1");
  await press(tab, tab.getByRole("button", { name: "Apply" }));
  assert.equal(await bar(tab).inputValue(), "action:door.refused result:refused ip:127.0.0.0/24 at:24h");

  const chips = tab.getByRole("list", { name: "What is asked for" });
  await press(tab, chips.getByRole("link", { name: /Result: Refused/ }));
  assert.equal(asked(tab), "action:door.refused ip:127.0.0.0/24 at:24h");
  await press(tab, chips.getByRole("link", { name: /Network:/ }));
  await press(tab, chips.getByRole("link", { name: /Time: Last 24 hours/ }));
  assert.equal(asked(tab), "action:door.refused at:all");
  await press(tab, tab.getByRole("link", { name: "Last hour" }));
  assert.equal(asked(tab), "action:door.refused at:1h");

  // Words that are in the entry, not in a column.
  await ask(tab, "audit refused at:1h");
  assert.ok((await entries(tab).count()) > 0);
  await ask(tab, `nothing${fresh()} at:1h`);
  await seen(tab.getByRole("heading", { name: "No entry matches" }));
});

bothWays("a word that cannot be read is named, and stays", async (stage, scripts) => {
  const tab = await stage.open({ as: auditor, scripts, allow: [status(400)], path: "/audit" });
  await ask(tab, "result:good owner");
  const problems = tab.locator("#problems");
  await seen(problems);
  assert.match(await problems.innerText(), /“result:good”: Write done, refused or failed\./);
  assert.equal(await bar(tab).inputValue(), "result:good owner");
  assert.equal(await entries(tab).count(), 0);
  await ask(tab, "result:done");
  assert.ok((await entries(tab).count()) > 0);
});

bothWays("pages go both ways, and times can be read in UTC", async (stage, scripts) => {
  const tab = await stage.open({ as: auditor, scripts, path: "/audit?q=at%3Aall" });
  const top = await entries(tab).first().locator("a").first().getAttribute("href");
  const older = tab.getByRole("link", { name: "Older" });
  if ((await older.count()) > 0) {
    await press(tab, older);
    assert.notEqual(await entries(tab).first().locator("a").first().getAttribute("href"), top);
    await press(tab, tab.getByRole("link", { name: "Newer" }));
    assert.ok((await entries(tab).count()) > 0);
  }
  await seen(tab.getByText(/^Times and days of America/));
  await press(tab, tab.getByRole("link", { name: "Show UTC" }));
  await seen(tab.getByText("Times and days of UTC"));
  assert.match(await entries(tab).first().locator("time").getAttribute("title"), /\+00:00 · UTC$/);
  await ask(tab, "at:24h");
  await seen(tab.getByText("Times and days of UTC"));
});

bothWays("a filter is kept, seen by the role that it is shared with, and taken away", async (stage, scripts) => {
  const name = `Refusals ${fresh()}`;
  const tab = await stage.open({ as: owner, scripts, path: "/audit?q=result%3Arefused+at%3A30d" });
  await fold(tab, /^Saved filters/).click();
  await tab.getByLabel("Name", { exact: true }).fill(name);
  await tab.getByLabel("Auditor", { exact: true }).check();
  await press(tab, tab.getByRole("button", { name: "Save this filter" }));
  await seen(tab.getByText("The filter is saved."));
  assert.equal(asked(tab), "result:refused at:30d", "one is still where one was");
  await fold(tab, /^Saved filters/).click();
  await tab.getByLabel("Name", { exact: true }).fill(name);
  await press(tab, tab.getByRole("button", { name: "Save this filter" }));
  assert.match(await tab.locator("#problems").innerText(), /Name: this is already in use/);

  const eye = await stage.open({ as: auditor, scripts, path: "/audit" });
  await fold(eye, /^Saved filters/).click();
  await press(eye, eye.getByRole("link", { name, exact: true }));
  assert.equal(asked(eye), "result:refused at:30d");
  assert.equal(await eye.getByRole("button", { name: `Remove the filter ${name}` }).count(), 0, "it is not theirs");

  await tab.goto(`${base}/audit`);
  await fold(tab, /^Saved filters/).click();
  await press(tab, tab.getByRole("button", { name: `Remove the filter ${name}` }));
  await seen(tab.getByText("The filter is gone."));
  await eye.goto(`${base}/audit`);
  assert.ok(!(await eye.content()).includes(name));
});

story("an open page says how many have come, and moves nothing", async (stage) => {
  const tab = await stage.open({ as: auditor, path: "/audit?q=action%3Adoor.refused+at%3Aall" });
  const shown = () => entries(tab).evaluateAll((rows) => rows.map((row) => row.querySelector("a").hash + row.querySelector("a").search));
  const before = await shown();
  await knock();
  const news = tab.getByRole("link", { name: /^\d+\+? new: show them$/ });
  await seen(news, 30_000);
  assert.deepEqual(await shown(), before, "no row has moved");
  await press(tab, news);
  assert.equal(asked(tab), "action:door.refused at:all");
  assert.notEqual((await shown())[0], before[0]);
});

story("without scripts there is a link that loads the page again", async (stage) => {
  const tab = await stage.open({ as: auditor, scripts: false, path: "/audit?q=action%3Adoor.refused+at%3Aall" });
  assert.equal(await tab.getByText(/ new: show them$/).count(), 0);
  const before = await entries(tab).first().locator("a").first().getAttribute("href");
  await knock();
  await press(tab, tab.getByRole("link", { name: "Refresh" }));
  assert.notEqual(await entries(tab).first().locator("a").first().getAttribute("href"), before);
});

bothWays("an entry opens beside the list, with its proof, and closes again", async (stage, scripts) => {
  await knock();
  const tab = await stage.open({ as: auditor, scripts, path: "/audit?q=action%3Adoor.refused+at%3A24h" });
  await press(tab, entries(tab).first().locator("a").first());
  const panel = tab.locator("#entry");
  await seen(panel.getByRole("heading", { name: "Was refused at a door" }));
  await eventually(async () => {
    await tab.reload();
    return (await panel.innerText()).includes("It is what was sealed");
  }, { within: 30_000, every: 500, what: "an entry that is sealed" });
  assert.equal(await panel.getByRole("button", { name: "Copy" }).count(), scripts ? 1 : 0);
  await press(tab, panel.getByRole("link", { name: "All of this trace" }));
  assert.match(await bar(tab).inputValue(), /^trace:trc_\w{32}$/);
  assert.ok((await entries(tab).count()) > 0);
  await tab.goBack();
  await press(tab, panel.getByRole("link", { name: "Close" }));
  assert.equal(await panel.count(), 0);
  assert.equal(pathOf(tab), "/audit");
});

story("what is shown is what is exported", async (stage) => {
  const tab = await stage.open({ as: auditor, path: "/audit?q=action%3Adoor.refused+at%3A30d" });
  const link = tab.getByRole("link", { name: /^Export/ });
  const told = new URL(await link.getAttribute("href"), base);
  assert.equal(told.pathname, "/audit/exports/new");
  assert.match(told.searchParams.get("q"), /^action:door\.refused at:\d{4}-\d\d-\d\dT[\d:.]+Z\.\.$/, "with instants");
});
