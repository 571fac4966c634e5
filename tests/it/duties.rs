//! Rights and duties at the command line, with the real program: a learner is erased from the hub's files, a breach is
//! practised, and a college leaves with everything of its own.

use crate::{outside::printed, people::fails, town::Town};
use std::{fs, path::Path, time::Duration};

const CONSORTIUM: &str = r#"
[[institution]]
slug = "kingsmead"
name = "Kingsmead School"
type = "school"
[[institution]]
slug = "northgate"
name = "Northgate College"
type = "fe_college"
[[agreement]]
id = "vale"
version = 1
parties = ["kingsmead", "northgate"]
purpose = "shared courses"
first_date = "2020-01-01"
last_date = "2090-01-01"
[agreement.kinds]
attendance = ["presence", "source_code", "note"]
[[placement]]
home = "kingsmead"
host = "northgate"
first_date = "2020-01-01"
last_date = "2090-01-01"
learners = [["K1", "N1"], ["K2", "N2"]]
"#;

const HOST: &str = "data = \"data\"\n[pace]\nsettle_ms = 0\n\
    [[source]]\nname = \"marks\"\nfolder = \"exports\"\npattern = \"marks*\"\nconnector = \"delimited\"\nmapping = \"marks.toml\"\n";
const MARKS: &str = "format = \"delimited\"\nrows = \"attendance\"\n[codes]\nset = \"ENG-2024\"\n[fields]\nlearner = \"Id\"\n\
    date = \"Date\"\nstart = \"From\"\nend = \"To\"\nmark = \"Mark\"\nnote = \"Note\"\n";
const CANARY: &str = "came in with a Quillfeather";

fn town() -> Town {
    let mut town = Town::new(CONSORTIUM, &["--play-heads"]);
    let hub = town.hub(&["hub", "run"]);
    town.start("hub", hub);
    town.wait_until_ready(Duration::from_secs(20));
    fs::create_dir_all(town.path("northgate/exports")).unwrap();
    fs::write(town.path("northgate/agent.toml"), HOST).unwrap();
    fs::write(town.path("northgate/marks.toml"), MARKS).unwrap();
    town.join("northgate");
    let marks = format!(
        "Id,Date,From,To,Mark,Note\nN1,2026-09-14,09:00,10:00,L,{CANARY}\nN2,2026-09-14,09:00,10:00,/,\n\
         N1,2026-09-14,11:00,12:00,/,\n"
    );
    fs::write(town.path("northgate/exports/marks.csv"), marks).unwrap();
    printed(&mut town.agent("northgate", &["once"]));
    for (at, who, role) in [
        ("kingsmead", "officer", "dpo"),
        ("northgate", "manager", "data_manager"),
        ("northgate", "guardian", "dpo"),
    ] {
        let invite = ["hub", "invite", at, "--person", "--role", role, "--name", who];
        let file = town.path(&format!("{who}.invitation"));
        fs::write(&file, printed(&mut town.hub(&invite))).unwrap();
        printed(town.person(who, &["person", "join"]).arg(file));
    }
    town
}

/// How often a text stands in the database's files.
fn found(hub: &Path, text: &str) -> usize {
    let files = fs::read_dir(hub).unwrap().map(|file| file.unwrap().path()).filter(|path| path.is_file());
    let count = |bytes: &[u8]| bytes.windows(text.len()).filter(|part| *part == text.as_bytes()).count();
    files.map(|path| count(&fs::read(path).unwrap())).sum()
}

