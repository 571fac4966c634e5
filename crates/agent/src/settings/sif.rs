//! `[outbox.sif]`: whose attendance the written SIF objects are, and what each mark is called there.
//!
//! SIF names learners and schools by ids of its own shape. What a mark is called differs between states, so the few words
//! that we bring can be replaced and added to.

use super::{OutboxFormat, wrong};
use crate::error::AgentError;
use commonroll_connectors::render::SifCode;
use serde::Deserialize;
use std::{collections::BTreeMap, path::Path};

/// What each mark is if the settings say nothing else: code and status of the national code sets. Other marks have no
/// counterpart that nobody would dispute.
const USUAL: [(&str, &str); 5] =
    [("/", "100 NA"), ("\\", "100 NA"), ("L", "116 99"), ("N", "500 99"), ("-", "0 99")];
const STATUSES: [&str; 4] = ["01", "02", "99", "NA"];

/// How SIF objects are written.
#[derive(Debug, Clone)]
pub struct Sif {
    /// `RefId` of the institution's `SchoolInfo`.
    pub school: String,
    /// A mark as the outbox's other lists have it, and what it is in SIF.
    pub codes: BTreeMap<String, SifCode>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSif {
    school: String,
    #[serde(default)]
    codes: BTreeMap<String, String>,
}

/// Checks the table against the formats: each needs the other.
pub(super) fn check(
    raw: Option<RawSif>,
    formats: &[OutboxFormat],
    file: &Path,
) -> Result<Option<Sif>, AgentError> {
    match (raw, formats.contains(&OutboxFormat::SifXml)) {
        (None, false) => Ok(None),
        (Some(raw), true) => raw.check(file).map(Some),
        (None, true) => {
            let problem = "key `outbox.sif`: \"sif-xml\" needs a table [outbox.sif] with `school`, the RefId of your SchoolInfo";
            Err(wrong(file, problem))
        }
        (Some(_), false) => Err(wrong(
            file,
            "key `outbox.formats`: must have \"sif-xml\" where there is a table [outbox.sif]",
        )),
    }
}

impl RawSif {
    fn check(self, file: &Path) -> Result<Sif, AgentError> {
        if !is_ref_id(&self.school) {
            let problem =
                "key `outbox.sif.school`: must be a RefId such as 11737EA4-301C-ADCA-75C8-7214A7C46BDB";
            return Err(wrong(file, problem));
        }
        let usual = USUAL.map(|(mark, code)| (mark.to_owned(), code.to_owned()));
        let all: BTreeMap<String, String> = usual.into_iter().chain(self.codes).collect();
        let mut codes = BTreeMap::new();
        for (mark, written) in all {
            let code = code(&written).ok_or_else(|| {
                wrong(
                    file,
                    "key `outbox.sif.codes`: each mark must be a SIF code and status such as \"205 01\"; the status is \
                     01 (excused), 02 (unexcused), 99 (unknown) or NA",
                )
            })?;
            codes.insert(mark, code);
        }
        Ok(Sif { school: self.school, codes })
    }
}

fn code(written: &str) -> Option<SifCode> {
    let (code, status) = written.split_once(' ')?;
    let is_code = (1..=3).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit());
    let sound = is_code && STATUSES.contains(&status);
    sound.then(|| SifCode { code: code.to_owned(), status: status.to_owned() })
}

/// True of 32 hexadecimal digits in groups of 8, 4, 4, 4 and 12.
pub(crate) fn is_ref_id(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths = groups.iter().map(|group| group.len());
    lengths.eq([8, 4, 4, 4, 12]) && groups.iter().all(|group| group.bytes().all(|b| b.is_ascii_hexdigit()))
}
