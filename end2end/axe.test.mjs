// Every page in light and dark, wide and narrow: no finding of axe (WCAG 2.2 A and AA), nothing that sticks out
// sideways, and a screenshot in results/. To add a page: a line in the list below.

import assert from "node:assert/strict";
import { dirname } from "node:path";
import { examine } from "./accessible.mjs";
import { namesOf } from "./agency.mjs";
import {
  ROLES, agency, base, business, comeFrom, connectAgency, desks, elsewhere, eventually, fresh, freshNumber, freshPassword, line, mailTo,
  openLive, page, post, press, raw, seen, session, signOut, status, story, user,
} from "./kit.mjs";
import { businessOf, found, setUp, showPassword } from "./people.mjs";
import { command } from "./product.mjs";
import { Phone } from "./python.mjs";
import { Call } from "./twilio.mjs";

await connectAgency();

const owner = user(agency, "owner");
const field = business("field_service");
const agent = desks(agency)[2];
const data = dirname(process.env.RINGFORT_DEMO_JSON ?? "var/demo.json");

/** The first link in a page that looks like this. */
async function first(path, pattern, as = owner) {
  const found = (await page(path, await session(as))).body.match(pattern)?.[0];
  assert.ok(found, `${path} links to ${pattern}`);
  return found;
}

/**
 * Looks at a page four times. `as`: who looks; `make`: opens the page in the tab that it gets, with the stage for whoever has to
 * do something before; `code`: its status; `prepare`: called before each look.
 */
function look(name, { as, make, code = 200, prepare }) {
  story(
    `axe: ${name}`,
    async (stage) => {
      const tab = await stage.open({ as, allow: [status(code)] });
      await make(tab, stage);
      await tab.locator("main").waitFor();
      assert.equal(await tab.getByRole("heading", { level: 1 }).count(), 1, "one h1");
      const problems = await examine(tab, name, { prepare });
      assert.equal(problems.length, 0, `\n${problems.join("\n")}`);
    },
    { timeout: 240_000 },
  );
}

const at = (path) => (tab) => tab.goto(base + path);
/** For addresses that are known only when the test runs. */
const atFirst = (path, pattern, more = "", as = owner) => async (tab) => tab.goto(base + (await first(path, pattern, as)) + more);

// --- Strangers ----------------------------------------------------------------------------------------------

look("sign-in", { make: at("/sign-in") });
look("sign-up", { make: at("/sign-up") });
look("sign-up-sent", { make: at("/sign-up/sent") });
look("sign-up-over", { make: at("/sign-up/finish"), code: 404 });
look("join-over", { make: at("/join"), code: 404 });
look("link", { make: at("/sign-in/link") });
look("link-sent", { make: at("/sign-in/link/sent") });
look("link-over", { make: at("/sign-in/link/open"), code: 404 });
look("forgot", { make: at("/forgot") });
look("forgot-sent", { make: at("/forgot/sent") });
look("reset-over", { make: at("/reset"), code: 404 });
look("mails", { make: at("/dev/mail") });
look("not-found", { make: at("/no-such-page"), code: 404 });
look("field-offline", { make: at("/field/offline") });
look("sign-up-problems", {
  make: async (tab) => {
    await tab.goto(`${base}/sign-up`);
    await tab.getByLabel("Your email address").fill("somebody@e2e.example");
    await tab.getByLabel("Name of the business").fill("Somebody");
    await tab.getByRole("radio").first().check({ force: true });
    await tab.getByLabel("Time zone").fill("Mars/Olympus");
    await press(tab, tab.getByRole("button", { name: "Send me the link" }));
    await seen(tab.locator("#problems"));
  },
});

let signUp;
look("sign-up-finish", {
  make: async (tab) => {
    signUp ??= (async () => {
      const email = `axe-${fresh()}@e2e.example`;
      await post("/api/sign-up", { email, business: "Axe & Sons", profile: "outbound", zone: "America/Chicago" });
      return (await mailTo(email)).link;
    })();
    await tab.goto(await signUp);
  },
});

let invitation;
look("join", {
  make: async (tab) => {
    invitation ??= (async () => {
      const email = `axe-${fresh()}@e2e.example`;
      const sent = await post("/api/team/invite", { email, role: "viewer" }, { cookie: await session(owner) });
      assert.equal(sent.status, 303);
      return (await mailTo(email)).link;
    })();
    await tab.goto(await invitation);
  },
});

