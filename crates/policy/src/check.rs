//! `policy check` and `policy test`: every fault of a policy set, each with its line, without putting anything in force.

use crate::{
    examples::{self, Example},
    finding::Finding,
    load::{self, PolicyError},
    matrix::{self, TABLE},
    policy::Policy,
    texts::{self, Texts},
};
use std::{collections::BTreeSet, io::ErrorKind, path::Path};

/// Every fault of a policy set. None means that it may be put in force.
pub fn check(texts: &Texts) -> Vec<Finding> {
    load::load(texts).err().map_or_else(Vec::new, findings)
}

/// Every fault of the policy set in a folder, every example in `examples*.txt` that comes out otherwise, where the
/// reviewed table `who-may-what.txt` differs (a set that decides otherwise was changed without a review), and every rule
/// that decides neither a row of the table nor an example. The table and the examples may be left out, and then that
/// isn't looked at.
pub fn check_dir(dir: &Path) -> Vec<Finding> {
    let policy = match Policy::from_dir(dir) {
        Ok(policy) => policy,
        Err(error) => return findings(error),
    };
    let (decided, mut deciding) = matrix::table(&policy);
    let (mut found, reviewed) = match reviewed(dir) {
        Ok(None) => (Vec::new(), false),
        Ok(Some(text)) => (differs(&text, &decided).into_iter().collect(), true),
        Err(finding) => (vec![finding], true),
    };
    let examples = run(dir, &policy, &mut deciding);
    found.extend(examples.into_iter().filter_map(|example| example.fault));
    if reviewed {
        found.extend(idle(&policy, &deciding));
    }
    found
}

/// Runs the examples of a folder against its policies.
///
/// # Errors
/// As [`Policy::from_dir`].
pub fn test_dir(dir: &Path) -> Result<Vec<Example>, PolicyError> {
    Ok(run(dir, &Policy::from_dir(dir)?, &mut BTreeSet::new()))
}

/// The reviewed table of a folder, if it has one.
pub(crate) fn reviewed(dir: &Path) -> Result<Option<String>, Finding> {
    match texts::read(&dir.join(TABLE)) {
        Ok(text) => Ok(Some(text.replace("\r\n", "\n"))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Finding::whole(TABLE, format!("can't be read: {}", error.kind()))),
    }
}

/// Where the reviewed table of a folder isn't what its policies decide: `None` if it is.
///
/// # Errors
/// If the policies can't be loaded.
pub fn check_matrix(dir: &Path) -> Result<Option<Finding>, PolicyError> {
    let decided = matrix::matrix(&Policy::from_dir(dir)?);
    Ok(match reviewed(dir) {
        Ok(Some(text)) => differs(&text, &decided),
        Ok(None) => {
            Some(Finding::whole(TABLE, "is missing: `policy matrix --write` writes it, for a review"))
        }
        Err(finding) => Some(finding),
    })
}

fn run(dir: &Path, policy: &Policy, deciding: &mut BTreeSet<String>) -> Vec<Example> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let names: BTreeSet<String> = names.filter(|name| examples::is_examples(name)).collect();
    let mut all = Vec::new();
    for name in names {
        match texts::read(&dir.join(&name)) {
            Ok(text) => all.extend(examples::run(policy, &name, &text.replace("\r\n", "\n"), deciding)),
            Err(error) => {
                let fault = Finding::whole(&name, format!("can't be read: {}", error.kind()));
                all.push(Example { title: name, fault: Some(fault) });
            }
        }
    }
    all
}

/// Every rule that decides nothing that anybody reviews.
fn idle(policy: &Policy, deciding: &BTreeSet<String>) -> Vec<Finding> {
    let idle = policy.engine().ids().into_iter().filter(|id| !deciding.contains(id));
    idle.map(|id| {
        let message = format!("rule {id} decides no row of the table and no example: add an example for it");
        Finding::whole("examples.txt", message)
    })
    .collect()
}

fn differs(reviewed: &str, decided: &str) -> Option<Finding> {
    if reviewed == decided {
        return None;
    }
    let same = reviewed.lines().zip(decided.lines()).take_while(|(one, other)| one == other).count();
    let message = match decided.lines().nth(same) {
        Some(line) => format!("the policies decide otherwise; the line would be: {}", line.trim()),
        None => "the policies decide nothing of this line".to_owned(),
    };
    Some(Finding { file: TABLE.to_owned(), line: same + 1, column: 1, message })
}

fn findings(error: PolicyError) -> Vec<Finding> {
    match error {
        PolicyError::Rejected(findings) => findings,
        PolicyError::Missing { ref file } | PolicyError::Unreadable { ref file, .. } => {
            vec![Finding::whole(file, error.to_string())]
        }
    }
}
