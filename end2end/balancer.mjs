// A balancer with a bad network: hands each connection to the next node that answers, holds back what goes through it, and
// cuts connections at random. The kernel of a container has no netem, so the tests bring their own.

import { once } from "node:events";
import net from "node:net";

export class Balancer {
  #server;
  #pairs = new Set();
  #turn = 0;
  #loss;

  /** `ports`: the nodes. `delay`: milliseconds at most by which each piece is late; `random`: chance that comes again. */
  constructor(ports, { delay = 0, random = Math.random } = {}) {
    this.ports = ports;
    this.delay = delay;
    this.random = random;
    this.cuts = 0;
  }

  async listen(port) {
    this.#server = net.createServer((client) => this.#take(client)).listen(port, "127.0.0.1");
    await once(this.#server, "listening");
  }

  #take(client) {
    client.setNoDelay(true);
    client.on("error", () => client.destroy());
    this.#connect(client, this.#turn++, this.ports.length);
  }

  #connect(client, turn, tries) {
    if (tries === 0 || client.destroyed) return void client.destroy();
    const node = net.connect(this.ports[turn % this.ports.length], "127.0.0.1");
    const next = () => this.#connect(client, turn + 1, tries - 1);
    node.once("error", next);
    node.once("connect", () => {
      node.off("error", next);
      node.setNoDelay(true);
      const pair = { client, node };
      this.#pairs.add(pair);
      const end = () => {
        this.#pairs.delete(pair);
        client.destroy();
        node.destroy();
      };
      for (const side of [client, node]) side.on("error", end).on("close", end);
      this.#carry(client, node);
      this.#carry(node, client);
    });
  }

  /** In order, however late each piece is. */
  #carry(from, to) {
    let last = Promise.resolve();
    from.on("data", (piece) => {
      const late = this.delay ? this.random() * this.delay : 0;
      last = last.then(async () => {
        if (late) await new Promise((done) => setTimeout(done, late));
        if (!to.destroyed) to.write(piece);
      });
    });
  }

  /** Cuts one connection of `share` every `every` milliseconds, until `whole`. */
  lose(share, every = 100) {
    this.whole();
    this.#loss = setInterval(() => {
      for (const pair of this.#pairs) {
        if (this.random() >= share) continue;
        this.cuts++;
        pair.client.resetAndDestroy();
        pair.node.destroy();
      }
    }, every);
  }

  whole() {
    clearInterval(this.#loss);
  }

  async close() {
    this.whole();
    for (const { client, node } of this.#pairs) {
      client.destroy();
      node.destroy();
    }
    if (this.#server) await new Promise((done) => this.#server.close(done));
  }
}
