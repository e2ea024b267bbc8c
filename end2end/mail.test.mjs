// Mail as it leaves the house: by SMTP, to a server of somebody else's making. Told by an installation of our own, because
// the demo writes its mails into a folder.

import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after } from "node:test";
import { eventually, headingIs, pathOf, press, results, signOut, story } from "./kit.mjs";
import { apply, finish, somebody } from "./people.mjs";
import { Post } from "./python.mjs";
import { Product, freePorts } from "./product.mjs";

const FROM = "Ringfort <ringfort@phones.example>";
const LOG = join(results, "mail-product.log");

let product, log, installed;

/** Like a business's own: served, not a demo. */
async function install() {
  const [port] = await freePorts(1);
  log = openSync(LOG, "w");
  const settings = {
    RINGFORT_SMTP_URL: `smtp://127.0.0.1:${port}`,
    RINGFORT_MAIL_FROM: FROM,
    RUST_LOG: "warn,ringfort=info",
  };
  product = await Product.make("mail", { settings, log });
  product.start("serve");
  await product.ready(120);
  return { port, at: product.base };
}

/** The installation, which the first story that asks for it starts. */
const installation = () => (installed ??= install());

let post;
/** The mail server, which the first story that asks for it opens. */
const opened = async () => (post ??= Post.open((await installation()).port));

after(async () => {
  await product?.stop();
  product?.remove();
  if (log !== undefined) closeSync(log);
});

/** The one mail to an address with this subject, as soon as it is there. The next try may be half a minute away. */
async function delivered(address, subject) {
  const server = await opened();
  const found = () => server.to(address).filter((mail) => mail.subject === subject);
  const [mail] = await eventually(() => found().length > 0 && found(), { within: 60_000, every: 200, what: `«${subject}»` });
  assert.equal(found().length, 1, "once");
  return mail;
}

/** A mail in both forms, which say the same and lead to the same place: where. */
function linkOf(mail, { to, at }) {
  assert.equal(mail.from, FROM);
  assert.equal(mail.mail_from, "ringfort@phones.example");
  assert.deepEqual([mail.to, mail.rcpt_to], [to, [to]]);
  assert.ok(!Number.isNaN(Date.parse(mail.date)), mail.date);
  assert.equal(mail.type, "multipart/alternative");
  assert.deepEqual(mail.parts.map(({ type, charset }) => `${type} ${charset}`), ["text/plain utf-8", "text/html utf-8"]);
  const [plain, html] = mail.parts.map(({ text }) => text);
  const [link, ...more] = plain.match(/https?:\/\/\S+/g) ?? [];
  assert.ok(link?.startsWith(`${at}/open/`), link);
  assert.deepEqual(more, [], "one link");
  assert.deepEqual([...html.matchAll(/href="([^"]*)"/g)].map(([, href]) => href), [link], "the same in HTML");
  assert.ok(html.includes(`<br>${link}`), "and to be copied");
  for (const paragraph of plain.split(/\n\s*\n/).filter((text) => !text.includes("://"))) {
    assert.ok(html.includes(`<p>${paragraph.trim()}</p>`), `HTML says: ${paragraph}`);
  }
  assert.ok(!/<img|<script|<link|src=|url\(/i.test(html), "nothing is fetched when it is read");
  return link;
}

story(
  "a mail that nobody takes waits for the mail server, and founds a business when it comes",
  async (stage) => {
    const { at } = await installation();
    const tab = await stage.open();
    const person = somebody();
    await apply(tab, person, at);
    // Nobody listens there yet.
    const logged = () => readFileSync(LOG, "utf8");
    await eventually(() => logged().includes("a mail waits for its next try"), { what: "the first try" });
    const to = person.email;
    const link = linkOf(await delivered(to, "Your Ringfort sign-up"), { to, at });
    await finish(tab, person, link);
    for (const word of [to, new URL(link).pathname.split("/").pop()]) assert.ok(!logged().includes(word), "no log names it");
  },
  { timeout: 300_000 },
);

story(
  "a mail that is turned away at first comes at the next try, and its link signs in",
  async (stage) => {
    const { at } = await installation();
    const server = await opened();
    const tab = await stage.open();
    const person = { ...somebody(), email: `greylisted-${somebody().email}` };
    await apply(tab, person, at);
    const to = person.email;
    const link = linkOf(await delivered(to, "Your Ringfort sign-up"), { to, at });
    assert.ok(server.hasTurnedAway(to));
    await finish(tab, person, link);
    await signOut(tab);

    await press(tab, tab.getByRole("link", { name: "Mail me a link instead" }));
    await tab.getByLabel("Email address").fill(to);
    await press(tab, tab.getByRole("button", { name: "Mail me the link" }));
    await headingIs(tab, "Check your mail");
    assert.equal(await tab.getByText("This is a demo").count(), 0);
    await tab.goto(linkOf(await delivered(to, "Your Ringfort sign-in link"), { to, at }));
    await press(tab, tab.getByRole("button", { name: "Sign in" }));
    assert.equal(pathOf(tab), "/home");
    await headingIs(tab, person.business);
  },
  { timeout: 300_000 },
);
