//! Gibbon: one learner's part in a partner's event, as a row of `gibbonBehaviour`, where its screens of behaviour show it.
//!
//! The row names our account as its creator and bears a tag at the end of its comment. The tag's code is a sum over all that we wrote,
//! so a row that somebody has changed in any part is theirs and stays. Level and follow-up are the school's own to fill in.

use super::{
    Outcome, Step, Talk, Target, applied, cell,
    lines::{Lines, plain, someone, sum},
    refused, taker, text,
};
use crate::{
    render::BehaviourRow,
    writeback::{Tag, number, tagged},
};

/// Characters of a comment, and of these without the tag.
const COMMENT_MAX: usize = 4_000;
const WORDS_MAX: usize = 3_900;
/// Characters of a descriptor.
const DESCRIPTOR_MAX: usize = 100;

const CHANGED: &str = "somebody has changed this entry in the MIS; what a person made stays";
const NOTHING: &str = "what happened is withheld, so there is nothing to enter";

/// Date, type, descriptor, level, comment and follow-up are the parts of a row, and behind them stands how often it was followed up.
const ROWS: Lines = Lines {
    table: "gibbonBehaviour",
    key: "gibbonBehaviourID",
    learner: "gibbonPersonID",
    says: "concat(gibbonBehaviourID), concat(gibbonPersonIDCreator), concat(date), concat(type), coalesce(descriptor, ''), \
           coalesce(level, ''), comment, coalesce(followup, ''), concat((select count(*) from gibbonBehaviourFollowUp \
           where gibbonBehaviourFollowUp.gibbonBehaviourID = gibbonBehaviour.gibbonBehaviourID))",
    changed: CHANGED,
};

/// What is to be done next for a row, after what was answered.
pub(super) fn plan(target: &Target, row: &BehaviourRow, talk: &mut Talk<'_>) -> Result<Step, Step> {
    let creator = taker(target, talk)?;
    let learner = number(&row.head)?;
    let own = ROWS.own(&row.head, (learner, creator), talk)?;
    if own.as_ref().is_some_and(|own| own.number != 0) {
        return Ok(refused(CHANGED));
    }
    let newest = own.as_ref().map(|own| own.revision);
    if row.head.withdrawn || (row.polarity.is_empty() && own.is_some()) {
        return ROWS.withdraw(own, &row.head, talk);
    }
    if newest.is_some_and(|newest| newest > row.head.revision) {
        return Ok(applied("it stands there already"));
    }
    let Some(entry) = Entry::of(row) else { return Ok(refused(NOTHING)) };
    someone(learner, talk)?;
    let said = entry.comment(row);
    // The same revision may come again with other fields, as after an agreement has changed.
    if own.as_ref().is_some_and(|own| own.comment == said) {
        return Ok(applied("it stands there already"));
    }
    match own {
        Some(own) => talk.change(
            "update gibbonBehaviour set date = cast(? as date), type = ?, descriptor = ?, comment = ?, timestamp = current_timestamp \
             where gibbonBehaviourID = ? and gibbonPersonIDCreator = ? and comment = ?",
            &[
                entry.date.as_str().into(),
                entry.sort.into(),
                entry.descriptor.as_str().into(),
                said.as_str().into(),
                own.id.into(),
                creator.into(),
                own.comment.into(),
            ],
        )?,
        None => {
            let year = year(&entry.date, talk)?;
            talk.change(
            "insert into gibbonBehaviour (gibbonSchoolYearID, date, gibbonPersonID, type, descriptor, comment, followup, \
             gibbonPersonIDCreator, timestamp) values (?, cast(? as date), ?, ?, ?, ?, '', ?, current_timestamp)",
            &[
                year.into(),
                entry.date.as_str().into(),
                learner.into(),
                entry.sort.into(),
                entry.descriptor.as_str().into(),
                said.as_str().into(),
                creator.into(),
            ],
        )?;
        }
    }
    let stands = talk.ask(
        "select concat(gibbonPersonIDCreator), concat(type), coalesce(descriptor, '') from gibbonBehaviour \
         where gibbonPersonID = ? and date = cast(? as date) and comment = ?",
        &[learner.into(), entry.date.as_str().into(), said.into()],
    )?;
    match stands {
        [one]
            if cell(one, 0) == creator && text(one, 1) == entry.sort && text(one, 2) == entry.descriptor =>
        {
            Ok(applied(""))
        }
        _ => Ok(refused("what was written could not be read back, so nothing was written")),
    }
}

/// What is written of an event.
struct Entry {
    date: String,
    sort: &'static str,
    descriptor: String,
    words: String,
}

impl Entry {
    /// `None` if nothing is known of what happened.
    fn of(row: &BehaviourRow) -> Option<Self> {
        let sort = match row.polarity.as_str() {
            "positive" => "Positive",
            "negative" => "Negative",
            "neutral" => "Observation",
            _ => return None,
        };
        let descriptor = plain(&row.sort, DESCRIPTOR_MAX);
        let from = match row.time {
            Some(time) => format!("{} {:02}:{:02}", row.head.source, time.hour(), time.minute()),
            None => row.head.source.to_string(),
        };
        let label = if row.label == row.sort { "" } else { &*row.label };
        let more =
            |what: &str, said: Option<String>| said.map(|said| format!("{what} {said}")).unwrap_or_default();
        let severity = more("severity", row.severity.map(|level| level.to_string()));
        let by = more("home is asked to act by", row.home_action_by.map(|date| date.to_string()));
        let role = more("as", Some(row.role.clone()).filter(|role| !role.is_empty()));
        let said: [&str; 9] =
            [&from, label, &severity, &role, &row.location, &row.action, &row.status, &row.text, &by];
        let words: Vec<&str> = said.into_iter().filter(|part| !part.is_empty()).collect();
        let words = plain(&words.join("; "), WORDS_MAX);
        Some(Self { date: row.head.date.to_string(), sort, descriptor, words })
    }

    /// The comment with its tag.
    fn comment(&self, row: &BehaviourRow) -> String {
        let code = sum([&self.date, self.sort, &self.descriptor, "", &self.words, ""]);
        let tag = Tag { session: None, record: row.head.record, revision: row.head.revision, code };
        tagged(&self.words, &tag, COMMENT_MAX)
    }
}

/// The school year of a day.
fn year(date: &str, talk: &mut Talk<'_>) -> Result<i64, Step> {
    let found = talk.ask(
        "select concat(gibbonSchoolYearID) from gibbonSchoolYear where cast(? as date) between firstDay and lastDay",
        &[date.into()],
    )?;
    match found {
        [one] => Ok(cell(one, 0)),
        _ => Err(Step::Done(Outcome::Refused(
            "Gibbon has no school year, or several, of that day, so the entry would be on no screen"
                .to_owned(),
        ))),
    }
}
