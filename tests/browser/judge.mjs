// What must hold on every page: axe finds nothing however it is looked at, nothing spills, every control is reached by
// keyboard and shows that it is, and all of it is small.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { check } from "./report.mjs";
import { axe, here } from "./stage.mjs";

/** Bytes of HTML, styles and script. */
const LIMIT = 200_000;
/** Steps of the Tab key on one page at most, and how many of them go to parts of one field. */
const [MOST, SLACK] = [90, 6];
const TAGS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"];
/** The rules that a colour can break: what a scheme changes. Everything else is the same in each of them. */
const COLOURS = ["color-contrast", "link-in-text-block"];
/** A picture of a long page is waited for by nobody but us. */
const PICTURE = 10_000;
const PLAIN = { colorScheme: "light", contrast: "no-preference", forcedColors: "none", media: "screen" };
const SCHEMES = {
  light: PLAIN,
  dark: { ...PLAIN, colorScheme: "dark" },
  contrast: { ...PLAIN, contrast: "more" },
  "dark contrast": { ...PLAIN, colorScheme: "dark", contrast: "more" },
  forced: { ...PLAIN, forcedColors: "active" },
};
const WIDE = { width: 1440, height: 900 };
const NARROW = { width: 320, height: 640 };

export const screens = join(process.env.CARGO_TARGET_DIR ?? join(here, "../../target"), "screens");
mkdirSync(screens, { recursive: true });

async function look(page, what, colours) {
  const found = await page.evaluate(
    async ({ tags, colours }) => {
      const rules = { "target-size": { enabled: true } };
      const runOnly = colours ? { type: "rule", values: colours } : { type: "tag", values: tags };
      const result = await window.axe.run(document, { runOnly, ...(colours ? {} : { rules }), resultTypes: ["violations"] });
      return result.violations.map((one) => `${one.id} at ${one.nodes.map((node) => `${node.target.join(" ")} (${
        (node.any[0] ?? node.all[0] ?? node.none[0])?.message ?? ""})`).slice(0, 4).join("; ")}`);
    },
    { tags: TAGS, colours },
  );
  check(`axe, ${what}`, found.length === 0, found.join(" | "));
}

/** How far the page is wider than its window, and what sticks out. */
async function spills(page) {
  return page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return "";
    const boxed = (one) => one.closest(".scroll, .wide-chart, .nav, .sr, svg");
    const wide = [...document.body.querySelectorAll("*")].filter((one) => !boxed(one) && one.getBoundingClientRect().right > width + 1);
    return wide.slice(-3).map((one) => `${one.tagName}.${one.className}`).join(", ") || "something";
  });
}

/** Walks the page with the Tab key; names what it doesn't reach, or what doesn't show that it is reached. */
async function walk(page) {
  const wanted = await page.evaluate(() => {
    const all = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")];
    const open = all.filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.disabled);
    // Of a group of radio buttons, Tab reaches the one that is chosen.
    const own = open.filter((one) => one.type !== "radio" || one.checked);
    own.forEach((one, place) => { one.dataset.walk = place; });
    window.walked = new Set();
    window.unseen = [];
    document.addEventListener("focusin", ({ target }) => {
      if (target.dataset.walk === undefined) return;
      window.walked.add(target.dataset.walk);
      const style = getComputedStyle(target);
      const box = target.getBoundingClientRect();
      const drawn = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
      if (!drawn || box.bottom < 0 || box.top > innerHeight) window.unseen.push(target.dataset.walk);
    });
    document.activeElement?.blur();
    return own.length;
  });
  // A date has several stops of its own; a page of hundreds is walked at its beginning.
  for (let pressed = 0; pressed < Math.min(wanted + SLACK, MOST); pressed += 1) await page.keyboard.press("Tab");
  return page.evaluate((most) => {
    const name = (one) => `${one.tagName} “${(one.textContent || one.name || "").trim().slice(0, 30)}”`;
    const all = [...document.querySelectorAll("[data-walk]")].slice(0, most);
    const missed = all.filter((one) => !window.walked.has(one.dataset.walk)).map((one) => `${name(one)} isn't reached`);
    const dark = all.filter((one) => window.unseen.includes(one.dataset.walk)).map((one) => `${name(one)} doesn't show it`);
    return [...missed, ...dark];
  }, MOST - SLACK);
}

/** Routes that were looked at in every way; in a further role they are looked at in light alone. */
const judged = new Set();

/** Judges the page that a reader has open, and keeps its pictures; in light alone if that is all there is to tell. */
export async function judge(reader, name, route = name, light = false) {
  const { page } = reader;
  const again = light || judged.has(route);
  judged.add(route);
  const file = (how) => join(screens, `${name.replace(/[^a-z0-9]+/gi, "-").replace(/-$/, "")}--${how.replace(" ", "-")}.png`);
  check(`${name}: nothing in the console`, reader.faults.length === 0, reader.faults.join("; "));
  reader.faults = [];
  const size = await reader.size();
  check(`${name}: at most 200 kB`, size <= LIMIT, `${size} bytes`);
  const heads = await page.locator("h1").count();
  check(`${name}: one heading says what it is`, heads === 1, `${heads} of them`);
  await page.emulateMedia(SCHEMES.light);
  const unreached = await walk(page);
  check(`${name}: the Tab key reaches every control, and it shows`, unreached.length === 0, unreached.join("; "));
  await page.evaluate(() => { document.activeElement?.blur(); scrollTo(0, 0); });
  await page.evaluate(axe);
  for (const [width, viewport] of [["1440", WIDE], ["320", NARROW]]) {
    await page.setViewportSize(viewport);
    for (const [scheme, media] of Object.entries(again ? { light: SCHEMES.light } : SCHEMES)) {
      await page.emulateMedia(media);
      await look(page, `${name}, ${scheme}, ${width} px`, scheme === "light" ? null : COLOURS);
      if (scheme === "light") {
        const wide = await spills(page);
        check(`${name}: doesn't scroll sideways at ${width} px`, wide === "", wide);
      }
      if (scheme === "light" || (scheme === "dark" && width === "1440")) {
        await page.screenshot({ path: file(`${scheme} ${width}`), fullPage: true, timeout: PICTURE });
      }
    }
  }
  if (!again) {
    await page.setViewportSize({ width: 700, height: 990 });
    await page.emulateMedia({ ...SCHEMES.light, media: "print" });
    await page.screenshot({ path: file("print"), fullPage: true, timeout: PICTURE });
  }
  await page.emulateMedia(SCHEMES.light);
  await page.setViewportSize(WIDE);
}
