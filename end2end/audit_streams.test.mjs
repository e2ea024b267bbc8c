// The audit log goes to a collector of syslog over TLS (AUD-5), through the collector's restarts and the product's own, and
// nothing is missing. Told by an installation of our own that may call it.

import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after } from "node:test";
import { examine } from "./accessible.mjs";
import { bothWays, choose, elsewhere, eventually, headingIs, parseMail, pathOf, press, results, seen, story } from "./kit.mjs";
import { Collector, Rsyslog, authority } from "./collector.mjs";
import { apply, finish, somebody } from "./people.mjs";
import { Driver } from "./python.mjs";
import { Product, freePorts } from "./product.mjs";

let product, collectors, rsyslog, log, installed;

async function install() {
  const [own, ...ports] = await freePorts(5);
  rsyslog = new Rsyslog(own);
  collectors = ports.map((port) => new Collector(port));
  log = openSync(join(results, "audit-streams-product.log"), "w");
  const settings = {
    RINGFORT_OUTBOUND_ALLOW: [rsyslog, ...collectors].map(({ address }) => address).join(","),
    RINGFORT_TRUSTED_PROXIES: "127.0.0.1",
    RUST_LOG: "warn,ringfort=info",
  };
  product = await Product.make("streams", { settings, log });
  product.start("serve");
  await product.ready(120);
  return product.base;
}

const installation = () => (installed ??= install());

after(async () => {
  await product?.stop();
  product?.remove();
  await Promise.all([rsyslog, ...(collectors ?? [])].map((collector) => collector?.stop()));
  rsyslog?.remove();
  if (log !== undefined) closeSync(log);
});

/** A business of a story's own, and its owner, in this tab. */
async function found(tab, at) {
  const person = somebody();
  await apply(tab, person, at);
  const folder = join(product.data, "mail");
  const link = await eventually(
    () => {
      const mails = readdirSync(folder).filter((name) => name.endsWith(".eml"));
      return mails.map((name) => parseMail(readFileSync(join(folder, name), "utf8")))
        .find((mail) => mail.to.includes(person.email))?.link;
    },
    { within: 30_000, every: 200, what: `a mail to ${person.email}` },
  );
  await finish(tab, person, link);
  return person;
}

const button = (tab, name) => tab.getByRole("button", { name, exact: true });

const isAccessible = async (tab, name) => assert.deepEqual(await examine(tab, name), []);

/** The positions of what came have no gap, from the first entry on. */
const isWhole = (events) =>
  events.map(({ position }) => position).sort((a, b) => a - b).every((position, place) => position === place + 1);

bothWays("an owner streams the log, and no restart loses an entry", async (stage, scripts) => {
  const at = await installation();
  const collector = collectors[scripts ? 0 : 1];
  // The product is stopped in the middle, and pages that are open look for it.
  const tab = await stage.open({ scripts, from: elsewhere(), allow: [/ERR_CONNECTION_REFUSED/] });
  await found(tab, at);
  await tab.goto(`${at}/audit/streams`);
  await headingIs(tab, "Audit streams");
  await press(tab, tab.getByRole("link", { name: "Add a stream" }).first());

  // What is wrong is said beside its field, and nothing typed is lost.
  await tab.getByLabel("Name").fill("SIEM");
  await tab.getByLabel("Address").fill("http://logs.example.com/");
  await choose(tab, "From the beginning");
  await press(tab, button(tab, "Add"));
  assert.equal(pathOf(tab), "/audit/streams/new");
  await seen(tab.locator("#p-address"));
  if (scripts) await isAccessible(tab, "audit-stream-wrong");
  assert.equal(await tab.getByLabel("Name").inputValue(), "SIEM");
  await tab.getByLabel("Address").fill(collector.address);
  await tab.getByText("Secret and certificates").click();
  await tab.getByLabel("Certificates of your authority").fill(authority);
  await collector.start();
  await press(tab, button(tab, "Add"));
  await headingIs(tab, "SIEM");
  const here = tab.url();

  await press(tab, button(tab, "Send a test"));
  await seen(tab.getByText("The collector took the test."));
  const isTest = (message) => message.includes('"test":true');
  assert.equal(collector.got.filter(isTest).length, 1);
  collector.got = collector.got.filter((message) => !isTest(message));
  await eventually(() => collector.events.length >= 3 && isWhole(collector.events), { what: "the first entries" });

  // The collector is away while entries are written; then it comes back.
  await collector.stop();
  const before = collector.events.length;
  for (let round = 0; round < 3; round++) await tab.goto(`${at}/calls`);
  await eventually(
    async () => {
      await tab.goto(here);
      return (await tab.locator("main").innerText()).includes("Does not get through");
    },
    { within: 30_000, every: 500, what: "that it is away" },
  );
  await seen(tab.getByText("It does not answer, or breaks off").first());
  if (scripts) await isAccessible(tab, "audit-stream-away");
  await collector.start();
  const isUpToDate = async () => {
    await tab.goto(here);
    return (await tab.locator("main").innerText()).includes("Up to date");
  };
  await eventually(isUpToDate, { within: 60_000, every: 500, what: "that it has caught up" });
  assert.ok(collector.events.length >= before + 3 && isWhole(collector.events));

  // So is the product.
  await product.stop();
  product.start("serve");
  await product.ready(120);
  await tab.goto(`${at}/calls`);
  const count = collector.events.length;
  await eventually(() => collector.events.length > count, { within: 30_000, what: "entries after a restart" });
  assert.ok(isWhole(collector.events));

  // Held, it keeps its place; sent again, everything comes twice; deleted, nothing comes.
  await tab.goto(here);
  await press(tab, button(tab, "Pause"));
  await seen(tab.getByText("Paused", { exact: true }).first());
  await press(tab, button(tab, "Resume"));
  await eventually(isUpToDate, { within: 30_000, every: 500, what: "that it goes on" });
  const all = collector.got.length;
  await press(tab, button(tab, "Send again"));
  await eventually(() => collector.got.length >= 2 * all, { within: 30_000, what: "everything again" });
  if (scripts) {
    await isAccessible(tab, "audit-stream");
    await tab.goto(`${at}/audit/streams`);
    await isAccessible(tab, "audit-streams");
    await tab.goto(here);
  }
  await tab.getByLabel("Type delete to confirm").fill("delete");
  await press(tab, button(tab, "Delete this stream"));
  assert.equal(pathOf(tab), "/audit/streams");
  await seen(tab.getByText("The log goes nowhere else"));
  await collector.stop();
}, { timeout: 300_000 });

