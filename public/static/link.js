// How a page's connection is: a word, which readers hear when it changes, and what counts on beside it in silence. The places are
// drawn by `server/pages/live_link.rs`; a page without them says nothing.

/** Silence after which a connection is late: servers are heard of every ten seconds. */
export const LATE = 13_000;
/** Silence after which it is opened anew: a line that was cut in the middle tells neither end. */
export const DEAF = 40_000;

/** What is back sooner was not lost: a stream ends at its time, and the browser comes back by itself. */
const BRIEF = 2_000;

const place = document.getElementById("link");
const parts = document.getElementById("link-parts");

export function say(tone, word, rest = "") {
  if (!place) return;
  const part = parts.querySelector(`.badge-${tone}`);
  if (place.className !== part.className) {
    place.className = part.className;
    place.firstElementChild.replaceWith(part.firstElementChild.cloneNode(true));
  }
  const [said, counted] = place.lastElementChild.children;
  if (said.textContent !== word) said.textContent = word;
  if (counted.textContent !== rest) counted.textContent = rest;
}

export const seconds = (since) => Math.floor((Date.now() - since) / 1000);

/** Whether it has been lost for so long, since then, that it is said. */
export const isLost = (since) => since > 0 && Date.now() - since >= BRIEF;
