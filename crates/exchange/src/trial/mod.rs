//! Trying a change of the rules or of an agreement against the directory as it is and the last 30 days of the log: who would
//! gain, who would lose. Nothing is changed; that it was asked is an entry.
//!
//! Records are sorted by situation while the log is walked, and each situation is decided once under both laws. A role at an
//! institution stands for whoever is nearest to the learner in it: the teacher who teaches them, the parent whose child they
//! are. An agreement is tried by its parties alone. Of what other institutions would see, small numbers are not told; learners are named, by the own institution's ids alone, to those
//! who may see names.

mod count;
mod judge;

use crate::{
    Exchange,
    agreements::{fits, read},
    directory::{Directory, agreements::Agreements},
    office::{Acting, LawError, may},
    policies::texts_from,
    submit,
    types::NotAllowed,
};
use commonroll_core::{
    Invalid, LocalId, RecordKind, Role, SchoolDate, Slug, Timestamp,
    agreement::{AgreementText, TEXT_BYTES_MAX},
};
use commonroll_policy::{Change as Comparison, OfficeAct, Policy, Texts};
pub(crate) use judge::sees;
use judge::{Law, judge};
use std::{collections::HashMap, sync::Arc};

/// How far back the log is looked at, in microseconds.
const BACK: i64 = 30 * 86_400_000_000;
/// Agreements that are dropped in one trial at most.
const DROPS_MAX: usize = 64;
/// Learners of other institutions are told in multiples of this, and fewer not at all.
pub(crate) const SMALL: u64 = 10;
/// Learners named in one line at most.
pub(crate) const EXAMPLES: usize = 5;

/// What is tried; at least one of the three.
#[derive(Debug, Clone, Default)]
pub struct Trial {
    /// Other rules.
    pub texts: Option<Texts>,
    /// An agreement's text, as if all its parties had signed it.
    pub agreement: Option<String>,
    /// Names of agreements, as if they had ended.
    pub dropped: Vec<Slug>,
}

impl Trial {
    /// A trial of rules that came as files; none for the rules in force.
    ///
    /// # Errors
    /// If the files are too many or too large, or two have one name.
    pub fn of_files<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
        agreement: Option<String>,
        dropped: Vec<Slug>,
    ) -> Result<Self, Invalid> {
        let mut files = files.into_iter().peekable();
        let texts = files.peek().is_some().then(|| texts_from(files)).transpose()?;
        if texts.is_none() && agreement.is_none() && dropped.is_empty() {
            return Err(Invalid::new(
                "files",
                "give rules, an agreement, or the name of one that is dropped",
            ));
        }
        if dropped.len() > DROPS_MAX || agreement.as_ref().is_some_and(|text| text.len() > TEXT_BYTES_MAX) {
            return Err(Invalid::new(
                "drop_agreements",
                "a trial takes 64 names and a text of 128 KiB at most",
            ));
        }
        Ok(Self { texts, agreement, dropped })
    }
}

/// One line of an outcome: what somebody would gain or lose.
#[derive(Clone, PartialEq, Eq)]
pub struct TriedLine {
    /// True for a gain.
    pub gains: bool,
    /// True for what is made from now on, for the placements in force now; false for records of the last 30 days.
    pub ahead: bool,
    /// Who would see it.
    pub institution: Slug,
    /// In which role; `None` for the institution's own system.
    pub role: Option<Role>,
    /// How many people hold the role there.
    pub people: u64,
    /// Kind of record; `None` for a learner's card.
    pub kind: Option<RecordKind>,
    /// The field group, or part of the card.
    pub group: &'static str,
    /// Records, their revisions among them; 0 for what lies ahead, and for what another institution would see.
    pub records: u64,
    /// Learners.
    pub learners: u64,
    /// True if another institution would see it: then learners of others are counted in whole tens, and records are not.
    pub about: bool,
    /// Some of them, by the asker's institution's own ids.
    pub examples: Vec<LocalId>,
}

impl std::fmt::Debug for TriedLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = self.kind.map_or("card", RecordKind::as_str);
        write!(f, "TriedLine({} {:?} {kind} {})", self.institution, self.role, self.group)
    }
}

/// What would come of a change.
#[derive(Debug, Clone)]
pub struct Tried {
    /// How the rules differ, over every situation there is; `None` if they weren't changed.
    pub comparison: Option<Comparison>,
    /// Who would gain and who would lose. Empty: nobody.
    pub lines: Vec<TriedLine>,
    /// From when on records were looked at.
    pub since: Timestamp,
    /// How many records.
    pub records: u64,
    /// Records whose content is gone, which were passed over.
    pub gone: u64,
    /// In how many different situations.
    pub situations: u64,
    /// True if the asker may see names.
    pub names: bool,
}

/// What is asked of an institution in a trial, so that the directory isn't held meanwhile.
#[derive(Clone)]
pub(crate) struct Brief {
    slug: Slug,
    today: SchoolDate,
    access: bool,
    left: bool,
    people: HashMap<Role, u64>,
}

