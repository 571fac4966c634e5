// A journey for each kind of user, from sign-in to what they came for: what is on the page, and what must not be in its
// bytes. Each is gone with a script and without one; the officer's by keyboard alone, too.

import { judge } from "./judge.mjs";
import { check } from "./report.mjs";
import { Reader } from "./stage.mjs";

const has = async (reader, what, words) => {
  const text = await reader.text();
  for (const word of words) check(`${what}: “${word}”`, text.includes(word), `not in: ${text.slice(0, 600)}`);
};
const lacks = (reader, what, words) => {
  const came = reader.came();
  for (const word of words) check(`${what}: “${word}” isn't in its bytes`, !came.includes(word));
};
/** What another host wrote, and what learners' systems call them. */
const OTHER_HOST = ["proof by induction", "Left the room", "Further Math", "Hattie", "Castellane"];
const IDS = ["NR1", "NR4", "SR1", ">R1<", ">R4<"];
const NARRATIVE = ["gearbox", "proof by induction", "Left the room", "Second drawing", "gce-a-level"];
const LEARNERS = ["Leah", "Okonkwo", "Penhale", "Larkwhistle", "Oyelaran", "Ashgrove"];

async function teacher(browser, options) {
  const reader = await Reader.open(browser, "teacher", options);
  await reader.signIn();
  check("teacher: who has one group is taken to it", reader.path.startsWith("/groups/"), reader.path);
  await has(reader, "teacher's group", [
    "Engineering Level 3, group A", "13 visit from 3 schools", "09:00 to 10:30", "Room C12", "Leah", "Okonkwo",
    "reads lips", "First aid, then ring the student office", "01632 960 210", "Mags", "Why can I see this?",
  ]);
  const card = reader.page.locator(".person", { hasText: "Zac" });
  check("teacher's group: who was marked absent", (await card.innerText()).includes("Marked absent at 09:12"), await card.innerText());
  lacks(reader, "teacher's group", [...OTHER_HOST, ...IDS, "Ashgrove", "gearbox", "<script>"]);
  await reader.page.locator(".person", { hasText: "Leah" }).getByRole("link", { name: "Your marks and grades" }).click();
  await reader.page.waitForURL("**/learners/*");
  await has(reader, "what the teacher said of a visitor", ["Leah", "gearbox", "Engineering"]);
  lacks(reader, "what the teacher said of a visitor", [...OTHER_HOST, ...IDS]);
  await reader.page.getByLabel("What happened").fill(`Helped two others ${options ? "by hand" : "at the lathe"}.`);
  await has(reader, "before it is sent", ["Read at Ridgeway School by", "No other partner can"]);
  await reader.page.getByRole("button", { name: "Send to Ridgeway School" }).click();
  await reader.page.getByText(options ? "two others by hand" : "two others at the lathe").first().waitFor();
  await reader.close();
}

async function officer(browser, options) {
  // Each walk finds somebody else; Zac stays missing for all others who look.
  const name = options ? "Cal Frobisher" : "Tom Wieczorek";
  const reader = await Reader.open(browser, "officer", options);
  await reader.signIn();
  check("officer: comes for the board", reader.path === "/whereabouts", reader.path);
  await has(reader, "officer's board", ["learners to find", "Zac Penhale", name, "Northgate College", "01632 960 144", "C12"]);
  const { page } = reader;
  const alarm = page.locator(".alarms > li", { hasText: name });
  await alarm.getByRole("button", { name: "I’m on it" }).click();
  await page.waitForURL("**/whereabouts");
  await alarm.getByText("You took this at").waitFor();
  await alarm.locator("summary").click();
  await alarm.getByLabel("Where?").fill("In the library, with a note");
  await alarm.getByRole("button", { name: "Found there" }).click();
  await alarm.waitFor({ state: "detached" });
  const found = page.locator("#all tr", { hasText: name }).getByText("Found at");
  for (let looks = 0; looks < 8 && (await found.count()) === 0; looks += 1) {
    await page.waitForTimeout(200);
    await page.mouse.move(0, 0); // rows under the pointer are held still
    if (options) await page.reload();
  }
  check("officer's board afterwards: found, and where", (await found.count()) === 1);
  lacks(reader, "officer's board", [...NARRATIVE, ...IDS]);
  await reader.go("/learners");
  await page.getByRole("link", { name: "Leah Okonkwo" }).click();
  await page.waitForURL("**/learners/*");
  await has(reader, "officer at a learner", ["Attendance, every lesson by place", "Leah Okonkwo"]);
  lacks(reader, "officer at a learner", [...NARRATIVE, ...IDS]);
  await reader.close();
}

