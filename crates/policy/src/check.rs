//! `policy check`: every fault of a policy set, each with its line, without putting anything in force.

use crate::{
    finding::Finding,
    load::{self, PolicyError},
    matrix::{TABLE, matrix},
    policy::Policy,
    texts::Texts,
};
use std::path::Path;

/// Every fault of a policy set. None means that it may be put in force.
pub fn check(texts: &Texts) -> Vec<Finding> {
    load::load(texts).err().map_or_else(Vec::new, findings)
}

/// Every fault of the policy set in a folder, and of its reviewed table `who-may-what.txt` where there is one: a set
/// that decides otherwise than the table says was changed without a review.
pub fn check_dir(dir: &Path) -> Vec<Finding> {
    let policy = match Policy::from_dir(dir) {
        Ok(policy) => policy,
        Err(error) => return findings(error),
    };
    match std::fs::read_to_string(dir.join(TABLE)) {
        Ok(reviewed) => differs(&reviewed.replace("\r\n", "\n"), &matrix(&policy)).into_iter().collect(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => vec![Finding::whole(TABLE, format!("can't be read: {}", error.kind()))],
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
