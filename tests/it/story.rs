//! The story that README tells and the ten minutes of the policies' page, played: every command of the block runs, and says
//! what stands there.
//!
//! A line of the block that begins with `$` is a command; what follows is what it printed. `…` in a line stands for what
//! differs from run to run, a line of it alone for any lines. Numbers of entries differ too: the first time one is met it
//! is learnt, and from then on it stands for that number, in commands as well. The ten minutes have no such numbers: theirs
//! must be what is printed.

use crate::{
    outside::{commonroll, printed, top},
    town::Town,
};
use std::{
    collections::HashMap,
    fs,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

/// Longest wait for what the hub does behind a command: a question is asked again until it has its answer.
const PATIENCE: Duration = Duration::from_secs(10);

const CONSORTIUM: &str = r#"
[[institution]]
slug = "kingsmead"
name = "Kingsmead School"
type = "school"
[[institution]]
slug = "northgate"
name = "Northgate College"
type = "fe_college"
[[placement]]
home = "kingsmead"
host = "northgate"
first_date = "2020-01-01"
last_date = "2090-12-31"
learners = [["K-1", "N-1"], ["K-2", "N-2"], ["K-3", "N-3"]]
"#;

const AGENT: &str =
    "data = \"data\"\n[pace]\nsettle_ms = 0\n[outbox]\nfolder = \"outbox\"\nformats = [\"csv\"]\n";
const SOURCES: &str = "[[source]]\nname = \"behaviour\"\nfolder = \"exports\"\npattern = \"behaviour*\"\n\
    connector = \"delimited\"\nmapping = \"behaviour.toml\"\n";
const MAPPING: &str = "format = \"delimited\"\nrows = \"behaviour\"\n[fields]\nevent = \"Event\"\nlearner = \"Id\"\n\
    date = \"Date\"\ntime = \"Time\"\nlabel = \"What\"\npolarity = \"Kind\"\nshare_text = \"Note\"\n\
    internal_comment = \"Internal\"\n";
const EXPORT: &str = "Event,Id,Date,Time,What,Kind,Note,Internal\n\
    e1,N-1,2026-11-20,09:40,Praise,positive,Showed a new student round the workshop,Told by JB\n";

/// What version 2 of the agreement lists besides.
const ITEM: &str = r#"[[item]]
kind = "behaviour"
groups = ["event", "involvement", "share_safe_text"]
direction = "from host to home"
seen_by = ["tutor", "head_of_sixth"]
legal_basis = "public task"
basis_source = "Promoting the welfare and good conduct of learners (Education Act 2002, section 175)."
article_9 = "substantial public interest"
schedule_1 = "Paragraph 18 (safeguarding of children and of individuals at risk)"
policy_document = "Kingsmead special category data policy, 1 May 2026"
kept_at_source = "End of the course and 1 year"
kept_at_recipient = "As the pupil file: until the learner is 25"
kept_at_hub_days = 30
deletion = "With the pupil file."

"#;

/// A school and a college whose heads have signed what flows today: attendance and grades.
fn partners() -> Town {
    let mut town = Town::new(CONSORTIUM, &[]);
    let hub = town.hub(&["hub", "run"]);
    town.start("hub", hub);
    town.wait_until_ready(Duration::from_secs(20));
    for (institution, who, role) in
        [("kingsmead", "vane", "data_manager"), ("kingsmead", "plum", "head"), ("northgate", "hart", "head")]
    {
        town.first(institution, who, role);
    }
    town.colleague("kingsmead", "vane", "teal", "tutor");

    for (agent, sources) in [("kingsmead", ""), ("northgate", SOURCES)] {
        fs::create_dir_all(town.path(agent).join("exports")).unwrap();
        fs::write(town.path(agent).join("agent.toml"), format!("{AGENT}{sources}")).unwrap();
        fs::write(town.path(agent).join("behaviour.toml"), MAPPING).unwrap();
        town.join(agent);
    }
    fs::write(town.path("northgate/exports/behaviour.csv"), EXPORT).unwrap();

    let now = fs::read_to_string(top().join("policies/agreements/kingsmead-northgate.toml")).unwrap();
    let now = now.replace("\"2026-09-01\"", "\"2020-01-01\"").replace("\"2027-08-31\"", "\"2090-12-31\"");
    let wider = now.replacen("version = 1", "version = 2", 1).replacen(
        "[controllers]",
        &format!("{ITEM}[controllers]"),
        1,
    );
    fs::write(town.path("now.toml"), now).unwrap();
    fs::write(town.path("wider.toml"), wider).unwrap();
    printed(town.person("vane", &["agreement", "propose"]).arg(town.path("now.toml")));
    for head in ["plum", "hart"] {
        printed(&mut town.person(head, &["agreement", "sign", "kingsmead-northgate", "--yes"]));
    }
    // What the auditor has had from before: the log's key, and a checkpoint.
    let card: serde_json::Value =
        serde_json::from_slice(&fs::read(town.path("kingsmead/data/identity/card.json")).unwrap()).unwrap();
    fs::write(town.path("log.key"), card["log_key"].as_str().unwrap()).unwrap();
    let checkpoint = ["audit", "checkpoint", "--agent", "kingsmead/agent.toml", "--out", "before.checkpoint"];
    printed(Command::new(commonroll()).args(checkpoint).current_dir(town.path("")));
    town
}

/// The console block of a page that begins with a command: commands, and what they print.
fn block(page: &str, first: &str) -> Vec<(String, Vec<String>)> {
    let page = fs::read_to_string(top().join(page)).unwrap();
    let begin = format!("```console\n$ {first}");
    let begun = page.find(&begin).expect("the page has the block") + "```console\n".len();
    let long = page[begun..].find("\n```\n").expect("the block ends");
    let mut steps: Vec<(String, Vec<String>)> = Vec::new();
    for line in page[begun..begun + long].lines() {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => steps.push((command.to_owned(), Vec::new())),
            (None, Some((_, lines))) => lines.push(line.to_owned()),
            (None, None) => panic!("the block begins with a command"),
        }
    }
    steps
}

