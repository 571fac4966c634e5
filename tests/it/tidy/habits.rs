//! Habits of the sources: headers, no loose ends, portable agents, nothing of anybody's own machine.

use super::source::{code_only, unix_only};
use crate::outside::{kept_files, text};

fn rust_files() -> impl Iterator<Item = &'static String> {
    kept_files()
        .iter()
        .filter(|file| file.ends_with(".rs") && (file.starts_with("crates/") || file.starts_with("tests/")))
}

fn none(found: &[String], what: &str) {
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

/// The line of a byte, counted from 1.
fn line(source: &str, at: usize) -> usize {
    source[..at].matches('\n').count() + 1
}

#[test]
fn every_file_begins_by_saying_what_it_is() {
    let bare: Vec<String> = rust_files().filter(|file| !text(file).starts_with("//! ")).cloned().collect();
    none(&bare, "no `//!` header");
}

#[test]
fn nothing_is_left_open_and_no_test_is_skipped() {
    const OPEN: [&str; 6] = ["#[ignore", "todo!", "unimplemented!", "#[allow", "#![allow", "dbg!"];
    let mut found = Vec::new();
    for file in rust_files() {
        let code = code_only(&text(file));
        for open in OPEN {
            found.extend(
                code.match_indices(open).map(|(at, _)| format!("{file}:{}: {open}", line(&code, at))),
            );
        }
    }
    none(&found, "left open");
}

#[test]
fn the_agent_and_its_connectors_call_unix_only_behind_a_cfg() {
    const UNIX: [&str; 8] = [
        "std::os::unix",
        "os::unix",
        "os::linux",
        "PermissionsExt",
        "MetadataExt",
        "libc::",
        "nix::",
        "signal::unix",
    ];
    let mut found = Vec::new();
    let portable = ["crates/agent/src/", "crates/connectors/src/", "crates/commonroll/src/"];
    for file in rust_files().filter(|file| portable.iter().any(|folder| file.starts_with(folder))) {
        let code = code_only(&text(file));
        let fenced = unix_only(&code);
        for call in UNIX {
            let bare =
                code.match_indices(call).filter(|(at, _)| !fenced.iter().any(|range| range.contains(at)));
            found.extend(bare.map(|(at, _)| format!("{file}:{}: {call}", line(&code, at))));
        }
    }
    none(&found, "schools run Windows; only inside `#[cfg(unix)]`");
}

#[test]
fn no_test_sleeps_for_more_than_two_seconds() {
    let mut found = Vec::new();
    for file in rust_files().filter(|file| file.contains("tests/") || file.ends_with("tests.rs")) {
        let code = code_only(&text(file));
        for (at, _) in code.match_indices("sleep(") {
            let asked =
                code[at..].split(';').next().unwrap().split_once("from_secs(").map_or("0", |(_, rest)| rest);
            let seconds: u64 = asked.split(')').next().unwrap().trim().parse().unwrap_or(0);
            if seconds > 2 {
                found.push(format!("{file}:{}", line(&code, at)));
            }
        }
    }
    none(&found, "wait for what must happen, not for time to pass");
}

#[test]
fn no_file_speaks_of_somebodys_own_machine() {
    let machine = ["home", "root", "work", "Users"].map(|folder| format!("/{folder}/"));
    let mut found = Vec::new();
    for file in kept_files() {
        let Ok(text) = std::fs::read_to_string(crate::outside::top().join(file)) else { continue };
        if file.starts_with("tests/real/") {
            continue; // other people's files, kept byte for byte
        }
        for (number, line) in (1..).zip(text.lines()) {
            // An address such as https://example.org/home/ is nobody's folder.
            let paths = line.split(|c: char| c.is_whitespace() || "\"'`(=,:".contains(c));
            if paths.into_iter().any(|word| machine.iter().any(|folder| word.starts_with(folder.as_str()))) {
                found.push(format!("{file}:{number}"));
            }
        }
    }
    none(&found, "paths of a machine");
}

#[test]
fn a_document_that_another_one_points_to_is_there() {
    let mut gone = Vec::new();
    for file in kept_files().iter().filter(|file| file.ends_with(".md")) {
        let folder = std::path::Path::new(file).parent().unwrap();
        for target in text(file).split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            let outside = target.is_empty() || target.contains("://") || target.starts_with("mailto:");
            if !outside && !crate::outside::top().join(folder).join(target).exists() {
                gone.push(format!("{file}: {target}"));
            }
        }
    }
    none(&gone, "links that lead nowhere");
}

#[test]
fn the_folders_at_the_top_are_those_of_the_map() {
    let mut folders: Vec<&str> =
        kept_files().iter().filter_map(|file| file.split_once('/')).map(|(top, _)| top).collect();
    folders.dedup();
    folders.retain(|folder| !folder.starts_with('.'));
    folders.sort_unstable();
    assert_eq!(folders, ["crates", "deploy", "policies", "proto", "tests"]);
}
