//! `demo --once` with nothing else: the made consortium's day, played by real processes to its end.

use crate::outside::commonroll;
use std::process::{Command, Stdio};

/// The number in the summary's line of this name.
fn told(summary: &str, name: &str) -> u64 {
    let line = summary.lines().find_map(|line| line.trim_start().strip_prefix(name));
    let line = line.unwrap_or_else(|| panic!("the summary has no line `{name}`: {summary}"));
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn the_made_day_ends_with_every_expected_record_where_it_belongs() {
    let kept = tempfile::tempdir().unwrap();
    let mut demo = Command::new(commonroll());
    demo.args(["demo", "--once", "--speed", "20", "--dir"]).arg(kept.path().join("demo"));
    let output = demo.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let (_, summary) = said.split_once("The day is over").expect("a summary");
    assert!(summary.contains("every expected record arrived once, and nothing else did"), "{summary}");
    let expected = told(summary, "expected by the day itself");
    assert!(expected > 1_000, "a whole school day: {summary}");
    assert_eq!(told(summary, "written back and standing"), expected);
    assert!(told(summary, "accepted into the log") > expected, "corrections are records too: {summary}");
    assert!(told(summary, "refused") >= 4 && summary.contains("no_placement 3"), "{summary}");
    assert!(summary.contains("payloads, all sound"), "the log was verified: {summary}");
}
