// How long data is kept is chosen with what it means in view (RET-1); data whose time is over is deleted by itself, and the
// deletion says so (RET-2).

import assert from "node:assert/strict";
import {
  base, bothWays, cookieOf, demo, elsewhere, eventually, headingIs, nameOf, other, page, pathOf, press, seen, session, status,
  story, user,
} from "./kit.mjs";
import { connectTwilio, found } from "./people.mjs";
import { psql } from "./psql.mjs";

const owner = user(other, "owner");
const id = other.id;
const sql = (statement) => psql(demo.owner_database_url, statement);

/** A call that a business had so many days ago: its id. */
function oldCall(business, days) {
  const then = `now() - interval '${days} days'`;
  return sql(
    `insert into calls (business_id, id, connection_id, provider_call_id, direction, party_number, state, state_seq,
       started_at, state_at, ended_at)
     select business_id, gen_random_uuid(), id, 'CA-old-' || gen_random_uuid(), 'inbound', '+14155550199', 'completed', 3,
       ${then}, ${then}, ${then}
     from connections where business_id = '${business}' and provider = 'twilio' limit 1
     returning id`,
  ).split("\n")[0];
}

story(
  "an old call is deleted by the run, which says how many in the audit log and on the page",
  async (stage) => {
    const call = oldCall(id, 400);
    const path = `/calls/call_${call.replaceAll("-", "")}`;
    const cookie = await session(owner);
    const tabs = [];
    for (const scripts of [true, false]) tabs.push(await stage.open({ as: owner, scripts, allow: [status(404)] }));
    for (const tab of tabs) assert.equal((await tab.goto(base + path)).status(), 200, `${nameOf(owner)} sees the old call`);

    // As if the day had just begun: today's run has not been yet. The clock asks once a minute.
    sql(`delete from retention_runs where business_id = '${id}'`);
    await eventually(async () => (await page(path, cookie)).status === 404, {
      within: 90_000,
      every: 1_000,
      what: "the old call to be gone",
    });
    assert.equal(sql(`select count(*) from calls where business_id = '${id}' and id = '${call}'`), "0");

    for (const tab of tabs) {
      assert.equal((await tab.goto(base + path)).status(), 404);
      await headingIs(tab, "There is nothing here");
      await tab.goto(`${base}/settings/retention`);
      await seen(tab.getByText(/finished, 1 deleted/).first());
    }
    for (const scripts of [true, false]) {
      const tab = await stage.open({ as: user(other, "auditor"), scripts, path: "/audit?action=retention.ran" });
      await seen(tab.locator("main tbody tr").filter({ hasText: "retention.ran" }).first());
    }
    const told = sql(
      `select after ->> 'deleted' from audit_entries
       where business_id = '${id}' and action = 'retention.ran' and after ->> 'kind' = 'calls' order by id desc limit 1`,
    );
    assert.equal(told, "1", "the audit entry names the count");
  },
  { timeout: 150_000 },
);

const row = (tab, text) => tab.getByRole("row").filter({ hasText: text });
const problems = (tab) => tab.locator("#problems");

/** Asks what so many days would mean. */
async function preview(tab, days) {
  await tab.getByLabel("Days", { exact: true }).fill(days);
  await press(tab, tab.getByRole("button", { name: "Show what it would delete" }));
  assert.equal(pathOf(tab), "/settings/retention/calls");
  assert.equal(await tab.getByLabel("Days", { exact: true }).inputValue(), days, "what was typed is kept");
}

/** The form that saves, if the page offers it. */
const saving = (tab) => tab.locator("section.card").filter({ has: tab.getByRole("heading", { name: "2. Save" }) });

async function save(tab, { reason, word }) {
  await saving(tab).getByLabel("Reason").fill(reason);
  if (word !== undefined) await saving(tab).getByLabel("Type calls to confirm").fill(word);
  await press(tab, saving(tab).getByRole("button", { name: "Save", exact: true }));
}

bothWays("how long calls are kept changes after a look at what goes, with a reason and a typed word", async (stage, scripts) => {
  const tab = await stage.open({ scripts, from: elsewhere() });
  const { email } = await found(tab);
  await connectTwilio(tab);
  const business = sql(`select business_id from members where email = '${email}'`);
  for (const days of [10, 100]) assert.match(oldCall(business, days), /^[0-9a-f-]{36}$/);

  await tab.goto(`${base}/settings/retention`);
  const calls = row(tab, "The call, its legs");
  assert.match(await calls.innerText(), /180 days\s*Default/);
  await press(tab, calls.getByRole("link", { name: /^Change/ }));
  await headingIs(tab, "How long to keep: Calls");

  // First what it would mean. No look changes anything.
  await preview(tab, "3");
  await seen(tab.getByText("write a whole number from 7 to 365"));
  assert.equal(await saving(tab).count(), 0);
  await preview(tab, "180");
  await seen(tab.getByText("there is nothing to save"));
  assert.equal(await saving(tab).count(), 0);
  await preview(tab, "30");
  await seen(tab.getByText("This shortens it"));
  await seen(tab.getByText("Tonight's run will delete 1; with 180 days as today it would be 0. What a run has deleted cannot"));

  // Then why, and a word.
  const reason = "The insurer asks for it";
  await save(tab, { reason, word: "call" });
  assert.match(await problems(tab).innerText(), /type calls to confirm/i);
  assert.equal(await saving(tab).getByLabel("Reason").inputValue(), reason, "what was typed is kept");
  assert.equal(await saving(tab).getByLabel("Type calls to confirm").inputValue(), "call");
  await save(tab, { reason: " ", word: "calls" });
  assert.match(await problems(tab).innerText(), /say why, in a few words/i);
  const { body } = await page("/settings/retention", await cookieOf(tab.context()));
  assert.ok(!body.includes("Chosen"), "nothing is saved yet");
  await save(tab, { reason, word: "calls" });
  assert.equal(pathOf(tab), "/settings/retention");
  await seen(tab.getByText("Saved. The next run follows it."));
  assert.match(await calls.innerText(), /30 days\s*Chosen/);

  // Keeping longer destroys nothing: no word is asked for.
  await press(tab, calls.getByRole("link", { name: /^Change/ }));
  await preview(tab, "365");
  await seen(tab.getByText("This keeps it longer"));
  assert.equal(await tab.getByLabel(/^Type .+ to confirm/).count(), 0);
  await save(tab, { reason: "The insurer has thought again" });
  assert.match(await calls.innerText(), /365 days\s*Chosen/);

  // Who did it, from what to what, and why.
  await tab.goto(`${base}/audit?action=retention.changed&result=done`);
  const entries = tab.locator("main tbody tr");
  assert.equal(await entries.count(), 2);
  await press(tab, entries.last().getByRole("link").first());
  assert.match(await tab.locator("main").innerText(), /Reason\s+The insurer asks for it/);
  assert.match(await row(tab, "days").innerText(), /180\s+30\s+changed/);
  await tab.goto(`${base}/audit?action=retention.changed&result=refused`);
  assert.equal(await entries.count(), 2, "what was refused is written too");
});
