// The chaos test (OPS-3, TEL-2): two nodes behind a balancer with a bad network, on one database, with NATS between them;
// 200 streams and two browsers watch the calls of two businesses, while a node, the other node, the database and NATS are
// killed with -9 in turn. Promise: within two seconds of each recovery every one of them shows what the database knows, and
// no ring is missed, whatever was lost on the way. Technicians send where they are meanwhile (GPS-1): what was taken is stored,
// once.
//
//   node end2end/chaos.mjs [SEED]
//
// RINGFORT_CHAOS_WITHIN: milliseconds instead of 2000, for a machine that is busy with something else.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import http from "node:http";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import twilio from "twilio";
import { Balancer } from "./balancer.mjs";
import { Nats, Postgres } from "./parts.mjs";
import { Product, freePorts, kill9, seeded } from "./product.mjs";
import { psql } from "./psql.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const seed = Number(process.argv[2] ?? 11);
const WITHIN = Number(process.env.RINGFORT_CHAOS_WITHIN ?? 2_000);
const STREAMS = 200;
/** Streams that one session may have. */
const PER_SESSION = 12;
/** After this no new round begins: the whole is to be over within a minute and a half. */
const ROUNDS_UNTIL = Date.now() + 65_000;
const { random, pick } = seeded(seed);
const hex = (n) => Array.from({ length: n }, () => pick(16).toString(16)).join("");

const [front, databasePort, natsPort] = await freePorts(3);
const base = `http://127.0.0.1:${front}`;
const database = Postgres.make(databasePort);
const nats = Nats.make(natsPort);
const owner = database.url("postgres");
const sql = (query) => psql(owner, query);
const settings = {
  RINGFORT_PUBLIC_URL: base,
  RINGFORT_TRUSTED_PROXIES: "127.0.0.1",
  RINGFORT_NATS_URL: nats.url,
  DATABASE_URL: database.url("ringfort_app"),
  WORKER_DATABASE_URL: database.url("ringfort_worker"),
};
const first = await Product.make("chaos-a", { settings: { ...settings, OWNER_DATABASE_URL: owner } });
const key = { RINGFORT_MASTER_KEY_FILE: join(first.data, "keys", "master.key") };
const second = await Product.make("chaos-b", { settings: { ...settings, ...key } });
const portOf = (node) => Number(new URL(node.base).port);
const balancer = new Balancer([portOf(first), portOf(second)], { delay: 20, random });

// --- Who watches --------------------------------------------------------------------------------------------

const COOKIE = "__Host-ringfort";
let addresses = 0;

/** Signs in, from an address of its own: tries are limited per address. */
async function signIn(person) {
  const answer = await fetch(`${base}/api/sign-in`, {
    method: "POST",
    redirect: "manual",
    headers: {
      accept: "text/html",
      "content-type": "application/x-www-form-urlencoded",
      "sec-fetch-site": "same-origin",
      origin: base,
      "x-forwarded-for": `198.18.7.${++addresses}`,
    },
    body: new URLSearchParams({ email: person.email, password: person.password }),
  });
  const set = answer.headers.getSetCookie().find((c) => c.startsWith(`${COOKIE}=`));
  assert.ok(set, `${person.role} cannot sign in: ${answer.status}`);
  return set.split(";")[0].slice(COOKIE.length + 1);
}

/** One stream that comes back by itself, as a browser's does, and what it was told of each call. */
class Watcher {
  #request;
  #stopped = false;
  calls = new Map();
  cursor = "";
  hellos = 0;
  resets = 0;

  constructor(business, cookie) {
    this.business = business;
    this.cookie = cookie;
    this.#open();
  }

