// SQL as the database's owner, for arranging what no door can (an old call) and for asserting what no page shows.
import { execFileSync } from "node:child_process";

/** Runs one statement and returns its rows, columns parted by `|`. */
export function psql(ownerUrl, statement) {
  const url = new URL(ownerUrl);
  const env = { ...process.env, PGPASSWORD: decodeURIComponent(url.password) };
  const host = url.searchParams.get("host") ?? url.hostname;
  const login = ["-h", host, "-p", url.port, "-U", decodeURIComponent(url.username), "-d", url.pathname.slice(1)];
  return execFileSync("psql", [...login, "-v", "ON_ERROR_STOP=1", "-XAtc", statement], { env, encoding: "utf8" }).trim();
}
