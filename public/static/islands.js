// Wakes the islands of a page: loads the one wasm module and hands each island's element to its function. Leptos'
// own loader waits for an idle moment; a ringing call does not. Then opens the connection that they live by.
import { begin } from "/static/live.js";

const link = document.getElementById("islands");
const islands = document.querySelectorAll("leptos-island");

async function wake() {
  const mod = await import(link.href);
  await mod.default({ module_or_path: link.dataset.wasm });
  mod.hydrate();
  for (const element of islands) {
    const one = mod[element.dataset.component];
    if (one) await one(element);
    else console.error(`the page and ${link.href} are of different builds: ${element.dataset.component} is missing`);
  }
}

// Whatever else on the page lives by the connection does so in a browser that cannot wake islands, too.
if (link && islands.length) await wake().finally(begin);
