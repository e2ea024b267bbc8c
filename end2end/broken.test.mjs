// A fault of ours (500), honestly: in an installation of this file's own the table of calls is called something else for a
// while. The page says so, keeps the frame, and names what the log has too; everything else goes on.

import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after } from "node:test";
import { headingIs, press, results, seen, status, story } from "./kit.mjs";
import { Product } from "./product.mjs";
import { psql } from "./psql.mjs";

let product;
let log;
const place = join(results, "broken.log");

after(async () => {
  await product?.stop();
  product?.remove();
  if (log !== undefined) closeSync(log);
});

story(
  "a fault of ours is a page that helps, with a number that the log has too",
  async (stage) => {
    log = openSync(place, "w");
    product = await Product.make("broken", { log });
    product.start("demo");
    await product.ready(240);
    const [business] = product.demo.businesses;
    const person = business.users.find(({ role }) => role === "owner");
    const sql = (statement) => psql(product.demo.owner_database_url, statement);

    for (const scripts of [true, false]) {
      const tab = await stage.open({ scripts, allow: [status(500), /answered 500/] });
      await tab.goto(`${product.base}/sign-in`);
      await tab.getByLabel("Email address").fill(person.email);
      await tab.getByLabel("Password").fill(person.password);
      await press(tab, tab.getByRole("button", { name: "Sign in", exact: true }));
      await headingIs(tab, business.name);

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
        for (const width of [1440, 390]) {
          await tab.setViewportSize({ width, height: 900 });
          if (scripts) await tab.screenshot({ path: join(results, `error-500-light-${width}.png`), fullPage: true });
        }
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
