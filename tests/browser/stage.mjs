// The browser, and somebody in it: signed in by the demo's own page, with every byte that came kept to be looked at.

import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const here = dirname(fileURLToPath(import.meta.url));
const tools = createRequire(join(here, "../tools/package.json"));

/** How long anything may take that a reader waits for. */
const WITHIN = 2000;
const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser"];

/** What the test that raised the hubs says of them. */
export const stage = JSON.parse(process.env.COMMONROLL_STAGE ?? "null");
export const axe = readFileSync(tools.resolve("axe-core/axe.min.js"), "utf8");

/** Starts the browser. */
export async function launch() {
  const { chromium } = tools("playwright-core");
  const found = [process.env.CHROMIUM, ...PLACES].find((place) => place && existsSync(place));
  if (!found) throw new Error("Chromium is missing: apt-get install chromium");
  // The sandbox needs a user other than root; what is looked at is our own.
  return chromium.launch({ executablePath: found, args: ["--no-sandbox", "--font-render-hinting=none"] });
}

/** A reader: a browser of their own, at one of the hubs. */
export class Reader {
  /** `word` names a person of the stage; `options` are the browser's, such as `javaScriptEnabled`. */
  static async open(browser, word = "", { hub = "day", ...options } = {}) {
    const context = await browser.newContext({
      ignoreHTTPSErrors: true, // the hub's own authority; what clients make of it is tested elsewhere
      locale: "en-GB",
      timezoneId: "Europe/London",
      viewport: { width: 1440, height: 900 },
      reducedMotion: "reduce",
      ...options,
    });
    context.setDefaultTimeout(WITHIN);
    const reader = new Reader(context, await context.newPage(), stage[hub], word);
    if (process.env.COMMONROLL_ASSETS) await reader.asOnDisk(process.env.COMMONROLL_ASSETS);
    reader.listen();
    return reader;
  }

  constructor(context, page, hub, word) {
    Object.assign(this, { context, page, hub, word });
    this.bytes = [];
    this.faults = [];
    this.sizes = new Map();
    this.status = 0;
  }

  /** Styles from the working tree in place of those built in: for whoever works on them. */
  async asOnDisk(folder) {
    await this.context.route(/\/assets\/[0-9a-f]+-/, (route) => {
      const name = new URL(route.request().url()).pathname.replace(/^\/assets\/[0-9a-f]+-/, "");
      return route.fulfill({ path: join(folder, name) });
    });
  }

  listen() {
    this.page.on("console", (line) => {
      // A page that says no is told as a failed load, too.
      if (line.type() === "error" && !line.text().startsWith("Failed to load resource")) this.faults.push(line.text());
    });
    this.page.on("pageerror", (error) => this.faults.push(error.message));
    this.page.on("response", async (answer) => {
      const kind = answer.request().resourceType();
      if (!["document", "stylesheet", "script", "fetch"].includes(kind)) return;
      try {
        const body = await answer.body();
        this.sizes.set(answer.url(), body.length);
        if (kind === "document" || kind === "fetch") this.bytes.push(body.toString("utf8"));
      } catch {
        // A redirect has no body, and a stream of updates no end.
      }
    });
  }

  async go(path) {
    const answer = await this.page.goto(this.hub.address + path, { timeout: 2 * WITHIN });
    this.status = answer?.status() ?? 0;
    return this;
  }

  /** From the first page to the one that the person comes for. */
  async signIn(to = "/") {
    await this.go(to);
    const place = this.hub.people[this.word];
    if (place === undefined) throw new Error(`nobody on the stage is ${this.word}`);
    await this.page.locator("form[action='/demo']").nth(place).getByRole("button").click();
    await this.page.waitForLoadState();
    return this;
  }

  get path() {
    return this.page.url().slice(this.hub.address.length);
  }

  /** What is on the page, as it is read. */
  async text() {
    return (await this.page.locator("body").innerText()).replace(/\s+/g, " ");
  }

  /** Everything that came since the last time it was asked, as one text. */
  came() {
    const all = this.bytes.join("\n");
    this.bytes = [];
    return all;
  }

  /** HTML, styles and script of the page, in bytes. */
  async size() {
    const parts = await this.page.evaluate(() =>
      [...document.querySelectorAll("link[rel=stylesheet], script[src]")].map((one) => one.href || one.src));
    const html = await this.page.evaluate(() => document.documentElement.outerHTML.length);
    return html + parts.reduce((sum, one) => sum + (this.sizes.get(one) ?? 0), 0);
  }

  async close() {
    await this.context.close();
  }
}
