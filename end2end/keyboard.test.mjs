// The whole way by keyboard: sign in, go to the board, reach its first call; and see where one is all the time.

import assert from "node:assert/strict";
import { focus, hasFocus, onEnter, tabTo } from "./keys.mjs";
import {
  agency, base, business, connectAgency, desks, freshNumber, headingIs, line, openLive, press, seen, story, user,
} from "./kit.mjs";
import { Call } from "./twilio.mjs";

await connectAgency();

const dispatcher = user(agency, "dispatcher");

story("from the sign-in to the board's first call by keyboard alone", async (stage) => {
  const call = new Call(line(agency), { from: freshNumber() });
  await call.ring();
  const tab = await stage.open({ path: "/sign-in" });
  for (let tries = 0; new URL(tab.url()).pathname !== "/home"; tries++) {
    assert.ok(tries < 30, "the sign-in succeeds");
    if (tries > 0) {
      // Too many sign-ins from this address in this minute.
      await tab.waitForTimeout(3_000);
      await tab.goto(`${base}/sign-in`);
    }
    await tabTo(tab, (f) => f.name === "email", "the address");
    await tab.keyboard.type(dispatcher.email);
    await tabTo(tab, (f) => f.name === "password", "the password");
    await tab.keyboard.type(dispatcher.password);
    await onEnter(tab);
  }
  await headingIs(tab, agency.name);
  await tabTo(tab, (f) => f.href === "/board", "the board");
  await onEnter(tab);
  await headingIs(tab, "Live board");
  const firstRow = tab.locator("tr[data-call]").first();
  await seen(firstRow);
  const reached = await tabTo(tab, (f) => f.call !== null, "a call");
  assert.equal(reached.call, await firstRow.getAttribute("data-call"), "the first one");
  assert.equal(reached.text, "Open");
  await onEnter(tab);
  await headingIs(tab, "Incoming call");
  await call.complete();
});

story("the skip link leads past the navigation", async (stage) => {
  const tab = await stage.open({ as: dispatcher, path: "/calls" });
  await tab.keyboard.press("Tab");
  const link = await focus(tab);
  assert.equal(link?.text, "Skip to the page", "the first stop");
  assert.ok(link.visible, "which one sees");
  await tab.keyboard.press("Enter");
  await hasFocus(tab, "main");
  const next = await tabTo(tab, () => true, "something in the page");
  assert.ok(await tab.evaluate(() => document.querySelector("main").contains(document.activeElement)), next.html);
});

story("menus open and close by keyboard, wide and narrow", async (stage) => {
  const wide = await stage.open({ as: dispatcher, path: "/home" });
  await tabTo(wide, (f) => f.tag === "summary" && f.text.includes("your menu"), "the person's menu");
  await wide.keyboard.press("Enter");
  await seen(wide.locator(".topbar-end").getByRole("button", { name: "Sign out" }));
  const next = await tabTo(wide, (f) => f.tag === "a", "the menu's first item", 1);
  assert.equal(next.href, "/account");
  await wide.keyboard.press("Shift+Tab");
  await wide.keyboard.press("Space");
  await wide.locator(".topbar-end").getByRole("button", { name: "Sign out" }).waitFor({ state: "hidden" });

  const narrow = await stage.open({ as: dispatcher, width: 390, height: 844, path: "/home" });
  await tabTo(narrow, (f) => f.tag === "summary" && f.text === "Menu", "the navigation's menu");
  await narrow.keyboard.press("Enter");
  const board = narrow.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Live board" });
  await seen(board);
  await tabTo(narrow, (f) => f.href === "/board", "the board", 10);
  await onEnter(narrow);
  await headingIs(narrow, "Live board");
});

story("a screen pop does not take the focus while somebody types", async (stage) => {
  const ours = business("outbound");
  const [desk] = desks(ours);
  const tab = await stage.open({ as: desk.user });
  await openLive(tab, "/calls");
  const field = tab.getByLabel("Number ends with");
  await field.focus();
  await tab.keyboard.type("12");
  const call = new Call(line(ours), { from: freshNumber() });
  await call.ring();
  await call.legRinging(desk.target);
  const pops = tab.getByRole("region", { name: "Incoming calls" });
  const mine = pops.locator("section").filter({ hasText: call.from.slice(-4) });
  await seen(mine);
  await tab.keyboard.type("34");
  assert.equal(await field.inputValue(), "1234");
  // And it can be reached and closed without a mouse.
  await mine.getByRole("button", { name: "Got it" }).focus();
  await tab.keyboard.press("Enter");
  await mine.waitFor({ state: "hidden" });
  await call.complete();
});

story("a refused form takes the focus to what is wrong", async (stage) => {
  const tab = await stage.open({ as: user(agency, "owner"), path: "/settings" });
  await tab.getByLabel("Time zone").fill("Mars/Olympus");
  const form = tab.locator("form").filter({ has: tab.getByLabel("Time zone") });
  await press(tab, form.getByRole("button", { name: "Save" }));
  await seen(tab.locator("#problems"));
  await hasFocus(tab, "problems");
  await tabTo(tab, (f) => f.href === "#f-zone", "the problem's link", 3);
  await tab.keyboard.press("Enter");
  await hasFocus(tab, "f-zone");
});
