// Masked calls (TEL-7): a technician and a customer call each other through a number of the business. Twilio's own library
// signs what comes in; what is asserted is what Twilio is told to do with it.

import assert from "node:assert/strict";
import { AxeBuilder } from "@axe-core/playwright";
import {
  base, bothWays, demo, elsewhere, freshNumber, headingIs, hex, line, other, page, pathOf, picture, post, press, seen, session,
  story, user,
} from "./kit.mjs";
import { walk } from "./keys.mjs";
import { connectTwilio, found } from "./people.mjs";
import { psql } from "./psql.mjs";
import { deliver } from "./twilio.mjs";

/** As the demo made it (boot/demo/masked_calls.rs). */
const POOL = ["+15555550151", "+15555550152"];
const PHONE = "+15555550160";

const sql = (statement) => psql(demo.owner_database_url, statement).split("\n")[0];
const technician = user(other, "technician");
const owner = user(other, "owner");
const connection = line(other);

/** A job of the technician's, today: its page. */
async function job(customer) {
  const member = sql(`select replace(id::text, '-', '') from members
    where business_id = '${other.id}' and email = '${technician.email}'`);
  const day = sql(`select (now() at time zone zone)::date from businesses where business_id = '${other.id}'`);
  const fields = {
    customer: "Rosa Quill", phone: customer, address: "18 Alder Lane, Chicago", day, from: "00:00", to: "23:59",
    member: `mem_${member}`,
  };
  const made = await post("/api/work-orders/create", fields, { cookie: await session(owner) });
  assert.match(`${made.status} ${made.headers.location}`, /^303 \/work-orders\/wo_\w+$/);
  return made.headers.location;
}

async function cancel(path) {
  const id = path.split("/").pop();
  const version = sql(`select version from work_orders where replace(id::text, '-', '') = '${id.slice(3)}'`);
  const fields = { id, version, confirm: "cancel" };
  const done = await post("/api/work-orders/cancel", fields, { cookie: await session(owner) });
  assert.equal(done.status, 303, done.body);
}

/** A call comes in, and the caller hangs up at once: the TwiML that answered it. */
async function ring(from, to) {
  const params = {
    AccountSid: connection.account,
    ApiVersion: "2010-04-01",
    CallSid: `CA${hex(16)}`,
    CallStatus: "ringing",
    Direction: "inbound",
    From: from,
    Caller: from,
    To: to,
    Called: to,
  };
  const answer = await deliver(connection.webhook_url, connection.secret, params);
  assert.equal(answer.status, 200, answer.body);
  const Timestamp = new Date().toUTCString().replace("GMT", "+0000");
  const end = { ...params, CallStatus: "completed", SequenceNumber: "0", Timestamp };
  assert.equal((await deliver(connection.status_url, connection.secret, end)).status, 200);
  return answer.body;
}

/** Rings at this number alone, and shows the proxy there. */
function leadsTo(answer, number, proxy) {
  assert.equal(answer.match(/<(Number|Client|Sip)\b/g)?.length, 1, answer);
  assert.ok(answer.includes(`>${number}</Number>`) && answer.includes(`callerId="${proxy}"`), answer);
}

function leadsToTheDesks(answer, proxy) {
  assert.ok(answer.includes("<Client ") && !answer.includes("<Number ") && answer.includes(`callerId="${proxy}"`), answer);
}

bothWays("a technician and a customer call each other, and neither is shown the other's number", async (stage, scripts) => {
  const customer = freshNumber();
  const path = await job(customer);
  try {
    const tab = await stage.open({ as: technician, scripts, path: `${path}/call`, width: 390, height: 844 });
    await headingIs(tab, "Call the customer");
    if (scripts) await walk(tab);
    await press(tab, tab.getByRole("button", { name: "Get the number to call" }));
    assert.equal(pathOf(tab), `${path}/call`);
    const call = tab.getByRole("link", { name: /^Call \+/ });
    await seen(call);
    const proxy = (await call.getAttribute("href")).replace("tel:", "");
    assert.ok(POOL.includes(proxy), proxy);

    const inward = await ring(customer, proxy);
    leadsTo(inward, PHONE, proxy);
    assert.ok(!inward.includes(customer));
    const outward = await ring(PHONE, proxy);
    leadsTo(outward, customer, proxy);
    assert.ok(!outward.includes(PHONE));
    leadsToTheDesks(await ring(freshNumber(), proxy), proxy);

    await tab.reload();
    for (const who of ["Customer", "Technician"]) await seen(tab.getByRole("cell", { name: who, exact: true }));
    const shown = await tab.content();
    assert.ok(!shown.includes(customer) && !shown.includes(PHONE), "no number of either stands on the page");
    await picture(tab, `masked-call-${scripts ? "scripts" : "plain"}`);
    if (scripts) {
      const { violations } = await new AxeBuilder({ page: tab }).setLegacyMode(true).analyze();
      assert.deepEqual(violations.map(({ id }) => id), []);
    }

    await cancel(path);
    leadsToTheDesks(await ring(customer, proxy), proxy);
    leadsToTheDesks(await ring(PHONE, proxy), proxy);
    await tab.reload();
    await press(tab, tab.getByRole("button", { name: "Get the number to call" }));
    await seen(tab.getByText(/this job is over/).first());
  } finally {
    sql(`update work_orders set state = 'canceled', closed_at = now() where state <> 'canceled' and state <> 'done'
      and customer_phone = '${customer}'`);
  }
});

bothWays("numbers join the pool and leave it", async (stage, scripts) => {
  const tab = await stage.open({ from: elsewhere(), scripts });
  await found(tab);
  await tab.goto(`${base}/proxy-numbers`);
  await seen(tab.getByText("There is no proxy number yet"));
  await connectTwilio(tab);
  await tab.goto(`${base}/proxy-numbers`);
  const number = freshNumber();
  await tab.getByLabel("Number", { exact: true }).fill("555");
  await tab.getByLabel("Connection").selectOption({ index: 1 });
  await press(tab, tab.getByRole("button", { name: "Add", exact: true }));
  await seen(tab.locator("#problems"));
  await tab.getByLabel("Number", { exact: true }).fill(number);
  await press(tab, tab.getByRole("button", { name: "Add", exact: true }));
  const row = tab.getByRole("row").filter({ hasText: number });
  await seen(row);
  if (scripts) await walk(tab);
  await picture(tab, `proxy-numbers-${scripts ? "scripts" : "plain"}`);
  await press(tab, row.getByRole("button", { name: /^Remove/ }));
  await seen(tab.getByText("There is no proxy number yet"));
});

story("a technician says where they are reached, and is shown the end of it only", async (stage) => {
  const tab = await stage.open({ as: technician, path: "/account" });
  await press(tab, tab.getByRole("link", { name: "Phone for masked calls" }));
  await headingIs(tab, "Phone for masked calls");
  await seen(tab.getByText(PHONE.slice(-4)));
  assert.ok(!(await tab.content()).includes(PHONE));
  await tab.getByLabel("Your phone").fill(PHONE);
  await press(tab, tab.getByRole("button", { name: "Change", exact: true }));
  await seen(tab.getByText("Saved. Customers reach you there, and do not see the number."));
  // Nobody else's page shows it either.
  for (const path of ["/team", "/work-orders"]) {
    assert.ok(!(await page(path, await session(owner))).body.includes(PHONE), path);
  }
});
