//! Stories about the program itself: what somebody types and what they see.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod address;
mod hub;
mod setup;

#[path = "../../../agent/tests/it/mis/database.rs"]
#[expect(dead_code, reason = "the agent's own tests use all of it")]
mod database;
#[path = "../../../agent/tests/it/fake_mis.rs"]
#[expect(dead_code, reason = "the agent's own tests use all of it")]
mod fake_mis;
#[path = "../../../agent/tests/it/mis/screens.rs"]
#[expect(dead_code, reason = "the agent's own tests use all of it")]
mod screens;
#[path = "../../../agent/tests/it/mis/servers.rs"]
mod servers;

/// As with `commonroll policy matrix | head`, whose reader has gone before the end.
#[test]
fn a_command_whose_reader_leaves_ends_without_a_word() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_commonroll"));
    let ended = command.args(["policy", "matrix"]).stdout(writer).output().unwrap();
    assert_eq!((ended.status.code(), String::from_utf8(ended.stderr).unwrap().as_str()), (Some(141), ""));
}
