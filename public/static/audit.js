// The audit log's page, with scripts: says how many entries have come since it was loaded, and never moves a row. And a
// button that copies the link of the entry beside the list. Without scripts there are «Refresh» and the link itself.

const FIRST = 10_000;
const SLOWEST = 60_000;
const LONGEST = 30 * 60_000;

const news = document.querySelector("[data-news]");

async function ask() {
  const answer = await fetch("/api/audit/news", {
    method: "POST",
    headers: { accept: "application/json", "content-type": "text/plain" },
    body: news.dataset.news,
  });
  return answer.ok ? answer.json() : undefined;
}

// Slower with time, not while nobody looks, and not for ever: a page that was left open keeps nobody signed in.
async function watch() {
  const begin = Date.now();
  for (let pause = FIRST; Date.now() - begin < LONGEST; pause = Math.min(pause * 1.2, SLOWEST)) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    if (document.hidden) continue;
    const found = await ask().catch(() => undefined);
    if (!found) return;
    if (found.count === 0) continue;
    const link = news.querySelector("a");
    link.querySelector("span").textContent = `${found.count}${found.more ? "+" : ""} new: show them`;
    link.hidden = false;
  }
}

if (news) watch();

for (const text of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) break;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-quiet btn-small";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text.textContent);
    button.textContent = "Copied";
  });
  text.after(button);
}
