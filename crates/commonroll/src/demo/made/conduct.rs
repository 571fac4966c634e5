//! Behaviour: the college's Ed-Fi discipline export and the centre's pastoral notes.

use super::{
    dialect::dialect,
    registers::{reference, student},
    world::{NORTHGATE, PARTNERS, WYVERN, Who, World, clock},
    write::{edfi, element, escaped},
};
use crate::demo::setup::Source;

/// One learner's part in an event.
#[derive(Clone)]
pub struct Event {
    pub visit: usize,
    /// Minutes of the day.
    pub at: u32,
    pub positive: bool,
    pub label: &'static str,
    /// Marked as a safeguarding matter: it must not travel.
    pub confidential: bool,
}

/// What it is called at the college.
pub const AT_COLLEGE: [&str; 4] = ["Missing kit", "Disruption", "Mobile phone", "Unsafe conduct"];
/// What it is called at the centre, and whether it is good.
pub const AT_CENTRE: [(&str, bool); 4] = [
    ("Excellent work", true),
    ("Helped others", true),
    ("Homework missing", false),
    ("Late to tutorial", false),
];

/// Where a host's export lies.
pub const fn path(host: Who) -> &'static str {
    if host == NORTHGATE { "behaviour/discipline.xml" } else { "behaviour/pastoral.txt" }
}

/// The bytes of a host's export.
pub fn bytes(world: &World, host: Who, events: &[Event], day: &str) -> Vec<u8> {
    if host == NORTHGATE { discipline(world, events, day) } else { pastoral(world, events, day) }
}

fn discipline(world: &World, events: &[Event], day: &str) -> Vec<u8> {
    let school = reference("School", &element("SchoolId", &[PARTNERS[NORTHGATE].urn]));
    let mut elements = Vec::new();
    for (place, event) in events.iter().enumerate() {
        let id = element("IncidentIdentifier", &[&format!("INC-{place:04}")]);
        elements.push(element(
            "DisciplineIncident",
            &[
                &id,
                &element("IncidentDate", &[day]),
                &element("IncidentTime", &[&format!("{}:00", clock(event.at))]),
                &element("IncidentDescription", &["Seen by the tutor &amp; noted. Not for others."]),
                &school,
            ],
        ));
        let incident = reference("DisciplineIncident", &[id.as_str(), school.as_str()].concat());
        let behaviour = format!("uri://northgate.example/BehaviorDescriptor#{}", escaped(event.label));
        elements.push(element(
            "StudentDisciplineIncidentBehaviorAssociation",
            &[&element("Behavior", &[&behaviour]), &incident, &student(&world.visits[event.visit].at_host)],
        ));
    }
    edfi("InterchangeDiscipline", &elements)
}

fn pastoral(world: &World, events: &[Event], day: &str) -> Vec<u8> {
    let head = ["Note no", "Learner", "On", "At", "Sort", "Label", "For home", "Internal", "Safeguarding"];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    for (place, event) in events.iter().enumerate() {
        let (number, at) = (format!("N{place:03}"), clock(event.at));
        let cells = [
            number.as_str(),
            world.visits[event.visit].at_host.as_str(),
            day,
            &at,
            if event.positive { "praise" } else { "concern" },
            event.label,
            "Spoken to in class.",
            "Tutor's own words, never shared.",
            if event.confidential { "yes" } else { "no" },
        ];
        lines.push(cells.map(str::to_owned).to_vec());
    }
    dialect(WYVERN).file(&lines)
}

/// The source that reads a host's export.
pub fn source(host: Who) -> Source {
    let mapping = if host == NORTHGATE {
        "format = \"edfi\"\ncovers = \"dates\"\n".to_owned()
    } else {
        let fields = [
            ("event", "Note no"),
            ("learner", "Learner"),
            ("date", "On"),
            ("time", "At"),
            ("polarity", "{ column = \"Sort\", values = { praise = \"positive\", concern = \"negative\" } }"),
            ("label", "Label"),
            ("share_text", "For home"),
            ("internal_comment", "Internal"),
            ("confidential", "Safeguarding"),
        ];
        dialect(WYVERN).mapping("behaviour", "", &fields)
    };
    Source {
        name: "behaviour".to_owned(),
        folder: "behaviour".to_owned(),
        pattern: if host == NORTHGATE { "*.xml" } else { "*.txt" }.to_owned(),
        connector: if host == NORTHGATE { "edfi" } else { "delimited" }.to_owned(),
        mapping: Some(mapping),
        ..Source::default()
    }
}
