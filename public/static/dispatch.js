// The dispatch board, with scripts: a card is drawn into another column, which sends its own form; and what others change is told
// above the board. Without scripts, and by keyboard, each card has a list and a button.

const LANE = "data-over";
const CAME_FROM = "dispatch-job";

let drawn;

for (const job of document.querySelectorAll("[data-job][draggable]")) {
  job.addEventListener("dragstart", (event) => {
    drawn = job;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", job.dataset.job);
  });
  job.addEventListener("dragend", () => {
    drawn = undefined;
    for (const lane of document.querySelectorAll(`[${LANE}]`)) lane.removeAttribute(LANE);
  });
  // After the page came back, whoever works by keyboard goes on at the card that they moved.
  job.querySelector("form").addEventListener("submit", () => sessionStorage.setItem(CAME_FROM, job.id));
}

for (const lane of document.querySelectorAll("[data-lane]")) {
  lane.addEventListener("dragover", (event) => {
    if (!drawn || drawn.closest("[data-lane]") === lane) return;
    event.preventDefault();
    lane.setAttribute(LANE, "");
  });
  lane.addEventListener("dragleave", (event) => {
    if (!lane.contains(event.relatedTarget)) lane.removeAttribute(LANE);
  });
  lane.addEventListener("drop", (event) => {
    if (!drawn) return;
    event.preventDefault();
    const form = drawn.querySelector("form");
    form.elements.member.value = lane.dataset.lane;
    // Somebody who is no technician any more is in no list: the card stays where it is.
    if (form.elements.member.value === lane.dataset.lane) form.requestSubmit();
  });
}

const last = sessionStorage.getItem(CAME_FROM);
if (last) {
  sessionStorage.removeItem(CAME_FROM);
  document.getElementById(last)?.querySelector("a")?.focus();
}

// What changes elsewhere. Nothing moves under the pointer: a link says that there is something new.
const bar = document.querySelector("[data-dispatch]");
let cursor = bar.dataset.dispatch;
let tries = 0;

function listen() {
  const source = new EventSource(`/live?after=${encodeURIComponent(cursor)}`);
  const tell = () => {
    bar.querySelector("a").hidden = false;
  };
  source.addEventListener("hello", (event) => {
    tries = 0;
    cursor = event.lastEventId || cursor;
  });
  source.addEventListener("work_order", (event) => {
    cursor = event.lastEventId || cursor;
    tell();
  });
  // More was missed than is told one by one.
  source.addEventListener("reset", () => {
    source.close();
    tell();
  });
  source.addEventListener("error", () => {
    if (source.readyState !== EventSource.CLOSED) return;
    tries += 1;
    if (tries < 8) setTimeout(listen, 500 * 2 ** tries);
  });
}

listen();
