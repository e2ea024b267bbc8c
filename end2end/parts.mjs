// What several nodes share, as processes that a test may kill and start again: a PostgreSQL of its own and NATS. Both are
// Debian's (scripts/bootstrap test).

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const isRoot = process.getuid() === 0;
const children = new Set();
process.on("exit", () => children.forEach((child) => child.kill("SIGKILL")));

/** A program that is started again after it was killed. */
class Part {
  #child;

  constructor(program, args, port) {
    Object.assign(this, { program, args, port });
  }

  start() {
    const child = spawn(this.program, this.args, { cwd: "/", stdio: "ignore" });
    children.add(child);
    child.once("exit", () => children.delete(child));
    child.once("error", (error) => console.error(`${this.program}: ${error.message}`));
    this.#child = child;
  }

  get hasEnded() {
    return !this.#child || this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** As `kill -9`. */
  kill() {
    this.#child?.kill("SIGKILL");
  }

  /** Until it answers. What a killed one left behind may hold up the first tries. */
  async ready(answers, seconds = 30) {
    const end = Date.now() + seconds * 1000;
    while (Date.now() < end) {
      if (this.hasEnded) this.start();
      if (await answers()) return;
      await sleep(50);
    }
    throw new Error(`${this.program} does not answer within ${seconds} s`);
  }
}

export class Postgres extends Part {
  /** Makes a cluster: TCP on a loopback port, no passwords, durable, because it will be killed. */
  static make(port) {
    const versions = "/usr/lib/postgresql";
    const newest = readdirSync(versions).sort((a, b) => Number(a) - Number(b)).pop();
    const bin = join(versions, newest, "bin");
    const folder = mkdtempSync(join(tmpdir(), "ringfort-chaos-postgres-"));
    chmodSync(folder, 0o711);
    const data = join(folder, "data");
    mkdirSync(data, { mode: 0o700 });
    // PostgreSQL refuses to run as root.
    const as = isRoot ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] : ["env"];
    if (isRoot) execFileSync("chown", ["postgres:postgres", data]);
    const run = (...words) => execFileSync(as[0], [...as.slice(1), ...words], { cwd: "/", stdio: "ignore" });
    run(join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync");
    const settings = { unix_socket_directories: "", max_connections: "100", timezone: "UTC", shared_buffers: "64MB" };
    const args = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const part = new Postgres(as[0], [...as.slice(1), join(bin, "postgres"), "-D", data, "-h", "127.0.0.1", "-p", String(port), ...args], port);
    part.folder = folder;
    return part;
  }

  url(role, database = "ringfort") {
    return `postgres://${role}@127.0.0.1:${this.port}/${database}`;
  }

  async remove() {
    this.kill();
    // Its children notice within moments that it is gone.
    await sleep(500);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 300 });
  }
}

export class Nats extends Part {
  static make(port) {
    const program = resolve(process.env.RINGFORT_TOOLS || ".tools", "nats/usr/sbin/nats-server");
    assert.ok(existsSync(program), "nats-server is missing: run scripts/bootstrap test");
    return new Nats(program, ["--addr", "127.0.0.1", "--port", String(port)], port);
  }

  get url() {
    return `nats://127.0.0.1:${this.port}`;
  }

  answers() {
    return new Promise((done) => {
      const socket = net.connect(this.port, "127.0.0.1");
      socket.once("error", () => done(false));
      socket.once("data", () => {
        socket.destroy();
        done(true);
      });
    });
  }
}