impl Exchange {
    /// Tries a change. `progress` is told how many entries of how many have been looked at.
    ///
    /// # Errors
    /// [`LawError`]: with the lines at fault if the change could not be put in force as it stands.
    pub async fn try_change(
        &self,
        acting: Acting<'_>,
        trial: Trial,
        now: Timestamp,
        mut progress: impl FnMut(u64, u64) + Send,
    ) -> Result<Tried, LawError> {
        let own = acting.speaker.institution();
        let (in_force, old, new, names) = {
            let directory = self.shared.directory();
            let allowed = may(&directory, acting, OfficeAct::TryPolicy, Some(own), false);
            let _permit = allowed.inspect_err(|_| {
                self.refused(&acting.speaker.by(), "act.refused", OfficeAct::TryPolicy.as_str());
            })?;
            let names = may(&directory, acting, OfficeAct::SeeNames, Some(own), false).is_ok();
            let in_force = directory.policies().set().cloned().ok_or(NotAllowed::Denied)?;
            let today = acting.owned().today(&directory, now);
            concerns(&directory, &trial, own, today)?;
            let new = tried(&directory, &trial, today)?;
            (in_force, directory.agreements().clone(), new, names)
        };
        // One at a time: it reads a month of the log.
        let Ok(mut turn) = self.shared.trying.clone().try_lock_owned() else {
            return Err(LawError::State("another trial is running; try again in a moment"));
        };
        let (set, comparison) = match trial.texts.clone() {
            None => (in_force.clone(), None),
            Some(texts) => {
                let (held, compared) = self.compared(in_force.clone(), texts, turn).await?;
                turn = held;
                match compared {
                    Ok((set, comparison)) => (set, Some(comparison)),
                    Err(error) => return Err(LawError::Faults(faults(&error))),
                }
            }
        };
        self.asked_to_try(acting, &trial, &set, now).await?;
        let since = now.plus_micros(-BACK);
        let counted = count::count(&self.shared, since, now, &mut progress).await?;
        let briefs = briefs(&self.shared.directory(), now);
        let (records, gone) = (counted.records, counted.gone);
        let situations = counted.by_situation.len() as u64;
        let number = acting.speaker.number;
        let laws = (Law { policy: in_force, agreements: old }, Law { policy: set, agreements: new });
        let judged = tokio::task::spawn_blocking(move || {
            // Whoever asked may go away: the turn is over when the work is.
            let _turn = turn;
            judge(&briefs, &laws, &counted, number)
        });
        let judged = judged.await.map_err(|_| LawError::Unavailable)?;
        let lines = {
            let directory = self.shared.directory();
            judged.into_iter().filter_map(|line| line.told(&directory, number, names)).collect()
        };
        Ok(Tried { comparison, lines, since, records, gone, situations, names })
    }

    async fn asked_to_try(
        &self,
        acting: Acting<'_>,
        trial: &Trial,
        set: &Arc<Policy>,
        now: Timestamp,
    ) -> Result<(), LawError> {
        use crate::directory::change::hex;
        let rules = trial.texts.as_ref().map(|_| hex(&set.hash()));
        let agreement = trial.agreement.as_ref().map(|text| hex(&crate::agreement_hash(text)));
        let more = serde_json::json!({
            "question": "try", "asker": acting.speaker.more(acting.role),
            "about": { "rules": rules, "agreement": agreement, "dropped": trial.dropped },
        });
        let note = move |work: &mut crate::writer::Work<'_>| {
            work.notes.push(("audit.asked".to_owned(), more.clone()));
        };
        submit(&self.shared, &acting.speaker.by(), now, note).await.map_err(|_| LawError::Unavailable)
    }
}

/// What an agreement does between others is theirs to try.
fn concerns(directory: &Directory, trial: &Trial, own: &Slug, today: SchoolDate) -> Result<(), LawError> {
    let agreements = directory.agreements();
    let others =
        |id: &Slug| agreements.named(id, today).is_some_and(|held| !held.terms.parties.contains(own));
    if trial.dropped.iter().any(others) {
        let rule =
            "your institution is no party of this agreement: its parties try what its end would change";
        return Err(Invalid::new("drop_agreements", rule).into());
    }
    let Some(text) = &trial.agreement else { return Ok(()) };
    let agreement = read(text)?;
    if agreement.party(own).is_none() || others(&agreement.terms().id) {
        let rule = "your institution is no party of this agreement: its parties try what it would change";
        return Err(Invalid::new("agreement_text", rule).into());
    }
    Ok(())
}

/// The agreements as they would be.
fn tried(directory: &Directory, trial: &Trial, today: SchoolDate) -> Result<Agreements, LawError> {
    let agreements = directory.agreements();
    let text: Option<AgreementText> = match &trial.agreement {
        None => None,
        Some(text) => {
            let agreement = read(text)?;
            fits(directory, &agreement.terms(), text, today)?;
            Some(agreement)
        }
    };
    if trial.dropped.iter().any(|id| agreements.named(id, today).is_none()) {
        let rule = "no agreement of this name is in force; `commonroll agreement list` shows those that are";
        return Err(Invalid::new("drop_agreements", rule).into());
    }
    Ok(agreements.tried(text.as_ref().map(|text| (text, today)), &trial.dropped))
}

fn faults(error: &commonroll_policy::PolicyError) -> Vec<String> {
    match error {
        commonroll_policy::PolicyError::Rejected(findings) => {
            findings.iter().map(ToString::to_string).collect()
        }
        other => vec![other.to_string()],
    }
}

fn briefs(directory: &Directory, now: Timestamp) -> Vec<Brief> {
    let mut briefs: Vec<Brief> = (0u16..)
        .zip(directory.institutions())
        .map(|(number, state)| Brief {
            slug: state.info.slug.clone(),
            today: now.date_in(&state.zone),
            access: directory.access_on(number),
            left: state.left.is_some(),
            people: HashMap::new(),
        })
        .collect();
    for (_, person) in directory.active_people() {
        let Some(brief) = briefs.get_mut(usize::from(person.institution)) else { continue };
        for role in &person.roles {
            *brief.people.entry(*role).or_default() += 1;
        }
    }
    briefs
}