  #open() {
    if (this.#stopped) return;
    let over = false;
    const again = () => {
      if (over) return;
      over = true;
      this.#request.destroy();
      setTimeout(() => this.#open(), 200 + pick(400));
    };
    const headers = { accept: "text/event-stream", cookie: `${COOKIE}=${this.cookie}` };
    const path = this.cursor ? `/live?after=${this.cursor}` : "/live";
    this.#request = http.get({ host: "127.0.0.1", port: front, path, headers, agent: false });
    this.#request.on("error", again).on("close", again);
    // A connection that opens and says nothing is as good as none.
    this.#request.setTimeout(15_000, again);
    this.#request.on("response", (response) => {
      if (response.statusCode !== 200) return again();
      let text = "";
      response.setEncoding("utf8").on("error", again).on("end", again);
      response.on("data", (piece) => {
        text += piece;
        for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
          this.#hear(text.slice(0, end));
          text = text.slice(end + 2);
        }
      });
    });
  }

  #hear(block) {
    const fields = {};
    for (const line of block.split("\n")) {
      const at = line.indexOf(":");
      if (at > 0) fields[line.slice(0, at)] = line.slice(at + 1).trimStart();
    }
    if (fields.id) this.cursor = fields.id;
    if (fields.event === "hello") this.hellos++;
    else if (fields.event === "reset") this.resets++;
    else if (fields.event === undefined && fields.data) {
      const event = JSON.parse(fields.data);
      if (event.kind === "call") this.calls.set(event.call.id, event.call.state);
    }
  }

  stop() {
    this.#stopped = true;
    this.#request.destroy();
  }
}

// --- What happens -------------------------------------------------------------------------------------------

const ORDER = ["queued", "initiated", "ringing", "in_progress", "completed"];
const rank = (state) => ORDER.indexOf(state);
const acknowledged = new Set();
const rings = new Map();
let calling = true;

async function deliver(line, sid, from, state, sequence, at) {
  const url = line.status_url ?? line.webhook_url.replace(/\/voice$/, "/status");
  const params = {
    AccountSid: line.account,
    ApiVersion: "2010-04-01",
    CallSid: sid,
    CallStatus: state,
    Direction: "inbound",
    From: from,
    To: line.number,
    SequenceNumber: String(sequence),
    Timestamp: new Date(at).toUTCString().replace("GMT", "+0000"),
  };
  const signature = twilio.getExpectedTwilioSignature(line.secret, url, params);
  // What is not acknowledged is sent again, as the provider does.
  for (;;) {
    try {
      const answer = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signature },
        body: new URLSearchParams(params),
        signal: AbortSignal.timeout(10_000),
      });
      await answer.text();
      if (answer.ok) return void acknowledged.add(`${sid}/${state}`);
      assert.ok([429, 500, 503].includes(answer.status), `unexpected ${answer.status}`);
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
    }
    await sleep(100 + pick(200));
  }
}

async function call(business) {
  const line = business.connections.find((c) => c.provider === "twilio");
  const sid = `CA${hex(32)}`;
  const from = `+1415555${String(pick(10_000)).padStart(4, "0")}`;
  rings.set(sid, business.id);
  await deliver(line, sid, from, "ringing", 1, Date.now());
  await sleep(1_000 + pick(1_000));
  await deliver(line, sid, from, "in-progress", 2, Date.now());
  await sleep(1_000 + pick(2_000));
  await deliver(line, sid, from, "completed", 3, Date.now());
}

/** Calls in one business, until it is enough. A node applies 200 events of a business in a minute. */
async function traffic(business) {
  const running = [];
  while (calling) {
    running.push(call(business));
    await sleep(1_200 + pick(600));
  }
  await Promise.all(running);
}

/** A technician on shift who sends a point every 20 s, the same one until it was taken. Gives the times that were. */
async function drives(business) {
  const technician = business.users.find((user) => user.role === "technician" && !user.totp_secret);
  const cookie = `${COOKIE}=${await signIn(technician)}`;
  const headers = { accept: "text/html", "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin", origin: base, cookie };
  const began = await fetch(`${base}/api/shift/begin`, { method: "POST", redirect: "manual", headers, body: "" });
  assert.equal(began.status, 303, "the shift begins");
  const token = await fetch(`${base}/api/v1/token`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-forwarded-for": `198.18.7.${++addresses}` },
    body: JSON.stringify({ grant_type: "password", email: technician.email, password: technician.password, device: "Chaos" }),
  });
  assert.equal(token.status, 200, "the technician's phone signs in");
  const { access_token: bearer } = await token.json();
  const taken = [];
  return {
    taken,
    done: (async () => {
      for (let n = 0; calling; n++) {
        const point = { at: new Date().toISOString(), lat: 40.7 + n / 1000, lon: -74, accuracy_m: 8 };
        const pause = await sends(point, bearer);
        if (pause === undefined) return;
        taken.push(point.at);
        for (let waited = 0; calling && waited < pause; waited += 250) await sleep(250);
      }
    })(),
  };
}

