//! The first page of an exit pack, as a person reads it.

use super::{exit::Counts, pack::local_time};
use commonroll_core::{Timestamp, directory::Institution};
use jiff::tz::TimeZone;
use std::fmt::Write as _;

/// What is in the pack, how to check it, and what remains to be done.
pub fn index(info: &Institution, zone: &TimeZone, counts: &Counts, now: Timestamp) -> String {
    let slug = &info.slug;
    let mut page = format!(
        "# What the hub holds of {}\n\nDrawn up {}. Times in the files are UTC.\n\n",
        info.name,
        local_time(now, zone)
    );
    let _ = write!(
        page,
        "{}| `declarations.jsonl` | what you declared, as it stands: {} lines |\n{}\
         | `log.jsonl` | the {} entries of the log that concern you |\n\
         | `agents.csv`, `people.csv` | who acted for you, with their public keys |\n\
         | `partners.csv`, `notices.csv` | what partners were handed of yours, what they were asked to remove, what they answered |\n\
         | `checkpoint.txt`, `log.key` | the log as it was signed when this was drawn up |\n\
         | `manifest.sha256` | the SHA-256 of every file here; its own was printed when this was drawn up |\n\n",
        records(counts),
        counts.declared,
        agreements(counts),
        counts.lines
    );
    let _ = write!(
        page,
        "## To check it without the hub\n\n\
         `commonroll exit verify FOLDER {slug}` holds every record against your own signature, says if one is missing, and holds \
         the other files against the manifest. Compare what it prints: the log's key with the one that you were given when you \
         joined, the signing keys with your agents', the manifest with what `exit pack` printed. Content is base64 of the \
         published schema's messages; the schema's README, in Commonroll's sources, says how roots and signatures are made.\n\n\
         ## What partners hold\n\n| partner | kind | handed out | asked back |\n|---|---|---|---|\n",
    );
    for ((partner, kind), (handed, asked)) in &counts.partners {
        let _ = writeln!(page, "| {partner} | {kind} | {handed} | {asked} |");
    }
    page.push_str(
        "\nRevisions count each. What an agreement says is kept at its end stays with them; all else they are asked to remove \
         when you leave. `notices.csv` has what they answered; the hub's operator sees it later with `commonroll audit withdrawals --all`.\n\n## What you received\n\n\
         | partner | kind | records |\n|---|---|---|\n",
    );
    for ((partner, kind), count) in &counts.received {
        let _ = writeln!(page, "| {partner} | {kind} | {count} |");
    }
    let _ = write!(
        page,
        "\nThose are in your own systems; the hub's copies of them belong to those who made them.\n\n## To leave\n\n\
         1. Draw this pack up once more after your last batch, check it, and keep it for as long as your agreements say (the \
         log's lines six years).\n\
         2. A head ends the membership: `commonroll exit end {slug}`. Nothing flows from that moment, placements end, nobody acts for you \
         any more, and partners are asked to remove what they may not keep. The history stays, and verifies.\n\
         3. Tell learners and parents who holds what from now on, and end the processor contract with the hub's operator.\n",
    );
    page
}

/// The rows of records and of the signatures over them; a file of no lines is not there.
fn records(counts: &Counts) -> String {
    let mut rows = String::from("| file | what |\n|---|---|\n");
    match counts.records {
        0 => rows.push_str("| (no records) | you published none |\n"),
        some => {
            let _ = writeln!(
                rows,
                "| `records.jsonl` | your {some} records and revisions as you sent them; of {} the content is gone, as the log says |",
                counts.gone
            );
        }
    }
    if counts.batches > 0 {
        let _ = writeln!(rows, "| `batches.jsonl` | your signatures over them, {} batches |", counts.batches);
    }
    rows
}

fn agreements(counts: &Counts) -> String {
    match counts.agreements {
        0 => String::new(),
        some => format!("| `agreements/` | the exact texts of {some} agreements, and who signed them |\n"),
    }
}
