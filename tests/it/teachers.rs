//! A teacher's need to know, from the timetable to the page: a college's export says who teaches which group, and with it
//! a teacher reads of a visitor in that group, and no longer when the timetable says otherwise.

use crate::{outside::printed, town::Town};
use commonroll_core::{LocalId, PersonId, Purpose, Role, Timestamp};
use commonroll_exchange::{Acting, Exchange, NotAllowed, ReadAsk, ReadError, Reading};
use commonroll_hub::{ProviderRandomness, Settings, Sources};
use std::{fs, time::Duration};

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
attendance = ["presence", "source_code"]
[[placement]]
home = "kingsmead"
host = "northgate"
group = "ENG-1"
first_date = "2020-01-01"
last_date = "2090-01-01"
learners = [["K1", "N1"]]
"#;

const SETTINGS: &str = "data = \"data\"\n[pace]\nsettle_ms = 0\n\
    [[source]]\nname = \"marks\"\nfolder = \"exports\"\npattern = \"marks*\"\nconnector = \"delimited\"\nmapping = \"marks.toml\"\n\
    [[source]]\nname = \"staff\"\nfolder = \"exports\"\npattern = \"staff*\"\nconnector = \"delimited\"\nmapping = \"staff.toml\"\n";
const MARKS: &str = "format = \"delimited\"\nrows = \"attendance\"\n[codes]\nset = \"ENG-2024\"\n[fields]\nlearner = \"Id\"\n\
    group = \"Class\"\ndate = \"Date\"\nstart = \"From\"\nend = \"To\"\nmark = \"Mark\"\n";
const STAFF: &str =
    "format = \"delimited\"\nrows = \"staff\"\n[fields]\nstaff = \"Teacher\"\ngroup = \"Class\"\n";

/// A hub, the college's agent that looks when it is told to, and a teacher with the staff id `VAN`.
struct College {
    town: Town,
    teacher: PersonId,
}

impl College {
    fn new() -> Self {
        let mut town = Town::new(CONSORTIUM, &["--play-heads"]);
        let hub = town.hub(&["hub", "run"]);
        town.start("hub", hub);
        town.wait_until_ready(Duration::from_secs(20));
        fs::create_dir_all(town.path("northgate/exports")).unwrap();
        for (name, text) in [("agent", SETTINGS), ("marks", MARKS), ("staff", STAFF)] {
            fs::write(town.path("northgate").join(format!("{name}.toml")), text).unwrap();
        }
        town.join("northgate");
        let first = ["hub", "invite", "northgate", "--person", "--role", "data_manager", "--name", "Manager"];
        fs::write(town.path("manager.invitation"), printed(&mut town.hub(&first))).unwrap();
        printed(town.person("manager", &["person", "join"]).arg(town.path("manager.invitation")));
        let teacher = [
            "person",
            "invite",
            "northgate",
            "--role",
            "teacher",
            "--name",
            "Vane",
            "--staff",
            "VAN",
            "--out",
        ];
        printed(town.person("manager", &teacher).arg(town.path("teacher.invitation")));
        printed(town.person("teacher", &["person", "join"]).arg(town.path("teacher.invitation")));
        let card: serde_json::Value =
            serde_json::from_slice(&fs::read(town.path("teacher/card.json")).unwrap()).unwrap();
        let teacher = card["person_id"].as_str().unwrap().parse().unwrap();
        Self { town, teacher }
    }

    /// The college's system exports, and the agent looks, declares and publishes once.
    fn exports(&self, name: &str, text: &str) {
        fs::write(self.town.path("northgate/exports").join(name), text).unwrap();
        printed(&mut self.town.agent("northgate", &["once"]));
    }

    async fn exchange(&self) -> Exchange {
        let sources =
            Sources { file: None, data: Some(self.town.path("hub")), environment: None, flags: Vec::new() };
        let settings = Settings::load(&sources).unwrap();
        commonroll_hub::open_exchange(&settings, now(), &ProviderRandomness).await.unwrap()
    }

    /// What the teacher reads of the visitor, by another node that sees what the hub has in its log.
    async fn teacher_reads(&self) -> Result<Reading, ReadError> {
        let exchange = self.exchange().await;
        let speaker = exchange.person(self.teacher).unwrap();
        let ask = ReadAsk::about(LocalId::parse("learner", "N1").unwrap(), Purpose::Teaching);
        exchange.read(Acting { speaker: &speaker, role: Role::Teacher }, &ask, now()).await
    }
}

#[expect(clippy::disallowed_methods, reason = "the hub beside it looks at the machine's clock")]
fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_micros("now", since.as_micros() as i64).unwrap()
}

#[test]
fn a_teacher_reads_of_a_visitor_while_the_timetable_says_that_they_teach_their_group() {
    let college = College::new();
    let marks = "Id,Class,Date,From,To,Mark\nN1,ENG-1,2026-09-14,09:00,10:00,L\n";
    college.exports("marks.csv", marks);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let denied = ReadError::NotAllowed(NotAllowed::Denied);
    let read = || runtime.block_on(college.teacher_reads());
    assert_eq!(read().unwrap_err(), denied, "nobody has said that they teach anything");

    college.exports("staff.csv", "Teacher,Class\nVAN,ENG-1\nVAN,BIO-2\nQUI,ENG-1\nPLU,ART-1\n");
    let reading = read().unwrap();
    assert_eq!(reading.records.len(), 1, "the mark that their own college made");
    assert_eq!(reading.records[0].source.as_str(), "northgate");

    college.exports("staff.csv", "Teacher,Class\nVAN,BIO-2\nQUI,ENG-1\nPLU,ART-1\n");
    assert_eq!(read().unwrap_err(), denied, "another has taken the group over");
    college.exports("staff.csv", "Teacher,Class\nVAN,ENG-1\nQUI,ENG-1\nPLU,ART-1\n");
    assert!(read().is_ok());
    college.exports("staff.csv", "Teacher,Class\nQUI,ENG-1\nPLU,ART-1\n");
    assert_eq!(read().unwrap_err(), denied, "whoever is gone from the timetable teaches nothing");
    let shown = printed(&mut college.town.hub(&["audit", "show"]));
    let mut words = shown.split(|c: char| !c.is_ascii_alphanumeric());
    assert!(words.all(|word| word != "VAN") && shown.matches("directory.staff").count() == 6, "{shown}");
}
