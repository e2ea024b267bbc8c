// From a stranger to a business that runs: sign up, invite, sign in with every role, connect a provider, say where it rings,
// go to another business and back. Everything here works without JavaScript too, so each story is told twice.

import assert from "node:assert/strict";
import {
  ROLES, agency, base, bothWays, choose, cookieOf, elsewhere, fresh, freshNumber, freshPassword, headingIs, hex, mailTo, page,
  pathOf, post, press, seen, session, signIn, signOut, status, user,
} from "./kit.mjs";
import { connectTwilio, found, hire, somebody } from "./people.mjs";
import { Call, deliver } from "./twilio.mjs";

bothWays("a stranger founds a business and invites a colleague", async (stage, scripts) => {
  const mark = fresh();
  const name = `Pinecrest ${mark}`;
  const founder = { email: `founder-${mark}@e2e.example`, password: freshPassword() };
  const tab = await stage.open({ scripts, path: "/sign-up" });
  await headingIs(tab, "Sign up your business");
  await tab.getByLabel("Your email address").fill(founder.email);
  await tab.getByLabel("Name of the business").fill(name);
  await choose(tab, /^Insurance agency/);
  await tab.getByLabel("Time zone").fill("America/Denver");
  await press(tab, tab.getByRole("button", { name: "Send me the link" }));
  await headingIs(tab, "Check your mail");

  const mail = await mailTo(founder.email);
  assert.ok(mail.link, "the mail has a link");
  assert.ok(!mail.text.includes(name), "a mail to an unproven address carries no text of a stranger");
  // A scanner opens the link first, and must not use it up.
  assert.equal((await page(mail.link)).status, 303);
  await tab.goto(mail.link);
  assert.equal(pathOf(tab), "/sign-up/finish", "the token has left the address");
  await headingIs(tab, "Finish signing up");
  await tab.getByLabel("Your name").fill("Frances Pine");
  await tab.getByLabel("Choose a password").fill(founder.password);
  await press(tab, tab.getByRole("button", { name: "Open my business" }));
  assert.equal(pathOf(tab), "/home");
  await headingIs(tab, name);
  await seen(tab.getByText("Your business is ready."));
  await seen(tab.getByRole("heading", { name: "First steps" }));

  const late = await stage.open({ scripts, allow: [status(404)] });
  await late.goto(mail.link);
  await headingIs(late, "This link is over");

  await tab.goto(`${base}/team`);
  const colleague = { email: `colleague-${mark}@e2e.example`, password: freshPassword() };
  await tab.getByLabel("Email address").fill(colleague.email);
  await tab.getByLabel("Role", { exact: true }).selectOption("agent");
  await press(tab, tab.getByRole("button", { name: "Send the invitation" }));
  await seen(tab.getByText("The invitation is on its way."));
  await seen(tab.getByRole("row").filter({ hasText: colleague.email }));

  const invitation = await mailTo(colleague.email);
  const second = await stage.open({ scripts });
  await second.goto(invitation.link);
  assert.equal(pathOf(second), "/join");
  await headingIs(second, `Join ${name}`);
  await second.getByLabel("Your name").fill("Colin Ash");
  await second.getByLabel("Choose a password").fill(colleague.password);
  await press(second, second.getByRole("button", { name: "Join" }));
  assert.equal(pathOf(second), "/home");
  await seen(second.getByText("Welcome. You have joined."));

  await tab.reload();
  const row = tab.getByRole("row").filter({ hasText: colleague.email });
  assert.match(await row.innerText(), /Colin Ash[\s\S]*Agent/);
  await late.goto(invitation.link);
  await headingIs(late, "This invitation is over");

  // Both can come back by their password.
  await signOut(second);
  assert.equal(pathOf(second), "/sign-in");
  await signIn(second.context(), colleague);
});

