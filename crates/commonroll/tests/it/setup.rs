//! `agent setup` of a database: what is recognised, what is written, and that no secret and no pupil shows.

use crate::database::{Database, GIBBON, OPENSIS, ROSARIOSIS};
use base64::{Engine, engine::general_purpose::STANDARD};
use commonroll_audit::{LogKey, SigningKey};
use commonroll_connectors::mapping::Dialect;
use std::{
    fs,
    io::{Read, Write},
    process::{Command, Stdio},
};

/// What the password of the tests' accounts is, on a server that asks for one.
pub const RIGHT: &str = "right";
/// Never to be seen.
pub const CANARY: &str = "canary-secret";

/// A folder in which somebody sets up an agent.
pub struct Desk {
    folder: tempfile::TempDir,
}

/// What somebody saw.
pub struct Seen {
    pub code: Option<i32>,
    pub out: String,
    pub all: String,
}

impl Desk {
    pub fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        desk.secret("right.secret", RIGHT);
        desk
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn secret(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt;
        fs::write(self.path(name), text).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The agent of this folder is somebody already, for whom no hub is there.
    fn joined(&self) {
        let folder = self.path("data/identity");
        fs::create_dir_all(&folder).unwrap();
        let log = LogKey::new("log.test", SigningKey::from_seed(&[9; 32]).unwrap()).unwrap();
        let seed = STANDARD.encode([7; 32]);
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let tls = format!("{}\n{}", made.signing_key.serialize_pem(), made.cert.pem());
        let card = serde_json::json!({
            "agent_id": "01".repeat(16), "institution": "northgate", "hub": "localhost:1", "join": "localhost:1",
            "authority": "AAAA", "log_key": log.public().to_string(),
        });
        let files = [
            ("card.json", card.to_string()),
            ("tls.pem", tls),
            ("signing.key", seed.clone()),
            ("salt.key", seed),
        ];
        for (name, text) in files {
            fs::write(folder.join(name), text).unwrap();
        }
        commonroll_agent::Identity::load(&folder).unwrap();
    }

    /// Nobody else can read these files.
    pub fn are_private(&self, names: &[&str]) {
        use std::os::unix::fs::PermissionsExt;
        for name in names {
            let mode = fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{name}");
        }
    }

    /// Files that lie there besides the secrets.
    pub fn files(&self) -> Vec<String> {
        let names = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> =
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| !name.ends_with(".secret"));
        names.sort();
        names
    }

    /// The wizard, with everything that goes in and out of it in our hands.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_commonroll"));
        command
            .args(["agent", "setup"])
            .args(arguments)
            .current_dir(self.folder.path())
            .env("COMMONROLL_TEST_SECRET", CANARY)
            .env_remove("COMMONROLL_AGENT_SETTINGS")
            // No proxy is asked for the way to this machine itself.
            .env("NO_PROXY", "127.0.0.1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn run(&self, arguments: &[&str], typed: &str) -> Seen {
        let mut child = self.command(arguments).spawn().unwrap();
        // Somebody who stops answering is part of the story.
        let _ = child.stdin.take().unwrap().write_all(typed.as_bytes());
        let output = child.wait_with_output().unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        let all = out.clone() + &String::from_utf8(output.stderr).unwrap();
        assert!(!all.contains(CANARY), "a secret shows: {all}");
        for name in ["Ashby", "Bell", "2009-05-01"] {
            assert!(!all.contains(name), "{name} shows: {all}");
        }
        Seen { code: output.status.code(), out, all }
    }
}

/// The flags that lead to a database.
fn way(database: &Database) -> Vec<String> {
    let line = |key: &str| {
        let text = database.connection("x", "read");
        let table: toml::Table = text.parse().unwrap();
        let connection = &table["connection"]["x"];
        connection.get(key).or_else(|| connection["options"].get(key)).unwrap().as_str().unwrap().to_owned()
    };
    let scheme = match database.dialect {
        Dialect::MySql => "mysql",
        Dialect::Postgres => "postgres",
    };
    vec![
        "--from".to_owned(),
        format!("{scheme}://{}", line("address")),
        "--user".to_owned(),
        line("user"),
        "--option".to_owned(),
        format!("socket={}", line("socket")),
        "--name".to_owned(),
        "mis".to_owned(),
    ]
}

