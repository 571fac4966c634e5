//! The operator's first day: what `hub init` and `hub invite` say about where partners will look for the hub.

use std::{path::Path, process::Command};

/// Runs `commonroll hub ..`: what it said on standard output, and on standard error.
fn hub(folder: &Path, arguments: &[&str]) -> (String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_commonroll"));
    command.arg("hub").args(arguments).arg("--dir").arg(folder.join("hub"));
    let ended = command.current_dir(folder).env_remove("COMMONROLL_HUB_DIR").output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (out, error) = (text(ended.stdout), text(ended.stderr));
    assert!(ended.status.success(), "{error}");
    (out, error)
}

#[test]
fn whoever_sets_up_a_hub_that_only_this_machine_reaches_is_told_what_to_set() {
    let folder = tempfile::tempdir().unwrap();
    let (out, error) = hub(folder.path(), &["init"]);
    assert!(!out.contains("warning"), "{out}");
    for said in ["127.0.0.1:8443", "hub.toml", "public.agents and public.join", "`names`"] {
        assert!(error.contains(said), "{said}: {error}");
    }
    // As the operator would set it, for the machine and for partners.
    let folder = tempfile::tempdir().unwrap();
    let named = ["--set", "names=hub.example.org", "--set", "listen.agents=0.0.0.0:8443"];
    let (_, error) = hub(folder.path(), &[&["init"][..], &named].concat());
    assert_eq!(error, "");
}
