// What a business asks of its people: passwords by its own rule (ACC-1), a second factor by role (ACC-3), and the networks
// that they come from (ACC-9).

import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import {
  base, bothWays, comeFrom, cookieOf, demo, elsewhere, freshPassword, headingIs, hex, mailTo, page, pathOf, press, raw, seen,
  signOut, status, story,
} from "./kit.mjs";
import { found, giveCode, hire, recoveryCodes, setUp, showPassword } from "./people.mjs";
import { psql } from "./psql.mjs";
import { Phone } from "./python.mjs";

const problems = (tab) => tab.locator("#problems");
const row = (tab, text) => tab.getByRole("row").filter({ hasText: text });
const FACTOR = "/account/two-factor";

bothWays("a business chooses its rule for passwords, and people change theirs by the old one", async (stage, scripts) => {
  const owner = await stage.open({ scripts, from: elsewhere() });
  await found(owner);
  // Their open streams end with the old password.
  const allow = [status(401)];
  const tab = await stage.open({ scripts, from: elsewhere(), allow });
  const person = await hire(owner, tab, "agent");
  const other = await stage.open({ scripts, from: elsewhere(), allow });
  assert.equal(await showPassword(other, person), "/home");
  await owner.goto(`${base}/settings`);
  await owner.getByLabel("What a password must have").selectOption("length");
  await press(owner, owner.getByRole("button", { name: "Change the rule" }));
  await seen(owner.getByText("Saved. It counts for the next password"));

  await tab.goto(`${base}/account`);
  await press(tab, tab.getByRole("link", { name: "Password", exact: true }));
  await headingIs(tab, "Your password");
  await seen(tab.getByText(/^At least 15 characters/));
  const [now, next] = [tab.getByLabel("Your password now"), tab.getByLabel("New password")];
  const change = async (old, wanted) => {
    await now.fill(old);
    await next.fill(wanted);
    await press(tab, tab.getByRole("button", { name: "Change the password" }));
  };
  // Of four kinds, which is the other rule; and the old one is wrong too. Both are said at once.
  await change(freshPassword(), "uT4#xq9w");
  assert.equal(pathOf(tab), "/account/password");
  const said = await problems(tab).innerText();
  for (const words of [/this is not your password/i, /use at least 15 characters/i]) assert.match(said, words);
  for (const field of [now, next]) assert.equal(await field.inputValue(), "");

  const renewed = { ...person, password: `quiet otters ${hex(5)} swim uphill` };
  await change(person.password, renewed.password);
  assert.equal(pathOf(tab), "/account", "this session goes on");
  await seen(tab.getByText("Your password is changed. All your other sessions are ended."));
  await mailTo(person.email, { is: (mail) => mail.subject === "Your Ringfort password was changed" });
  await other.goto(`${base}/home`);
  assert.equal(pathOf(other), "/sign-in");
  assert.equal(await showPassword(other, person), "/sign-in", "the old one opens nothing");
  assert.equal(await showPassword(other, renewed), "/home");
});

bothWays("who must have a second factor by now is led to it, and nowhere else", async (stage, scripts) => {
  const phone = new Phone();
  const owner = await stage.open({ scripts, from: elsewhere() });
  await found(owner);
  // The stream of the page that is open when the rule comes is refused like everything else.
  const tab = await stage.open({ scripts, from: elsewhere(), allow: [status(403)] });
  const person = await hire(owner, tab, "agent");

  await owner.goto(`${base}/settings`);
  await press(owner, owner.getByRole("link", { name: "Sign-in security" }));
  await owner.getByLabel("Role", { exact: true }).selectOption("agent");
  await owner.getByLabel("Second factor", { exact: true }).selectOption("yes");
  const days = owner.getByLabel("Days to set it up", { exact: true });
  await days.fill("61");
  await press(owner, owner.getByRole("button", { name: "Save" }));
  assert.match(await problems(owner).innerText(), /write a whole number from 0 to 60/i);
  assert.equal(await days.inputValue(), "61", "what was typed is kept");
  assert.equal(await owner.getByLabel("Role", { exact: true }).inputValue(), "agent");
  await days.fill("0");
  await press(owner, owner.getByRole("button", { name: "Save" }));
  await seen(owner.getByText("Saved. It counts from now on."));
  const roles = owner.getByRole("region", { name: "What each role needs" });
  assert.match(await row(roles, "Agent").innerText(), /Required\s+0\b/);
  assert.match(await row(roles, "Owner").innerText(), /Not required/);
  const people = owner.getByRole("region", { name: "People without a second factor" });
  assert.match(await row(people, person.name).innerText(), /Kept out until then[\s\S]*Agent/);

  // From the next click on.
  await press(tab, tab.getByRole("navigation", { name: "Main" }).first().getByRole("link", { name: "Calls", exact: true }));
  assert.equal(pathOf(tab), FACTOR);
  await seen(tab.getByText("Your business asks you for a second factor."));
  for (const path of ["/", "/home", "/board", "/calls", "/pops", "/account/sessions", "/account/password"]) {
    await tab.goto(base + path);
    assert.equal(pathOf(tab), FACTOR, path);
  }
  const cookie = await cookieOf(tab.context());
  const told = await raw("/live", { cookie, headers: { accept: "text/event-stream" } });
  assert.equal(told.status, 403);
  assert.equal(JSON.parse(told.body).kind, "factor_due");
  await tab.goto(`${base}/account`);
  assert.equal(pathOf(tab), "/account", "who one is may be looked at");
  await signOut(tab);
  assert.equal(await showPassword(tab, person), FACTOR);

  await setUp(tab, phone);
  assert.equal((await recoveryCodes(tab)).length, 10);
  for (const path of ["/home", "/calls", "/account/sessions"]) {
    await tab.goto(base + path);
    assert.equal(pathOf(tab), path, "everything opens again");
  }
  await owner.reload();
  assert.equal(await row(people, person.name).count(), 0);
});