/** The navigation of each role, by the permission table (src/model/permission.rs). */
const NAV = {
  owner: ["/home", "/board", "/calls", "/map", "/work-orders", "/dispatch", "/team", "/roles", "/connections", "/extensions", "/proxy-numbers", "/settings/retention", "/settings", "/reviews", "/security/operators", "/audit", "/audit/streams"],
  admin: ["/home", "/board", "/calls", "/map", "/work-orders", "/dispatch", "/team", "/roles", "/connections", "/extensions", "/proxy-numbers", "/settings/retention", "/settings", "/reviews"],
  manager: ["/home", "/board", "/calls", "/map", "/work-orders", "/dispatch", "/team", "/roles", "/extensions", "/proxy-numbers"],
  dispatcher: ["/home", "/board", "/calls", "/map", "/work-orders", "/dispatch", "/team"],
  agent: ["/home", "/board", "/calls"],
  technician: ["/home", "/field", "/calls", "/map", "/work-orders"],
  viewer: ["/home"],
  auditor: ["/home", "/team", "/roles", "/settings/retention", "/reviews", "/security/operators", "/audit"],
};

const hrefs = (locator) => locator.evaluateAll((links) => links.map((link) => link.getAttribute("href")));

for (const role of ROLES) {
  bothWays(`the ${role} signs in and is shown what they may open, and no more`, async (stage, scripts) => {
    const tab = await stage.open({ scripts });
    const context = tab.context();
    await tab.goto(`${base}/home`);
    assert.equal(pathOf(tab), "/sign-in", "strangers are sent to the sign-in");
    const home = await signIn(context, user(agency, role));
    await headingIs(home, agency.name);
    const cookie = await cookieOf(context);

    const nav = home.getByRole("navigation", { name: "Main" }).first();
    const shown = await hrefs(nav.getByRole("link"));
    assert.deepEqual([...shown].sort(), [...NAV[role]].sort());
    assert.equal(await nav.locator("[aria-current=page]").getAttribute("href"), "/home");
    for (const path of new Set(Object.values(NAV).flat())) {
      const { status: answered } = await page(path, cookie);
      assert.equal(answered, NAV[role].includes(path) ? 200 : 403, `${role} at ${path}`);
    }
    // Nothing on the page leads to a refusal.
    for (const href of new Set(await hrefs(home.locator("main a[href^='/']")))) {
      assert.equal((await page(href, cookie)).status, 200, `${role} is shown ${href}`);
    }
  });
}

/** A connection as the address page and the form have it, in the shape of demo.json. */
async function addresses(tab) {
  const codes = await tab.locator("main code").allInnerTexts();
  const door = (name) => codes.map((c) => c.trim()).find((c) => c.endsWith(`/${name}`));
  const found = { webhook_url: door("voice"), status_url: door("status"), dial_url: door("dial") };
  for (const url of Object.values(found)) assert.match(url ?? "", /\/webhooks\/twilio\/[\w-]{20,}\/(voice|status|dial)$/);
  return found;
}

