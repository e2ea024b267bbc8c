// What people see of small things: the board's filter, calls that nobody answered, forms that name what is wrong, and pages
// on a phone, where what there is to do stays in sight.

import assert from "node:assert/strict";
import {
  agency, base, business, connectAgency, desks, elsewhere, freshNumber, line, masked, openLive, page, pause, pathOf, press, seen, session,
  story, user,
} from "./kit.mjs";
import { found, hire } from "./people.mjs";
import { Call } from "./twilio.mjs";

await connectAgency();

const PHONE = { width: 390, height: 844 };
const ours = business("voice_agents");
const dispatcher = user(ours, "dispatcher");
const [mine] = desks(ours);
const rows = (tab) => tab.locator("tr[data-call]");
const tile = (tab, label) => tab.locator(".tile").filter({ hasText: label }).locator(".tile-value");

/** Whether all of it is in the window, without scrolling. */
const inSight = (locator) =>
  locator.evaluate((element) => {
    const box = element.getBoundingClientRect();
    const at = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    return box.left >= 0 && box.right <= window.innerWidth && (element === at || element.contains(at));
  });

story("the board keeps to its filter: rows, tiles, and what stands there when nothing matches", async (stage) => {
  const from = freshNumber();
  const filtered = await stage.open({ as: dispatcher });
  await openLive(filtered, `/board?text=${from.slice(-4)}`);
  const elsewhereTab = await stage.open({ as: dispatcher });
  await openLive(elsewhereTab, "/board?text=nobody-is-called-so");
  for (const tab of [filtered, elsewhereTab]) {
    await seen(tab.getByRole("heading", { name: "No call matches" }));
    assert.equal(await tile(tab, "Waiting").innerText(), "0");
    assert.ok(!(await tab.getByRole("columnheader", { name: "State" }).isVisible()), "no bare table");
  }

  const call = new Call(line(ours), { from });
  await call.ring();
  await call.legRinging(mine.target);
  await seen(rows(filtered).filter({ hasText: masked(from) }));
  assert.equal(await tile(filtered, "Waiting").innerText(), "1");
  assert.ok(!(await filtered.getByRole("heading", { name: "No call matches" }).isVisible()));
  await pause(500);
  assert.equal(await rows(elsewhereTab).count(), 0);
  assert.equal(await tile(elsewhereTab, "Waiting").innerText(), "0");

  // By its state: a call that changes it leaves.
  const ringing = await stage.open({ as: dispatcher });
  await openLive(ringing, `/board?state=ringing&text=${from.slice(-4)}`);
  await seen(rows(ringing));
  await call.answer(mine.target);
  await seen(ringing.getByRole("heading", { name: "No call matches" }));
  await press(ringing, ringing.getByRole("link", { name: "Show every call" }));
  assert.equal(ringing.url(), `${base}/board`);
  await call.complete();
});

story("scripts off: a filter that matches nothing says so", async (stage) => {
  const tab = await stage.open({ as: dispatcher, scripts: false, path: "/board?text=nobody-is-called-so" });
  await seen(tab.getByRole("heading", { name: "No call matches" }));
  assert.ok(!(await tab.getByRole("columnheader", { name: "State" }).isVisible()));
});

story("a call that nobody answered is missed, and its timeline ends with its end", async (stage) => {
  const from = freshNumber();
  const board = await stage.open({ as: dispatcher });
  await openLive(board, "/board");
  const call = new Call(line(ours), { from });
  await call.ring();
  await call.legRinging(mine.target);
  const row = rows(board).filter({ hasText: masked(from) });
  await seen(row);
  const href = await row.getByRole("link", { name: "Open" }).getAttribute("href");
  await call.complete();
  await seen(row.getByText("Missed", { exact: true }));

  await board.goto(base + href);
  assert.match(await board.locator("dl.facts").innerText(), /State\s+Missed/);
  const steps = await board.locator("ol.timeline > li").allInnerTexts();
  assert.match(steps.at(-1), /Missed[\s\S]*The call/, steps.join(" | "));
  assert.ok(steps.some((step) => /Not answered[\s\S]*Desk of/.test(step)), steps.join(" | "));

  const cookie = await session(dispatcher);
  const digits = `digits=${from.slice(-4)}`;
  assert.ok((await page(`/calls?state=no_answer&${digits}`, cookie)).body.includes(masked(from)));
  assert.ok(!(await page(`/calls?state=completed&${digits}`, cookie)).body.includes(masked(from)), "the filter means the same");
});

