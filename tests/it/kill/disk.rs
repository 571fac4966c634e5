//! A disk of its own for one folder, as small as a test wants it: in memory, and seen by those alone who are started on it.
//!
//! It needs no right that a test's user lacks: a user namespace may mount what lives in memory.

use crate::outside::printed;
use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

pub struct SmallDisk {
    at: PathBuf,
    /// Holds the namespace open until its input ends.
    holder: Child,
}

impl SmallDisk {
    /// A disk of so many MiB at a path.
    pub fn mount(at: PathBuf, mib: u32) -> Self {
        fs::create_dir(&at).unwrap();
        let script = "mount -t tmpfs -o size=\"$1\"m tmpfs \"$0\" && echo mounted && exec cat";
        let mut unshare = Command::new("unshare");
        unshare.args(["--map-root-user", "--mount", "sh", "-c", script]).arg(&at).arg(mib.to_string());
        let mut holder = unshare.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("unshare");
        let mut said = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "mounted\n", "unshare and mount must be allowed here: see user_namespaces(7)");
        Self { at, holder }
    }

    /// A program that sees the disk.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut enter = Command::new("nsenter");
        enter.args(["--user", "--preserve-credentials", "--mount", "--target"]);
        enter.arg(self.holder.id().to_string()).arg("--").arg(program);
        enter
    }

    /// Something else takes all the room that is left.
    pub fn fill(&self) {
        let ballast = self.at.join("ballast");
        let script = "cat /dev/zero >>\"$0\" 2>/dev/null; test -s \"$0\"";
        printed(self.command("sh").args(["-c", script]).arg(ballast));
    }

    /// A file on the disk is gone.
    pub fn remove(&self, name: &str) {
        printed(self.command("rm").arg(self.at.join(name)));
    }

    /// The disk is enlarged to so many MiB.
    pub fn enlarge(&self, mib: u32) {
        let size = format!("remount,size={mib}m");
        printed(self.command("mount").args(["-o", &size]).arg(&self.at));
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
