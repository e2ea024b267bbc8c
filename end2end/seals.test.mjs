// The audit log is sealed, and that can be seen (AUD-3): by a click, in an entry, and by a program of another hand that has
// nothing but an export and the public key (python/audit.py, written from docs/AUDIT.md).

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { base, eventually, headingIs, other, press, seen, story, user } from "./kit.mjs";
import { command } from "./product.mjs";
import { Driver } from "./python.mjs";

const auditor = user(other, "auditor");
const business = `biz_${other.id.replaceAll("-", "")}`;
const data = dirname(process.env.RINGFORT_DEMO_JSON ?? "var/demo.json");
const reader = new Driver("audit");

story("the log is verified by a click, and an entry shows its place in the chain", async (stage) => {
  for (const scripts of [true, false]) {
    const tab = await stage.open({ as: auditor, path: "/audit", scripts });
    await press(tab, tab.getByRole("button", { name: "Verify" }));
    assert.equal(new URL(tab.url()).pathname, "/audit/seals");
    await headingIs(tab, "Seals");
    await seen(tab.getByText("Verified: everything is as it was sealed."));
    await seen(tab.getByRole("heading", { name: "The last verification" }));
    await tab.getByLabel("From").fill("2020-01-01");
    await press(tab, tab.getByRole("button", { name: "Verify" }));
    await seen(tab.getByText("Verified: everything is as it was sealed."));
  }
  const tab = await stage.open({ as: auditor, path: "/audit" });
  // Without the place in the page, so that going there loads it again.
  const [first] = (await tab.locator("tbody tr a").first().getAttribute("href")).split("#");
  await eventually(async () => {
    await tab.goto(`${base}${first}`);
    return (await tab.locator("main").innerText()).includes("It is what was sealed");
  }, { within: 30_000, every: 500, what: "an entry that is sealed" });
  await seen(tab.getByText("Signed by this installation"));
});

story("an export is verified by somebody else's program, and what is changed in it is named", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ringfort-seals-"));
  try {
    const file = join(folder, "export.jsonl");
    command(data, "audit", "export", "--business", business, "--out", file);
    const keys = JSON.parse(command(data, "audit", "keys")).keys.map((key) => key.x);
    const found = (await reader.ask({ verify: file, keys })).businesses[business];
    assert.deepEqual(found.flaws, []);
    const lines = readFileSync(file, "utf8").trim().split("\n");
    assert.equal(found.entries, lines.filter((line) => line.startsWith('{"kind":"entry/1"')).length);
    assert.ok(found.entries > 10 && found.seals > 0, JSON.stringify(found));
    const own = (...more) => command(data, "audit", "verify", "--file", file, ...keys.flatMap((key) => ["--key", key]), ...more);
    assert.match(own(), /^sound {3}biz_/);

    const place = lines.findIndex((line) => line.startsWith('{"kind":"entry/1"') && line.includes('"result":"done"'));
    const victim = JSON.parse(lines[place]).id;
    lines[place] = lines[place].replace('"result":"done"', '"result":"failed"');
    writeFileSync(file, `${lines.join("\n")}\n`);
    const changed = (await reader.ask({ verify: file, keys })).businesses[business];
    assert.deepEqual(changed.flaws.map(({ what, entry }) => [what, entry]), [["entry.changed", victim]]);
    assert.throws(own, (error) => error.status === 2 && error.stdout.includes(victim));
    lines.splice(place, 1);
    writeFileSync(file, `${lines.join("\n")}\n`);
    assert.deepEqual((await reader.ask({ verify: file, keys, part: true })).businesses[business].flaws, []);
    assert.match(own("--part"), /1 entries of these seals are not in the file/);

    // The log itself, by the command.
    assert.match(command(data, "audit", "verify", "--business", business), /^sound {3}biz_/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
