// A product of a test's own: the release binary on free ports, in a data folder that goes away with it. And chance that
// comes again: a seeded generator. Needs no running demo, so faults.mjs uses it too.

import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const binary = resolve(root, process.env.CARGO_TARGET_DIR || "target", "release", "ringfort");

// What was started here ends with us, also when a test runner stops us half-way.
const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGTERM")));
process.once("SIGINT", () => process.exit(130));
process.once("SIGTERM", () => process.exit(143));

/** Asked for all at once, so that no port is given twice. */
export async function freePorts(count) {
  const servers = Array.from({ length: count }, () => net.createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

/** The environment without what would lead to somebody else's database, keys or mail. */
const bare = () =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^RINGFORT_|DATABASE_URL$/.test(name)));

/** Runs one command of the product on a data folder, to its end, and gives what it prints. Throws with its status. */
export function command(data, ...words) {
  assert.ok(existsSync(binary), `${binary} is missing: run cargo leptos build --release`);
  const env = { ...bare(), RINGFORT_DATA: data, RUST_LOG: "error" };
  return execFileSync(binary, words, { env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], maxBuffer: 64 << 20 });
}

/** Runs one command of the product that goes on until it is told to end: what it has printed, and its end. */
export function follow(data, ...words) {
  const env = { ...bare(), RINGFORT_DATA: data, RUST_LOG: "error" };
  const child = spawn(binary, words, { env, stdio: ["ignore", "pipe", "inherit"] });
  running.add(child);
  const told = { text: "", ended: once(child, "exit").then(([code]) => code), stop: () => child.kill("SIGTERM") };
  child.once("exit", () => running.delete(child));
  child.stdout.setEncoding("utf8").on("data", (text) => (told.text += text));
  return told;
}

export function kill9(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone already.
  }
}

export class Product {
  #environment;
  #log;
  #child;

  /** `settings`: variables beside the usual ones. `log`: where its log goes, as a file's descriptor. */
  static async make(name, { settings = {}, log = "inherit" } = {}) {
    assert.ok(existsSync(binary), `${binary} is missing: run cargo leptos build --release`);
    return new Product(name, await freePorts(2), settings, log);
  }

  constructor(name, [port, metrics], settings, log) {
    this.data = mkdtempSync(join(tmpdir(), `ringfort-${name}-`));
    // The database's user must be able to pass through.
    chmodSync(this.data, 0o711);
    /** Where it listens, whatever its public address is. */
    this.base = `http://127.0.0.1:${port}`;
    this.#log = log;
    this.#environment = {
      ...bare(),
      RINGFORT_DATA: this.data,
      RINGFORT_LISTEN: `127.0.0.1:${port}`,
      RINGFORT_METRICS_LISTEN: `127.0.0.1:${metrics}`,
      RINGFORT_PUBLIC_URL: this.base,
      LEPTOS_SITE_ROOT: process.env.LEPTOS_SITE_ROOT || join(root, "target", "site"),
      RUST_LOG: "error",
      ...settings,
    };
  }

  get pid() {
    return this.#child?.pid;
  }

  /** The demo's file; there once a demo was ready. */
  get demo() {
    return JSON.parse(readFileSync(join(this.data, "demo.json"), "utf8"));
  }

  /** Its database's process: the first line of the pid file, wherever the data folder had to go. */
  get postmaster() {
    const location = join(this.data, "postgres", "location");
    const folder = existsSync(location) ? readFileSync(location, "utf8").trim() : join(this.data, "postgres");
    const file = [join(folder, "data", "postmaster.pid"), join(folder, "postmaster.pid")].find(existsSync);
    return file ? Number(readFileSync(file, "utf8").split("\n")[0]) : undefined;
  }

  /** Starts it, and does not wait. What it prints names the demo's passwords: for nobody. `settings`: for this time alone. */
  start(command = "demo", settings = {}) {
    const env = { ...this.#environment, ...settings };
    const child = spawn(binary, [command], { env, stdio: ["ignore", "ignore", this.#log] });
    running.add(child);
    child.once("exit", () => running.delete(child));
    this.#child = child;
  }

  get #hasEnded() {
    return !this.#child || this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async #isReady() {
    try {
      return (await fetch(`${this.base}/readyz`, { signal: AbortSignal.timeout(2000) })).status === 200;
    } catch {
      return false;
    }
  }

  async ready(seconds) {
    const end = Date.now() + seconds * 1000;
    while (Date.now() < end) {
      if (await this.#isReady()) return;
      if (this.#hasEnded) throw new Error("the product ended instead of getting ready");
      await sleep(100);
    }
    throw new Error(`not ready within ${seconds} s`);
  }

  /** Asks it to end, which takes its database along, and makes it when it does not. */
  async stop() {
    if (this.#hasEnded) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    const impatience = setTimeout(() => this.#child.kill("SIGKILL"), 45_000);
    await ended;
    clearTimeout(impatience);
  }

  /** Runs a command that ends by itself: its status, and what it said. */
  run(command, settings = {}) {
    const env = { ...this.#environment, ...settings };
    const { status, stdout, stderr } = spawnSync(binary, [command], { env, encoding: "utf8", timeout: 60_000 });
    return { status, stdout, stderr };
  }

  /** Takes the data folder away. A database whose product was killed may still be writing there. */
  remove() {
    rmSync(this.data, { recursive: true, force: true, maxRetries: 10, retryDelay: 500 });
  }
}

/** A small seeded generator, so that a failing run can be run again. */
export function seeded(seed) {
  let state = seed >>> 0;
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const pick = (n) => Math.floor(random() * n);
  const shuffle = (list) => {
    for (let i = list.length - 1; i > 0; i--) {
      const j = pick(i + 1);
      [list[i], list[j]] = [list[j], list[i]];
    }
    return list;
  };
  return { random, pick, shuffle };
}
