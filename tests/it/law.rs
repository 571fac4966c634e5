//! The law at the command line, with the real program: people read what they sign, and nothing widens by one alone.

use crate::{
    outside::{fails, printed, top},
    town::{SCHOOL_AND_COLLEGE, Town},
};
use std::fs;

const WIDER: &str = "@id(\"lead-sees-log\")\n@says(\"A consortium lead sees the log.\")\n\
    permit (principal, action == Action::\"see_log\", resource) when { principal.role == Role::\"consortium_lead\" };\n";

#[test]
fn case_17_rules_are_read_changed_proposed_approved_by_a_second_person_and_activated() {
    let town = Town::of_people(SCHOOL_AND_COLLEGE);
    town.first("kingsmead", "Vane", "data_manager");
    town.first("northgate", "Plum", "head");
    let rules = town.path("rules");
    let folder = rules.to_str().unwrap();
    let first = printed(&mut town.person("Plum", &["policy", "in-force", "--texts", folder]));
    assert!(first.contains("the first set of this consortium"), "{first}");

    fs::write(rules.join("lead.cedar"), WIDER.replace("see_log", "see_lag")).unwrap();
    let broken = fails(&mut town.person("Vane", &["policy", "propose", folder, "--yes"]));
    assert!(broken.contains("lead.cedar:3"), "the line at fault: {broken}");
    fs::write(rules.join("lead.cedar"), WIDER).unwrap();
    let unread = fails(&mut town.person("Vane", &["policy", "propose", folder]));
    assert!(unread.contains("nothing was done") && unread.contains("--yes"), "{unread}");
    let tried = printed(&mut town.person("Vane", &["policy", "try", folder]));
    assert!(tried.contains("more  a person does see_log") && tried.contains("nobody would gain"), "{tried}");
    let tried = printed(&mut town.person("Vane", &["policy", "try", folder, "--json"]));
    let last: serde_json::Value = serde_json::from_str(tried.lines().last().unwrap()).unwrap();
    assert_eq!(last["outcome"]["records"], 0);
    assert!(last["outcome"]["changes"][0].as_str().unwrap().starts_with("wider: of "), "{tried}");
    assert!(fails(&mut town.person("Plum", &["policy", "try", folder])).contains("does not allow this"));
    let unknown = ["policy", "explain", "--institution", "northgate", "--record", "4711"];
    assert!(fails(&mut town.person("Vane", &unknown)).contains("or it is not there"));
    let none = printed(&mut town.person("Vane", &["policy", "proposals"]));
    assert!(none.contains("no change of the rules was proposed"), "{none}");
    let refused = fails(&mut town.person("Plum", &["policy", "propose", folder, "--yes"]));
    assert!(refused.contains("does not allow this to you in this role"), "{refused}");
    let said = printed(&mut town.person("Vane", &["policy", "propose", folder, "--yes"]));
    assert!(said.contains("more  a person does see_log: in the role of consortium lead"), "{said}");
    assert!(
        said.contains("file lead.cedar is new") && said.contains("a second person approves it"),
        "{said}"
    );
    let hash = said.lines().find_map(|line| line.split("policy approve ").nth(1)).unwrap();

    let alone = fails(&mut town.person("Vane", &["policy", "activate", hash, "--yes"]));
    assert!(alone.contains("a second person has to approve it"), "{alone}");
    let own = fails(&mut town.person("Vane", &["policy", "approve", hash, "--yes"]));
    assert!(own.contains("does not allow this"), "{own}");
    let read = printed(&mut town.person("Plum", &["policy", "approve", hash, "--yes"]));
    assert!(read.contains("wider: of ") && read.contains("file lead.cedar is new"), "{read}");
    let again = fails(&mut town.person("Plum", &["policy", "approve", hash, "--yes"]));
    assert!(again.contains("approved it already"), "{again}");
    let done = printed(&mut town.person("Vane", &["policy", "activate", hash, "--yes"]));
    assert!(done.contains("approved by head of northgate") && done.contains("in force: "), "{done}");
    let now = printed(&mut town.person("Plum", &["policy", "in-force"]));
    assert_eq!(now.lines().filter(|line| line.contains(" of ")).count(), 2, "who stands behind it: {now}");
    let json = printed(&mut town.person("Vane", &["policy", "proposals", "--json"]));
    let line: serde_json::Value = serde_json::from_str(json.trim()).unwrap();
    assert_eq!((&line["state"], &line["widens"]), (&"used".into(), &true.into()));
    printed(&mut town.hub(&["audit", "verify"]));
}

