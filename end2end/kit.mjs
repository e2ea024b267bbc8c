// What every end-to-end test needs: the demo's file, browsers that report what went wrong in them, sign-in, mail.
//
// The tests drive a running demo (scripts/e2e starts one) from outside: by a browser, by HTTP, by signed webhooks.
// To add a test file: `*.test.mjs` here, made of `story(...)`s. A story fails on any console error, any content that
// the policy blocked, any uncaught exception and any 5xx in the browsers that it opened, unless it allows them.

import assert from "node:assert/strict";
import { randomBytes, randomInt } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { dirname, join, resolve } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const here = dirname(fileURLToPath(import.meta.url));
const place = resolve(process.env.RINGFORT_DEMO_JSON ?? join(here, "..", "var", "demo.json"));

/** The demo's file (architecture.md, «The command line and the demo»). */
export const demo = JSON.parse(readFileSync(place, "utf8"));
export const base = demo.base_url;
/** Screenshots and what a failed story leaves. Git ignores it. */
export const results = resolve(process.env.RINGFORT_E2E_RESULTS ?? join(here, "results"));
mkdirSync(results, { recursive: true });

// --- Who is in the demo -------------------------------------------------------------------------------------

export const ROLES = ["owner", "admin", "manager", "dispatcher", "agent", "technician", "viewer", "auditor"];

export function business(profile) {
  const found = demo.businesses.find((b) => b.profile === profile);
  assert.ok(found, `the demo has a business with the profile ${profile}`);
  return found;
}

/** The one with screen pops, and another one, which must see nothing of it. */
export const agency = business("insurance_agency");
export const other = business("field_service");

export function user(of, role, place = 0) {
  const found = of.users.filter((u) => u.role === role)[place];
  assert.ok(found, `${of.name} has ${role} number ${place + 1}`);
  return found;
}

export function line(of) {
  const found = of.connections.find((c) => c.provider === "twilio");
  assert.ok(found, `${of.name} is connected to Twilio`);
  return found;
}

/**
 * People with a desk: the person and where it rings. A desk shows the newest call alone, so files that look at one share it with
 * no other: live.test.mjs has the agency's first two agents, axe.test.mjs the third, audit.test.mjs the second dispatcher,
 * and those that need no agency system are at the other businesses.
 */
export function desks(of, role = "agent") {
  const found = of.extensions
    .map((x) => ({ ...x, user: of.users.find((u) => u.email === x.user_email) }))
    .filter((x) => x.user?.role === role);
  assert.ok(found.length >= 2, `two people of ${of.name} with the role ${role} have extensions`);
  return found;
}

// --- Fresh values -------------------------------------------------------------------------------------------

export const hex = (bytes) => randomBytes(bytes).toString("hex");
export const fresh = () => hex(4);
/**
 * A client's address, by the proxy's word: a browser with one of its own shares no limit of tries with the others. This net
 * is set aside for measuring; timing.test.mjs has the other half of it.
 */
export const elsewhere = () => `198.19.${randomInt(256)}.${randomInt(1, 255)}`;
/** Long, of all kinds of characters, unpatterned, and without anybody's name in it: good by every policy. */
export const freshPassword = () => `Quiet otters ${hex(5)} swim uphill 7 times`;

const given = new Set();
/** A customer's number that no other story uses. The agency stand-in knows it, unless it ends in 00 (agency.mjs). */
export function freshNumber(ending = "") {
  for (;;) {
    const digits = String(randomInt(10 ** (4 - ending.length))).padStart(4 - ending.length, "0") + ending;
    const plain = ending !== "" || !(digits.endsWith("00") || digits.endsWith("33"));
    if (plain && !given.has(digits)) {
      given.add(digits);
      return `+1415555${digits}`;
    }
  }
}

export const masked = (number) => `***-***-${number.slice(-4)}`;
export const nameOf = (person) => person.name;

// --- Plain HTTP ---------------------------------------------------------------------------------------------

/** One request, exactly as given: nothing is added, no redirect is followed. */
export function raw(target, { method = "GET", headers = {}, body, cookie } = {}) {
  const url = new URL(target, base);
  const sent = { ...headers };
  if (cookie) sent.cookie = cookie;
  if (body !== undefined) sent["content-length"] = Buffer.byteLength(body);
  return new Promise((done, failed) => {
    const request = (url.protocol === "https:" ? https : http).request(url, { method, headers: sent, agent: false });
    request.on("response", (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", failed);
      response.on("end", () => {
        const { statusCode: status, headers: answered } = response;
        done({ status, headers: answered, body: Buffer.concat(chunks).toString("utf8") });
      });
    });
    request.on("error", failed);
    request.setTimeout(30_000, () => request.destroy(new Error(`no answer from ${url.pathname}`)));
    request.end(body);
  });
}

