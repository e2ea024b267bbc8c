// What goes wrong says so, keeps what was typed, and gives nothing away.

import assert from "node:assert/strict";
import http from "node:http";
import {
  agency, base, bothWays, cookieOf, elsewhere, fresh, freshNumber, freshPassword, headingIs, hex, line, mailTo, page, pathOf,
  picture, post, press, raw, seen, session, signIn, status, story, stream, submitSignIn, user,
} from "./kit.mjs";
import { found, hire, setUp } from "./people.mjs";
import { Phone } from "./python.mjs";
import { Call, deliver } from "./twilio.mjs";

const owner = user(agency, "owner");
const agent = user(agency, "agent");
const twilio = line(agency);

bothWays("error pages say what happened and where to go on", async (stage, scripts) => {
  const allow = [status(404), status(403), status(400)];
  const stranger = await stage.open({ scripts, allow, path: "/no-such-page" });
  await headingIs(stranger, "There is nothing here");
  await press(stranger, stranger.getByRole("link", { name: "Sign in" }));

  const tab = await stage.open({ scripts, allow, as: agent });
  for (const [path, code, title] of [
    ["/no-such-page", 404, "There is nothing here"],
    ["/calls/call_0", 404, "There is nothing here"],
    ["/calls/call_00000000000000000000000000000000", 404, "There is nothing here"],
    ["/audit", 403, "Your role does not allow this"],
    ["/connections", 403, "Your role does not allow this"],
    ["/calls?state=dreaming", 400, "This request could not be read"],
    ["/calls?from=yesterday", 400, "This request could not be read"],
    ["/calls?nonsense=1", 400, "This request could not be read"],
    ["/board?state=dreaming", 400, "This request could not be read"],
  ]) {
    const answer = await tab.goto(base + path);
    assert.equal(answer.status(), code, path);
    await headingIs(tab, title);
    await seen(tab.getByText(`Error ${code}`));
    await seen(tab.getByRole("navigation", { name: "Main" }).first());
  }
  await press(tab, tab.getByRole("link", { name: "Go to your home page" }));
  await headingIs(tab, agency.name);
});

story("a form that comes too late says so, and changes nothing (409)", async (stage) => {
  const first = await stage.open({ from: elsewhere() });
  await found(first);
  const tab = await stage.open({ from: elsewhere(), allow: [status(401)] });
  const person = await hire(first, tab, "agent");
  await setUp(tab, new Phone());
  await first.goto(`${base}/team`);
  await press(first, first.getByRole("link", { name: person.name }));
  const path = pathOf(first);

  // The same page in two tabs: the second one is sent when the first has done it.
  const second = await first.context().newPage();
  await second.goto(base + path);
  for (const one of [first, second]) {
    await one.getByLabel("Type reset to confirm").fill("reset");
    await press(one, one.getByRole("button", { name: "Reset the second step" }));
    assert.equal(pathOf(one), path);
  }
  const problems = second.locator("#problems");
  assert.match(await problems.innerText(), /Somebody else changed this meanwhile\. Nothing of yours was saved/);
  await picture(second, "error-409");
  const headers = { accept: "application/json" };
  const cookie = await cookieOf(first.context());
  const answer = await post("/api/team/reset-factors", { id: path.split("/").pop(), reset: "reset" }, { cookie, headers });
  assert.deepEqual([answer.status, JSON.parse(answer.body).kind], [409, "conflict"]);
});

story("a form of another kind is refused with a page that says so (415)", async (stage) => {
  const tab = await stage.open({ path: "/sign-in", from: elsewhere(), allow: [status(415)] });
  await tab.getByLabel("Email address").fill("somebody@e2e.example");
  await tab.getByLabel("Password").fill(freshPassword());
  await tab.evaluate(() => {
    document.querySelector('form[action="/api/sign-in"]').enctype = "text/plain";
  });
  const answered = tab.waitForResponse((answer) => new URL(answer.url()).pathname === "/api/sign-in");
  await press(tab, tab.getByRole("button", { name: "Sign in", exact: true }));
  assert.equal((await answered).status(), 415);
  await headingIs(tab, "This kind of content is not accepted here");
  await seen(tab.getByText("Error 415"));
  await picture(tab, "error-415");
  await press(tab, tab.getByRole("link", { name: "Sign in" }));
  assert.equal(pathOf(tab), "/sign-in");
});