#[test]
fn an_agreement_is_proposed_read_signed_by_both_heads_and_ended_on_a_date() {
    let town = Town::of_people(SCHOOL_AND_COLLEGE);
    town.first("kingsmead", "Vane", "head");
    town.first("northgate", "Plum", "head");
    let pair = fs::read_to_string(top().join("policies/agreements/kingsmead-northgate.toml")).unwrap();
    let pair = pair.replace("\"2026-09-01\"", "\"2020-01-01\"").replace("\"2027-08-31\"", "\"2090-12-31\"");
    let file = town.path("pair.toml");
    let name = file.to_str().unwrap();
    fs::write(&file, pair.replace("[[party]]", "[[partie]]")).unwrap();
    let line = 1 + pair.lines().position(|line| line == "[[party]]").unwrap();
    let broken = fails(&mut town.person("Vane", &["agreement", "propose", name]));
    assert!(broken.contains(&format!("pair.toml:{line}:")), "{broken}");
    fs::write(&file, pair.replace("\"northgate\"", "\"elsewhere\"")).unwrap();
    let strange = fails(&mut town.person("Vane", &["agreement", "propose", name]));
    assert!(
        strange.contains("pair.toml:") && strange.contains("is no partner of this consortium"),
        "{strange}"
    );

    fs::write(&file, &pair).unwrap();
    let said = printed(&mut town.person("Vane", &["agreement", "propose", name]));
    assert!(said.contains("agreement sign "), "{said}");
    let unread = fails(&mut town.person("Vane", &["agreement", "sign", "kingsmead-northgate"]));
    assert!(unread.contains("nothing was done"), "{unread}");
    let signed = printed(&mut town.person("Vane", &["agreement", "sign", "kingsmead-northgate", "--yes"]));
    assert!(signed.contains("# Sharing agreement: Kingsmead learners at Northgate College"), "{signed}");
    assert!(signed.contains("signed; it is in force once the others have signed"), "{signed}");
    let waits = printed(&mut town.person("Vane", &["agreement", "list"]));
    assert!(waits.contains("waits for northgate") && waits.lines().all(|line| line.len() <= 100), "{waits}");
    let last = printed(&mut town.person("Plum", &["agreement", "sign", "kingsmead-northgate", "--yes"]));
    assert!(last.contains("every party has"), "{last}");
    let end = ["agreement", "end", "kingsmead-northgate", "--on", "2080-01-01", "--yes"];
    assert!(printed(&mut town.person("Plum", &end)).contains("ends from 2080-01-01 on"));
    let list = printed(&mut town.person("Vane", &["agreement", "list"]));
    assert!(list.contains("in force, ends on 2080-01-01"), "{list}");
    let over = printed(&mut town.person("Vane", &["agreement", "end", "kingsmead-northgate", "--yes"]));
    assert!(over.contains("ends at once"), "{over}");
    let json = printed(&mut town.person("Vane", &["agreement", "list", "--json"]));
    let line: serde_json::Value = serde_json::from_str(json.trim()).unwrap();
    assert_eq!((&line["standing"], &line["in_force"]), (&"ended".into(), &false.into()));

    // A proposal is taken back by its name, and that nothing flowed under it is said.
    fs::write(&file, pair.replacen("version = 1", "version = 2", 1)).unwrap();
    printed(&mut town.person("Vane", &["agreement", "propose", name]));
    let dated = fails(&mut town.person("Plum", &end));
    assert!(dated.contains("take it back without a date"), "{dated}");
    let back = printed(&mut town.person("Plum", &["agreement", "end", "kingsmead-northgate", "--yes"]));
    assert!(back.contains("version 2") && back.contains("was never in force"), "{back}");
    assert!(back.ends_with("it is taken back\n") && !back.contains("ends at once"), "{back}");
    let gone = fails(&mut town.person("Vane", &["agreement", "sign", "kingsmead-northgate", "--yes"]));
    assert!(gone.contains("no version of kingsmead-northgate is at that stage"), "{gone}");
    printed(&mut town.hub(&["audit", "verify"]));
}
