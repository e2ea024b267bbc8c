// The live board's keys. Without this script there is everything but the keys. They can be switched off, in this browser
// (WCAG 2.1.4); the button that shows them stays.

const OFF = "ringfort.board.keys.off";
const dialog = document.getElementById("keys");
const button = document.querySelector('[data-keys="show"]');
const box = document.querySelector('[data-keys="off"]');

function areOff() {
  try {
    return localStorage.getItem(OFF) === "yes";
  } catch {
    return false;
  }
}

function switchOff(off) {
  try {
    if (off) localStorage.setItem(OFF, "yes");
    else localStorage.removeItem(OFF);
  } catch {
    // A browser that keeps nothing has the keys.
  }
}

function links() {
  return [...document.querySelectorAll("[data-call] a")];
}

// From the call that has the focus, else from the first or the last one.
function step(by) {
  const all = links();
  const here = all.indexOf(document.activeElement);
  const next = here < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(here + by, 0), all.length - 1);
  all[next]?.focus();
}

const KEYS = {
  "/": () => document.getElementById("f-text")?.focus(),
  j: () => step(1),
  k: () => step(-1),
  s: () => document.querySelector('[data-key="s"]')?.click(),
  "?": () => show(),
};

function show() {
  box.checked = areOff();
  dialog.showModal();
}

function isTyping(target) {
  return target instanceof Element && target.closest("input, select, textarea, [contenteditable]") !== null;
}

// A call that changes its state gets a new row: the focus stays with the call.
const list = document.querySelector(".board-rows");
let held = "";
list?.addEventListener("focusin", ({ target }) => {
  held = target.closest("[data-call]")?.dataset.call ?? "";
});
list?.addEventListener("focusout", ({ relatedTarget }) => {
  // Whoever goes on to something else has left; a row that is taken away takes the focus nowhere.
  if (relatedTarget) held = "";
});
document.addEventListener("pointerdown", () => {
  held = "";
});
if (list) {
  new MutationObserver(() => {
    if (!held || document.activeElement !== document.body) return;
    list.querySelector(`[data-call="${CSS.escape(held)}"] a`)?.focus({ preventScroll: true });
  }).observe(list, { childList: true, subtree: true });
}

if (dialog && button && box) {
  button.hidden = false;
  button.addEventListener("click", show);
  box.addEventListener("change", () => switchOff(box.checked));
  document.addEventListener("keydown", (event) => {
    const act = Object.hasOwn(KEYS, event.key) ? KEYS[event.key] : undefined;
    if (!act || event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
    if (isTyping(event.target) || areOff()) return;
    event.preventDefault();
    act();
  });
}