/** A page as a browser without a window would ask for it. */
export const page = (path, cookie) => raw(path, { headers: { accept: "text/html" }, cookie });

/** The live stream by HTTP: resolves when it is open, with a promise of its end. */
export function stream(cookie) {
  return new Promise((opened, failed) => {
    const request = http.get(new URL("/live", base), { headers: { accept: "text/event-stream", cookie }, agent: false });
    request.on("error", failed);
    request.on("response", (response) => {
      response.resume();
      const ended = new Promise((done) => {
        response.on("end", done);
        response.on("error", done);
        response.on("close", done);
      });
      opened({ status: response.statusCode, kind: response.headers["content-type"], ended, stop: () => request.destroy() });
    });
  });
}

/** A form, posted from a page of ours. */
export function post(path, fields, { cookie, headers } = {}) {
  return raw(path, {
    method: "POST",
    cookie,
    body: new URLSearchParams(fields).toString(),
    headers: {
      accept: "text/html",
      "content-type": "application/x-www-form-urlencoded",
      "sec-fetch-site": "same-origin",
      origin: base,
      ...headers,
    },
  });
}

// --- The agency system --------------------------------------------------------------------------------------

/**
 * Connects the insurance agency to the stand-in of this run (agency.mjs, at RINGFORT_E2E_AGENCY), once. The newest
 * connection is the one that is asked about callers. Without the variable the demo's own connection is.
 */
export async function connectAgency() {
  const at = process.env.RINGFORT_E2E_AGENCY;
  if (!at) return;
  const cookie = await session(user(agency, "owner"));
  const label = `Agency stand-in ${new URL(at).port}`;
  const isThere = async () => (await page("/connections", cookie)).body.includes(label);
  if (await isThere()) return;
  // Of the files that run side by side, one makes it. A folder is made by one alone.
  if (shelf && !mkdirSync(join(shelf, "agency"), { recursive: true })) {
    await eventually(isThere, { within: 60_000, every: 300, what: "the connection to the agency stand-in" });
    return;
  }
  const form = { provider: "nowcerts", label, account: "e2e@agency.example", secret: hex(16), number: "", base_url: at };
  const answer = await post("/api/connections/create", form, { cookie });
  assert.match(`${answer.status} ${answer.headers.location}`, /^303 \/connections\/con_\w+$/);
}

// --- Sign-in ------------------------------------------------------------------------------------------------

const SESSION = "__Host-ringfort";
// Sign-ins are limited per address and minute, and all tests come from one. So sessions are shared between the files
// of a run, in a folder that scripts/e2e makes and removes.
const shelf = process.env.RINGFORT_E2E_STATE;
const sessions = new Map();
// Sensitive pages ask again after ten minutes (ACC-8): a shared session must not grow so old in the story that takes it.
const SHARED_MS = 4 * 60_000;

function remember(person, value) {
  sessions.set(person.email, { value, since: Date.now() });
  if (shelf) writeFileSync(join(shelf, encodeURIComponent(person.email)), value, { mode: 0o600 });
}

function remembered(person) {
  const file = shelf && join(shelf, encodeURIComponent(person.email));
  const stored = () =>
    file && existsSync(file) ? { value: readFileSync(file, "utf8"), since: statSync(file).mtimeMs } : undefined;
  const known = [sessions.get(person.email), stored()].filter(Boolean).sort((a, b) => b.since - a.since)[0];
  return known && Date.now() - known.since < SHARED_MS ? known.value : undefined;
}

async function isAlive(value) {
  return (await page("/account", `${SESSION}=${value}`)).status === 200;
}

/** The `Cookie` header of this browser's session. */
export async function cookieOf(context) {
  const found = (await context.cookies()).find((c) => c.name === SESSION);
  assert.ok(found, "the browser has a session");
  return `${SESSION}=${found.value}`;
}