fn with<'a>(way: &'a [String], more: &[&'a str]) -> Vec<&'a str> {
    way.iter().map(String::as_str).chain(more.iter().copied()).collect()
}

#[tokio::test]
async fn gibbon_is_recognised_and_set_up_without_a_question() {
    let mis = Database::of(GIBBON, Dialect::MySql).await;
    mis.run(crate::screens::GIBBON_SCHOOL).await;
    mis.run(&crate::screens::gibbon_class(11, "current_date", "A")).await;
    let (desk, way) = (Desk::new(), way(&mis));
    let seen = desk.run(&with(&way, &["--credentials", "right.secret", "--yes"]), "");
    assert_eq!(seen.code, Some(0), "{}", seen.all);
    for said in
        ["It is Gibbon", "gibbonPerson.gibbonPersonID", "2 row(s)", "2 declarations", "attendance 2026-", "→"]
    {
        assert!(seen.all.contains(said), "{said}: {}", seen.all);
    }
    assert!(!seen.all.contains("could write"), "its page's rights are narrow enough: {}", seen.all);
    let settings = desk.read("agent.toml");
    assert!(settings.contains("[connection.mis]\nkind = \"mysql\""), "{settings}");
    assert!(
        settings.contains("credentials = \"right.secret\"") && !settings.contains("\"right\""),
        "{settings}"
    );
    assert!(
        settings.contains("name = \"gibbon-learners\"\nfrom = \"mis\"\nmapping = \"gibbon-learners.toml\""),
        "{settings}"
    );
    assert_eq!(desk.files().iter().filter(|name| name.starts_with("gibbon-")).count(), 9);
    // Once more changes nothing, and nobody said that mappings may be overwritten.
    fs::write(desk.path("gibbon-learners.toml"), "mine").unwrap();
    fs::write(
        desk.path("agent.toml"),
        settings.replace("mapping = \"gibbon-learners.toml\"", "mapping = \"gibbon-staff.toml\""),
    )
    .unwrap();
    let held = desk.read("agent.toml");
    let seen = desk.run(&with(&way, &["--credentials", "right.secret", "--yes"]), "");
    // A script that believed it was set up would have the old mapping, and no way to know.
    assert_eq!(seen.code, Some(3), "{}", seen.all);
    assert!(seen.all.contains("There already") && seen.all.contains("--replace overwrites"), "{}", seen.all);
    assert!(!seen.all.contains("gibbon-groups.toml"), "what would be the same is no question: {}", seen.all);
    assert_eq!((desk.read("gibbon-learners.toml").as_str(), desk.read("agent.toml")), ("mine", held));
}

#[tokio::test]
async fn the_last_question_can_be_left_with_ctrl_c_too() {
    let mis = Database::of(OPENSIS, Dialect::MySql).await;
    mis.run(&crate::screens::school("opensis")).await;
    let (desk, way) = (Desk::new(), way(&mis));
    desk.joined();
    let mut child = desk
        .command(&with(&way, &["--credentials", "right.secret", "--records", "learners"]))
        .spawn()
        .unwrap();
    let (mut said, mut byte) = (String::new(), [0]);
    let mut errors = child.stderr.take().unwrap();
    while !said.ends_with("Start the agent now? [y/N] ") && errors.read(&mut byte).unwrap() > 0 {
        said.push(char::from(byte[0]));
    }
    assert!(said.ends_with("[y/N] "), "{said}");
    let interrupt = Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).status().unwrap();
    assert!(interrupt.success());
    let ended = (0..40).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        child.try_wait().unwrap()
    });
    // Or it would wait for an answer for ever.
    child.kill().unwrap_or_default();
    assert_eq!(ended.and_then(|ended| ended.code()), Some(130));
    assert!(desk.files().contains(&"opensis-learners.toml".to_owned()), "what was written stays");
}

