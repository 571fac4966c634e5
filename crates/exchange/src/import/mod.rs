//! A directory import: a file that carries institutions' own declarations, signed agreements and approved links.
//!
//! It is a convenience for setting up a consortium and for replaying real data; the operator declares nothing of their
//! own, and puts no agreement in force: that takes a signature of every party's head over the text, and of people only
//! the first of an institution come in this way. Importing the same file again changes nothing.

mod links;
mod made;
mod people;

pub use made::MadePerson;
pub use people::PersonText;

use crate::{
    Exchange,
    directory::{Directory, change::Change, tokens::Tokens},
    submit_with,
    types::AdminError,
    writer::Work,
};
use commonroll_core::{
    Invalid, LocalId, SchoolDate, Slug, Timestamp,
    directory::{DateRange, Institution, Registration},
};
use serde::Deserialize;

/// The file, as TOML.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsortiumFile {
    /// The partners.
    #[serde(default, rename = "institution")]
    pub institutions: Vec<Institution>,
    /// The first people of institutions, with their keys.
    #[serde(default, rename = "person")]
    pub people: Vec<PersonText>,
    /// Agreements in full, with the signatures under them.
    #[serde(default, rename = "signed_agreement")]
    pub signed: Vec<SignedText>,
    /// Terms of agreements, for consortiums that are made to try out: see [`ConsortiumFile::signed_by`].
    #[serde(default, rename = "agreement")]
    pub agreements: Vec<AgreementTerms>,
    /// Placements with the approved links that they rest on.
    #[serde(default, rename = "placement")]
    pub placements: Vec<PlacementText>,
}

/// An agreement's exact text and the signatures under it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedText {
    /// The text, byte for byte as it was signed.
    pub text: String,
    /// Who has signed.
    #[serde(default, rename = "signature")]
    pub signatures: Vec<SignatureText>,
    /// Which `[[agreement]]` it was written out of, counted from 1; 0 for none. Errors name what stands in the file.
    #[serde(skip)]
    pub made_of: usize,
}

/// A signature under an agreement.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignatureText {
    /// The person, by the UUID that they have at the hub.
    pub person: String,
    /// Ed25519 signature, 128 hexadecimal digits.
    pub signature: String,
}

/// An agreement's terms alone, with its record kinds as names.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgreementTerms {
    /// Short name.
    pub id: Slug,
    /// Version, from 1.
    pub version: u32,
    /// Who is party to it.
    pub parties: Vec<Slug>,
    /// Why.
    pub purpose: String,
    /// Names of the field groups that flow, by record kind.
    pub kinds: std::collections::BTreeMap<commonroll_core::RecordKind, Vec<String>>,
    /// Names of the parts of a placed learner's card that flow from home to host; none by default.
    #[serde(default)]
    pub card: Vec<String>,
    /// First date in force.
    pub first_date: String,
    /// Last date in force.
    pub last_date: String,
    /// When people are told that a learner is missing, as the text says it under `[whereabouts]`.
    #[serde(default)]
    pub whereabouts: toml::Table,
}

/// A placement that both sides have declared, with the ids by which each knows the learners.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlacementText {
    /// The home.
    pub home: Slug,
    /// The host.
    pub host: Slug,
    /// The host's group; empty for every group.
    #[serde(default)]
    pub group: String,
    /// First local school date.
    pub first_date: String,
    /// Last local school date.
    pub last_date: String,
    /// The learners: the home's own id and the host's.
    pub learners: Vec<[String; 2]>,
}

/// What an import did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ImportReport {
    /// Institutions new or changed.
    pub institutions: u32,
    /// People who are new.
    pub people: u32,
    /// Agreements new, or with more signatures.
    pub agreements: u32,
    /// Learners new or linked.
    pub learners: u32,
    /// Sides of placements new or changed.
    pub placements: u32,
}

impl ConsortiumFile {
    /// Reads the file. Errors name the line and the key.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }
}

struct CheckedPlacement {
    /// Which of the file's it is, in words.
    place: String,
    home: Slug,
    host: Slug,
    group: Option<LocalId>,
    dates: DateRange,
    learners: Vec<(LocalId, LocalId)>,
}

