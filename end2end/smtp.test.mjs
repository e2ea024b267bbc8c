// Mail by TLS, from its first byte or by STARTTLS, to a mail server of somebody else's making (aiosmtpd) whose certificate is
// signed by an authority of its own (RINGFORT_SMTP_CA). What is not the server that it should be gets nothing, and the mail
// waits for the one that is. Told by an installation of our own, which is started again with other settings each time.

import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { eventually, results, story } from "./kit.mjs";
import { apply, somebody } from "./people.mjs";
import { Authority, Post } from "./python.mjs";
import { Product, freePorts } from "./product.mjs";

const LOG = join(results, "smtp-product.log");
const SUBJECT = "Your Ringfort sign-up";
/** How it is asked for, and what doctor calls it. */
const WAYS = {
  implicit: { url: (port) => `smtps://localhost:${port}`, says: "by TLS from the first byte" },
  starttls: { url: (port) => `smtp://localhost:${port}?tls=required`, says: "by TLS after STARTTLS" },
};

let folder, product, log, prepared;

/** The authority, and the installation: made, not started. */
async function prepare() {
  folder = mkdtempSync(join(tmpdir(), "ringfort-authority-"));
  log = openSync(LOG, "w");
  const settings = { RUST_LOG: "warn,ringfort=info", RINGFORT_LOG_FORMAT: "json" };
  product = await Product.make("smtp", { settings, log });
  return Authority.open(folder);
}

const authority = () => (prepared ??= prepare());

after(async () => {
  await product?.stop();
  product?.remove();
  if (log !== undefined) closeSync(log);
  if (folder) rmSync(folder, { recursive: true, force: true });
});

/** The installation, started (again) with these settings. Says from where on in the log that is told. */
async function serve(settings) {
  await product.stop();
  const since = readFileSync(LOG, "utf8").length;
  product.start("serve", settings);
  await product.ready(120);
  return since;
}

/** What was logged about mails since a place in the log. */
const told = (since) =>
  readFileSync(LOG, "utf8")
    .slice(since)
    .split("\n")
    .filter((row) => row.includes("a mail waits for its next try"));

/** What is wrong with each of these servers, in words for operators; and the server. `trusting`: our authority is set. */
async function impostors(how, ca) {
  const ports = await freePorts(4);
  const opened = (place, name, days) => ca.issue(name, days).then((cert) => Post.open(ports[place], { how, ...cert }));
  const all = [
    ["untrusted", "a certificate of nobody who is trusted", await opened(0, "localhost"), false],
    ["wrong_name", "a certificate for another name", await opened(1, "mail.example"), true],
    ["expired", "a certificate that is over", await opened(2, "localhost", 20), true],
    [...(how === "starttls" ? ["no_tls", "offers no STARTTLS"] : ["bad_tls", "speaks no TLS"]), await Post.open(ports[3]), true],
  ];
  return all.map(([problem, says, server, trusting], place) => ({ problem, says, server, trusting, port: ports[place] }));
}

for (const [how, { url, says }] of Object.entries(WAYS)) {
  story(
    `mail goes out ${says} to the server that it should, and to no other`,
    async (stage) => {
      const ca = await authority();
      const [port] = await freePorts(1);
      const people = [];
      for (const impostor of await impostors(how, ca)) {
        const settings = { RINGFORT_SMTP_URL: url(impostor.port), RINGFORT_SMTP_CA: impostor.trusting ? ca.path : "" };
        const since = await serve(settings);
        const person = somebody();
        await apply(await stage.open(), person, product.base);
        const waits = () => told(since).some((row) => row.includes(`"mail.problem":"${impostor.problem}"`));
        await eventually(waits, { within: 30_000, what: `«${impostor.problem}» in the log` });
        assert.ok(told(since).every((row) => row.includes(impostor.problem)), "and nothing else is wrong");
        const doctor = product.run("doctor", settings);
        assert.match(doctor.stdout, new RegExp(`^problem  mail: localhost:${impostor.port} .*${impostor.says}`, "m"));
        assert.equal(doctor.status, 1);
        people.push({ ...person, server: impostor.server });
      }

      const server = await Post.open(port, { how, ...(await ca.issue("localhost")) });
      const settings = { RINGFORT_SMTP_URL: url(port), RINGFORT_SMTP_CA: ca.path };
      await serve(settings);
      // The last one waits least: half a minute.
      const last = people.at(-1);
      const came = () => server.to(last.email).length > 0;
      await eventually(came, { within: 90_000, every: 200, what: "the mail that waited" });
      const [mail] = server.to(last.email);
      assert.equal(mail.subject, SUBJECT);
      assert.match(mail.tls ?? "in clear", /^TLSv1\.[23]$/);
      for (const { email, server: impostor } of people) assert.deepEqual(impostor.to(email), [], "told nothing");
      const doctor = product.run("doctor", settings);
      assert.match(doctor.stdout, new RegExp(`^ok       mail: localhost:${port} answers, ${says}$`, "m"));
      const logged = readFileSync(LOG, "utf8");
      for (const { email } of people) assert.ok(!logged.includes(email), "no log names anybody");
    },
    { timeout: 400_000 },
  );
}

story("who vouches for the mail server must be a file of certificates", async () => {
  const ca = await authority();
  const { key } = await ca.issue("localhost");
  const tried = (url, path) => product.run("doctor", { RINGFORT_SMTP_URL: url, RINGFORT_SMTP_CA: path });
  for (const [url, path, why] of [
    ["smtps://localhost", join(folder, "nothing.pem"), /RINGFORT_SMTP_CA cannot be read/],
    ["smtps://localhost", key, /RINGFORT_SMTP_CA is no file of certificates/],
    ["smtp://localhost", ca.path, /RINGFORT_SMTP_CA vouches for a certificate, but RINGFORT_SMTP_URL asks for no TLS/],
    ["", ca.path, /RINGFORT_SMTP_CA vouches for a mail server, but RINGFORT_SMTP_URL names none/],
  ]) {
    const { status, stderr } = tried(url, path);
    assert.notEqual(status, 0);
    assert.match(stderr, why);
  }
});
