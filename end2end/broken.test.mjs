// Faults, honestly, in an installation of this file's own. Ours (500): the table of calls is called something else for a
// while. The database's (503): it lets the product in no more. The page says so, and names what the log has too; everything
// else goes on, and all of it comes back by itself.

import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after } from "node:test";
import { eventually, headingIs, press, results, seen, status, story } from "./kit.mjs";
import { Product } from "./product.mjs";
import { psql } from "./psql.mjs";

let product, log, installed;
const place = join(results, "broken.log");

async function install() {
  log = openSync(place, "w");
  product = await Product.make("broken", { log });
  product.start("demo");
  await product.ready(240);
}

/** The installation, which the first story that asks for it starts: its first business, and that one's owner. */
async function installation() {
  await (installed ??= install());
  const [business] = product.demo.businesses;
  return { business, person: business.users.find(({ role }) => role === "owner") };
}

const sql = (statement) => psql(product.demo.owner_database_url, statement);

/** A tab in which that owner is at home. */
async function atHome(stage, { business, person }, { scripts, allow }) {
  const tab = await stage.open({ scripts, allow });
  await tab.goto(`${product.base}/sign-in`);
  await tab.getByLabel("Email address").fill(person.email);
  await tab.getByLabel("Password").fill(person.password);
  await press(tab, tab.getByRole("button", { name: "Sign in", exact: true }));
  await headingIs(tab, business.name);
  return tab;
}

/** As people see it, wide and on a phone. */
async function picture(tab, name) {
  for (const width of [1440, 390]) {
    await tab.setViewportSize({ width, height: 900 });
    await tab.screenshot({ path: join(results, `${name}-light-${width}.png`), fullPage: true });
  }
}

after(async () => {
  await product?.stop();
  product?.remove();
  if (log !== undefined) closeSync(log);
});

story(
  "a fault of ours is a page that helps, with a number that the log has too",
  async (stage) => {
    const known = await installation();
    for (const scripts of [true, false]) {
      const tab = await atHome(stage, known, { scripts, allow: [status(500), /answered 500/] });
      sql("alter table calls rename to calls_away");
      try {
        const answer = await tab.goto(`${product.base}/calls`);
        assert.equal(answer.status(), 500);
        await headingIs(tab, "Something broke on our side");
        await seen(tab.getByText("Error 500"));
        await seen(tab.getByRole("navigation", { name: "Main" }).first());
        const number = await tab.locator(".error-incident code").innerText();
        assert.ok(readFileSync(place, "utf8").includes(number), "the log knows it");
        const text = await tab.content();
        for (const word of ["42P01", "does not exist", "sqlx"]) {
          assert.ok(!text.includes(word), `the page says nothing of ${word}`);
        }
        if (scripts) await picture(tab, "error-500");
        await tab.goto(`${product.base}/team`);
        await headingIs(tab, "Team");
        await tab.goto(`${product.base}/calls`);
      } finally {
        sql("alter table calls_away rename to calls");
      }
      await press(tab, tab.getByRole("link", { name: "Try again" }));
      await headingIs(tab, "Calls");
    }
  },
  { timeout: 420_000 },
);

story(
  "without its database a page says so, and the next one is as ever when the database is back",
  async (stage) => {
    const known = await installation();
    for (const scripts of [true, false]) {
      const tab = await atHome(stage, known, { scripts, allow: [status(503), /answered 503/] });
      sql("alter role ringfort_app connection limit 0");
      try {
        sql("select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = 'ringfort_app'");
        const answer = await tab.goto(`${product.base}/calls`);
        assert.equal(answer.status(), 503);
        assert.ok(Number(answer.headers()["retry-after"]) > 0);
        await headingIs(tab, "Ringfort cannot reach its database");
        await seen(tab.getByText("Error 503"));
        const number = await tab.locator(".error-incident code").innerText();
        assert.ok(readFileSync(place, "utf8").includes(number), "the log knows it");
        if (scripts) await picture(tab, "error-503");
        assert.equal((await fetch(`${product.base}/healthz`)).status, 200, "the process lives");
      } finally {
        sql("alter role ringfort_app connection limit -1");
      }
      const again = async () => {
        await press(tab, tab.getByRole("link", { name: "Try again" }));
        return (await tab.getByRole("heading", { level: 1 }).innerText()) === "Calls";
      };
      await eventually(again, { every: 500, what: "the page" });
    }
  },
  { timeout: 420_000 },
);
