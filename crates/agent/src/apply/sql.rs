//! Carrying rows into a database: one transaction for each row, in which the connector's plan looks, writes and reads back.

use super::{Carried, Carrier, Failure};
use crate::{
    database::{Address, DatabaseFault, Link},
    fetch::secret,
    settings::{Apply, Connection},
};
use commonroll_connectors::{
    render::{AssessmentRow, BehaviourRow, MarkRow},
    writeback::{self, Answer, Outcome, Step, Target, Writer},
};
use std::sync::Arc;
use tokio::sync::Mutex;

/// The next step of a row's plan, after these answers.
type Plan<'a> = dyn Fn(&[Answer]) -> Step + Send + Sync + 'a;

/// More steps than any plan has.
const STEPS_MAX: usize = 32;

/// Carries rows into one database.
pub struct SqlCarrier {
    connection: Arc<Connection>,
    at: Address,
    writer: &'static dyn Writer,
    target: Target,
    /// Which lists are carried, in their order.
    lists: Vec<&'static str>,
    link: Mutex<Option<Link>>,
}

impl SqlCarrier {
    /// A carrier as the settings say.
    ///
    /// # Errors
    /// The key at fault and what to write instead.
    pub fn new(apply: &Apply) -> Result<Self, String> {
        let writer = writeback::by_name(&apply.mis).ok_or_else(|| {
            let known: Vec<_> = writeback::ALL.iter().map(|writer| writer.name()).collect();
            format!("mis: must be one of {}", known.join(", "))
        })?;
        let target = Target {
            taker: apply.taker.clone(),
            groups: apply.groups.clone(),
            codes: apply.codes.clone(),
            sessions: apply.sessions.clone(),
            scales: apply.scales.clone(),
        };
        writer.check(&target)?;
        if apply.results && !writer.takes_results() {
            return Err("results: are entered in Gibbon alone; remove it, and enter them by hand".to_owned());
        }
        if apply.behaviour && !writer.takes_events() {
            return Err("behaviour: is entered in Gibbon alone; remove it, and enter it by hand".to_owned());
        }
        // What a person decided of a session stands over lessons' marks that would lie in the same place.
        let carried = [
            ("session", !target.sessions.is_empty()),
            ("attendance", true),
            ("assessment", apply.results),
            ("behaviour", apply.behaviour),
        ];
        Ok(Self {
            connection: apply.connection.clone(),
            at: Address::of(&apply.connection)?,
            writer,
            target,
            lists: carried.into_iter().filter_map(|(list, is_carried)| is_carried.then_some(list)).collect(),
            link: Mutex::new(None),
        })
    }

    async fn open(&self) -> Result<Link, Failure> {
        let password = secret::read(&self.connection).map_err(|fault| Failure::Later(fault.to_string()))?;
        let later = |fault: DatabaseFault| Failure::Later(fault.to_string());
        let mut link =
            Link::open(&self.at, password.as_ref().map(secret::Secret::reveal)).await.map_err(later)?;
        if self.writer.writes_alone()
            && let Err(fault) = link.write_alone().await
        {
            link.close().await;
            return Err(later(fault));
        }
        Ok(link)
    }

    /// Does what the plan says, to its end.
    async fn talk(&self, link: &mut Link, step: &Plan<'_>) -> Result<Outcome, DatabaseFault> {
        let mut answers = Vec::new();
        link.begin_writing().await?;
        for _ in 0..STEPS_MAX {
            match step(&answers) {
                Step::Ask(asked) => answers.push(Answer::Rows(link.ask(&asked.text, &asked.values).await?)),
                Step::Change(change) => {
                    answers.push(Answer::Changed(link.change(&change.text, &change.values).await?));
                }
                Step::Done(outcome) => {
                    let applied = matches!(outcome, Outcome::Applied(_));
                    link.run(if applied { "commit" } else { "rollback" }).await?;
                    return Ok(outcome);
                }
            }
        }
        link.run("rollback").await?;
        Ok(Outcome::Fault("the plan for this MIS does not come to an end; report it".to_owned()))
    }

    /// Carries one row by its plan.
    async fn by_plan(&self, step: &Plan<'_>) -> Result<Carried, Failure> {
        // Taken out: what a panic or a fault leaves is never used again, and the server undoes it.
        let kept = self.link.lock().await.take();
        let mut link = match kept {
            Some(link) => link,
            None => self.open().await?,
        };
        match self.talk(&mut link, step).await {
            Ok(outcome) => {
                *self.link.lock().await = Some(link);
                match outcome {
                    Outcome::Applied(words) => Ok(Carried::Applied(words)),
                    Outcome::Refused(words) => Ok(Carried::Refused(words)),
                    Outcome::Missed(words) => Err(Failure::Row(words)),
                    Outcome::Fault(words) => Err(Failure::Later(words)),
                }
            }
            Err(fault) => {
                link.close().await;
                // What the server says of this row alone; anything else would be said of every row.
                Err(match fault.rule {
                    "SQL-REFUSED" => Failure::Row(fault.to_string()),
                    "SQL-LOCKED" | "SQL-SLOW" | "SQL-CHANGED" if fault.passes => {
                        Failure::HeldUp(fault.to_string())
                    }
                    _ => Failure::Later(fault.to_string()),
                })
            }
        }
    }
}

#[async_trait::async_trait]
impl Carrier for SqlCarrier {
    fn lists(&self) -> &[&'static str] {
        &self.lists
    }

    async fn carry(&self, row: &MarkRow) -> Result<Carried, Failure> {
        self.by_plan(&|answers| self.writer.step(&self.target, row, answers)).await
    }

    async fn carry_result(&self, row: &AssessmentRow) -> Result<Carried, Failure> {
        self.by_plan(&|answers| self.writer.result(&self.target, row, answers)).await
    }

    async fn carry_event(&self, row: &BehaviourRow) -> Result<Carried, Failure> {
        self.by_plan(&|answers| self.writer.event(&self.target, row, answers)).await
    }

    async fn rest(&self) {
        if let Some(link) = self.link.lock().await.take() {
            link.close().await;
        }
    }
}
