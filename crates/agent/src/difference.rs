//! Explaining the difference: what this agent sent of a day against what the hub holds of it, record by record.
//!
//! Both work out a count and a root for each kind; only where these differ are the records asked for. Each record on which
//! the two disagree gets one reason. Nobody is named: a record is its id, with the file and line that it came from where the
//! spool still knows them. Rows that never became a record are the problems of `agent status`, not of a day.

use crate::{
    error::AgentError,
    hub::{DayHeld, Hub, HubError},
    settings::Settings,
    spool::{Spool, sent::SentOn},
};
use commonroll_audit::Hash;
use commonroll_core::{RecordId, RecordKind, SchoolDate, Timestamp};
use commonroll_wire::{Held, day_root};
use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

/// The alarm of a night on which the two disagreed.
pub const ALARM: &str = "difference";
/// The alarm while nights can't be compared.
const NOT_COMPARED: &str = "difference not compared";
/// Days that a night's comparison looks back on.
const NIGHT_DAYS: i32 = 7;
/// Lines of one reason that are printed.
const PRINTED: usize = 20;

/// Why the two disagree about a record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Why {
    /// It waits here and was not answered yet.
    Waits,
    /// The hub refused it, by this rule.
    Refused {
        /// Stable code of the rule.
        rule: String,
    },
    /// It was sent and answered, and the hub does not hold it.
    OnlyHere,
    /// The hub holds it, and this agent knows nothing of it.
    OnlyThere,
    /// The hub holds an older revision.
    NewerHere,
    /// The hub holds a newer revision.
    NewerThere,
    /// The same revision is taken back on one side alone.
    Withdrawn,
}

impl Why {
    /// True if the agent's own work explains it, so that it ends by itself or by what `agent status` says.
    const fn is_explained(&self) -> bool {
        matches!(self, Self::Waits | Self::Refused { .. })
    }

    /// In words: what is so, and what to do.
    fn words(&self) -> String {
        match self {
            Self::Waits => "wait here for the hub; nothing to do if it can be reached".to_owned(),
            Self::Refused { rule } => {
                format!("were refused by the rule {rule}; `commonroll agent status` says what to do")
            }
            Self::OnlyHere => {
                "were sent, and the hub does not hold them: its operator must look, it may have been restored from a copy"
                    .to_owned()
            }
            Self::OnlyThere => {
                "are at the hub and unknown here: this agent's data folder was restored from a copy, or another agent \
                 sends for you too"
                    .to_owned()
            }
            Self::NewerHere => {
                "are newer here than at the hub: its operator must look, it may have been restored from a copy".to_owned()
            }
            Self::NewerThere => {
                "are newer at the hub than here: this agent's data folder was restored from a copy, or another agent sends \
                 for you too"
                    .to_owned()
            }
            Self::Withdrawn => "are taken back on one side alone: tell the hub's operator".to_owned(),
        }
    }
}

/// One record on which the two disagree.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Disagreement {
    /// The record's id.
    pub record: String,
    /// Why.
    #[serde(flatten)]
    pub why: Why,
    /// Its newest revision here; `None` if it is not here.
    pub revision_here: Option<u32>,
    /// Its newest revision at the hub; `None` if it is not there, or was not asked for.
    pub revision_there: Option<u32>,
    /// When the hub accepted that, microseconds since the epoch.
    pub accepted_us: Option<i64>,
    /// The export that it came from, and the line, where the spool still knows.
    pub from: Option<(String, u64)>,
}

/// One kind of record.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct KindDifference {
    /// Which.
    pub kind: &'static str,
    /// Records here that are not taken back.
    pub here: u64,
    /// Records at the hub that are not taken back.
    pub there: u64,
    /// Records on which both agree, those that both take back included.
    pub agreed: u64,
    /// Of those, how many are taken back.
    pub withdrawn: u64,
    /// Of those, how many are corrections.
    pub corrected: u64,
    /// On which they don't, by reason and id.
    pub differ: Vec<Disagreement>,
}

/// A day's comparison.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// The school date, YYYY-MM-DD.
    pub date: String,
    /// Each kind.
    pub kinds: Vec<KindDifference>,
    /// Rows of the newest exports, of any day, that never became a record.
    pub rows_kept_back: u64,
}

impl Difference {
    /// True if hub and agent hold the same.
    pub fn agrees(&self) -> bool {
        self.kinds.iter().all(|kind| kind.differ.is_empty())
    }

    /// How many records nothing here explains.
    pub fn unexplained(&self) -> usize {
        self.kinds.iter().flat_map(|kind| &kind.differ).filter(|one| !one.why.is_explained()).count()
    }

