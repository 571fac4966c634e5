//! `commonroll agent transfer`: a Common Transfer File of chosen learners.
//!
//! What is printed are numbers: no name, id or mark of a learner is shown, in errors neither.

use super::{agent::Place, told};
use crate::real::now;
use commonroll_agent::{
    Identity, Spool,
    scan::Reading,
    transfer::{self, Told, Wanted, Who},
};
use commonroll_connectors::render::{CTF_VERSION, CtfSchool};
use commonroll_core::{LocalId, Slug};
use std::{fmt::Write as _, path::PathBuf, process::ExitCode};

/// What the file is to hold, and where to.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,
    /// A learner, by your MIS' own id; may be given many times
    #[arg(long = "learner", value_name = "LOCALID", required_unless_present = "all_to")]
    learners: Vec<String>,
    /// All learners whom your exports place at this institution, today or later
    #[arg(long, value_name = "HOST", conflicts_with = "learners")]
    all_to: Option<Slug>,
    /// Your own LA and establishment number, seven digits
    #[arg(long, value_name = "LLLEEEE", value_parser = own)]
    from: CtfSchool,
    /// Your school's name, as the other school shall read it
    #[arg(long, value_name = "NAME", default_value = "")]
    from_name: String,
    /// Your school's URN
    #[arg(long, value_name = "URN", default_value = "", value_parser = urn)]
    from_urn: String,
    /// The other school's LA and establishment number; left out where it is not known
    #[arg(long, value_name = "LLLEEEE", value_parser = school, default_value = "XXXXXXX", hide_default_value = true)]
    to: CtfSchool,
    /// Calendar year in which the school year of the attendance begins; the present one if left out
    #[arg(long, value_name = "YEAR", value_parser = clap::value_parser!(i16).range(2024..2200))]
    year: Option<i16>,
    /// A file that is not there yet; or a folder, in which the name is made as the DfE wants it
    #[arg(long, value_name = "PATH")]
    out: PathBuf,
}

/// Writes the file and tells what is in it.
pub async fn run(args: Args) -> Result<ExitCode, String> {
    let settings = args.place.load()?;
    let identity = Identity::load(&settings.identity_folder()).map_err(told)?;
    let reading = Reading {
        institution: identity.institution().clone(),
        zone: settings.zone.clone(),
        // Nothing is sealed here.
        salt: [0; 32],
    };
    let today = now().date_in(&settings.zone).civil();
    let year = args.year.unwrap_or(if today.month() >= 9 { today.year() } else { today.year() - 1 });
    let from = CtfSchool { name: args.from_name, urn: args.from_urn, ..args.from };
    let wanted = Wanted { who: who(args.all_to, &args.learners)?, from, to: args.to, year };
    let spool = Spool::open(&settings.spool_file()).await.map_err(told)?;
    let gathered = transfer::gather(&settings, &reading, &spool, wanted, now()).await;
    spool.close().await;
    let transfer = gathered.map_err(told)?;
    let path = transfer.write(&args.out).map_err(told)?;
    print!("{}", said(&transfer.told, year, &path.display().to_string()));
    Ok(ExitCode::SUCCESS)
}

fn who(all_to: Option<Slug>, learners: &[String]) -> Result<Who, String> {
    match all_to {
        Some(host) => Ok(Who::PlacedAt(host)),
        None => {
            let ids: Result<Vec<_>, _> = learners.iter().map(|id| LocalId::parse("learner", id)).collect();
            ids.map(Who::Named).map_err(told)
        }
    }
}

/// LA and establishment number; X for each digit that nobody knows.
fn school(text: &str) -> Result<CtfSchool, String> {
    let known = text.bytes().all(|byte| byte.is_ascii_digit());
    if text.len() != 7 || !(known || text.bytes().all(|byte| byte == b'X')) {
        return Err("must be seven digits, such as 8604001: LA 860, establishment 4001".to_owned());
    }
    let (lea, estab) = text.split_at(3);
    Ok(CtfSchool { lea: lea.to_owned(), estab: estab.to_owned(), ..CtfSchool::default() })
}

/// One's own numbers are known.
fn own(text: &str) -> Result<CtfSchool, String> {
    school(text).and_then(|school| match school.lea.as_str() {
        "XXX" => Err("must be your own seven digits".to_owned()),
        _ => Ok(school),
    })
}

fn urn(text: &str) -> Result<String, String> {
    let sound = text.len() <= 6 && text.bytes().all(|byte| byte.is_ascii_digit());
    sound.then(|| text.to_owned()).ok_or_else(|| "must be up to six digits".to_owned())
}

fn said(told: &Told, year: i16, path: &str) -> String {
    let mut text = format!(
        "wrote {path}: {} learner(s), {} prior result(s), {} session mark(s) of {year}/{:02}; CTF {CTF_VERSION}\n",
        told.learners,
        told.results,
        told.marks,
        (year + 1) % 100
    );
    let left = [
        (told.without_upn, "learner(s) have no UPN: most systems refuse such a pupil"),
        (told.former_left, "former UPN(s) were left out: the format has room for one of each learner"),
        (
            told.uncoded,
            "prior result(s) were left out: no CTF brought them, so their DfE codes are not known",
        ),
        (told.unreadable_marks, "mark(s) were left out: their session or their code is not known"),
        (told.confidential, "confidential mark(s) and result(s) were left out"),
        (told.files_left, "export(s) were passed over: refused, or newer than the agent's last look"),
    ];
    for (count, what) in left.iter().filter(|(count, _)| *count > 0) {
        let _ = writeln!(text, "  {count} {what}");
    }
    text.push_str(
        "  not in it: sex, ethnicity, addresses, contacts, needs and care, which this agent never reads\n  \
         not confirmed against the DfE's schema: check it before it goes to another school\n",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schools_are_told_by_seven_digits_and_nothing_else() {
        let sound = school("8604001").unwrap();
        assert_eq!((sound.lea.as_str(), sound.estab.as_str()), ("860", "4001"));
        assert_eq!(school("XXXXXXX").unwrap().lea, "XXX");
        for wrong in ["", "860", "860400", "86040011", "860/4001", "XXX4001", "８６０４００1"] {
            assert!(school(wrong).is_err(), "{wrong}");
        }
        assert!(own("8604001").is_ok() && own("XXXXXXX").is_err());
        assert!(urn("123456").is_ok() && urn("").is_ok() && urn("12a").is_err());
    }

    #[test]
    fn what_was_left_out_is_said_and_what_was_not_is_not() {
        let told = Told { learners: 2, results: 3, marks: 12, uncoded: 1, ..Told::default() };
        let text = said(&told, 2026, "a.xml");
        assert!(text.contains("2 learner(s), 3 prior result(s), 12 session mark(s) of 2026/27"), "{text}");
        assert!(text.contains("1 prior result(s) were left out") && !text.contains("UPN"), "{text}");
        assert!(text.contains("not confirmed"), "{text}");
    }
}