story("the summary of a refused form names each field", async (stage) => {
  const tab = await stage.open({ path: "/sign-up" });
  await tab.getByLabel("Your email address").fill("somebody@e2e.example");
  await tab.getByLabel("Name of the business").fill("Somebody");
  await tab.getByRole("radio").first().check({ force: true });
  await tab.getByLabel("Time zone").fill("Mars/Olympus");
  await press(tab, tab.getByRole("button", { name: "Send me the link" }));
  await seen(tab.locator("#problems").getByRole("link", { name: "Time zone: write a time zone like America/Chicago" }));
});

story("an agency system has no webhook address to show", async (stage) => {
  const tab = await stage.open({ as: user(agency, "owner"), path: "/connections" });
  await press(tab, tab.getByRole("row").filter({ hasText: "NowCerts" }).getByRole("link").first());
  assert.match(pathOf(tab), /^\/connections\/con_/);
  await seen(tab.getByRole("button", { name: "Test now" }));
  assert.equal(await tab.getByRole("link", { name: "Show the webhook address" }).count(), 0);
  assert.equal(await tab.getByRole("heading", { name: /Refused webhooks/ }).count(), 0);
});

story("on a phone a review is decided without scrolling sideways", async (stage) => {
  const owner = await stage.open({ ...PHONE, from: elsewhere() });
  await found(owner);
  const colleague = await stage.open({ from: elsewhere() });
  const person = await hire(owner, colleague, "agent");
  await owner.goto(`${base}/reviews`);
  await press(owner, owner.getByRole("button", { name: "Open one now" }));
  const row = owner.getByRole("row").filter({ hasText: person.name });
  const keep = row.getByRole("button", { name: /^Keep/ });
  // Down alone, as a thumb does.
  await keep.evaluate((button) => window.scrollBy(0, button.getBoundingClientRect().top - window.innerHeight / 2));
  assert.ok(await inSight(keep), "Keep");
  assert.equal(await owner.locator(".table-wrap").evaluate((wrap) => wrap.scrollLeft), 0, "nothing was moved");
  await row.locator("summary").click();
  const confirm = row.getByLabel(/^Type remove to confirm/);
  await confirm.fill("no");
  await press(owner, row.getByRole("button", { name: "Remove" }));
  await seen(owner.locator("#problems").getByText(/type remove to confirm/i));
});

story("on a phone the state of a call is in sight, and links that wrap begin at the edge", async (stage) => {
  const calls = await stage.open({ ...PHONE, as: dispatcher, path: "/calls" });
  const badge = calls.locator("tbody tr").first().locator(".badge").first();
  await badge.scrollIntoViewIfNeeded();
  assert.ok(await inSight(badge));
  assert.equal(await calls.locator(".table-wrap").evaluate((wrap) => wrap.scrollLeft), 0);

  const tab = await stage.open({ ...PHONE, path: "/sign-in" });
  const lefts = await tab.locator(".plain-card .row > a.link").evaluateAll((links) =>
    links.map((link) => {
      const { top, left } = link.getBoundingClientRect();
      return { top, left };
    }),
  );
  assert.ok(lefts.length >= 2);
  const first = lefts[0];
  for (const box of lefts) assert.ok(box.top === first.top || Math.abs(box.left - first.left) < 1, "in line or below each other");
});
