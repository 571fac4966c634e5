// What goes wrong outside the pages: the hub is stopped and comes back while a board is open, and an institution's own
// sign-in doesn't answer.

import { connect } from "node:net";
import { judge } from "./judge.mjs";
import { check } from "./report.mjs";
import { Reader, stage } from "./stage.mjs";

/** Has the test that raised the hubs stop one of them, or start it. */
function order(word) {
  return new Promise((done, failed) => {
    const socket = connect(stage.again.orders, "127.0.0.1", () => socket.write(`${word}\n`));
    socket.on("data", () => { socket.end(); done(); });
    socket.on("error", failed);
  });
}

async function restarting(browser) {
  const reader = await Reader.open(browser, "officer", { hub: "again" });
  const { page } = reader;
  const [live, lost] = [page.locator("#live"), page.locator("#lost")];
  await reader.signIn("/whereabouts");
  await live.getByText("Live, ").waitFor();
  check("hub restarting: nothing is said while it runs", (await lost.innerText()) === "", await lost.innerText());
  await order("down");
  await lost.getByText("The hub doesn’t answer").waitFor();
  await live.getByText("Not live since").waitFor();
  check("hub restarting: what was there stays", (await page.locator("h1").count()) === 1);
  await judge(reader, "hub restarting");
  await order("up");
  await live.getByText("Live, ").waitFor({ timeout: 5000 }); // it asks each second
  check("hub restarting: and comes back by itself", (await lost.innerText()) === "", await lost.innerText());
  check("hub restarting: nobody is signed out", reader.path === "/whereabouts", reader.path);
  await reader.go("/account");
  check("hub restarting: and other pages are there", reader.status === 200, String(reader.status));
  await reader.close();
}

async function shutOut(browser, options) {
  const how = options ? ", without a script" : "";
  const reader = await Reader.open(browser, "", { hub: "shut", ...options });
  await reader.go("/whereabouts");
  check(`provider down${how}: the way in is shown`, reader.path === "/sign-in?to=%2Fwhereabouts", reader.path);
  if (!options) await judge(reader, "sign-in");
  await reader.page.getByRole("link", { name: "Ridgeway School" }).click();
  await reader.page.getByText("doesn’t answer").first().waitFor();
  const text = await reader.text();
  for (const says of ["Whoever is signed in goes on working", "ring the school’s office"]) {
    check(`provider down${how}: “${says}”`, text.includes(says), text.slice(0, 300));
  }
  if (!options) await judge(reader, "provider down");
  await reader.page.getByRole("link", { name: "Try again" }).click();
  await reader.page.getByRole("heading", { name: "Where do you work or study?" }).waitFor();
  await reader.close();
}

/** All of them, each with a name. */
export function outside(browser) {
  return [
    ["state: hub restarting", () => restarting(browser)],
    ["state: provider down", () => shutOut(browser)],
    ["state: provider down, without a script", () => shutOut(browser, { javaScriptEnabled: false })],
  ];
}
