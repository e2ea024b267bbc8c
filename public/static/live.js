// The one live connection of a page (`http/live.rs`), for its islands and its scripts: comes back by itself, behind the last place
// that it heard of, and says how it is. What it hears it tells the page as events: «live» (what islands show, and the server's
// clock), «work_order», «live-reset» (more was missed than is told one by one), «live-lost» (nothing is heard any more).
// To hear of more: its name in [`NAMES`], and an event.

import { DEAF, LATE, isLost, say, seconds } from "/static/link.js";
import { isOver, pause } from "/static/refused.js";

const NAMES = ["hello", "beat", "message", "work_order"];
/** How long it may be lost before the page is told so. */
const LONG = 30_000;

// Where a page stood that shows something which the stream goes on with.
const shown = document.querySelector("[data-live]");
let cursor = shown?.dataset.live ?? "";
let [source, tries, heard, lost] = [undefined, 0, 0, 0];

function hear(event) {
  [heard, lost, tries] = [Date.now(), 0, 0];
  cursor = event.lastEventId || cursor;
  if (event.type === "work_order") dispatchEvent(new Event("work_order"));
  else if (event.type !== "beat") dispatchEvent(new MessageEvent("live", { data: event.data }));
  draw();
}

function reset() {
  cursor = "";
  const isTaken = !dispatchEvent(new Event("live-reset", { cancelable: true }));
  if (shown && !isTaken) location.reload();
  else again();
}

async function fail() {
  lost ||= Date.now();
  draw();
  // Otherwise the browser comes back by itself.
  if (source?.readyState !== EventSource.CLOSED) return;
  source = undefined;
  if (!(await isOver("/live"))) again();
}

function again() {
  source?.close();
  source = undefined;
  tries += 1;
  setTimeout(connect, pause(tries));
}

function connect() {
  heard = Date.now();
  source = new EventSource(cursor ? `/live?after=${encodeURIComponent(cursor)}` : "/live");
  for (const name of NAMES) source.addEventListener(name, hear);
  source.addEventListener("reset", reset);
  source.addEventListener("error", fail);
}

function draw() {
  // Another page's badge is about its own stream.
  if (!shown) return;
  if (isLost(lost)) say("bad", "Lost", ` for ${seconds(lost)} s; what happened since may be missing`);
  else if (Date.now() - heard > LATE) say("warn", "Late", `: nothing heard for ${seconds(heard)} s; what happened since may be missing`);
  else if (!lost) say("good", "Connected");
}

function tick() {
  if (source && Date.now() - heard > DEAF) {
    lost ||= heard;
    again();
  }
  if (lost && Date.now() - lost > LONG) dispatchEvent(new Event("live-lost"));
  if (lost || Date.now() - heard > LATE) draw();
}

/** Opens it, once everybody on the page listens. */
export function begin() {
  connect();
  setInterval(tick, 1000);
}
