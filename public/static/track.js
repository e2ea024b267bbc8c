// A customer's page: asks anew every half minute while somebody looks, shows what came, and counts on how old it is meanwhile.
// Without scripts there is «Refresh».

const EVERY = 30_000;

let drawn = Date.now();

async function again() {
  const answer = await fetch(location.href, { headers: { accept: "text/html" }, signal: AbortSignal.timeout?.(EVERY) });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  // The link is over: the page that says so takes the place of this one.
  if (answer.status === 404) return location.reload();
  if (!answer.ok) return undefined;
  drawn = Date.now();
  // The head and the card alone, so that «Refresh» keeps the focus; the head only when it says something else, for it is read out.
  for (const part of [".page-head", ".card"]) {
    const [here, there] = [document.querySelector(part), page.querySelector(part)];
    if (there && !here?.isEqualNode(there)) here?.replaceChildren(...there.childNodes);
  }
  return undefined;
}

// Also while the network is away: the words are those of pages/track.rs.
function age() {
  const place = document.querySelector("[data-age]");
  if (!place) return;
  const minutes = Math.floor((Number(place.dataset.age) + (Date.now() - drawn) / 1000) / 60);
  const words = minutes < 1 ? "Less than a minute ago" : `About ${minutes} min ago`;
  if (place.textContent !== words) place.textContent = words;
}

async function look() {
  if (document.hidden) return;
  // A network that is away comes back.
  await again().catch(() => undefined);
  age();
}

if (document.querySelector("[data-track]")) {
  setInterval(look, EVERY);
  setInterval(age, 5_000);
  document.addEventListener("visibilitychange", look);
}