bothWays("the owner connects Twilio, rotates its secret and revokes it", async (stage, scripts) => {
  const owner = user(agency, "owner");
  const tab = await stage.open({ scripts, as: owner, path: "/connections" });
  const [label, account, number] = [`E2E line ${fresh()}`, `AC${hex(16)}`, freshNumber()];
  const [secret, next] = [hex(16), hex(16)];
  const hides = async (path) => {
    const { body } = await page(path, await session(owner));
    for (const word of [secret, next, account]) assert.ok(!body.includes(word), `${path} shows no secret and no account`);
  };

  await press(tab, tab.getByRole("link", { name: "Connect a provider" }).first());
  await choose(tab, /^Twilio/);
  await tab.getByLabel("Name", { exact: true }).fill(label);
  await tab.getByLabel("Account", { exact: true }).fill(account);
  await tab.getByLabel("Secret", { exact: true }).fill(secret);
  await tab.getByLabel("Your number there").fill(number);
  await press(tab, tab.getByRole("button", { name: "Connect" }));
  await headingIs(tab, label);
  await seen(tab.getByText("Connected. The secret is sealed and not shown again."));
  const here = pathOf(tab);
  assert.ok(!(await tab.content()).includes(secret));
  await hides(here);

  await tab.goto(`${base}/connections`);
  const row = tab.getByRole("row").filter({ hasText: label });
  assert.match(await row.innerText(), /Active[\s\S]*Twilio/);
  await hides("/connections");
  await press(tab, row.getByRole("link", { name: label }));

  await press(tab, tab.getByRole("link", { name: "Show the webhook address" }));
  await seen(tab.getByText("This look was written to the audit log"));
  const doors = await addresses(tab);
  await hides(`${here}/address`);
  const line = { ...doors, account, secret, number };
  await new Call(line, { from: freshNumber() }).ring();

  await tab.goto(base + here);
  await tab.getByLabel("New secret").fill(next);
  await press(tab, tab.getByRole("button", { name: "Rotate" }));
  await seen(tab.getByText("The new secret counts."));
  await new Call({ ...line, secret: next }, { from: freshNumber() }).ring();
  // No event in flight is lost: for a minute the old one is good too.
  await new Call(line, { from: freshNumber() }).ring();
  await hides(here);

  const confirm = tab.getByLabel("Type revoke to confirm");
  await confirm.fill("yes");
  await press(tab, tab.getByRole("button", { name: "Revoke this connection" }));
  await seen(tab.locator("#problems"));
  assert.match(await tab.locator("#problems").innerText(), /type revoke to confirm/i);
  assert.equal(await confirm.inputValue(), "yes", "what was typed is kept");
  await new Call({ ...line, secret: next }, { from: freshNumber() }).ring();
  await confirm.fill("revoke");
  await press(tab, tab.getByRole("button", { name: "Revoke this connection" }));
  assert.equal(pathOf(tab), "/connections");
  await seen(tab.getByText("Its webhooks are refused from now on."));
  assert.match(await tab.getByRole("row").filter({ hasText: label }).innerText(), /Revoked/);
  const refused = await deliver(doors.webhook_url, next, { AccountSid: account, CallSid: `CA${hex(16)}` });
  assert.equal(refused.status, 401, "the next webhook is refused");
  await tab.goto(base + here);
  await seen(tab.getByText("This connection is over"));
  assert.equal(await tab.getByRole("button", { name: "Rotate" }).count(), 0);
});

bothWays("an extension rings from when it is added until it is removed", async (stage, scripts) => {
  const tab = await stage.open({ scripts, from: elsewhere(), allow: [status(404)] });
  await found(tab);
  const colleague = await hire(tab, await stage.open({ scripts, from: elsewhere() }), "agent");
  const connection = await connectTwilio(tab);
  await press(tab, tab.getByRole("link", { name: "Show the webhook address" }));
  const line = { ...connection, ...(await addresses(tab)) };
  const rings = async () => (await new Call(line, { from: freshNumber() }).ring()).sort();
  assert.deepEqual(await rings(), []);

  await tab.goto(`${base}/extensions`);
  await seen(tab.getByRole("heading", { name: "Nothing rings yet" }));
  for (const [extension, target] of [["101", "client:front_desk"], ["102", "client:back_office"]]) {
    await tab.getByLabel("Extension", { exact: true }).fill(extension);
    await tab.getByLabel("Person", { exact: true }).selectOption({ label: colleague.name });
    await tab.getByLabel("Rings at").fill(target);
    await press(tab, tab.getByRole("button", { name: "Add", exact: true }));
    await seen(tab.getByText("The extension rings from the next call on."));
  }
  assert.deepEqual(await rings(), ["client:back_office", "client:front_desk"]);

  const list = tab.getByRole("region", { name: "Extensions by number" }).locator("tbody tr");
  const remove = (where, extension) =>
    press(where, where.getByRole("button", { name: `Remove extension ${extension}`, exact: true }));
  // The same list in another tab, where nobody looks meanwhile.
  const late = await tab.context().newPage();
  await late.goto(`${base}/extensions`);
  await remove(tab, "101");
  assert.equal(pathOf(tab), "/extensions");
  await seen(tab.getByText("The extension is removed."));
  assert.equal(await list.count(), 1);
  assert.match((await list.innerText()).trim(), /^102\b[\s\S]*back_office/);
  assert.deepEqual(await rings(), ["client:back_office"]);
  await remove(late, "101");
  await headingIs(late, "There is nothing here");

  await remove(tab, "102");
  await seen(tab.getByRole("heading", { name: "Nothing rings yet" }));
  assert.deepEqual(await rings(), []);
  await tab.goto(`${base}/audit?action=extension.removed`);
  const results = await tab.locator("main tbody tr").allInnerTexts();
  assert.deepEqual(results.map((text) => text.match(/Done|Refused/)?.[0]), ["Done", "Refused", "Done"]);
});

