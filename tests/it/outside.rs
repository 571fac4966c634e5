//! Programs that the tests call: where they are, how they are run, and what to say when one is missing.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

/// The repository's top folder.
pub fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// A file of the repository as text.
pub fn text(path: &str) -> String {
    std::fs::read_to_string(top().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The files that git keeps, or would keep if they were added, relative to the top and still there.
pub fn kept_files() -> &'static [String] {
    static FILES: OnceLock<Vec<String>> = OnceLock::new();
    FILES.get_or_init(|| {
        let mut git = Command::new("git");
        git.args(["ls-files", "--cached", "--others", "--exclude-standard"]).current_dir(top());
        let mut files: Vec<String> = printed(&mut git).lines().map(str::to_owned).collect();
        files.retain(|file| top().join(file).is_file());
        files.sort_unstable();
        files.dedup();
        assert!(files.len() > 100, "git lists only {} files", files.len());
        files
    })
}

/// A program that `./tests/run` puts into a folder of its own.
pub fn installed(path: &str) -> PathBuf {
    let program = top().join(path);
    assert!(program.exists(), "{path} is missing: run ./tests/run once, which installs it");
    program
}

/// The `commonroll` program: what `COMMONROLL_PROGRAM` names (`./tests/run` has just built that), or a fresh build.
pub fn commonroll() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        if let Some(named) = std::env::var_os("COMMONROLL_PROGRAM") {
            return PathBuf::from(named);
        }
        let mut cargo = Command::new(env!("CARGO"));
        printed(
            cargo.args(["build", "--quiet", "-p", "commonroll", "--bin", "commonroll"]).current_dir(top()),
        );
        let test = std::env::current_exe().unwrap();
        let program = test
            .ancestors()
            .nth(2)
            .unwrap()
            .join("commonroll")
            .with_extension(std::env::consts::EXE_EXTENSION);
        assert!(program.exists(), "cargo build left no {}", program.display());
        program
    })
}

/// Runs a program that must succeed; gives what it printed.
pub fn printed(command: &mut Command) -> String {
    let shown = format!("{command:?}");
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{shown}: {error}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{shown}: {}\n{out}{err}", output.status);
    out.into_owned()
}

/// Runs a command that must fail; gives what it said.
pub fn fails(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{command:?}: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}
