// A customer's page: asks anew every half minute while somebody looks, and shows what came. Without scripts there is «Refresh».

const EVERY = 30_000;
const LONGEST = 6 * 3_600_000;

async function again() {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  // The link is over: the page that says so takes the place of this one.
  if (answer.status === 404) return location.reload();
  if (!answer.ok) return undefined;
  // The head and the card alone, so that «Refresh» keeps the focus.
  for (const part of [".page-head", ".card"]) {
    const [here, there] = [document.querySelector(part), page.querySelector(part)];
    if (there) here?.replaceChildren(...there.childNodes);
  }
  return undefined;
}

async function watch() {
  const begin = Date.now();
  while (Date.now() - begin < LONGEST) {
    await new Promise((resolve) => setTimeout(resolve, EVERY));
    if (document.hidden) continue;
    // A network that is away comes back; the page says how old what it shows is.
    await again().catch(() => undefined);
  }
}

if (document.querySelector("[data-track]")) watch();
