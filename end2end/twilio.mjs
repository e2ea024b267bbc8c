// Twilio as a business's number meets it: webhooks signed by Twilio's own library, in the order and with the fields of
// the real one (providers.md, section 1).
//
// An incoming call is announced once (`voice`), without sequence number and time. What rings because of our answer are
// legs of their own: each reports initiated, ringing, in-progress and completed to `status`. The parent itself reports
// nothing before its end: neither that it was answered. When the ringing or the talk is over Twilio asks `dial`, and
// at last the number's own status address hears that the parent is completed.

import assert from "node:assert/strict";
import twilio from "twilio";
import { hex, raw } from "./kit.mjs";

const sid = () => `CA${hex(16)}`;
const FORM = "application/x-www-form-urlencoded";

/** Posts a form as Twilio does. Without `signature` it is signed with `token`. */
export function deliver(url, token, params, { signature, headers } = {}) {
  const signed = signature ?? twilio.getExpectedTwilioSignature(token, url, params);
  return raw(url, {
    method: "POST",
    body: new URLSearchParams(params).toString(),
    headers: {
      "content-type": `${FORM}; charset=UTF-8`,
      "x-twilio-signature": signed,
      "i-twilio-idempotency-token": hex(16),
      "user-agent": "TwilioProxy/1.1",
      accept: "*/*",
      ...headers,
    },
  });
}

/** RFC 2822, as Twilio writes it. */
const stamp = (date) => date.toUTCString().replace("GMT", "+0000");

/** One incoming call. `connection` is one of demo.json, or anything with its addresses, secret, account, number. */
export class Call {
  #legs = new Map();

  constructor(connection, { from, to = connection.number } = {}) {
    assert.ok(from && to, "a call has two numbers");
    Object.assign(this, { connection, from, to, sid: sid(), began: Date.now(), answeredBy: undefined });
  }

  get #parent() {
    const { from, to } = this;
    return {
      AccountSid: this.connection.account,
      ApiVersion: "2010-04-01",
      CallSid: this.sid,
      Direction: "inbound",
      From: from,
      Caller: from,
      CallerCountry: "US",
      FromCity: "SAN FRANCISCO",
      FromState: "CA",
      FromCountry: "US",
      To: to,
      Called: to,
      ToCountry: "US",
    };
  }

  async #send(url, params) {
    const answer = await deliver(url, this.connection.secret, params);
    assert.equal(answer.status, 200, `${params.CallStatus} was answered with ${answer.body.slice(0, 200)}`);
    return answer;
  }

  #leg(target, status, more = {}) {
    const leg = this.#legs.get(target);
    assert.ok(leg, `${target} has begun to ring`);
    const now = new Date();
    return this.#send(this.connection.status_url, {
      AccountSid: this.connection.account,
      ApiVersion: "2010-04-01",
      CallSid: leg.sid,
      ParentCallSid: this.sid,
      CallStatus: status,
      CallbackSource: "call-progress-events",
      Direction: "outbound-dial",
      From: this.from,
      Caller: this.from,
      To: target,
      Called: target,
      SequenceNumber: String(leg.next++),
      Timestamp: stamp(now),
      ...more,
    });
  }

  /** The call comes in; returns the targets that our TwiML dials, as legs name them. */
  async ring() {
    const answer = await this.#send(this.connection.webhook_url, { ...this.#parent, CallStatus: "ringing" });
    assert.match(answer.headers["content-type"], /^(text|application)\/xml/);
    const kinds = { Client: "client:", Sip: "", Number: "" };
    return [...answer.body.matchAll(/<(Client|Sip|Number)\b[^>]*>([^<]+)<\/\1>/g)].map(
      ([, kind, name]) => kinds[kind] + name,
    );
  }

  /** One target begins to ring. */
  async legRinging(target) {
    this.#legs.set(target, { sid: sid(), next: 0 });
    await this.#leg(target, "initiated");
    await this.#leg(target, "ringing");
  }

  /** A target answers, and the others stop ringing. The parent reports nothing. */
  async answer(target = this.#legs.keys().next().value) {
    this.answeredBy = target;
    await this.#leg(target, "in-progress");
    for (const rest of this.#legs.keys()) if (rest !== target) await this.#leg(rest, "canceled");
  }

  /** The talk is over, the target hung up first: leg, dial, parent. Or nobody answered, and the ringing is over. */
  async complete() {
    const seconds = String(Math.max(1, Math.round((Date.now() - this.began) / 1000)));
    const { answeredBy: target } = this;
    if (target) await this.#leg(target, "completed", { CallDuration: seconds, Duration: "1", SipResponseCode: "200" });
    else for (const rest of this.#legs.keys()) await this.#leg(rest, "no-answer", { CallDuration: "0" });
    const leg = this.#legs.get(target ?? this.#legs.keys().next().value);
    const dialed = leg ? { DialCallSid: leg.sid, DialCallDuration: seconds } : {};
    await this.#send(this.connection.dial_url, {
      ...this.#parent,
      CallStatus: target ? "in-progress" : "ringing",
      DialCallStatus: target ? "completed" : "no-answer",
      ...dialed,
    });
    await this.#send(this.connection.status_url, {
      ...this.#parent,
      CallStatus: "completed",
      CallbackSource: "call-progress-events",
      CallDuration: seconds,
      Duration: "1",
      SequenceNumber: "0",
      Timestamp: stamp(new Date()),
    });
  }
}
