//! The words of a replay folder: what may stand in its `consortium.toml` beside what `directory import` takes, and in the
//! file of expected counts. Only the shapes: what they mean is in [`super`].

use commonroll_core::{
    RecordKind, SchoolDate, Slug,
    directory::{DateRange, Institution},
};
use commonroll_exchange::{AgreementTerms, PlacementText};
use serde::Deserialize;
use std::collections::BTreeSet;

/// The whole file. An unknown key is an error that names its line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsortiumToml {
    pub replay: Replay,
    #[serde(default, rename = "partner")]
    pub partners: Vec<Partner>,
    #[serde(default, rename = "institution")]
    pub institutions: Vec<Institution>,
    #[serde(default, rename = "agreement")]
    pub agreements: Vec<AgreementTerms>,
    #[serde(default, rename = "placement")]
    pub placements: Vec<PlacementText>,
}

/// What is replayed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// One line about it.
    pub title: Option<String>,
    /// The local school date that is shown. Files are sent whole, whatever dates are in them.
    pub date: String,
    /// File with the counts that must arrive.
    pub expected: Option<String>,
}

/// A partner who sends files. Institutions without one only receive.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partner {
    pub institution: Slug,
    /// For a home with a statutory register: when it closes.
    pub sessions: Option<Sessions>,
    #[serde(default, rename = "source")]
    pub sources: Vec<Source>,
}

/// Local times, as HH:MM or HH:MM:SS.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sessions {
    pub am: String,
    pub pm: String,
}

/// One sort of file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Short name, unique for the partner.
    pub name: String,
    /// Folder below the replay folder.
    pub folder: String,
    /// Which files in it, with `*` and `?`.
    pub pattern: String,
    pub connector: String,
    /// Mapping file below the replay folder.
    pub mapping: Option<String>,
    /// Whether a file is the whole state or only what changed.
    #[serde(default)]
    pub kind: commonroll_agent::settings::ExportKind,
}

/// The file of expected counts.
#[derive(Deserialize)]
pub struct ExpectedJson {
    pub arrives: Vec<Arrives>,
}

/// How many records of a kind a home gets from a source.
#[derive(Deserialize)]
pub struct Arrives {
    pub home: Slug,
    pub source: Slug,
    pub kind: RecordKind,
    pub records: u64,
}

impl ConsortiumToml {
    /// Checks what one key says against another, so that nothing starts that must fail later.
    pub fn check(&self) -> Result<(), String> {
        date("replay.date", &self.replay.date)?;
        let known: BTreeSet<&Slug> = self.institutions.iter().map(|institution| &institution.slug).collect();
        if known.len() != self.institutions.len() {
            return Err("key `institution.slug`: two institutions have the same short name".to_owned());
        }
        for institution in &self.institutions {
            if jiff::tz::TimeZone::get(&institution.time_zone).is_err() {
                return Err(format!(
                    "key `institution.time_zone` of {}: must be an IANA time zone such as Europe/London",
                    institution.slug
                ));
            }
        }
        let parties = self.agreements.iter().flat_map(|agreement| &agreement.parties);
        let placed = self.placements.iter().flat_map(|placement| [&placement.home, &placement.host]);
        for slug in parties.chain(placed).chain(self.partners.iter().map(|partner| &partner.institution)) {
            if !known.contains(slug) {
                return Err(format!("names {slug}, which no [[institution]] has as its slug; add one"));
            }
        }
        let sending: BTreeSet<&Slug> = self.partners.iter().map(|partner| &partner.institution).collect();
        if sending.len() != self.partners.len() {
            return Err(
                "key `partner.institution`: two [[partner]] name the same institution; join their sources"
                    .to_owned(),
            );
        }
        let ranges =
            self.agreements.iter().map(|a| (format!("agreement {}", a.id), &a.first_date, &a.last_date));
        let placed = self
            .placements
            .iter()
            .map(|p| (format!("placement of {} at {}", p.home, p.host), &p.first_date, &p.last_date));
        for (of, first, last) in ranges.chain(placed) {
            let dates = date("first_date", first).and_then(|first| Ok((first, date("last_date", last)?)));
            let (first, last) = dates.map_err(|problem| format!("{of}: {problem}"))?;
            DateRange::new(first, last)
                .map_err(|_| format!("{of}: key `last_date`: must not lie before first_date"))?;
        }
        if self.partners.iter().all(|partner| partner.sources.is_empty()) {
            return Err("nobody sends anything; add a [[partner]] with a [[partner.source]]".to_owned());
        }
        Ok(())
    }
}

fn date(key: &'static str, text: &str) -> Result<SchoolDate, String> {
    SchoolDate::parse(key, text).map_err(|invalid| format!("key `{key}`: {}", invalid.rule))
}
