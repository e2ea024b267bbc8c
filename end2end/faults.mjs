// The fault test: application and database are killed with -9 under a stream of signed webhooks with repeats and
// reordering. Promise (TEL-1): every event that was acknowledged is applied, once; nothing is applied twice.
//
//   node end2end/faults.mjs [SEED]
//
// Starts the release binary on a data folder of its own; signs with Twilio's official library.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import twilio from "twilio";
import { Product, kill9, seeded } from "./product.mjs";
import { psql } from "./psql.mjs";

const seed = Number(process.argv[2] ?? 7);
const { random, pick, shuffle } = seeded(seed);
const product = await Product.make("faults");

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

const sql = (query) => psql(product.demo.owner_database_url, query);

try {
  product.start();
  await product.ready(180);
  const events = product.demo.businesses.flatMap(eventsOf);
  const repeats = events.filter(() => random() < 0.4);
  const traffic = stream(shuffle([...events, ...repeats]));
  let over = false;
  traffic.then(() => (over = true));
  let kills = 0;
  for (let round = 0; round < 6 && !over; round++) {
    await sleep(300 + pick(700));
    if (round % 2 === 0) {
      kill9(product.pid);
      product.start();
    } else {
      kill9(product.postmaster);
    }
    kills++;
    await product.ready(60);
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
  await product.stop();
  product.remove();
}