const DAY = 24 * 3600_000;

/** What waiting would do: the rule for somebody's role, and their joining, are so many days older. */
function letDaysPass({ email }, days) {
  const moved = psql(
    demo.owner_database_url,
    `with person as (
         update members set joined_at = joined_at - interval '${24 * days} hours' where email = '${email}'
         returning business_id, role
     )
     update factor_rules r set required_from = required_from - interval '${24 * days} hours' from person p
     where r.business_id = p.business_id and r.role = p.role returning r.role`,
  );
  assert.match(moved, /^[a-z]+\b/, "there is a rule");
}

bothWays("a factor that is not due yet is announced, and when its day has come nothing else opens", async (stage, scripts) => {
  const owner = await stage.open({ scripts, from: elsewhere() });
  await found(owner);
  // The stream of the page that is open when the day comes is refused like everything else.
  const tab = await stage.open({ scripts, from: elsewhere(), allow: [status(403)] });
  const person = await hire(owner, tab, "agent");
  await owner.goto(`${base}/settings/security?role=agent`);
  await owner.getByLabel("Second factor", { exact: true }).selectOption("yes");
  await owner.getByLabel("Days to set it up", { exact: true }).fill("7");
  await press(owner, owner.getByRole("button", { name: "Save" }));
  await seen(owner.getByText("Saved. It counts from now on."));
  const people = owner.getByRole("region", { name: "People without a second factor" });
  assert.match(await row(people, person.name).innerText(), /Has time left[\s\S]*Agent/);

  const announced = tab.locator(".notice").filter({ hasText: "Your business asks you for a second factor from" });
  const isOpen = async () => {
    for (const path of ["/home", "/calls", "/account/sessions"]) {
      await tab.goto(base + path);
      assert.equal(pathOf(tab), path);
      await seen(announced);
    }
    return Date.parse(await announced.locator("time").getAttribute("datetime"));
  };
  const due = await isOpen();
  assert.ok(Math.abs(due - Date.now() - 7 * DAY) < 10 * 60_000, "a week from now");
  letDaysPass(person, 6);
  assert.equal(await isOpen(), due - 6 * DAY, "tomorrow");
  await press(tab, announced.getByRole("link", { name: "Set it up" }));
  assert.equal(pathOf(tab), FACTOR);
  await tab.goto(`${base}/home`);

  letDaysPass(person, 1);
  await press(tab, tab.getByRole("navigation", { name: "Main" }).first().getByRole("link", { name: "Calls", exact: true }));
  assert.equal(pathOf(tab), FACTOR, "from the next click on");
  await seen(tab.getByText("Your business asks you for a second factor. Set one up, and everything opens again."));
  assert.equal(await announced.count(), 0);
  for (const path of ["/home", "/calls", "/account/sessions"]) {
    await tab.goto(base + path);
    assert.equal(pathOf(tab), FACTOR, path);
  }
  await owner.reload();
  assert.match(await row(people, person.name).innerText(), /Kept out until then/);

  await setUp(tab, new Phone());
  await tab.goto(`${base}/calls`);
  assert.equal(pathOf(tab), "/calls");
  assert.equal(await tab.getByText("Your business asks you for a second factor").count(), 0);
});

