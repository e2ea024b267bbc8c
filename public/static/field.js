// The technician's page: while their shift is on, writes down where the phone is and sends it. What cannot be sent waits on the
// phone (IndexedDB); what the server refuses for good is dropped. What there is to say stands in the page, hidden: this shows
// what is true. On the page that stands in without a network (field-sw.js) it goes on, and comes back when there is one.

/** A little over 20 seconds: the server takes three a minute, by their own time and by that of their arrival. */
const GAP = 20_500;
/** Who does not move is asked again after this. */
const STILL = 45_000;
/** What is older is refused. */
const OLD = 24 * 3600_000;
/** So far ahead a clock may be for what it says to be kept until it is true. */
const NEAR = 10 * 60_000;
/** Of one request. */
const MOST = 300;

const root = document.querySelector("[data-field]");
const part = (name) => root.querySelector(`[data-field-part="${name}"]`);
const { positions } = root.dataset;
const since = Number(root.dataset.since ?? 0);
const isOffline = !positions;
// The phone has told that its network went. `navigator.onLine` is not asked: without an interface to the outside it says no, even
// where we are reached.
let isCut = false;
const standsIn = isOffline && location.pathname === "/field";

let me = root.dataset.field;
let ends = Number(root.dataset.until ?? 0);
let [last, sent, pause, isSending, problem, place] = [0, 0, 0, false, "", ""];
let [isMine, ticks, watching] = [false, 0, 0];

function write(name, text) {
  const at = part(name);
  if (at && at.textContent !== text) at.textContent = text;
}

// --- What waits ---

const opened = new Promise((done, fail) => {
  const asked = indexedDB.open("field", 1);
  asked.onupgradeneeded = () => {
    // By whose it is: phones are shared.
    asked.result.createObjectStore("points", { keyPath: ["me", "at"] });
    asked.result.createObjectStore("shift");
  };
  asked.onsuccess = () => {
    // Taken away by the browser, which was short of space: there is another after loading.
    asked.result.onclose = () => location.reload();
    done(asked.result);
  };
  asked.onerror = () => fail(asked.error);
});

async function kept(store, mode, work) {
  const change = (await opened).transaction(store, mode);
  return new Promise((done, fail) => {
    const asked = work(change.objectStore(store));
    change.oncomplete = () => done(asked.result);
    change.onabort = change.onerror = () => fail(change.error);
  });
}

const mine = () => IDBKeyRange.bound([me, 0], [me, Infinity]);
const drop = (points) => Promise.all(points.map((one) => kept("points", "readwrite", (all) => all.delete([one.me, one.at]))));

/** Anybody's: nothing stays on a phone for longer than it is good for. */
async function tidy() {
  const all = await kept("points", "readonly", (points) => points.getAll());
  await drop(all.filter(({ at }) => at < Date.now() - OLD));
}

// --- Sending ---

const wait = (seconds) => (pause = Date.now() + 1000 * seconds);

/** Drops what the server is done with. Whether to go on at once. */
async function heard(answer, points) {
  const retry = Number(answer.headers.get("retry-after"));
  if (answer.status === 401 || answer.status === 403) {
    problem = answer.status === 401 ? "signed_out" : "refused";
    wait(Infinity);
    return false;
  }
  // Points are judged one by one, below: what is wrong with the request as a whole passes, or is a proxy's word.
  if (!answer.ok) {
    wait(retry || 20);
    return false;
  }
  const { results = [] } = await answer.json();
  // What a clock that is a little ahead says is taken a little later; what one says that is wrong altogether, never.
  const isNear = Date.now() - Date.parse(answer.headers.get("date")) < NEAR;
  const isEarly = (n) => isNear && results[n]?.reason === "ahead";
  await drop(points.filter((_, n) => !isEarly(n)));
  if (results.some(({ result }) => result !== "refused")) sent = Date.now();
  problem = results.length && results.every(({ reason }) => reason === "ahead") ? "clock" : "";
  // The shift was ended by somebody else, or by the clock: the page says so when it is loaded anew.
  const isOver = (one, n) => results[n]?.reason === "off_shift" && one.at > Math.max(since, Date.now() - 60_000);
  if (ends && points.some(isOver)) location.reload();
  if (!points.some((_, n) => isEarly(n))) return true;
  problem = "clock";
  wait(30);
  return false;
}

async function send() {
  if (isOffline || isSending || Date.now() < pause) return;
  isSending = true;
  try {
    for (;;) {
      const points = await kept("points", "readonly", (all) => all.getAll(mine(), MOST));
      if (!points.length) break;
      const body = JSON.stringify({ points: points.map(({ me, at, ...rest }) => ({ at: new Date(at).toISOString(), ...rest })) });
      const headers = { accept: "application/json", "content-type": "application/json" };
      // A line that is dead without saying so must not hold up the next one.
      const signal = AbortSignal.timeout?.(60_000);
      if (!(await heard(await fetch(positions, { method: "POST", headers, body, signal }), points))) break;
    }
  } catch {
    wait(5);
  }
  isSending = false;
  await draw();
}