/** Fills in the form, for a collector with the tests' certificate, and leaves the tab at the stream's page. */
async function add(tab, at, address, format) {
  await tab.goto(`${at}/audit/streams/new`);
  await tab.getByLabel("Name").fill("SIEM");
  await tab.getByLabel("Address").fill(address);
  if (format) await choose(tab, format);
  await choose(tab, "From the beginning");
  await tab.getByText("Secret and certificates").click();
  await tab.getByLabel("Certificates of your authority").fill(authority);
  await press(tab, button(tab, "Add"));
  await headingIs(tab, "SIEM");
}

story("rsyslog gets the log through its restarts", async (stage) => {
  const at = await installation();
  const tab = await stage.open({ from: elsewhere() });
  await found(tab, at);
  await rsyslog.start();
  await add(tab, at, rsyslog.address);
  await eventually(() => rsyslog.events.length >= 3, { within: 60_000, every: 500, what: "the first entries" });
  for (let round = 0; round < 3; round++) {
    await rsyslog.stop();
    await tab.goto(`${at}/calls`);
    await rsyslog.start();
    const count = rsyslog.events.length;
    await eventually(() => rsyslog.events.length > count, { within: 60_000, every: 500, what: "entries after a restart" });
  }
  assert.ok(isWhole(rsyslog.events));
}, { timeout: 300_000 });

story("somebody else's reader of CEF understands every entry", async (stage) => {
  const at = await installation();
  const [tab, collector, reader] = [await stage.open({ from: elsewhere() }), collectors[2], new Driver("cef")];
  await found(tab, at);
  await collector.start();
  await add(tab, at, collector.address, "CEF");
  await eventually(() => collector.got.length >= 3, { within: 60_000, every: 500, what: "the first entries" });
  const read = await Promise.all(collector.got.map((message) => reader.ask({ line: message.slice(message.indexOf("CEF:")) })));
  for (const event of read) {
    assert.equal(event?.CEFVersion, "0", JSON.stringify(event));
    assert.equal(event.DeviceProduct, "Ringfort");
    assert.match(event.DeviceEventClassID, /^[a-z_]+\.[a-z_]+$/);
    assert.match(event.business, /^biz_[0-9a-f]{32}$/);
    assert.match(event.externalId, /^aud_[0-9a-f]{32}$/);
    assert.ok(["success", "failure"].includes(event.outcome), event.outcome);
  }
  const positions = read.map(({ position }) => Number(position)).sort((a, b) => a - b);
  assert.deepEqual(positions, positions.map((_, place) => place + 1));
  await collector.stop();
}, { timeout: 120_000 });

story("the schema of OCSF has nothing to say against any entry", async (stage) => {
  const at = await installation();
  const [tab, collector, reader] = [await stage.open({ from: elsewhere() }), collectors[3], new Driver("ocsf")];
  await found(tab, at);
  await collector.start();
  await add(tab, at, collector.address, "OCSF");
  await press(tab, button(tab, "Send a test"));
  const read = () => collector.got.map((message) => JSON.parse(message.slice(message.indexOf("{"))));
  const isOf = (uid) => read().some((event) => event.class_uid === uid);
  const both = { within: 60_000, every: 500, what: "what was done, and who signed in" };
  await eventually(() => collector.got.length >= 4 && isOf(6003) && isOf(3002), both);
  const events = read();
  for (const event of events) assert.deepEqual(await reader.ask({ event }), { problems: [] }, JSON.stringify(event));
  // It does say something where something is missing.
  const { actor, ...rest } = events.find((event) => event.class_uid === 6003);
  const { problems } = await reader.ask({ event: rest });
  assert.ok(actor && problems.length > 0);
  await collector.stop();
}, { timeout: 120_000 });
