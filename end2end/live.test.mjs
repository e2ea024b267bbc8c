// A call, from the provider's webhook to the screens of those whom it concerns, and of nobody else (TEL-2, POP-1).

import assert from "node:assert/strict";
import { namesOf } from "./agency.mjs";
import {
  agency, base, connectAgency, cookieOf, desks, eventually, freshNumber, gone, headingIs, line, masked, openLive, other, page, pause,
  press, seen, session, signIn, signOut, soon, status, story, stream, user,
} from "./kit.mjs";
import { Call } from "./twilio.mjs";

await connectAgency();

const dispatcher = user(agency, "dispatcher");
const [mine, theirs] = desks(agency);

const rowOf = (tab, number) => tab.locator("tr[data-call]").filter({ hasText: masked(number) });
const popsOf = (tab) => tab.getByRole("region", { name: "Incoming calls" }).locator("section");
const popOf = (tab, number) => popsOf(tab).filter({ hasText: namesOf(number)[0] });

/** Opens the board and waits until it is live. */
async function board(tab) {
  await openLive(tab, "/board");
  await seen(tab.getByText("Connected", { exact: true }));
}

story("a call is on the board and on the right desk at once, and nowhere else", async (stage) => {
  const from = freshNumber();
  const watched = await stage.open({ as: dispatcher });
  await board(watched);
  await watched.evaluate(() => (window.notReloaded = true));
  const desk = await stage.open({ as: mine.user });
  await openLive(desk, "/home");
  const tab2 = await desk.context().newPage();
  await openLive(tab2, "/calls");
  const bystander = await stage.open({ as: theirs.user });
  await openLive(bystander, "/home");
  const stranger = await stage.open({ as: user(other, "dispatcher") });
  await board(stranger);
  const viewer = await stage.open({ as: user(agency, "viewer"), path: "/home" });
  const technician = await stage.open({ as: user(agency, "technician"), path: "/calls" });

  const call = new Call(line(agency), { from });
  const dialed = await call.ring();
  await seen(rowOf(watched, from));
  assert.ok(dialed.includes(mine.target), "our answer rings the desk");
  await call.legRinging(mine.target);
  await seen(popOf(desk, from));
  const row = rowOf(watched, from);
  await seen(row.getByText("Ringing", { exact: true }));
  await seen(row.getByText(mine.user.name));
  assert.ok(await watched.evaluate(() => window.notReloaded), "without a reload");
  assert.ok(!(await watched.content()).includes(from), "numbers are masked");

  const card = popOf(desk, from);
  const last = from.slice(-4);
  for (const word of [`Bakery ${last}`, `HO-${last}`, `Renewal talk ${last}`, "4 May 2026", masked(from)]) await seen(card.getByText(word));
  await seen(card.getByText(/gone in [0-5]:\d\d/));
  await seen(popOf(tab2, from));
  await desk.reload();
  await seen(popOf(desk, from));

  await pause(1_500);
  assert.equal(await popsOf(bystander).filter({ hasText: `Caller${last}` }).count(), 0, "another agent's desk is quiet");
  assert.equal(await rowOf(stranger, from).count(), 0, "another business sees nothing");
  assert.equal(await popsOf(watched).filter({ hasText: `Caller${last}` }).count(), 0, "the dispatcher's desk does not ring");
  for (const [person, tab] of [["viewer", viewer], ["technician", technician]]) {
    await tab.reload();
    const content = await tab.content();
    assert.ok(!content.includes(masked(from)) && !content.includes(`Caller${last}`), `the ${person} sees nothing`);
    const cookie = await session(user(agency, person));
    // A technician has a stream: it tells of their own jobs (tests/it/attack/streams.rs).
    const shut = person === "viewer" ? ["/live", "/board", "/pops"] : ["/board", "/pops"];
    for (const path of shut) assert.equal((await page(path, cookie)).status, 403, `${person} at ${path}`);
  }
  assert.ok((await page("/board", await session(mine.user))).body.includes(masked(from)), "an agent's board has their own calls");
  assert.ok(!(await page("/board", await session(theirs.user))).body.includes(masked(from)), "and no others");

  await call.answer(mine.target);
  await seen(row.getByText("In progress", { exact: true }));
  assert.ok((await row.innerText()).includes(mine.user.name), "the one who talks is named");

  await card.getByRole("button", { name: "Got it" }).click();
  await gone(card);
  await gone(popOf(tab2, from));
  await desk.reload();
  await pause(1_000);
  assert.equal(await popOf(desk, from).count(), 0, "acknowledged once, gone for good");

  const opens = await row.getByRole("link", { name: "Open" }).getAttribute("href");
  await call.complete();
  await seen(row.getByText("Completed", { exact: true }));
  await gone(row, 20_000);
  assert.ok(await watched.evaluate(() => window.notReloaded), "still the same page");

  await watched.goto(base + opens);
  await headingIs(watched, "Incoming call");
  const timeline = await watched.locator("ol.timeline").innerText();
  for (const word of ["Ringing", "In progress", "Completed", `Desk of ${mine.user.name}`]) assert.ok(timeline.includes(word), word);
  const facts = await watched.locator("dl.facts").innerText();
  assert.ok(facts.includes(mine.user.name) && !facts.includes("Not answered"), "it was answered, and by whom");
});