bothWays("a form that is too large is refused with a page that says so (413)", async (stage, scripts) => {
  const tab = await stage.open({ scripts, from: elsewhere(), allow: [status(413)] });
  await found(tab);
  await tab.goto(`${base}/team/import`);
  await tab.getByLabel("The list").evaluate((field) => {
    field.value = "a".repeat((256 << 10) + 1);
  });
  const answered = tab.waitForResponse((answer) => answer.request().method() === "POST");
  await press(tab, tab.getByRole("button", { name: "Send the invitations" }));
  assert.equal((await answered).status(), 413);
  await headingIs(tab, "This is too large");
  await seen(tab.getByText("Error 413"));
  await seen(tab.getByText("Nothing was saved. Send less at once."));
  if (scripts) await picture(tab, "error-413");
  await press(tab, tab.getByRole("link", { name: "Go to your home page" }));
  assert.equal(pathOf(tab), "/home");
});

/** Tries from this address until one more is refused. Mails nobody. */
async function exhaust(from) {
  const headers = { accept: "application/json", "x-forwarded-for": from };
  const ask = () => post("/api/link/ask", { email: `nobody-${fresh()}@e2e.example` }, { headers });
  await Promise.all(Array.from({ length: 30 }, ask));
  for (let n = 0; n < 30; n++) {
    const answer = await ask();
    if (answer.status === 429) return answer;
  }
  assert.fail("tries from one address end");
}

bothWays("who has tried too often is told so in the form, which keeps what was typed (429)", async (stage, scripts) => {
  const from = elsewhere();
  const tab = await stage.open({ scripts, from });
  const email = `nobody-${fresh()}@e2e.example`;
  // Every two seconds there is one try more, which may be this one: then once again.
  for (let n = 0; n < 5; n++) {
    await tab.goto(`${base}/forgot`);
    await tab.getByLabel("Email address").fill(email);
    const { headers, body } = await exhaust(from);
    assert.deepEqual([JSON.parse(body).kind, headers["retry-after"]], ["limited", "60"]);
    await press(tab, tab.getByRole("button", { name: "Mail me the link" }));
    if (pathOf(tab) === "/forgot") break;
  }
  assert.equal(pathOf(tab), "/forgot");
  const said = await tab.locator("#problems").innerText();
  assert.match(said, /Too many tries in a short time\. Nothing was changed\. Wait a moment, then try again/);
  assert.equal(await tab.getByLabel("Email address").inputValue(), email);
  if (!scripts) await picture(tab, "error-429-form");
});

story("one stream too many is refused with a page that says so (429)", async (stage) => {
  // Without scripts the page opens none itself.
  const tab = await stage.open({ scripts: false, from: elsewhere(), allow: [status(429)] });
  await found(tab);
  const cookie = await cookieOf(tab.context());
  const open = await Promise.all(Array.from({ length: 12 }, () => stream(cookie)));
  try {
    assert.deepEqual(open.map((one) => one.status), Array(12).fill(200));
    const answer = await tab.goto(`${base}/live`);
    assert.equal(answer.status(), 429);
    assert.equal(answer.headers()["retry-after"], "30");
    await headingIs(tab, "Too many tries in a short time");
    await seen(tab.getByText("Error 429"));
    await picture(tab, "error-429");
    await press(tab, tab.getByRole("link", { name: "Go to your home page" }));
    assert.equal(pathOf(tab), "/home");
  } finally {
    for (const one of open) one.stop();
  }
});

story("programs get errors as JSON, and every answer its headers", async () => {
  for (const [path, code, kind] of [["/no-such-page", 404, "missing"], ["/audit", 401, "signed_out"]]) {
    const answer = await raw(path, { headers: { accept: "application/json" } });
    assert.equal(answer.status, code);
    assert.equal(JSON.parse(answer.body).kind, kind);
  }
  const { headers } = await page("/sign-in");
  assert.match(headers["content-security-policy"], /default-src 'none'/);
  assert.equal(headers["x-content-type-options"], "nosniff");
  assert.equal(headers["x-frame-options"], "DENY");
  assert.equal(headers["cache-control"], "no-store");
});

