// By keyboard alone through every page: each control is reached by Tab, in sight, and one sees where one is. To add a page:
// its path in the lists below, or a `walk` where a story makes it. The pages of passkeys and of another sign-in are walked
// through where there is an installation that has them: passkeys.test.mjs, oidc.test.mjs.

import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { dirname } from "node:path";
import {
  ROLES, agency, base, comeFrom, desks, elsewhere, freshNumber, headingIs, mailTo, page, pathOf, press, seen, session, signOut,
  status, story, user,
} from "./kit.mjs";
import { walk } from "./keys.mjs";
import {
  apply, beginSetUp, businessOf, connectTwilio, finish, found, hire, letProofAge, setUp, showPassword, somebody,
} from "./people.mjs";
import { command } from "./product.mjs";
import { Phone } from "./python.mjs";

const owner = user(agency, "owner");
const phone = new Phone();
const data = dirname(process.env.RINGFORT_DEMO_JSON ?? "var/demo.json");

async function visit(tab, path) {
  await tab.goto(base + path);
  assert.equal(pathOf(tab), path.split("?")[0]);
  await walk(tab);
}

story("strangers reach everything by Tab", async (stage) => {
  const tab = await stage.open({ from: elsewhere(), allow: [status(404)] });
  const paths = [
    "/sign-in", "/sign-up", "/forgot", "/sign-in/link", "/sign-up/sent", "/forgot/sent", "/sign-in/link/sent", "/dev/mail",
    "/sign-up/finish", "/join", "/reset", "/sign-in/link/open", "/no-such-page", "/field/offline",
  ];
  for (const path of paths) await visit(tab, path);
});

story("what a mailed link leads to is reached by Tab", async (stage) => {
  const tab = await stage.open({ from: elsewhere() });
  const person = somebody();
  await apply(tab, person);
  const { link } = await mailTo(person.email);
  await tab.goto(link);
  await walk(tab);
  await finish(tab, person, link);

  const guest = somebody("Colin Ash");
  await tab.goto(`${base}/team/import`);
  await tab.getByLabel("The list").fill(`${guest.email},agent\nnobody`);
  await press(tab, tab.getByRole("button", { name: "Send the invitations" }));
  await walk(tab);
  await visit(tab, "/team");
  const joins = await stage.open({ from: elsewhere() });
  await joins.goto((await mailTo(guest.email)).link);
  assert.equal(pathOf(joins), "/join");
  await walk(joins);

  await signOut(tab);
  for (const [from, to, subject] of [
    ["/sign-in/link", "/sign-in/link/open", "Your Ringfort sign-in link"],
    ["/forgot", "/reset", "Your Ringfort password"],
  ]) {
    await tab.goto(base + from);
    await tab.getByLabel("Email address").fill(person.email);
    await press(tab, tab.getByRole("button", { name: "Mail me the link" }));
    await tab.goto((await mailTo(person.email, { is: (mail) => mail.subject === subject })).link);
    assert.equal(pathOf(tab), to);
    await walk(tab);
  }
});

story("everybody reaches everything of their home by Tab", async (stage) => {
  for (const role of ROLES) await visit(await stage.open({ as: user(agency, role) }), "/home");
}, { timeout: 240_000 });

/** The first link in a page that looks like this. */
async function first(path, pattern) {
  const found = (await page(path, await session(owner))).body.match(pattern)?.[0];
  assert.ok(found, `${path} links to ${pattern}`);
  return found;
}

story("the owner reaches everything by Tab", async (stage) => {
  const tab = await stage.open({ as: owner });
  const paths = [
    "/home", "/calls", "/board", "/map", "/pops", "/team", "/team/import", "/roles", "/connections", "/connections/new", "/extensions",
    "/proxy-numbers", "/account/phone", "/work-orders", "/work-orders/new", "/dispatch",
    "/settings", "/settings/security", "/settings/networks", "/settings/retention", "/settings/retention/calls", "/settings/board", "/wallboards", "/reviews",
    "/security/operators", "/account",
    "/account/password", "/account/sessions", "/account/two-factor", "/audit", "/audit/exports",
    "/audit/exports/new", "/audit/streams", "/audit/streams/new", "/switch",
    await first("/calls", /\/calls\/call_\w+/),
    `${await first("/calls", /\/calls\/call_\w+/)}/numbers`,
    await first("/connections", /\/connections\/con_\w+/),
    `${await first("/connections", /\/connections\/con_\w+/)}/address`,
    await first("/team", /\/team\/mem_\w+/),
    `${await first("/team", /\/team\/mem_\w+/)}/rights`,
    "/roles?role=manager",
    "/roles?permission=audit.export",
    (await first("/audit", /entry=aud_\w+/)).replace("entry=", "/audit/"),
    (await first("/audit", /entry=aud_\w+/)).replace("entry=", "/audit?q=at%3A1h&entry="),
  ];
  for (const path of paths) await visit(tab, path);
}, { timeout: 240_000 });

