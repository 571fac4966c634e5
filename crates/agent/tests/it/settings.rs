//! `agent.toml`: errors name the file and the key.

use commonroll_agent::Settings;
use std::path::Path;

fn error(text: &str) -> String {
    Settings::parse(text, Path::new("/etc/agent.toml")).unwrap_err().to_string()
}

#[test]
fn an_unknown_key_is_named() {
    let error = error("data = \"d\"\nfoldr = \"x\"\n");
    assert!(error.contains("/etc/agent.toml") && error.contains("foldr"), "{error}");
}

#[test]
fn a_wrong_connector_is_named_with_those_there_are() {
    let source = "[[source]]\nfolder = \"x\"\npattern = \"*.csv\"\nconnector = \"excel\"\n";
    let error = error(&format!("data = \"d\"\n{source}"));
    assert!(error.contains("source.0.connector") && error.contains("delimited"), "{error}");
}

#[test]
fn a_pattern_is_a_name_and_not_a_path() {
    let source = "[[source]]\nfolder = \"x\"\npattern = \"../*.csv\"\nconnector = \"delimited\"\n";
    let error = error(&format!("data = \"d\"\n{source}"));
    assert!(error.contains("source.0.pattern"), "{error}");
}

#[test]
fn patterns_match_without_regard_to_capitals() {
    use commonroll_agent::settings::matches;
    assert!(matches("marks*.csv", "Marks-12A.CSV"));
    assert!(matches("marks-??.csv", "marks-12.csv"));
    assert!(!matches("marks*.csv", "marks.csv.part"));
    assert!(matches("*", "anything"));
}
