//! Proofs that our commands write, judged by programs that nobody here wrote; and a witness that the hub can't fool.
//!
//! Python's `pymerkle` rebuilds the tree and checks the paths, Go's checksum-database code checks notes and proofs.

use crate::outside::{commonroll, installed, printed, top};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};
use tempfile::TempDir;

/// Where Debian's golang-golang-x-mod-dev puts its sources.
const GO_SOURCES: &str = "/usr/share/gocode";

const CONSORTIUM: &str = "[[institution]]\nslug = \"kingsmead\"\nname = \"Kingsmead School\"\ntype = \"school\"\n\
    [[institution]]\nslug = \"northgate\"\nname = \"Northgate College\"\ntype = \"fe_college\"\n";

/// A hub's data folder, and a folder for what its commands write.
struct Log {
    folder: TempDir,
}

impl Log {
    fn new() -> Self {
        let log = Self { folder: tempfile::tempdir().unwrap() };
        printed(log.hub(&["hub", "init"]).args(["--set", "consortium=vale"]));
        fs::write(log.path("consortium.toml"), CONSORTIUM).unwrap();
        printed(log.hub(&["directory", "import"]).arg(log.path("consortium.toml")));
        log
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command on the data folder `hub`, or on a copy of it.
    fn on(&self, data: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(commonroll());
        command.args(arguments).arg("--dir").arg(self.path(data)).current_dir(self.folder.path());
        command
    }

    fn hub(&self, arguments: &[&str]) -> Command {
        self.on("hub", arguments)
    }

    /// Makes the log of a data folder longer.
    fn grow(&self, data: &str) {
        printed(&mut self.on(data, &["hub", "invite", "kingsmead"]));
    }

    fn copy(&self, to: &str) {
        copy(&self.path("hub"), &self.path(to));
    }

    fn key(&self) -> String {
        let said = printed(&mut self.hub(&["hub", "status"]));
        let line =
            said.lines().find_map(|line| line.strip_prefix("key")).expect("status tells the log's key");
        line.trim().to_owned()
    }

    fn witness(&self, arguments: &[&str]) -> Output {
        let mut witness = Command::new(commonroll());
        witness.args(["audit", "witness", "--folder"]).arg(self.path("witness")).args(arguments);
        witness.current_dir(self.folder.path()).stdin(Stdio::null()).output().unwrap()
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    // A hub refuses keys that others can read.
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn go() -> Command {
    let sources = Path::new(GO_SOURCES).join("src/golang.org/x/mod/sumdb");
    assert!(sources.exists(), "golang-golang-x-mod-dev is missing: run ./tests/run once, which installs it");
    let mut go = Command::new("go");
    go.args(["run", "proofs.go"]).current_dir(top().join("tests/go"));
    go.env("GOPATH", GO_SOURCES).env("GO111MODULE", "off").env("GOFLAGS", "").env("CGO_ENABLED", "0");
    go.env("GOCACHE", top().join("tests/.cache/go"));
    go
}

#[test]
fn programs_that_nobody_here_wrote_agree_with_our_checkpoints_and_proofs() {
    let log = Log::new();
    log.grow("hub");
    printed(&mut log.hub(&["audit", "checkpoint", "--out", "old.checkpoint"]));
    log.grow("hub");
    log.grow("hub");
    printed(&mut log.hub(&["audit", "consistency", "old.checkpoint", "--out", "new.consistency"]));
    let leaves = printed(&mut log.hub(&["audit", "show", "--raw"]));
    fs::write(log.path("leaves.txt"), &leaves).unwrap();
    let size = leaves.lines().count();
    for sequence in [1, 2, size / 2, size - 1, size] {
        let (sequence, out) = (sequence.to_string(), format!("{sequence}.tlog-proof"));
        printed(&mut log.hub(&["audit", "prove", &sequence, "--out", &out]));
    }
    let seen = log.witness(&["--dir", "hub"]);
    assert!(seen.status.success(), "{}", String::from_utf8_lossy(&seen.stderr));
    let said = String::from_utf8(seen.stdout).unwrap();
    let witness = said.lines().find_map(|line| line.strip_prefix("cosigned by ")).unwrap();
    fs::copy(log.path("witness/checkpoint"), log.path("cosigned.checkpoint")).unwrap();

    let key = log.key();
    let mut python = Command::new(installed("tests/.cache/python/bin/python"));
    python.arg(top().join("tests/python/proofs.py")).args([&key, witness]).arg(log.folder.path());
    let judged = printed(&mut python);
    assert!(
        judged.starts_with(&format!("5 inclusion proofs, {size} entries extend {}", size - 2)),
        "{judged}"
    );
    let judged = printed(go().arg(&key).arg(log.folder.path()));
    assert_eq!(judged, format!("5 inclusion proofs, {size} entries extend {}\n", size - 2));

    // And by ourselves, with nothing but the files and the key.
    let verify = |file: &str, more: &[&str]| {
        let mut command = Command::new(commonroll());
        command
            .args(["audit", "verify-proof", file, "--key", &key])
            .args(more)
            .current_dir(log.folder.path());
        command.output().unwrap()
    };
    for (file, more) in [
        ("1.tlog-proof", &[][..]),
        ("cosigned.checkpoint", &[]),
        ("new.consistency", &["--old", "old.checkpoint"]),
    ] {
        let verdict = verify(file, more);
        assert!(verdict.status.success(), "{file}: {}", String::from_utf8_lossy(&verdict.stderr));
        assert!(verdict.stdout.starts_with(b"holds: "));
    }
    let forged = fs::read_to_string(log.path("1.tlog-proof")).unwrap().replace("index 0", "index 1");
    fs::write(log.path("forged.tlog-proof"), forged).unwrap();
    let verdict = verify("forged.tlog-proof", &[]);
    assert!(!verdict.status.success());
    assert!(String::from_utf8_lossy(&verdict.stderr).contains("does not hold"));
}

#[test]
fn case_39_a_witness_alarms_when_the_log_is_cut_or_forked_and_the_alarm_stands() {
    let log = Log::new();
    log.grow("hub");
    log.copy("earlier");
    log.grow("hub");
    let ok = log.witness(&["--dir", "hub"]);
    assert!(ok.status.success(), "{}", String::from_utf8_lossy(&ok.stderr));
    log.grow("hub");
    let ok = log.witness(&["--dir", "hub"]);
    assert!(String::from_utf8_lossy(&ok.stdout).contains("extends"), "{ok:?}");
    let seen = fs::read_to_string(log.path("witness/checkpoint")).unwrap();

    // The operator puts an old copy back: the log is shorter.
    let cut = log.witness(&["--dir", "earlier"]);
    assert_eq!(cut.status.code(), Some(3), "{cut:?}");
    assert!(String::from_utf8_lossy(&cut.stderr).contains("went back"), "{cut:?}");
    assert_eq!(fs::read_to_string(log.path("witness/checkpoint")).unwrap(), seen, "the good one is kept");
    assert_eq!(fs::read_to_string(log.path("witness/seen.checkpoint")).unwrap(), seen);
    // It stands, even when the good log is shown again, until somebody has looked.
    assert_eq!(log.witness(&["--dir", "hub"]).status.code(), Some(3));
    fs::remove_file(log.path("witness/ALARM")).unwrap();
    assert!(log.witness(&["--dir", "hub"]).status.success());

    // The copy goes on by itself: the same key signs another history of the same length, and then a longer one.
    log.grow("earlier");
    log.grow("earlier");
    let forked = log.witness(&["--dir", "earlier"]);
    assert_eq!(forked.status.code(), Some(3), "{forked:?}");
    assert!(String::from_utf8_lossy(&forked.stderr).contains("forked"), "{forked:?}");
    log.grow("earlier");
    fs::remove_file(log.path("witness/ALARM")).unwrap();
    let rewritten = log.witness(&["--dir", "earlier"]);
    assert_eq!(rewritten.status.code(), Some(3), "{rewritten:?}");
    assert!(String::from_utf8_lossy(&rewritten.stderr).contains("does not extend"), "{rewritten:?}");
}
