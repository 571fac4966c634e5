//! What was left behind: logs, pages, outputs, processes and files, and what each of them may hold.
//!
//! The hub's database holds what records carry and what directory changes say (learners' local ids, surnames and known-as
//! names, what a home wrote for sharing, names of people who joined), salted and committed to by the log. It holds no number or birth date of a learner,
//! no internal comment, no code of an invitation and no key.

use super::{
    probe, said,
    words::{BAD, Canary, files, found, secrets},
};
use crate::{outside::printed, town::Town};
use base64::{Engine, prelude::BASE64_STANDARD};
use std::{fs, path::Path};

/// What the hub's database may hold.
const IN_DATABASE: [&str; 16] = [
    "needs for sharing",
    "step in an emergency",
    "surname",
    "known-as name",
    "home's learner id",
    "host's learner id",
    "another's learner id",
    "note of a mark",
    "share-safe text",
    "grade as given",
    "comment on a grade",
    "event's label",
    "event's place",
    "event's action",
    "person's name",
    "staff id",
];

/// What a host keeps to itself.
const NEVER_AT_HOME: &str = "internal comment";

/// Fails naming what was found, and never the value.
pub fn clean(place: &str, bytes: &[u8], canaries: &[Canary]) {
    let leaked = found(bytes, canaries);
    assert!(leaked.is_empty(), "{place} holds {leaked:?}{}", excerpt(bytes, canaries));
}

/// Where a developer should look: the line without its values, cut short.
fn excerpt(bytes: &[u8], canaries: &[Canary]) -> String {
    let line = bytes.split(|byte| *byte == b'\n').find(|line| !found(line, canaries).is_empty());
    format!(": {}", String::from_utf8_lossy(line.unwrap_or_default()).chars().take(400).collect::<String>())
}

/// What a person prints must not be broken into lines or coloured by what somebody else wrote.
pub fn lines_are_whole(place: &str, text: &str) {
    assert!(
        !text.contains('\u{1b}') && !text.contains('\u{202e}'),
        "{place} prints control characters: {text}"
    );
    assert!(
        !text.lines().any(|line| line.starts_with("{\"what\":\"forged\"")),
        "{place} prints a forged line"
    );
}

pub fn log_is_one_event_a_line(name: &str, log: &str) {
    let mut events = 0;
    for line in log.lines().filter(|line| !line.starts_with("agents 127.0.0.1")) {
        let event: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|_| panic!("{name} says what is no event: {line}"));
        assert_ne!(event["level"], "FORGED", "{name} has a forged event");
        events += 1;
    }
    assert!(events > 100 && log.contains("\"TRACE\""), "{name} is at its most talkative");
    lines_are_whole(name, log);
}