#[tokio::test]
async fn rosariosis_and_opensis_are_told_apart_and_one_kind_can_be_printed() {
    for (product, dialect, name) in [
        (ROSARIOSIS, Dialect::Postgres, "RosarioSIS"),
        (ROSARIOSIS, Dialect::MySql, "RosarioSIS"),
        (OPENSIS, Dialect::MySql, "openSIS"),
    ] {
        let mis = Database::of(product, dialect).await;
        mis.run(&crate::screens::school(product.name)).await;
        let version = match product.name {
            "rosariosis" => {
                "create table config (title varchar(50), config_value varchar(50)); insert into config values ('VERSION', '12.0')"
            }
            _ => {
                "create table app (name varchar(50), value varchar(50)); insert into app values ('version', '9.1')"
            }
        };
        mis.run(version).await;
        let (desk, way) = (Desk::new(), way(&mis));
        let seen = desk
            .run(&with(&way, &["--credentials", "right.secret", "--propose", "--records", "learners"]), "");
        assert_eq!(seen.code, Some(0), "{}", seen.all);
        assert!(seen.all.contains(&format!("It is {name}: ")), "no right to see the version: {}", seen.all);
        let template = format!("{}-learners", product.name);
        assert_eq!(seen.out, commonroll_connectors::templates::by_name(&template).unwrap().text);
        assert_eq!(desk.files(), Vec::<String>::new(), "nothing is written");
        let to = match dialect {
            Dialect::MySql => format!("{}@localhost", mis.account("read")),
            Dialect::Postgres => mis.account("read"),
        };
        let table = if product.name == "rosariosis" { "config" } else { "app" };
        mis.run(&format!("grant select, insert on {table} to {to}")).await;
        // Chosen one by one: the first kind alone.
        let typed = "2\ny\nn\nn\nn\nn\nn\nn\nn\nn\n";
        let seen = desk.run(&with(&way, &["--credentials", "right.secret"]), typed);
        assert_eq!(seen.code, Some(0), "{}", seen.all);
        let number = if product.name == "rosariosis" { "12.0" } else { "9.1" };
        assert!(seen.all.contains(&format!("It is {name} {number}: ")), "{}", seen.all);
        assert!(seen.all.contains("The account could write"), "{}", seen.all);
        assert_eq!(
            desk.files(),
            ["agent.toml".to_owned(), "data".to_owned(), format!("{template}.toml")],
            "{}",
            seen.all
        );
    }
}

/// A school system that nobody knows: a register, a roll, and what is none of our business.
const UNKNOWN: &str = "
create table tbl_roll (pupil_ref integer primary key, upn varchar(13), legal_surname varchar(40), legal_forename varchar(40), given_name varchar(40), dob date);
create table tbl_register (reg_id integer primary key, pupil_ref integer, mark_date date, period varchar(4), att_mark varchar(2), note_text varchar(80));
create table tbl_invoice (invoice_no integer primary key, amount integer, vat integer, paid_by varchar(40));
";

async fn unknown(dialect: Dialect) -> Database {
    let mis = Database::empty(dialect).await;
    mis.run(UNKNOWN).await;
    let names =
        ["Ashby", "Bell", "Cole", "Dunn", "Eads", "Fenn", "Gale", "Hobb", "Ivey", "Jupp", "Kerr", "Lamb"];
    let forenames =
        ["Ada", "Ben", "Cleo", "Dov", "Eve", "Finn", "Gwen", "Hari", "Ines", "Jude", "Kim", "Leo"];
    let mut text = String::new();
    for (at, name) in names.iter().enumerate() {
        let pupil = 4100 + at;
        text += &format!(
            "insert into tbl_roll values ({pupil}, null, '{name}', '{0}', '{0}', '2009-0{1}-11');",
            forenames[at],
            at % 9 + 1
        );
        for day in 0..14 {
            for (place, period) in ["AM", "PM"].iter().enumerate() {
                let mark = ["/", "\\\\", "L", "N", "/", "/", "I"][(at * 5 + day * 3 + place) % 7];
                let mark = match (mark, place) {
                    ("/", 1) => "\\",
                    ("\\\\", 0) => "/",
                    ("\\\\", _) => "\\",
                    (other, _) => other,
                };
                let mark =
                    if dialect == Dialect::MySql { mark.replace('\\', "\\\\") } else { mark.to_owned() };
                let id = at * 100 + day * 2 + place;
                // No school at weekends.
                let (date, is_open) = match dialect {
                    Dialect::MySql => {
                        (format!("current_date - interval {day} day"), "dayofweek(marked) between 2 and 6")
                    }
                    Dialect::Postgres => (format!("current_date - {day}"), "extract(isodow from marked) < 6"),
                };
                text += &format!(
                    "insert into tbl_register select {id}, {pupil}, marked, '{period}', '{mark}', null \
                     from (select {date} as marked) days where {is_open};"
                );
            }
        }
        text += &format!("insert into tbl_invoice values ({at}, 12, 2, 'x');");
    }
    mis.run(&text).await;
    let to = match dialect {
        Dialect::MySql => format!("{}@localhost", mis.account("read")),
        Dialect::Postgres => mis.account("read"),
    };
    for table in ["tbl_roll", "tbl_register", "tbl_invoice"] {
        mis.run(&format!("grant select on {table} to {to}")).await;
    }
    mis
}

