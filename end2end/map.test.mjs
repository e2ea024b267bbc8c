// The dispatcher's map (GPS-2): the list and the drawing, with scripts and without, with WebGL and without; live; by keyboard.

import assert from "node:assert/strict";
import {
  base, bothWays, cookieOf, elsewhere, eventually, gone, headingIs, page, pathOf, picture, post, press, raw, seen, status, story,
} from "./kit.mjs";
import { found, hire } from "./people.mjs";

/** A business of this story's own: its owner's screen, and a technician on shift, who sends by HTTP. */
async function crew(stage, options = {}) {
  const desk = await stage.open({ from: elsewhere(), ...options });
  const owner = await found(desk);
  const van = await stage.open({ from: elsewhere() });
  const person = await hire(desk, van, "technician");
  const cookie = await cookieOf(van.context());
  const begun = await post("/api/shift/begin", {}, { cookie });
  assert.equal(begun.status, 303);
  return { desk, owner, person, cookie };
}

/** Where the van is now. */
async function send(cookie, lat, lon, more = {}) {
  const point = { at: new Date().toISOString(), lat, lon, accuracy_m: 8, speed_mps: 12, heading_deg: 90, ...more };
  const answer = await raw("/field/positions", {
    method: "POST",
    cookie,
    body: JSON.stringify({ points: [point] }),
    headers: {
      accept: "application/json", "content-type": "application/json", "sec-fetch-site": "same-origin", origin: base,
    },
  });
  assert.equal(answer.status, 200, answer.body);
}

bothWays("the map shows who is on shift, as a list and as a drawing", async (stage, scripts) => {
  const { desk, person, cookie } = await crew(stage);
  await send(cookie, 30.2672, -97.7431);
  const screen = await stage.open({ from: elsewhere(), scripts });
  await screen.context().addCookies(await desk.context().cookies());
  await screen.goto(`${base}/map`);
  await headingIs(screen, "Map");
  const line = screen.locator("#map-units").getByRole("listitem").filter({ hasText: person.name });
  await seen(line);
  for (const text of ["Moving", "Fresh", /27 mph east/, /s ago/]) await seen(line.getByText(text).first());
  if (!scripts) {
    await seen(screen.locator(".map-drawing [data-member]"));
    await seen(screen.locator(".map-drawing").getByText(person.name));
  }
  await picture(screen, `map-${scripts ? "scripts" : "plain"}`);

  // The filters are a form, the selection is a link, and both stand in the address.
  await screen.getByLabel("State", { exact: true }).selectOption("on_site");
  await press(screen, screen.getByRole("button", { name: "Apply" }));
  assert.equal(new URL(screen.url()).searchParams.get("state"), "on_site");
  await seen(screen.getByText("Nobody matches"));
  await screen.goto(`${base}/map`);
  await line.getByRole("link", { name: person.name }).click();
  await screen.waitForURL(/member=mem_/);
  await seen(line.locator("[aria-current=true]"));
  if (!scripts) await seen(screen.locator(".map-shape-selected"));
});

/** A browser without WebGL. */
const flat = (tab) =>
  tab.addInitScript(() => {
    const get = HTMLCanvasElement.prototype.getContext;
    HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
      return /webgl/.test(kind) ? null : get.call(this, kind, ...rest);
    };
  });

story("without WebGL the drawing stays and the list is live", async (stage) => {
  const { desk, person, cookie } = await crew(stage);
  await flat(desk);
  await desk.goto(`${base}/map`);
  await seen(desk.getByText("cannot draw the moving map"));
  await seen(desk.locator(".map-drawing"));
  await seen(desk.getByText("Connected"));
  const line = desk.locator("#map-units").getByRole("listitem").filter({ hasText: person.name });
  await seen(line.getByText("No position yet"));
  await send(cookie, 30.2672, -97.7431);
  await seen(line.getByText("Fresh"));
  await seen(line.getByText("Moving"));
  await picture(desk, "map-flat");
  await post("/api/shift/end", {}, { cookie });
  await gone(line);
});

story("the map is live, and its ages are judged by the clock", async (stage) => {
  const { desk, person, cookie } = await crew(stage);
  await send(cookie, 30.2672, -97.7431);
  await desk.goto(`${base}/map`);
  await seen(desk.locator(".map-awake"), 20_000);
  const mark = desk.locator(".map-mark").filter({ hasText: person.name });
  await seen(mark);
  assert.equal(await mark.getAttribute("data-band"), "fresh");
  assert.match(await mark.getAttribute("aria-label"), new RegExp(`^${person.name}, moving, fresh`));
  const before = await mark.boundingBox();
  await send(cookie, 30.3, -97.71);
  await eventually(async () => {
    const now = await mark.boundingBox();
    return now && Math.hypot(now.x - before.x, now.y - before.y) > 5;
  }, { what: "the mark's move" });
  await picture(desk, "map-live");

  // Out of the view nobody is told, and the list says so instead of an age that is not true.
  const moved = desk.waitForResponse((r) => new URL(r.url()).pathname === "/map/live" && r.status() === 200);
  await desk.locator("#map-canvas canvas").focus();
  for (let n = 0; n < 30; n += 1) await desk.keyboard.press("ArrowUp");
  await moved;
  await seen(desk.getByText(/^1 not in view/));
  await desk.getByRole("button", { name: "Show all" }).click();
  await seen(mark);

  // Selecting: by the list, with the trail and its slider.
  await desk.locator("#map-units").getByRole("link", { name: person.name }).click();
  await seen(desk.locator("#map-slider"));
  await eventually(async () => Number(await desk.locator("#map-slider").getAttribute("max")) === 1, { what: "two points" });
  await desk.locator("#map-slider").fill("0");
  await seen(desk.locator(".map-ghost"));
  assert.match(new URL(desk.url()).searchParams.get("member"), /^mem_/);
  await picture(desk, "map-trail");

  await post("/api/shift/end", {}, { cookie });
  await gone(mark);
}, { timeout: 180_000 });