/** The link of the newest mail with this subject. */
const linkOf = async ({ email }, subject) => (await mailTo(email, { is: (mail) => mail.subject === subject })).link;

// Of people who are not in the other two.
look("link-open", {
  make: async (tab) => {
    const person = user(agency, "manager");
    await tab.goto(`${base}/sign-in/link`);
    await tab.getByLabel("Email address").fill(person.email);
    await press(tab, tab.getByRole("button", { name: "Mail me the link" }));
    await tab.goto(await linkOf(person, "Your Ringfort sign-in link"));
    await seen(tab.getByText("You asked for this link here."));
  },
});
look("link-code", {
  make: async (tab) => {
    const person = user(agency, "viewer");
    await post("/api/link/ask", { email: person.email });
    await tab.goto(await linkOf(person, "Your Ringfort sign-in link"));
    await press(tab, tab.getByRole("button", { name: "Show me the code" }));
    await seen(tab.locator("main p.secret"));
  },
});
look("reset", {
  make: async (tab) => {
    const person = user(agency, "technician");
    await post("/api/password/forgot", { email: person.email });
    await tab.goto(await linkOf(person, "Your Ringfort password"));
  },
});

// --- People -------------------------------------------------------------------------------------------------

for (const role of ROLES) {
  look(`home-${role}`, { as: user(agency, role), make: at("/home") });
}
look("refused", { as: user(agency, "agent"), make: at("/audit"), code: 403 });
look("bad-request", { as: user(agency, "agent"), make: at("/calls?state=dreaming"), code: 400 });
look("field", { as: user(agency, "technician"), make: at("/field") });
look("account", { as: owner, make: at("/account") });
look("password", { as: owner, make: at("/account/password") });
look("sessions", { as: owner, make: at("/account/sessions") });
look("two-factor", { as: owner, make: at("/account/two-factor") });
// What is begun and not confirmed counts for nothing.
look("two-factor-app", {
  as: owner,
  make: async (tab) => {
    await tab.goto(`${base}/account/two-factor`);
    await press(tab, tab.getByRole("button", { name: "Set up an authenticator app" }));
    await seen(tab.getByRole("img", { name: /^QR code/ }));
  },
});
look("two-factor-text", {
  as: owner,
  make: async (tab) => {
    await tab.goto(`${base}/account/two-factor`);
    await tab.getByLabel("Your mobile number").fill("+14155550123");
    await press(tab, tab.getByRole("button", { name: "Text me a first code" }));
    await seen(tab.getByLabel("The code in the text"));
  },
});
look("two-factor-codes-over", { as: owner, make: at("/account/two-factor/codes") });
look("confirm", { as: owner, make: at("/confirm?next=/settings") });
look("switch", { as: owner, make: at("/switch") });
look("team", { as: owner, make: at("/team") });
look("team-import", { as: owner, make: at("/team/import") });
look("member", { as: owner, make: atFirst("/team", /\/team\/mem_\w+/) });
look("member-second-step", {
  as: owner,
  make: async (tab) => {
    await tab.goto(`${base}/team`);
    await press(tab, tab.getByRole("link", { name: agency.users.find((one) => one.totp_secret).name }));
    await seen(tab.getByRole("heading", { name: "Reset the second step of their sign-in" }));
  },
});
look("roles", { as: owner, make: at("/roles") });
look("roles-compared", { as: owner, make: at("/roles?role=owner&compare=admin") });
look("roles-one", { as: owner, make: at("/roles?role=manager") });
look("roles-who", { as: owner, make: at("/roles?permission=audit.export") });
look("rights", { as: owner, make: atFirst("/team", /\/team\/mem_\w+/, "/rights") });
look("connections", { as: owner, make: at("/connections") });
look("connections-new", { as: owner, make: at("/connections/new") });
look("connection", { as: owner, make: atFirst("/connections", /\/connections\/(?!new)\w+/) });
look("connection-address", { as: owner, make: atFirst("/connections", /\/connections\/(?!new)\w+/, "/address") });
look("extensions", { as: owner, make: at("/extensions") });
look("proxy-numbers-none", { as: owner, make: at("/proxy-numbers") });
look("proxy-numbers", { as: user(field, "owner"), make: at("/proxy-numbers") });
look("account-phone", { as: user(field, "technician"), make: at("/account/phone") });
look("work-orders", { as: user(field, "dispatcher"), make: at("/work-orders") });
look("work-orders-new", { as: user(field, "dispatcher"), make: at("/work-orders/new") });
look("work-order", { as: user(field, "dispatcher"), make: atFirst("/work-orders", /\/work-orders\/wo_\w+/, "", user(field, "dispatcher")) });
look("dispatch", { as: user(field, "dispatcher"), make: at("/dispatch") });
// As the customer sees it, who is nobody here.
look("track", {
  make: async (tab, stage) => {
    const theirs = await stage.open({ as: user(field, "dispatcher"), path: "/work-orders/new" });
    await theirs.getByLabel("Customer", { exact: true }).fill(`Customer ${fresh()}`);
    await theirs.getByLabel("Address", { exact: true }).fill("7 Larch Court, Dallas");
    await theirs.getByLabel("From", { exact: true }).fill("00:00");
    await theirs.getByLabel("To", { exact: true }).fill("23:59");
    await press(theirs, theirs.getByRole("button", { name: "Make the job" }));
    await press(theirs, theirs.getByRole("button", { name: "Show it once" }));
    const link = (await theirs.locator("pre.secret").innerText()).trim();
    await tab.goto(base + new URL(link).pathname);
    await seen(tab.getByRole("heading", { name: "We are finding somebody for you" }));
  },
});
look("track-over", { make: at("/track/abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq"), code: 404 });
look("settings", { as: owner, make: at("/settings") });
look("security", { as: owner, make: at("/settings/security?role=agent") });
look("networks", { as: owner, make: at("/settings/networks") });
look("reviews", { as: owner, make: at("/reviews") });
look("operators", { as: owner, make: at("/security/operators") });
look("retention", { as: owner, make: at("/settings/retention") });
look("retention-edit", { as: owner, make: at("/settings/retention/calls") });
look("retention-preview", { as: owner, make: at("/settings/retention/calls?days=7") });
look("calls", { as: owner, make: at("/calls") });
look("map", { as: user(field, "dispatcher"), make: at("/map") });
look("calls-none", { as: owner, make: at("/calls?from=2001-01-01&until=2001-01-02") });
look("call", { as: owner, make: atFirst("/calls", /\/calls\/call_\w+/) });
look("call-numbers", { as: owner, make: atFirst("/calls", /\/calls\/call_\w+/, "/numbers") });
look("audit", { as: user(agency, "auditor"), make: at("/audit") });
look("audit-streams-none", { as: owner, make: at("/audit/streams") });
look("audit-streams-new", { as: owner, make: at("/audit/streams/new") });
look("audit-seals", { as: user(agency, "auditor"), make: at("/audit/seals") });
look("audit-export", { as: user(agency, "auditor"), make: at("/audit/exports/new?q=action%3Asession.started") });
look("audit-exports", {
  as: user(agency, "auditor"),
  make: async (tab) => {
    const fields = { filter: "action:session.started at:all", format: "csv", zone: "business" };
    const asked = await post("/api/audit/export", fields, { cookie: await session(user(agency, "auditor")) });
    assert.equal(asked.status, 303);
    await tab.goto(`${base}/audit/exports`);
  },
});
look("audit-asked", { as: user(agency, "auditor"), make: at("/audit?q=result%3Arefused+at%3A30d&zone=utc") });
look("audit-unread", { as: user(agency, "auditor"), make: at("/audit?q=result%3Agood+who%3Ame"), code: 400 });
look("audit-panel", {
  as: owner,
  make: async (tab) => {
    await tab.goto(`${base}/audit`);
    await press(tab, tab.locator("tbody tr a").first());
  },
});
look("audit-open", {
  as: owner,
  make: at("/audit"),
  prepare: async (tab) => {
    for (const name of [/^Filters$/, /^Saved filters/]) {
      const details = tab.locator("details").filter({ has: tab.locator("summary").filter({ hasText: name }) });
      if (!(await details.evaluate((e) => e.open))) await details.locator("summary").click();
    }
  },
});
look("audit-entry", {
  as: owner,
  make: async (tab) => tab.goto(`${base}/audit/${(await first("/audit", /entry=aud_\w+/)).slice("entry=".length)}`),
});
look("pops-none", { as: user(agency, "manager"), make: at("/pops") });

