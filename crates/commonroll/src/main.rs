//! `commonroll`: one program for the hub, the agents and everything around them. A page each: see `commands`.

mod bench;
mod chance;
mod commands;
mod demo;
mod real;
mod simulate;

use clap::{Parser, Subcommand};
use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    process::ExitCode,
};

/// Blocks of every size come and go with each batch, between threads: the C library's allocator joins and splits them anew.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Exchange attendance, assessment and behaviour records between the partners of a 14-19 consortium, on a need-to-know
/// policy. Start with `commonroll demo`.
#[derive(Parser)]
#[command(name = "commonroll", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Play a consortium's day: a hub, eight agents, real files, live in the terminal
    Demo(demo::Args),
    /// Set up and run the hub of a consortium
    #[command(subcommand)]
    Hub(commands::hub::HubCommand),
    /// Connect an institution's MIS with the hub
    #[command(subcommand)]
    Agent(commands::agent::AgentCommand),
    /// Act as a person: join, invite, approve, revoke
    #[command(subcommand)]
    Person(commands::person::PersonCommand),
    /// How tight partners' data is, as measured, and what to do next
    Readiness(commands::readiness::Args),
    /// Where partners' data differ, what they agreed on, and how each one's data is mapped
    Alignment(commands::alignment::Args),
    /// What about who is who waits for a person: guests without a match, questions of hosts, claims
    Unmatched(commands::unmatched::Args),
    /// One learner's records and card, for whoever needs to know
    #[command(subcommand)]
    Learner(commands::learner::LearnerCommand),
    /// Answer a learner who asks what is held about them
    #[command(subcommand)]
    Subject(commands::subject::SubjectCommand),
    /// The card of a visiting learner in an emergency: open it, and see and review what was opened
    #[command(subcommand)]
    Emergency(commands::emergency::EmergencyCommand),
    /// Institutions, agreements and placements
    #[command(subcommand)]
    Directory(commands::directory::DirectoryCommand),
    /// Duties of a controller: erase, and set how long the hub keeps payloads
    #[command(subcommand)]
    Duty(commands::duty::DutyCommand),
    /// What was disclosed to whom, when something went wrong, or as a drill
    #[command(subcommand)]
    Breach(commands::breach::BreachCommand),
    /// Leave the consortium: what your institution takes with it, and the end of its membership
    #[command(subcommand)]
    Exit(commands::exit::ExitCommand),
    /// Check and read the log
    #[command(subcommand)]
    Audit(commands::audit::AuditCommand),
    /// Sharing agreements: write, check and make documents offline; propose, sign and end at the hub
    #[command(subcommand)]
    Agreement(commands::agreement::AgreementCommand),
    /// The need-to-know rules: check and prove them offline, change them at the hub
    #[command(subcommand)]
    Policy(commands::policy::PolicyCommand),
    /// Play a school day of any size against the clock, and see whether everybody who goes missing is found
    Simulate(simulate::Args),
    /// Measure this machine against its own ceilings
    Bench(bench::Args),
}

fn main() -> ExitCode {
    // The one provider of the whole program; a second call would only say that it is there already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    real::leave_no_core();
    real::be_silent_without_a_reader();
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return commands::failed(&format!("could not start: {error}")),
    };
    let run = async {
        match cli.command {
            Command::Demo(args) => demo::run(args).await,
            Command::Hub(command) => commands::hub::run(command).await,
            Command::Agent(command) => commands::agent::run(command).await,
            Command::Person(command) => commands::person::run(command).await,
            Command::Readiness(args) => commands::readiness::run(args).await,
            Command::Alignment(args) => commands::alignment::run(args).await,
            Command::Unmatched(args) => commands::unmatched::run(args).await,
            Command::Learner(command) => commands::learner::run(command).await,
            Command::Subject(command) => commands::subject::run(command).await,
            Command::Emergency(command) => commands::emergency::run(command).await,
            Command::Directory(command) => commands::directory::run(command).await,
            Command::Duty(command) => commands::duty::run(command).await,
            Command::Breach(command) => commands::breach::run(command).await,
            Command::Exit(command) => commands::exit::run(command).await,
            Command::Audit(command) => commands::audit::run(command).await,
            Command::Agreement(command) => commands::agreement::run(command).await,
            Command::Policy(command) => commands::policy::run(command).await,
            Command::Simulate(args) => simulate::run(args).await,
            Command::Bench(args) => bench::run(args).await,
        }
    };
    match catch_unwind(AssertUnwindSafe(|| runtime.block_on(run))) {
        Ok(outcome) => outcome.unwrap_or_else(|error| commands::failed(&error)),
        Err(cause) if real::has_no_reader(&*cause) => ExitCode::from(real::NO_READER),
        Err(cause) => resume_unwind(cause),
    }
}