#[tokio::test]
async fn tables_that_nobody_knows_are_found_by_what_they_hold_and_asked_for_no_more_than_is_needed() {
    for dialect in [Dialect::MySql, Dialect::Postgres] {
        let mis = unknown(dialect).await;
        let (desk, way) = (Desk::new(), way(&mis));
        let propose = ["--credentials", "right.secret", "--propose", "--records", "attendance"];
        let seen = desk.run(&with(&way, &propose), "");
        assert!(seen.all.contains("no MIS that we know"), "{}", seen.all);
        assert!(seen.all.contains("tbl_register"), "{}", seen.all);
        assert!(!seen.all.contains("table tbl_invoice"), "{}", seen.all);
        let mapping: toml::Table = seen.out.parse().unwrap_or_else(|error| panic!("{error}: {}", seen.out));
        let query = mapping["sql"]["query"].as_str().unwrap();
        assert!(query.contains("pupil_ref") && !query.contains("note_text"), "{}", seen.all);
        assert!(query.contains("current_date - ") && query.contains(":recent is null or"), "{}", seen.out);
        assert_eq!(
            mapping["sql"]["recent"].as_str(),
            Some("mark_date"),
            "marks of today alone: {}",
            seen.out
        );
        assert_eq!(desk.files(), Vec::<String>::new());

        let answers = ["--answer", "periods.AM=08:45-12:15", "--answer", "periods.PM=13:15-15:30", "--yes"];
        let more: Vec<&str> = ["--credentials", "right.secret"].iter().chain(&answers).copied().collect();
        let seen = desk.run(&with(&way, &more), "");
        assert_eq!(seen.code, Some(3), "something is left to say: {}", seen.all);
        assert!(seen.all.contains("would send: 240 new"), "{}", seen.all);
        let answer = "fields.forename=given_name";
        assert!(seen.all.contains(&format!("--answer '{answer}'")), "{}", seen.all);
        assert_eq!(desk.files(), ["agent.toml", "data", "mis-attendance.toml"], "{}", seen.all);
        let held = desk.read("agent.toml");
        let more: Vec<&str> = more.iter().copied().chain(["--answer", answer, "--replace"]).collect();
        let seen = desk.run(&with(&way, &more), "");
        assert_eq!(seen.code, Some(0), "{}", seen.all);
        assert!(seen.all.contains("12 declarations"), "{}", seen.all);
        let settings = desk.read("agent.toml");
        assert!(settings.starts_with(&held) && settings.contains("name = \"mis-learners\""), "{settings}");
        assert_eq!(settings.matches("[connection.mis]").count(), 1);
        assert!(seen.all.contains("1 table(s) that nothing here asks for"), "{}", seen.all);
    }
}

#[tokio::test]
async fn what_goes_wrong_is_said_in_plain_words_and_nothing_is_left_half_written() {
    let mis = Database::empty(Dialect::MySql).await;
    let (desk, way) = (Desk::new(), way(&mis));
    let cases: [(&[&str], &str); 6] = [
        (&["--credentials", "right.secret", "--yes"], "no such database, or the account may not see it"),
        (&["--env", "COMMONROLL_TEST_SECRET", "--yes"], "refuses the user or the password"),
        (&["--credentials", "gone.secret", "--yes"], "umask 077; cat > "),
        (&["--credentials", "right.secret", "--option", "sockt=x", "--yes"], "options.sockt"),
        (&["--credentials", "right.secret", "--option", "socket=/nowhere", "--yes"], "no database answers"),
        (&["--credentials", "right.secret", "--option", "seconds=0", "--yes"], "between 1 and 3600"),
    ];
    for (more, said) in cases {
        let seen = desk.run(&with(&way, more), "");
        assert_eq!(seen.code, Some(1), "{}", seen.all);
        assert!(seen.all.contains(said), "{said}: {}", seen.all);
        assert_eq!(desk.files(), Vec::<String>::new(), "{more:?}");
    }
    let seen = desk.run(&["--from", "mysql://roll:canary-secret@localhost/sis", "--yes"], "");
    assert!(seen.all.contains("must not hold a password"), "{}", seen.all);
    // Somebody types the password where its file is asked for, then leaves.
    let seen = desk.run(&with(&way, &[]), "canary-secret\n-\n");
    assert_eq!(seen.code, Some(1), "{}", seen.all);
    assert!(desk.files().is_empty() && seen.all.contains("no such file"), "{}", seen.all);
}
