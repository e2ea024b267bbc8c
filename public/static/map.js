// The map's page, with scripts: keeps the list live, judges how old each position is by the clock, and draws the map where there is
// WebGL. Without it the server's drawing stays, without scripts the whole page as it was loaded. A browser is told only what lies
// in its view: moving the map opens the stream anew (`http/map.rs`).

import { DEAF, LATE as SILENT, isLost, say, seconds } from "/static/link.js";
import { isOver, pause } from "/static/refused.js";

const box = document.getElementById("map");
const list = document.getElementById("map-units");
const parts = document.getElementById("map-parts");
const FRESH = 60, LATE = 300;
const MPH = 2.236936, MILE = 1609.344;
const STATES = ["on_site", "en_route", "moving", "standing", "on_shift"];
const WAYS = ["north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west"];

const units = new Map(); // what the stream told, by member
let ahead = Number(box.dataset.now) - Date.now(); // the server's clock, as far as it is before ours
let selected = box.dataset.selected || "";
let source, scene, told, again, heard = 0, lost = 0, tries = 0, counted = false;

const now = () => Date.now() + ahead;
const rows = () => [...list.querySelectorAll("[data-member]")];
const row = (id) => list.querySelector(`[data-member="${CSS.escape(id)}"]`);
const part = (name) => parts.querySelector(`[data-part="${name}"]`).firstElementChild;
const copy = (name) => part(name).cloneNode(true);
const word = (name) => part(name).textContent.trim().toLowerCase();

/** The same page with somebody selected, or nobody. */
function selecting(href, id) {
  const address = new URL(href, location.href);
  if (id) address.searchParams.set("member", id);
  else address.searchParams.delete("member");
  return address.pathname + address.search;
}

// ---------- Words ----------

/** Times in the business's zone, as the page has them; in the browser's, where it does not know that one. */
function clock(options) {
  const format = { hour: "2-digit", minute: "2-digit", ...options };
  try {
    return new Intl.DateTimeFormat("en-GB", { ...format, timeZone: box.dataset.zone });
  } catch {
    return new Intl.DateTimeFormat("en-GB", format);
  }
}

const hours = clock({});
const moments = clock({ weekday: "short", second: "2-digit" });

