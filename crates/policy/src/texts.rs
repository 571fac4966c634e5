//! The texts of a policy set: the schema and the policy files, with their hash. Nothing is parsed here.

use crate::load::PolicyError;
use aws_lc_rs::digest;
use commonroll_core::RecordKind;
use std::{collections::BTreeMap, fs::File, io::Read, path::Path};

/// Name of the schema's file.
pub(crate) const SCHEMA: &str = "schema.cedarschema";
/// Name of the file with the rules for every kind.
pub(crate) const COMMON: &str = "common.cedar";
/// The files of the embedded set. Every set has files of these names.
const EMBEDDED: &[(&str, &str)] = &[
    (COMMON, include_str!("../../../policies/common.cedar")),
    ("assessment.cedar", include_str!("../../../policies/assessment.cedar")),
    ("attendance.cedar", include_str!("../../../policies/attendance.cedar")),
    ("attendance_officer.cedar", include_str!("../../../policies/attendance_officer.cedar")),
    ("behaviour.cedar", include_str!("../../../policies/behaviour.cedar")),
    ("card.cedar", include_str!("../../../policies/card.cedar")),
    ("emergency.cedar", include_str!("../../../policies/emergency.cedar")),
    ("learner.cedar", include_str!("../../../policies/learner.cedar")),
    ("office.cedar", include_str!("../../../policies/office.cedar")),
    ("own_learners.cedar", include_str!("../../../policies/own_learners.cedar")),
    ("program.cedar", include_str!("../../../policies/program.cedar")),
    ("teacher.cedar", include_str!("../../../policies/teacher.cedar")),
];
/// Most bytes that one file may have.
const FILE_BYTES_MAX: u64 = 256 * 1024;
/// Most files that a set may have.
const FILES_MAX: usize = 64;

/// The texts of a policy set, by file name. Line ends are `\n`, so that one set has one hash on every system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texts(BTreeMap<String, String>);

impl Texts {
    /// The texts that this program was built with: the first set of every consortium.
    pub fn embedded() -> Self {
        Self::new(include_str!("../../../policies/schema.cedarschema"), EMBEDDED)
    }

    /// A schema and named policy files.
    pub fn new(schema: &str, files: &[(&str, &str)]) -> Self {
        let all = files.iter().copied().chain([(SCHEMA, schema)]);
        Self(all.map(|(name, text)| (name.to_owned(), text.replace("\r\n", "\n"))).collect())
    }

    /// A set's files by name, the schema among them, as they were kept or sent. Whether all are there is checked when the
    /// set is loaded.
    pub fn from_files<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let plain = |(name, text): (&str, &str)| (name.to_owned(), text.replace("\r\n", "\n"));
        Self(files.into_iter().map(plain).collect())
    }

    /// The schema and every `*.cedar` file of a folder. Other files are left alone.
    ///
    /// # Errors
    /// If the folder or one of the files can't be read, is not UTF-8 or too large. Names the file.
    pub fn from_dir(dir: &Path) -> Result<Self, PolicyError> {
        let unreadable = |file: &str| {
            let file = file.to_owned();
            move |error: std::io::Error| PolicyError::Unreadable { file, problem: error.kind().to_string() }
        };
        let mut texts = BTreeMap::new();
        for entry in std::fs::read_dir(dir).map_err(unreadable("."))? {
            let name = entry.map_err(unreadable("."))?.file_name().to_string_lossy().into_owned();
            if name == SCHEMA || name.ends_with(".cedar") {
                let text = read(&dir.join(&name)).map_err(unreadable(&name))?;
                texts.insert(name, text.replace("\r\n", "\n"));
            }
            if texts.len() > FILES_MAX {
                return Err(PolicyError::Unreadable {
                    file: ".".to_owned(),
                    problem: "more than 64 policy files".to_owned(),
                });
            }
        }
        Ok(Self(texts))
    }

    /// The files that every set has, since a missing one would silently stop (or, for the forbids, free) something.
    pub(crate) fn missing(&self) -> Option<String> {
        let kinds = RecordKind::ALL.iter().map(|kind| format!("{kind}.cedar"));
        let all = EMBEDDED.iter().map(|(name, _)| (*name).to_owned());
        [SCHEMA.to_owned()].into_iter().chain(kinds).chain(all).find(|file| !self.0.contains_key(file))
    }

    /// One file's text.
    pub fn get(&self, file: &str) -> Option<&str> {
        self.0.get(file).map(String::as_str)
    }

    /// Every file's name and text, by name, the schema among them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// SHA-256 over `commonroll/policy/v1\0`, then for each file by name: the name's and the text's length (u64,
    /// big-endian), the name, the text.
    pub fn hash(&self) -> [u8; 32] {
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(b"commonroll/policy/v1\0");
        for (name, text) in self.iter() {
            hash.update(&(name.len() as u64).to_be_bytes());
            hash.update(&(text.len() as u64).to_be_bytes());
            hash.update(name.as_bytes());
            hash.update(text.as_bytes());
        }
        let mut bytes = [0; 32];
        bytes.copy_from_slice(hash.finish().as_ref());
        bytes
    }
}

/// A file as text, if it isn't too large.
pub(crate) fn read(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(std::io::ErrorKind::FileTooLarge.into());
    }
    Ok(text)
}
