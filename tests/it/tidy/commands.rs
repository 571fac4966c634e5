//! Every command that a README shows is there, and every command there is has its line in README.

use crate::outside::{commonroll, kept_files, printed, text, top};
use std::process::Command;

/// Command lines in a page's code blocks and code spans, without prompts, comments and what follows a pipe.
fn shown(page: &str) -> Vec<Vec<String>> {
    let mut lines: Vec<&str> = Vec::new();
    for (number, part) in page.split("```").enumerate() {
        match number % 2 {
            1 => lines.extend(part.lines()),
            _ => lines.extend(part.split('`').skip(1).step_by(2)),
        }
    }
    let bare = lines.iter().map(|line| line.trim().trim_start_matches("$ ").split(" #").next().unwrap());
    let single =
        bare.flat_map(|line| line.split(" && ")).map(|part| part.split([';', '|', '>']).next().unwrap());
    let words = single.map(|line| line.split_whitespace().map(str::to_owned).collect());
    words.filter(|words: &Vec<String>| !words.is_empty()).collect()
}

/// Every page beside the code it speaks of.
fn pages() -> impl Iterator<Item = &'static String> {
    kept_files().iter().filter(|file| file.ends_with("README.md"))
}

/// The arguments of a `commonroll` command line, however it is started.
fn arguments(words: &[String]) -> Option<&[String]> {
    let words = match words.first()?.as_str() {
        "sudo" => words.get(words.iter().position(|word| word.ends_with("commonroll"))?..)?,
        _ => words,
    };
    match words.first()?.as_str() {
        "cargo" if words.get(1)? == "demo" => Some(&words[1..]),
        program if program == "commonroll" || program.ends_with("/commonroll") => Some(&words[1..]),
        _ => None,
    }
}

#[test]
fn every_command_that_a_page_shows_exists() {
    for page in pages() {
        shown(&text(page)).iter().filter_map(|words| arguments(words)).for_each(|words| exists(page, words));
    }
}

#[test]
fn every_command_has_its_line_in_the_readme() {
    let shown = shown(&text("README.md"));
    let lines: Vec<&[String]> = shown.iter().filter_map(|words| arguments(words)).collect();
    let mut pages: Vec<Vec<String>> = vec![Vec::new()];
    while let Some(command) = pages.pop() {
        let below: Vec<String> = commands(&help(&command)).map(str::to_owned).collect();
        let told = lines.iter().any(|words| words.starts_with(&command));
        assert!(!below.is_empty() || told, "README has no line for `commonroll {}`", command.join(" "));
        pages.extend(below.into_iter().map(|name| [command.clone(), vec![name]].concat()));
    }
}

/// Walks down the help pages as far as the words are commands; the flags must be on the last page.
fn exists(of: &str, words: &[String]) {
    let mut page = help(&[]);
    let mut depth = 0;
    while depth < words.len() && commands(&page).any(|name| name == words[depth]) {
        depth += 1;
        page = help(&words[..depth]);
    }
    let line = words.join(" ");
    let open = depth < words.len() && commands(&page).next().is_some() && !words[depth].starts_with("--");
    assert!(!open, "{of} shows `commonroll {line}`, which is no command");
    for flag in words[depth..].iter().filter(|word| word.starts_with("--")) {
        let flag = flag.split('=').next().unwrap();
        let there = page.split(|c: char| c.is_whitespace() || ",[]".contains(c)).any(|word| word == flag);
        assert!(there, "{of} shows `commonroll {line}`, which has no {flag}");
    }
}

fn help(command: &[String]) -> String {
    printed(Command::new(commonroll()).args(command).arg("--help").current_dir(top()))
}

/// The subcommands that a help page lists.
fn commands(page: &str) -> impl Iterator<Item = &str> {
    let listed =
        page.split_once("Commands:\n").map_or("", |(_, rest)| rest.split("\n\n").next().unwrap_or_default());
    listed
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
}

#[test]
fn the_two_commands_of_the_readme_are_what_the_repository_has() {
    let shown = shown(&text("README.md"));
    let has =
        |line: [&str; 2]| shown.iter().any(|words| words.iter().eq(line.iter().filter(|w| !w.is_empty())));
    assert!(has(["cargo", "demo"]) && has(["./tests/run", ""]), "README begins with the two commands");
    assert!(text(".cargo/config.toml").contains("demo = "), "cargo demo is an alias");
    assert!(top().join("tests/run").exists());
    let ci = text(".ci/run");
    let calls: Vec<&str> = ci.lines().filter(|line| line.contains("./")).collect();
    assert_eq!(calls, ["exec ./tests/run"], "what checks a change is what everybody runs");
}
