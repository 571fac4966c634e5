//! Writing a partner's mark into the database of an MIS, as its own screens would: what to ask and what to change, row by row.
//!
//! Nothing here talks to a database. A [`Writer`] is told a row and all answers so far, and says the next [`Step`]; the agent does
//! it, in one transaction for each row. So a plan is a pure function, and the same answers always give the same step.
//!
//! A row of ours is known by the MIS's own columns: its comment holds a [`Tag`], and it counts as ours only as long as its code is
//! the one that we wrote. Whatever a person made or changed stays.

mod family;
mod gibbon;
mod talk;

use crate::render::{AssessmentRow, BehaviourRow, MarkRow, RowHead, Session};
use commonroll_core::{RecordId, Revision};
use serde::Deserialize;
use std::{collections::BTreeMap, fmt, str::FromStr};

pub use talk::{Answer, Outcome, Statement, Step, Value};

/// What the institution says about its MIS.
#[derive(Debug, Clone, Default)]
pub struct Target {
    /// Who stands in the MIS as the writer, where it wants somebody: a username.
    pub taker: Option<String>,
    /// The host's group, and the class or course period of the MIS that it is there.
    pub groups: BTreeMap<String, String>,
    /// A mark, and the MIS's short name of the code that is written for it.
    pub codes: BTreeMap<String, String>,
    /// Where the MIS has the marks of sessions.
    pub sessions: SessionPlaces,
    /// A partner's scale of grades, and the MIS's short name of the scale that it is there.
    pub scales: BTreeMap<String, String>,
}

/// Where an MIS that knows no sessions has the mark of each: the name of a period, or whatever else its writer takes. Marks of a
/// session without a place are not written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionPlaces {
    /// The morning's.
    pub am: Option<String>,
    /// The afternoon's.
    pub pm: Option<String>,
}

impl SessionPlaces {
    /// Of this session.
    pub fn of(&self, session: Session) -> Option<&str> {
        match session {
            Session::Am => self.am.as_deref(),
            Session::Pm => self.pm.as_deref(),
        }
    }

    /// True if no session has a place.
    pub const fn is_empty(&self) -> bool {
        self.am.is_none() && self.pm.is_none()
    }
}

/// Writes marks into one MIS, and results and behaviour if it takes any.
pub trait Writer: Sync {
    /// Name of the MIS, as settings give it.
    fn name(&self) -> &'static str;

    /// Looks whether an MIS of this kind can have what is said of it.
    ///
    /// # Errors
    /// The key of `outbox.apply` at fault, and what to write instead.
    fn check(&self, target: &Target) -> Result<(), String>;

    /// True if the MIS's tables keep no second row of the same out, so that only one session may write at a time: what an earlier one
    /// has not committed yet, a later one can't see.
    fn writes_alone(&self) -> bool {
        false
    }

    /// What is to be done next for a row, after these answers.
    fn step(&self, target: &Target, row: &MarkRow, answers: &[Answer]) -> Step;

    /// True if it takes results too.
    fn takes_results(&self) -> bool {
        false
    }

    /// What is to be done next for a row of results, after these answers.
    fn result(&self, target: &Target, row: &AssessmentRow, answers: &[Answer]) -> Step {
        let _ = (target, row, answers);
        refused("results are not entered in this MIS; enter it by hand")
    }

    /// True if it takes behaviour too.
    fn takes_events(&self) -> bool {
        false
    }

    /// What is to be done next for a row of behaviour, after these answers.
    fn event(&self, target: &Target, row: &BehaviourRow, answers: &[Answer]) -> Step {
        let _ = (target, row, answers);
        refused("behaviour is not entered in this MIS; enter it by hand")
    }
}

/// Every MIS whose database can be written to.
pub const ALL: &[&dyn Writer] = &[&gibbon::Gibbon, &family::ROSARIOSIS, &family::OPENSIS];

/// The writer of this name.
pub fn by_name(name: &str) -> Option<&'static dyn Writer> {
    ALL.iter().copied().find(|writer| writer.name() == name)
}

/// What tells our rows from others: `[cr:<record>.<revision>=<code>]`, at the end of a comment, and in databases, where marks of
/// lessons and sessions may lie side by side, `[cr:AM-<record>..` for a session's. The code is the one that we wrote, as the MIS
/// calls it: its number in a database, its letters at Wonde.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag<C> {
    /// Of which session the row is, if that is to be told apart.
    pub session: Option<Session>,
    /// Of which record the row is.
    pub record: RecordId,
    /// At which revision it was written.
    pub revision: Revision,
    /// The code that was written. Under another one the row is somebody else's.
    pub code: C,
}

/// What the comments are like of those rows of ours that a row may have to do with, for `like`: of its own record, and of any
/// record for the same session.
fn pattern(row: &MarkRow) -> String {
    match row.session {
        None => format!("%[cr:{}.%", row.head.record),
        Some(session) => format!("%[cr:{}-%", session.as_str()),
    }
}

impl<C> Tag<C> {
    /// True if it is of the session that the row is of; never of a lesson's.
    fn is_session(&self, row: &MarkRow) -> bool {
        self.session.is_some() && self.session == row.session
    }
}

