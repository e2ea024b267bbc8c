// What the audit page shows can be taken away (AUD-5): the auditor exports exactly that, sees how far it is, gets file and
// manifest, and a program of another hand that has nothing but them and the public key says that they are whole.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { base, bothWays, eventually, headingIs, other, page, pathOf, post, press, seen, session, story, user } from "./kit.mjs";
import { command } from "./product.mjs";
import { Driver } from "./python.mjs";

const auditor = user(other, "auditor");
const owner = user(other, "owner");
const data = dirname(process.env.RINGFORT_DEMO_JSON ?? "var/demo.json");
const reader = new Driver("audit");
const publicKeys = () => JSON.parse(command(data, "audit", "keys")).keys.map((key) => key.x);

/** The first row of the page of exports: the newest. */
const newest = (tab) => tab.locator("tbody tr").first();

/** Waits until the newest export is ready, by loading the page again. */
async function untilReady(tab) {
  await eventually(async () => {
    await tab.goto(`${base}/audit/exports`);
    return (await newest(tab).innerText()).includes("Ready");
  }, { within: 60_000, every: 500, what: "the export" });
}

/** Presses a link of the newest row, and keeps what comes. */
async function download(tab, name, folder) {
  const [file] = await Promise.all([
    tab.waitForEvent("download"),
    newest(tab).getByRole("link", { name: new RegExp(`^${name}`) }).click(),
  ]);
  const path = join(folder, file.suggestedFilename());
  await file.saveAs(path);
  return path;
}

async function inFolder(work) {
  const folder = mkdtempSync(join(tmpdir(), "ringfort-exports-"));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

bothWays("the auditor exports what the page shows, and it verifies without us", (stage, scripts) => inFolder(async (folder) => {
  for (const [format, ending] of [["CSV", "csv"], ["JSON Lines", "jsonl"]]) {
    const tab = await stage.open({ as: auditor, scripts, path: "/audit?q=action%3Asession.started" });
    await press(tab, tab.getByRole("link", { name: /^Export/ }));
    assert.equal(pathOf(tab), "/audit/exports/new");
    await headingIs(tab, "New export");
    await seen(tab.getByText("session.started").first());
    const button = tab.getByRole("button", { name: /^Export [\d,]+ entr(y|ies)$/ });
    const count = Number((await button.innerText()).match(/[\d,]+/)[0].replaceAll(",", ""));
    assert.ok(count > 0);
    const radio = tab.getByRole("radio", { name: format });
    await tab.locator("label").filter({ has: radio }).click();
    await press(tab, button);
    assert.equal(pathOf(tab), "/audit/exports");
    await seen(tab.getByText("The export is being made."));
    await untilReady(tab);
    assert.ok((await newest(tab).innerText()).includes("action:session.started"));

    const [file, manifest] = [await download(tab, "Download", folder), await download(tab, "Manifest", folder)];
    assert.match(file, new RegExp(`/audit-exp_[0-9a-f]{32}\\.${ending}$`));
    const keys = publicKeys();
    const found = await reader.ask({ export: file, manifest, keys });
    assert.deepEqual(found.flaws, []);
    assert.ok(found.count >= count, "at least what was shown: some may have signed in meanwhile");
    const said = JSON.parse(readFileSync(manifest, "utf8"));
    assert.ok(said.filter.startsWith("action:session.started at:"), said.filter);
    const own = () => command(data, "audit", "verify-export", file, "--manifest", manifest, ...keys.flatMap((key) => ["--key", key]));
    assert.match(own(), /^sound {3}biz_/);

    // Every entry of it is one that the page shows.
    const { body } = await page(`/audit/${found.ids.at(-1)}`, await session(auditor));
    assert.ok(body.includes("session.started"));

    const text = readFileSync(file, "utf8");
    writeFileSync(file, text.replace("session.started", "session.sterted"));
    assert.deepEqual((await reader.ask({ export: file, manifest, keys })).flaws, ["file.changed"]);
    assert.throws(own, (error) => error.status === 2 && error.stdout.includes("BROKEN"));
    writeFileSync(file, text);
    writeFileSync(manifest, JSON.stringify({ ...said, filter: "at:all" }));
    assert.ok((await reader.ask({ export: file, manifest, keys })).flaws.includes("manifest.changed"));
    assert.throws(own, (error) => error.status === 2);
  }
}), { timeout: 240_000 });

story("exporting and getting an export are entries", async (stage) => {
  const tab = await stage.open({ as: auditor, path: "/audit?q=action%3Aaudit.export_downloaded" });
  const rows = tab.locator("tbody");
  await seen(rows.getByText("Downloaded an export of the audit log").first());
  await tab.goto(`${base}/audit?q=action%3Aaudit.exported`);
  await seen(rows.getByText("An export of the audit log was made").first());
});

bothWays("an export that waits is cancelled", async (stage, scripts) => {
  const tab = await stage.open({ as: owner, scripts, path: "/audit/exports/new?q=at%3Aall" });
  await press(tab, tab.getByRole("button", { name: /^Export/ }));
  const cancel = newest(tab).getByRole("button", { name: /^Cancel/ });
  // It may be ready before anybody can press: then it stays so.
  if (await cancel.isVisible()) {
    await press(tab, cancel);
    assert.equal(pathOf(tab), "/audit/exports");
    const shown = await tab.locator("main").innerText();
    assert.match(shown, /The export is cancelled|Somebody else changed this meanwhile/);
  } else {
    assert.ok((await newest(tab).innerText()).includes("Ready"));
  }
});

story("exports are closed to those who may not export", async () => {
  for (const role of ["admin", "manager", "agent", "viewer"]) {
    const cookie = await session(user(other, role));
    for (const path of ["/audit/exports", "/audit/exports/new"]) {
      assert.equal((await page(path, cookie)).status, 403, `${role} at ${path}`);
    }
    const fields = { filter: "at:all", format: "csv", zone: "utc" };
    assert.equal((await post("/api/audit/export", fields, { cookie })).status, 403, role);
  }
});
