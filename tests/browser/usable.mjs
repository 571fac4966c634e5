// How soon the page that each kind of user lands on can be used, from the first byte asked for to everything loaded and
// painted, with nothing in the browser's cache.
//
// The bar is the product's, a second. What else a test machine does is not the page's: of a few times the best counts, before
// anything else runs in the browser. The figures are printed.

import { check } from "./report.mjs";
import { Reader } from "./stage.mjs";

const LIMIT = 1000;
const TIMES = 3;
/** Everybody who lands somewhere, and the officer of 300. */
const WHO = [
  "teacher", "tutor", "sixth", "head", "officer", "manager", "dpo", "lead", "technician", "fenwick-officer", "fenwick-sixth",
];

/** Milliseconds from asking until the page is loaded and painted. */
function loaded(page) {
  return page.evaluate(() => new Promise((done) => {
    const asked = performance.getEntriesByType("navigation")[0];
    const painted = () => performance.getEntriesByName("first-contentful-paint")[0];
    const look = () => {
      if (asked.loadEventEnd > 0 && painted()) done(Math.max(asked.loadEventEnd, painted().startTime));
      else setTimeout(look, 20);
    };
    look();
  }));
}

async function landing(browser, word) {
  const signed = await Reader.open(browser, word);
  await signed.signIn();
  const { path, hub } = signed;
  // Given by address, a cookie stays bound to its host, as the name of the session's says that it must.
  const cookies = (await signed.context.cookies()).map(({ name, value, httpOnly, secure, sameSite }) =>
    ({ name, value, httpOnly, secure, sameSite, url: hub.address }));
  await signed.close();
  const times = [];
  for (let turn = 0; turn < TIMES; turn += 1) {
    const reader = await Reader.open(browser, word);
    await reader.context.addCookies(cookies);
    await reader.go("/");
    times.push(Math.round(await loaded(reader.page)));
    check(`usable: ${word} lands where they did`, reader.path === path, `${reader.path}, not ${path}`);
    await reader.close();
  }
  const best = Math.min(...times);
  check(`usable: ${word}, ${path.replace(/[^/]{20,}/, "…")}: ${best} ms of ${LIMIT}`, best <= LIMIT, `${times.join(", ")} ms`);
}

export async function usable(browser) {
  for (const word of WHO) await landing(browser, word);
}
