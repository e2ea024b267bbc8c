// The wallboard: draws what its stream says, each time whole. Nothing here is clickable, and nothing is kept. Without this
// script the page loads itself again every twenty seconds.

const PATIENCE = 13_000;
const wall = document.querySelector("[data-wallboard]");
const part = (name) => wall.querySelector(`[data-wall="${name}"]`);

// What an agent's state looks like: the classes of the badges that the server draws.
const TONES = { available: "good", busy: "warn", break: "info", wrap_up: "info", offline: "neutral" };

let board;
let skew = 0;
let heard = Date.now();
let lost = false;
let pause = 500;

function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
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
  let text = tile.querySelector(".tile-note");
  if (!text) {
    text = element("p", "tile-note", "");
    tile.append(text);
  }
  text.textContent = note;
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
        element("span", `badge badge-${TONES[agent.state] ?? "neutral"}`, agent.label),
        element("span", "subtle", agent.on_call ? "on a call" : ""),
        element("span", "num", timed ? clock(since(agent.since)) : ""),
      );
      return row;
    }),
  );
}

function link() {
  const chip = part("link");
  const silence = Date.now() - heard;
  const seconds = Math.floor(silence / 1000);
  const [tone, text] = lost
    ? ["bad", `Lost for ${seconds} s; this is as it was then`]
    : silence > PATIENCE
      ? ["warn", `Late: nothing heard for ${seconds} s`]
      : ["good", "Connected"];
  chip.className = `chip chip-${tone}`;
  if (chip.textContent !== text) chip.textContent = text;
}

function tick() {
  if (board) {
    tiles();
    lists();
  }
  link();
}

function connect() {
  const source = new EventSource(wall.dataset.wallboard);
  const alive = () => {
    heard = Date.now();
    lost = false;
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
    lost = true;
    if (source.readyState !== EventSource.CLOSED) return;
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