async function sixth(browser, options) {
  const reader = await Reader.open(browser, "sixth", options);
  await reader.signIn();
  check("head of sixth: comes for the learners", reader.path === "/learners", reader.path);
  await has(reader, "head of sixth's learners", ["11 of your learners are taught elsewhere", "Northgate College", "Leah Okonkwo"]);
  await reader.page.getByRole("link", { name: "Leah Okonkwo" }).click();
  await reader.page.waitForURL("**/learners/*");
  await has(reader, "a learner's page", [
    "Leah Okonkwo", "Timeline", "Attendance, every lesson by place", "Working at, against target", "gearbox",
    "proof by induction", "Further Mathematics", "How fresh this is", "Why can I see this?",
  ]);
  const bars = await reader.page.locator("svg.chart rect").count();
  check("a learner's page: plots have marks", bars > 10, `${bars} bars`);
  check("a learner's page: and a table behind each", (await reader.page.getByText("The same as a table").count()) >= 2);
  const title = await reader.page.title();
  check("a learner's page: no name in the title", !title.includes("Leah"), title);
  lacks(reader, "a learner's page", [...IDS, "Larkwhistle", "Ashgrove"]);
  await reader.close();
}

async function manager(browser, options) {
  const reader = await Reader.open(browser, "manager", options);
  const { page } = reader;
  await reader.signIn();
  check("data manager: comes for the matrix", reader.path === "/sharing", reader.path);
  await has(reader, "matrix", ["Who may see what", "Northgate College", "Never travels"]);
  await page.locator("a.cell[href^='/sharing/northgate/attendance']").first().click();
  await page.waitForURL("**/sharing/northgate/attendance*");
  await has(reader, "a cell of the matrix", ["shared-teaching", "Present or not"]);
  lacks(reader, "matrix", LEARNERS);
  await reader.go("/explain");
  await page.getByLabel("Who", { exact: true }).selectOption({ label: "Ridgeway School’s own system" });
  await page.getByLabel("Learner, by your id or the hub’s number").fill("R1");
  await page.getByRole("button", { name: "Explain" }).click();
  await page.locator(".verdict").first().waitFor();
  await has(reader, "an explanation", ["May see"]);
  if (!options?.javaScriptEnabled && options) await reader.close();
  else {
    await judge(reader, "data manager, an explanation");
    await reader.go("/explain");
    await page.getByLabel("Learner, by your id or the hub’s number").fill("nobody");
    await page.getByRole("button", { name: "Explain" }).click();
    await page.getByText("No such learner is yours").waitFor();
    await judge(reader, "data manager, a wrong field");
    await reader.close();
  }
}

async function verifies(browser, options) {
  const reader = await Reader.open(browser, "manager", options);
  const { page } = reader;
  await reader.signIn("/log");
  await has(reader, "log", ["Log", "Entries", "Signed in"]);
  await page.getByRole("navigation", { name: "Show" }).getByRole("link", { name: "Records" }).click();
  await page.getByText("Accepted").first().waitFor();
  lacks(reader, "log", LEARNERS);
  await page.locator("tbody th a").first().click();
  await page.getByText("Proved", { exact: true }).waitFor();
  if (!options) await judge(reader, "data manager, an entry's proof");
  await reader.go("/log");
  await page.getByRole("button", { name: "Verify the whole log" }).click({ noWaitAfter: true });
  await page.getByText("Verified to entry").waitFor({ timeout: 8000 }); // every entry is hashed anew
  await has(reader, "verifying", ["Checking the whole log, in front of you", "Nothing was changed, dropped or put in"]);
  if (!options) {
    await judge(reader, "data manager, the log verified");
    await reader.go("/log");
    await page.getByLabel("Learner, by your own id").fill("R1");
    await page.getByRole("button", { name: "Show who saw" }).click();
    await page.locator("h1", { hasText: "Who saw this learner" }).waitFor();
    await judge(reader, "data manager, who saw a learner");
    await reader.go("/agreements");
    await page.locator("main a[href^='/agreements/']").first().click();
    await page.getByRole("button", { name: "Try it" }).click({ noWaitAfter: true });
    await page.getByText("A trial: nothing has changed").waitFor({ timeout: 8000 }); // thirty days are decided anew
    await judge(reader, "data manager, a trial");
  }
  await reader.close();
}

