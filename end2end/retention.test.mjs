// Data whose time is over is deleted by itself, and the deletion says so (RET-2).

import assert from "node:assert/strict";
import { base, demo, eventually, headingIs, nameOf, other, page, seen, session, status, story, user } from "./kit.mjs";
import { psql } from "./psql.mjs";

const owner = user(other, "owner");
const id = other.id;

story(
  "an old call is deleted by the run, which says how many in the audit log and on the page",
  async (stage) => {
    const sql = (statement) => psql(demo.owner_database_url, statement);
    const call = sql(
      `insert into calls (business_id, id, connection_id, provider_call_id, direction, party_number, state, state_seq,
         started_at, state_at, ended_at)
       select '${id}', gen_random_uuid(), id, 'CA-old-' || gen_random_uuid(), 'inbound', '+14155550199', 'completed', 3,
         now() - interval '400 days', now() - interval '400 days', now() - interval '400 days'
       from connections where business_id = '${id}' and provider = 'twilio' limit 1
       returning id`,
    ).split("\n")[0];
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
