// Collectors of syslog over TLS (RFC 5425): one in a story's hand, which can go away and come back at the same port, and
// somebody else's, rsyslog. Their certificate is that of the Rust tests.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import tls from "node:tls";
import { fileURLToPath } from "node:url";

const folder = join(dirname(fileURLToPath(import.meta.url)), "..", "tests", "vectors", "tls");
const read = (name) => readFileSync(join(folder, name), "utf8");

/** What a tenant pastes, so that the collector is trusted. */
export const authority = read("ca.pem");

/** Each message has its length in bytes in front, and nothing stands between them. */
export function messages(bytes) {
  const all = [];
  for (let place = 0; place < bytes.length; ) {
    const space = bytes.indexOf(0x20, place);
    const length = Number(bytes.toString("latin1", place, space));
    if (!Number.isInteger(length) || length < 1) throw new Error(`no length at byte ${place}`);
    all.push(bytes.toString("utf8", space + 1, space + 1 + length));
    place = space + 1 + length;
  }
  return all;
}

export class Collector {
  #server;
  #sockets = new Set();

  constructor(port) {
    this.port = port;
    /** The messages, in the order in which they came. */
    this.got = [];
  }

  /** How a tenant names it. */
  get address() {
    return `localhost:${this.port}`;
  }

  /** What came, without what came twice, as JSON. */
  get events() {
    const all = this.got.map((message) => JSON.parse(message.slice(message.indexOf("{"))));
    return [...new Map(all.map((event) => [event.entry.id, event])).values()];
  }

  async start() {
    this.#server = tls.createServer({ cert: read("here.pem"), key: read("here.key") }, (socket) => {
      const chunks = [];
      socket.on("data", (chunk) => chunks.push(chunk));
      // Only what was said to its end counts: the sender hears of the rest that it was not taken.
      socket.on("end", () => this.got.push(...messages(Buffer.concat(chunks))));
      socket.on("error", () => {});
    });
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
    this.#server.listen(this.port, "127.0.0.1");
    await once(this.#server, "listening");
  }

  /** Goes away, in the middle of whatever it does. */
  async stop() {
    if (!this.#server) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    this.#server = undefined;
  }
}

const root = resolve(process.env.RINGFORT_TOOLS || join(folder, "..", "..", "..", ".tools"), "rsyslog");
const rsyslogd = join(root, "usr/sbin/rsyslogd");
/** Debian's folder of libraries has the machine's kind in its name. */
const libraries = ["x86_64-linux-gnu", "aarch64-linux-gnu"].map((kind) => join(root, "usr/lib", kind)).find(existsSync) ?? "";

/**
 * Somebody else's collector: rsyslog, which scripts/bootstrap test unpacks from Debian's packages. It writes what it understood
 * of each message into a file.
 */
export class Rsyslog {
  #folder = mkdtempSync(join(tmpdir(), "ringfort-rsyslog-"));
  #child;

  constructor(port) {
    this.port = port;
  }

  get address() {
    return `localhost:${this.port}`;
  }

  /** The events that it wrote down, without what came twice. */
  get events() {
    const file = join(this.#folder, "messages");
    const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean) : [];
    const all = lines.map((line) => JSON.parse(line.slice(line.indexOf("{"))));
    return [...new Map(all.map((event) => [event.entry.id, event])).values()];
  }

  async start() {
    const settings = join(this.#folder, "rsyslog.conf");
    writeFileSync(settings, `
      global(workDirectory="${this.#folder}" maxMessageSize="64k" defaultNetstreamDriver="gtls"
        defaultNetstreamDriverCAFile="${join(folder, "ca.pem")}"
        defaultNetstreamDriverCertFile="${join(folder, "here.pem")}"
        defaultNetstreamDriverKeyFile="${join(folder, "here.key")}")
      module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="anon")
      template(name="message" type="string" string="%app-name% %msgid% %msg:::drop-last-lf%\\n")
      input(type="imtcp" address="127.0.0.1" port="${this.port}")
      action(type="omfile" file="${join(this.#folder, "messages")}" template="message")
    `);
    const pid = join(this.#folder, "pid");
    this.#child = spawn(rsyslogd, ["-n", "-f", settings, "-i", pid, "-M", join(libraries, "rsyslog")], {
      env: { ...process.env, LD_LIBRARY_PATH: libraries },
      stdio: ["ignore", "inherit", "inherit"],
    });
  }

  /** Ends as it does when the machine restarts it: with everything written that it has read. */
  async stop() {
    if (!this.#child) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    await ended;
    this.#child = undefined;
  }

  remove() {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
