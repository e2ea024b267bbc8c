// Wakes the islands of a page: loads the one wasm module and hands each island's element to its function. Leptos'
// own loader waits for an idle moment; a ringing call does not.
const link = document.getElementById("islands");
const islands = document.querySelectorAll("leptos-island");
if (link && islands.length) {
  const mod = await import(link.href);
  await mod.default({ module_or_path: link.dataset.wasm });
  mod.hydrate();
  for (const element of islands) await mod[element.dataset.component]?.(element);
}
