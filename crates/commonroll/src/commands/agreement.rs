//! `commonroll agreement`: write an agreement, check it, and make the documents that follow from it, all offline; and the
//! commands by which people propose, sign and end one at the hub.

use super::{
    agreement_office as office,
    law::Confirm,
    line::{hex, say},
    person::As,
};
use clap::{Args, Subcommand, ValueEnum};
use commonroll_core::{
    SchoolDate, Slug,
    agreement::{
        AgreementText, ItemKind, STARTING_TEXT, TEXT_BYTES_MAX, Word,
        documents::{
            Document, Reader, Volumes, impact_assessment, privacy_notice, processing_record, signing_page,
        },
        reading_grade,
    },
};
use std::{
    fs::File,
    io::{IsTerminal, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// A learner of 14 reads at about this grade; adults at large somewhat above.
const YOUNG_GRADE_MAX: f64 = 8.0;

/// Sharing agreements: one text that people sign and that the hub enforces.
#[derive(Subcommand)]
pub enum AgreementCommand {
    /// Write a text to start from, with every field explained; fill in the blanks and `check` it
    New {
        /// The file to write; one that exists is left alone
        file: PathBuf,
    },
    /// Check texts: every fault with file, line, field, rule and what to do; exit code 1 if there is one
    #[command(
        after_help = "A sound text prints the SHA-256 that its signatories sign, and what it lets flow."
    )]
    Check {
        /// The agreements' texts
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Make the page that heads sign: what flows and what doesn't, until when, and the hash of the text
    Page {
        /// The agreement's text
        file: PathBuf,
        #[command(flatten)]
        form: Form,
    },
    /// Make an institution's record of processing (UK GDPR Article 30) from one agreement or several
    Record {
        /// The agreements' texts; those that the institution is no party to are passed over
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The institution, by its short name
        #[arg(long)]
        institution: String,
        #[command(flatten)]
        form: Form,
    },
    /// Make the data section of the impact assessment: kinds, roles, retention, and risks that follow from them
    Dpia {
        /// The agreement's text
        file: PathBuf,
        /// How much there is in a year, such as attendance=120000 or card=340; once for each kind
        #[arg(long, value_name = "KIND=NUMBER")]
        volume: Vec<String>,
        #[command(flatten)]
        form: Form,
    },
    /// Make the paragraph for privacy notices; says on standard error how hard it is to read
    Notice {
        /// The agreement's text
        file: PathBuf,
        /// The version that a reader of 14 understands
        #[arg(long)]
        young: bool,
        #[command(flatten)]
        form: Form,
    },
    /// List the agreements at the hub: what is in force, and whose signature is missing
    List {
        #[command(flatten)]
        by: As,
        /// As lines of JSON
        #[arg(long)]
        json: bool,
    },
    /// Propose a text at the hub; every party's head can then sign it
    Propose {
        /// The agreement's text
        file: PathBuf,
        #[command(flatten)]
        by: As,
    },
    /// Sign a proposed text for your institution, as its head; shows the page first
    #[command(after_help = "Example: commonroll agreement sign kingsmead-northgate --in-role head")]
    Sign {
        /// The text's SHA-256, its first digits, or the agreement's name
        agreement: String,
        #[command(flatten)]
        by: As,
        #[command(flatten)]
        confirm: Confirm,
    },
    /// End an agreement for your institution, as its head: at once, or from a date on. One that not every party has signed
    /// is taken back
    #[command(after_help = "Example: commonroll agreement end kingsmead-northgate --on 2026-12-18")]
    End {
        /// The text's SHA-256, its first digits, or the agreement's name
        agreement: String,
        /// First date on which it no longer holds [default: at once]
        #[arg(long, value_name = "DATE")]
        on: Option<SchoolDate>,
        #[command(flatten)]
        by: As,
        #[command(flatten)]
        confirm: Confirm,
    },
}

/// How a document is written; it goes to standard output.
#[derive(Args)]
pub struct Form {
    /// Markdown, or one page of HTML that needs nothing else and prints on A4
    #[arg(long, value_enum, default_value_t = Format::Markdown)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Markdown,
    Html,
}

impl Form {
    fn print(&self, document: &Document) -> Result<ExitCode, String> {
        let text = match self.format {
            Format::Markdown if std::io::stdout().is_terminal() => {
                say(&document.markdown());
                return Ok(ExitCode::SUCCESS);
            }
            Format::Markdown => document.markdown(),
            Format::Html => document.html(),
        };
        std::io::stdout().write_all(text.as_bytes()).map_err(super::told)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Runs an agreement command.
pub async fn run(command: AgreementCommand) -> Result<ExitCode, String> {
    match command {
        AgreementCommand::List { by, json } => office::list(&by, json).await?,
        AgreementCommand::Propose { file, by } => office::propose(&by, &file).await?,
        AgreementCommand::Sign { agreement, by, confirm } => office::sign(&by, &agreement, confirm).await?,
        AgreementCommand::End { agreement, on, by, confirm } => {
            office::end(&by, &agreement, on, confirm).await?;
        }
        AgreementCommand::New { file } => return new(&file),
        AgreementCommand::Check { files } => return check(&files),
        AgreementCommand::Page { file, form } => {
            let (agreement, hash) = open(&file)?;
            return form.print(&signing_page(&agreement, &hash, &[], &jiff::tz::TimeZone::UTC));
        }
        AgreementCommand::Record { files, institution, form } => {
            let institution: Slug = institution.parse().map_err(super::told)?;
            let all = files.iter().map(|file| open(file)).collect::<Result<Vec<_>, _>>()?;
            let all: Vec<_> = all.iter().map(|(agreement, hash)| (agreement, hash.as_str())).collect();
            let record = processing_record(&institution, &all)
                .ok_or_else(|| format!("{institution} is party to none of these agreements"))?;
            return form.print(&record);
        }
        AgreementCommand::Dpia { file, volume, form } => {
            let volumes = volume.iter().map(|one| counted(one)).collect::<Result<Volumes, _>>()?;
            let (agreement, hash) = open(&file)?;
            return form.print(&impact_assessment(&agreement, &hash, &volumes));
        }
        AgreementCommand::Notice { file, young, form } => {
            let (agreement, _) = open(&file)?;
            let notice = privacy_notice(&agreement, if young { Reader::Young } else { Reader::Adult });
            say_how_hard(reading_grade(&notice.prose()), young);
            return form.print(&notice);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn new(file: &Path) -> Result<ExitCode, String> {
    let written = File::create_new(file).and_then(|mut out| out.write_all(STARTING_TEXT.as_bytes()));
    written.map_err(|error| format!("{}: {error}", file.display()))?;
    println!("wrote {0}; fill in what is blank, then: commonroll agreement check {0}", file.display());
    Ok(ExitCode::SUCCESS)
}

fn check(files: &[PathBuf]) -> Result<ExitCode, String> {
    let mut code = ExitCode::SUCCESS;
    for file in files {
        let text = read(file)?;
        match AgreementText::parse(&text) {
            Ok(agreement) => {
                println!("{}: sound; SHA-256 {}", file.display(), hash(&text));
                println!("  {}, version {}: {}", agreement.id(), agreement.version(), agreement.title());
                println!("  in force {} to {}", agreement.first_date(), agreement.last_date());
                for item in agreement.items() {
                    let name = |group: &u32| item.kind.groups().iter().find(|(n, _)| n == group).map(|g| g.1);
                    let groups: Vec<&str> = item.groups.iter().filter_map(name).collect();
                    println!("  {} {}: {}", item.kind, item.direction, groups.join(", "));
                }
                for (moment, minutes) in agreement.times().iter() {
                    println!("  {} {}", moment.field(), moment.written(minutes));
                }
            }
            Err(faults) => {
                faults.iter().for_each(|fault| println!("{}:{fault}", file.display()));
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}

/// Reads a sound agreement and its hash.
pub(super) fn open(file: &Path) -> Result<(AgreementText, String), String> {
    let text = read(file)?;
    match AgreementText::parse(&text) {
        Ok(agreement) => Ok((agreement, hash(&text))),
        Err(faults) => {
            let lines: Vec<String> = faults.iter().map(|f| format!("{}:{f}", file.display())).collect();
            Err(format!("the agreement has faults\n{}", lines.join("\n")))
        }
    }
}

/// The text of a file, byte for byte. One that is too large is read no further than that shows.
pub(super) fn read(file: &Path) -> Result<String, String> {
    let mut text = String::new();
    let limit = u64::try_from(TEXT_BYTES_MAX).unwrap_or(u64::MAX) + 4;
    File::open(file)
        .and_then(|open| open.take(limit).read_to_string(&mut text))
        .map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(text)
}

/// SHA-256 of the exact text, in hexadecimal: what signatories sign.
pub(super) fn hash(text: &str) -> String {
    hex(&commonroll_audit::sha256(text.as_bytes()))
}

fn counted(text: &str) -> Result<(ItemKind, u64), String> {
    let wrong = || "--volume is a kind and a number, such as attendance=120000".to_owned();
    let (kind, number) = text.split_once('=').ok_or_else(wrong)?;
    let kind = ItemKind::ALL.iter().find(|(name, _)| *name == kind).ok_or_else(wrong)?.1;
    Ok((kind, number.parse().map_err(|_| wrong())?))
}

fn say_how_hard(grade: f64, young: bool) {
    eprintln!("reading grade {grade:.1}: for readers of about {:.0}", grade.max(1.0) + 5.0);
    if young && grade > YOUNG_GRADE_MAX {
        eprintln!("too hard for 14: shorten for_learners, rights.single_contact or the parties' names");
    }
}
