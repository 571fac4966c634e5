//! What institutions declare, to and from the schema.

use crate::{
    expected,
    pb::{
        directory::v1 as pb, directory::v1::declaration::Fact, group::v1 as group,
        institution::v1 as institution, learner::v1 as learner, placement::v1 as placement,
    },
    read,
};
use commonroll_core::{
    Invalid, LocalId, SchoolDate, Timestamp,
    directory::{
        DateRange, Declaration, FORMER_UPNS_MAX, GroupDeclaration, LearnerDeclaration, PlacementAcceptance,
        PlacementDeclaration, PlacementEnd, Registration, StaffDeclaration,
    },
    people::Role,
    record::Text,
};

/// Most bytes of a national identifier as given. Longer ones are mistakes of the export.
const IDENTIFIER_MAX: usize = 32;
/// Most groups that one member of staff may be declared to teach.
const STAFF_GROUPS_MAX: usize = 200;

/// A declaration as the schema writes it.
pub fn write_declaration(declaration: &Declaration) -> pb::Declaration {
    let fact = match declaration {
        Declaration::Learner(learner) => Fact::Learner(write_learner(learner)),
        Declaration::Group(group) => Fact::Group(write_group(group)),
        Declaration::Placement(said) => Fact::Placement(placement::PlacementDeclaration {
            learner_local_id: said.learner.as_str().to_owned(),
            host: said.host.as_str().to_owned(),
            group_local_id: read::id_text(said.group.as_ref()),
            first_date: said.dates.first().to_string(),
            last_date: said.dates.last().to_string(),
        }),
        Declaration::Acceptance(said) => Fact::Acceptance(placement::PlacementAcceptance {
            learner_local_id: said.learner.as_str().to_owned(),
            home: said.home.as_str().to_owned(),
            group_local_id: read::id_text(said.group.as_ref()),
            first_date: said.dates.first().to_string(),
            last_date: said.dates.last().to_string(),
        }),
        Declaration::End(end) => Fact::End(placement::PlacementEnd {
            learner_local_id: end.learner.as_str().to_owned(),
            other: end.other.as_str().to_owned(),
            group_local_id: read::id_text(end.group.as_ref()),
            from_us: end.from.micros(),
        }),
        Declaration::Staff(staff) => Fact::Staff(write_staff(staff)),
        Declaration::Day(day) => Fact::Day(expected::write_day(day)),
        Declaration::Notice(notice) => Fact::Notice(expected::write_notice(notice)),
        Declaration::Support(support) => Fact::Support(expected::write_support(support)),
    };
    pb::Declaration { fact: Some(fact) }
}

/// Reads a declaration.
///
/// # Errors
/// [`Invalid`] naming the field that breaks a rule; `fact` when nothing known is declared.
pub fn read_declaration(declaration: &pb::Declaration) -> Result<Declaration, Invalid> {
    let fact = declaration.fact.as_ref();
    let fact = fact.ok_or(Invalid::new("fact", "must be one of the declarations in the schema"))?;
    Ok(match fact {
        Fact::Learner(learner) => Declaration::Learner(read_learner(learner)?),
        Fact::Group(group) => Declaration::Group(read_group(group)?),
        Fact::Placement(said) => Declaration::Placement(PlacementDeclaration {
            learner: LocalId::parse("learner_local_id", &said.learner_local_id)?,
            host: read::slug("host", &said.host)?,
            group: read::optional_id("group_local_id", &said.group_local_id)?,
            dates: dates(&said.first_date, &said.last_date)?,
        }),
        Fact::Acceptance(said) => Declaration::Acceptance(PlacementAcceptance {
            learner: LocalId::parse("learner_local_id", &said.learner_local_id)?,
            home: read::slug("home", &said.home)?,
            group: read::optional_id("group_local_id", &said.group_local_id)?,
            dates: dates(&said.first_date, &said.last_date)?,
        }),
        Fact::End(end) => Declaration::End(PlacementEnd {
            learner: LocalId::parse("learner_local_id", &end.learner_local_id)?,
            other: read::slug("other", &end.other)?,
            group: read::optional_id("group_local_id", &end.group_local_id)?,
            from: Timestamp::from_micros("from_us", end.from_us)?,
        }),
        Fact::Staff(staff) => Declaration::Staff(read_staff(staff)?),
        Fact::Day(day) => Declaration::Day(expected::read_day(day)?),
        Fact::Notice(notice) => Declaration::Notice(expected::read_notice(notice)?),
        Fact::Support(support) => Declaration::Support(expected::read_support(support)?),
    })
}

