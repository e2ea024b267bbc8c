// Going by keyboard: Tab by Tab, with a look at each stop whether one sees where one is.

import assert from "node:assert/strict";
import { eventually, pathOf, pause } from "./kit.mjs";

/** What has the focus. What slides into view gets the time to do so. */
export async function focus(tab) {
  const until = Date.now() + 3_000;
  for (;;) {
    const now = await focusNow(tab);
    if (!now || now.visible || Date.now() > until) return now;
    await pause(50);
  }
}

/** Its words, and whether one can see that it has the focus. */
const focusNow = (tab) =>
  tab.evaluate(() => {
    const e = document.activeElement;
    if (!e || e === document.body) return null;
    // A choice among cards shows it on its card.
    const card = e.closest("label");
    const box = (card ?? e).getBoundingClientRect();
    const isOutlined = (style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
    const [own, around] = [getComputedStyle(e), card && getComputedStyle(card)];
    const isMarked = isOutlined(own) || own.boxShadow !== "none" || (around && isOutlined(around));
    const inWindow = box.width > 0 && box.height > 0 && box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth;
    return {
      tag: e.tagName.toLowerCase(),
      text: (e.getAttribute("aria-label") ?? e.labels?.[0]?.innerText ?? e.innerText ?? "").trim().replace(/\s+/g, " "),
      href: e.getAttribute("href"),
      name: e.getAttribute("name"),
      stop: e.dataset.stop ?? null,
      call: e.closest("tr")?.dataset.call ?? null,
      html: e.outerHTML.slice(0, 160),
      visible: inWindow && e.matches(":focus-visible") && isMarked,
    };
  });

/** Tabs on until the focus is on what `wanted` describes; every stop on the way must be visible. */
export async function tabTo(tab, wanted, what, most = 80) {
  for (let i = 0; i < most; i++) {
    await tab.keyboard.press("Tab");
    const now = await focus(tab);
    if (!now) continue;
    assert.ok(now.visible, `one sees the focus on ${now.html}`);
    if (wanted(now)) return now;
  }
  assert.fail(`Tab reaches ${what}`);
}

/** The focus comes to the element with this id. A browser moves it with the next frame, which may be after `load`. */
export const hasFocus = (tab, id) =>
  eventually(() => tab.evaluate((id) => document.activeElement?.id === id, id), { what: `the focus on #${id}` });

/** Presses Enter, and waits for the page behind it. */
export const onEnter = (tab) => Promise.all([tab.waitForNavigation({ waitUntil: "load" }), tab.keyboard.press("Enter")]);

/** Marks what somebody must be able to reach; of a group of radio buttons, the keyboard reaches one. */
const mark = (tab) =>
  tab.evaluate(() => {
    const names = [];
    const groups = new Map();
    for (const e of document.querySelectorAll("[data-stop]")) delete e.dataset.stop;
    for (const e of document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")) {
      if (!e.checkVisibility({ visibilityProperty: true }) || e.disabled || e.type === "hidden" || e.tabIndex < 0) continue;
      const group = e.type === "radio" ? `${e.form?.action} ${e.name}` : null;
      if (!groups.has(group)) {
        names.push(e.outerHTML.slice(0, 140));
        if (group) groups.set(group, names.length - 1);
      }
      e.dataset.stop = String(group ? groups.get(group) : names.length - 1);
    }
    return names;
  });

/** Which of these marks stand at nothing any more. */
const gone = (tab, stops) => tab.evaluate((stops) => stops.filter((n) => !document.querySelector(`[data-stop="${n}"]`)), stops);

/**
 * Tabs through the page that this tab shows, from its beginning. Where a live page takes something away meanwhile, it begins
 * anew; what goes and comes all the time is not held against it in the end.
 */
export async function walk(tab, tries = 4) {
  const where = pathOf(tab);
  const names = await mark(tab);
  // From the top, whatever the page has given the focus to.
  await tab.evaluate(() => {
    document.activeElement?.blur();
    window.getSelection().setPosition(document.body, 0);
  });
  const reached = new Set();
  for (let n = 0; n < 2 * names.length + 20 && reached.size < names.length; n++) {
    await tab.keyboard.press("Tab");
    const there = await focusNow(tab);
    // A date has several stops in it: the browser's own.
    if (!there || there.stop === null || reached.has(Number(there.stop))) continue;
    const now = there.visible ? there : await focus(tab);
    if (now?.stop !== there.stop) continue;
    assert.ok(now.visible, `${where}: one sees the focus on ${now.html}`);
    reached.add(Number(now.stop));
  }
  const missed = [...names.keys()].filter((n) => !reached.has(n));
  const went = await gone(tab, missed);
  if (went.length > 0 && tries > 1) return walk(tab, tries - 1);
  assert.deepEqual(missed.filter((n) => !went.includes(n)).map((n) => names[n]), [], `${where}: Tab reaches everything`);
}