/** A signed-in person's `Cookie` header, by HTTP alone. */
export async function session(person) {
  const known = remembered(person);
  if (known && (await isAlive(known))) return `${SESSION}=${known}`;
  const until = Date.now() + 90_000;
  for (;;) {
    const answer = await post("/api/sign-in", { email: person.email, password: person.password });
    const set = [answer.headers["set-cookie"] ?? []].flat().find((c) => c.startsWith(`${SESSION}=`));
    if (answer.status === 303 && answer.headers.location === "/home" && set) {
      const value = set.slice(SESSION.length + 1).split(";")[0];
      remember(person, value);
      return `${SESSION}=${value}`;
    }
    assert.ok(Date.now() < until, `${person.email} cannot sign in: ${answer.status} to ${answer.headers.location}`);
    await pause(3_000);
  }
}

/** Fills in the sign-in form of this page and sends it, again when there were too many tries. */
export async function submitSignIn(tab, email, password) {
  const until = Date.now() + 90_000;
  for (;;) {
    if (new URL(tab.url()).pathname !== "/sign-in") await tab.goto(`${base}/sign-in`);
    await tab.getByLabel("Email address").fill(email);
    await tab.getByLabel("Password").fill(password);
    await press(tab, tab.getByRole("button", { name: "Sign in", exact: true }));
    const stayed = new URL(tab.url()).pathname === "/sign-in";
    const says = await tab.locator("#problems").allInnerTexts();
    if (!stayed || says.some((text) => !/too many tries/i.test(text))) return;
    assert.ok(Date.now() < until, "the sign-in neither goes on nor says why");
    await pause(3_000);
  }
}

/** Signs a person in by the form, in a tab of their own, and returns it at their home page. */
export async function signIn(context, person) {
  const tab = await context.newPage();
  await tab.goto(`${base}/sign-in`);
  await submitSignIn(tab, person.email, person.password);
  assert.equal(new URL(tab.url()).pathname, "/home", `${person.email} is at home`);
  return tab;
}

/** Signs out by the menu in the top bar. */
export async function signOut(tab) {
  await tab.locator("summary.person").click();
  await press(tab, tab.getByRole("button", { name: "Sign out" }).first());
}

// --- Waiting ------------------------------------------------------------------------------------------------

export const pause = (millis) => new Promise((done) => setTimeout(done, millis));

/**
 * How long what must come may take to come. Generous, because it costs nothing when all is well: a machine that is half as
 * fast, or busy with something else, breaks no promise of ours. What a promise says of seconds, benches/ measures.
 */
export const PATIENCE = 15_000;

/** Asks again until `ask` neither throws nor says no; then its answer. */
export async function eventually(ask, { within = PATIENCE, every = 100, what = "it" } = {}) {
  const until = Date.now() + within;
  for (;;) {
    let problem;
    try {
      const answer = await ask();
      if (answer) return answer;
    } catch (error) {
      problem = error;
    }
    if (Date.now() >= until) throw new Error(`${what} did not happen within ${within} ms`, { cause: problem });
    await pause(every);
  }
}

export const seen = (locator, within = PATIENCE) => locator.waitFor({ state: "visible", timeout: within });
export const gone = (locator, within = PATIENCE) => locator.waitFor({ state: "hidden", timeout: within });