bothWays("a business lets its people in from its networks alone, and nobody shuts themselves out", async (stage, scripts) => {
  const here = `127.77.${randomInt(256)}.${randomInt(1, 255)}`;
  const owner = await stage.open({ scripts, from: here });
  await found(owner);
  const tab = await stage.open({ scripts, from: "203.0.113.7", allow: [status(403), status(401)] });
  const person = await hire(owner, tab, "dispatcher");
  const allow = async (range, note) => {
    await owner.getByLabel("Range", { exact: true }).fill(range);
    await owner.getByLabel("Note", { exact: true }).fill(note);
    await press(owner, owner.getByRole("button", { name: "Allow", exact: true }));
  };
  const remove = (range) => press(owner, owner.getByRole("button", { name: `Remove the network ${range}` }));

  await owner.goto(`${base}/settings`);
  await press(owner, owner.getByRole("link", { name: "Networks" }));
  await seen(owner.getByText(`You are at ${here}, which is in ${here}/32.`));
  await allow("203.0.113.0/24", "Field office");
  assert.match(await problems(owner).innerText(), /your own address would then be outside/i);
  assert.ok((await problems(owner).innerText()).includes(`add ${here}/32 first`));
  assert.equal(await owner.getByLabel("Range", { exact: true }).inputValue(), "203.0.113.0/24", "what was typed is kept");
  assert.equal(await owner.getByLabel("Note", { exact: true }).inputValue(), "Field office");
  await allow("127.0.0.1/8", "This machine");
  assert.match(await problems(owner).innerText(), /you may mean 127\.0\.0\.0\/8/i);
  await tab.goto(`${base}/calls`);
  assert.equal(pathOf(tab), "/calls", "nothing was allowed yet, so nobody is kept out");

  await allow("127.0.0.0/8", "This machine");
  await seen(owner.getByText("The network is allowed. Everybody elsewhere is kept out."));
  assert.match(await row(owner, "127.0.0.0/8").innerText(), /This machine/);

  // Elsewhere: nothing of the business, and a way out.
  const isKeptOut = async () => {
    const answer = await tab.goto(`${base}/calls`);
    assert.equal(answer.status(), 403);
    await headingIs(tab, "You are not in a network of this business");
    assert.equal(await tab.getByRole("navigation", { name: "Main" }).count(), 0);
  };
  await isKeptOut();
  assert.ok(!(await tab.content()).includes(person.name));
  await press(tab, tab.getByRole("button", { name: "Sign out" }));
  assert.equal(pathOf(tab), "/sign-in");
  await showPassword(tab, person);
  await isKeptOut();
  // The same session, carried inside.
  await comeFrom(tab.context(), "127.9.9.9");
  await tab.goto(`${base}/calls`);
  assert.equal(pathOf(tab), "/calls");
  await comeFrom(tab.context(), "203.0.113.7");
  await isKeptOut();

  await allow("203.0.113.0/24", "Field office");
  await tab.goto(`${base}/calls`);
  assert.equal(pathOf(tab), "/calls");
  await remove("127.0.0.0/8");
  assert.match(await problems(owner).innerText(), /your own address would then be outside/i);
  assert.equal(await row(owner, "127.0.0.0/8").count(), 1);
  await remove("203.0.113.0/24");
  await seen(owner.getByText("The network is off the list. It counts at once."));
  await isKeptOut();
  await remove("127.0.0.0/8");
  await seen(owner.getByText("No network is named"));
  await tab.goto(`${base}/calls`);
  assert.equal(pathOf(tab), "/calls", "without a list from everywhere");
});

story("a program is kept out by network and by factor like its person", async (stage) => {
  const owner = await stage.open({ allow: [status(403)] });
  const person = await found(owner);
  const ask = (path, { body, token, from }) =>
    raw(`/api/v1${path}`, {
      method: body ? "POST" : "GET",
      body: body && JSON.stringify(body),
      headers: {
        "x-forwarded-for": from,
        ...(body && { "content-type": "application/json" }),
        ...(token && { authorization: `Bearer ${token}` }),
      },
    });
  const grant = { grant_type: "password", email: person.email, password: person.password, device: "A phone" };
  const away = elsewhere();
  const { access_token: token } = JSON.parse((await ask("/token", { body: grant, from: away })).body);
  assert.equal((await ask("/me", { token, from: away })).status, 200);

  await owner.goto(`${base}/settings/networks`);
  await owner.getByLabel("Range", { exact: true }).fill("127.0.0.0/8");
  await owner.getByLabel("Note", { exact: true }).fill("This machine");
  await press(owner, owner.getByRole("button", { name: "Allow", exact: true }));
  const outside = await ask("/me", { token, from: away });
  assert.deepEqual([outside.status, JSON.parse(outside.body).kind], [403, "outside"]);
  assert.equal((await ask("/me", { token, from: "127.0.0.9" })).status, 200);

  await owner.goto(`${base}/settings/security?role=owner`);
  await owner.getByLabel("Second factor", { exact: true }).selectOption("yes");
  await owner.getByLabel("Days to set it up", { exact: true }).fill("0");
  await press(owner, owner.getByRole("button", { name: "Save" }));
  assert.equal(pathOf(owner), FACTOR, "the rule counts for who made it too");
  const due = await ask("/me", { token, from: "127.0.0.9" });
  assert.deepEqual([due.status, JSON.parse(due.body).kind], [403, "factor_due"]);
});
