//! One page for each command: read the flags, call a library once, say what came of it.

pub mod agent;
mod agent_setup;
mod agent_transfer;
pub mod agreement;
mod agreement_office;
pub mod alignment;
pub mod audit;
pub mod breach;
pub mod directory;
pub mod duty;
pub mod emergency;
pub mod exit;
mod exit_verify;
pub mod hub;
mod law;
pub mod learner;
mod line;
mod pack;
pub mod person;
pub mod policy;
mod policy_explain;
mod policy_office;
#[cfg(feature = "prove")]
mod policy_prove;
mod policy_try;
pub mod readiness;
pub mod subject;
pub mod unmatched;

use std::process::ExitCode;

/// Says on standard error what went wrong; exit code 1.
pub fn failed(error: &str) -> ExitCode {
    eprintln!("commonroll: {error}");
    ExitCode::FAILURE
}

/// Turns any error into its text with all its causes.
pub fn told(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let said = next.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = next.source();
    }
    text
}

/// Who does something, as the log keeps it for ever: a short name that can't pass itself off as a line of its own.
pub fn signer(text: &str) -> Result<String, &'static str> {
    let hidden = |c: char| c.is_control() || commonroll_core::is_direction_mark(c);
    match text.trim() {
        "" => Err("must not be blank"),
        long if long.chars().count() > 100 => Err("must have at most 100 characters"),
        bad if bad.contains(hidden) => {
            Err("must not hold line breaks, control characters or direction marks")
        }
        good => Ok(good.to_owned()),
    }
}

/// Starts structured logs on standard error: lines of JSON, or plain text with `COMMONROLL_LOG_FORMAT=text`.
pub fn start_logs(default: &str) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("COMMONROLL_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::env::var("COMMONROLL_LOG_FORMAT").is_ok_and(|format| format == "text") {
        builder.init();
    } else {
        builder.json().init();
    }
}

/// Waits for Ctrl-C or, on Unix, SIGTERM.
pub async fn told_to_stop() {
    let ctrl_c = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        let mut term = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(term) => term,
            Err(_) => {
                let _ = ctrl_c.await;
                return;
            }
        };
        tokio::select! {
            _ = ctrl_c => {}
            _ = term.recv() => {}
        }
    }
    #[cfg(not(unix))]
    let _ = ctrl_c.await;
}
