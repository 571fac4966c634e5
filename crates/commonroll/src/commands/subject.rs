//! `commonroll subject export`: the folder that answers a learner's request for what an institution holds here.
//!
//! The hub decides and writes the entry first. Other learners and staff are masked: an event's id, which would tie several
//! learners together, is left out, and people stand as role and institution. Free text is passed on as it was written, and
//! the page says which entries have some, for the data protection officer reads those before anything is handed over.

use crate::commands::{
    learner::words::{Line, at, moment},
    pack::Folder,
    person::{As, connect, refused},
};
use clap::Subcommand;
use commonroll_core::Slug;
use commonroll_wire::pb::{
    audit::v1::Saw,
    subject::v1::{ExportRequest, ExportResponse, subject_service_client::SubjectServiceClient},
};
use jiff::tz::TimeZone;
use std::{fmt::Write as _, path::PathBuf, process::ExitCode};

const STYLE: &str = "body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}\
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.2em .6em;\
border-bottom:1px solid #bbb}@media print{body{margin:0;max-width:none}}";

/// The commands about a data subject.
#[derive(Subcommand)]
pub enum SubjectCommand {
    /// Write what your institution holds here about a learner, and every disclosure, to a folder
    ///
    /// For the data protection officer. The folder has index.html (to read and print), records.json, disclosures.csv, log.key
    /// (the key of the hub's log, as you were given it when you joined) and proof files of the records' entries, 500 at
    /// most: `commonroll audit verify-proof FILE --key log.key` checks one, `commonroll audit prove` gets the others. It is
    /// personal data: keep it safe.
    ///
    /// Example: commonroll subject export 004711 --for kingsmead --in-role dpo --out request-004711
    Export {
        #[command(flatten)]
        by: As,
        /// The learner, by the id in your own system
        learner: String,
        /// Your institution, which answers as the controller
        #[arg(long = "for", value_name = "INSTITUTION")]
        institution: Slug,
        /// The folder to make
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}

/// Runs a command.
pub async fn run(command: SubjectCommand) -> Result<ExitCode, String> {
    let SubjectCommand::Export { by, learner, institution, out } = command;
    if out.exists() {
        return Err(format!("{} is there already; name a new folder", out.display()));
    }
    let caller = connect(&by).await?;
    if caller.identity.card.institution != institution {
        return Err(format!(
            "you act for {}; each controller answers for itself",
            caller.identity.card.institution
        ));
    }
    let request = ExportRequest { role: caller.role.to_string(), learner_local_id: learner };
    let key = caller.identity.card.log_key.trim().to_owned();
    let mut subjects = SubjectServiceClient::new(caller.channel);
    let mut stream = subjects.export(request).await.map_err(|status| refused(&status))?.into_inner();
    let mut all = ExportResponse::default();
    while let Some(piece) = stream.message().await.map_err(|status| refused(&status))? {
        if !piece.institution_name.is_empty() {
            all = piece;
            continue;
        }
        all.records.extend(piece.records);
        all.disclosures.extend(piece.disclosures);
        all.proofs.extend(piece.proofs);
    }
    let zone = TimeZone::get(&all.time_zone).unwrap_or(TimeZone::UTC);
    let lines: Vec<Line> = all.records.iter().map(|record| Line::of(record, &zone)).collect();
    let mut folder = Folder::new(&out)?;
    folder.append("index.html", page(&all, &lines, &zone).as_bytes())?;
    let json: Vec<_> = lines.iter().map(Line::json).collect();
    folder.append("records.json", format!("{:#}\n", serde_json::Value::Array(json)).as_bytes())?;
    folder.append("disclosures.csv", csv(&all.disclosures).as_bytes())?;
    folder.append("log.key", format!("{key}\n").as_bytes())?;
    for proof in &all.proofs {
        folder.append(&format!("proofs/{}.tlog-proof", proof.sequence), proof.text.as_bytes())?;
    }
    let files = folder.end()?;
    let texts = lines.iter().filter(|line| line.free_text).count();
    println!(
        "{} records, {} disclosures, {files} files in {}",
        lines.len(),
        all.disclosures.len(),
        out.display()
    );
    if all.proofs.len() < lines.len() {
        println!(
            "proofs of the first {} records; the others come with `commonroll audit prove`",
            all.proofs.len()
        );
    }
    if texts > 0 {
        println!(
            "{texts} records have text that people wrote: read it for others' names before you hand it over"
        );
    }
    if !all.others.is_empty() {
        let others: Vec<&str> = all.others.iter().map(|other| other.institution.as_str()).collect();
        println!("other controllers to ask: {}", others.join(", "));
    }
    Ok(ExitCode::SUCCESS)
}

fn page(all: &ExportResponse, lines: &[Line], zone: &TimeZone) -> String {
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>What {name} holds</title>\
         <style>{STYLE}</style>\n<h1>What {name} holds about you in Commonroll</h1>\n\
         <p>Times are those of {zone}. Other learners and the names of staff are left out. {proofs}</p>\n\
         <h2>What {name} has declared</h2><table>\n",
        name = escaped(&all.institution_name),
        zone = escaped(&all.time_zone),
        proofs = proofs(all.proofs.len(), lines.len()),
    );
    for one in &all.declared {
        let _ = writeln!(html, "<tr><th>{}</th><td>{}</td></tr>", escaped(&one.what), escaped(&one.value));
    }
    html.push_str("</table>\n<h2>Records</h2><table>\n<tr><th>Entry<th>Date<th>Time<th>Kind<th>Made by<th>What it says</tr>\n");
    for line in lines {
        let group = if line.group.is_empty() { String::new() } else { format!(" ({})", line.group) };
        let text = if line.free_text { " <em>[free text]</em>" } else { "" };
        let _ = writeln!(
            html,
            "<tr><td>{}<td>{}<td>{}<td>{}<td>{}<td>{}{}{text}</tr>",
            line.sequence,
            escaped(&line.date),
            escaped(&line.time),
            escaped(&line.kind),
            escaped(&line.source),
            escaped(&line.says),
            escaped(&group)
        );
    }
    html.push_str("</table>\n<h2>Who was sent or has read them</h2><table>\n<tr><th>When<th>Who<th>What<th>How far<th>Under</tr>\n");
    for one in &all.disclosures {
        let _ = writeln!(
            html,
            "<tr><td>{}<td>{}<td>{}<td>{}<td>{}</tr>",
            moment(one.at_us, zone),
            escaped(&who(one)),
            escaped(&one.kinds.join(", ")),
            escaped(&one.reached),
            escaped(&one.agreement)
        );
    }
    html.push_str("</table>\n<h2>Others to ask</h2>\n<p>These are controllers of their own; ask them for what they hold.</p><ul>\n");
    for other in &all.others {
        let _ = writeln!(html, "<li>{} ({})</li>", escaped(&other.name), escaped(&other.institution));
    }
    html.push_str("</ul></html>\n");
    html
}