fn write_learner(given: &LearnerDeclaration) -> learner::Learner {
    learner::Learner {
        local_id: given.local_id.as_str().to_owned(),
        registration: match given.registration {
            Registration::Home => learner::Registration::Home,
            Registration::Subsidiary => learner::Registration::Subsidiary,
            Registration::Guest => learner::Registration::Guest,
            Registration::Previous => learner::Registration::Previous,
        } as i32,
        upn: given.upn.clone(),
        uln: given.uln.clone(),
        uci: given.uci.clone(),
        birth_date: given.birth_date.map(|date| date.to_string()).unwrap_or_default(),
        surname: given.surname.as_str().to_owned(),
        forename: given.forename.as_str().to_owned(),
        known_as: given.known_as.as_str().to_owned(),
        former_upns: given.former_upns.clone(),
    }
}

fn read_learner(given: &learner::Learner) -> Result<LearnerDeclaration, Invalid> {
    if given.former_upns.len() > FORMER_UPNS_MAX {
        return Err(Invalid::new("former_upns", "must be at most 8 numbers"));
    }
    let former = |upn: &String| read::verbatim("former_upns", upn.clone(), IDENTIFIER_MAX);
    let registration = match read::known("registration", given.registration)? {
        learner::Registration::Unspecified => None,
        learner::Registration::Home => Some(Registration::Home),
        learner::Registration::Subsidiary => Some(Registration::Subsidiary),
        learner::Registration::Guest => Some(Registration::Guest),
        learner::Registration::Previous => Some(Registration::Previous),
    };
    Ok(LearnerDeclaration {
        local_id: LocalId::parse("local_id", &given.local_id)?,
        registration: read::required("registration", registration)?,
        upn: read::verbatim("upn", given.upn.clone(), IDENTIFIER_MAX)?,
        uln: read::verbatim("uln", given.uln.clone(), IDENTIFIER_MAX)?,
        uci: read::verbatim("uci", given.uci.clone(), IDENTIFIER_MAX)?,
        birth_date: read::optional_date("birth_date", &given.birth_date)?,
        surname: Text::parse("surname", &given.surname, 100)?,
        forename: Text::parse("forename", &given.forename, 100)?,
        known_as: Text::parse("known_as", &given.known_as, 100)?,
        former_upns: given.former_upns.iter().map(former).collect::<Result<_, _>>()?,
    })
}

fn write_group(given: &GroupDeclaration) -> group::Group {
    group::Group {
        local_id: given.local_id.as_str().to_owned(),
        course_title: given.course_title.as_str().to_owned(),
        subject: given.subject.as_str().to_owned(),
    }
}

fn read_group(given: &group::Group) -> Result<GroupDeclaration, Invalid> {
    Ok(GroupDeclaration {
        local_id: LocalId::parse("local_id", &given.local_id)?,
        course_title: Text::parse("course_title", &given.course_title, 200)?,
        subject: Text::parse("subject", &given.subject, 100)?,
    })
}

/// First and last date, both needed.
pub(crate) fn dates(first: &str, last: &str) -> Result<DateRange, Invalid> {
    DateRange::new(SchoolDate::parse("first_date", first)?, SchoolDate::parse("last_date", last)?)
}

/// What a member of staff may be, in the schema's words and in ours.
const STAFF_ROLES: [(institution::StaffRole, Role); 7] = [
    (institution::StaffRole::Teacher, Role::Teacher),
    (institution::StaffRole::Tutor, Role::Tutor),
    (institution::StaffRole::HeadOfSixthForm, Role::HeadOfSixth),
    (institution::StaffRole::AttendanceOfficer, Role::AttendanceOfficer),
    (institution::StaffRole::DataManager, Role::DataManager),
    (institution::StaffRole::DataProtectionOfficer, Role::Dpo),
    (institution::StaffRole::ConsortiumLead, Role::ConsortiumLead),
];

/// Roles that the schema has no word for are left out.
fn write_staff(given: &StaffDeclaration) -> institution::Staff {
    let number =
        |role: &Role| STAFF_ROLES.iter().find(|(_, ours)| ours == role).map(|(said, _)| *said as i32);
    institution::Staff {
        local_id: given.local_id.as_str().to_owned(),
        roles: given.roles.iter().filter_map(number).collect(),
        group_local_ids: given.groups.iter().map(|id| id.as_str().to_owned()).collect(),
    }
}

fn read_staff(given: &institution::Staff) -> Result<StaffDeclaration, Invalid> {
    if given.roles.is_empty() || given.roles.len() > 16 {
        return Err(Invalid::new("roles", "must be 1 to 16 roles"));
    }
    if given.group_local_ids.len() > STAFF_GROUPS_MAX {
        return Err(Invalid::new("group_local_ids", "must be at most 200 groups"));
    }
    let role = |number: &i32| {
        let said: institution::StaffRole = read::known("roles", *number)?;
        read::required("roles", STAFF_ROLES.iter().find(|(word, _)| *word == said).map(|(_, ours)| *ours))
    };
    let group = |id: &String| LocalId::parse("group_local_ids", id);
    Ok(StaffDeclaration {
        local_id: LocalId::parse("local_id", &given.local_id)?,
        roles: given.roles.iter().map(role).collect::<Result<_, _>>()?,
        groups: given.group_local_ids.iter().map(group).collect::<Result<_, _>>()?,
    })
}