/** Sends a point until it is taken, and says how long the phone then waits; nothing when the run is over before. */
async function sends(point, bearer) {
  while (calling) {
    try {
      const answer = await fetch(`${base}/api/v1/positions`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${bearer}` },
        body: JSON.stringify(point),
        signal: AbortSignal.timeout(5_000),
      });
      const told = await answer.json();
      if (answer.status === 200) return 20_500;
      assert.ok([429, 500, 503].includes(answer.status), `a point was answered with ${answer.status} ${told.problem}`);
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
    }
    await sleep(500);
  }
  return undefined;
}

// --- What must be so ----------------------------------------------------------------------------------------

/** The calls of this run, as the database has them: by business, id and state. */
function truth() {
  const rows = sql(
    `select c.business_id, 'call_' || replace(c.id::text, '-', ''), c.state from calls c
     where c.provider_call_id = any(string_to_array('${[...rings.keys()].join(",")}', ','))`,
  );
  return rows.split("\n").filter(Boolean).map((row) => row.split("|"));
}

/** Those who do not know yet what the database knew then. Later is as good: things go on. */
function behind(watchers, rows) {
  return watchers.filter((watcher) =>
    rows.some(([business, id, state]) => business === watcher.business && !(rank(watcher.calls.get(id)) >= rank(state))),
  );
}

/** The rows of a browser's board. */
const shown = (tab) =>
  tab.evaluate(() => Object.fromEntries([...document.querySelectorAll("[data-call]")].map((r) => [r.dataset.call, r.dataset.state])));

/** Calls that run now and that this browser does not show, or shows as they were before. */
async function unseen({ tab, business }, rows) {
  const board = await shown(tab);
  const missing = rows.filter(([of, id, state]) => of === business && state !== "completed" && !(rank(board[id]) >= rank(state)));
  if (missing.length === 0) return [];
  // What has ended since may be gone from the board.
  const over = new Set(truth().filter(([, , state]) => state === "completed").map(([, id]) => id));
  return missing.filter(([, id]) => !over.has(id));
}

async function converge(watchers, tabs, what) {
  const rows = truth();
  const since = Date.now();
  for (;;) {
    const late = behind(watchers, rows);
    const dark = late.length > 0 ? [] : (await Promise.all(tabs.map((tab) => unseen(tab, rows)))).flat();
    const took = Date.now() - since;
    if (late.length === 0 && dark.length === 0) return took;
    assert.ok(took < WITHIN, `${what}: after ${took} ms ${late.length} streams are behind, ${dark.length} rows are missing in browsers`);
    await sleep(25);
  }
}

const isReady = async (node) => {
  try {
    return (await fetch(`${node.base}/readyz`, { signal: AbortSignal.timeout(1_000) })).ok;
  } catch {
    return false;
  }
};

async function allReady() {
  const end = Date.now() + 40_000;
  while (!(await isReady(first)) || !(await isReady(second))) {
    assert.ok(Date.now() < end, "the nodes are not ready within 40 s");
    await sleep(50);
  }
}

/** What is killed, and how it comes back. Ends at the moment of recovery: when somebody could know of it again. */
const deaths = {
  "a node": async () => {
    kill9(first.pid);
    // The other one is there: nothing has to be started for its browsers.
    setTimeout(() => first.start("serve"), 1_500);
  },
  nats: async () => {
    nats.kill();
    setTimeout(() => nats.start(), 2_500);
  },
  "the other node": async () => {
    kill9(second.pid);
    setTimeout(() => second.start("serve"), 1_500);
  },
  "the database": async () => {
    database.kill();
    await sleep(700);
    await database.ready(answersSql);
    await allReady();
  },
};

const answersSql = async () => {
  try {
    return psql(database.url("postgres", "postgres"), "select 1") === "1";
  } catch {
    return false;
  }
};

// --- The run ------------------------------------------------------------------------------------------------

const watchers = [];
let browser;
try {
  database.start();
  nats.start();
  await database.ready(answersSql);
  await nats.ready(() => nats.answers());
  psql(database.url("postgres", "postgres"), readFileSync(join(root, "src/server/boot/roles.sql"), "utf8"));
  psql(database.url("postgres", "postgres"), "create database ringfort owner ringfort_owner");
  first.start("demo");
  await first.ready(120);
  second.start("serve");
  await second.ready(60);
  await balancer.listen(front);

  const businesses = first.demo.businesses.filter((b) => b.connections.some((c) => c.provider === "twilio")).slice(0, 2);
  assert.equal(businesses.length, 2, "the demo has two businesses with a line");
  const tabs = [];
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium-headless-shell",
    args: ["--no-sandbox", "--disable-gpu", "--no-first-run"],
  });
  for (const business of businesses) {
    const dispatcher = business.users.find((user) => user.role === "dispatcher");
    for (let n = 0; n < STREAMS / 2; n += PER_SESSION) {
      const cookie = await signIn(dispatcher);
      const many = Math.min(PER_SESSION, STREAMS / 2 - n);
      for (let i = 0; i < many; i++) watchers.push(new Watcher(business.id, cookie));
    }
    const context = await browser.newContext();
    const cookie = { name: COOKIE, value: await signIn(dispatcher), domain: "127.0.0.1", path: "/" };
    await context.addCookies([{ ...cookie, httpOnly: true, secure: true, sameSite: "Lax" }]);
    const tab = await context.newPage();
    await tab.goto(`${base}/board`);
    tabs.push({ tab, business: business.id });
  }
  const opened = Date.now() + 30_000;
  while (watchers.some((w) => w.hellos === 0)) {
    assert.ok(Date.now() < opened, `${watchers.filter((w) => w.hellos === 0).length} streams do not open`);
    await sleep(50);
  }

  const drivers = await Promise.all(businesses.map(drives));
  const flow = [...businesses.map(traffic), ...drivers.map((driver) => driver.done)];
  await sleep(3_000);
  await converge(watchers, tabs, "before anything is killed");
  const times = [];
  const order = Object.keys(deaths);
  for (let round = 0; round < order.length && Date.now() < ROUNDS_UNTIL; round++) {
    balancer.lose(0.02);
    await sleep(1_500 + pick(1_000));
    balancer.whole();
    await deaths[order[round]]();
    times.push(`${order[round]} ${await converge(watchers, tabs, `after ${order[round]} was killed`)} ms`);
    // The next one dies when this one is back.
    await allReady();
    await nats.ready(() => nats.answers());
  }
  assert.equal(times.length, order.length, "each was killed once, in time");

  calling = false;
  await Promise.all(flow);
  await converge(watchers, tabs, "in the end");
  const rows = truth();
  assert.equal(rows.length, rings.size, "every call is in the database once");
  assert.ok(rows.every(([, , state]) => state === "completed"), "and over");
  for (const sid of rings.keys()) assert.ok(acknowledged.has(`${sid}/ringing`), "every ring was taken");
  for (const watcher of watchers) {
    const known = rows.filter(([business]) => business === watcher.business);
    assert.ok(known.every(([, id]) => watcher.calls.get(id) === "completed"), "every stream knows of every call, and its end");
    assert.equal(watcher.resets, 0, "nobody had to begin anew");
    const strangers = rows.filter(([business, id]) => business !== watcher.business && watcher.calls.has(id));
    assert.deepEqual(strangers, [], "nobody knows of another business's call");
  }
  for (const [n, driver] of drivers.entries()) {
    assert.ok(driver.taken.length > 0, "points were taken");
    const times = driver.taken.map((at) => `'${at}'`).join(",");
    const stored = sql(`select count(*), count(distinct fix_at) from positions where business_id = '${businesses[n].id}' and fix_at in (${times})`);
    assert.equal(stored, `${driver.taken.length}|${driver.taken.length}`, "what was taken is stored, once");
  }
  const back = watchers.reduce((all, watcher) => all + watcher.hellos - 1, 0);
  assert.ok(back > 0 && balancer.cuts > 0, "connections were lost and came back");
  const points = drivers.reduce((all, driver) => all + driver.taken.length, 0);
  console.log(`chaos: ${rings.size} calls, ${points} positions, ${watchers.length} streams that came back ${back} times, ${tabs.length} browsers, ${balancer.cuts} cuts; all caught up after ${times.join(", ")} (seed ${seed})`);
} finally {
  calling = false;
  for (const watcher of watchers) watcher.stop();
  await browser?.close();
  await balancer.close();
  await Promise.all([first.stop(), second.stop()]);
  nats.kill();
  await database.remove();
  first.remove();
  second.remove();
}
// Deliveries that nobody answers any more must not hold the process.
process.exit(process.exitCode ?? 0);
