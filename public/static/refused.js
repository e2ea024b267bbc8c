// Whether a stream that was refused will be refused again, asked once instead of for ever: each refusal stands in the audit log.

/**
 * Asks a stream's door, and says on the page that its session or right is over (`http/shell.rs` draws it, hidden). False for
 * everything that may pass.
 */
export async function isOver(url) {
  const answer = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout?.(15_000) }).catch(() => undefined);
  // Nobody reads it: one that opens is closed again.
  answer?.body?.cancel().catch(() => {});
  if (answer?.status !== 401 && answer?.status !== 403) return false;
  const said = document.getElementById("signed-out");
  if (said) said.hidden = false;
  return true;
}

/** When to ask again for the `tries`th time: doubling to a minute, and not all pages at the same moment. */
export const pause = (tries) => Math.min(500 * 2 ** tries, 60_000) * (0.8 + 0.4 * Math.random());
