// The console in a real browser, against the hubs that `crates/hub/tests/browser` raises: `cargo test --test browser`.
//
// COMMONROLL_HOLD=FILE keeps the hubs up instead, until the file is gone, and writes what this needs into it. Then
// COMMONROLL_STAGE="$(cat FILE)" COMMONROLL_ASSETS=crates/hub/assets node tests/browser/run.mjs [part of a name]...
// looks at the pages as often as one likes, with the styles as they are on disk.

import { existsSync, writeFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { journeys } from "./journeys.mjs";
import { outside } from "./outside.mjs";
import { pages } from "./pages.mjs";
import { part, sum } from "./report.mjs";
import { launch } from "./stage.mjs";
import { usable } from "./usable.mjs";

const hold = process.env.COMMONROLL_HOLD;
if (hold) {
  writeFileSync(hold, process.env.COMMONROLL_STAGE);
  while (existsSync(hold)) await setTimeout(500);
  process.exit(0);
}

const begun = performance.now();
const browser = await launch();
const wanted = process.argv.slice(2);
if (wanted.length === 0 || wanted.includes("usable")) await part("usable", () => usable(browser));
const all = [...journeys(browser), ...outside(browser), ...(await pages(browser))]
  .filter(([name]) => wanted.length === 0 || wanted.some((word) => name.includes(word)));
// Two at a time: as many as the smallest machine has processors.
const line = async () => {
  for (let next = all.shift(); next; next = all.shift()) {
    const [name, run] = next;
    const from = performance.now();
    await part(name, run);
    console.log(`ok took ${((performance.now() - from) / 1000).toFixed(1)} s: ${name}`);
  }
};
await Promise.all([line(), line()]);
await browser.close();
console.log(`ok done after ${((performance.now() - begun) / 1000).toFixed(1)} s`);
process.exit(sum() ? 0 : 1);