bothWays("a refused form keeps what was typed, except secrets", async (stage, scripts) => {
  const mark = fresh();
  const email = `careless-${mark}@e2e.example`;
  const tab = await stage.open({ scripts, path: "/sign-up" });
  await tab.getByLabel("Your email address").fill(email);
  await tab.getByLabel("Name of the business").fill("Careless & Sons <b>");
  await tab.locator("label").filter({ has: tab.getByRole("radio", { name: /^Field service/ }) }).click();
  await tab.getByLabel("Time zone").fill("Mars/Olympus");
  await press(tab, tab.getByRole("button", { name: "Send me the link" }));
  const problems = tab.locator("#problems");
  await seen(problems.getByRole("heading", { name: "One thing needs another look" }));
  const zone = tab.getByLabel("Time zone");
  assert.equal(await problems.getByRole("link").getAttribute("href"), "#f-zone");
  assert.equal(await zone.getAttribute("id"), "f-zone", "the summary leads to the field");
  assert.equal(await zone.getAttribute("aria-invalid"), "true");
  assert.match(await zone.getAttribute("aria-describedby"), /\bp-zone\b/);
  assert.equal(await zone.inputValue(), "Mars/Olympus");
  assert.equal(await tab.getByLabel("Your email address").inputValue(), email);
  assert.equal(await tab.getByLabel("Name of the business").inputValue(), "Careless & Sons <b>");
  assert.ok(await tab.getByRole("radio", { name: /^Field service/ }).isChecked());

  // Said once: the next look at the form is a fresh one.
  await tab.goto(`${base}/sign-up`);
  assert.equal(await problems.count(), 0);

  // The password of the last step.
  await post("/api/sign-up", { email, business: `Careless ${mark}`, profile: "outbound", zone: "America/Chicago" });
  await tab.goto((await mailTo(email)).link);
  const short = `k${hex(3)}`;
  await tab.getByLabel("Your name").fill("Cara Less");
  await tab.getByLabel("Choose a password").fill(short);
  await press(tab, tab.getByRole("button", { name: "Open my business" }));
  assert.match(await problems.innerText(), /use at least 8 characters/i);
  assert.equal(await tab.getByLabel("Your name").inputValue(), "Cara Less");
  assert.equal(await tab.getByLabel("Choose a password").inputValue(), "");
  assert.ok(!(await tab.content()).includes(short));

  // The secret of a connection.
  const setup = await stage.open({ scripts, as: owner, path: "/connections/new" });
  const secret = `wrong-shape-${hex(8)}`;
  await setup.getByLabel("Name", { exact: true }).fill(`Line ${mark}`);
  await setup.getByLabel("Account", { exact: true }).fill("AC123");
  await setup.getByLabel("Secret", { exact: true }).fill(secret);
  await setup.getByLabel("Your number there").fill("4155550100");
  await press(setup, setup.getByRole("button", { name: "Connect" }));
  assert.equal(new URL(setup.url()).pathname, "/connections/new");
  await seen(setup.locator("#problems").getByRole("heading", { name: "3 things need another look" }));
  assert.equal(await setup.getByLabel("Name", { exact: true }).inputValue(), `Line ${mark}`);
  assert.equal(await setup.getByLabel("Account", { exact: true }).inputValue(), "AC123");
  assert.equal(await setup.getByLabel("Your number there").inputValue(), "4155550100");
  assert.equal(await setup.getByLabel("Secret", { exact: true }).inputValue(), "");
  assert.ok(!(await setup.content()).includes(secret));
});

bothWays("a wrong sign-in does not tell whether an address is known", async (stage, scripts) => {
  const says = async (email) => {
    const tab = await stage.open({ scripts, path: "/sign-in" });
    await submitSignIn(tab, email, freshPassword());
    assert.match(await tab.locator("#problems").innerText(), /address and password do not match an account here/i);
    assert.equal(await tab.getByLabel("Email address").inputValue(), email);
    assert.equal(await tab.getByLabel("Password").inputValue(), "");
    assert.equal((await tab.context().cookies()).filter((c) => c.name === "__Host-ringfort").length, 0);
    return (await tab.locator("main").innerText()).replaceAll(email, "…");
  };
  const unknown = `nobody-${fresh()}@e2e.example`;
  assert.equal(await says(unknown), await says(user(agency, "viewer").email));
});

story("a sign-up does not tell whether an address is known", async () => {
  const form = { business: "Anything", profile: "outbound", zone: "America/Chicago" };
  const [known, unknown] = [user(agency, "viewer").email, `new-${fresh()}@e2e.example`];
  const [a, b] = [await post("/api/sign-up", { ...form, email: known }), await post("/api/sign-up", { ...form, email: unknown })];
  assert.deepEqual([a.status, a.headers.location], [303, "/sign-up/sent"]);
  assert.deepEqual([b.status, b.headers.location], [a.status, a.headers.location]);
  assert.equal((await mailTo(known)).link, undefined, "the mailbox is told that there is an account");
  assert.ok((await mailTo(unknown)).link);
});

