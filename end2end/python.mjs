// Other people's programs, which stories ask instead of our own code: an authenticator app (pyotp), a reader of tokens
// (PyJWT), a mail server (aiosmtpd) and who vouches for it (cryptography), a reader of CEF (pycef) and the schema of OCSF
// (ocsf-json-schema, jsonschema). Each is a small driver in python/ that speaks lines of JSON.
//
// scripts/bootstrap test installs them and says where (RINGFORT_PYTHON). To add one: its package with its exact version in
// requirements.txt, a file in python/, and a class here if stories ask much of it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { after } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const tools = process.env.RINGFORT_TOOLS || join(here, "..", ".tools");
const python = resolve(process.env.RINGFORT_PYTHON || join(tools, "python", "bin", "python3"));

const running = new Set();
after(() => running.forEach((driver) => driver.stop()));

/** A driver that runs until `stop`, at the latest until the file's stories are over. */
export class Driver {
  #child;
  #name;
  #waiting = [];
  /** Lines that answer no question, in their order. */
  unasked = [];

  constructor(name, ...args) {
    assert.ok(existsSync(python), `${python} is missing: run scripts/bootstrap test`);
    this.#name = name;
    // -B: leaves no compiled files beside the drivers.
    const command = ["-B", join(here, "python", `${name}.py`), ...args];
    this.#child = spawn(python, command, { stdio: ["pipe", "pipe", "inherit"] });
    this.#child.once("exit", (code) => this.#over(code));
    // A question to one that has ended is answered by its end.
    this.#child.stdin.on("error", () => {});
    createInterface({ input: this.#child.stdout }).on("line", (line) => this.#hear(JSON.parse(line)));
    running.add(this);
  }

  #hear(value) {
    const waiting = this.#waiting.shift();
    if (waiting) waiting.heard(value);
    else this.unasked.push(value);
  }

  #over(code) {
    running.delete(this);
    for (const { failed } of this.#waiting.splice(0)) failed(new Error(`${this.#name}.py ended with ${code}`));
  }

  /** Its answer to one question. Questions are answered in their order. */
  ask(question) {
    const answered = new Promise((heard, failed) => this.#waiting.push({ heard, failed }));
    this.#child.stdin.write(`${JSON.stringify(question)}\n`);
    return answered;
  }

  /** The next line. For one that speaks by itself. */
  async next() {
    return this.unasked.shift() ?? new Promise((heard, failed) => this.#waiting.push({ heard, failed }));
  }

  /** It ends by itself when nobody can ask any more. */
  stop() {
    this.#child.stdin.end();
  }
}

const STEP = 30;

/** A phone with an authenticator app. It knows the secrets that it is told, and the time. */
export class Phone {
  #driver = new Driver("totp");

  async #at(secret, seconds) {
    const { code } = await this.#driver.ask({ secret, at: Math.floor(seconds) });
    assert.match(code ?? "", /^\d{6}$/);
    return code;
  }

  /** The code that the app shows now. */
  code(secret) {
    return this.#at(secret, Date.now() / 1000);
  }

  /**
   * The code that it showed half a minute ago. It counts too, and leaves the present one unused: no code counts twice, and
   * a story need not wait. Not given late in a step, because soon it would be too old.
   */
  async lastCode(secret) {
    const into = (Date.now() / 1000) % STEP;
    if (into > STEP - 10) await sleep((STEP - into) * 1000 + 100);
    return this.#at(secret, Date.now() / 1000 - STEP);
  }

  /** Six digits that are no code at this time. */
  async wrongCode(secret) {
    const now = Date.now() / 1000;
    const near = await Promise.all([-2, -1, 0, 1, 2].map((n) => this.#at(secret, now + n * STEP)));
    return ["314159", "271828", "161803", "141421", "173205", "223606"].find((code) => !near.includes(code));
  }
}

/** Who signs certificates that nobody trusts but who is told to. */
export class Authority {
  #driver;

  /** Its files go to a folder. Resolves when its own certificate is there: `path`. */
  static async open(folder) {
    const authority = new Authority();
    authority.#driver = new Driver("authority", folder);
    authority.path = (await authority.#driver.next()).authority;
    return authority;
  }

  /** Files with a certificate for a host and its key. It is good for ten days, the first of which was `days` ago. */
  async issue(name, days = 1) {
    const { certificate, key } = await this.#driver.ask({ name, days: -days });
    assert.ok(certificate && key, "a certificate");
    return { certificate, key };
  }
}

/** A mail server on 127.0.0.1. */
export class Post {
  #driver;

  /** Resolves when it listens. With `how` it speaks TLS: `implicit` or `starttls`, by this certificate and key. */
  static async open(port, { how, certificate, key } = {}) {
    const post = new Post();
    post.#driver = new Driver("smtpd", String(port), ...(how ? [how, certificate, key] : []));
    assert.deepEqual(await post.#driver.next(), { listening: port });
    return post;
  }

  /** The mails to an address so far, the oldest first. */
  to(address) {
    return this.#driver.unasked.filter((told) => told.rcpt_to?.includes(address));
  }

  /** Whether it has turned a try for this address away. */
  hasTurnedAway(address) {
    return this.#driver.unasked.some((told) => told.turned_away === address);
  }
}