bothWays("somebody of two businesses goes from one to the other and back, and sees one at a time", async (stage, scripts) => {
  const own = () => stage.open({ scripts, from: elsewhere() });
  const [one, two] = [await own(), await own()];
  const [first, second] = [await found(one), await found(two, somebody("Olga Birch"))];
  const person = await hire(one, await own(), "dispatcher");
  await two.goto(`${base}/team`);
  await two.getByLabel("Email address").fill(person.email);
  await two.getByLabel("Role", { exact: true }).selectOption("auditor");
  await press(two, two.getByRole("button", { name: "Send the invitation" }));
  const is = ({ link, text }) => link?.includes("/open/join/") && text.includes(second.business);

  // Streams end with the session that has opened them.
  const tab = await stage.open({ scripts, from: elsewhere(), allow: [status(401)] });
  await tab.goto((await mailTo(person.email, { is })).link);
  await tab.getByLabel("Your name").fill(person.name);
  await tab.getByLabel("Your password").fill(person.password);
  await press(tab, tab.getByRole("button", { name: "Join", exact: true }));
  await headingIs(tab, "Your businesses");
  const row = (business) => tab.getByRole("row").filter({ hasText: business });
  assert.match(await row(first.business).innerText(), /Dispatcher[\s\S]*You are here/);
  assert.match(await row(second.business).innerText(), /Auditor[\s\S]*Switch/);
  assert.equal(await tab.locator("main tbody tr").count(), 2);

  /** Here is this business, with what one may do in it, and nothing of the other one. */
  const isAt = async (here, role, there) => {
    assert.equal(pathOf(tab), "/home");
    await headingIs(tab, here.business);
    const shown = await hrefs(tab.getByRole("navigation", { name: "Main" }).first().getByRole("link"));
    assert.deepEqual([...shown].sort(), [...NAV[role]].sort());
    const cookie = await cookieOf(tab.context());
    for (const path of new Set([...NAV.dispatcher, ...NAV.auditor])) {
      assert.equal((await page(path, cookie)).status, NAV[role].includes(path) ? 200 : 403, `${role} at ${path}`);
    }
    const { body } = await page("/team", cookie);
    assert.ok(body.includes(here.email) && !body.includes(there.email));
    return cookie;
  };
  const goTo = async ({ business }) => {
    await tab.locator("summary.person").click();
    await press(tab, tab.getByRole("link", { name: "Switch business" }));
    await press(tab, row(business).getByRole("button", { name: `Switch to ${business}`, exact: true }));
  };

  await tab.goto(`${base}/home`);
  const before = await isAt(first, "dispatcher", second);
  await goTo(second);
  const after = await isAt(second, "auditor", first);
  assert.notEqual(after, before, "the session has a new id");
  assert.equal((await page("/account", before)).status, 303, "the old one is nobody's");
  await tab.goto(`${base}/audit?action=session.switched`);
  await seen(tab.locator("main tbody tr").filter({ hasText: person.name }).filter({ hasText: "Done" }));

  // Nobody goes where they do not belong.
  const foreign = { business: `biz_${agency.id.replaceAll("-", "")}` };
  const refused = await post("/api/switch", foreign, { cookie: after, headers: { accept: "application/json" } });
  assert.deepEqual([refused.status, JSON.parse(refused.body).kind], [404, "missing"]);
  await tab.goto(`${base}/home`);
  await isAt(second, "auditor", first);

  await goTo(first);
  await isAt(first, "dispatcher", second);
  await tab.goto(`${base}/account/sessions`);
  assert.equal(await tab.getByRole("row").filter({ hasText: "You went on in another business" }).count(), 2);
});
