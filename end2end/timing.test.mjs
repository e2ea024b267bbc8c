// Neither by its answer nor by its time do sign-in, a program's sign-in, sign-up, asking for a mailed link and inviting tell
// whether an address has an account (ACC-1, ACC-2, ACC-6, ACC-7).
//
// Times are compared as distributions. Two groups of answers are alike when nothing about them says which is which: the
// test of Mann and Whitney finds no difference that chance would not make (p above 0.001), and the medians are close. Chance, or
// something else on the machine, makes one now and then; a leak makes the same one each time. So what seems to tell is measured
// anew, and only what tells in every round does.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe } from "node:test";
import { elsewhere as address, base, business, cookieOf, demo, freshPassword, hex, page, post, raw, story } from "./kit.mjs";
import { found } from "./people.mjs";
import { seeded } from "./product.mjs";
import { psql } from "./psql.mjs";

/** Asked side by side: few enough that nothing has to wait, as on an ordinary day. */
const LANES = 4;
const LEAST_P = 0.001;
const MOST_MS = 10;
const ROUNDS = 3;

const BUSINESS = { business: "Anything", profile: "outbound", zone: "America/Chicago" };

// Nobody of these is in another story, because wrong passwords count against them (ACC-4). So few for each lock nobody, but
// for the one who is locked on purpose.
const people = [...business("voice_agents").users, ...business("outbound").users];
const victim = people.pop();
const SAMPLES = 3 * people.length;

// The kinds of address that are tried. All are as long as the known one, so that length tells nothing either.
const known = (person) => person.email;
const locked = () => victim.email;
const unknown = (person) => person.email.replace(/^[^@]+/, (box) => hex(box.length).slice(0, box.length));
const malformed = (person) => person.email.replace("@", ".");

const quoted = (text) => `'${text.replaceAll("'", "''")}'`;

const strangers = new Map();
/** An unknown address that stays the same for each person: where asking twice is not the same as asking once. */
function stranger(person) {
  if (!strangers.has(person)) strangers.set(person, unknown(person));
  return strangers.get(person);
}

const users = () => `select id from lobby.users where email in (${people.map(({ email }) => quoted(email)).join(", ")})`;

/** What waiting would do: nobody's wrong passwords are held against them any more, but for the one's who is locked. */
function forgive() {
  for (const table of ["lockouts", "lockout_streaks"]) {
    psql(demo.owner_database_url, `delete from lobby.${table} where user_id in (${users()})`);
  }
}

/** What waiting would do: nobody has been mailed a link within this hour. */
const forgetLinks = () => psql(demo.owner_database_url, `delete from lobby.links where user_id in (${users()})`);

let asked = 0;
/** Where a try comes from, by the proxy's word: each from an address of its own. This net is set aside for measuring. */
function elsewhere() {
  const n = asked++;
  return { "x-forwarded-for": `198.18.${n >> 8}.${n & 255}` };
}

// --- What is answered ---------------------------------------------------------------------------------------

/** An answer without what is drawn anew each time: the date, the nonce, and the bytes of a message or mark in a cookie. */
function plain({ status, headers, body }) {
  const { date, ...rest } = headers;
  const nonce = rest["content-security-policy"].match(/'nonce-([^']+)'/)?.[1];
  const text = JSON.stringify({ status, headers: rest, body });
  const sealed = text.replace(/__Host-(flash|asked)=[\w.-]+/g, (cookie, name) => `__Host-${name}=(${cookie.length})`);
  return nonce ? sealed.replaceAll(nonce, "(nonce)") : sealed;
}

/** What a browser gets for a form at `from`: the answer, and the page that it leads to. */
async function shown(from, fields) {
  const answer = await post(`/api${from}`, fields, { headers: { ...elsewhere(), referer: base + from } });
  assert.equal(answer.status, 303);
  const cookie = [answer.headers["set-cookie"] ?? []].flat().map((c) => c.split(";")[0]).join("; ");
  const next = await page(answer.headers.location, cookie || undefined);
  assert.equal(next.status, 200);
  return { page: next.body, all: (plain(answer) + plain(next)).replaceAll(fields.email, "(typed)") };
}

/** What a program gets, for which nothing is hidden behind another page: the status tells what became of it. */
const told = (path, fields) => post(path, fields, { headers: { ...elsewhere(), accept: "application/json" } });

// --- How long it takes --------------------------------------------------------------------------------------