/** What this promise comes to, if it comes to anything: a stream's end, a program's. */
export async function soon(promise, what) {
  let impatience;
  const late = new Promise((_, failed) => {
    impatience = setTimeout(() => failed(new Error(`${what} did not happen within ${PATIENCE} ms`)), PATIENCE);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(impatience));
}

/** Clicks what sends a form or follows a link, and waits for the page behind it. */
export async function press(tab, locator) {
  await Promise.all([tab.waitForNavigation({ waitUntil: "load" }), locator.click()]);
}

/** The path that a tab is at. */
export const pathOf = (tab) => new URL(tab.url()).pathname;

/** A choice among cards, by clicking on its label as people do. */
export async function choose(tab, label) {
  const radio = tab.getByRole("radio", { name: label });
  await tab.locator("label").filter({ has: radio }).click();
  assert.ok(await radio.isChecked(), `${label} is chosen`);
}

/** Opens a page and waits for its live stream. */
export async function openLive(tab, path) {
  const stream = tab.waitForResponse((r) => new URL(r.url()).pathname === "/live" && r.status() === 200);
  await tab.goto(base + path);
  await stream;
}

export async function headingIs(tab, text) {
  const heading = tab.getByRole("heading", { level: 1 });
  await seen(heading);
  assert.equal((await heading.innerText()).trim(), text);
}

/** A page as people see it, wide and on a phone, left in results/; the window is then as it was. */
export async function picture(tab, name) {
  const before = tab.viewportSize();
  for (const width of [1440, 390]) {
    await tab.setViewportSize({ width, height: 900 });
    await tab.screenshot({ path: join(results, `${name}-light-${width}.png`), fullPage: true });
  }
  await tab.setViewportSize(before);
}

// --- Mail ---------------------------------------------------------------------------------------------------

function quotedPrintable(body) {
  const joined = body.replace(/=\r?\n/g, "");
  const bytes = joined.replace(/=([0-9A-Fa-f]{2})/g, (_, pair) => String.fromCharCode(parseInt(pair, 16)));
  // What was not encoded is ASCII, so every character is one byte.
  return Buffer.from(bytes, "latin1").toString("utf8");
}

/** Headers by their name in lower case, and what follows them. */
function splitMail(text) {
  const [head, ...rest] = text.split("\n\n");
  const headers = new Map(
    head
      .replace(/\n[ \t]+/g, " ")
      .split("\n")
      .map((row) => [row.slice(0, row.indexOf(":")).toLowerCase(), row.slice(row.indexOf(":") + 1).trim()]),
  );
  return { headers, body: rest.join("\n\n") };
}

/** The plain text of a mail, which is the first of its two forms. */
export function parseMail(text) {
  const { headers, body } = splitMail(text.replace(/\r\n/g, "\n"));
  const boundary = headers.get("content-type")?.match(/^multipart\/alternative;.*boundary="?([^";]+)/)?.[1];
  const part = boundary ? splitMail(body.split(`--${boundary}\n`)[1].split(`\n--${boundary}`)[0]) : { headers, body };
  const encoding = (part.headers.get("content-transfer-encoding") ?? "7bit").toLowerCase();
  const decoded =
    encoding === "quoted-printable"
      ? quotedPrintable(part.body)
      : encoding === "base64"
        ? Buffer.from(part.body, "base64").toString("utf8")
        : part.body;
  const link = decoded.match(/https?:\/\/\S+\/open\/\S+/)?.[0];
  return { to: headers.get("to") ?? "", subject: headers.get("subject") ?? "", text: decoded, link };
}

const mails = new Map();
/** A mail's text and when it came. Read once, as there are a thousand of them in the end; anew while it may still be written. */
function mailIn(path) {
  const known = mails.get(path);
  if (known) return known;
  const { mtimeMs: at } = statSync(path);
  const read = { at, text: readFileSync(path, "utf8") };
  if (Date.now() - at > 2_000) mails.set(path, read);
  return read;
}

/** The newest mail to an address, or the newest such mail. Mails are sent by a job, one by one, so it may take a while. */
export function mailTo(address, { within = 60_000, is = () => true } = {}) {
  const look = () =>
    readdirSync(demo.mail_dir)
      .filter((name) => name.endsWith(".eml"))
      .map((name) => mailIn(join(demo.mail_dir, name)))
      // Taking one apart costs more than looking into it.
      .filter(({ text }) => text.toLowerCase().includes(address.toLowerCase()))
      .map(({ at, text }) => ({ at, mail: parseMail(text) }))
      .filter(({ mail }) => mail.to.toLowerCase().includes(address.toLowerCase()) && is(mail))
      .sort((a, b) => b.at - a.at)[0]?.mail;
  return eventually(look, { within, every: 200, what: `a mail to ${address}` });
}

// --- Browsers -----------------------------------------------------------------------------------------------

const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  // WebGL by the processor, for the map: there is no other here.
  "--enable-unsafe-swiftshader",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
let browser;

/** The one of this file, however many of its stories ask at once. */
function launch() {
  browser ??= chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium-headless-shell", args: ARGS });
  return browser;
}

after(async () => {
  await (await browser)?.close();
});

/** For `allow`: the console's word for an answer with this status. */
export const status = (code) => new RegExp(`Failed to load resource: .*status of ${code}`);

/** From now on this browser is at that address, as a proxy would say it; scripts/e2e lets the demo believe that. */
export async function comeFrom(context, address) {
  origins.set(context, { "x-forwarded-for": address });
  await context.setExtraHTTPHeaders(origins.get(context));
}

const origins = new WeakMap();
/** What a request by HTTP must say to come from where this tab is, by the same browser. */
export const originOf = async (tab) => ({
  "user-agent": await tab.evaluate(() => navigator.userAgent),
  ...origins.get(tab.context()),
});