// --- In a business of one's own, because it changes what others would see -----------------------------------

const phone = new Phone();

/** A page of somebody who has just founded a business, and what they did before. */
function ofFounder(name, make, more) {
  look(name, {
    make: async (tab) => {
      await comeFrom(tab.context(), elsewhere());
      await make(tab, await found(tab));
    },
    ...more,
  });
}

ofFounder("two-factor-codes", (tab) => setUp(tab, phone));
ofFounder("two-factor-on", async (tab) => {
  await setUp(tab, phone);
  await tab.goto(`${base}/account/two-factor`);
});
ofFounder("factor", async (tab, person) => {
  await setUp(tab, phone);
  await signOut(tab);
  assert.equal(await showPassword(tab, person), "/sign-in/factor");
});
ofFounder("factor-problems", async (tab, person) => {
  await tab.goto(`${base}/account/two-factor`);
  await press(tab, tab.getByRole("button", { name: "Switch codes by email on" }));
  await signOut(tab);
  await showPassword(tab, person);
  await tab.getByLabel("Code", { exact: true }).fill("0000");
  await press(tab, tab.getByRole("button", { name: "Sign in" }));
  await seen(tab.locator("#problems"));
});
ofFounder("factor-due", async (tab) => {
  await tab.goto(`${base}/settings/security?role=owner`);
  await tab.getByLabel("Second factor", { exact: true }).selectOption("yes");
  await press(tab, tab.getByRole("button", { name: "Save" }));
  await tab.goto(`${base}/home`);
  await seen(tab.getByRole("link", { name: "Set it up" }));
});
ofFounder("sessions-programs", async (tab, { email, password }) => {
  const body = JSON.stringify({ grant_type: "password", email, password, device: "Frances's phone" });
  const headers = { "content-type": "application/json", "x-forwarded-for": elsewhere() };
  assert.equal((await raw("/api/v1/token", { method: "POST", body, headers })).status, 200);
  const answer = await post("/api/sign-in", { email, password }, { headers: { "x-forwarded-for": elsewhere() } });
  const cookie = answer.headers["set-cookie"].map((c) => c.split(";")[0]).join("; ");
  await post("/api/sign-out", {}, { cookie });
  await tab.goto(`${base}/account/sessions`);
  await seen(tab.getByText("Frances's phone", { exact: true }));
  await seen(tab.getByText("Signed out there"));
});
ofFounder("member-locked", async (tab, { email, name }) => {
  for (let n = 0; n < 5; n++) {
    await post("/api/sign-in", { email, password: freshPassword() }, { headers: { "x-forwarded-for": elsewhere() } });
  }
  await tab.goto(`${base}/team`);
  await press(tab, tab.getByRole("link", { name }));
  await seen(tab.getByRole("button", { name: "Unlock" }));
});
ofFounder("team-import-result", async (tab) => {
  await tab.goto(`${base}/team/import`);
  await tab.getByLabel("The list").fill(`axe-${fresh()}@e2e.example,agent\nnobody\n`);
  await press(tab, tab.getByRole("button", { name: "Send the invitations" }));
  await seen(tab.getByRole("heading", { name: "1 of 2 invited" }));
});
/** Copies a role. The tab is at the copy then. */
async function copyRole(tab) {
  await tab.goto(`${base}/roles`);
  await tab.getByLabel("Name of the copy", { exact: true }).fill("Front desk");
  await press(tab, tab.getByRole("button", { name: "Copy to a custom role" }));
  await seen(tab.getByRole("heading", { name: "Front desk" }));
}
ofFounder("role", copyRole);
ofFounder("role-preview", async (tab) => {
  await copyRole(tab);
  await tab.getByRole("group", { name: "Work with leads" }).getByLabel("Denied").check();
  await press(tab, tab.getByRole("button", { name: "Show who gains and loses what" }));
  await seen(tab.getByRole("button", { name: "Save the role" }));
  await tab.getByRole("group", { name: "Run campaigns" }).getByLabel("Allowed").check();
});
ofFounder("viewing-as", async (tab) => {
  await tab.goto(`${base}/roles?role=manager`);
  await press(tab, tab.getByRole("button", { name: "View as Manager" }));
  await seen(tab.getByRole("button", { name: "Stop viewing as Manager" }));
});
ofFounder("review", async (tab) => {
  await tab.goto(`${base}/reviews`);
  await press(tab, tab.getByRole("button", { name: "Open one now" }));
  await seen(tab.getByRole("button", { name: /^Keep/ }));
});
ofFounder("review-closed", async (tab) => {
  await tab.goto(`${base}/reviews`);
  await press(tab, tab.getByRole("button", { name: "Open one now" }));
  await press(tab, tab.getByRole("button", { name: /^Keep/ }));
  await press(tab, tab.getByRole("button", { name: "Close it" }));
  await seen(tab.getByRole("heading", { name: "The record" }));
});

