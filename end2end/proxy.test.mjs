// An installation behind a proxy that keeps path and query and is wrong about scheme and host, in every header that there
// is for it. What signatures are checked against, and what cookies, mails and pages say, is RINGFORT_PUBLIC_URL alone.
//
// Told twice: by the shared demo, whose public address is its own, and by an installation of our own that is public at an
// https address which nobody here can reach.

import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync, readdirSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { after } from "node:test";
import twilio from "twilio";
import {
  agency, base, demo, eventually, fresh, freshNumber, hex, line, masked, page, parseMail, raw, results, session, story, user,
} from "./kit.mjs";
import { Product } from "./product.mjs";
import { psql } from "./psql.mjs";
import { Call, deliver } from "./twilio.mjs";

const PUBLIC = "https://phones.example.test";
const INSIDE = "internal.invalid:8080";
const EVIL = "evil.example";

/** The proxy, on a port of its own. */
async function proxyTo(target) {
  const { hostname, port } = new URL(target);
  const server = http.createServer((request, response) => {
    const { method, url: path } = request;
    const headers = {
      ...request.headers,
      host: INSIDE,
      forwarded: `host=${EVIL};proto=http`,
      "x-forwarded-host": EVIL,
      "x-forwarded-proto": "http",
      "x-forwarded-port": "80",
      "x-forwarded-for": request.socket.remoteAddress,
    };
    const onward = http.request({ hostname, port, method, path, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { address: `http://127.0.0.1:${server.address().port}`, close };
}

/** The same path and query at another origin. */
const at = (origin, url) => origin + url.slice(new URL(url).origin.length);

/** Posts a form to one address that is signed for another. */
function send(to, signedFor, { secret }, params) {
  return deliver(to, secret, params, { signature: twilio.getExpectedTwilioSignature(secret, signedFor, params) });
}

const incoming = ({ account, number }, { sid, from }) => ({
  AccountSid: account, ApiVersion: "2010-04-01", CallSid: sid, CallStatus: "ringing", Direction: "inbound",
  From: from, To: number,
});

/** Which of the wrong addresses a text names. */
const wrongIn = (text, ...more) => [INSIDE, EVIL, ...more].filter((word) => text.includes(word));

/**
 * Through the proxy, one call is announced at `origin` with every wrong signature and then with the right one.
 * `foreign`: origins beside the usual ones whose signatures count for nothing.
 */
async function isHeardOnlyAs(origin, { proxy, connection, call, sql, foreign }) {
  const { webhook_url: voice, status_url: status, dial_url: dial } = connection;
  assert.equal(new URL(voice).origin, origin, "the provider is told the public address");
  const params = incoming(connection, call);
  const through = (url) => at(proxy.address, url);
  const stored = () =>
    sql(
      `select (select count(*) from calls where provider_call_id = '${call.sid}'),
         (select count(*) from webhook_receipts where event_key like '%${call.sid}%')`,
    );

  const usual = [proxy.address, `http://${INSIDE}`, `https://${INSIDE}`, `http://${EVIL}`, `https://${EVIL}`];
  for (const wrong of [...usual, ...foreign]) {
    const answer = await send(through(voice), at(wrong, voice), connection, params);
    assert.equal(answer.status, 401, `signed for ${wrong}`);
  }
  for (const [to, signedFor, what] of [
    [status, voice, "to another door"],
    [dial, voice, "to another door"],
    [`${voice}?line=2`, voice, "with a query more"],
    [voice, `${voice}?line=2`, "with a query less"],
    [`${voice}?line=2`, `${voice}?line=1`, "with another query"],
  ]) {
    const answer = await send(through(to), signedFor, connection, params);
    assert.equal(answer.status, 401, `signed for the public address, sent ${what}`);
  }
  assert.equal(stored(), "0|0", "nothing of it is stored");

  // The same words, signed for where the provider was told to call.
  const answer = await send(through(voice), voice, connection, params);
  assert.equal(answer.status, 200, answer.body);
  assert.equal(stored(), "1|1", "applied");
  const named = answer.body.match(/https?:\/\/[^"<]+/g) ?? [];
  assert.ok(named.length > 0, "our TwiML names where to report");
  for (const url of named) assert.ok(url.startsWith(`${origin}/webhooks/`), url);
  const queried = await send(through(`${voice}?line=2`), `${voice}?line=2`, connection, params);
  assert.equal(queried.status, 200, "a query that was signed comes through");
  assert.equal(stored(), "1|1", "and is the same event");
}

story("a signature counts for the public address, whatever the proxy says", async () => {
  const connection = line(agency);
  const call = new Call(connection, { from: freshNumber() });
  const proxy = await proxyTo(base);
  try {
    const sql = (statement) => psql(demo.owner_database_url, statement);
    const foreign = [base.replace("http:", "https:"), PUBLIC];
    await isHeardOnlyAs(new URL(base).origin, { proxy, connection, call, sql, foreign });
    const { status, body } = await page(`${proxy.address}/board`, await session(user(agency, "dispatcher")));
    assert.equal(status, 200);
    assert.ok(body.includes(masked(call.from)), "the call is on the board");
    assert.deepEqual(wrongIn(body, proxy.address), []);
  } finally {
    proxy.close();
  }
  await call.complete();
});

// --- An installation of our own -----------------------------------------------------------------------------

let product, proxy, log, installed;

async function install() {
  // What it says is in a file of its own: how it ended is asked for when a story failed.
  log = openSync(join(results, "proxy-product.log"), "w");
  // The proxy is trusted for the client's address, as operations.md has it, and still for no other word.
  const settings = { RINGFORT_PUBLIC_URL: PUBLIC, RINGFORT_TRUSTED_PROXIES: "127.0.0.1", RUST_LOG: "warn,ringfort=info" };
  product = await Product.make("proxy", { settings, log });
  // Filled as a demo, then served as installations are.
  product.start("demo");
  await product.ready(240);
  await product.stop();
  product.start("serve");
  await product.ready(120);
  proxy = await proxyTo(product.base);
}

/** The installation, which the first story that asks for it starts. */
async function installation() {
  installed ??= install();
  await installed;
  const business = product.demo.businesses.find((b) => b.profile === "field_service");
  return { business, owner: user(business, "owner") };
}

after(async () => {
  proxy?.close();
  await product?.stop();
  product?.remove();
  if (log !== undefined) closeSync(log);
});

/** For the story that finds the installation not started yet. */
const PATIENT = { timeout: 480_000 };

/** A form from a page of ours, by a browser that says so with Origin alone. */
const submit = (path, fields, { cookie, origin = PUBLIC } = {}) =>
  raw(proxy.address + path, {
    method: "POST",
    cookie,
    body: new URLSearchParams(fields).toString(),
    headers: { accept: "text/html", "content-type": "application/x-www-form-urlencoded", origin },
  });

/** The cookie of this name that an answer sets, as what is sent back and what stands beside it. */
function cookieIn({ headers }, name) {
  const set = [headers["set-cookie"] ?? []].flat().find((c) => c.startsWith(`${name}=`));
  assert.ok(set, `${name} is set`);
  const [pair, ...marks] = set.split(/; */);
  return { pair, marks };
}

/** A cookie that no http page gets, on no other host. */
function isForHttpsAlone(marks) {
  for (const mark of ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"]) assert.ok(marks.includes(mark), `${mark}: ${marks}`);
  assert.ok(!marks.some((mark) => /^domain/i.test(mark)), `of this host alone: ${marks}`);
}

async function signedIn({ email, password }) {
  const answer = await submit("/api/sign-in", { email, password });
  assert.deepEqual([answer.status, answer.headers.location], [303, "/home"]);
  return { answer, ...cookieIn(answer, "__Host-ringfort") };
}

story(
  "a public installation takes what is signed for its https address, through a proxy that speaks http",
  async () => {
    const { business } = await installation();
    const connection = line(business);
    const call = { sid: `CA${hex(16)}`, from: freshNumber() };
    const sql = (statement) => psql(product.demo.owner_database_url, statement);
    const foreign = [product.base, PUBLIC.replace("https:", "http:"), `${PUBLIC}:8443`, `${PUBLIC}.${EVIL}`];
    await isHeardOnlyAs(PUBLIC, { proxy, connection, call, sql, foreign });
    // Twilio may name the port that https has anyway; its own libraries take both.
    const voice = connection.webhook_url;
    const answer = await send(at(proxy.address, voice), at(`${PUBLIC}:443`, voice), connection, incoming(connection, call));
    assert.equal(answer.status, 200);
  },
  PATIENT,
);

story(
  "a public installation's session is for https alone, and begins on its own pages",
  async () => {
    const { owner } = await installation();
    const { email, password } = owner;
    for (const origin of [proxy.address, product.base, `http://${INSIDE}`, `https://${EVIL}`, `${PUBLIC}:8443`]) {
      const answer = await submit("/api/sign-in", { email, password }, { origin });
      assert.equal(answer.status, 403, `a form from ${origin}`);
      assert.equal(answer.headers["set-cookie"], undefined);
    }
    const { answer, pair, marks } = await signedIn(owner);
    isForHttpsAlone(marks);
    assert.match(answer.headers["strict-transport-security"], /^max-age=\d{8}/);
    const home = await page(`${proxy.address}/home`, pair);
    assert.equal(home.status, 200);
    assert.deepEqual(wrongIn(home.body, proxy.address, product.base), []);
    // Where to sign in is said by path: whoever asked stays where they are.
    const stranger = await page(`${proxy.address}/home`);
    assert.equal(stranger.status, 303);
    assert.match(stranger.headers.location, /^\/sign-in\?/);
    const { headers } = await page("/sign-in");
    assert.equal(headers["strict-transport-security"], undefined, "the demo at http promises no https");
  },
  PATIENT,
);

/** All addresses in the installation's one mail to somebody, in whatever form it says them. Mails are sent by a job. */
async function linksTo(email) {
  const folder = product.demo.mail_dir;
  const look = () => {
    const names = readdirSync(folder).filter((name) => name.endsWith(".eml"));
    return names.map((name) => readFileSync(join(folder, name), "utf8")).find((text) => parseMail(text).to.includes(email));
  };
  const text = await eventually(look, { every: 200, what: `a mail to ${email}` });
  // Also the HTML, which parseMail leaves out; an equals sign at the end of a row only breaks it.
  return text.replace(/=\r?\n/g, "").match(/https?:\/\/[^\s"<>]+/g) ?? [];
}

story(
  "a public installation's mails and pages name its https address",
  async () => {
    const { business, owner } = await installation();
    const mark = fresh();
    const [stranger, colleague] = [`stranger-${mark}@e2e.example`, `colleague-${mark}@e2e.example`];
    const { email: known } = user(business, "viewer");
    for (const email of [stranger, known]) {
      const form = { email, business: "Anything", profile: "outbound", zone: "America/Chicago" };
      const answer = await submit("/api/sign-up", form);
      assert.deepEqual([answer.status, answer.headers.location], [303, "/sign-up/sent"]);
    }
    const { pair: cookie } = await signedIn(owner);
    const invited = await submit("/api/team/invite", { email: colleague, role: "agent" }, { cookie });
    assert.deepEqual([invited.status, invited.headers.location], [303, "/team"]);
    for (const [email, path] of [[stranger, "/open/sign-up/"], [known, "/sign-in"], [colleague, "/open/join/"]]) {
      const links = await linksTo(email);
      assert.ok(links.length > 0, `the mail to ${email} has a link`);
      for (const link of links) assert.ok(link.startsWith(PUBLIC + path), link);
    }

    // The link works, with another origin in front.
    const opened = await page(at(proxy.address, (await linksTo(stranger))[0]));
    assert.deepEqual([opened.status, opened.headers.location], [303, "/sign-up/finish"]);
    const link = cookieIn(opened, "__Host-link");
    isForHttpsAlone(link.marks);
    const finish = await page(`${proxy.address}/sign-up/finish`, link.pair);
    assert.equal(finish.status, 200);
    assert.ok(finish.body.includes(stranger));

    // What an owner copies into the provider's console.
    const list = await page(`${proxy.address}/connections`, cookie);
    const [one] = list.body.match(/\/connections\/con_\w+/) ?? [];
    assert.ok(one, "the connection has a page");
    const { body } = await page(`${proxy.address}${one}/address`, cookie);
    const { webhook_url: voice, status_url: status } = line(business);
    for (const url of [voice, status]) assert.ok(body.includes(url), new URL(url).pathname.split("/").pop());
    assert.deepEqual(wrongIn(body, proxy.address, product.base), []);
  },
  PATIENT,
);
