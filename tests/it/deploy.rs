//! The systemd units are sound and hardened, by systemd's own judgement.

use crate::outside::{printed, text, top};
use std::{path::PathBuf, process::Command};

const UNITS: [&str; 2] = ["commonroll-hub.service", "commonroll-agent.service"];
/// Where the units look for the program.
const PROGRAM: &str = "/usr/local/bin/commonroll";
/// The most of `systemd-analyze security`'s exposure, in tenths: 2.0 is "OK", a plain service has 9.6.
const EXPOSURE_MAX: &str = "20";

/// A copy of a unit whose program is there: this test, which stands for one that is not installed.
fn copy(unit: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(unit);
    let original = text(&format!("deploy/{unit}"));
    assert!(original.contains(PROGRAM), "{unit} starts {PROGRAM}");
    let here = std::env::current_exe().unwrap();
    std::fs::write(&path, original.replace(PROGRAM, here.to_str().unwrap())).unwrap();
    (folder, path)
}

fn analyze(arguments: &[&str], unit: &std::path::Path) -> Command {
    let mut analyze = Command::new("systemd-analyze");
    analyze.args(arguments).arg(unit).env("SYSTEMD_LOG_LEVEL", "warning").env("SYSTEMD_COLORS", "0");
    analyze
}

#[test]
fn systemd_finds_nothing_to_say_about_the_units() {
    for unit in UNITS {
        let (_folder, path) = copy(unit);
        let output = analyze(&["verify", "--man=no", "--recursive-errors=no"], &path).output();
        let output = output.expect("systemd-analyze is missing: run ./tests/run once, which installs it");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.trim().is_empty(), "{unit}: {said}");
    }
}

#[test]
fn the_units_give_away_next_to_nothing_of_the_machine() {
    for unit in UNITS {
        let (_folder, path) = copy(unit);
        let threshold = format!("--threshold={EXPOSURE_MAX}");
        printed(&mut analyze(&["security", "--offline=yes", "--no-pager", &threshold], &path));
    }
}

#[test]
fn a_unit_that_gives_everything_away_would_be_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bare.service");
    std::fs::write(&path, "[Service]\nExecStart=/bin/true\n").unwrap();
    let threshold = format!("--threshold={EXPOSURE_MAX}");
    let status =
        analyze(&["security", "--offline=yes", "--no-pager", &threshold], &path).output().unwrap().status;
    assert!(!status.success(), "the check passes anything");
}

#[test]
fn the_units_keep_what_no_score_asks_for() {
    for unit in UNITS {
        let unit = text(&format!("deploy/{unit}"));
        for line in [
            "LimitCORE=0",
            "UMask=0077",
            "StateDirectoryMode=0700",
            "NoNewPrivileges=yes",
            "ProtectSystem=strict",
            "MemoryDenyWriteExecute=yes",
            "CapabilityBoundingSet=",
            "KillSignal=SIGTERM",
            "Restart=on-failure",
        ] {
            assert!(unit.lines().any(|own| own == line), "{line}");
        }
        let user = unit.lines().find_map(|line| line.strip_prefix("User=")).expect("a user of its own");
        assert!(
            text("deploy/commonroll.sysusers").contains(&format!("u {user} ")),
            "{user} is made by sysusers"
        );
    }
}

#[test]
fn the_page_names_every_file_beside_it() {
    let page = text("deploy/README.md");
    for file in std::fs::read_dir(top().join("deploy")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(name == "README.md" || page.contains(&name), "deploy/README.md does not speak of {name}");
    }
}