#[test]
fn a_learner_is_erased_a_breach_is_practised_and_a_college_takes_everything_of_its_own() {
    let town = town();
    let hub = town.path("hub");
    assert!(found(&hub, CANARY) > 0, "the note lies in the database as it was sent");

    // A college takes its records with it, and they are checked without a hub.
    let folder = town.path("leaving");
    let said = printed(town.person("manager", &["exit", "pack", "--out"]).arg(&folder));
    assert!(said.contains("begin with index.md"), "{said}");
    let checked = printed(town.person("nobody", &["exit", "verify"]).arg(&folder).arg("northgate"));
    assert!(checked.contains("3 records are as northgate signed them"), "{checked}");
    let records = folder.join("records.jsonl");
    let honest = fs::read_to_string(&records).unwrap();
    let second = honest.lines().nth(1).unwrap();
    let salt = second.split("\"salt\":\"").nth(1).unwrap();
    let forged = honest.replacen(&salt[..32], &"0".repeat(32), 1);
    fs::write(&records, forged).unwrap();
    let bad = fails(town.person("nobody", &["exit", "verify"]).arg(&folder).arg("northgate"));
    assert!(bad.contains("records.jsonl: line 2: groups: do not lead to the root"), "{bad}");
    let refused = fails(&mut town.person("manager", &["exit", "end", "northgate"]));
    assert!(refused.contains("does not allow this to you"), "only a head ends the membership: {refused}");
    let twice = fails(town.person("manager", &["exit", "pack", "--out"]).arg(&folder));
    assert!(twice.contains("is there already"), "{twice}");

    // A drill: every page says so, and the ids in it are the own ones.
    let folder = town.path("drill");
    let drill = ["breach", "pack", "--from", "2026-01-01", "--to", "2090-01-01", "--drill", "--out"];
    printed(town.person("guardian", &drill).arg(&folder));
    for page in ["index.md", "northgate/index.md", "northgate/notification.md"] {
        assert!(fs::read_to_string(folder.join(page)).unwrap().contains("DRILL"), "{page}");
    }
    let rows = fs::read_to_string(folder.join("northgate/disclosures.csv")).unwrap();
    assert!(rows.contains("N1") && !rows.contains("K1"), "{rows}");
    let proof = fs::read_dir(folder.join("northgate/proofs")).unwrap().next().unwrap().unwrap().path();
    let key = folder.join("northgate/log.key");
    printed(town.person("nobody", &["audit", "verify-proof", "--key"]).arg(key).arg(proof));
    let all = town.path("all");
    let mut operator =
        town.person("nobody", &["breach", "pack", "--from", "2026-01-01", "--to", "2090-01-01"]);
    printed(operator.arg("--dir").arg(&hub).arg("--out").arg(&all));
    assert!(fs::read_to_string(all.join("index.md")).unwrap().contains("| northgate | 3 | 2 |"));
    assert!(!all.join("northgate/disclosures.csv").exists(), "the operator sees no id");

    // Erasure: gone from the files while the hub runs, and the history verifies.
    let why = ["duty", "erase", "--learner", "K1", "--reason", "objection_upheld"];
    let refused = fails(&mut town.person("guardian", &why));
    assert!(refused.contains("does not allow this to you"), "{refused}");
    let said = printed(&mut town.person("officer", &why));
    assert!(said.contains("2 records: payload and salt are gone"), "{said}");
    assert_eq!(found(&hub, CANARY), 0, "the note is in no file of the hub any more");
    let verified = printed(&mut town.hub(&["audit", "verify"]));
    assert!(verified.contains("2 payloads were taken out, each by an entry that says so"), "{verified}");

    // How long payloads are kept: what is agreed, and what the college sets with its officer's word.
    let asked =
        printed(&mut town.person("manager", &["duty", "retention", "--kind", "attendance", "--days", "7"]));
    assert!(asked.contains("once your data protection officer sets the same"), "{asked}");
    let set =
        printed(&mut town.person("guardian", &["duty", "retention", "--kind", "attendance", "--days", "7"]));
    assert!(set.contains("in force"), "{set}");
    let shown = printed(&mut town.person("manager", &["duty", "retention"]));
    assert!(shown.contains("7 days after delivery") && shown.contains("kingsmead 30 days"), "{shown}");
}
