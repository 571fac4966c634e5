//! `commonroll agent setup`: from an export, or an MIS that answers, to mapping files and sources in the settings, asking only what
//! neither says.
//!
//! What an MIS answers is looked at in `asked`. What a file says is found out by `commonroll_connectors::propose`; here it is shown, asked and written. Nothing that exists is
//! overwritten without a yes, and no value about a person is shown without `--show-values`.

mod ask;
mod asked;
mod files;
mod rows;
mod screen;
mod sheets;
#[cfg(test)]
mod tests;

use crate::{commands::told, real::now};
use ask::Asker;
use commonroll_agent::{Identity, Settings, check};
use commonroll_connectors::{
    Limits,
    propose::{Answers, Found, Proposal, Sample, Value, look, propose, unfit},
};
use files::Writing;
use screen::Screen;
use std::{
    fs::File,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Left when something is left that only a person can say: 1 is for failures, 2 for flags that can't be read.
const DOUBTS_LEFT: u8 = 3;

/// What `commonroll agent setup --help` says below its flags.
const HELP: &str = "\
What happens:
  1. The file is looked at: what it lies in, what one row is, which caption is which field. Each finding has its reasons.
  2. What the file doesn't say is asked: what your own marks mean, which scale grades are on, when a period is.
  3. Ten rows are shown beside what becomes of them. Values about people are masked; --show-values shows them.
  4. A mapping file is written, every line with its reason, and a [[source]] is added to the agent's settings.
  5. The whole export is checked. Nothing is sent before `commonroll agent run`.

A database in the place of an export (--from mysql://host/database or postgres://host/database):
  Gibbon, RosarioSIS and openSIS are recognised by their tables, and the mappings that we ship are tried on what is there. Of any
  other, tables that look like learners, classes, lessons, marks or results are proposed, each with a query of its own. It is only
  read, in a transaction that can't write; give it an account with SELECT alone. The password is never typed here: it lies in a file
  of its own that --credentials names, or in a variable that --env names. To make the file without a trace in the shell's history:
    (umask 077; cat > mis.secret)         then the password, Enter, Ctrl-D

An address in the place of an export (--from https://host/path):
  Harmless questions find out what answers there: OneRoster 1.1 and 1.2, Ed-Fi, Wonde, iSAMS, Arbor and Bromcom by their
  hosts, or rows of JSON that nobody knows. Each is shown with its answer; what it looks like is believed once an answer proves it. The secret goes to that host
  alone, is never followed elsewhere, and lies where --credentials or --env says. http:// is for this machine alone.

Examples:
  commonroll agent setup exports/marks-0914.csv
  commonroll agent setup exports                                  every sort of export in a folder, one after the other
  commonroll agent setup marks.csv --propose > marks.toml         no questions; doubts stand in it as comments
  commonroll agent setup marks.csv --yes --answer codes.O=absent --answer date_format=dd/mm/yyyy
  commonroll agent setup --from mysql://mis.school.example/gibbon --user commonroll_read --credentials gibbon.secret
  commonroll agent setup --from postgres://localhost/sis --user reader --env SIS_SECRET --records learners,attendance --yes
  commonroll agent setup --from mysql://localhost/mis --user reader --credentials mis.secret --table tbl_reg --propose > reg.toml
  commonroll agent setup --from https://api.wonde.com/v1.0 --credentials wonde.secret
  commonroll agent setup --from https://mis.example --user client --env OR_SECRET --token-address https://mis.example/oauth/token
  printf '1\\n2\\n' | commonroll agent setup marks.csv              answers from a pipe, one a line

Exit code: 0 if all is set up, 3 if something is left that only a person can say (also whether a mapping that is there may be
overwritten: --replace says yes), 1 if something failed.";

/// Flags of the wizard.
#[derive(clap::Args, Clone)]
#[command(after_long_help = HELP)]
pub struct Args {
    /// An export, a folder with exports, or an address as --from takes it
    #[arg(required_unless_present = "from")]
    pub target: Option<PathBuf>,
    /// The agent's settings file; made if it isn't there
    #[arg(long, default_value = "agent.toml", env = "COMMONROLL_AGENT_SETTINGS")]
    pub settings: PathBuf,
    /// Name of the source and of its mapping file; of a database, name of its connection. Made of the name of either if left out
    #[arg(long)]
    pub name: Option<String>,
    /// Print the mapping and write nothing; doubts stand in it as comments
    #[arg(long, conflicts_with = "yes")]
    pub propose: bool,
    /// Ask nothing: write what is sure, and stop with exit code 3 if something must be known that isn't
    #[arg(long)]
    pub yes: bool,
    /// An answer in advance: a setting and its value, such as codes.O=absent or fields.learner=PersonID
    #[arg(long = "answer", value_name = "SETTING=VALUE", value_parser = ask::in_advance)]
    pub answers: Vec<(String, String)>,
    /// Show values about people in the ten rows
    #[arg(long)]
    pub show_values: bool,
    /// Overwrite a mapping file of this name
    #[arg(long)]
    pub replace: bool,
    #[command(flatten, next_help_heading = "Asking a database or an address")]
    pub asked: asked::Flags,
}

/// One export, as it is being set up.
struct Export {
    file: PathBuf,
    file_name: String,
    found: Found,
}

/// Runs the wizard. True as second part if the agent is to be started.
pub async fn run(args: &Args) -> Result<(ExitCode, bool), String> {
    let target = args.target.clone().unwrap_or_default();
    match (&args.asked.from, target.to_str().filter(|target| target.contains("://"))) {
        (Some(from), _) => asked::run(args, from).await,
        (None, Some(from)) => asked::run(args, from).await,
        (None, None) => run_files(args, &target).await,
    }
}

async fn run_files(args: &Args, target: &Path) -> Result<(ExitCode, bool), String> {
    if args.asked.are_set() {
        return Err(
            "--user, --credentials, --env, --records, --table, --option, --api, --sign-in, --token-address and --scope are for \
             --from ADDRESS alone"
                .to_owned(),
        );
    }
    let screen = Screen::new(args.propose);
    let mut asker = Asker::new(args.yes || args.propose);
    let files = files::exports(target)?;
    if files.len() > 1 && (args.name.is_some() || args.propose) {
        return Err(format!(
            "{} has {} sorts of exports; name one file with --name and --propose",
            target.display(),
            files.len()
        ));
    }
    let (mut left, mut written) = (false, Vec::new());
    for file in files {
        match one(args, &screen, &mut asker, &file).await? {
            Outcome::Written(source) => written.push(source),
            Outcome::Left => left = true,
            Outcome::Passed => {}
        }
    }
    if left {
        return Ok((ExitCode::from(DOUBTS_LEFT), false));
    }
    let start = !written.is_empty() && next(args, &screen, &mut asker, &written);
    Ok((ExitCode::SUCCESS, start))
}

/// What became of one export.
enum Outcome {
    Written(String),
    /// Something is left that only a person can say.
    Left,
    Passed,
}

async fn one(args: &Args, screen: &Screen, asker: &mut Asker, file: &Path) -> Result<Outcome, String> {
    let export = open(file)?;
    let name = args.name.clone().unwrap_or_else(|| files::source_name(&export.file_name));
    let pattern = files::pattern(&export.file_name);
    let (connector, mapping, doubts) = match &export.found {
        Found::Known(connector) => {
            screen.known(&export.file_name, connector);
            if args.propose {
                println!("format = \"{connector}\"");
                return Ok(Outcome::Passed);
            }
            (*connector, None, 0)
        }
        Found::Table(container, sample) => {
            // Another export of the folder may have the column.
            let of_many = args.target.as_ref().is_some_and(|target| target.is_dir());
            let other = match sheets::chosen(args, screen, asker, &export, container, sample) {
                Err(wrong) if of_many => {
                    screen.say(&format!("{}: {wrong}", export.file_name));
                    None
                }
                found => found?,
            };
            let (container, sample) = match &other {
                Some((_, container, sample)) => (container, sample),
                None => (container, &**sample),
            };
            let mut answers = answers(args, sample, &export.file_name, of_many, screen)?;
            match &other {
                Some((name, ..)) => _ = answers.insert(sheets::SETTING.to_owned(), text(name)),
                None if answers.remove(sheets::SETTING).is_some() => {
                    screen.say(&format!("{}: no sheets to choose from", export.file_name));
                }
                None => {}
            }
            let make = |answers: &Answers| propose(container.clone(), sample, &export.file_name, answers);
            let first = make(&answers);
            screen.found(&export.file_name, &first, sample);
            if args.propose {
                print!("{}", first.to_toml(&pattern));
                return Ok(if first.doubts.is_empty() { Outcome::Passed } else { Outcome::Left });
            }
            let proposal = asker.settle(screen, first, &mut answers, sample, &make);
            if proposal.is_open() {
                screen.left(&proposal, &format!("'{}'", file.display()));
                return Ok(Outcome::Left);
            }
            show_rows(args, screen, &export, sample, &proposal, &pattern)?;
            (proposal.container.connector(), Some(proposal.to_toml(&pattern)), proposal.doubts.len())
        }
    };
    let source = match files::write(args, asker, &name, &pattern, connector, file, mapping.as_deref())? {
        Writing::Done(source) => source,
        Writing::There(path) => {
            screen.say(&format!(
                "\nNot written: {} is there already and says something else. --replace overwrites it, --name NAME gives this one another \
                 name",
                path.display()
            ));
            return Ok(Outcome::Left);
        }
    };
    screen.written(&source, doubts);
    checked(args, screen, file).await?;
    Ok(Outcome::Written(source.name))
}

/// The answers that were given in advance. Where there are several things to answer for, one that doesn't fit here is told and passed
/// over.
fn answers(
    args: &Args,
    sample: &Sample,
    name: &str,
    of_many: bool,
    screen: &Screen,
) -> Result<Answers, String> {
    let mut answers = Answers::new();
    for (setting, said) in &args.answers {
        let value = ask::value(said, sample);
        match unfit(setting, &value) {
            None => _ = answers.insert(setting.clone(), value),
            Some(form) if of_many => screen.say(&format!("{name}: --answer {setting}: {form}")),
            Some(form) => return Err(format!("--answer {setting}: {form}")),
        }
    }
    Ok(answers)
}

fn open(file: &Path) -> Result<Export, String> {
    let at = |error: std::io::Error| format!("{}: {error}", file.display());
    let file_name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    let size = std::fs::metadata(file).map_err(at)?.len();
    let mut reader = std::io::BufReader::new(File::open(file).map_err(at)?);
    let found = look(&file_name, &mut reader, size, &Limits::default())
        .map_err(|fault| format!("{}: {fault}", file.display()))?;
    Ok(Export { file: file.to_owned(), file_name, found })
}

fn show_rows(
    args: &Args,
    screen: &Screen,
    export: &Export,
    sample: &Sample,
    proposal: &Proposal,
    pattern: &str,
) -> Result<(), String> {
    let mapping = proposal.mapping(pattern).map_err(told)?;
    let columns = rows::used(proposal, sample);
    let file = File::open(&export.file).map_err(|error| format!("{}: {error}", export.file.display()))?;
    let shown = rows::translated(file, &export.file_name, mapping, sample, &columns, args.show_values)?;
    screen.rows(&shown, args.show_values);
    Ok(())
}

/// Checks the whole export as the agent would read it.
async fn checked(args: &Args, screen: &Screen, file: &Path) -> Result<(), String> {
    let settings = Settings::load(&args.settings).map_err(told)?;
    let identity = Identity::load(&settings.identity_folder()).ok();
    let checked = check::check(&settings, identity.as_ref(), file, now()).await.map_err(told)?;
    screen.checked(&checked);
    Ok(())
}

/// What comes next; true if the agent is to be started now.
fn next(args: &Args, screen: &Screen, asker: &mut Asker, written: &[String]) -> bool {
    let settings = Settings::load(&args.settings).ok();
    let receives = settings.as_ref().is_none_or(|settings| settings.outbox.is_some());
    let joined = settings.is_some_and(|settings| Identity::load(&settings.identity_folder()).is_ok());
    screen.next(written, joined, receives, &args.settings);
    joined && asker.confirm("Start the agent now?", false)
}

/// The value of an answer that was given in advance, as a setting takes it.
fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}