story("a count on the map opens as a list of whom it is of", async (stage) => {
  const { desk, person, cookie } = await crew(stage);
  await send(cookie, 30.2672, -97.7431);
  // The server counts where more than 200 are in view. Here the stream says that it counted one; the list comes from the server.
  const batch = { now: Date.now(), whole: true, counts: [0, 0, 1, 0, 0], units: [], gone: [], level: 10, cells: [[233, 421, 1]] };
  const body = `retry: 600000\nevent: batch\ndata: ${JSON.stringify(batch)}\n\n`;
  await desk.route((url) => url.pathname === "/map/live", (route) => route.fulfill({ contentType: "text/event-stream", body }));
  await desk.goto(`${base}/map`);
  const count = desk.getByRole("button", { name: "1 technician here: open the list" });
  await seen(count);
  await count.focus();
  await desk.keyboard.press("Enter");
  const popup = desk.locator(".maplibregl-popup");
  const choice = popup.getByRole("list", { name: "Technicians here" }).getByRole("button", { name: person.name });
  await seen(choice);
  await seen(popup.getByRole("button", { name: "Zoom in" }));
  await picture(desk, "map-count");
  await desk.keyboard.press("Escape");
  await gone(popup);
  await desk.keyboard.press("Enter");
  await choice.click();
  await desk.waitForURL(/member=mem_/);
}, { timeout: 180_000 });

story("names on the map do not lie on each other", async (stage) => {
  const { desk, cookie } = await crew(stage);
  await send(cookie, 30.2672, -97.7431);
  // Three in a row, further from each other than what is drawn as one, and nearer than a name is long.
  const fix = (lon) => ({ at: Date.now(), lat: 30.2672, lon, accuracy: 8, speed: 0, heading: null });
  const unit = (name, lon) => ({ id: `mem_${name}`, name: `${name} Longfellow`, state: "standing", since: Date.now(), fix: fix(lon) });
  const units = [unit("Ann", -98.0), unit("Ben", -97.65), unit("Cat", -97.3)];
  const batch = { now: Date.now(), whole: true, counts: [0, 0, 0, 3, 0], units, gone: [], level: null, cells: [] };
  const body = `retry: 600000\nevent: batch\ndata: ${JSON.stringify(batch)}\n\n`;
  await desk.route((url) => url.pathname === "/map/live", (route) => route.fulfill({ contentType: "text/event-stream", body }));
  await desk.goto(`${base}/map`);
  const marks = desk.locator(".map-mark:visible");
  await eventually(async () => (await marks.count()) === 3, { what: "three marks" });
  const named = desk.locator(".map-mark:visible:not([data-bare])");
  await eventually(async () => (await named.count()) < 3, { what: "a mark without its name" });
  const boxes = await Promise.all((await named.locator(".map-mark-name").all()).map((name) => name.boundingBox()));
  const dots = await Promise.all((await marks.locator(".map-mark-shape").all()).map((dot) => dot.boundingBox()));
  const meet = (a, b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
  assert.ok(boxes.length > 0);
  for (const [n, box] of boxes.entries()) {
    for (const other of boxes.slice(n + 1)) assert.ok(!meet(box, other), "two names lie on each other");
    for (const dot of dots) assert.ok(!meet(box, dot), "a name lies on a mark");
  }
  await picture(desk, "map-names");
}, { timeout: 180_000 });

story("keys of the map, and how they are switched off", async (stage) => {
  const { desk, person, cookie } = await crew(stage);
  await send(cookie, 30.2672, -97.7431);
  await desk.goto(`${base}/map`);
  await seen(desk.getByText("Connected"));
  await desk.keyboard.press("?");
  await seen(desk.getByRole("dialog", { name: "Keys of the map" }));
  await desk.getByRole("button", { name: "Close" }).click();
  await desk.keyboard.press("l");
  assert.equal(await desk.evaluate(() => document.activeElement.textContent), person.name);
  await desk.keyboard.press("Enter");
  await desk.waitForURL(/member=mem_/);
  await desk.keyboard.press("Escape");
  await eventually(() => !desk.url().includes("member="), { what: "selecting nobody" });
  await desk.getByRole("button", { name: "Keys" }).click();
  await desk.getByLabel("Switch these keys off in this browser").check();
  await desk.getByRole("button", { name: "Close" }).click();
  await desk.locator("h1").click();
  await desk.keyboard.press("?");
  await gone(desk.getByRole("dialog"));
});

story("the map's stream ends with the session, and is not for everybody", async (stage) => {
  const { desk, cookie } = await crew(stage, { allow: [status(401)] });
  const view = "bounds=-180,-85,180,85&zoom=1";
  assert.equal((await page(`/map/live?${view}`)).status, 401);
  assert.equal((await page("/map/trail?member=x&from=0&to=1", cookie)).status, 400);
  await desk.goto(`${base}/map`);
  assert.equal(pathOf(desk), "/map");
  await seen(desk.getByText("Connected"));
  await post("/api/sign-out", {}, { cookie: await cookieOf(desk.context()) });
  await seen(desk.getByText(/^Lost for/));
  await seen(desk.getByRole("alert").filter({ hasText: "Your session is over" }));
});
