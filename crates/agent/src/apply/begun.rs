//! When marks, session codes, behaviour or results begin to be carried, by us or by a program of the school's: whatever came before is
//! with a person, who has entered what of it was to be, and may have taken some of it back by hand since. No program comes after them
//! with a list of last year. Lists of lesson marks alone are carried however old they are: where a person's mark stands, it stays.

use super::{
    order::{List, units},
    results::Results,
    round::rows,
    row::Row,
};
use crate::{
    durable::{self, Readers},
    error::AgentError,
    outbox::DECIDED,
    settings::{Apply, Outbox, OutboxFormat},
    spool::{Spool, feed::record_key},
};
use commonroll_connectors::render::Outcome;
use commonroll_core::RecordKind;
use std::{collections::HashSet, fs};

/// A program that enters rows of the outbox in the MIS, from some start of the agent on.
struct Program {
    /// The spool's note that it does, which is empty while it doesn't.
    note: &'static str,
    /// Records of which it would enter a second copy beside a person's entry.
    kinds: &'static [RecordKind],
    /// How its lists begin.
    lists: &'static [&'static str],
    /// We are it.
    is_ours: bool,
    /// Its lists that lie there when it comes are passed over: a person had them.
    passes_over: bool,
}

/// Marks, by SIMS' interface. It knows nothing of what lies in a database, nor the other way round.
const MARKS: Program = Program {
    note: "write-back-marks-xml",
    kinds: &[RecordKind::Attendance],
    lists: &["attendance-", "session-"],
    is_ours: false,
    passes_over: false,
};
/// Marks, into a database, by ourselves.
const MARKS_CARRIED: Program = Program { note: "write-back-marks-carried", is_ours: true, ..MARKS };
/// Marks of sessions, which we carry.
const SESSIONS: Program = Program {
    note: "write-back-sessions",
    kinds: &[],
    lists: &["session-"],
    is_ours: true,
    passes_over: true,
};
/// Results and behaviour, by a program of the school's.
const RECORDS: Program = Program {
    note: "write-back-records",
    kinds: &[RecordKind::Assessment, RecordKind::Behaviour],
    lists: &["assessment-", "behaviour-"],
    is_ours: false,
    passes_over: false,
};
/// Results, which we carry.
const RESULTS: Program = Program {
    note: "write-back-results",
    kinds: &[RecordKind::Assessment],
    lists: &["assessment-"],
    ..SESSIONS
};
/// Behaviour, which we carry.
const EVENTS: Program = Program {
    note: "write-back-behaviour",
    kinds: &[RecordKind::Behaviour],
    lists: &["behaviour-"],
    ..SESSIONS
};
const BEFORE: &str =
    "it is of before these lists were carried, so it is not; a person was to enter it, and their entry stays";

/// At the start, before anything new is received: notes which programs enter rows from now on and which do no more, and passes over
/// the lists that are there of what is carried into a database from now on. Gives how many.
///
/// # Errors
/// When the spool or the outbox fails. The next start does it again.
pub async fn begin(outbox: &Outbox, spool: &Spool) -> Result<u64, AgentError> {
    let writes = |format| outbox.formats.contains(&format);
    let carries = |of: &dyn Fn(&Apply) -> bool| outbox.apply.as_ref().is_some_and(of);
    spool.part_by_hand().await?;
    // Before lists of sessions are passed over, which are then no sign of a program: that of marks.
    let programs = [
        (&MARKS, writes(OutboxFormat::SimsXml)),
        (&MARKS_CARRIED, carries(&Apply::takes_out)),
        (&SESSIONS, carries(&|apply| apply.takes_out() && apply.takes_sessions())),
        (&RECORDS, writes(OutboxFormat::SimsRecordsXml)),
        (&RESULTS, carries(&|apply| apply.results)),
        (&EVENTS, carries(&|apply| apply.behaviour)),
    ];
    // What one that goes had entered is noted before one that comes counts it as a person's.
    for (program, _) in programs.iter().filter(|(_, enters)| !enters) {
        goes(outbox, program, spool).await?;
    }
    let mut passed = 0;
    for (program, _) in programs.iter().filter(|(_, enters)| *enters) {
        passed += comes(outbox, program, spool).await?;
    }
    Ok(passed)
}