    /// 0 if hub and agent hold the same, else 1.
    pub fn exit_code(&self) -> u8 {
        u8::from(!self.agrees())
    }
}

/// Compares what the spool sent of a day with what the hub holds.
///
/// # Errors
/// When the spool fails or the hub can't be asked.
pub async fn compare(hub: &dyn Hub, spool: &Spool, date: SchoolDate) -> Result<Difference, AgentError> {
    let here = spool.sent_on(date).await?;
    let first = hub.day(date, false).await?;
    let same = here.iter().all(|one| one.settled()) && roots_agree(&here, &first)?;
    let kinds = if same {
        RecordKind::ALL.into_iter().map(|kind| agreed(kind, &of_kind(&here, kind))).collect()
    } else {
        let there = hub.day(date, true).await?;
        // Publishing goes on beside this: what changed here since the first look is under way, and no difference.
        let before: HashMap<RecordId, SentOn> = here.into_iter().map(|one| (one.id, one)).collect();
        let mut now = spool.sent_on(date).await?;
        for one in &mut now {
            one.waits |= before.get(&one.id) != Some(&*one);
        }
        RecordKind::ALL.into_iter().map(|kind| one_kind(kind, &of_kind(&now, kind), &there)).collect()
    };
    let rows_kept_back = spool.problems(0).await?.1;
    Ok(Difference { date: date.to_string(), kinds, rows_kept_back })
}

fn of_kind(sent: &[SentOn], kind: RecordKind) -> Vec<&SentOn> {
    sent.iter().filter(|one| one.kind == kind).collect()
}

