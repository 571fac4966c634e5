//! Discipline incidents: one record for each learner whose behaviour is said to be part of one.
//!
//! Witnesses, victims, weapons, reporters' names and reports to the police are not read. What the file describes in
//! free words becomes the internal comment, which never leaves its source: nobody wrote it to be shared.

use super::common::{Bad, Reading, date, key, learner};
use crate::{
    connector::FileFault,
    item::{Draft, Item},
    parse,
    xml::{Node, Trees},
};
use commonroll_core::{
    Body, LocalId, RecordKind, SchoolDate,
    record::{
        Behaviour, Text,
        behaviour::{Category, Event, Involvement, Polarity, Role},
    },
};
use std::collections::HashMap;

/// Incidents and what was done about them, collected before the first record.
#[derive(Default)]
pub struct Incidents {
    by_ref: HashMap<String, usize>,
    by_identity: HashMap<(String, String), usize>,
    all: Vec<Incident>,
    actions: HashMap<(String, String, String), Vec<String>>,
}

struct Incident {
    id: String,
    school: String,
    date: Option<SchoolDate>,
    time: String,
    location: String,
    description: String,
}

impl Incidents {
    /// Reads the file for incidents and actions alone.
    pub fn collect(trees: &mut Trees<'_>, most: usize) -> Result<Self, FileFault> {
        let mut found = Self::default();
        while let Some(node) = trees.next_tree()? {
            match node.name.as_str() {
                "DisciplineIncident" => found.incident(&node),
                "DisciplineAction" => found.action(&node),
                _ => {}
            }
            if found.all.len() + found.actions.len() > most {
                let fix = "the file holds more incidents than allowed; export a shorter time";
                return Err(FileFault::too_big("EDFI-ROWS", Some(node.line), fix));
            }
        }
        Ok(found)
    }

    fn incident(&mut self, node: &Node) {
        let incident = Incident {
            id: node.at("IncidentIdentifier").to_owned(),
            school: node.at("SchoolReference/SchoolIdentity/SchoolId").to_owned(),
            date: date(node, "IncidentDate", "IncidentDate").ok(),
            time: node.at("IncidentTime").to_owned(),
            location: node.short("IncidentLocation").to_owned(),
            description: node.at("IncidentDescription").to_owned(),
        };
        let place = self.all.len();
        if let Some(id) = node.attribute("id") {
            self.by_ref.insert(id.to_owned(), place);
        }
        self.by_identity.insert((incident.id.clone(), incident.school.clone()), place);
        self.all.push(incident);
    }

    fn action(&mut self, node: &Node) {
        let taken = node.short("Discipline").to_owned();
        for part in node.all("StudentDisciplineIncidentBehaviorAssociationReference") {
            let Some(part) = part.find("StudentDisciplineIncidentBehaviorAssociationIdentity") else {
                continue;
            };
            if let Some(incident) = self.named(part) {
                let student = part.at("StudentReference/StudentIdentity/StudentUniqueId").to_owned();
                let actions =
                    self.actions.entry((incident.id.clone(), incident.school.clone(), student)).or_default();
                if !actions.contains(&taken) && actions.len() < 8 {
                    actions.push(taken.clone());
                }
            }
        }
    }

    fn named(&self, node: &Node) -> Option<&Incident> {
        let reference = node.find("DisciplineIncidentReference")?;
        let place = match reference.attribute("ref") {
            Some(id) => self.by_ref.get(id),
            None => {
                let id = reference.at("DisciplineIncidentIdentity/IncidentIdentifier").to_owned();
                let school = reference
                    .at("DisciplineIncidentIdentity/SchoolReference/SchoolIdentity/SchoolId")
                    .to_owned();
                self.by_identity.get(&(id, school))
            }
        };
        self.all.get(*place?)
    }

    /// One learner's part.
    pub fn part(&self, node: &Node, reading: &mut Reading<'_>) {
        if !reading.is_learner(node.at("StudentReference/StudentIdentity/StudentUniqueId")) {
            return;
        }
        let Some(incident) = self.named(node) else {
            let fix =
                "names an incident that the file doesn't hold; export incidents and associations together";
            return reading.give(
                node.line,
                None,
                Err(Bad::new("DisciplineIncidentReference", "EDFI-INCIDENT", fix)),
            );
        };
        if reading.is_school(&incident.school) {
            let draft = self.draft(node, incident, reading);
            reading.give(node.line, incident.date, draft.map(Item::Record));
        }
    }

    fn draft(&self, node: &Node, incident: &Incident, reading: &Reading<'_>) -> Result<Draft, Bad> {
        let learner = learner(node)?;
        let date = incident.date.ok_or_else(|| {
            Bad::new("IncidentDate", "EDFI-DATE", "must be a real date written as YYYY-MM-DD")
        })?;
        let label = node.short("Behavior");
        let identity = (incident.id.clone(), incident.school.clone(), learner.as_str().to_owned());
        let action = self.actions.get(&identity).map(|actions| actions.join("; ")).unwrap_or_default();
        let internal = [node.at("BehaviorDetailedDescription"), incident.description.as_str()].join("\n");
        let internal = Text::parse("IncidentDescription", internal.trim(), 8000)?;
        let happened_at = match incident.time.as_str() {
            "" => None,
            text => Some(
                parse::time(text.get(..8).unwrap_or(text))
                    .map(|time| date.at(time, reading.zone))
                    .ok_or_else(|| {
                        Bad::new("IncidentTime", "EDFI-TIME", "must be a time written as HH:MM:SS")
                    })?,
            ),
        };
        let body = Behaviour {
            event: Some(Event {
                polarity: reading.mapping.polarity.unwrap_or(Polarity::Negative),
                category: reading.mapping.categories.get(label).copied().unwrap_or(Category::Other),
                severity: None,
                source_label: Text::parse("Behavior", label, 200)?,
                happened_at,
                location: Text::parse("IncidentLocation", &incident.location, 100)?,
                event_id: Some(LocalId::parse("IncidentIdentifier", &incident.id)?),
            }),
            involvement: Some(Involvement {
                role: role(node.short("DisciplineIncidentParticipationCode")),
                points: None,
                action: Text::parse("Discipline", &action, 200)?,
                status: Text::default(),
                home_action_by: None,
            }),
            share_safe_text: None,
            internal_comment: (!internal.is_empty()).then_some(internal),
        };
        Ok(Draft {
            kind: RecordKind::Behaviour,
            local_key: key(&[&incident.school, &incident.id, learner.as_str(), label])?,
            learner,
            group: None,
            date,
            recorded_at: None,
            confidential: false,
            body: Body::Behaviour(body),
        })
    }
}

fn role(short: &str) -> Option<Role> {
    match short {
        "Perpetrator" => Some(Role::Perpetrator),
        "Victim" => Some(Role::Victim),
        "Witness" => Some(Role::Witness),
        "Reporter" => Some(Role::Reporter),
        _ => None,
    }
}
