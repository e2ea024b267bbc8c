// A stand-in for Twilio's Messages resource, as far as codes are texted: takes a message, lists what went to a number, and
// refuses in Twilio's words (providers.md, section 1; `twilio_rest.json`). The product is led to it by
// RINGFORT_OUTBOUND_OVERRIDE, which its operator sets and no tenant can.

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import http from "node:http";

const PATH = /^\/2010-04-01\/Accounts\/(AC[0-9a-f]{32})\/Messages\.json$/;
const WORDS = { 20003: "Authenticate", 20429: "Too Many Requests", 20500: "Internal Server Error", 21211: "Invalid 'To'" };

async function body(request) {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
}

export class Texts {
  #server;
  #secrets = new Map();
  #answers = [];
  /** What was taken: account, to, from, body. */
  sent = [];
  /** How often somebody tried, and how often somebody looked first. */
  tries = 0;
  looks = 0;

  static async open() {
    const texts = new Texts();
    texts.#server = http.createServer((request, response) => texts.#hear(request, response));
    texts.#server.listen(0, "127.0.0.1");
    await once(texts.#server, "listening");
    return texts;
  }

  get #at() {
    return `127.0.0.1:${this.#server.address().port}`;
  }

  /** What leads a product here. */
  get settings() {
    return { RINGFORT_OUTBOUND_ALLOW: this.#at, RINGFORT_OUTBOUND_OVERRIDE: `twilio=http://${this.#at}` };
  }

  /** An account with its Auth Token. */
  opens(account, secret) {
    this.#secrets.set(account.toLowerCase(), secret);
  }

  /** The next tries are refused so, one after the other: status and Twilio's code. `lost`: taken, and not heard of. */
  answerWith(...answers) {
    this.#answers.push(...answers);
  }

  /** What went to a number. */
  to(number) {
    return this.sent.filter((text) => text.to === number);
  }

  close() {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #hear(request, response) {
    const say = (status, value) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(value));
    };
    const refuse = (status, code) =>
      say(status, { code, message: WORDS[code], more_info: `https://www.twilio.com/docs/errors/${code}`, status });
    const url = new URL(request.url, "http://127.0.0.1");
    const account = url.pathname.match(PATH)?.[1].toLowerCase();
    if (!account) return refuse(404, 20404);
    const login = Buffer.from((request.headers.authorization ?? "").replace(/^Basic /, ""), "base64").toString("utf8");
    const secret = this.#secrets.get(account);
    if (!secret || login.toLowerCase() !== `${account}:${secret}`.toLowerCase()) return refuse(401, 20003);
    if (request.method === "GET") {
      this.looks += 1;
      return say(200, { messages: this.to(url.searchParams.get("To")).map(({ body }) => ({ body, status: "sent" })) });
    }
    if (!/^application\/x-www-form-urlencoded/.test(request.headers["content-type"] ?? "")) return refuse(415, 20415);
    const form = new URLSearchParams(await body(request));
    this.tries += 1;
    const answer = this.#answers.shift();
    if (Array.isArray(answer)) return refuse(...answer);
    const text = { account, to: form.get("To"), from: form.get("From"), body: form.get("Body") };
    if (!/^\+\d+$/.test(text.to ?? "") || !text.from || !text.body) return refuse(400, 21211);
    this.sent.push(text);
    if (answer === "lost") return request.socket.destroy();
    return say(201, { sid: `SM${randomBytes(16).toString("hex")}`, status: "queued", ...text });
  }
}
