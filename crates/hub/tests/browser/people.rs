//! Everybody on the stage, all invented: learners by name, and the people who sign in.

use crate::kit::{Person, TestHub, called};
use commonroll_core::{
    RecordKind, Role, SchoolDate,
    convention::Says,
    sources::{KeptBack, SourceTold},
};
use commonroll_exchange::{Acting, PersonWanted};
use std::fmt::Write;

/// Forename, known-as name and surname of ridgeway's learners; their ids are R1, R2 and so on.
pub const RIDGEWAY: [[&str; 3]; 11] = [
    ["Leah", "Leah", "Okonkwo"],
    ["Tomasz", "Tom", "Wieczorek"],
    ["Imogen", "Immy", "Tarrant"],
    ["Zachary", "Zac", "Penhale"],
    ["Priya", "Priya", "Raman"],
    ["Callum", "Cal", "Frobisher"],
    ["Anwen", "Anwen", "Pryce"],
    ["Yusuf", "Yusuf", "Demir"],
    ["Harriet", "Hattie", "Brindle"],
    ["Solomon", "Sol", "Achterberg"],
    ["Wren", "Wren", "Castellane"],
];
/// St Aldhelm's, as A1 and so on.
pub const ALDHELM: [[&str; 3]; 4] = [
    ["Bethany", "Beth", "Larkwhistle"],
    ["Oskar", "Oskar", "Thornhallow"],
    ["Maisie", "Maisie", "Quellworth"],
    ["Dilan", "Dilan", "Aksoy"],
];
/// Ridgeway's R40, whom Northgate knows as NX1 and nobody has matched: neither has declared a number.
pub const UNKNOWN: [&str; 3] = ["Elowen", "Elowen", "Trevanion"];
/// Hollin Park's only one.
pub const HOLLIN: [&str; 3] = ["Marguerite", "Mags", "Oyelaran-Featherstonehaugh"];

const FORENAMES: [&str; 20] = [
    "Ada", "Ben", "Cara", "Dev", "Elin", "Femi", "Gwen", "Hugo", "Isla", "Jonah", "Kit", "Lola", "Milo",
    "Nia", "Owen", "Pia", "Rafi", "Suki", "Theo", "Una",
];
const SURNAMES: [&str; 15] = [
    "Ashgrove", "Birtwell", "Cawdrey", "Dunmore", "Ellacott", "Fenner", "Garrick", "Hexham", "Ingleby",
    "Jessop", "Kerslake", "Lythgoe", "Marwood", "Netherby", "Osgood",
];

/// One of Fenwick's 300.
pub fn fenwick(number: usize) -> [&'static str; 3] {
    let forename = FORENAMES[number % FORENAMES.len()];
    [forename, forename, SURNAMES[number / FORENAMES.len() % SURNAMES.len()]]
}

