//! Case 40 and invariant I8: a consortium's day with canaries in every personal field, in bad input and in refusals, and
//! with every program at its most talkative. Afterwards everything that any of them left behind is searched.
//!
//! What is allowed to hold what is said in one place, [`mod@hoard`]; everything else holds nothing.

mod hoard;
mod probe;
mod school;
mod words;

use crate::{outside::printed, town::Town};
use std::{fs, process::Command, time::Duration};
use words::{Canary, HOST_ID, INTERNAL, PERSON, SHARED, STAFF_ID, found};

/// A process as talkative as it can be, whose own temporary files are kept apart.
fn loud(town: &Town, mut command: Command) -> Command {
    fs::create_dir_all(town.path("tmp")).unwrap();
    command.env("COMMONROLL_LOG", "trace").env("TMPDIR", town.path("tmp"));
    command
}

/// All that a command says, whether it succeeds or not.
fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn outbox(town: &Town) -> Vec<u8> {
    words::files(&town.path("kingsmead").join("outbox"))
        .iter()
        // A file that the agent is putting in place has another name a moment later; whoever waits for it looks again.
        .filter_map(|file| fs::read(file).ok())
        .flatten()
        .collect()
}

fn is_in_outbox(town: &Town, text: &str) -> bool {
    town.path("kingsmead").join("outbox").is_dir()
        && !found(&outbox(town), &[Canary::new("it", text)]).is_empty()
}

/// Plays the day. Gives the secrets that were handed out, and everything that commands said.
fn day(town: &mut Town) -> (Vec<Canary>, Vec<(&'static str, String)>) {
    let hub = loud(town, town.hub(&["hub", "run"]));
    town.start("hub", hub);
    town.wait_until_ready(Duration::from_secs(20));
    let mut secrets = Vec::new();
    for slug in ["kingsmead", "northgate", "ashdown"] {
        secrets.push(Canary::new("invitation", school::join(town, slug).strip_prefix("crinv1.").unwrap()));
        secrets.extend(words::secrets(&town.path(slug).join("data/identity")));
    }
    let mut heard = Vec::new();
    secrets.push(person(town, &mut heard));
    secrets.extend(words::secrets(&town.path("manager")));
    for slug in ["kingsmead", "northgate", "ashdown"] {
        let agent = loud(town, town.agent(slug, &["run"]));
        town.start(slug, agent);
    }
    school::home_begins(town);
    school::host_begins(town);
    school::marks(town, "northgate", HOST_ID, true);
    school::host_goes_on(town);
    town.wait_for("an event at its home", || is_in_outbox(town, SHARED));
    school::stranger_claims(town);
    school::marks(town, "northgate", HOST_ID, false);
    let status = |slug: &str| said(&mut town.agent(slug, &["status", "--json"]));
    town.wait_for("a claim and a mark refused", || {
        let status = status("ashdown");
        status.contains("no_placement") && !status.contains("\"declarations_refused\": []")
    });
    school::host_ends(town);
    town.wait_for("copies taken out again", || {
        let status: serde_json::Value = serde_json::from_str(&status("kingsmead")).unwrap_or_default();
        status["recalls"]["notices"] == 1 && status["recalls"]["unanswered"] == 0
    });
    let revoke = |by| said(&mut town.hub(&["hub", "revoke", "--institution", "ashdown", "--by", by]));
    assert!(revoke(INJECTED).contains("must not hold line breaks, control characters or direction marks"));
    heard.push(("hub revoke", revoke("operator")));
    (secrets, heard)
}

/// Who revokes, by a name that would be a line and a colour of its own.
const INJECTED: &str = "operator\r\n{\"what\":\"forged\"}\u{1b}[31m\u{202e}";

/// A data manager comes in, and is refused this and that. Gives their invitation.
fn person(town: &Town, heard: &mut Vec<(&'static str, String)>) -> Canary {
    let invite = ["hub", "invite", "kingsmead", "--person", "--role", "data_manager", "--name", PERSON];
    let line = printed(&mut town.hub(&invite));
    fs::write(town.path("person.invitation"), &line).unwrap();
    let bent = line.trim().to_owned() + "AAAA";
    fs::write(town.path("bent.invitation"), bent).unwrap();
    let join = |file: &str| said(town.person("manager", &["person", "join"]).arg(town.path(file)));
    heard.push(("person join, bent", join("bent.invitation")));
    heard.push(("person join", join("person.invitation")));
    heard.push((
        "person join, again",
        said(town.person("twice", &["person", "join"]).arg(town.path("person.invitation"))),
    ));
    let invite = [
        "person",
        "invite",
        "kingsmead",
        "--role",
        "teacher",
        "--name",
        PERSON,
        "--staff",
        STAFF_ID,
        "--out",
    ];
    heard.push(("person invite", said(town.person("manager", &invite).arg(town.path("teacher.invitation")))));
    Canary::new("invitation", line.trim().strip_prefix("crinv1.").unwrap())
}

#[test]
fn case_40_nothing_personal_stands_in_any_log_page_error_or_database_that_should_not_hold_it() {
    let mut town = Town::new(school::CONSORTIUM, &["--play-heads"]);
    let (secrets, mut heard) = day(&mut town);
    let (personal, secrets) = (words::personal(), secrets);
    let everything: Vec<Canary> = words::personal().into_iter().chain(secrets).collect();

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let refusals = runtime.block_on(hoard::ask_as_each(&town, &everything));
    assert!(refusals > 300, "only {refusals} calls were refused");

    for page in ["/healthz", "/readyz", "/metrics", "/status", &format!("/{SHARED}")] {
        hoard::clean(page, town.page(page).expect("the local port answers").as_bytes(), &everything);
    }
    for name in ["hub", "kingsmead", "northgate"] {
        hoard::process_is_tight_lipped(&town, name, &everything);
    }
    heard.extend(hoard::commands(&town));
    for (command, text) in &heard {
        hoard::clean(command, text.as_bytes(), &everything);
        hoard::lines_are_whole(command, text);
    }
    for name in ["hub", "kingsmead", "northgate", "ashdown"] {
        town.kill(name);
        let log = town.log(name);
        hoard::clean(name, log.as_bytes(), &everything);
        hoard::log_is_one_event_a_line(name, &log);
    }
    hoard::files_hold_only_what_they_may(&town, &everything);

    // The search can find: what may be there is there.
    assert!(!found(&outbox(&town), &personal).is_empty());
    assert!(!is_in_outbox(&town, INTERNAL));
}
