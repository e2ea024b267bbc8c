// The operator's access (TEN-6): opened by the command with a reason and a ticket, told to the owner by mail, seen and ended on
// a page, with scripts on and off; and nothing is shown before or after.

import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { base, bothWays, elsewhere, eventually, headingIs, mailTo, pathOf, press, results, seen, soon } from "./kit.mjs";
import { businessOf, found } from "./people.mjs";
import { command, follow } from "./product.mjs";

const data = dirname(process.env.RINGFORT_DEMO_JSON ?? "var/demo.json");
const REASON = "Webhooks of one connection fail";
const TICKET = "OPS-12";

const operator = (...words) => command(data, "operator", ...words);
const refused = (error) => error.status === 1 && /no access to this business is open/.test(error.stderr);

bothWays("the operator looks into a business under the owner's eyes, until they end it", async (stage, scripts) => {
  const tab = await stage.open({ scripts, from: elsewhere() });
  const owner = await found(tab);
  const business = await businessOf(tab);
  await tab.goto(`${base}/security/operators`);
  await headingIs(tab, "Operator access");
  await seen(tab.getByRole("heading", { name: "The operator has no access" }));
  assert.throws(() => operator("show", "--business", business), refused);
  assert.throws(
    () => operator("grant", "--business", business, "--reason", `${owner.email} cannot sign in`, "--ticket", TICKET),
    (error) => /--reason wants/.test(error.stderr),
  );

  const opened = operator("grant", "--business", business, "--reason", REASON, "--ticket", TICKET, "--hours", "2");
  const [grant] = opened.match(/grt_[0-9a-f]{32}/);
  assert.match(opened, /1 of its owners get a mail/);
  const mail = await mailTo(owner.email, { is: ({ subject }) => subject === "The operator has access to your business" });
  assert.ok(mail.text.includes(REASON) && mail.text.includes(TICKET), mail.text);
  const shown = operator("show", "--business", business);
  assert.match(shown, /^PEOPLE\n {2}role +active +removed\n {2}owner +1 +0$/m);
  const everything = JSON.parse(operator("show", "--business", business, "--json"));
  assert.deepEqual(everything.people, [{ role: "owner", active: "1", removed: "0" }]);
  assert.equal(everything.business[0].state, "active");
  for (const personal of [owner.email, owner.name, owner.business]) {
    assert.ok(!shown.includes(personal) && !JSON.stringify(everything).includes(personal), personal);
  }

  const watched = follow(data, "operator", "watch", "--business", business);
  try {
    await eventually(() => watched.text.includes("PEOPLE"), { within: 30_000, every: 200, what: "the first look" });
    await tab.goto(`${base}/security/operators`);
    await seen(tab.getByText("The operator has access"));
    await seen(tab.getByText(REASON));
    await tab.screenshot({ path: join(results, `operator-open-${scripts ? "on" : "off"}.png`), fullPage: true });
    await press(tab, tab.getByRole("button", { name: "End now" }));
    assert.equal(pathOf(tab), "/security/operators");
    await seen(tab.getByText("The operator's access has ended. It counts at once."));
    await seen(tab.getByRole("heading", { name: "The operator has no access" }));
    assert.equal(await soon(watched.ended, "the end at the next reading"), 0);
    assert.match(watched.text, /The access has ended\.\n$/);
  } finally {
    watched.stop();
  }
  assert.throws(() => operator("show", "--business", business), refused);
  assert.throws(() => operator("end", "--business", business), refused);
  assert.match(operator("list", "--business", business), new RegExp(`^ended {2}${grant} .* business .* ${TICKET}: ${REASON}$`, "m"));

  const row = tab.getByRole("row").filter({ hasText: TICKET });
  await seen(row.getByText("Ended by the business"));
  await seen(row.getByText(owner.name));
  await tab.goto(`${base}/audit`);
  for (const said of [
    "Opened the operator's access to this business",
    "Looked at what support needs, as the operator",
    "Ended the operator's access",
  ]) {
    await seen(tab.getByRole("row").filter({ hasText: said }).first());
  }
}, { timeout: 240_000 });