impl PlacementText {
    /// Which of the file's it is, in words.
    fn place(&self, number: usize) -> String {
        let group = LocalId::parse("group", &self.group);
        let group = group.map_or_else(|_| String::new(), |group| format!(", group {}", group.as_str()));
        format!("placement {number} ({} to {}{group})", self.home, self.host)
    }

    fn check(&self, number: usize) -> Result<CheckedPlacement, AdminError> {
        let place = self.place(number);
        let (group, dates) = self.group_and_dates().map_err(|broken| at(&place, &broken))?;
        let pair = |(number, [home, host]): (usize, &[String; 2])| {
            let blank = |broken: Invalid| at(&format!("{place}, pair {number} of learners"), &broken);
            let home = LocalId::parse("the home's id", home).map_err(blank)?;
            Ok((home, LocalId::parse("the host's id", host).map_err(blank)?))
        };
        let learners = (1..).zip(&self.learners).map(pair).collect::<Result<Vec<_>, AdminError>>()?;
        let (home, host) = (self.home.clone(), self.host.clone());
        Ok(CheckedPlacement { place, home, host, group, dates, learners })
    }

    fn group_and_dates(&self) -> Result<(Option<LocalId>, DateRange), Invalid> {
        let dates = DateRange::new(
            SchoolDate::parse("first_date", &self.first_date)?,
            SchoolDate::parse("last_date", &self.last_date)?,
        )?;
        let group = if self.group.is_empty() { None } else { Some(LocalId::parse("group", &self.group)?) };
        if self.home == self.host {
            return Err(Invalid::new("host", "must be another institution than the home"));
        }
        Ok((group, dates))
    }
}

/// A broken rule, with which entry of the file breaks it.
fn at(place: &str, broken: &Invalid) -> AdminError {
    AdminError::Entry { place: place.to_owned(), fault: format!("{} {}", broken.field, broken.rule) }
}

impl Exchange {
    /// Imports a file as a whole or not at all.
    pub async fn import(
        &self,
        file: &ConsortiumFile,
        by: &str,
        now: Timestamp,
    ) -> Result<ImportReport, AdminError> {
        if !file.agreements.is_empty() {
            return Err(Invalid::new(
                "agreement",
                "terms alone put nothing in force: write the whole text (`commonroll agreement new`), have every party's \
                 head sign it, and give it as [[signed_agreement]]",
            )
            .into());
        }
        let people = PersonText::check_all(&file.people)?;
        let agreements: Vec<people::Signed> =
            (1..).zip(&file.signed).map(people::Signed::check).collect::<Result<_, AdminError>>()?;
        let placements = (1..).zip(&file.placements).map(|(number, placement)| placement.check(number));
        let placements: Vec<_> = placements.collect::<Result<_, _>>()?;
        links::say_one_thing(&placements)?;
        let institutions = file.institutions.clone();
        for (number, institution) in (1_usize..).zip(&institutions) {
            let place = format!("institution {number} ({})", institution.slug);
            institution.check_contact().map_err(|broken| at(&place, &broken))?;
            if jiff::tz::TimeZone::get(&institution.time_zone).is_err() {
                let rule = "must be an IANA time zone such as Europe/London";
                return Err(at(&place, &Invalid::new("time_zone", rule)));
            }
        }
        self.check_named(&institutions, &agreements, &placements)?;
        submit_with(&self.shared, by, now, move |work: &mut Work<'_>| {
            // Whatever can be refused is refused before anything is made.
            people::may_enter(&people, work.planner.directory)?;
            for agreement in &agreements {
                agreement.may_enter(&people, work.planner.directory, now)?;
            }
            links::stand(&placements, work.planner.directory)?;
            let mut report = ImportReport::default();
            institutions.iter().for_each(|i| report.institutions += put_institution(work, i));
            people.iter().for_each(|person| report.people += person.put(work, now));
            agreements.iter().for_each(|a| report.agreements += a.put(&people, work, now));
            placements.iter().for_each(|p| put_placement(work, p, &mut report, now));
            Ok(report)
        })
        .await
        .map_err(|_| AdminError::Unavailable)?
    }

    fn check_named(
        &self,
        institutions: &[Institution],
        agreements: &[people::Signed],
        placements: &[CheckedPlacement],
    ) -> Result<(), AdminError> {
        let directory = self.shared.directory();
        let known =
            |slug: &Slug| directory.number_of(slug).is_some() || institutions.iter().any(|i| i.slug == *slug);
        let parties =
            agreements.iter().flat_map(|a| a.terms.parties.iter().map(move |p| (&a.place, "a party", p)));
        let sides =
            placements.iter().flat_map(|p| [(&p.place, "home", &p.home), (&p.place, "host", &p.host)]);
        for (place, key, slug) in parties.chain(sides) {
            if !known(slug) {
                let fault = format!(
                    "{key} is {slug}, an institution that is neither in this file nor in the directory; correct it, or add \
                     an [[institution]] for it"
                );
                return Err(AdminError::Entry { place: place.clone(), fault });
            }
        }
        Ok(())
    }
}

