// The wallboard: draws what its stream says, each time whole. Nothing here is clickable, and nothing is kept. Without this
// script the page loads itself again every twenty seconds.

import { DEAF, LATE, isLost, say, seconds } from "/static/link.js";

const wall = document.querySelector("[data-wallboard]");
const part = (name) => wall.querySelector(`[data-wall="${name}"]`);
// What the server has drawn for this, hidden: a state's badge, a tone's icon.
const copy = (name) => part(`part-${name}`).firstElementChild.cloneNode(true);

let board;
let skew = 0;
let heard = Date.now();
let opened = 0;
let lost = 0;
let pause = 500;
let source;

function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [whole / 3600, (whole % 3600) / 60, whole % 60].map(Math.floor);
  const two = (number) => String(number).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

function since(then) {
  return (Date.now() - skew - then) / 1000;
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function tile(name, value, note = "", tone = "") {
  const tile = part(name).querySelector(".tile");
  tile.classList.remove("tile-good", "tile-warn", "tile-bad");
  if (tone) tile.classList.add(`tile-${tone}`);
  tile.querySelector(".tile-value").textContent = value;
  let place = tile.querySelector(".tile-note");
  if (!place) {
    place = element("p", "tile-note", "");
    tile.append(place);
  }
  place.replaceChildren(...(tone ? [copy(tone)] : []), element("span", "", note));
}

function tiles() {
  const { measures } = board;
  tile("active", String(board.active));
  tile("waiting", String(board.waiting));
  if (board.waits_since === null) {
    tile("wait", "–");
  } else {
    const wait = since(board.waits_since);
    if (wait >= measures.bad_seconds) tile("wait", clock(wait), "far too long", "bad");
    else if (wait >= measures.warn_seconds) tile("wait", clock(wait), "long", "warn");
    else tile("wait", clock(wait));
  }
  const note =
    `${board.within} of ${board.offered} within ${measures.answer_seconds} s in the last hour; ` +
    `goal ${measures.target_percent} %`;
  tile("level", board.level === null ? "–" : `${board.level} %`, note, board.level_met ? "" : "warn");
}

function lists() {
  part("quiet").hidden = board.calls.length > 0;
  part("calls").replaceChildren(
    ...board.calls.map((call) => {
      const row = document.createElement("li");
      row.append(
        element("span", "", call.state),
        element("span", "subtle", call.direction),
        element("span", "", call.people.join(", ")),
        element("span", "num", clock(since(call.since))),
      );
      return row;
    }),
  );
  part("agents").replaceChildren(
    ...board.agents.map((agent) => {
      const row = document.createElement("li");
      const timed = agent.since !== null && agent.state !== "offline";
      row.append(
        element("span", "", agent.name),
        copy(agent.state),
        element("span", "subtle", agent.on_call ? "on a call" : ""),
        element("span", "num", timed ? clock(since(agent.since)) : ""),
      );
      return row;
    }),
  );
}

function link() {
  if (isLost(lost)) say("bad", "Lost", ` for ${seconds(heard)} s; this is as it was then`);
  else if (Date.now() - heard > LATE) say("warn", "Late", `: nothing heard for ${seconds(heard)} s`);
  else if (board && !lost) say("good", "Connected");
}

function tick() {
  if (board) {
    tiles();
    lists();
  }
  if (source && Date.now() - Math.max(heard, opened) > DEAF) {
    lost ||= heard;
    connect();
  }
  link();
}

function connect() {
  source?.close();
  opened = Date.now();
  source = new EventSource(wall.dataset.wallboard);
  const alive = () => {
    heard = Date.now();
    lost = 0;
    pause = 500;
  };
  source.addEventListener("open", alive);
  source.addEventListener("beat", alive);
  source.addEventListener("message", (event) => {
    alive();
    board = JSON.parse(event.data);
    skew = Date.now() - board.now;
    tick();
  });
  source.addEventListener("error", () => {
    lost ||= Date.now();
    if (source?.readyState !== EventSource.CLOSED) return;
    source = undefined;
    // Refused: the link may be over. The page itself says so.
    setTimeout(gone, pause);
    pause = Math.min(pause * 2, 16_000);
  });
}

async function gone() {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } }).catch(() => undefined);
  if (answer && answer.status === 404) location.reload();
  else connect();
}

if (wall) {
  connect();
  setInterval(tick, 1000);
}