/// Begins with a program that wasn't there at the last start. Gives how many lists it passes over.
async fn comes(outbox: &Outbox, program: &Program, spool: &Spool) -> Result<u64, AgentError> {
    let note = spool.meta(program.note).await?;
    if note.as_ref().is_some_and(|note| !note.is_empty()) {
        return Ok(0);
    }
    // An agent of before there was a note has given such to a program already.
    if note.is_none() && !program.passes_over && has_given(outbox, program, spool).await? {
        return spool.set(program.note, b"1").await.map(|()| 0);
    }
    let lists = if program.passes_over { lists(outbox, program, spool).await? } else { Vec::new() };
    let mut passed = 0;
    for list in lists.iter().filter(|list| !list.is_done) {
        pass_over(list, spool).await?;
        passed += 1;
    }
    let of = program.lists.concat();
    let of = of.trim_end_matches('-');
    if passed > 0 {
        tracing::warn!(
            lists = passed,
            of,
            "these lists are carried into the MIS from now on; those of before are not, look whether they were entered"
        );
    }
    let records = spool.program_comes(program.note, program.kinds).await?;
    if records > 0 {
        tracing::warn!(
            records,
            of,
            "of what came before, what is of these lists stays a person's to correct and to take out"
        );
    }
    Ok(passed)
}

/// Ends with a program that was there at the last start. What it has entered stays its own, should it come back.
async fn goes(outbox: &Outbox, program: &Program, spool: &Spool) -> Result<(), AgentError> {
    match spool.meta(program.note).await? {
        Some(note) if note.is_empty() => Ok(()),
        // From here on it is known that no program had any.
        None => spool.set(program.note, &[]).await,
        Some(_) if !program.passes_over => spool.program_goes(program.note, program.kinds, &[]).await,
        Some(_) => match not_entered(outbox, program, spool).await? {
            Some(left) => spool.program_goes(program.note, program.kinds, &left).await,
            None => spool.program_goes(program.note, &[], &[]).await,
        },
    }
}

/// Records of which nothing of ours stands in the MIS, since we never came to their rows or it refused them all: they are a person's
/// to enter from now on. `None` if a list can't be read.
async fn not_entered(
    outbox: &Outbox,
    program: &Program,
    spool: &Spool,
) -> Result<Option<Vec<Vec<u8>>>, AgentError> {
    let (mut open, mut entered) = (HashSet::new(), HashSet::new());
    for list in lists(outbox, program, spool).await? {
        let results = Results::read(&list.path.with_extension("result.csv"));
        let Ok(rows) = rows(&list) else { return Ok(None) };
        for unit in units(rows) {
            let Some(head) = unit.rows.first().map(Row::head) else { continue };
            let key = record_key(&head.source, head.record);
            match results.of(unit.key) {
                Some(Outcome::Applied) => _ = entered.insert(key),
                // Of what was taken out for a newer row, that row says what became of it.
                Some(Outcome::Superseded) => {}
                Some(Outcome::Refused) | None => _ = open.insert(key),
            }
        }
    }
    Ok(Some(open.difference(&entered).cloned().collect()))
}

/// A program's lists in the outbox.
async fn lists(outbox: &Outbox, program: &Program, spool: &Spool) -> Result<Vec<List>, AgentError> {
    let doing = || AgentError::io(format!("reading the outbox {}", outbox.folder.display()));
    let applied = spool.applied_lists().await?;
    let mut lists = Vec::new();
    for entry in fs::read_dir(&outbox.folder).map_err(doing())? {
        let path = entry.map_err(doing())?.path();
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".csv"));
        let is_list = |name: &&str| is_of(program, name) && !name.ends_with(".result");
        let Some(name) = name.filter(is_list).map(str::to_owned) else { continue };
        let is_done = applied.contains(&name) && path.with_extension("result.csv").exists();
        lists.push(List { path, name, is_done });
    }
    Ok(lists)
}

fn is_of(program: &Program, name: &str) -> bool {
    program.lists.iter().any(|of| name.starts_with(of))
}

