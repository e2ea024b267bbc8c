// Whether everybody can read a page: what axe finds of WCAG 2.2 A and AA, and what sticks out sideways, in light and dark, wide
// and on a phone; each with a screenshot in results/.

import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { results } from "./kit.mjs";

const OPTIONS = {
  runOnly: { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] },
  // Part of wcag22aa, but off unless asked for.
  rules: { "target-size": { enabled: true } },
  resultTypes: ["violations"],
};
const SIZES = [[1440, 900], [390, 844]];

/**
 * What axe finds in this page, as text. Axe is half a megabyte, and reading it takes longer than its work: it comes into a page
 * once, not for each look as `AxeBuilder.analyze` does. There are no frames, for which that would be needed.
 */
async function findings(tab) {
  if (!(await tab.evaluate(() => "axe" in window))) await tab.evaluate(new AxeBuilder({ page: tab }).script());
  const violations = await tab.evaluate((options) => window.axe.run(document, options).then((found) => found.violations), OPTIONS);
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map((node) => `${id}: ${help}\n      ${node.html.slice(0, 200)}\n      ${node.failureSummary?.replaceAll("\n", "\n      ")}`),
  );
}

/** What reaches beyond the window, where the page as a whole can be moved sideways. */
const sticksOut = (tab) =>
  tab.evaluate(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width && document.body.scrollWidth <= width) return [];
    const wide = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > width + 1);
    return wide.slice(0, 5).map((e) => `sticks out: ${e.outerHTML.slice(0, 120)}`);
  });

/** Looks at the page in this tab four times: all that is wrong with it. `prepare`: called before each look. */
export async function examine(tab, name, { prepare } = {}) {
  const [before, problems] = [tab.viewportSize(), []];
  for (const [width, height] of SIZES) {
    await tab.setViewportSize({ width, height });
    for (const colorScheme of ["light", "dark"]) {
      const variant = `${name}-${colorScheme}-${width}`;
      await tab.emulateMedia({ colorScheme });
      await prepare?.(tab, width);
      // As JPEG, which is made in half the time: there are hundreds.
      await tab.screenshot({ path: join(results, `${variant}.jpg`), type: "jpeg", quality: 80, fullPage: true });
      // Where a link leads into the middle of a page, what lies under its head is not there to be touched.
      await tab.evaluate(() => scrollTo(0, 0));
      for (const text of [...(await findings(tab)), ...(await sticksOut(tab))]) problems.push(`${variant}: ${text}`);
    }
  }
  await tab.emulateMedia({ colorScheme: "light" });
  await tab.setViewportSize(before);
  return problems;
}
