//! `policy check`: every fault of a policy set, each with its line, without putting anything in force.

use crate::{
    examples::{self, EXAMPLES},
    finding::Finding,
    load::{self, PolicyError},
    matrix::{TABLE, matrix},
    policy::Policy,
    texts::{self, Texts},
};
use std::path::Path;

/// Every fault of a policy set. None means that it may be put in force.
pub fn check(texts: &Texts) -> Vec<Finding> {
    load::load(texts).err().map_or_else(Vec::new, findings)
}

/// Every fault of the policy set in a folder, every example in `examples.txt` that comes out otherwise, and where the
/// reviewed table `who-may-what.txt` differs: a set that decides otherwise was changed without a review. Either of the
/// two files may be left out.
pub fn check_dir(dir: &Path) -> Vec<Finding> {
    let policy = match Policy::from_dir(dir) {
        Ok(policy) => policy,
        Err(error) => return findings(error),
    };
    let table = |reviewed: &str| differs(reviewed, &matrix(&policy)).into_iter().collect();
    let mut found = beside(dir, TABLE, table);
    found.extend(beside(dir, EXAMPLES, |text| examples::run(&policy, text)));
    found
}

/// What is found in a file that may be left out.
fn beside(dir: &Path, file: &str, look: impl FnOnce(&str) -> Vec<Finding>) -> Vec<Finding> {
    match texts::read(&dir.join(file)) {
        Ok(text) => look(&text.replace("\r\n", "\n")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => vec![Finding::whole(file, format!("can't be read: {}", error.kind()))],
    }
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
