// A technician's day on their phone (GPS-1, GPS-3): shift, jobs and calls, with scripts and without; where the phone is, on the
// dispatcher's screen beside it; and no network for a while.

import assert from "node:assert/strict";
import {
  base, bothWays, cookieOf, elsewhere, eventually, freshNumber, headingIs, page, pathOf, pause, picture, post, press, seen,
  story,
} from "./kit.mjs";
import { found, hire } from "./people.mjs";

const PHONE = { width: 390, height: 844 };
const OFFLINE = /ERR_INTERNET_DISCONNECTED/;
const ADDRESS = "18 Alder Lane, Chicago";

/** A business of this story's own: its owner's screen, and a technician's phone. */
async function crew(stage, { scripts = true } = {}) {
  const desk = await stage.open({ from: elsewhere(), allow: [OFFLINE] });
  await found(desk);
  const phone = await stage.open({ from: elsewhere(), scripts, allow: [OFFLINE], ...PHONE });
  const person = await hire(desk, phone, "technician");
  return { desk, phone, person };
}

/** In the zone that the page names. */
async function today(phone) {
  const zone = (await phone.locator("main").innerText()).match(/Times in ([\w/+-]+)\./)[1];
  return new Intl.DateTimeFormat("en-CA", { timeZone: zone }).format(new Date());
}
const memberOf = (phone) => phone.locator("[data-field]").getAttribute("data-field");
const shows = (phone, state) => seen(phone.locator(`[data-field-state="${state}"]`));
const part = (phone, name) => phone.locator(`[data-field-part="${name}"]`);

async function beginShift(phone) {
  await phone.goto(`${base}/field`);
  await press(phone, phone.getByRole("button", { name: "Begin my shift" }));
  await seen(phone.getByText("On shift", { exact: true }));
}

/** What waits on this phone, whosever it is; with a point, after putting that one there too. */
const stored = (phone, point) =>
  phone.evaluate(
    (point) =>
      new Promise((done, fail) => {
        const asked = indexedDB.open("field");
        asked.onerror = () => fail(asked.error);
        asked.onsuccess = () => {
          const change = asked.result.transaction("points", "readwrite");
          if (point) change.objectStore("points").put(point);
          const all = change.objectStore("points").getAll();
          change.oncomplete = () => {
            asked.result.close();
            done(all.result);
          };
        };
      }),
    point,
  );

async function at(phone, latitude, longitude) {
  await phone.context().setGeolocation({ latitude, longitude, accuracy: 8 });
}

bothWays("a technician's shift, jobs and calls", async (stage, scripts) => {
  const { desk, phone } = await crew(stage, { scripts });
  await phone.goto(`${base}/field`);
  await headingIs(phone, "My day");
  await seen(phone.getByText("Off shift", { exact: true }));
  await seen(phone.getByText("No job for you today"));
  await picture(phone, `field-off-${scripts ? "scripts" : "plain"}`);

  const number = freshNumber();
  const job = {
    customer: "Rosa Quill", phone: number, address: ADDRESS, day: await today(phone), from: "00:00", to: "23:59",
    member: await memberOf(phone),
  };
  const owner = await cookieOf(desk.context());
  const made = await post("/api/work-orders/create", job, { cookie: owner });
  assert.match(`${made.status} ${made.headers.location}`, /^303 \/work-orders\/wo_\w+$/);
  await beginShift(phone);
  const card = phone.locator("[data-job]");
  for (const text of ["Rosa Quill", ADDRESS]) await seen(card.getByText(text));
  assert.ok(!(await phone.content()).includes(number), "the customer's number is not on the phone");
  if (scripts) await shows(phone, "denied");
  else assert.match(await phone.locator("[data-field] noscript").textContent(), /where you are is not sent/);

  for (const [button, state] of [["I am on the way", "On the way"], ["I am on site", "On site"]]) {
    await press(phone, card.getByRole("button", { name: new RegExp(`^${button}`) }));
    assert.equal(pathOf(phone), "/field");
    await seen(card.getByText(state, { exact: true }));
  }
  await picture(phone, `field-job-${scripts ? "scripts" : "plain"}`);
  // Nobody has said yet where the technician is reached.
  await press(phone, card.getByRole("button", { name: /^Call the customer/ }));
  await seen(phone.locator("#problems"));
  await press(phone, card.getByRole("button", { name: /^Done/ }));
  await seen(card.getByText("Done", { exact: true }));
  assert.equal(await card.getByRole("button").count(), 0, "nothing follows");

  await press(phone, phone.getByRole("button", { name: "End my shift" }));
  await seen(phone.getByText("Off shift", { exact: true }));
});