/// True if the program was given such lists before: by us to ourselves, or in the outbox, where they lie or from where it took them
/// away and said what became of them.
async fn has_given(outbox: &Outbox, program: &Program, spool: &Spool) -> Result<bool, AgentError> {
    if program.is_ours {
        return Ok(spool.applied_lists().await?.iter().any(|list| is_of(program, list)));
    }
    for result in spool.result_files().await? {
        let list = result.strip_suffix(".result.csv").filter(|list| is_of(program, list));
        let Some(list) = list else { continue };
        let lies = |end: &str| outbox.folder.join(format!("{list}.{end}")).exists();
        if !lies("xml") && !lies("csv") {
            return Ok(true);
        }
    }
    let doing = || AgentError::io(format!("reading the outbox {}", outbox.folder.display()));
    for entry in fs::read_dir(&outbox.folder).map_err(doing())? {
        let name = entry.map_err(doing())?.file_name();
        let name = name.to_string_lossy();
        if name.ends_with(".xml") && is_of(program, &name) {
            return Ok(true);
        }
    }
    Ok(false)
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
    use crate::{apply::round::SUPERSEDED, settings::Settings};
    use commonroll_core::Revision;

    /// An agent's outbox in this folder, with a record that it has received.
    async fn of(folder: &std::path::Path) -> (Outbox, Spool) {
        fs::create_dir(folder.join("outbox")).unwrap();
        let text = "data = \"data\"\n[outbox]\nfolder = \"outbox\"\nformats = [\"sims-records-xml\"]\n";
        let settings = Settings::parse(text, &folder.join("agent.toml")).unwrap();
        let spool = Spool::open(&folder.join("spool.db")).await.unwrap();
        receives(&spool, "x'01'").await;
        (settings.outbox.unwrap(), spool)
    }

    async fn receives(spool: &Spool, record: &str) {
        let insert = format!("INSERT INTO received(record, revision) VALUES ({record}, 1)");
        sqlx::query(sqlx::AssertSqlSafe(insert)).execute(spool.pool()).await.unwrap();
    }

    async fn by_hand(spool: &Spool) -> usize {
        of_by_hand(spool, 1).await
    }

    async fn of_by_hand(spool: &Spool, record: u8) -> usize {
        let found = spool.by_hand(&[vec![record]]).await.unwrap();
        RecordKind::ALL.iter().filter(|kind| found.has(**kind, &[record])).count()
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
        // Left out for a while, it knows what it had entered, and nothing of what came in between.
        begin(&Outbox { formats: Vec::new(), ..outbox.clone() }, &spool).await.unwrap();
        receives(&spool, "x'02'").await;
        begin(&outbox, &spool).await.unwrap();
        assert_eq!(by_hand(&spool).await, 0);
        assert_eq!(of_by_hand(&spool, 2).await, 2);
    }

    #[tokio::test]
    async fn what_was_passed_over_for_a_newer_row_that_never_came_was_entered_by_nobody_yet() {
        let folder = tempfile::tempdir().unwrap();
        let (outbox, spool) = of(folder.path()).await;
        fs::write(folder.path().join("secret"), "secret").unwrap();
        let text = "data = \"data\"\n[outbox]\nfolder = \"outbox\"\nformats = [\"csv\"]\n\
                    [outbox.apply]\nto = \"gibbon\"\nmis = \"gibbon\"\ntaker = \"c\"\nbehaviour = true\n\
                    [connection.gibbon]\nkind = \"mysql\"\naddress = \"localhost/gibbon\"\nuser = \"c\"\n\
                    credentials = \"secret\"\n";
        let carried = Settings::parse(text, &folder.path().join("agent.toml")).unwrap().outbox.unwrap();
        sqlx::query("DELETE FROM received").execute(spool.pool()).await.unwrap();
        begin(&carried, &spool).await.unwrap();
        // Two events in two revisions each. Of the first nothing came to Gibbon, since it was away when its newer row was due.
        let [open, entered] = ["01", "02"].map(|end| format!("{end:0>32}"));
        let key = |event: &String| record_key(&"northgate".parse().unwrap(), event.parse().unwrap());
        let keys = [key(&open), key(&entered)];
        for key in &keys {
            let digits: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
            receives(&spool, &format!("x'{digits}'")).await;
        }
        let captions = "RecordID,Revision,PersonID,Source,Date,Withdrawn,Time,Polarity,Category,Label,Severity,Location,Role,Action,\
                        Status,Text,HomeActionBy,Type\r\n";
        for (list, revision) in [("behaviour-000000000005", 1), ("behaviour-000000000009", 2)] {
            let row = |event: &str| format!("{event},{revision},R1,northgate,2026-09-14,,,,,,,,,,,,,\r\n");
            let rows = captions.to_owned() + &row(&open) + &row(&entered);
            fs::write(outbox.folder.join(format!("{list}.csv")), rows).unwrap();
        }
        let (mut passed, mut written) = (Results::default(), Results::default());
        for event in [&open, &entered] {
            let first = (event.parse().unwrap(), Revision::new(1).unwrap());
            passed.add(first, Outcome::Applied, SUPERSEDED);
        }
        written.add((entered.parse().unwrap(), Revision::new(2).unwrap()), Outcome::Applied, "");
        for (list, results) in [("behaviour-000000000005", passed), ("behaviour-000000000009", written)] {
            fs::write(outbox.folder.join(format!("{list}.result.csv")), results.text()).unwrap();
        }
        // A person enters what is left, and then the program comes back.
        begin(&Outbox { apply: None, ..carried.clone() }, &spool).await.unwrap();
        begin(&carried, &spool).await.unwrap();
        let found = spool.by_hand(&keys).await.unwrap();
        assert!(found.has(RecordKind::Behaviour, &keys[0]), "the person entered it");
        assert!(!found.has(RecordKind::Behaviour, &keys[1]), "it stands in Gibbon by its newer row");
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
        receives(&spool, "x'01'").await;
        begin(&formats(&[OutboxFormat::SimsRecordsXml, OutboxFormat::SimsXml]), &spool).await.unwrap();
        let found = spool.by_hand(&[vec![1]]).await.unwrap();
        assert!(found.has(RecordKind::Attendance, &[1]));
        assert!(!found.has(RecordKind::Behaviour, &[1]), "the program has it");
    }
}