/** How long each kind takes, sample by sample in milliseconds, in random order; and the answers, equal ones once. */
async function measure(kinds, ask, samples = SAMPLES) {
  // The first of their kind open connections and fill caches: not counted.
  await Promise.all(Object.values(kinds).map((kind) => ask(kind(people[0]))));
  const turns = Object.keys(kinds).flatMap((name) =>
    Array.from({ length: samples }, (_, n) => ({ name, email: kinds[name](people[n % people.length]) })),
  );
  seeded(7).shuffle(turns);
  const times = Object.fromEntries(Object.keys(kinds).map((name) => [name, []]));
  const answers = new Set();
  const lane = async () => {
    for (let turn = turns.pop(); turn; turn = turns.pop()) {
      const began = performance.now();
      const answer = await ask(turn.email);
      times[turn.name].push(performance.now() - began);
      assert.notEqual(answer.status, 429, "the demo must run with RINGFORT_TRUSTED_PROXIES=127.0.0.1, as in scripts/e2e");
      answers.add(plain(answer));
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return { times, answers: [...answers] };
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** 1 - erf(x) for x from 0, to seven digits (Numerical Recipes, section 6.2). */
function erfc(x) {
  const t = 1 / (1 + x / 2);
  const terms = [
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806,
    0.27886807, -1.13520398, 1.48851587, -0.82215223, 0.17087277,
  ];
  return t * Math.exp(-x * x + terms.reduceRight((sum, term) => term + t * sum, 0));
}

/**
 * The two-sided p of the Mann-Whitney U test: how often chance alone would set two samples of one distribution apart at
 * least as far. By the normal approximation, corrected for ties and for continuity.
 */
function mannWhitney(a, b) {
  const all = [...a.map((value) => ({ value, of: a })), ...b.map((value) => ({ value, of: b }))];
  all.sort((x, y) => x.value - y.value);
  let [ranks, ties] = [0, 0];
  for (let from = 0, to = 0; from < all.length; from = to) {
    while (to < all.length && all[to].value === all[from].value) to++;
    // Equal values share the mean of their ranks, which count from 1.
    const mine = all.slice(from, to).filter((x) => x.of === a).length;
    ranks += (mine * (from + 1 + to)) / 2;
    ties += (to - from) ** 3 - (to - from);
  }
  const [m, n, both] = [a.length, b.length, all.length];
  const off = Math.abs(ranks - (m * (m + 1)) / 2 - (m * n) / 2);
  const deviation = Math.sqrt(((m * n) / 12) * (both + 1 - ties / (both * (both - 1))));
  return deviation === 0 ? 1 : erfc(Math.max(0, off - 0.5) / deviation / Math.SQRT2);
}

/** Compares every kind with unknown addresses, says what it found, and gives what seems to tell them apart. */
function apartIn(what, { unknown: strangers, ...others }) {
  const middle = median(strangers);
  const found = Object.entries(others).map(([name, values]) => {
    const [p, apart] = [mannWhitney(values, strangers), median(values) - middle];
    return { name, p, apart, text: `${name} ${apart.toFixed(2)} ms off, p = ${p.toPrecision(3)}` };
  });
  const compared = found.map((kind) => kind.text).join("; ");
  console.log(`timing of ${what}, medians of ${strangers.length}: unknown ${middle.toFixed(2)} ms; ${compared}`);
  return found.filter(({ p, apart }) => p <= LEAST_P || Math.abs(apart) >= MOST_MS);
}

/**
 * Measures, and judges: no kind is told from unknown addresses, by its time or by a byte. `before`: called before each round.
 * The one answer.
 */
async function areAlike(what, kinds, ask, { samples, before } = {}) {
  let told, one;
  for (let round = 0; round < ROUNDS && told?.length !== 0; round++) {
    await before?.();
    const { times, answers } = await measure(kinds, ask, samples);
    one ??= answers[0];
    assert.deepEqual(answers, [one], "every answer is the same, byte for byte");
    const apart = apartIn(what, times);
    // The same kind, and the same way: faster each time, or slower.
    const again = (kind) => apart.find(({ name, apart }) => name === kind.name && apart > 0 === kind.apart > 0);
    told = told ? told.map(again).filter(Boolean) : apart;
  }
  assert.equal(told.length, 0, `${what} tells, each time: ${told.map(({ text }) => text).join("; ")}`);
  return one;
}

// --- The stories --------------------------------------------------------------------------------------------

/** More samples, where times vary more. */
const MORE = { samples: 2 * SAMPLES };
/** For all rounds, on a slow machine. */
const SLOW = { timeout: 600_000 };

/** Wrong passwords count against nobody yet, and lock the one who is to be locked. */
async function lockTheVictim(ask) {
  forgive();
  for (let n = 0; n < 6; n++) await ask(victim.email);
}

story("the ruler finds a difference where there is one, and none where there is none", async () => {
  // The example of SciPy's documentation of mannwhitneyu, by its asymptotic method; and ties, worked out by hand.
  assert.ok(Math.abs(mannWhitney([19, 22, 16, 29, 24], [20, 11, 17, 12]) - 0.11134688653) < 1e-6);
  assert.ok(Math.abs(mannWhitney([1, 2, 2, 3], [2, 3, 3, 4]) - 0.17203370789) < 1e-6);
  assert.equal(mannWhitney([5, 5, 5], [5, 5, 5]), 1);
  const { random } = seeded(1);
  const around = (middle) => Array.from({ length: SAMPLES }, () => middle + 4 * random());
  assert.ok(mannWhitney(around(600), around(600)) > LEAST_P);
  assert.ok(mannWhitney(around(600), around(602)) < LEAST_P, "two milliseconds would show");
});

/** As within a file; a group would do as the one around it does. */
const ONE_BY_ONE = { concurrency: false };

// What asks for a password, and what does not: side by side, because what both do is wait.
describe("timing", { concurrency: true }, () => {
  describe("by password", ONE_BY_ONE, () => {
    story("signing in takes as long for an unknown address as for a known one, and says the same", async () => {
      const ask = (email) => told("/api/sign-in", { email, password: freshPassword() });
      assert.ok(SAMPLES >= 60, "enough to judge by");
      const answer = await areAlike("sign-in", { known, unknown, malformed, locked }, ask, { before: () => lockTheVictim(ask) });
      assert.equal(JSON.parse(answer).status, 422);
    }, SLOW);

    story("a program's sign-in takes as long for an unknown address as for a known one, and says the same", async () => {
      const headers = { "content-type": "application/json", accept: "application/json" };
      const ask = (email) => {
        const body = JSON.stringify({ grant_type: "password", email, password: freshPassword(), device: "A phone" });
        return raw("/api/v1/token", { method: "POST", headers: { ...headers, ...elsewhere() }, body });
      };
      const kinds = { known, unknown, malformed, locked };
      const answer = await areAlike("a program's sign-in", kinds, ask, { before: () => lockTheVictim(ask) });
      forgive();
      const { status, body } = JSON.parse(answer);
      assert.deepEqual([status, JSON.parse(body).error], [400, "invalid_grant"]);
    }, SLOW);
  });

  describe("by address alone", ONE_BY_ONE, () => {
    // Whoever has a good link to an invitation also has the mailbox, and is told that it has an account: its password is asked
    // for. Everybody else learns nothing: neither who invites nor who finds an old link.
    story("inviting takes as long for an address without an account as for one with, and says the same", async (stage) => {
      const tab = await stage.open({ from: address() });
      await found(tab);
      const cookie = await cookieOf(tab.context());
      const headers = { accept: "application/json" };
      const ask = (email) => post("/api/team/invite", { email, role: "viewer" }, { cookie, headers });
      const answer = await areAlike("inviting", { known, unknown: stranger }, ask, MORE);
      assert.equal(JSON.parse(answer).status, 200);
    }, SLOW);

    story("an old invitation takes as long for an address without an account as for one with, and says the same", async (stage) => {
      const owner = await found(await stage.open({ from: address() }));
      const tokens = new Map(people.flatMap((person) => [known(person), stranger(person)]).map((email) => [email, hex(32)]));
      const rows = [...tokens].map(([email, token]) => {
        const hash = createHash("sha256").update(token).digest("hex");
        return `(${quoted(email)}, '\\x${hash}'::bytea)`;
      });
      psql(
        demo.owner_database_url,
        `insert into invitations (business_id, id, email, role, token_hash, invited_by, created_at, expires_at)
         select m.business_id, gen_random_uuid(), i.email, 'viewer', i.hash, m.id, now() - interval '8 days', now() - interval '1 day'
         from members m join lobby.users u on u.id = m.user_id, (values ${rows.join(", ")}) as i (email, hash)
         where u.email = ${quoted(owner.email)}`,
      );
      const headers = { accept: "application/json" };
      const ask = (email) => {
        const form = { name: "Frances Pine", password: freshPassword() };
        const cookie = `__Host-link=${tokens.get(email)}`;
        return post("/api/join", form, { cookie, headers: { ...headers, ...elsewhere() } });
      };
      const answer = await areAlike("joining by an old invitation", { known, unknown: stranger }, ask, MORE);
      assert.equal(JSON.parse(answer).status, 404);
    }, SLOW);

    story("signing up takes as long for an unknown address as for a known one, and says the same", async () => {
      const ask = (email) => told("/api/sign-up", { ...BUSINESS, email });
      // Here the database is written to, whose time varies: more samples see through that.
      const answer = await areAlike("sign-up", { known, unknown }, ask, MORE);
      assert.equal(JSON.parse(answer).status, 200);
    }, SLOW);

    for (const [what, path] of [["a sign-in link", "/api/link/ask"], ["a new password", "/api/password/forgot"]]) {
      story(`asking for ${what} takes as long for an unknown address as for a known one, and says the same`, async () => {
        const ask = (email) => told(path, { email });
        // Seven for each person: nobody reaches the ten that an hour has for them.
        const answer = await areAlike(what, { known, unknown }, ask, { ...MORE, before: forgetLinks });
        assert.equal(JSON.parse(answer).status, 200);
      }, SLOW);
    }
  });
});

story("a browser is shown the same bytes for a known address as for an unknown one", async () => {
  const person = people.at(-1);
  const signIn = (kind) => shown("/sign-in", { email: kind(person), password: freshPassword() });
  const refused = await signIn(known);
  assert.match(refused.page, /address and password do not match an account here/i);
  assert.ok(refused.all.includes("(typed)"), "what was typed is kept");
  for (const kind of [unknown, malformed]) assert.equal((await signIn(kind)).all, refused.all, `sign-in, ${kind.name}`);

  const signUp = (kind) => shown("/sign-up", { ...BUSINESS, email: kind(person) });
  const sent = await signUp(known);
  assert.match(sent.page, /We have sent you a mail/);
  assert.equal((await signUp(unknown)).all, sent.all, "sign-up");
});
