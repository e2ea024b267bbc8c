// The technician's page without a network: instead of the browser's own words there is a page of ours, which goes on writing
// down where the phone is. Kept are that page and the files that it names, and nothing else: no page with anybody's data is
// ever in here. The server lets this file, which lies in /static/, answer for /field (`Service-Worker-Allowed`).

const KEPT = "field";
const OFFLINE = "/field/offline";

/** The page, asked for as nobody, and what it loads. */
async function fill() {
  const cache = await caches.open(KEPT);
  const answer = await fetch(OFFLINE, { credentials: "omit", cache: "no-store" });
  if (!answer.ok) throw new Error(`${OFFLINE} answered ${answer.status}`);
  const text = await answer.clone().text();
  const files = [...text.matchAll(/(?:href|src)="(\/(?:pkg|static)\/[^"]+)"/g)].map((found) => found[1]);
  // What an older build left goes.
  for (const request of await cache.keys()) {
    const { pathname } = new URL(request.url);
    if (pathname !== OFFLINE && !files.includes(pathname)) await cache.delete(request);
  }
  await cache.addAll(files);
  await cache.put(OFFLINE, answer);
}

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(fill());
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  const isPage = request.mode === "navigate" && url.pathname === "/field";
  if (!isPage && !/^\/(pkg|static)\//.test(url.pathname)) return;
  // The network first: what is kept is for when there is none, or nobody behind it who can serve the page.
  const kept = () => caches.match(isPage ? OFFLINE : url.pathname);
  const there = fetch(request).then((answer) => (isPage && answer.status >= 500 ? Promise.reject(answer) : answer));
  event.respondWith(there.catch(async (problem) => (await kept()) ?? (problem.status ? problem : Promise.reject(problem))));
});