story("an agent reaches everything by Tab, on a phone", async (stage) => {
  const tab = await stage.open({ as: desks(agency)[0].user, width: 390, height: 844 });
  for (const path of ["/home", "/calls", "/board", "/account", "/account/sessions"]) await visit(tab, path);
});

story("a technician reaches everything of their day by Tab, on a phone", async (stage) => {
  await visit(await stage.open({ as: user(agency, "technician"), width: 390, height: 844 }), "/field");
});

story("what appears on the way is reached by Tab too", async (stage) => {
  const tab = await stage.open({ from: elsewhere() });
  const person = await found(tab);
  const colleague = await stage.open({ from: elsewhere() });
  await hire(tab, colleague, "agent");
  await tab.goto(`${base}/reviews`);
  await press(tab, tab.getByRole("button", { name: "Open one now" }));
  await walk(tab);
  await tab.goto(`${base}/roles`);
  await tab.getByLabel("Name of the copy", { exact: true }).fill("Front desk");
  await press(tab, tab.getByRole("button", { name: "Copy to a custom role" }));
  await walk(tab);
  await tab.getByRole("group", { name: "Work with leads" }).getByLabel("Denied").check();
  await press(tab, tab.getByRole("button", { name: "Show who gains and loses what" }));
  await walk(tab);
  const why = ["--reason", "Webhooks of one connection fail", "--ticket", "OPS-12"];
  command(data, "operator", "grant", "--business", await businessOf(tab), ...why);
  await visit(tab, "/security/operators");
  letProofAge(person);
  await tab.goto(`${base}/settings/security`);
  assert.equal(pathOf(tab), "/confirm");
  await walk(tab);
  await tab.getByLabel("Your password").fill(person.password);
  await press(tab, tab.getByRole("button", { name: "Go on" }));
  await beginSetUp(tab);
  await walk(tab);
  await setUp(tab, phone);
  await walk(tab);
  await visit(tab, "/account/two-factor");
  await signOut(tab);
  assert.equal(await showPassword(tab, person), "/sign-in/factor");
  await walk(tab);
}, { timeout: 240_000 });

story("a number that is set up is shown by keyboard, and a review that is closed is read", async (stage) => {
  const tab = await stage.open({ from: elsewhere() });
  await found(tab);
  await connectTwilio(tab);
  await tab.goto(`${base}/account/two-factor`);
  await tab.getByLabel("Your mobile number").fill(freshNumber());
  await press(tab, tab.getByRole("button", { name: "Text me a first code" }));
  assert.equal(pathOf(tab), "/account/two-factor/text");
  await seen(tab.getByLabel("The code in the text"));
  await walk(tab);

  await tab.goto(`${base}/reviews`);
  await press(tab, tab.getByRole("button", { name: "Open one now" }));
  await press(tab, tab.getByRole("button", { name: /^Keep/ }));
  await press(tab, tab.getByRole("button", { name: "Close it" }));
  await seen(tab.getByRole("heading", { name: "The record" }));
  await walk(tab);
});

story("who is outside of the networks reaches the way out by Tab", async (stage) => {
  const tab = await stage.open({ from: `127.78.${randomInt(256)}.${randomInt(1, 255)}`, allow: [status(403)] });
  await found(tab);
  await tab.goto(`${base}/settings/networks`);
  await tab.getByLabel("Range", { exact: true }).fill("127.0.0.0/8");
  await tab.getByLabel("Note", { exact: true }).fill("This machine");
  await press(tab, tab.getByRole("button", { name: "Allow", exact: true }));
  await seen(tab.getByText("The network is allowed. Everybody elsewhere is kept out."));
  await walk(tab);
  await comeFrom(tab.context(), elsewhere());
  await tab.goto(`${base}/home`);
  await headingIs(tab, "You are not in a network of this business");
  await seen(tab.getByRole("button", { name: "Sign out" }));
  await walk(tab);
});
