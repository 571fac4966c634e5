//! The console in a real browser: a consortium on a Tuesday at 09:40, and `tests/browser` at its HTTPS pages.
//!
//! A program of its own, so that no other test runs beside it: a browser takes all the processors that there are, and
//! both sides say how long anything may take. What is on the pages in bytes is tested in `it`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should fail where it stands")]

#[expect(dead_code, reason = "most of the kit is for other tests")]
#[path = "../it/kit.rs"]
mod kit;
#[path = "../it/school.rs"]
mod school;

mod again;
mod people;
mod stage;

use std::{path::Path, process::Stdio, time::Duration};
use tokio::process::Command;

/// How long a browser may take for all of it; without end for whoever holds the hubs up to work on pages.
fn within() -> Duration {
    match std::env::var_os("COMMONROLL_HOLD") {
        Some(_) => Duration::from_secs(86_400),
        None => Duration::from_secs(420),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_kind_of_user_gets_what_they_came_for_in_a_real_browser() {
    let stage = stage::raise().await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/browser/run.mjs");
    let run = Command::new("node")
        .arg(script)
        .env("COMMONROLL_STAGE", stage.told.to_string())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let run = tokio::time::timeout(within(), run).await.expect("the browser is done in time");
    let run = run.expect("node is installed: apt-get install nodejs");
    let (said, wrong) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    println!("{said}\n{wrong}");
    let failed: Vec<&str> = said.lines().filter(|line| !line.starts_with("ok ")).collect();
    assert!(run.status.success(), "in the browser:\n{}\n{wrong}", failed.join("\n"));
}