/** The cookies that an answer sets, as a `Cookie` header. */
export const cookiesIn = ({ headers }) => [headers["set-cookie"] ?? []].flat().map((c) => c.split(";")[0]).join("; ");

/** Gives this browser the cookies that an answer sets, as if the page had asked. */
export async function adopt(tab, answer) {
  const { hostname: domain } = new URL(base);
  // What an answer takes away has no value.
  const pairs = cookiesIn(answer).split("; ").filter((pair) => !/^[^=]+=$/.test(pair));
  const cookies = pairs.map((pair) => {
    const [name, ...value] = pair.split("=");
    return { name, value: value.join("="), domain, path: "/", httpOnly: true, secure: true, sameSite: "Lax" };
  });
  await tab.context().addCookies(cookies);
}

/** The browsers of one story, and what went wrong in them. */
class Stage {
  #contexts = [];
  #faults = [];

  /**
   * A browser of its own, with one tab. `as`: signed in, by a session that stories share. `scripts: false`: a browser
   * without JavaScript. `allow`: console texts that are expected. `from`: the address that it comes from (`elsewhere`).
   */
  async open({ as, scripts = true, width = 1440, height = 900, scheme = "light", allow = [], from, path } = {}) {
    const context = await (await launch()).newContext({
      viewport: { width, height },
      colorScheme: scheme,
      javaScriptEnabled: scripts,
      locale: "en-US",
      reducedMotion: "reduce",
    });
    if (from) await comeFrom(context, from);
    context.setDefaultTimeout(20_000);
    context.setDefaultNavigationTimeout(30_000);
    this.#contexts.push(context);
    this.#watch(context, allow);
    if (as) {
      const value = (await session(as)).slice(SESSION.length + 1);
      const { hostname: domain } = new URL(base);
      const cookie = { name: SESSION, value, domain, path: "/", httpOnly: true, secure: true, sameSite: "Lax" };
      await context.addCookies([cookie]);
    }
    const tab = await context.newPage();
    if (path) await tab.goto(base + path);
    return tab;
  }

  #watch(context, allow) {
    const note = (where, text) => {
      if (!allow.some((pattern) => pattern.test(text))) this.#faults.push(`${where}: ${text}`);
    };
    const path = (address) => (URL.canParse(address) ? new URL(address).pathname : address);
    context.on("console", (message) => {
      if (message.type() === "error") note(path(message.location().url), message.text());
    });
    context.on("weberror", (error) => note("uncaught", String(error.error())));
    context.on("response", (answer) => {
      if (answer.status() >= 500) note(path(answer.url()), `answered ${answer.status()}`);
    });
    context.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => {
        console.error(`blocked by ${event.effectiveDirective}: ${event.blockedURI}`);
      });
    });
  }

  /** What the story was about is fine; now: was everything else? */
  judge() {
    const faults = [...new Set(this.#faults)];
    if (faults.length > 0) throw new Error(`something went wrong in a browser:\n  ${faults.join("\n  ")}`);
  }

  /** What each tab showed when the story failed. */
  async keep(name) {
    const safe = name.replace(/[^a-z0-9]+/gi, "-").slice(0, 60);
    const tabs = this.#contexts.flatMap((context) => context.pages());
    for (const [place, tab] of tabs.entries()) {
      const file = join(results, `failed-${safe}-${place + 1}.png`);
      await tab.screenshot({ path: file, timeout: 5_000 }).catch(() => {});
      console.error(`  tab ${place + 1}: ${tab.url()} ${file}`);
    }
    for (const fault of new Set(this.#faults)) console.error(`  ${fault}`);
  }

  async close() {
    await Promise.allSettled(this.#contexts.map((context) => context.close()));
  }
}

/** One test. `work` gets the stage. */
export function story(name, work, { timeout = 120_000 } = {}) {
  test(name, { timeout }, async () => {
    const stage = new Stage();
    try {
      await work(stage);
      stage.judge();
    } catch (error) {
      await stage.keep(name);
      throw error;
    } finally {
      await stage.close();
    }
  });
}

/** The same story with and without JavaScript. */
export function bothWays(name, work, options) {
  for (const scripts of [true, false]) {
    story(`${name}, scripts ${scripts ? "on" : "off"}`, (stage) => work(stage, scripts), options);
  }
}
