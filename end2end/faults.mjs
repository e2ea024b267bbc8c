// The fault test: application and database are killed with -9 under a stream of signed webhooks with repeats and
// reordering. Promise (TEL-1): every event that was acknowledged is applied, once; nothing is applied twice.
//
//   node end2end/faults.mjs [SEED]
//
// Starts the release binary on a data folder of its own; signs with Twilio's official library.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, existsSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import twilio from "twilio";
import { psql } from "./psql.mjs";

const seed = Number(process.argv[2] ?? 7);
const binary = join(process.env.CARGO_TARGET_DIR ?? "target", "release", "ringfort");

// A small seeded generator, so that a failing run can be run again.
let state = seed >>> 0;
const random = () => {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = Math.imul(state ^ (state >>> 15), state | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
};
const pick = (n) => Math.floor(random() * n);
const shuffle = (list) => {
  for (let i = list.length - 1; i > 0; i--) {
    const j = pick(i + 1);
    [list[i], list[j]] = [list[j], list[i]];
  }
  return list;
};

const freePort = () =>
  new Promise((done) => {
    const server = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });

const data = mkdtempSync(join(tmpdir(), "ringfort-faults-"));
chmodSync(data, 0o711);
const [port, metrics] = [await freePort(), await freePort()];
const base = `http://127.0.0.1:${port}`;
const environment = { ...process.env };
for (const name of ["DATABASE_URL", "WORKER_DATABASE_URL", "OWNER_DATABASE_URL"]) delete environment[name];
Object.assign(environment, {
  RINGFORT_DATA: data,
  RINGFORT_LISTEN: `127.0.0.1:${port}`,
  RINGFORT_METRICS_LISTEN: `127.0.0.1:${metrics}`,
  RINGFORT_PUBLIC_URL: base,
  LEPTOS_SITE_ROOT: resolve("target/site"),
  RUST_LOG: "error",
});

let app;
const startApp = () => {
  app = spawn(binary, ["demo"], { env: environment, stdio: ["ignore", "ignore", "inherit"] });
};
const isReady = async () => {
  try {
    return (await fetch(`${base}/readyz`, { signal: AbortSignal.timeout(2000) })).status === 200;
  } catch {
    return false;
  }
};
const untilReady = async (seconds) => {
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    if (await isReady()) return;
    await sleep(100);
  }
  throw new Error(`not ready within ${seconds} s`);
};

// Postmaster's pid is the first line of its pid file, wherever the data folder had to go.
const postmaster = () => {
  const location = join(data, "postgres", "location");
  const folder = existsSync(location) ? readFileSync(location, "utf8").trim() : join(data, "postgres");
  const file = [join(folder, "data", "postmaster.pid"), join(folder, "postmaster.pid")].find(existsSync);
  return file ? Number(readFileSync(file, "utf8").split("\n")[0]) : undefined;
};
const kill9 = (pid) => {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone already.
  }
};

const acknowledged = new Set();
const sent = new Map();
const hex = (n) => Array.from({ length: n }, () => pick(16).toString(16)).join("");

function eventsOf(business) {
  const [line] = business.connections.filter((c) => c.provider === "twilio");
  const events = [];
  for (let n = 0; n < 30; n++) {
    const sid = `CA${hex(32)}`;
    const common = {
      AccountSid: line.account,
      CallSid: sid,
      From: `+1415555${String(1000 + n)}`,
      To: line.number,
      Direction: "inbound",
      ApiVersion: "2010-04-01",
    };
    const at = (seconds) => new Date(Date.now() - 60_000 + seconds * 1000).toUTCString().replace("GMT", "+0000");
    const status = (state, sequence) => ({
      url: line.webhook_url.replace(/\/voice$/, "/status"),
      secret: line.secret,
      key: `${sid}/${state}/${sequence}`,
      sid,
      params: { ...common, CallStatus: state, SequenceNumber: String(sequence), Timestamp: at(sequence * 3) },
    });
    events.push(status("initiated", 0), status("ringing", 1), status("in-progress", 2), status("completed", 3));
  }
  return events;
}

async function deliver(event) {
  sent.set(event.key, event);
  const signature = twilio.getExpectedTwilioSignature(event.secret, event.url, event.params);
  try {
    const answer = await fetch(event.url, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signature },
      body: new URLSearchParams(event.params),
      signal: AbortSignal.timeout(15_000),
    });
    await answer.text();
    if (answer.ok) acknowledged.add(event.key);
    else assert.ok([429, 500, 503].includes(answer.status), `unexpected ${answer.status} for ${event.key}`);
    return answer.ok;
  } catch {
    return false; // Unknown: applied or not, the provider sends it again.
  }
}

async function stream(events) {
  const queue = [...events];
  await Promise.all(
    Array.from({ length: 12 }, async () => {
      for (let event = queue.pop(); event; event = queue.pop()) {
        if (!(await deliver(event))) {
          await sleep(50 + pick(200));
          if (random() < 0.5) queue.unshift(event);
        }
      }
    }),
  );
}

const owner = () => JSON.parse(readFileSync(join(data, "demo.json"), "utf8")).owner_database_url;
const sql = (query) => psql(owner(), query);

try {
  startApp();
  await untilReady(180);
  const demo = JSON.parse(readFileSync(join(data, "demo.json"), "utf8"));
  const events = demo.businesses.flatMap(eventsOf);
  const repeats = events.filter(() => random() < 0.4);
  const traffic = stream(shuffle([...events, ...repeats]));
  let over = false;
  traffic.then(() => (over = true));
  let kills = 0;
  for (let round = 0; round < 6 && !over; round++) {
    await sleep(300 + pick(700));
    if (round % 2 === 0) {
      kill9(app.pid);
      startApp();
    } else {
      kill9(postmaster());
    }
    kills++;
    await untilReady(60);
  }
  await traffic;
  // What the provider never saw acknowledged, it sends again.
  for (let round = 0; round < 20; round++) {
    const open = [...sent.values()].filter((e) => !acknowledged.has(e.key));
    if (open.length === 0) break;
    await stream(open);
  }
  assert.equal(acknowledged.size, sent.size, "everything is acknowledged in the end");

  const waiting = () => Number(sql("select count(*) from webhook_receipts where state = 'pending'"));
  for (let i = 0; i < 240 && waiting() > 0; i++) await sleep(500);

  const sids = [...new Set(events.map((e) => `'${e.sid}'`))].join(",");
  const applied = sql(
    `select c.provider_call_id || '/' || replace(e.state, '_', '-') || '/' || e.seq, count(*)
     from call_events e join calls c on c.business_id = e.business_id and c.id = e.call_id
     where c.provider_call_id in (${sids}) group by 1`,
  );
  const counts = new Map(applied.split("\n").filter(Boolean).map((l) => l.split("|")));
  assert.deepEqual([...counts.keys()].sort(), [...acknowledged].sort(), "applied and acknowledged are the same set");
  assert.deepEqual([...counts].filter(([, n]) => n !== "1"), [], "each once");
  assert.equal(sql("select count(*) from webhook_receipts where state <> 'applied'"), "0", "no receipt is left over");
  assert.equal(
    sql(`select count(*) from calls where provider_call_id in (${sids}) and state <> 'completed'`),
    "0",
    "any order ends in the same state",
  );
  console.log(`faults: ${events.length} events, ${repeats.length} repeats, ${kills} kills -9: each applied once (seed ${seed})`);
} finally {
  app?.kill("SIGINT");
  await sleep(3000);
  rmSync(data, { recursive: true, force: true });
}