/// What of the records can be proved with what lies in the folder, and what else is to be had.
fn proofs(held: usize, records: usize) -> String {
    let checked = "has a proof in the folder <code>proofs</code>, which <code>commonroll audit verify-proof FILE \
                   --key log.key</code> checks";
    match held < records {
        false => format!("Each record's entry in the hub's log {checked}."),
        true => format!(
            "Of the first {held} records each entry in the hub's log {checked}; the proofs of the others come with \
             <code>commonroll audit prove ENTRY</code>."
        ),
    }
}

fn who(one: &Saw) -> String {
    match one.person_role.as_str() {
        "" => one.institution.clone(),
        role => format!("a {} of {}, for {}", role.replace('_', " "), one.institution, one.purpose),
    }
}

fn csv(disclosures: &[Saw]) -> String {
    let mut csv = String::from("entry,at,kinds,source,who,reached,agreement,policy\r\n");
    for one in disclosures {
        let row = [
            one.sequence.to_string(),
            at(one.at_us),
            one.kinds.join(" "),
            one.source.clone(),
            who(one),
            one.reached.clone(),
            one.agreement.clone(),
            one.policy.clone(),
        ];
        let cells: Vec<String> =
            row.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
        csv.push_str(&cells.join(","));
        csv.push_str("\r\n");
    }
    csv
}

fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            c => html.push(c),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;
    use commonroll_wire::pb::subject::v1::{EntryProof, ShownRecord};

    #[test]
    fn the_page_promises_no_proof_that_is_not_there() {
        let page = |records: u64, proofs| {
            let record = |sequence| ShownRecord { sequence, ..ShownRecord::default() };
            let lines: Vec<Line> = (1..=records).map(|at| Line::of(&record(at), &TimeZone::UTC)).collect();
            let all =
                ExportResponse { proofs: vec![EntryProof::default(); proofs], ..ExportResponse::default() };
            page(&all, &lines, &TimeZone::UTC)
        };
        assert!(page(3, 3).contains("Each record's entry in the hub's log has a proof"));
        let some = page(3, 2);
        assert!(some.contains("Of the first 2 records") && some.contains("audit prove ENTRY"), "{some}");
    }

    #[test]
    fn what_people_wrote_is_text_on_the_page_and_a_cell_in_the_table() {
        assert_eq!(escaped("<b>\"x\" & y</b>"), "&lt;b&gt;&quot;x&quot; &amp; y&lt;/b&gt;");
        let saw = Saw { institution: "a\",=b".to_owned(), kinds: vec!["card".to_owned()], ..Saw::default() };
        assert_eq!(csv(&[saw]).lines().nth(1).unwrap().matches("\"a\"\",=b\"").count(), 1);
    }
}