function ago(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s ago`;
  return s < 3600 ? `${Math.floor(s / 60)} min ago` : `${Math.floor(s / 3600)} h ago`;
}

const band = (at) => {
  const age = Math.floor((now() - at) / 1000);
  return age <= FRESH ? "fresh" : age <= LATE ? "late" : "stale";
};

function way({ speed, heading }) {
  if (speed === null) return "speed unknown";
  const mph = Math.round(speed * MPH);
  return heading === null || mph < 1 ? `${mph} mph` : `${mph} mph ${WAYS[Math.round(heading / 45) % 8]}`;
}

function miles(fix) {
  const rad = Math.PI / 180;
  const [a, b] = [fix.lat * rad, box.dataset.jobLat * rad];
  const h = Math.sin((b - a) / 2) ** 2 + Math.cos(a) * Math.cos(b) * Math.sin(((box.dataset.jobLon - fix.lon) * rad) / 2) ** 2;
  return `${((2 * 6371008.8 * Math.asin(Math.min(1, Math.sqrt(h)))) / MILE).toFixed(1)} mi to the job`;
}

// ---------- The list ----------

function text(item, name, words) {
  const place = item.querySelector(`[data-${name}]`);
  if (place && place.textContent !== words) place.textContent = words;
}

function badge(item, name, word) {
  const place = item.querySelector(`[data-${name}]`);
  if (place.dataset[name] === word) return;
  place.dataset[name] = word;
  place.replaceChildren(...(word ? [copy(word)] : []));
}

// A row of somebody who came on shift since the page was loaded, at their place by name.
function added(unit) {
  const item = copy("row");
  item.dataset.member = unit.id;
  const link = item.querySelector("a");
  link.href = selecting(location.href, unit.id);
  link.textContent = unit.name;
  if (unit.id === selected) link.setAttribute("aria-current", "true");
  const after = rows().find((other) => other.querySelector("a").textContent.localeCompare(unit.name) > 0);
  list.insertBefore(item, after ?? null);
  document.getElementById("map-nobody")?.remove();
  return item;
}

function show(unit) {
  const item = row(unit.id) ?? added(unit);
  item.hidden = false;
  badge(item, "state", unit.state);
  text(item, "since", hours.format(unit.since));
  const { fix } = unit;
  // A shift that has just begun has no place yet: what the one before left is not shown for it.
  if (fix) item.dataset.at = fix.at;
  else delete item.dataset.at;
  text(item, "way", fix ? way(fix) : "");
  text(item, "accuracy", fix ? `within ${Math.max(1, Math.round(fix.accuracy * 3.28084))} ft` : "");
  if (box.dataset.jobLat) text(item, "distance", fix ? miles(fix) : "");
  age(item);
}

function age(item) {
  const at = Number(item.dataset.at ?? 0);
  badge(item, "band", at ? band(at) : "");
  text(item, "age", at ? ago((now() - at) / 1000) : "No position yet");
}

// What a position's age means changes without any news: once a second, for rows and markers.
function tick() {
  rows().forEach(age);
  scene?.age();
  if (source && Date.now() - heard > DEAF) {
    lost ||= heard;
    open();
  }
  if (isLost(lost)) say("bad", "Lost", ` for ${seconds(lost)} s; positions are older than shown`);
  else if (source && Date.now() - heard > SILENT) say("warn", "Late", `: nothing heard for ${seconds(heard)} s`);
}

// ---------- The stream ----------

function apply(batch) {
  ahead = batch.now - Date.now();
  if (batch.whole) {
    units.clear();
    // Who is not in view is not told: their row would say what is no longer so, and is not shown.
    const told = new Set(batch.units.map((unit) => unit.id));
    for (const item of rows()) item.hidden = !told.has(item.dataset.member);
  }
  for (const id of batch.gone) {
    units.delete(id);
    const item = row(id);
    if (item) item.hidden = true;
  }
  for (const unit of batch.units) {
    units.set(unit.id, unit);
    show(unit);
  }
  const all = batch.counts.reduce((sum, count) => sum + count, 0);
  counted = batch.level !== null;
  if (!box.dataset.state) STATES.forEach((state, at) => text(document, `count="${state}"`, batch.counts[at].toString()));
  const out = rows().filter((item) => item.hidden).length;
  const note = counted
    ? `${all} are in view: ${scene ? "press a count, " : ""}zoom in, search or filter to list them.`
    : out > 0 ? `${out} not in view, or off shift.` : "";
  const place = document.getElementById("map-out");
  // It is read out when it changes, and only then.
  if (place.textContent !== note) place.textContent = note;
  document.getElementById("map-all").hidden = !(scene && (counted || out > 0));
  scene?.apply(batch);
}

function open() {
  source?.close();
  clearTimeout(again);
  heard = Date.now();
  const asked = new URLSearchParams({ ...(scene?.view() ?? { bounds: "-180,-85,180,85", zoom: "0" }) });
  for (const name of ["state", "q"]) if (box.dataset[name]) asked.set(name, box.dataset[name]);
  if (selected) asked.set("member", selected);
  const mine = new EventSource(`/map/live?${asked}`);
  source = mine;
  const alive = () => {
    [heard, lost, tries] = [Date.now(), 0, 0];
    say("good", "Connected");
  };
  mine.onopen = alive;
  mine.addEventListener("beat", alive);
  mine.addEventListener("batch", (event) => {
    alive();
    // What stands on the screen from now on was asked for so.
    told = asked;
    apply(JSON.parse(event.data));
  });
  mine.addEventListener("reset", () => mine === source && open());
  mine.onerror = async () => {
    if (mine !== source) return;
    lost ||= Date.now();
    // A refusal ends it; everything else the browser tries again by itself.
    if (mine.readyState !== EventSource.CLOSED) return;
    source = undefined;
    // Moving the map may have opened another one meanwhile.
    if (!(await isOver(mine.url)) && !source) again = setTimeout(open, pause((tries += 1)));
  };
}

// ---------- Selecting ----------

function select(id, andLook) {
  selected = id;
  history.replaceState(null, "", selecting(location.href, id));
  // What leads to the page with another filter keeps who is looked at.
  const field = document.getElementById("map-member");
  [field.value, field.disabled] = [id, !id];
  for (const chip of document.querySelectorAll(".map-counts a")) chip.href = selecting(chip.href, id);
  for (const item of rows()) {
    const link = item.querySelector("a");
    link.href = selecting(link.href, item.dataset.member === id ? "" : item.dataset.member);
    if (item.dataset.member === id) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  open();
  scene?.select(andLook);
}

list.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  const item = event.target.closest("[data-member]");
  if (!link || !item || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  select(item.dataset.member === selected ? "" : item.dataset.member, true);
});

list.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
  const links = rows().filter((item) => !item.hidden).map((item) => item.querySelector("a"));
  const next = links[links.indexOf(document.activeElement) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
});

// ---------- Keys ----------

const keys = document.getElementById("map-keys");
const off = document.getElementById("map-keys-off");
off.checked = localStorage.getItem("map-keys") === "off";
off.addEventListener("change", () => localStorage.setItem("map-keys", off.checked ? "off" : "on"));
document.getElementById("map-help").addEventListener("click", () => keys.showModal());

const ACTS = {
  "?": () => keys.showModal(),
  "/": () => document.getElementById("f-q").focus(),
  l: () => rows().find((item) => !item.hidden)?.querySelector("a").focus(),
  m: () => scene?.focus(),
  a: () => scene?.all(),
  t: () => document.getElementById("map-slider")?.focus(),
  Escape: () => selected && select("", false),
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input:not([type=range]), select, textarea, dialog[open]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || (off.checked && event.key !== "Escape")) return;
  const act = ACTS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

// ---------- Waking ----------

for (const item of document.querySelectorAll("[data-wakes]")) item.hidden = false;
setInterval(tick, 1000);
const probe = document.createElement("canvas").getContext("webgl2");
if (probe) {
  probe.getExtension("WEBGL_lose_context")?.loseContext();
  try {
    const { draw } = await import("/static/map-canvas.js");
    const page = { box, units, band, ago, now, copy, word, moments, open, select };
    scene = await draw({ ...page, asked: () => told, selected: () => selected, counted: () => counted });
  } catch (error) {
    scene = undefined;
    document.getElementById("map-flat").hidden = false;
    console.warn("the map cannot be drawn here", error);
  }
} else {
  document.getElementById("map-flat").hidden = false;
}
document.getElementById("map-all").addEventListener("click", () => scene?.all());
open();
if (selected) scene?.select(false);
