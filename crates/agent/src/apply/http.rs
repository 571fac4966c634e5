//! Carrying marks into Wonde: looked for first, posted, and believed only when read back.
//!
//! Wonde writes into the MIS later and once: what fails then is not tried again there and not told. So a mark that was taken
//! waits until it is read back, and goes to a person if it is not there after a day. A mark that a person made stays. What is
//! posted is noted in the spool first, so a restart neither posts it again nor takes what may still arrive for nothing.

use super::{
    Carried, Carrier, Failure,
    seen::{DAYS, Seen},
};
use crate::{
    chance::{Clock, Randomness},
    error::AgentError,
    fetch::FetchFault,
    settings::{Apply, Settings, Source},
    spool::{Spool, applying::Posted},
};
use commonroll_connectors::{
    api,
    render::MarkRow,
    wonde::write::{self, Place, Standing, Whose},
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::Mutex;

/// How long a mark that was posted may take to arrive in the MIS.
const ARRIVES_US: i64 = 24 * 3_600_000_000;
/// After this it is posted again if nobody said whether it was taken: Wonde writes what it has within hours.
const UNSURE_US: i64 = 6 * 3_600_000_000;
/// Between looks for it.
const LOOK: Duration = Duration::from_secs(900);

const CHANGED: &str = "somebody has changed this mark in the MIS; what a person made stays";

/// Carries marks into Wonde.
pub struct WondeCarrier {
    school: String,
    groups: BTreeMap<String, String>,
    codes: BTreeMap<String, String>,
    /// The source that reads this MIS's lesson marks as the school's own.
    reads_lessons: Option<String>,
    clock: Arc<dyn Clock>,
    spool: Spool,
    seen: Mutex<Seen>,
}

impl WondeCarrier {
    /// A carrier as the settings say.
    ///
    /// # Errors
    /// The key at fault and what to write instead.
    pub fn new(
        apply: &Apply,
        settings: &Settings,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Randomness>,
        spool: Spool,
    ) -> Result<Self, String> {
        let api = apply.connection.api.as_deref().filter(|api| *api == "wonde").and_then(api::by_name);
        let api = api.ok_or("to: only a connection with api = \"wonde\" can be written to over HTTP")?;
        if apply.mis != "wonde" {
            return Err("mis: must be wonde for this connection".to_owned());
        }
        if !apply.sessions.is_empty() {
            return Err("sessions: Wonde has sessions of its own; remove it".to_owned());
        }
        if apply.results {
            return Err("results: are entered in Gibbon alone; remove it, and enter them by hand".to_owned());
        }
        if apply.behaviour {
            return Err("behaviour: is entered in Gibbon alone; remove it, and enter it by hand".to_owned());
        }
        let school = apply.connection.options.get("school").cloned();
        let school = school.ok_or("to: the connection's options must have `school`")?;
        let seen = Seen::new(&apply.connection, api, settings.zone.clone(), clock.clone(), rng)?;
        Ok(Self {
            school,
            groups: apply.groups.clone(),
            codes: apply.codes.clone(),
            reads_lessons: settings
                .sources
                .iter()
                .find(|source| reads_lessons(source))
                .map(|source| source.name.clone()),
            clock,
            spool,
            seen: Mutex::new(seen),
        })
    }

    /// The MIS's code for a mark, and its id.
    async fn code(
        &self,
        seen: &mut Seen,
        row: &MarkRow,
    ) -> Result<Result<(String, String), Carried>, Failure> {
        let wanted = self.codes.get(&row.mark).unwrap_or(&row.mark);
        Ok(match seen.code(wanted).await? {
            Some(id) => Ok((wanted.clone(), id)),
            None => Err(Carried::Refused(
                "the MIS has no code for this mark, so nothing was sent; name one of its codes under outbox.apply.codes"
                    .to_owned(),
            )),
        })
    }

    /// Where the row's mark belongs.
    async fn place(&self, seen: &mut Seen, row: &MarkRow) -> Result<Result<Place, Carried>, Failure> {
        if let Some(place) = session_of(row) {
            return Ok(Ok(place));
        }
        let refused = |why: &str| Ok(Err(Carried::Refused(why.to_owned())));
        if let Some(source) = &self.reads_lessons {
            return refused(&format!(
                "Wonde keeps no comment with a lesson's mark, and the source `{source}` would send a partner's mark on as the \
                 school's own: enter it by hand, or remove the source"
            ));
        }
        let Some(class) = self.groups.get(&row.group) else {
            return refused(
                "no class of the MIS is named for the host's group; add it under outbox.apply.groups",
            );
        };
        let Some(start) = row.start else {
            return refused("the mark has no time, so its lesson is not known; enter it by hand");
        };
        match seen.lesson(class, row.head.date.civil(), start).await? {
            Some(lesson) => Ok(Ok(Place::Lesson(row.head.learner.as_str().to_owned(), lesson))),
            None => refused("the MIS has no lesson of this class at that time; enter the mark by hand"),
        }
    }

    /// Posts a mark, once: noted before it is sent, and forgotten only if it surely was not taken.
    async fn post(
        &self,
        seen: &Seen,
        row: &MarkRow,
        place: &Place,
        code: (&str, &str),
        before: String,
    ) -> Result<Carried, Failure> {
        let request = match (place, row.session) {
            (Place::Lesson(_, lesson), _) => write::lesson(&self.school, row, lesson, code.1),
            (Place::Session(..), Some(session)) => write::session(&self.school, row, session, code),
            (Place::Session(..), None) => return Err(Failure::Row("the row names no session".to_owned())),
        };
        let mut posted = Posted { at_us: self.clock.now().micros(), is_taken: false, before };
        self.spool.note_posted(row, Some(&posted)).await.map_err(|error| spoiled(&error))?;
        match seen.line().ask(&request).await {
            // A success without a receipt is none, but it may have been taken: it is not sent again.
            Ok(_) => {
                posted.is_taken = true;
                self.spool.note_posted(row, Some(&posted)).await.map_err(|error| spoiled(&error))?;
                Ok(Carried::Waiting(LOOK))
            }
            Err(fault) => {
                let may_be_taken = matches!(
                    fault.rule,
                    "HTTP-TIMEOUT" | "HTTP-BROKEN" | "HTTP-SERVER" | "HTTP-SIZE" | "HTTP-TEXT"
                );
                if !may_be_taken {
                    self.spool.note_posted(row, None).await.map_err(|error| spoiled(&error))?;
                }
                Err(of_row(&fault))
            }
        }
    }

    /// What can be said of a mark that was taken back.
    async fn take_back(&self, seen: &mut Seen, row: &MarkRow) -> Result<Carried, Failure> {
        let by_hand = || {
            Carried::Refused(
                "the mark was taken back, and Wonde can take none out of the MIS: look, and remove it by hand"
                    .to_owned(),
            )
        };
        let Some(place) = session_of(row) else {
            // What is taken back says neither class nor time, and a lesson's mark in the MIS not whose it is.
            return Ok(if self.may_arrive(row).await? { Carried::Waiting(LOOK) } else { by_hand() });
        };
        let (standing, _) = seen.standing(&place).await?;
        let is_unseen = standing.is_none() && !seen.reaches(row.head.date.civil());
        let whose = standing.filter(is_mark).map(|standing| write::whose(row, &standing));
        Ok(match whose {
            // What was proposed stands for what was decided, where both say the same.
            Some(Whose::Ours(_) | Whose::Proposed) => by_hand(),
            Some(Whose::Changed) => Carried::Refused(CHANGED.to_owned()),
            _ if self.may_arrive(row).await? => Carried::Waiting(LOOK),
            _ if is_unseen => by_hand(),
            _ => Carried::Applied("nothing of ours stands there".to_owned()),
        })
    }

    /// True if a mark of the row's record may still arrive in the MIS.
    async fn may_arrive(&self, row: &MarkRow) -> Result<bool, Failure> {
        let since = self.clock.now().plus_micros(-ARRIVES_US);
        self.spool.posted_since(row, since).await.map_err(|error| spoiled(&error))
    }

    /// What became of a mark that was posted and that does not stand there yet.
    async fn look(
        &self,
        row: &MarkRow,
        posted: &Posted,
        (standing, read_us): (Option<&Standing>, i64),
    ) -> Result<Carried, Failure> {
        let is_as_before = standing.map_or("", |standing| &*standing.code) == posted.before;
        let waited_us = self.clock.now().micros() - posted.at_us;
        let end = if !is_as_before && read_us > posted.at_us {
            Ok(Carried::Refused("somebody made another mark there since; it stays".to_owned()))
        } else if posted.is_taken && waited_us > ARRIVES_US {
            Ok(Carried::Refused(
                "Wonde took the mark, and after a day it does not stand in the MIS: enter it by hand"
                    .to_owned(),
            ))
        } else if !posted.is_taken && waited_us > UNSURE_US {
            Err(Failure::Row(
                "Wonde never said whether it took the mark, and it does not stand in the MIS".to_owned(),
            ))
        } else {
            return Ok(Carried::Waiting(LOOK));
        };
        self.spool.note_posted(row, None).await.map_err(|error| spoiled(&error))?;
        end
    }
}

/// True if a source reads lesson marks out of Wonde.
fn reads_lessons(source: &Source) -> bool {
    source.asked.as_ref().is_some_and(|asked| {
        asked.connection.api.as_deref() == Some("wonde")
            && asked.records.as_deref() == Some("attendance/lesson")
    })
}

/// The session that the row's mark is for; `None` for a lesson's.
fn session_of(row: &MarkRow) -> Option<Place> {
    let session = row.session?.as_str().to_owned();
    Some(Place::Session(row.head.learner.as_str().to_owned(), row.head.date.to_string(), session))
}

fn spoiled(error: &AgentError) -> Failure {
    Failure::Later(error.to_string())
}

/// A blank or `-` is no mark of anybody's.
fn is_mark(standing: &Standing) -> bool {
    !matches!(&*standing.code, "" | "-")
}

/// What Wonde says of one row, and what it would say of all.
fn of_row(fault: &FetchFault) -> Failure {
    match fault.rule {
        "HTTP-REFUSED" | "HTTP-NOT-FOUND" => Failure::Row(fault.to_string()),
        _ => Failure::Later(fault.to_string()),
    }
}

#[async_trait::async_trait]
impl Carrier for WondeCarrier {
    fn lists(&self) -> &[&'static str] {
        &["session", "attendance"]
    }

    async fn rest(&self) {
        self.seen.lock().await.forget_old();
    }

    async fn is_under_way(&self, row: &MarkRow) -> Result<bool, Failure> {
        Ok(self.spool.posted(row).await.map_err(|error| spoiled(&error))?.is_some())
    }

    async fn carry(&self, row: &MarkRow) -> Result<Carried, Failure> {
        let seen = &mut *self.seen.lock().await;
        if row.head.withdrawn {
            return self.take_back(seen, row).await;
        }
        let place = match self.place(seen, row).await? {
            Ok(place) => place,
            Err(carried) => return Ok(carried),
        };
        let (code, code_id) = match self.code(seen, row).await? {
            Ok(code) => code,
            Err(carried) => return Ok(carried),
        };
        let (standing, read_us) = seen.standing(&place).await?;
        if standing.as_ref().is_some_and(|standing| standing.code == code) {
            self.spool.note_posted(row, None).await.map_err(|error| spoiled(&error))?;
            return Ok(Carried::Applied("read back out of the MIS".to_owned()));
        }
        if let Some(posted) = self.spool.posted(row).await.map_err(|error| spoiled(&error))? {
            return self.look(row, &posted, (standing.as_ref(), read_us)).await;
        }
        if standing.is_none() && !seen.reaches(row.head.date.civil()) {
            return Ok(Carried::Refused(format!(
                "the mark is more than {DAYS} days old, and what stands in the MIS was not read so far back; enter it by hand"
            )));
        }
        match standing
            .as_ref()
            .filter(|standing| is_mark(standing))
            .map(|standing| write::whose(row, standing))
        {
            None | Some(Whose::Proposed) => {}
            Some(Whose::Ours(stands)) if stands < row.head.revision => {}
            Some(Whose::Ours(_)) => return Ok(Carried::Applied("it stands there already".to_owned())),
            Some(Whose::Changed) => return Ok(Carried::Refused(CHANGED.to_owned())),
            Some(Whose::Theirs) => {
                return Ok(Carried::Refused("the MIS has a mark of its own there; it stays".to_owned()));
            }
        }
        let before = standing.map(|standing| standing.code).unwrap_or_default();
        self.post(seen, row, &place, (&code, &code_id), before).await
    }
}