// --- Where the phone is ---

async function keep({ timestamp, coords }) {
  place = "";
  const at = Math.min(Math.round(timestamp), Date.now());
  // A clock that was put right may have been hours ahead before.
  if (Math.abs(at - last) < GAP || at > ends) return;
  if (last > since && at - last > 4 * STILL) {
    write("slept", `For ${Math.round((at - last) / 60_000)} min nothing was written down: the page was closed, or asleep.`);
  }
  last = at;
  const { latitude: lat, longitude: lon, accuracy: accuracy_m } = coords;
  write("accuracy", `${Math.max(1, Math.round(accuracy_m * 3.28084))} ft`);
  // Some telephones say -1 for what they do not know.
  const [speed_mps, heading_deg] = [coords.speed, coords.heading].map((it) => (it >= 0 ? it : null));
  await kept("points", "readwrite", (all) => all.put({ me, at, lat, lon, accuracy_m, speed_mps, heading_deg }));
  await kept("shift", "readwrite", (all) => all.put(at, me));
  if (problem === "unable") problem = "";
  await send();
}

async function lost({ code }) {
  place = code === 1 ? "denied" : "looking";
  await draw();
}

/** What cannot be written down is said. */
const safely = (work) => (given) => work(given).catch(() => show((problem = "unable")));

const how = { enableHighAccuracy: true, maximumAge: 0, timeout: 30_000 };
const finding = [safely(keep), safely(lost), how];

async function look() {
  if (!navigator.geolocation) return lost({ code: 1 });
  place = "looking";
  watching = navigator.geolocation.watchPosition(...finding);
}

// --- What the page says ---

function show(word) {
  for (const state of root.querySelectorAll("[data-field-state]")) state.hidden = state.dataset.fieldState !== word;
}

async function draw() {
  if (!isMine) return;
  const waiting = await kept("points", "readonly", (all) => all.count(mine()));
  const stuck = isOffline || isCut || waiting > 1 || (waiting && Date.now() < pause);
  show(problem || (!ends ? "off" : place || (stuck ? "waiting" : "sending")));
  write("waiting", waiting === 1 ? "1 place" : `${waiting} places`);
  if (sent) write("sent", new Date(sent).toLocaleTimeString());
}

async function isReady() {
  const answer = await fetch("/readyz", { cache: "no-store", signal: AbortSignal.timeout?.(10_000) }).catch(() => undefined);
  return answer?.ok;
}

async function tick() {
  if (!isMine) return;
  if (ends && Date.now() > ends) return location.reload();
  // Not at once: a page that the server cannot draw, though it serves, would be asked for without end.
  if (standsIn && ticks++ && (await isReady())) return location.reload();
  if (ends && place !== "denied" && Math.abs(Date.now() - last) > STILL) navigator.geolocation.getCurrentPosition(...finding);
  await send();
  await draw();
}

/** A screen that stays on keeps the page awake: in the background browsers let it do little or nothing. */
function stayAwake(button) {
  let held;
  const set = async (on) => {
    await held?.release();
    held = on ? await navigator.wakeLock.request("screen").catch(() => undefined) : undefined;
    button.setAttribute("aria-pressed", String(!!held));
  };
  button.hidden = !navigator.wakeLock;
  button.addEventListener("click", () => set(!held));
  document.addEventListener("visibilitychange", () => held?.released && !document.hidden && set(true));
}

async function begin() {
  if (isOffline) ({ me, ends } = (await kept("shift", "readonly", (all) => all.get("now"))) ?? { me: "", ends: 0 });
  if (ends < Date.now()) ends = 0;
  if (!isOffline) await kept("shift", "readwrite", (all) => (ends ? all.put({ me, ends }, "now") : all.delete("now")));
  last = Math.min((await kept("shift", "readonly", (all) => all.get(me))) ?? 0, Date.now());
  await tidy();
  if (ends) await look();
  await tick();
  const again = safely(tick);
  setInterval(again, 10_000);
  for (const event of ["online", "offline"]) {
    addEventListener(event, () => {
      isCut = event === "offline";
      again();
    });
  }
  document.addEventListener("visibilitychange", () => document.hidden || again());
}

stayAwake(part("awake"));
// One tab sends: the one that is looked at, for browsers let it look for a place. The others say so, and wait for their turn.
const impatience = setTimeout(show, 1_000, "elsewhere");
const turn = () => {
  clearTimeout(impatience);
  isMine = true;
  return new Promise((_, fail) => begin().catch(fail));
};
function stop(why) {
  if (why?.name !== "AbortError") return show("unable");
  [isMine, ends] = [false, 0];
  navigator.geolocation?.clearWatch(watching);
  show("elsewhere");
}
(navigator.locks ? navigator.locks.request("field", { steal: !document.hidden }, turn) : turn()).catch(stop);
document.addEventListener("visibilitychange", () => document.hidden || isMine || location.reload());
const build = document.querySelector("link[rel=stylesheet]").getAttribute("href");
navigator.serviceWorker?.register(`/static/field-sw.js?${build}`, { scope: "/field" }).catch(() => {});
