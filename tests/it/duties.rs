//! Rights and duties at the command line, with the real program: a learner is erased from the hub's files, a breach is
//! practised, and a college leaves with everything of its own.

use crate::{
    outside::{fails, printed},
    town::Town,
};
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
        town.first(at, who, role);
    }
    town
}

/// How often a text stands in the database's files.
fn found(hub: &Path, text: &str) -> usize {
    let files = fs::read_dir(hub).unwrap().map(|file| file.unwrap().path()).filter(|path| path.is_file());
    let count = |bytes: &[u8]| bytes.windows(text.len()).filter(|part| *part == text.as_bytes()).count();
    files.map(|path| count(&fs::read(path).unwrap())).sum()
}

/// Each change to a pack is noticed, and named.
fn falsified(town: &Town, folder: &Path) {
    let verify = || fails(town.person("nobody", &["exit", "verify"]).arg(folder).arg("northgate"));
    let forge = |name: &str, forged: &dyn Fn(&str) -> String, fault: &str| {
        let file = folder.join(name);
        let honest = fs::read_to_string(&file).unwrap();
        let made = forged(&honest);
        assert_ne!(made, honest, "{name}: {fault}");
        fs::write(&file, made).unwrap();
        let bad = verify();
        assert!(bad.contains(fault), "{name}, {fault}: {bad}");
        fs::write(&file, honest).unwrap();
    };
    let swaps = [
        ("\"learner\":\"N1\"", "\"learner\":\"N2\"", "learner: is not what was signed"),
        ("2026-09-14", "2026-09-15", "date: is not what was signed"),
        ("\"group\":null", "\"group\":\"X\"", "group: is not what was signed"),
        ("\"confidential\":false", "\"confidential\":true", "confidential: is not what was signed"),
        ("\"taken_back\":false", "\"taken_back\":true", "taken_back: is not what was signed"),
        ("\"kind\":\"attendance\"", "\"kind\":\"behaviour\"", "kind: is not what log.jsonl says"),
        ("\"revision\":1", "\"revision\":2", "revision: is not what log.jsonl says"),
        ("\"accepted\":\"20", "\"accepted\":\"19", "accepted: is not what log.jsonl says"),
        ("\"record\":\"0", "\"record\":\"1", "record: is not what log.jsonl says"),
        ("\"entry\":", "\"entry\":1", "entry: is no"),
        ("\"name\":\"presence\"", "\"name\":\"note\"", "name: is not the group's"),
        ("\"groups\":", "\"gone\":\"erased\",\"groups\":", "gone: no entry of log.jsonl says so"),
    ];
    for (honest, forged, fault) in swaps {
        forge("records.jsonl", &|text| text.replacen(honest, forged, 1), fault);
    }
    let salt = |text: &str| {
        let at = text.lines().nth(1).unwrap().split("\"salt\":\"").nth(1).unwrap()[..32].to_owned();
        text.replacen(&at, &"0".repeat(32), 1)
    };
    forge("records.jsonl", &salt, "records.jsonl: line 2: groups: do not lead to the root");
    let cut = |text: &str| text.lines().skip(1).map(|line| format!("{line}\n")).collect();
    forge("records.jsonl", &cut, "is missing");
    // Records and the log's lines about them cut together: the signature over the batch knows better.
    let log = folder.join("log.jsonl");
    let honest = fs::read_to_string(&log).unwrap();
    let mut lines: Vec<&str> = honest.lines().collect();
    lines.remove(lines.iter().position(|line| line.contains("record.accepted")).unwrap());
    fs::write(&log, lines.join("\n")).unwrap();
    forge("records.jsonl", &cut, "there are 2 of 3 signed records");
    fs::write(&log, honest).unwrap();
    let longer = |text: &str| format!("{text}{{}}\n");
    for name in ["declarations.jsonl", "partners.csv", "people.csv", "notices.csv", "index.md"] {
        forge(name, &longer, &format!("{name}: is not as manifest.sha256 has it"));
    }
    forge(
        "log.jsonl",
        &|text| text.replacen("exit.pack", "exit.park", 1),
        "log.jsonl: is not as manifest.sha256 has it",
    );
    forge(
        "manifest.sha256",
        &|text| text.replacen("  people.csv", "  persons.csv", 1),
        "people.csv: is not in manifest",
    );
    let folders = fs::read_dir(folder.join("agreements")).unwrap().map(|file| file.unwrap().file_name());
    for name in folders.filter_map(|name| name.into_string().ok()).filter(|name| name.ends_with(".toml")) {
        forge(&format!("agreements/{name}"), &longer, "another text than the one that was signed");
    }
    let verified = printed(town.person("nobody", &["exit", "verify"]).arg(folder).arg("northgate"));
    assert!(verified.contains("as `exit pack` printed it"), "{verified}");
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
    let manifest = said
        .lines()
        .find_map(|line| line.strip_prefix("note the manifest's SHA-256, and keep it elsewhere: "));
    let noted = ["exit", "verify", "--manifest", manifest.unwrap()];
    printed(town.person("nobody", &noted).arg(&folder).arg("northgate"));
    falsified(&town, &folder);
    // A school that published nothing has a pack that is checked as well.
    let empty = town.path("empty");
    printed(town.person("officer", &["exit", "pack", "--out"]).arg(&empty));
    let checked = printed(town.person("nobody", &["exit", "verify"]).arg(&empty).arg("kingsmead"));
    assert!(checked.contains("0 records are as kingsmead signed them"), "{checked}");
    let index = fs::read_to_string(empty.join("index.md")).unwrap();
    assert!(!index.contains("records.jsonl") && index.contains("exit verify FOLDER kingsmead"), "{index}");
    let asked = fails(&mut town.person("manager", &["exit", "end", "northgate"]));
    assert!(asked.contains("add --yes to end the membership"), "{asked}");
    let refused = fails(&mut town.person("manager", &["exit", "end", "northgate", "--yes"]));
    assert!(refused.contains("does not allow this to you"), "only a head ends the membership: {refused}");
    let twice = fails(town.person("manager", &["exit", "pack", "--out"]).arg(&folder));
    assert!(twice.contains("is there already"), "{twice}");
    let never = town.path("never");
    let span = ["breach", "pack", "--from", "2026-01-01", "--to", "2090-01-01", "--out"];
    let refused = fails(town.person("manager", &span).arg(&never));
    assert!(
        refused.contains("does not allow this to you") && !never.exists(),
        "a refusal leaves no folder: {refused}"
    );

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
    let why = ["duty", "erase", "--learner", "K1", "--reason", "objection_upheld", "--yes"];
    let asked = fails(&mut town.person("officer", &why[..6]));
    assert!(asked.contains("add --yes to erase it") && found(&hub, CANARY) > 0, "{asked}");
    let refused = fails(&mut town.person("guardian", &why));
    assert!(refused.contains("no learner whose home you are has this id"), "{refused}");
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
    let long = ["duty", "retention", "--kind", "behaviour", "--days", "900"];
    let set = printed(&mut town.person("guardian", &long));
    assert!(!set.contains("these count"), "nothing is agreed on behaviour: {set}");
    let long = ["duty", "retention", "--kind", "attendance", "--days", "900"];
    let set = printed(&mut town.person("guardian", &long));
    assert!(
        set.contains("30 days are agreed with kingsmead (vale version 1): for what goes there, these count"),
        "{set}"
    );
    printed(&mut town.person("guardian", &["duty", "retention", "--kind", "attendance", "--days", "7"]));
    let shown = printed(&mut town.person("manager", &["duty", "retention"]));
    assert!(shown.contains("7 days after delivery") && shown.contains("kingsmead 30 days"), "{shown}");

    // The college leaves: by its head, for itself alone, and nobody acts for it any more. Who was only played as head goes first.
    let listed = printed(&mut town.person("manager", &["person", "list"]));
    let played = listed.lines().find(|line| line.ends_with("  head")).unwrap().split(' ').next().unwrap();
    printed(&mut town.person("manager", &["person", "revoke", played]));
    town.first("northgate", "principal", "head");
    let others = fails(&mut town.person("principal", &["exit", "end", "kingsmead", "--yes"]));
    assert!(others.contains("you act for northgate; nobody ends another's membership"), "{others}");
    let left = printed(&mut town.person("principal", &["exit", "end", "northgate", "--yes"]));
    assert!(left.contains("it can't be taken back"), "{left}");
    assert!(left.contains("northgate has left: nothing flows to it or from it any more"), "{left}");
    // Two acceptances; an agent and three people.
    assert!(left.contains("2 words on placements and the access of 4 ended"), "{left}");
    for who in ["principal", "manager"] {
        let ended = fails(&mut town.person(who, &["person", "whoami"]));
        assert!(ended.contains("your access has ended"), "{ended}");
    }
    fails(&mut town.agent("northgate", &["once"]));
    printed(&mut town.person("officer", &["person", "whoami"]));
    printed(&mut town.hub(&["audit", "verify"]));
}