ofFounder("operators-open", async (tab) => {
  const business = await businessOf(tab);
  for (const ticket of ["OPS-11", "OPS-12"]) {
    command(data, "operator", "grant", "--business", business, "--reason", "Webhooks of one connection fail", "--ticket", ticket);
    if (ticket === "OPS-11") command(data, "operator", "end", "--business", business);
  }
  command(data, "operator", "show", "--business", business);
  await tab.goto(`${base}/security/operators`);
  await seen(tab.getByRole("button", { name: "End now" }));
});

/** Lets the people of this business in from this machine alone. */
async function allowThisMachine(tab) {
  await comeFrom(tab.context(), "127.0.0.1");
  await tab.goto(`${base}/settings/networks`);
  await tab.getByLabel("Range", { exact: true }).fill("127.0.0.0/8");
  await tab.getByLabel("Note", { exact: true }).fill("This machine");
  await press(tab, tab.getByRole("button", { name: "Allow", exact: true }));
  await seen(tab.getByRole("button", { name: /^Remove/ }));
}
ofFounder("networks-some", allowThisMachine);
ofFounder(
  "outside",
  async (tab) => {
    await allowThisMachine(tab);
    await comeFrom(tab.context(), elsewhere());
    await tab.goto(`${base}/home`);
    await seen(tab.getByRole("button", { name: "Sign out" }));
  },
  { code: 403 },
);

