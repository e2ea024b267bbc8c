// What happened can be found: by the auditor, by act and by actor, and not by everybody (AUD-1, AUD-4, AUD-7). And how
// long data is kept is changed with a preview, a reason and a typed word (RET-1).

import assert from "node:assert/strict";
import {
  agency, base, bothWays, connectAgency, desks, eventually, fresh, freshNumber, headingIs, hex, line, masked, page, post, press,
  seen, session, signIn, status, story, user,
} from "./kit.mjs";
import { Call } from "./twilio.mjs";

await connectAgency();

const owner = user(agency, "owner");
const auditor = user(agency, "auditor");
const [, desk] = desks(agency, "dispatcher");

/** Sets filters on the audit page by its form, and sends them. */
async function filter(tab, { act, actor, target, result }) {
  await tab.goto(`${base}/audit`);
  await tab.locator("summary").filter({ hasText: /^Filters$/ }).click();
  if (act) await tab.getByLabel("Act", { exact: true }).selectOption(act);
  if (actor) await tab.getByLabel("Actor", { exact: true }).selectOption({ label: actor });
  if (target) await tab.getByLabel("Target id").fill(target);
  if (result) await tab.getByLabel("Result", { exact: true }).selectOption(result);
  await press(tab, tab.getByRole("button", { name: "Apply" }));
}

const entries = (tab) => tab.getByRole("region", { name: /^Audit entries/ }).locator("tbody tr");

/** Filters, checks that nothing else is shown, and returns the rows. */
async function find(tab, wanted) {
  await filter(tab, wanted);
  const rows = entries(tab);
  const texts = await rows.allInnerTexts();
  assert.ok(texts.length > 0, `there is an entry of ${JSON.stringify(wanted)}`);
  for (const text of texts) {
    if (wanted.act) assert.ok(text.includes(wanted.act), `every row is ${wanted.act}: ${text}`);
    if (wanted.actor) assert.ok(text.includes(wanted.actor), `every row is ${wanted.actor}'s: ${text}`);
  }
  return rows;
}

bothWays("the auditor finds what happened, by act, actor and target", async (stage, scripts) => {
  // It happens.
  const from = freshNumber();
  const [label, secret] = [`Audited line ${fresh()}`, hex(16)];
  const created = await post(
    "/api/connections/create",
    { provider: "twilio", label, account: `AC${hex(16)}`, secret, number: "", base_url: "" },
    { cookie: await session(owner) },
  );
  assert.equal(created.status, 303);
  assert.match(created.headers.location, /^\/connections\/\w+/);
  const connection = created.headers.location.split("/").pop();
  const blank = await stage.open({ scripts });
  await signIn(blank.context(), desk.user);
  const call = new Call(line(agency), { from });
  await call.ring();
  await call.legRinging(desk.target);
  const shown = await eventually(async () => {
    const { body } = await page("/pops", await session(desk.user));
    return body.includes(masked(from)) && body;
  }, { what: "the pop" });
  assert.ok(shown.includes(`Caller${from.slice(-4)}`));
  const { body: live } = await page("/board", await session(user(agency, "dispatcher")));
  const callId = live.split("<tr").slice(1).find((row) => row.includes(masked(from)))?.match(/data-call="(\w+)"/)?.[1];
  assert.ok(callId, "the board names the call");
  await call.complete();
  const refused = await page("/audit", await session(desk.user));
  assert.equal(refused.status, 403);

  // It is found.
  const tab = await stage.open({ scripts, as: auditor, path: "/audit" });
  await headingIs(tab, "Audit log");
  await find(tab, { act: "session.started", actor: desk.user.name });
  const address = new URL(tab.url());
  assert.equal(address.searchParams.get("action"), "session.started", "the filter is in the address");
  assert.ok(address.searchParams.get("actor"));

  await find(tab, { act: "connection.created", actor: owner.name, target: connection });
  assert.equal(await entries(tab).count(), 1);
  assert.equal(await entries(tab).locator("a[href^='/connections/']").count(), 0, "no link that a click would refuse");

  const heard = await find(tab, { act: "webhook.received", target: callId });
  assert.ok((await heard.first().innerText()).includes("Provider's webhook"));
  assert.ok((await heard.count()) >= 3, "the call, and both events of its leg");
  await find(tab, { act: "pop.looked_up", target: callId });
  await find(tab, { act: "pop.shown", actor: desk.user.name });
  await find(tab, { act: "door.refused", actor: desk.user.name, result: "refused" });

  // One entry, whole.
  await find(tab, { act: "connection.created", target: connection });
  await press(tab, entries(tab).first().getByRole("link").first());
  await headingIs(tab, "Audit log");
  const panel = tab.locator("#entry");
  await seen(panel.getByRole("heading", { name: "Connected a provider" }));
  const facts = await panel.locator("dl.facts").first().innerText();
  for (const word of [owner.name, "Done", connection.slice(-8)]) assert.ok(facts.includes(word), word);
  await panel.getByText("The entry as JSON").click();
  const json = JSON.parse(await panel.locator("details pre").innerText());
  assert.equal(json.action, "connection.created");
  assert.equal(json.target.id, connection);
  assert.equal(json.result, "done");
  assert.match(json.trace_id, /\w{8,}/);
  await press(tab, panel.getByRole("link", { name: "This actor that day" }));
  assert.ok((await entries(tab).count()) > 0);
  await tab.goBack();
  await press(tab, panel.getByRole("link", { name: "On its own page" }));
  await headingIs(tab, "Connected a provider");

  // Nothing personal and nothing secret is in it.
  for (const path of [`/audit?target=${callId}`, `/audit?target=${connection}`, `/audit/${json.id}`]) {
    const { body } = await page(path, await session(auditor));
    for (const word of [from, from.slice(1), `Caller${from.slice(-4)}`, secret]) assert.ok(!body.includes(word), `${path}: ${word}`);
  }
  // Looking is an entry too.
  await find(tab, { act: "audit.entry_viewed", actor: auditor.name });
  await tab.locator("summary").filter({ hasText: /^Filters$/ }).click();
  await press(tab, tab.getByRole("link", { name: "Clear" }));
  assert.equal(new URL(tab.url()).search, "");
});