/// What anybody on the machine can see of a process, and what it would leave if it crashed.
pub fn process_is_tight_lipped(town: &Town, name: &str, canaries: &[Canary]) {
    let process = Path::new("/proc").join(town.id(name).to_string());
    clean(&format!("{name}'s arguments"), &fs::read(process.join("cmdline")).unwrap(), canaries);
    let limits = fs::read_to_string(process.join("limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let words: Vec<&str> = core.split_whitespace().collect();
    assert_eq!(words[4..6], ["0", "0"], "{name} leaves no core file");
}

/// Calls every method of the hub as an agent, as a person and as nobody.
pub async fn ask_as_each(town: &Town, canaries: &[Canary]) -> usize {
    let identity = town.path("northgate").join("data/identity");
    let card: serde_json::Value =
        serde_json::from_slice(&fs::read(identity.join("card.json")).unwrap()).unwrap();
    let der = BASE64_STANDARD.decode(card["authority"].as_str().unwrap()).unwrap();
    let body = BASE64_STANDARD.encode(der);
    let authority = format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
    let pem = |file: std::path::PathBuf| fs::read_to_string(file).unwrap();
    let (agent, person) = (pem(identity.join("tls.pem")), pem(town.path("manager/tls.pem")));
    let mut refusals = 0;
    for (address, shown) in [
        (town.agents_address(), Some(agent.as_str())),
        (town.agents_address(), Some(person.as_str())),
        (town.join_address(), None),
    ] {
        let channel = probe::channel(&address, &authority, shown).await;
        refusals += probe::ask_everything(&channel, canaries).await;
    }
    refusals
}

/// Commands that show a person how things stand, none of which may name anybody.
pub fn commands(town: &Town) -> Vec<(&'static str, String)> {
    let check =
        |file: &str| said(town.agent("northgate", &["check"]).arg(town.path("northgate/exports").join(file)));
    let as_manager = |command: &[&str]| printed(&mut town.person("manager", command));
    vec![
        ("audit show", printed(&mut town.hub(&["audit", "show", "--limit", "5000"]))),
        ("audit verify", printed(&mut town.hub(&["audit", "verify"]))),
        ("hub status", said(&mut town.hub(&["hub", "status", "--json"]))),
        ("directory show", said(&mut town.hub(&["directory", "show"]))),
        ("agent status of the home", said(&mut town.agent("kingsmead", &["status"]))),
        ("agent status of the host", said(&mut town.agent("northgate", &["status"]))),
        ("agent status of the host, JSON", said(&mut town.agent("northgate", &["status", "--json"]))),
        ("agent status of the other", said(&mut town.agent("ashdown", &["status"]))),
        ("agent check of marks", check("marks.csv")),
        ("agent check of XML", check("xml-1.xml")),
        ("agent check of a wrong mapping", check("wrong.csv")),
        ("audit refused", as_manager(&["audit", "refused", "--in-role", "data_manager"])),
        ("audit withdrawals", printed(&mut town.hub(&["audit", "withdrawals", "--all"]))),
        ("audit shared-by", as_manager(&["audit", "shared-by", "kingsmead", "--in-role", "data_manager"])),
    ]
}

/// Reads every file that anybody left.
pub fn files_hold_only_what_they_may(town: &Town, canaries: &[Canary]) {
    let keys = town.path("hub").join("keys");
    let hubs_keys = secrets(&keys);
    let mut in_database = 0;
    for file in files(&town.path("hub")).iter().filter(|file| !file.starts_with(&keys)) {
        let bytes = fs::read(file).unwrap();
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let held = found(&bytes, canaries);
        let leaked: Vec<_> = held.iter().filter(|what| !IN_DATABASE.contains(what)).collect();
        assert!(leaked.is_empty(), "{name} of the hub holds {leaked:?}");
        clean(&name, &bytes, &hubs_keys);
        in_database += held.len();
    }
    assert!(in_database >= 5, "the search of the database can find");

    let internal = found_in_folder(&town.path("northgate/data"), canaries);
    assert!(internal.iter().any(|(_, what)| what == "host's learner id"), "the search of spools can find");
    for slug in ["kingsmead", "ashdown"] {
        for (file, what) in found_in_folder(&town.path(slug), canaries) {
            assert_ne!(what, NEVER_AT_HOME, "{file} of {slug} holds it");
        }
    }
    for slug in ["kingsmead", "northgate", "ashdown"] {
        let problems = fs::read(town.path(slug).join("data/problems.csv")).unwrap_or_default();
        clean(&format!("problems of {slug}"), &problems, canaries);
    }
    let northgates = String::from_utf8(fs::read(town.path("northgate/data/problems.csv")).unwrap()).unwrap();
    assert!(northgates.lines().count() > BAD.len() - 2, "problems are told: {northgates}");
    let left: Vec<_> = files(&town.path("tmp"));
    assert!(left.is_empty(), "temporary files are left: {left:?}");
}

fn found_in_folder(folder: &Path, canaries: &[Canary]) -> Vec<(String, String)> {
    let name = |file: &Path| file.file_name().unwrap().to_string_lossy().into_owned();
    let held = |file: &std::path::PathBuf| {
        let bytes = fs::read(file).unwrap();
        let found = found(&bytes, canaries);
        found.into_iter().map(|what| (name(file), what.to_owned())).collect::<Vec<_>>()
    };
    files(folder).iter().flat_map(held).collect()
}
