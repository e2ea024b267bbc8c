// A stand-in for the NowCerts API, as far as screen pops ask it. `node end2end/agency.mjs [port]` serves it on
// 127.0.0.1 (4011). It knows every number: the client is made from its last four digits. Numbers that end in 00 belong
// to nobody, those that end in 33 to three clients.

import { randomBytes } from "node:crypto";
import http from "node:http";
import { fileURLToPath } from "node:url";

const FIRST = ["Robin", "Casey", "Morgan", "Avery", "Quincy", "Rowan", "Sage", "Emery", "Devon", "Blair"];

function client(digits, place) {
  const last = digits.slice(-4);
  const first = FIRST[(Number(last) + place) % FIRST.length];
  return {
    databaseId: `client-${last}-${place}`,
    firstName: first,
    lastName: `Caller${last}`,
    commercialName: `Bakery ${last}`,
    cellPhone: `(${digits.slice(-10, -7)}) ${digits.slice(-7, -4)}-${last}`,
    phone: null,
    policies: [{ number: `HO-${last}`, carrier: "Invented Mutual" }],
    tasks: [{ title: `Renewal talk ${last}` }],
    lastContactDate: "2026-05-04T10:00:00",
  };
}

/** Who has this number, as the API would say. */
export function clientsOf(number) {
  const digits = number.replace(/\D/g, "");
  if (digits.endsWith("00")) return [];
  return Array.from({ length: digits.endsWith("33") ? 3 : 1 }, (_, place) => client(digits, place));
}

/** The names as a screen pop shows them. */
export const namesOf = (number) => clientsOf(number).map((c) => `${c.firstName} ${c.lastName}`);

function body(request) {
  return new Promise((done, failed) => {
    let text = "";
    request.on("data", (chunk) => (text += chunk));
    request.on("end", () => done(text));
    request.on("error", failed);
  });
}

export function serve(port) {
  const tokens = new Set();
  const server = http.createServer(async (request, response) => {
    const say = (status, value) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(value));
    };
    const url = new URL(request.url, "http://127.0.0.1");
    if (request.method === "POST" && ["/token", "/api/token"].includes(url.pathname)) {
      const form = new URLSearchParams(await body(request));
      const complete = form.get("grant_type") === "password" && form.get("username") && form.get("password");
      if (!complete) return say(400, { error: "invalid_grant" });
      const token = randomBytes(16).toString("hex");
      tokens.add(token);
      return say(200, { access_token: token, token_type: "bearer", expires_in: 3600 });
    }
    if (request.method === "GET" && url.pathname === "/api/InsuredDetailList()") {
      if (!tokens.has((request.headers.authorization ?? "").replace(/^Bearer /i, ""))) return say(401, {});
      const asked = [...(url.searchParams.get("$filter") ?? "").matchAll(/'([^']*)'/g)];
      const numbers = new Set(asked.map(([, text]) => text.replace(/\D/g, "").slice(-10)));
      return say(200, { "@odata.context": "$metadata#InsuredDetail", value: [...numbers].flatMap(clientsOf) });
    }
    return say(404, {});
  });
  return new Promise((done, failed) => {
    server.once("error", failed);
    server.listen(port, "127.0.0.1", () => done(server));
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const port = Number(process.argv[2] ?? 4011);
  await serve(port);
  console.log(`agency stand-in at http://127.0.0.1:${port}`);
}
