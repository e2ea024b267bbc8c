// Wakes the islands of a page: loads the one wasm module and hands each island's element to its function. Leptos'
// own loader waits for an idle moment; a ringing call does not.
const link = document.getElementById("islands");
const islands = document.querySelectorAll("leptos-island");
if (link && islands.length) {
  const mod = await import(link.href);
  await mod.default({ module_or_path: link.dataset.wasm });
  mod.hydrate();
  for (const element of islands) {
    const wake = mod[element.dataset.component];
    if (wake) await wake(element);
    else console.error(`the page and ${link.href} are of different builds: ${element.dataset.component} is missing`);
  }
}