fn put_institution(work: &mut Work<'_>, institution: &Institution) -> u32 {
    let directory = &work.planner.directory;
    let number = directory.number_of(&institution.slug);
    if number.and_then(|n| directory.institution(n)).is_some_and(|held| held.info == *institution) {
        return 0;
    }
    let Ok(next) = u16::try_from(directory.institutions().len()) else { return 0 };
    work.planner
        .make(Change::Institution { number: number.unwrap_or(next), institution: institution.clone() });
    1
}

fn put_placement(
    work: &mut Work<'_>,
    placement: &CheckedPlacement,
    report: &mut ImportReport,
    now: Timestamp,
) {
    let directory = &work.planner.directory;
    let (Some(home), Some(host)) =
        (directory.number_of(&placement.home), directory.number_of(&placement.host))
    else {
        return;
    };
    for (at_home, at_host) in &placement.learners {
        report.learners += link(work, (home, at_home), (host, at_host), now);
        report.placements += side(work, home, at_home, host, placement, false);
        report.placements += side(work, host, at_host, home, placement, true);
    }
}

/// Approves that the home's learner is the host's guest.
fn link(
    work: &mut Work<'_>,
    (home, at_home): (u16, &LocalId),
    (host, at_host): (u16, &LocalId),
    now: Timestamp,
) -> u32 {
    let mut changed = 0;
    let held = work.planner.directory.local(home, at_home).cloned();
    if held.is_none() {
        work.planner.place_learner(home, at_home, Registration::Home, Tokens::default(), None, None, now);
        changed += 1;
    }
    let Some(learner) = work.planner.directory.local(home, at_home).and_then(|l| l.learner) else {
        return changed;
    };
    let guest = work.planner.directory.local(host, at_host).cloned();
    if guest.as_ref().is_some_and(|l| l.learner == Some(learner) && l.approved) {
        return changed;
    }
    let (registration, tokens, called) = guest
        .map_or((Registration::Guest, Tokens::default(), None), |l| (l.registration, l.tokens, l.called));
    if is_apart(work.planner.directory, (host, at_host), &tokens, learner) {
        return changed;
    }
    work.planner.place_learner(host, at_host, registration, tokens, Some(learner), called, now);
    changed + 1
}

/// True if people of the two have taken a link apart: a file that is imported once more doesn't know better.
fn is_apart(directory: &Directory, guest: (u16, &LocalId), tokens: &Tokens, learner: u32) -> bool {
    directory.matches().parts(guest, learner, directory.home_of(learner))
        || directory.undone_before(guest, tokens, learner).is_some()
}

fn side(
    work: &mut Work<'_>,
    by: u16,
    local: &LocalId,
    other: u16,
    placement: &CheckedPlacement,
    hosting: bool,
) -> u32 {
    let held = work.planner.directory.local(by, local).is_some_and(|l| {
        l.sides.iter().any(|s| {
            s.other == other
                && s.group == placement.group
                && s.hosting == hosting
                && (s.dates == placement.dates || s.ended.is_some())
        })
    });
    if held {
        return 0;
    }
    let (group, dates) = (placement.group.clone(), placement.dates);
    work.planner.make(Change::Side { by, local: local.clone(), other, group, hosting, dates, ended: None });
    1
}
