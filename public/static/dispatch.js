// The dispatch board, with scripts: a card is dragged into another column, which sends its own form; and what others change is told
// above the board. Without scripts, and by keyboard, each card has a list and a button.

import { begin } from "/static/live.js";

const LANE = "data-over";
const CAME_FROM = "dispatch-job";

let dragged;
// What is to be told when the card is dropped: a line above the board would push the columns away from under it.
const waiting = new Set();

for (const job of document.querySelectorAll("[data-job][draggable]")) {
  job.addEventListener("dragstart", (event) => {
    dragged = job;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", job.dataset.job);
  });
  job.addEventListener("dragend", () => {
    dragged = undefined;
    for (const lane of document.querySelectorAll(`[${LANE}]`)) lane.removeAttribute(LANE);
    for (const name of waiting) tell(name);
    waiting.clear();
  });
  // After the page came back, whoever works by keyboard goes on at the card that they moved.
  job.querySelector("form").addEventListener("submit", () => sessionStorage.setItem(CAME_FROM, job.id));
}

for (const lane of document.querySelectorAll("[data-lane]")) {
  lane.addEventListener("dragover", (event) => {
    if (!dragged || dragged.closest("[data-lane]") === lane) return;
    event.preventDefault();
    lane.setAttribute(LANE, "");
  });
  lane.addEventListener("dragleave", (event) => {
    if (!lane.contains(event.relatedTarget)) lane.removeAttribute(LANE);
  });
  lane.addEventListener("drop", (event) => {
    if (!dragged) return;
    event.preventDefault();
    const form = dragged.querySelector("form");
    const list = form.elements.member;
    // Somebody who is no technician any more is in no list: the card stays where it is, and the list as it was.
    if (![...list.options].some((option) => option.value === lane.dataset.lane)) return;
    list.value = lane.dataset.lane;
    form.requestSubmit();
  });
}

const last = sessionStorage.getItem(CAME_FROM);
sessionStorage.removeItem(CAME_FROM);
// What is wrong with what they sent comes first, and has the focus.
if (last && !document.getElementById("problems")) document.getElementById(last)?.querySelector("a")?.focus();

// What changes elsewhere. Nothing moves under the pointer: a link says that there is something new, or that nobody tells any more.
const told = (name) => document.querySelector(`[data-dispatch="${name}"]`);

function tell(name) {
  if (dragged) waiting.add(name);
  else told(name).hidden = false;
}

addEventListener("work_order", () => tell("news"));
addEventListener("live-reset", (event) => {
  event.preventDefault();
  tell("news");
});
addEventListener("live-lost", () => tell("lost"));
addEventListener("live", () => {
  waiting.delete("lost");
  told("lost").hidden = true;
});

// Where there are islands, they open it.
if (!document.querySelector("leptos-island")) begin();
