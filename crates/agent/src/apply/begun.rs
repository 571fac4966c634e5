//! When marks, session codes, behaviour or results begin to be carried, by us or by a program of the school's: whatever came before is
//! with a person, who has entered what of it was to be, and may have taken some of it back by hand since. No program comes after them
//! with a list of last year. Lists of lesson marks alone are carried however old they are: where a person's mark stands, it stays.

use super::{
    order::{List, units},
    results::Results,
    round::rows,
};
use crate::{
    durable::{self, Readers},
    error::AgentError,
    outbox::DECIDED,
    settings::{Apply, Outbox, OutboxFormat},
    spool::Spool,
};
use commonroll_connectors::render::Outcome;
use commonroll_core::RecordKind;
use std::fs;

/// What begins to be carried: how its lists begin, and the spool's note that it is, which is empty while it isn't.
const SESSIONS: (&str, &str) = ("session-", "write-back-sessions");
const RESULTS: (&str, &str) = ("assessment-", "write-back-results");
const EVENTS: (&str, &str) = ("behaviour-", "write-back-behaviour");
/// What a program begins to enter of which its lists are nobody's to pass over here: the spool's note that it does, what it enters,
/// how its lists begin, and whether we are that program.
struct Begins {
    note: &'static str,
    kinds: &'static [RecordKind],
    lists: [&'static str; 2],
    ourselves: bool,
}
/// Marks, by SIMS' interface. It knows nothing of what lies in a database, nor the other way round.
const MARKS: Begins = Begins {
    note: "write-back-marks-xml",
    kinds: &[RecordKind::Attendance],
    lists: ["attendance-", "session-"],
    ourselves: false,
};
/// Marks, into a database, by ourselves.
const MARKS_CARRIED: Begins = Begins { note: "write-back-marks-carried", ourselves: true, ..MARKS };
/// Results and behaviour, by a program of the school's.
const RECORDS: Begins = Begins {
    note: "write-back-records",
    kinds: &[RecordKind::Assessment, RecordKind::Behaviour],
    lists: ["assessment-", "behaviour-"],
    ourselves: false,
};
const BEFORE: &str =
    "it is of before these lists were carried, so it is not; a person was to enter it, and their entry stays";

/// At the start, before anything new is received: passes over the lists that are there of what is carried into a database from now
/// on. Gives how many.
///
/// # Errors
/// When the spool or the outbox fails. The next start does it again.
pub async fn begin(outbox: &Outbox, spool: &Spool) -> Result<u64, AgentError> {
    let sessions = |apply: &Apply| apply.takes_out() && apply.takes_sessions();
    let carries = |of: &dyn Fn(&Apply) -> bool| outbox.apply.as_ref().is_some_and(of);
    spool.part_by_hand().await?;
    // Before lists of sessions are passed over, which are then no sign of a program.
    let writes = |format| outbox.formats.contains(&format);
    begin_entering(outbox, &MARKS, writes(OutboxFormat::SimsXml), spool).await?;
    begin_entering(outbox, &MARKS_CARRIED, carries(&Apply::takes_out), spool).await?;
    let passed = begin_with(outbox, SESSIONS, carries(&sessions), spool).await?;
    begin_entering(outbox, &RECORDS, writes(OutboxFormat::SimsRecordsXml), spool).await?;
    let passed = passed + begin_with(outbox, RESULTS, carries(&|apply| apply.results), spool).await?;
    Ok(passed + begin_with(outbox, EVENTS, carries(&|apply| apply.behaviour), spool).await?)
}

async fn begin_entering(
    outbox: &Outbox,
    begins: &Begins,
    enters: bool,
    spool: &Spool,
) -> Result<(), AgentError> {
    let note = spool.meta(begins.note).await?;
    let was = note.as_ref().is_some_and(|note| !note.is_empty());
    match (was, enters) {
        (false, true) => {
            // An agent of before there was a note has given such to a program already.
            if note.is_some() || !has_given(outbox, begins, spool).await? {
                let mut records = 0;
                for kind in begins.kinds {
                    records = records.max(spool.note_by_hand(*kind).await?);
                }
                if records > 0 {
                    tracing::warn!(
                        records,
                        of = begins.lists[0].trim_end_matches('-'),
                        "of what came before, what is of these lists stays a person's to correct and to take out"
                    );
                }
            }
            spool.set(begins.note, b"1").await
        }
        // From here on it is known that no program had any.
        (_, false) if was || note.is_none() => spool.set(begins.note, &[]).await,
        _ => Ok(()),
    }
}

/// True if the program was given such lists before: by us to ourselves, or in the outbox, where they lie or from where it took them
/// away and said what became of them.
async fn has_given(outbox: &Outbox, begins: &Begins, spool: &Spool) -> Result<bool, AgentError> {
    let is_of = |name: &str| begins.lists.iter().any(|of| name.starts_with(of));
    if begins.ourselves {
        return Ok(spool.applied_lists().await?.iter().any(|list| is_of(list)));
    }
    for result in spool.result_files().await? {
        let Some(list) = result.strip_suffix(".result.csv").filter(|list| is_of(list)) else { continue };
        let lies = |end: &str| outbox.folder.join(format!("{list}.{end}")).exists();
        if !lies("xml") && !lies("csv") {
            return Ok(true);
        }
    }
    let doing = || AgentError::io(format!("reading the outbox {}", outbox.folder.display()));
    for entry in fs::read_dir(&outbox.folder).map_err(doing())? {
        let name = entry.map_err(doing())?.file_name();
        let name = name.to_string_lossy();
        if name.ends_with(".xml") && is_of(&name) {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn begin_with(
    outbox: &Outbox,
    (of, note): (&'static str, &'static str),
    carries: bool,
    spool: &Spool,
) -> Result<u64, AgentError> {
    let was = spool.meta(note).await?.is_some_and(|note| !note.is_empty());
    match (was, carries) {
        (false, true) => {}
        (true, false) => return spool.set(note, &[]).await.map(|()| 0),
        _ => return Ok(0),
    }
    let doing = || AgentError::io(format!("reading the outbox {}", outbox.folder.display()));
    let applied = spool.applied_lists().await?;
    let mut passed = 0;
    for entry in fs::read_dir(&outbox.folder).map_err(doing())? {
        let path = entry.map_err(doing())?.path();
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".csv"));
        let Some(name) = name.filter(|name| name.starts_with(of) && !name.ends_with(".result")) else {
            continue;
        };
        let is_done = applied.contains(name) && path.with_extension("result.csv").exists();
        if !is_done {
            let name = name.to_owned();
            pass_over(&List { path, name, is_done }, spool).await?;
            passed += 1;
        }
    }
    if passed > 0 {
        tracing::warn!(
            lists = passed,
            of = of.trim_end_matches('-'),
            "these lists are carried into the MIS from now on; those of before are not, look whether they were entered"
        );
    }
    for (begun, kind) in [(RESULTS, RecordKind::Assessment), (EVENTS, RecordKind::Behaviour)] {
        if note == begun.1 {
            spool.note_by_hand(kind).await?;
        }
    }
    spool.set(note, b"1").await?;
    Ok(passed)
}

/// Ends a list. Of decided codes nothing is said to the hub that was not said when they were handed to a person.
async fn pass_over(list: &List, spool: &Spool) -> Result<(), AgentError> {
    let result = list.path.with_extension("result.csv");
    let mut results = Results::read(&result);
    let before = results.len();
    if !list.name.trim_start_matches("session-").starts_with(DECIDED) {
        // What can't be read is not carried either.
        for unit in units(rows(list).unwrap_or_default()) {
            if !results.has(unit.key) {
                results.add(unit.key, Outcome::Superseded, BEFORE);
            }
        }
    }
    if results.len() > before || !result.exists() {
        let doing = format!("writing {}", result.display());
        durable::replace(&result, results.text().as_bytes(), Readers::Folder)
            .map_err(AgentError::io(doing))?;
    }
    spool.note_applied(&list.name).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    /// An agent's outbox in this folder, with a record that it has received.
    async fn of(folder: &std::path::Path) -> (Outbox, Spool) {
        fs::create_dir(folder.join("outbox")).unwrap();
        let text = "data = \"data\"\n[outbox]\nfolder = \"outbox\"\nformats = [\"sims-records-xml\"]\n";
        let settings = Settings::parse(text, &folder.join("agent.toml")).unwrap();
        let spool = Spool::open(&folder.join("spool.db")).await.unwrap();
        sqlx::query("INSERT INTO received(record, revision) VALUES (x'01', 1)")
            .execute(spool.pool())
            .await
            .unwrap();
        (settings.outbox.unwrap(), spool)
    }

    async fn by_hand(spool: &Spool) -> usize {
        let found = spool.by_hand(&[vec![1]]).await.unwrap();
        RecordKind::ALL.iter().filter(|kind| found.has(**kind, &[1])).count()
    }

    #[tokio::test]
    async fn what_came_before_a_program_is_a_persons_but_not_what_an_older_agent_gave_to_the_program() {
        let folder = tempfile::tempdir().unwrap();
        let (outbox, spool) = of(folder.path()).await;
        begin(&outbox, &spool).await.unwrap();
        assert_eq!(by_hand(&spool).await, 2, "no list for a program is there");

        let folder = tempfile::tempdir().unwrap();
        let (outbox, spool) = of(folder.path()).await;
        fs::write(outbox.folder.join("behaviour-000000000007.xml"), "").unwrap();
        begin(&outbox, &spool).await.unwrap();
        begin(&outbox, &spool).await.unwrap();
        assert_eq!(by_hand(&spool).await, 0, "it was the program's");
        // Left out for a while, it is known when.
        begin(&Outbox { formats: Vec::new(), ..outbox.clone() }, &spool).await.unwrap();
        begin(&outbox, &spool).await.unwrap();
        assert_eq!(by_hand(&spool).await, 2);
    }

    #[tokio::test]
    async fn what_a_helper_took_away_was_the_programs_and_a_program_knows_nothing_of_what_another_entered() {
        let folder = tempfile::tempdir().unwrap();
        let (outbox, spool) = of(folder.path()).await;
        sqlx::query(
            "INSERT INTO result_file(name, size, modified_us, rows, written, fix)
             VALUES ('attendance-000000000007.result.csv', 1, 1, 1, 1, '')",
        )
        .execute(spool.pool())
        .await
        .unwrap();
        let marks = async || spool.by_hand(&[vec![1]]).await.unwrap().has(RecordKind::Attendance, &[1]);
        begin(&Outbox { formats: vec![OutboxFormat::SimsXml], ..outbox.clone() }, &spool).await.unwrap();
        assert!(!marks().await, "the list was given to the program, which took it away");
        fs::write(folder.path().join("secret"), "secret").unwrap();
        let text = "data = \"data\"\n[outbox]\nfolder = \"outbox\"\nformats = [\"csv\"]\n\
                    [outbox.apply]\nto = \"gibbon\"\nmis = \"gibbon\"\ntaker = \"c\"\n[connection.gibbon]\n\
                    kind = \"mysql\"\naddress = \"localhost/gibbon\"\nuser = \"c\"\ncredentials = \"secret\"\n";
        let carried = Settings::parse(text, &folder.path().join("agent.toml")).unwrap().outbox.unwrap();
        begin(&carried, &spool).await.unwrap();
        assert!(marks().await, "what SIMS' program entered is not ours to take out of another MIS");
    }

    #[tokio::test]
    async fn one_program_that_comes_takes_nothing_from_another_that_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let (outbox, spool) = of(folder.path()).await;
        let formats = |formats: &[OutboxFormat]| Outbox { formats: formats.to_vec(), ..outbox.clone() };
        sqlx::query("DELETE FROM received").execute(spool.pool()).await.unwrap();
        begin(&formats(&[OutboxFormat::SimsRecordsXml]), &spool).await.unwrap();
        sqlx::query("INSERT INTO received(record, revision) VALUES (x'01', 1)")
            .execute(spool.pool())
            .await
            .unwrap();
        begin(&formats(&[OutboxFormat::SimsRecordsXml, OutboxFormat::SimsXml]), &spool).await.unwrap();
        let found = spool.by_hand(&[vec![1]]).await.unwrap();
        assert!(found.has(RecordKind::Attendance, &[1]));
        assert!(!found.has(RecordKind::Behaviour, &[1]), "the program has it");
    }
}