story("other sites cannot post here", async (stage) => {
  const own = await stage.open();
  const tab = await signIn(own.context(), user(agency, "technician"));
  const cookie = await cookieOf(tab.context());
  for (const headers of [
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
    { "sec-fetch-site": "none" },
    { "sec-fetch-site": undefined, origin: "https://evil.example" },
    { "sec-fetch-site": undefined, origin: "null" },
    { "sec-fetch-site": undefined, origin: undefined },
  ]) {
    const cleaned = Object.fromEntries(Object.entries({ "sec-fetch-site": "same-origin", origin: base, ...headers }).filter(([, v]) => v));
    const answer = await raw("/api/sign-out", {
      method: "POST",
      cookie,
      body: "",
      headers: { accept: "text/html", "content-type": "application/x-www-form-urlencoded", ...cleaned },
    });
    assert.equal(answer.status, 403, JSON.stringify(headers));
  }

  // And by a real browser, from a page of another site.
  const evil = http.createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/html" });
    response.end(`<form method="post" action="${base}/api/sign-out"><button>Win a prize</button></form>`);
  });
  await new Promise((done) => evil.listen(0, "127.0.0.1", done));
  try {
    const lured = await stage.open({ allow: [status(403), status(404)] });
    await lured.context().addCookies(await tab.context().cookies());
    await lured.goto(`http://localhost:${evil.address().port}/`);
    await press(lured, lured.getByRole("button"));
    assert.ok(lured.url().startsWith(base), "the form was sent");
    await headingIs(lured, "Your role does not allow this");
  } finally {
    evil.close();
    evil.closeAllConnections();
  }
  assert.equal((await page("/account", cookie)).status, 200, "still signed in");
});

/** An answer as a stranger sees it. */
const seenBy = ({ status: code, headers, body }) => {
  const { date, ...rest } = headers;
  return { code, headers: rest, body };
};

story("a forged webhook is answered like an unknown address", async () => {
  const params = {
    AccountSid: twilio.account, CallSid: `CA${hex(16)}`, CallStatus: "ringing", Direction: "inbound",
    From: freshNumber(), To: twilio.number,
  };
  const nowhere = twilio.webhook_url.replace(/\/webhooks\/twilio\/[^/]+/, `/webhooks/twilio/${hex(22)}`);
  assert.notEqual(nowhere, twilio.webhook_url);
  const unknown = seenBy(await deliver(nowhere, twilio.secret, params));
  assert.equal(unknown.code, 401);
  const forged = {
    "another secret": deliver(twilio.webhook_url, hex(16), params),
    "no signature": deliver(twilio.webhook_url, "", params, { signature: "" }),
    "a signature for another address": deliver(twilio.webhook_url, "", params, {
      signature: (await import("twilio")).default.getExpectedTwilioSignature(twilio.secret, twilio.status_url, params),
    }),
    "another account": deliver(twilio.webhook_url, twilio.secret, { ...params, AccountSid: `AC${hex(16)}` }),
    "another provider": deliver(twilio.webhook_url.replace("/twilio/", "/vonage/"), twilio.secret, params),
  };
  for (const [how, answer] of Object.entries(forged)) assert.deepEqual(seenBy(await answer), unknown, how);
});

story("what is too large or unreadable is refused, and a repeat is done once", async () => {
  const params = {
    AccountSid: twilio.account, CallSid: `CA${hex(16)}`, CallStatus: "ringing", Direction: "inbound",
    From: freshNumber(), To: twilio.number,
  };
  const large = await deliver(twilio.webhook_url, twilio.secret, { ...params, Padding: "x".repeat(66 << 10) });
  assert.equal(large.status, 413);
  const form = await post("/api/sign-in", { email: "a@b.example", password: "x".repeat(258 << 10) });
  assert.equal(form.status, 413);
  const unreadable = await deliver(twilio.status_url, twilio.secret, { ...params, CallStatus: "dreaming" });
  assert.equal(unreadable.status, 422);
  const json = await raw("/api/sign-in", {
    method: "POST", body: "{}", headers: { "content-type": "application/json", accept: "application/json", origin: base, "sec-fetch-site": "same-origin" },
  });
  assert.equal(json.status, 415);

  const call = new Call(twilio, { from: params.From });
  const first = await call.ring();
  for (let i = 0; i < 3; i++) assert.deepEqual(await call.ring(), first, "a repeat is answered as the first");
  await call.complete();
  const { body } = await page(`/calls?digits=${params.From.slice(1)}`, await session(owner));
  assert.equal(body.match(/href="\/calls\/call_\w+"/g)?.length, 1, "one call, however often it was told");
});