story("where a phone is stands on the dispatcher's screen, and what waited comes later", async (stage) => {
  const { desk, phone, person } = await crew(stage);
  await phone.context().grantPermissions(["geolocation"], { origin: base });
  await at(phone, 41.8781, -87.6298);
  const sent = [];
  phone.on("request", (request) => {
    if (new URL(request.url()).pathname === "/field/positions") sent.push(...JSON.parse(request.postData()).points);
  });
  await phone.goto(`${base}/field`);
  await shows(phone, "off");
  await pause(1_500);
  assert.equal(sent.length, 0, "nothing is sent off shift");

  await desk.goto(`${base}/map`);
  assert.ok(!(await desk.locator("main").innerText()).includes(person.name), "nobody is on the map off shift");
  await beginShift(phone);
  await shows(phone, "sending");
  assert.match(await part(phone, "accuracy").innerText(), /^26 ft$/);
  await seen(desk.locator("main").getByText(person.name).first());
  await picture(phone, "field-sending");
  await picture(desk, "field-dispatcher");

  await stored(phone, { me: "mem_other", at: Date.now() - 1000, lat: 1.25, lon: 1.25, accuracy_m: 5 });
  await phone.context().setOffline(true);
  await at(phone, 41.8881, -87.6398);
  await shows(phone, "waiting");
  const waits = await eventually(
    async () => {
      // Its time is that of its setting: what came too soon after the last is passed over.
      await at(phone, 41.8881, -87.6398);
      const mine = (await stored(phone)).filter(({ me }) => me !== "mem_other");
      return mine.some(({ lat }) => lat === 41.8881) && mine;
    },
    { within: 90_000, every: 1_000, what: "one that waits" },
  );
  await picture(phone, "field-waiting");
  await phone.context().setOffline(false);
  await eventually(async () => (await part(phone, "waiting").innerText()) === "0 places", { within: 60_000, what: "delivery" });
  await shows(phone, "sending");
  const told = new Set(sent.map((point) => Date.parse(point.at)));
  assert.ok(waits.every((point) => told.has(point.at)), "what waited was sent");
  assert.ok(!sent.some(({ lat }) => lat === 1.25), "and nothing of anybody else's, who has used this phone before");
  assert.deepEqual((await stored(phone)).map(({ me }) => me), ["mem_other"]);
  const times = [...told].sort((a, b) => a - b);
  assert.ok(times.every((time, n) => n === 0 || time - times[n - 1] >= 20_000), "at most one in 20 seconds");

  // Who looked is told.
  await phone.reload();
  await seen(phone.getByRole("cell", { name: "Frances Pine" }).first());
  // By hand: a page of the shift that learns first that the session is over goes to the sign-in by itself.
  await phone.locator("summary.person").click();
  await phone.getByRole("button", { name: "Sign out" }).first().click();
  await phone.waitForURL((url) => url.pathname.startsWith("/sign-in"));
  const left = () => phone.evaluate(async () => (await indexedDB.databases()).length);
  await eventually(async () => (await left()) === 0, { what: "forgetting what a phone keeps, by signing out" });
}, { timeout: 300_000 });

story("without a network a page of ours stands in, and holds nobody's data", async (stage) => {
  const { phone, person } = await crew(stage);
  await phone.context().grantPermissions(["geolocation"], { origin: base });
  await at(phone, 41.8781, -87.6298);
  await beginShift(phone);
  await shows(phone, "sending");
  await phone.evaluate(() => navigator.serviceWorker.ready.then(() => true));
  const kept = await phone.evaluate(async () => {
    const names = await caches.keys();
    const requests = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
    return requests.flat().map((request) => new URL(request.url).pathname);
  });
  assert.ok(kept.includes("/field/offline"), `kept: ${kept}`);
  assert.ok(kept.every((path) => path === "/field/offline" || /^\/(pkg|static)\//.test(path)), `kept: ${kept}`);
  assert.ok(kept.some((path) => path.endsWith(".css")) && kept.includes("/static/field.js"), `kept: ${kept}`);

  await phone.context().setOffline(true);
  await phone.goto(`${base}/field`);
  await headingIs(phone, "No network");
  await shows(phone, "waiting");
  for (const word of [person.name, person.email, "mem_"]) assert.ok(!(await phone.content()).includes(word), word);
  await picture(phone, "field-offline");
  // It goes on writing down. A place has the time of its setting, and what comes too soon after the last is passed over.
  await eventually(
    async () => {
      await at(phone, 41.8981, -87.6498);
      return /^[1-9]/.test(await part(phone, "waiting").innerText());
    },
    { within: 90_000, every: 1_000, what: "one that waits" },
  );
  await phone.context().setOffline(false);
  await eventually(async () => (await phone.getByRole("heading", { level: 1 }).innerText()) === "My day", {
    within: 30_000,
    what: "the way back",
  });
  await eventually(async () => (await part(phone, "waiting").innerText()) === "0 places", { within: 60_000, what: "delivery" });
}, { timeout: 300_000 });

story("the page can be put on a home screen, and answers for itself alone", async (stage) => {
  const { desk, phone } = await crew(stage);
  await phone.goto(`${base}/field`);
  const manifest = await phone.evaluate(async () => {
    const link = document.querySelector("link[rel=manifest]").href;
    return (await fetch(link)).json();
  });
  assert.equal(manifest.start_url, "/field");
  for (const { src, sizes } of manifest.icons.filter((icon) => icon.type === "image/png")) {
    const size = await phone.evaluate(async (src) => {
      const image = await createImageBitmap(await (await fetch(src)).blob());
      return `${image.width}x${image.height}`;
    }, src);
    assert.equal(size, sizes, src);
  }
  const worker = await phone.evaluate(() => navigator.serviceWorker.ready.then(({ scope }) => new URL(scope).pathname));
  assert.equal(worker, "/field");
  // Nobody else's page: an owner drives nowhere.
  assert.equal((await page("/field", await cookieOf(desk.context()))).status, 403);
});
