//! The schema is in good style, breaks nobody who built on it, and its examples agree with a second implementation.

use crate::outside::{installed, printed, text, top};
use std::process::Command;

/// `buf`, working in `proto`.
fn buf(arguments: &[&str]) -> String {
    let mut buf = Command::new(installed("tests/tools/node_modules/.bin/buf"));
    printed(buf.args(arguments).current_dir(top().join("proto")))
}

#[test]
fn the_schema_keeps_bufs_standard_rules() {
    assert_eq!(buf(&["lint"]), "");
    let rules = text("proto/buf.yaml");
    assert!(
        rules.contains("- STANDARD") && !rules.contains("except") && !rules.contains("ignore"),
        "{rules}"
    );
}

#[test]
fn the_schema_breaks_nobody_who_built_on_the_baseline() {
    assert_eq!(buf(&["breaking", "--against", "baseline.binpb"]), "");
}

#[test]
fn the_published_examples_agree_with_python() {
    for script in ["proto/check_vectors.py", "crates/audit/tests/check_vectors.py"] {
        let said = printed(Command::new("python3").arg(script).current_dir(top()));
        assert!(!said.trim().is_empty(), "{script} says what it checked");
    }
}

#[test]
fn every_message_field_value_and_call_is_explained() {
    let files: Vec<_> = crate::outside::kept_files().iter().filter(|f| f.ends_with(".proto")).collect();
    assert!(files.len() >= 16, "the schema has gone: {files:?}");
    let bare: Vec<String> = files.iter().flat_map(|file| unexplained(file, &text(file))).collect();
    assert!(bare.is_empty(), "no comment above:\n{}", bare.join("\n"));
}

/// Lines that declare something and have no comment above them.
fn unexplained(file: &str, proto: &str) -> Vec<String> {
    let mut bare = Vec::new();
    let mut above = "";
    for (number, line) in (1..).zip(proto.lines().map(str::trim)) {
        if declares(line) && !above.starts_with("//") {
            bare.push(format!("{file}:{number}: {line}"));
        }
        above = line;
    }
    bare
}

fn declares(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let first = words.next().unwrap_or_default();
    match first {
        "package" | "message" | "enum" | "service" | "rpc" | "oneof" => true,
        "syntax" | "import" | "option" | "reserved" | "//" => false,
        // A field or an enum's value: `name = 1;` somewhere in the line.
        _ => !first.starts_with("//") && line.ends_with(';') && line.contains(" = "),
    }
}

#[test]
fn a_field_without_a_comment_would_be_found() {
    let proto = "// A.\nmessage A {\n  // One.\n  string one = 1;\n  string two = 2;\n}\n// E.\nenum E {\n  E_X = 0;\n}";
    assert_eq!(unexplained("a.proto", proto), ["a.proto:5: string two = 2;", "a.proto:9: E_X = 0;"]);
}