/// Somebody who can be signed in as: a short word, the school, name, roles (the first is in use), staff id.
type Line = (&'static str, &'static str, &'static str, &'static [Role], Option<&'static str>);

/// The first in their offices come in by the operator, the rest by their institution's data manager.
const PEOPLE: [Line; 20] = [
    ("manager", "ridgeway", "Kay Ashdown", &[Role::DataManager], None),
    ("head", "ridgeway", "Ruth Vennor", &[Role::Head], None),
    ("dpo", "ridgeway", "Ines Holmroyd", &[Role::Dpo], None),
    ("lead", "ridgeway", "Phil Averill", &[Role::ConsortiumLead], None),
    ("host-manager", "northgate", "Gwil Paget", &[Role::DataManager], None),
    ("aldhelm-manager", "st-aldhelm", "Bea Swann", &[Role::DataManager], None),
    ("fenwick-manager", "fenwick", "Ali Dray", &[Role::DataManager], None),
    ("hollin-manager", "hollin", "Jo Tapping", &[Role::DataManager], None),
    ("new-manager", "merrow", "Nell Abara", &[Role::DataManager], None),
    ("officer", "ridgeway", "Maya Petrossian", &[Role::AttendanceOfficer], None),
    ("technician", "ridgeway", "Sam Quillfeather", &[Role::Technician], None),
    ("sixth", "ridgeway", "Dan Mulvaney", &[Role::HeadOfSixth, Role::Tutor], None),
    ("teacher", "northgate", "Erin Sallow", &[Role::Teacher], Some("T1")),
    ("lecturer", "northgate", "Ivor Blythe", &[Role::Teacher], Some("T9")),
    ("new-teacher", "northgate", "Cass Whitlow", &[Role::Teacher], Some("T7")),
    ("host-officer", "northgate", "Gus Merridew", &[Role::AttendanceOfficer], None),
    ("fenwick-officer", "fenwick", "Liv Sandoval", &[Role::AttendanceOfficer], None),
    ("fenwick-sixth", "fenwick", "Abe Kettering", &[Role::HeadOfSixth], None),
    ("hollin-officer", "hollin", "Meg Dorrance", &[Role::AttendanceOfficer, Role::HeadOfSixth], None),
    ("new-officer", "merrow", "Tam Osei", &[Role::AttendanceOfficer, Role::HeadOfSixth], None),
];
/// Who stands in the demo's list again in the second of their roles.
const AGAIN: [(&str, &str); 3] =
    [("sixth", "tutor"), ("hollin-officer", "hollin-sixth"), ("new-officer", "new-sixth")];

/// The short words in the order of the demo's list, and the list.
pub async fn enrol(hub: &TestHub) -> (Vec<&'static str>, String) {
    let (mut words, mut list) = (Vec::new(), String::new());
    let mut managers: Vec<(&str, Person)> = Vec::new();
    for (word, school, name, roles, staff) in PEOPLE {
        let person = match managers.iter().find(|(of, _)| *of == school) {
            Some((_, manager)) if !office(roles[0]) => {
                let staff = staff.map(crate::school::id);
                hub.invited_as(manager, school, PersonWanted { staff, ..called(name, roles) }).await
            }
            _ => hub.first_called(school, name, roles[0]).await,
        };
        put(&mut words, &mut list, word, (&person, roles[0], name));
        if let Some((_, again)) = AGAIN.iter().find(|(of, _)| *of == word) {
            put(&mut words, &mut list, again, (&person, roles[1], name));
        }
        if roles[0] == Role::DataManager {
            managers.push((school, person));
        }
    }
    let college = managers.iter().find(|(school, _)| *school == "northgate");
    agree(hub, &college.expect("a data manager of the college").1).await;
    condition(hub, &managers).await;
    (words, list)
}

/// The college proposes one word for a subject: it waits for everybody else.
async fn agree(hub: &TestHub, manager: &Person) {
    let speaker = hub.exchange.person(manager.id).unwrap();
    let acting = Acting { speaker: &speaker, role: Role::DataManager };
    let says = Says::Subject { word: "Mathematics".to_owned(), also: vec!["Maths".to_owned()] };
    let from = SchoolDate::from_days(hub.now().date_in(&jiff::tz::TimeZone::UTC).days() + 60).unwrap();
    hub.exchange.propose_convention(acting, (says, from), ([7; 16], hub.now())).await.unwrap();
}

/// All partners agree that behaviour is to be unlocked, from a day ahead.
async fn condition(hub: &TestHub, managers: &[(&str, Person)]) {
    let says = Says::Unlock { kind: RecordKind::Behaviour, points: 90, days: 5 };
    let from = SchoolDate::from_days(hub.now().date_in(&jiff::tz::TimeZone::UTC).days() + 60).unwrap();
    for (place, (_, manager)) in managers.iter().enumerate() {
        let speaker = hub.exchange.person(manager.id).unwrap();
        let acting = Acting { speaker: &speaker, role: Role::DataManager };
        match place {
            0 => hub
                .exchange
                .propose_convention(acting, (says.clone(), from), ([8; 16], hub.now()))
                .await
                .unwrap(),
            _ => hub.exchange.answer_convention(acting, [8; 16], true, hub.now()).await.unwrap(),
        }
    }
}

/// What an agent tells of its sources, with codes that nobody has given a meaning.
pub fn sources() -> Vec<SourceTold> {
    let kept = |caption: &str, rule: &str, code: Option<&str>, rows| KeptBack {
        caption: caption.to_owned(),
        rule: rule.to_owned(),
        code: code.map(ToOwned::to_owned),
        rows,
    };
    let source = |name: &str, refused: Option<&str>, kept| SourceTold {
        name: name.to_owned(),
        connector: "delimited".to_owned(),
        mapping: "9f02ab17".to_owned(),
        refused: refused.map(ToOwned::to_owned),
        kept,
    };
    let unknown = |code, rows| kept("AM mark", "ATT-UNKNOWN-CODE", code, rows);
    let marks = vec![unknown(Some("Y9"), 214), unknown(None, 38), kept("Date", "CSV-DATE", None, 3)];
    vec![
        source("marks", None, marks),
        source("grades", Some("EXPORT-SHRUNK"), Vec::new()),
        source("rosters", None, Vec::new()),
    ]
}

/// Those who alone begin an institution: a hub on its first day.
pub async fn first_day(hub: &TestHub) -> (Vec<&'static str>, String) {
    let (mut words, mut list) = (Vec::new(), String::new());
    let offices =
        [("manager", "Kay Ashdown", Role::DataManager), ("lead", "Phil Averill", Role::ConsortiumLead)];
    for (word, name, role) in offices {
        let person = hub.first_called("ridgeway", name, role).await;
        put(&mut words, &mut list, word, (&person, role, name));
    }
    (words, list)
}

const fn office(role: Role) -> bool {
    matches!(role, Role::DataManager | Role::Head | Role::Dpo | Role::ConsortiumLead)
}

/// Puts somebody into the demo's list, by a short word.
pub fn put(words: &mut Vec<&'static str>, list: &mut String, word: &'static str, who: (&Person, Role, &str)) {
    let (person, role, name) = who;
    words.push(word);
    let label = word[..1].to_uppercase() + &word[1..].replace('-', " ");
    let (id, role) = (person.id, role.as_str());
    write!(list, "[[person]]\nid = \"{id}\"\nrole = \"{role}\"\nlabel = \"{label}\"\nblurb = \"{name}\"\n")
        .unwrap();
}
