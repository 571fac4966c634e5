//! Our lines among a school's own in a table of Gibbon: found by their tag, and ours as long as nobody has changed them.
//!
//! Gibbon's tables have no column for us and often no index for what we look by. A `for update` that has to look through a table locks
//! all of it, so what may be ours is looked for without a lock, and locked by its primary key; what counts is what stands there then.

use super::{Outcome, Step, Talk, Value, applied, cell, refused, text};
use crate::{
    render::RowHead,
    writeback::{Tag, unmarked},
};
use commonroll_core::Revision;

/// A table with lines of ours.
pub(super) struct Lines {
    pub table: &'static str,
    /// Its primary key, a number.
    pub key: &'static str,
    /// Whom a line is about.
    pub learner: &'static str,
    /// What a line says, as texts: its key, whose it is, the six parts of the [`sum`] with the comment as their fifth, and a number.
    pub says: &'static str,
    /// What is said of a line of ours that is somebody else's now.
    pub changed: &'static str,
}

/// A line of ours that nobody has changed.
pub(super) struct Own {
    pub id: i64,
    pub revision: Revision,
    pub comment: String,
    /// What stands behind the parts of the sum.
    pub number: i64,
}

impl Lines {
    /// Our line of a record, locked: a refusal if somebody has made it theirs.
    pub fn own(
        &self,
        head: &RowHead,
        (learner, editor): (i64, i64),
        talk: &mut Talk<'_>,
    ) -> Result<Option<Own>, Step> {
        let Self { table, key, learner: about, says, .. } = self;
        let found = talk.ask(
            format!("select concat({key}), comment from {table} where {about} = ? and comment like ?"),
            &[learner.into(), Value::from(format!("%[cr:{}.%", head.record))],
        )?;
        // What a partner wrote may look like another record's tag: the tag at the end says which record the line is.
        let is_anothers =
            |comment: &str| Tag::<i64>::read(comment).is_some_and(|tag: Tag<i64>| tag.record != head.record);
        let mut ours = found.iter().filter(|one| !is_anothers(text(one, 1)));
        let id = match (ours.next(), ours.next()) {
            (None, _) => return Ok(None),
            (Some(one), None) => cell(one, 0),
            (Some(_), Some(_)) => return Err(refused(self.changed)),
        };
        let locked =
            talk.ask(format!("select {says} from {table} where {key} = ? for update"), &[id.into()])?;
        let Some(line) = locked.first() else {
            let fix = "the line went while it was looked at; it is looked for again";
            return Err(Step::Done(Outcome::Missed(fix.to_owned())));
        };
        match tag(line, editor).filter(|tag| tag.record == head.record) {
            Some(Tag { revision, .. }) => {
                Ok(Some(Own { id, revision, comment: text(line, 6).to_owned(), number: cell(line, 8) }))
            }
            None => Err(refused(self.changed)),
        }
    }

    /// Our own line goes; nobody else's.
    pub fn withdraw(&self, own: Option<Own>, head: &RowHead, talk: &mut Talk<'_>) -> Result<Step, Step> {
        let Self { table, key, .. } = self;
        let Some(own) = own else { return Ok(applied("nothing of it was there")) };
        if own.revision > head.revision {
            return Ok(applied("a newer one stands there"));
        }
        let delete = format!("delete from {table} where {key} = ? and comment = ?");
        talk.change(delete, &[own.id.into(), own.comment.into()])?;
        let left =
            talk.ask(format!("select concat({key}) from {table} where {key} = ?"), &[own.id.into()])?;
        Ok(if left.is_empty() { applied("taken out") } else { refused("it could not be taken out") })
    }
}

/// The tag of a line; `None` unless it is ours and nobody has changed it.
pub(super) fn tag(line: &[String], editor: i64) -> Option<Tag<i64>> {
    let comment = text(line, 6);
    let words = comment.rsplit_once("[cr:").map_or("", |(words, _)| words.trim_end());
    let said = [text(line, 2), text(line, 3), text(line, 4), text(line, 5), words, text(line, 7)];
    Tag::<i64>::read(comment).filter(|tag| tag.code == sum(said) && cell(line, 1) == editor)
}

/// Refuses if Gibbon has no current person of this number.
pub(super) fn someone(learner: i64, talk: &mut Talk<'_>) -> Result<(), Step> {
    let someone = talk.ask(
        "select concat(gibbonPersonID) from gibbonPerson where gibbonPersonID = ? and status = 'Full'",
        &[learner.into()],
    )?;
    match someone {
        [] => {
            Err(refused("Gibbon has no current person of this learner's number; look at the learner's match"))
        }
        _ => Ok(()),
    }
}

/// At most so many characters on one line, without blanks around them and without what would be markup: Gibbon takes that out of
/// what is typed in, and shows what it has as it is.
pub(super) fn plain(said: &str, max: usize) -> String {
    let line = said.chars().map(|c| if c.is_control() { ' ' } else { unmarked(c) });
    line.take(max).collect::<String>().trim().to_owned()
}

/// A sum over all that a line says in six parts, by which a change of any of it is seen. No secret: it keeps nobody from forging it
/// who may write here anyway.
pub(super) fn sum(parts: [&str; 6]) -> i64 {
    let mut sum = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        for byte in part.bytes().chain([0x1f]) {
            sum = (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    (sum >> 16).cast_signed()
}
