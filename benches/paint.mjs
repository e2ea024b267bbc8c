// Has the live board open in Chromium, and says when each call was painted: `live` starts it (benches/kit/paint.rs).
//
//   node benches/paint.mjs http://127.0.0.1:PORT SESSION
//
// Says «open» when the board is live; when its input ends, a line for each call: its id, and milliseconds since 1970.

import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const [base, session] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium-headless-shell",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
});
const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
const { hostname: domain } = new URL(base);
const flags = { path: "/", httpOnly: true, secure: true, sameSite: "Lax" };
await context.addCookies([{ name: "__Host-ringfort", value: session, domain, ...flags }]);
const tab = await context.newPage();
await tab.addInitScript(() => {
  const painted = (window.painted = new Map());
  const note = () => {
    const rows = [...document.querySelectorAll("tr[data-call]")];
    const fresh = rows.map((row) => row.dataset.call).filter((id) => !painted.has(id));
    if (fresh.length === 0) return;
    for (const id of fresh) painted.set(id, undefined);
    // What a frame calls runs before it is painted; a message that is sent from there is heard when it has been.
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => fresh.forEach((id) => painted.set(id, performance.timeOrigin + performance.now()));
      port2.postMessage("");
    });
  };
  new MutationObserver(note).observe(document, { childList: true, subtree: true });
});
tab.on("response", (answer) => {
  if (answer.status() < 400) return;
  console.log(`${answer.status()} at ${answer.url()}`);
  process.exit(1);
});
await tab.goto(`${base}/board`);
await tab.getByText("Connected", { exact: true }).waitFor();
console.log("open");
for await (const _ of createInterface(process.stdin));
for (const [id, at] of await tab.evaluate(() => [...window.painted])) if (at) console.log(`${id} ${at}`);
await browser.close();