/// Numbers of README, and what they are in this run.
type Numbers = HashMap<String, String>;

fn is_number(word: &str) -> bool {
    word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a word of README stands for a word that was printed.
fn word(shown: &str, said: &str, numbers: &mut Numbers) -> bool {
    if let Some((before, behind)) = shown.split_once('…') {
        return said.len() >= before.len() + behind.len()
            && said.starts_with(before)
            && said.ends_with(behind);
    }
    if is_number(shown) && is_number(said) {
        return *numbers.entry(shown.to_owned()).or_insert_with(|| said.to_owned()) == said;
    }
    shown == said
}

/// `…` as a word of its own stands for any words.
fn line(shown: &[&str], said: &[&str], numbers: &mut Numbers) -> bool {
    match (shown.first(), said.first()) {
        (None, None) => true,
        (Some(&"…"), _) => (0..=said.len()).any(|skip| line(&shown[1..], &said[skip..], numbers)),
        (Some(one), Some(other)) if word(one, other, numbers) => line(&shown[1..], &said[1..], numbers),
        _ => false,
    }
}

fn lines(shown: &[String], said: &[&str], numbers: &mut Numbers) -> bool {
    match (shown.first(), said.first()) {
        (None, None) => true,
        (Some(one), _) if one == "…" => {
            (0..=said.len()).any(|skip| lines(&shown[1..], &said[skip..], numbers))
        }
        (Some(one), Some(other)) => {
            let one: Vec<&str> = one.split_whitespace().collect();
            let other: Vec<&str> = other.split_whitespace().collect();
            line(&one, &other, numbers) && lines(&shown[1..], &said[1..], numbers)
        }
        _ => false,
    }
}

/// Runs one step, again and again if it is a question, until it prints what the page shows.
fn play(command: &str, shown: &[String], folder: &Path, numbers: &mut Numbers) {
    let word = |word: &str| numbers.get(word).filter(|_| is_number(word)).cloned().unwrap_or(word.to_owned());
    let run_as: Vec<String> = command.split(' ').map(word).collect();
    let run_as = run_as.join(" ");
    let programs = commonroll().parent().unwrap().to_owned();
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let path =
        std::env::join_paths(std::iter::once(programs).chain(std::env::split_paths(&inherited))).unwrap();
    // A question has no effect, so it is asked until the hub has done what the step before set going.
    let asks = ["commonroll audit ", "commonroll learner "].iter().any(|begin| command.starts_with(begin));
    let until = Instant::now() + PATIENCE;
    loop {
        let mut run = Command::new("sh");
        run.args(["-c", &run_as]).current_dir(folder).env("PATH", &path).env("COMMONROLL_HUB_DIR", "hub");
        let output = run.output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        println!("$ {run_as}\n{said}");
        let mut learnt = numbers.clone();
        if lines(shown, &said.trim_end().lines().collect::<Vec<_>>(), &mut learnt) {
            *numbers = learnt;
            return;
        }
        let problem = String::from_utf8_lossy(&output.stderr);
        let again = asks && Instant::now() < until;
        assert!(again, "$ {command}\n{said}{problem}\nthe page says:\n{}", shown.join("\n"));
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn the_story_in_the_readme_is_what_happens() {
    let mut town = partners();
    let mut numbers = Numbers::new();
    for (command, shown) in block("README.md", "commonroll policy try") {
        if command == "commonroll audit verify" {
            town.kill("hub");
        }
        play(&command, &shown, &town.path(""), &mut numbers);
    }
    let outbox = fs::read_dir(town.path("kingsmead/outbox")).unwrap();
    let told = |name: &str| name.starts_with("recall-");
    assert!(
        outbox.flatten().any(|file| told(&file.file_name().to_string_lossy())),
        "the school's system is told"
    );
}

#[test]
fn the_ten_minutes_of_the_policies_page_are_what_happens() {
    let folder = tempfile::tempdir().unwrap();
    let copied = Command::new("cp").arg("-r").arg(top().join("policies")).arg(folder.path()).status();
    assert!(copied.unwrap().success());
    let steps = block("policies/README.md", "cp -r policies rules");
    // No number here differs from run to run: each stands for itself.
    let words = steps.iter().flat_map(|(_, shown)| shown).flat_map(|line| line.split_whitespace());
    let mut numbers: Numbers =
        words.filter(|word| is_number(word)).map(|word| (word.to_owned(), word.to_owned())).collect();
    for figure in ["1112838", "672", "23"] {
        assert!(numbers.contains_key(figure), "the page shows {figure}");
    }
    for (command, shown) in steps {
        play(&command, &shown, folder.path(), &mut numbers);
    }
}
