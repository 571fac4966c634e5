// One line for each thing that was looked at: `ok what`, or `no what: why`. Whoever runs this reads the lines that aren't ok.

let failed = 0;
let passed = 0;

/** Says whether something is so. */
export function check(what, holds, why = "") {
  if (holds) {
    passed += 1;
    console.log(`ok ${what}`);
    return true;
  }
  failed += 1;
  console.log(`no ${what}${why ? `: ${why}` : ""}`.replaceAll("\n", " "));
  return false;
}

/** Runs a part; what it trips over is a failure of that part alone. */
export async function part(what, run) {
  try {
    await run();
  } catch (error) {
    check(what, false, String(error.message).split("\n").slice(0, 4).join(" "));
  }
}

/** The sum, and whether everything was so. */
export function sum() {
  console.log(`${failed ? "no" : "ok"} in all: ${passed} as it should be, ${failed} not`);
  return failed === 0;
}
