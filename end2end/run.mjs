// Runs files of stories, so many at a time: `node end2end/run.mjs FILE...` (scripts/e2e does). Prints what happens, leaves a
// TAP report in RINGFORT_E2E_RESULTS, and says at the end which files took longest.
//
// `node --test` would do, but it takes files by their names, and a long one that begins last runs alone at the end. So those
// that take longest begin first. When another file becomes one of them: its name into FIRST, at its place.

import { createWriteStream } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, join, resolve } from "node:path";
import { run } from "node:test";
import { spec, tap } from "node:test/reporters";

/** Longest first; and those that wait for a clock between those that keep the processor busy. */
const FIRST = [
  "timing", "axe", "live", "audit_streams", "oidc", "field", "policy", "factors", "smtp", "journey", "retention", "board", "links",
  "texts", "tabs", "mail", "lockout", "passkeys", "team", "keyboard", "operator", "reset", "map", "audit_query", "errors", "roles",
  "devices",
];
/** Most stories wait for a page, a mail or a clock; on more processors, they would wait for the limits that one address has. */
const LANES = Math.min(6, Math.max(4, 2 * availableParallelism()));
/** A file that hangs is ended: a story that failed can have left something open. */
const LONGEST = 20 * 60_000;
/** How many of the longest files are named at the end. */
const NAMED = 8;

const nameOf = (file) => basename(file, ".test.mjs");
const place = (file) => (FIRST.includes(nameOf(file)) ? FIRST.indexOf(nameOf(file)) : FIRST.length);
const files = process.argv.slice(2).map((file) => resolve(file)).sort((a, b) => place(a) - place(b));

const end = new AbortController();
for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]]) {
  // The files' own processes get the same signal, and end what they have started.
  process.once(signal, () => {
    process.exitCode = code;
    end.abort();
  });
}

const only = process.env.RINGFORT_E2E_ONLY;
const stories = run({ files, concurrency: LANES, timeout: LONGEST, signal: end.signal, ...(only ? { testNamePatterns: [only] } : {}) });
const took = [];
stories.on("test:fail", () => (process.exitCode ||= 1));
stories.on("test:complete", ({ name, details }) => {
  if (files.includes(name)) took.push([details.duration_ms / 1000, nameOf(name)]);
});
stories.on("end", () => {
  const longest = took.sort(([a], [b]) => b - a).slice(0, NAMED).map(([seconds, name]) => `${name} ${seconds.toFixed(0)} s`);
  if (longest.length > 0) console.error(`e2e: longest: ${longest.join(", ")}`);
});
stories.compose(new spec()).pipe(process.stdout);
stories.compose(tap).pipe(createWriteStream(join(process.env.RINGFORT_E2E_RESULTS ?? ".", "report.tap")));