story("the audit log is closed to those who may not read it", async (stage) => {
  for (const role of ["admin", "manager", "dispatcher", "agent", "technician", "viewer"]) {
    assert.equal((await page("/audit", await session(user(agency, role)))).status, 403, role);
  }
  const tab = await stage.open({ as: desk.user, allow: [status(403)], path: "/audit" });
  await headingIs(tab, "Your role does not allow this");
  await press(tab, tab.getByRole("link", { name: "Go to your home page" }));
});

story("keeping calls shorter shows what goes, and wants a reason and a typed word", async (stage) => {
  const tab = await stage.open({ as: owner, path: "/settings/retention" });
  await headingIs(tab, "Retention");
  const row = tab.getByRole("row").filter({ has: tab.getByRole("link", { name: /how long this is kept: Calls/ }) });
  const before = Number((await row.innerText()).match(/(\d+) days/)[1]);
  const chosen = before - 1;
  await press(tab, row.getByRole("link"));
  await headingIs(tab, "How long to keep: Calls");

  const days = tab.getByLabel("Days");
  await days.fill("31");
  await press(tab, tab.getByRole("button", { name: "Show what it would delete" }));
  await seen(tab.getByText(/whole number from 7 to 30/).first());
  await days.fill(String(chosen));
  await press(tab, tab.getByRole("button", { name: "Show what it would delete" }));
  const preview = await tab.getByText(/Tonight's run will delete/).innerText();
  const [, will, now] = preview.match(/will delete (\d+); with \d+ days as today it would be (\d+)/).map(Number);
  assert.ok(will >= now, "a shorter time deletes at least as much");
  await seen(tab.getByText("This shortens it"));

  const reason = `drill ${fresh()}`;
  await tab.getByLabel("Reason").fill(reason);
  await tab.getByLabel("Type calls to confirm").fill("yes");
  await press(tab, tab.getByRole("button", { name: "Save" }));
  assert.match(await tab.locator("#problems").innerText(), /type calls to confirm/i);
  assert.equal(await tab.getByLabel("Reason").inputValue(), reason, "the reason is kept");
  await tab.getByLabel("Type calls to confirm").fill("calls");
  await press(tab, tab.getByRole("button", { name: "Save" }));
  assert.equal(new URL(tab.url()).pathname, "/settings/retention");
  await seen(tab.getByText("Saved. The next run follows it."));
  assert.match(await row.innerText(), new RegExp(`${chosen} days[\\s\\S]*Chosen`));

  const eye = await stage.open({ as: auditor });
  await find(eye, { act: "retention.changed", actor: owner.name, result: "done" });
  await press(eye, entries(eye).first().getByRole("link").first());
  const text = await eye.locator("main").innerText();
  for (const word of [reason, String(before), String(chosen)]) assert.ok(text.includes(word), word);
  await find(eye, { act: "retention.changed", actor: owner.name, result: "refused" });

  // Who may only read sees the same page without the way to change it; who may not read is refused.
  const { body } = await page("/settings/retention", await session(auditor));
  assert.ok(!body.includes("/settings/retention/calls"));
  for (const [role, path] of [["dispatcher", "/settings/retention"], ["dispatcher", "/settings/retention/calls"], ["admin", "/settings/retention/calls"], ["auditor", "/settings/retention/calls"]]) {
    assert.equal((await page(path, await session(user(agency, role)))).status, 403, `${role} at ${path}`);
  }
  const tried = await post("/api/retention/save", { kind: "calls", days: "7", reason: "x", confirm: "calls" }, { cookie: await session(user(agency, "dispatcher")) });
  assert.equal(tried.status, 403);
});