fn roots_agree(here: &[SentOn], there: &DayHeld) -> Result<bool, AgentError> {
    for kind in RecordKind::ALL {
        let own: Vec<Held> = here.iter().filter(|one| one.kind == kind).map(SentOn::held).collect();
        let held = there.roots.get(kind.as_str());
        let held: &Hash =
            held.ok_or(AgentError::Hub(HubError::Protocol("a kind has no root in the hub's answer")))?;
        if *held != day_root(&own) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn agreed(kind: RecordKind, here: &[&SentOn]) -> KindDifference {
    let alive = here.iter().filter(|one| !one.withdrawn).count() as u64;
    KindDifference {
        kind: kind.as_str(),
        here: alive,
        there: alive,
        agreed: here.len() as u64,
        withdrawn: here.len() as u64 - alive,
        corrected: here.iter().filter(|one| !one.withdrawn && one.revision > 1).count() as u64,
        differ: Vec::new(),
    }
}

fn one_kind(kind: RecordKind, here: &[&SentOn], there: &DayHeld) -> KindDifference {
    let held: HashMap<RecordId, (Held, Timestamp)> = there
        .records
        .iter()
        .filter(|record| record.kind == kind)
        .map(|record| (record.held.id, (record.held, record.accepted)))
        .collect();
    let mut seen = KindDifference {
        kind: kind.as_str(),
        here: here.iter().filter(|one| !one.withdrawn).count() as u64,
        there: held.values().filter(|(held, _)| !held.withdrawn).count() as u64,
        agreed: 0,
        withdrawn: 0,
        corrected: 0,
        differ: Vec::new(),
    };
    for one in here {
        let found = held.get(&one.id);
        let Some(why) = why(one, found.map(|(held, _)| held)) else {
            seen.agreed += 1;
            seen.withdrawn += u64::from(one.withdrawn);
            seen.corrected += u64::from(!one.withdrawn && one.revision > 1);
            continue;
        };
        seen.differ.push(Disagreement {
            record: one.id.to_string(),
            why,
            revision_here: Some(one.revision),
            revision_there: found.map(|(held, _)| held.revision),
            accepted_us: found.map(|(_, at)| at.micros()),
            from: one.found.clone(),
        });
    }
    let known: HashMap<RecordId, ()> = here.iter().map(|one| (one.id, ())).collect();
    let strange = held.values().filter(|(held, _)| !known.contains_key(&held.id));
    seen.differ.extend(strange.map(|(held, at)| Disagreement {
        record: held.id.to_string(),
        why: Why::OnlyThere,
        revision_here: None,
        revision_there: Some(held.revision),
        accepted_us: Some(at.micros()),
        from: None,
    }));
    seen.differ.sort_by(|a, b| (&a.why, &a.record).cmp(&(&b.why, &b.record)));
    seen
}

/// Why a record that is here differs from what the hub holds of it; `None` if it doesn't.
fn why(here: &SentOn, there: Option<&Held>) -> Option<Why> {
    if there.is_some_and(|held| held.revision == here.revision && held.withdrawn == here.withdrawn) {
        return None;
    }
    if let Some(rule) = &here.refused {
        return Some(Why::Refused { rule: rule.clone() });
    }
    if here.waits {
        return Some(Why::Waits);
    }
    Some(match there {
        None => Why::OnlyHere,
        Some(held) if held.revision < here.revision => Why::NewerHere,
        Some(held) if held.revision > here.revision => Why::NewerThere,
        Some(_) => Why::Withdrawn,
    })
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = &self.date;
        match self.agrees() {
            true => writeln!(f, "{date}: the hub holds what was sent, to the record")?,
            false => writeln!(f, "{date}: the hub and this agent differ")?,
        }
        for kind in &self.kinds {
            writeln!(
                f,
                "{:<10} here {:>6}, hub {:>6}; agreed {} (of them {} corrected, {} taken back)",
                kind.kind, kind.here, kind.there, kind.agreed, kind.corrected, kind.withdrawn
            )?;
            let mut reasons: BTreeMap<&Why, Vec<&Disagreement>> = BTreeMap::new();
            kind.differ.iter().for_each(|one| reasons.entry(&one.why).or_default().push(one));
            for (why, records) in reasons {
                writeln!(f, "  {} {}", records.len(), why.words())?;
                for one in records.iter().take(PRINTED) {
                    let from = one.from.as_ref().map_or_else(String::new, |(file, line)| match line {
                        0 => format!("  {file}"),
                        line => format!("  {file} line {line}"),
                    });
                    let revision = |number: Option<u32>| number.map_or("-".to_owned(), |n| n.to_string());
                    let (here, there) = (revision(one.revision_here), revision(one.revision_there));
                    writeln!(f, "    {}  revision here {here}, hub {there}{from}", one.record)?;
                }
                if records.len() > PRINTED {
                    writeln!(f, "    and {} more; --json has all", records.len() - PRINTED)?;
                }
            }
        }
        if self.rows_kept_back > 0 {
            writeln!(
                f,
                "{} row(s) of the newest exports never became a record, of whatever day: commonroll agent status",
                self.rows_kept_back
            )?;
        }
        Ok(())
    }
}

/// The night's comparison: the last days, once after three in the morning. Raises an alarm where the two disagree and nothing
/// here explains it, and takes it down when they agree again. Nothing else waits for it: what keeps it from comparing is
/// logged, told as an alarm of its own unless the hub is merely away, and tried again with the next contact.
pub(crate) async fn nightly(hub: &dyn Hub, spool: &Spool, settings: &Settings, now: Timestamp) {
    let Err(error) = last_days(hub, spool, settings, now).await else { return };
    tracing::warn!(%error, "the last days can't be compared with the hub for now");
    let passes = matches!(&error, AgentError::Hub(HubError::Unreachable | HubError::Busy { .. }));
    let text = format!("the last days can't be compared with what the hub holds ({error}); all else goes on");
    if !passes && let Err(error) = spool.alarm(NOT_COMPARED, &text, now).await {
        tracing::error!(%error, "the spool can't be used");
    }
}

async fn last_days(
    hub: &dyn Hub,
    spool: &Spool,
    settings: &Settings,
    now: Timestamp,
) -> Result<(), AgentError> {
    const THREE_HOURS: i64 = 3 * 3_600_000_000;
    // Not before three, so that a day's late corrections are in.
    let today = now.plus_micros(-THREE_HOURS).date_in(&settings.zone);
    let done = spool.number("compared").await?;
    if u64::try_from(today.days()).is_ok_and(|today| today <= done) {
        return Ok(());
    }
    let mut told: Vec<String> = Vec::new();
    for back in 1..=NIGHT_DAYS {
        let Some(date) = SchoolDate::from_days(today.days() - back) else { continue };
        let seen = match compare(hub, spool, date).await {
            // A hub of before can't be asked; that is no difference.
            Err(AgentError::Hub(HubError::Refused(_))) => return Ok(()),
            seen => seen?,
        };
        // What waits or was refused is in the status already, with what to do.
        if seen.unexplained() > 0 {
            let differ: usize = seen.kinds.iter().map(|kind| kind.differ.len()).sum();
            told.push(format!("{date}: {differ} record(s), {} unexplained", seen.unexplained()));
        }
    }
    match told.is_empty() {
        true => spool.calm(ALARM).await?,
        false => {
            let text = format!(
                "the hub does not hold what was sent ({}); see `commonroll agent difference --day DATE`",
                told.join("; ")
            );
            spool.alarm(ALARM, &text, now).await?;
        }
    }
    spool.calm(NOT_COMPARED).await?;
    spool.set("compared", &u64::try_from(today.days()).unwrap_or(0).to_be_bytes()).await
}
