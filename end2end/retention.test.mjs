// Data whose time is over is deleted by itself, and the deletion says so (RET-2).

import assert from "node:assert/strict";
import { demo, eventually, nameOf, other, page, session, story, user } from "./kit.mjs";
import { psql } from "./psql.mjs";

const owner = user(other, "owner");
const id = other.id;

story(
  "an old call is deleted by the run, which says how many in the audit log and on the page",
  async () => {
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
    assert.equal((await page(path, cookie)).status, 200, `${nameOf(owner)} sees the old call`);

    // As if the day had just begun: today's run has not been yet. The clock asks once a minute.
    sql(`delete from retention_runs where business_id = '${id}'`);
    await eventually(async () => (await page(path, cookie)).status === 404, {
      within: 90_000,
      every: 1_000,
      what: "the old call to be gone",
    });
    assert.equal(sql(`select count(*) from calls where business_id = '${id}' and id = '${call}'`), "0");

    const settings = await page("/settings/retention", cookie);
    assert.match(settings.body, /finished, 1 deleted/);
    const audit = await page("/audit?action=retention.ran", await session(user(other, "auditor")));
    assert.match(audit.body, /retention\.ran/);
    const told = sql(
      `select after ->> 'deleted' from audit_entries
       where business_id = '${id}' and action = 'retention.ran' and after ->> 'kind' = 'calls' order by id desc limit 1`,
    );
    assert.equal(told, "1", "the audit entry names the count");
  },
  { timeout: 150_000 },
);