/** A host asks a home who a guest is, the home answers without a script, the host undoes it. */
async function matches(browser) {
  const host = await Reader.open(browser, "host-manager");
  await host.signIn("/unmatched");
  await has(host, "a guest whom nobody has matched", ["Elowen Trevanion", "Taken from Ridgeway School"]);
  await judge(host, "data manager, a guest to ask about");
  await host.page.getByRole("button", { name: "Ask Ridgeway School" }).click();
  await host.page.getByText("Ridgeway School is asked.").waitFor();
  lacks(host, "the host's page", ["R40"]);
  const reader = await Reader.open(browser, "manager");
  await reader.signIn("/unmatched");
  await has(reader, "a host's question", ["Northgate College takes a guest who may be yours", "Elowen Trevanion"]);
  await judge(reader, "data manager, a question to answer");
  await reader.close();
  const home = await Reader.open(browser, "manager", { javaScriptEnabled: false });
  await home.signIn("/unmatched");
  await home.page.getByRole("radio", { name: "Elowen Trevanion" }).check();
  await home.page.getByRole("button", { name: "Answer" }).click();
  await home.page.getByText("Both offices said so").first().waitFor();
  lacks(home, "the home's page", ["NX1"]);
  await home.close();
  await host.go("/unmatched?of=NX1");
  await host.page.getByRole("link", { name: "Undo" }).click();
  await host.page.locator("h1", { hasText: "Undo the match of Elowen Trevanion?" }).waitFor();
  await judge(host, "data manager, an undo");
  await host.page.getByRole("button", { name: "Undo the match" }).click();
  await host.page.getByText("until somebody undid it").first().waitFor();
  lacks(host, "the host's pages", ["R40"]);
  await host.close();
}

async function lead(browser, options) {
  const reader = await Reader.open(browser, "lead", options);
  const { page } = reader;
  await reader.signIn();
  check("lead: comes for progress", reader.path === "/progress", reader.path);
  await has(reader, "progress", ["Attendance", "Northgate College", "St Aldhelm’s School", "What the figures mean", "Not a league table"]);
  for (const by of ["Course", "Week", "Home", "Site"]) {
    await page.getByRole("navigation", { name: "Group by" }).getByRole("link", { name: by }).click();
    await page.waitForURL(`**by=${by.toLowerCase()}`);
    await page.getByRole("heading", { name: `By ${by.toLowerCase()}`, exact: true }).waitFor();
  }
  await page.locator("table.data").last().getByRole("link", { name: "Northgate College" }).click();
  await page.waitForURL("**of=northgate*");
  lacks(reader, "progress", [...LEARNERS, "/learners/"]);
  const paper = await reader.context.request.get(`${reader.hub.address}/progress/paper`, { timeout: 10_000 });
  check("the paper opens as PDF", paper.headers()["content-type"] === "application/pdf", String(paper.status()));
  await reader.close();
}

/** The officer's whole journey without a mouse: from the list of people to a learner who is found. */
async function byKeyboard(browser) {
  const reader = await Reader.open(browser, "officer");
  const { page } = reader;
  const press = async (key) => page.keyboard.press(key);
  /** Tabs on until what has the focus says this; fails rather than going round. */
  const tabTo = async (words) => {
    for (let pressed = 0; pressed < 120; pressed += 1) {
      await press("Tab");
      const now = await page.evaluate(() => document.activeElement?.textContent?.trim() || document.activeElement?.id || "");
      if (now.includes(words)) return true;
    }
    throw new Error(`Tab doesn't come to “${words}”`);
  };
  await reader.go("/");
  await tabTo("Maya Petrossian");
  await press("Enter");
  await page.waitForURL("**/whereabouts");
  await press("Tab");
  const skip = await page.evaluate(() => document.activeElement?.textContent);
  check("keyboard: the first stop is the skip link", skip === "Skip to the page", skip);
  await press("Enter");
  const there = await page.evaluate(() => document.activeElement?.id);
  check("keyboard: it leads to the page", there === "page", there);
  const name = "Yusuf Demir";
  await tabTo(`I’m on it: ${name}`);
  await press("Enter");
  const alarm = page.locator(".alarms > li", { hasText: name });
  await alarm.getByText("You took this at").waitFor();
  await tabTo(`Found: ${name}`);
  await press("Enter");
  await press("Tab");
  await page.keyboard.type("At the bus stop");
  await press("Enter");
  await alarm.waitFor({ state: "detached" });
  check("keyboard: a learner is found without a mouse", true);
  await tabTo("Sign out");
  await press("Enter");
  await page.waitForURL("**/demo*");
  check("keyboard: and signed out", true);
  await reader.close();
}

/** All of them, each with a name. */
export function journeys(browser) {
  const plain = { javaScriptEnabled: false };
  const both = (name, run) => [
    [`journey: ${name}`, () => run(browser)],
    [`journey: ${name}, without a script`, () => run(browser, plain)],
  ];
  return [
    ...both("host teacher", teacher),
    ...both("home attendance officer", officer),
    ...both("head of sixth", sixth),
    ...both("data manager, who may see what", manager),
    ...both("data manager, the log", verifies),
    ["journey: data manager, a match", () => matches(browser)],
    ...both("consortium lead", lead),
    ["journey: officer by keyboard", () => byKeyboard(browser)],
  ];
}
