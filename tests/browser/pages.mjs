// Every page that has a GET line in policies/routes.txt, in each role that may ask for it, and the states that a page can
// be in: nothing yet, one, three hundred, no rights, signed out.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { judge } from "./judge.mjs";
import { check } from "./report.mjs";
import { Reader, here } from "./stage.mjs";

/** Who on the stage stands for a role. */
const PEOPLE = {
  teacher: "teacher",
  tutor: "tutor",
  head_of_sixth: "sixth",
  head: "head",
  attendance_officer: "officer",
  data_manager: "manager",
  dpo: "dpo",
  consortium_lead: "lead",
  technician: "technician",
};
/** Where the first address of a sort is found. */
const FOUND = {
  "/groups/{group}": async (reader) => (await reader.go("/groups")).path,
  "/learners/{learner}": async (reader) =>
    link(await reader.go(reader.word === "teacher" ? "/groups" : "/learners"), "/learners/"),
  "/learners/{learner}/report": async (reader) => (await link(await reader.go("/learners"), "/learners/")) + "/report",
  "/sharing/{partner}/{kind}": async () => "/sharing/northgate/attendance",
  "/unmatched/{match}": async (reader) => link(await reader.go("/unmatched"), "/unmatched/"),
  "/agreements/{hash}": async (reader) => link(await reader.go("/agreements"), "/agreements/"),
};
/** No pages: they lead elsewhere, or are for a browser to keep listening to. */
const NO_PAGE = ["/", "/assets/{name}", "/whereabouts/news", "/emergencies/news"];
/** Another institution's sign-in is another's page, and what leads to it needs one. */
const NOT_HERE = ["/sign-in", "/sign-in/{institution}", "/sign-in/{institution}/back", "/invited"];
const PAPER = ["/progress/paper", "/learners/{learner}/report", "/whereabouts/visitors/evacuation"];
/** Files to save, not pages to look at. */
const FILES = ["/whereabouts/codes/file"];

async function link(reader, begins) {
  return reader.page.locator(`main a[href^='${begins}']`).first().getAttribute("href");
}

function routes() {
  const text = readFileSync(join(here, "../../policies/routes.txt"), "utf8");
  const lines = text.split("\n").filter((line) => line.startsWith("GET "));
  return lines.map((line) => {
    const [route, who] = line.split("|").map((column) => column.trim());
    return { path: route.slice(4), who: who.split(", ") };
  });
}

/** A role's pages, one after the other in one browser. */
async function inRole(browser, role, paths) {
  const reader = await Reader.open(browser, PEOPLE[role]);
  await reader.signIn();
  for (const route of paths) {
    if (!FOUND[route] && route.includes("{")) {
      check(`${role} ${route}`, false, "say in tests/browser/pages.mjs where an address of this sort is found");
      continue;
    }
    const address = FOUND[route] ? await FOUND[route](reader) : route;
    if (PAPER.includes(route)) {
      const answer = await reader.context.request.get(reader.hub.address + address, { timeout: 10_000 });
      const begins = (await answer.body()).subarray(0, 5).toString();
      check(`${role} ${route}: a PDF`, answer.ok() && begins === "%PDF-", `${answer.status()} ${begins}`);
      continue;
    }
    if (FILES.includes(route)) {
      const answer = await reader.context.request.get(reader.hub.address + address);
      const kind = answer.headers()["content-type"] ?? "";
      check(`${role} ${route}: a file`, answer.ok() && kind.startsWith("text/csv"), `${answer.status()} ${kind}`);
      continue;
    }
    await reader.go(address);
    check(`${role} ${route}: is there`, reader.status === 200, `${reader.status} at ${address}`);
    await judge(reader, `${role} ${route}`, route);
  }
  await reader.close();
}

/** States of pages: a name, who looks, where, and what must be read there. */
const STATES = [
  ["visitors at a college", "host-officer", "/whereabouts/visitors", "visiting"],
  ["300 learners of one home", "fenwick-officer", "/whereabouts", "300 out at partners"],
  ["300 learners in a list", "fenwick-sixth", "/learners", "300 of your learners"],
  ["300 learners in a group", "lecturer", (reader) => link(reader, "/groups/"), "300 visit"],
  ["more than one group", "lecturer", "/groups", "of your groups"],
  ["a teacher of nothing", "new-teacher", "/groups", "No group is yours here yet"],
  ["one learner on the board", "hollin-officer", "/whereabouts", "1 out at partners"],
  ["one learner in a list", "hollin-sixth", "/learners", "1 of your learners"],
  ["a school's first day on the board", "new-officer", "/whereabouts", "Nobody is expected"],
  ["a school's first day in the list", "new-sixth", "/learners", "No placements yet"],
  ["a school's first day in the matrix", "new-manager", "/sharing", "None"],
  ["a school without an agent", "new-manager", "/agents", "No agent has joined"],
  ["a school without an agreement", "new-manager", "/agreements", "No agreement yet"],
  ["guests to settle", "host-manager", "/unmatched", "Unmatched"],
  ["an empty consortium's matrix", "manager", "/sharing", "No partners yet", "dawn"],
  ["an empty consortium's progress", "lead", "/progress", "No figures to show yet", "dawn"],
  ["an empty consortium's log", "manager", "/log", "Log", "dawn"],
  ["no such address", "officer", "/no/such/page", "There’s nothing here for you"],
  ["no rights", "teacher", "/whereabouts", "There’s nothing here for you"],
];

async function inState(browser, [name, word, where, says, hub = "day"]) {
  const reader = await Reader.open(browser, word, { hub });
  await reader.signIn();
  await reader.go(typeof where === "string" ? where : await where(reader));
  const text = await reader.text();
  check(`${name}: says so`, text.includes(says), `no “${says}” in ${text.slice(0, 300)}`);
  await judge(reader, name, name, name.startsWith("300")); // hundreds of rows of pages that are looked at in every way
  await reader.close();
}

async function strangers(browser) {
  const reader = await Reader.open(browser);
  await reader.go("/demo");
  await judge(reader, "demo sign-in");
  await reader.go("/sign-in");
  check("the demo's sign-in is its own", reader.path.startsWith("/demo"), reader.path);
  await reader.close();
}

/** A session that has ended leads to sign-in, and from there back to where one was. */
async function ended(browser) {
  const reader = await Reader.open(browser, "officer");
  await reader.signIn();
  // Away from the live page: it would notice by itself that its session is gone, and lead to sign-in at the same moment.
  await reader.go("/learners");
  await reader.context.clearCookies();
  await reader.go("/learners");
  check("a session that ended: leads to sign-in", reader.path === "/demo?to=%2Flearners", reader.path);
  await reader.page.locator("form[action='/demo']").nth(reader.hub.people.officer).getByRole("button").click();
  await reader.page.waitForURL("**/learners");
  check("a session that ended: and back to where one was", reader.path === "/learners", reader.path);
  await reader.close();
}

/** All of them, each with a name. */
export async function pages(browser) {
  const of = new Map();
  for (const { path, who } of routes()) {
    if (NO_PAGE.includes(path) || NOT_HERE.includes(path) || who.includes("anyone")) continue;
    const roles = who.includes("signed") ? Object.keys(PEOPLE) : who;
    for (const role of roles) of.set(role, [...(of.get(role) ?? []), path]);
  }
  return [
    ...[...of].map(([role, paths]) => [`pages of ${role}`, () => inRole(browser, role, paths)]),
    ...STATES.map((state) => [`state: ${state[0]}`, () => inState(browser, state)]),
    ["strangers", () => strangers(browser)],
    ["a session that ended", () => ended(browser)],
  ];
}