impl<C: FromStr> Tag<C> {
    /// Reads the tag of a comment.
    pub fn read(comment: &str) -> Option<Self> {
        let (_, rest) = comment.rsplit_once("[cr:")?;
        let of = |session: Session| Some((session, rest.strip_prefix(session.as_str())?.strip_prefix('-')?));
        let (session, rest) = match of(Session::Am).or_else(|| of(Session::Pm)) {
            Some((session, rest)) => (Some(session), rest),
            None => (None, rest),
        };
        let (record, rest) = rest.trim_end().strip_suffix(']')?.split_once('.')?;
        let (revision, code) = rest.split_once('=')?;
        Some(Self {
            session,
            record: record.parse().ok()?,
            revision: Revision::new(revision.parse().ok()?).ok()?,
            code: code.parse().ok()?,
        })
    }
}

impl<C: fmt::Display> fmt::Display for Tag<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[cr:")?;
        if let Some(session) = self.session {
            write!(f, "{}-", session.as_str())?;
        }
        write!(f, "{}.{}={}]", self.record, self.revision, self.code)
    }
}

/// `words` and behind them a tag, in at most `max` characters. The tag is never cut.
pub(crate) fn tagged<C: fmt::Display>(words: &str, tag: &Tag<C>, max: usize) -> String {
    let tag = tag.to_string();
    let room = max.saturating_sub(tag.chars().count() + 1);
    let words: String = words.chars().filter(|c| !c.is_control()).take(room).collect();
    format!("{words} {tag}").trim_start().to_owned()
}

/// The comment of a row: who saw the learner and when, and the tag, in at most `max` characters. A session's row says so itself.
fn comment(row: &MarkRow, code: i64, max: usize) -> String {
    let (session, head) = (row.session, &row.head);
    let tag = Tag { session, record: head.record, revision: head.revision, code };
    let when =
        row.start.map(|start| format!(" {:02}:{:02}", start.hour(), start.minute())).unwrap_or_default();
    let late = row.minutes_late.filter(|minutes| *minutes > 0);
    let late = late.map(|minutes| format!(", {minutes} min late")).unwrap_or_default();
    match session {
        Some(_) => {
            let said: String = row.comment.chars().map(unmarked).collect();
            tagged(&format!("{said}{late}"), &tag, max)
        }
        None => tagged(&format!("{}{when}{late}", head.source), &tag, max),
    }
}

/// A character of what a partner wrote, for a MIS that shows what it has as markup.
const fn unmarked(c: char) -> char {
    match c {
        '<' => '‹',
        '>' => '›',
        other => other,
    }
}

/// Which code is to be looked for in the MIS.
enum Wanted<'a> {
    /// The one with this short name.
    Named(&'a str),
    /// One that means this.
    Present,
    Late,
    Absent,
}

/// What a row's mark is in the MIS.
fn wanted<'t>(target: &'t Target, row: &MarkRow) -> Result<Wanted<'t>, Step> {
    use commonroll_core::{attendance::lookup, record::attendance::Physical};
    if let Some(name) = target.codes.get(&row.mark) {
        return Ok(Wanted::Named(name));
    }
    match lookup(&row.mark, row.head.date).map(|code| code.physical) {
        Ok(Physical::Present) => Ok(Wanted::Present),
        Ok(Physical::Late) => Ok(Wanted::Late),
        Ok(Physical::Absent) => Ok(Wanted::Absent),
        Ok(Physical::NotRequired | Physical::Unknown) | Err(_) => Err(refused(
            "this mark says nothing about a room, so no code is chosen for it; if one should stand for it, name it under \
             outbox.apply.codes",
        )),
    }
}

fn refused(why: &str) -> Step {
    Step::Done(Outcome::Refused(why.to_owned()))
}

fn applied(what: &str) -> Step {
    Step::Done(Outcome::Applied(what.to_owned()))
}

/// A learner's id as the MIS's number.
fn number(head: &RowHead) -> Result<i64, Step> {
    head.learner
        .as_str()
        .parse()
        .map_err(|_| refused("the learner's id is no number of this MIS; look at the learner's match"))
}

const BY_HAND: &str = "somebody has changed or taken over this mark in the MIS; what a person made stays";
const HOME: &str = "the MIS has a mark of its own there; what a person made stays";
const OURS: &str = "a mark of another partner's record, lesson or session, or the officer's code for the session, stands there; it stays";
const NO_PLACE: &str = "no place of this MIS is named for marks of this session; name it under outbox.apply.sessions, or enter it by hand";

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_read_from_the_end_of_a_comment() {
        let comment = "northgate 09:00 [cr:0123456789abcdef0123456789abcdef.12=7]";
        let record = "0123456789abcdef0123456789abcdef".parse().unwrap();
        let tag = Tag { session: None, record, revision: Revision::new(12).unwrap(), code: 7 };
        assert_eq!(Tag::<i64>::read(comment), Some(tag.clone()));
        assert!(comment.ends_with(&tag.to_string()));
        let of_session = Tag { session: Some(Session::Pm), ..tag };
        assert_eq!(Tag::<i64>::read(&comment.replace("[cr:", "[cr:PM-")), Some(of_session.clone()));
        assert!(of_session.to_string().starts_with("[cr:PM-0123"));
        assert_eq!(
            Tag::<String>::read(&comment.replace("=7", "=/]")).unwrap().code,
            "/]",
            "any code of an MIS"
        );
        for other in
            ["", "late bus", "[cr:]", "[cr:XM-a.1=1]", "[cr:a.x=1]", "[cr:a.0=1]", "[cr:a.1=1", "[cr:a.1]"]
        {
            let other = &other.replace("cr:a", "cr:0123456789abcdef0123456789abcdef");
            assert_eq!(Tag::<i64>::read(other), None, "{other}");
        }
    }
}