// --- While it rings -----------------------------------------------------------------------------------------

let ringing;
/** Two calls in different states at one desk, made once: the pop of the one that rings is in front. */
function calls() {
  ringing ??= (async () => {
    const [from, long] = [freshNumber(), freshNumber()];
    const talk = new Call(line(agency), { from: long });
    await talk.ring();
    await talk.legRinging(agent.target);
    await talk.answer();
    // A pop comes when the agency system has answered.
    await eventually(async () => (await page("/pops", await session(agent.user))).body.includes(namesOf(long)[0]));
    const call = new Call(line(agency), { from });
    await call.ring();
    await call.legRinging(agent.target);
    return { from };
  })();
  return ringing;
}

look("board", {
  as: user(agency, "dispatcher"),
  make: async (tab) => {
    await calls();
    await openLive(tab, "/board");
    await seen(tab.locator("tr[data-call]").first());
  },
});
look("board-settings", { as: owner, make: at("/settings/board") });
look("wallboards", { as: owner, make: at("/wallboards") });
// As a screen shows it, where nobody is signed in.
look("wallboard", {
  make: async (tab, stage) => {
    await calls();
    const theirs = await stage.open({ as: owner, path: "/wallboards" });
    await theirs.getByLabel("Which screen?").fill(`Screen ${fresh()}`);
    await press(theirs, theirs.getByRole("button", { name: "Make a link" }));
    const link = (await theirs.locator("code.secret").textContent()).trim();
    await tab.goto(base + new URL(link).pathname);
    await seen(tab.getByText("Ringing").first(), 15_000);
    await seen(tab.getByText("Connected", { exact: true }), 15_000);
  },
});
look("board-no-match", { as: user(agency, "dispatcher"), make: at("/board?text=nobody-is-called-so") });
look("pop", {
  as: agent.user,
  make: async (tab) => {
    const { from } = await calls();
    await openLive(tab, "/home");
    await seen(tab.getByRole("region", { name: "Incoming calls" }).getByText(namesOf(from)[0]));
  },
});
look("pops", {
  as: agent.user,
  make: async (tab) => {
    await calls();
    await tab.goto(`${base}/pops`);
  },
});
look("menu-open", {
  as: user(agency, "dispatcher"),
  make: at("/calls"),
  prepare: async (tab, width) => {
    const menu = width === 390 ? tab.locator("summary").filter({ hasText: /^\s*Menu\s*$/ }) : tab.locator("summary.person");
    const panel = tab.locator("details", { has: menu });
    await tab.locator("details[open]").evaluateAll((open) => open.forEach((each) => (each.open = false)));
    await menu.click();
    assert.ok(await panel.evaluate((details) => details.open), "the menu is open");
  },
});