story("several clients share a number, and nobody has another", async (stage) => {
  const desk = await stage.open({ as: mine.user });
  await openLive(desk, "/home");
  for (const [ending, words] of [["33", /3 matches/], ["00", /knows nobody with this number/]]) {
    const from = freshNumber(ending);
    const call = new Call(line(agency), { from });
    await call.ring();
    await call.legRinging(mine.target);
    const card = popsOf(desk).filter({ hasText: masked(from) });
    await seen(card.getByText(words));
    for (const name of namesOf(from)) await seen(card.getByText(name));
    await card.getByRole("button", { name: "Got it" }).click();
    await gone(card);
    await call.complete();
  }
});

story("a pop leaves the desks that stop ringing, and stays where somebody answers", async (stage) => {
  const from = freshNumber();
  const [answers, stops] = [await stage.open({ as: mine.user }), await stage.open({ as: theirs.user })];
  await openLive(answers, "/home");
  await openLive(stops, "/home");
  const call = new Call(line(agency), { from });
  await call.ring();
  await call.legRinging(mine.target);
  await call.legRinging(theirs.target);
  await Promise.all([seen(popOf(answers, from)), seen(popOf(stops, from))]);
  await call.answer(mine.target);
  await gone(popOf(stops, from));
  assert.equal(await popOf(answers, from).count(), 1, "who talks still sees who it is");
  await popOf(answers, from).getByRole("button", { name: "Got it" }).click();
  await call.complete();
});

story("a direct number rings its own desk alone", async () => {
  const direct = agency.extensions.find((x) => x.number);
  if (!direct) return;
  const call = new Call(line(agency), { from: freshNumber(), to: direct.number });
  assert.deepEqual(await call.ring(), [direct.target]);
  await call.complete();
});

story("scripts off: the board tells on the next load, and the call has a page", async (stage) => {
  const from = freshNumber();
  const watched = await stage.open({ as: dispatcher, scripts: false, path: "/board" });
  const { body } = await page("/board", await session(dispatcher));
  assert.match(body, /<noscript>\s*<meta[^>]+http-equiv="refresh"/, "it loads itself again");
  // By their address: Playwright finds no text inside of <noscript>, even where it is shown.
  const refresh = watched.locator('noscript a[href="/board"]');
  await seen(refresh);
  assert.equal(await rowOf(watched, from).count(), 0);
  const desk = await stage.open({ as: mine.user, scripts: false, path: "/home" });

  const call = new Call(line(agency), { from });
  await call.ring();
  await call.legRinging(mine.target);
  await press(watched, refresh);
  await seen(rowOf(watched, from).getByText("Ringing", { exact: true }));
  const notice = desk.locator('noscript a[href="/pops"]');
  await eventually(async () => {
    await desk.goto(`${base}/home`);
    return (await notice.count()) > 0;
  }, { every: 500, what: "the notice of a call" });
  await press(desk, notice);
  await headingIs(desk, "Incoming calls");
  const card = desk.locator("main section").filter({ hasText: namesOf(from)[0] });
  await seen(card);
  await press(desk, card.getByRole("button", { name: "Got it" }));
  assert.equal(await desk.getByText(namesOf(from)[0]).count(), 0);

  await call.answer(mine.target);
  await watched.goto(`${base}/board`);
  const row = rowOf(watched, from);
  await seen(row.getByText("In progress", { exact: true }));
  await press(watched, row.getByRole("link", { name: "Open" }));
  await headingIs(watched, "Incoming call");
  await call.complete();
});

story("signing out ends the streams of the session", async (stage) => {
  // A session of its own, because it ends here.
  const blank = await stage.open({ allow: [status(401)] });
  const watched = await signIn(blank.context(), dispatcher);
  await board(watched);
  const open = await stream(await cookieOf(watched.context()));
  try {
    assert.equal(open.status, 200);
    assert.match(open.kind, /^text\/event-stream/);
    await blank.goto(`${base}/account`);
    await signOut(blank);
    await soon(open.ended, "the end of the stream");
    await seen(watched.getByText(/^Lost for \d+ s/));
    await seen(watched.getByRole("alert").filter({ hasText: "Your session is over" }));
  } finally {
    open.stop();
  }
  await watched.goto(`${base}/board`);
  assert.equal(new URL(watched.url()).pathname, "/sign-in");
});
