//! People of a demo: one for each kind of user of the console, enrolled as real ones are, by invitation. They are invented.
//!
//! What comes of it is the list that the demo's hub offers on its sign-in page; no other hub has one.

use super::setup::Setup;
use crate::{
    commands::told,
    real::{Real, now},
};
use commonroll_audit::SigningKey;
use commonroll_core::{LocalId, PersonId, Role, Slug};
use commonroll_exchange::{Exchange, Inviter, PersonWanted};
use std::{collections::BTreeSet, net::Ipv4Addr, time::Duration};

/// How long an invitation of the demo is good.
const INVITED_FOR: Duration = Duration::from_secs(3600);

/// One line of the sign-in page.
struct Line {
    id: PersonId,
    role: Role,
    label: &'static str,
    blurb: String,
}

/// Enrols the people and gives the list for the sign-in page.
pub async fn enrol(exchange: &Exchange, setup: &Setup) -> Result<String, String> {
    let named = setup.partners.iter().find(|partner| Some(&partner.slug) == setup.home.as_ref());
    let keeps = setup.partners.iter().find(|partner| partner.sessions.is_some());
    let home = named.or(keeps).or(setup.partners.first()).ok_or("a demo needs a partner")?;
    let at = slug(&home.slug)?;
    let manager = person(exchange, &at, ("Kay Lindqvist", Role::DataManager), None, None).await?;
    let lead = person(exchange, &at, ("Phil Marston", Role::ConsortiumLead), None, None).await?;
    let by = Some(manager);
    let officer = person(exchange, &at, ("Denise Cole", Role::AttendanceOfficer), None, by).await?;
    let head = person(exchange, &at, ("Adaeze Okoro", Role::HeadOfSixth), None, by).await?;
    let mends = person(exchange, &at, ("Sunil Rao", Role::Technician), None, by).await?;
    let mut lines = vec![Line {
        id: officer,
        role: Role::AttendanceOfficer,
        label: "Attendance officer",
        blurb: format!("Denise, {}. Who isn’t where they should be?", home.name),
    }];
    if let Some((host, staff)) = &setup.teacher {
        let name = setup.partners.iter().find(|partner| partner.slug == *host).map_or("", |host| &host.name);
        let host = slug(host)?;
        let runs = person(exchange, &host, ("Morwenna Teague", Role::DataManager), None, None).await?;
        let teacher =
            person(exchange, &host, ("Tariq Hallam", Role::Teacher), Some(staff), Some(runs)).await?;
        lines.push(Line {
            id: teacher,
            role: Role::Teacher,
            label: "Host teacher",
            blurb: format!("Tariq, {name}. Who visits my group today?"),
        });
    }
    let line = |id, role, label, blurb: String| Line { id, role, label, blurb };
    lines.extend([
        line(
            head,
            Role::HeadOfSixth,
            "Head of sixth form",
            format!("Mrs Okoro, {}. How is each learner doing, wherever they’re taught?", home.name),
        ),
        line(
            manager,
            Role::DataManager,
            "Data manager",
            format!("Kay, {}. Who sees what, and why?", home.name),
        ),
        line(
            lead,
            Role::ConsortiumLead,
            "Consortium lead",
            "Phil, the partnership. Where do we lose learners? No names.".to_owned(),
        ),
        line(
            mends,
            Role::Technician,
            "Technician",
            format!("Sunil, {}. Does the agent run, and what does it need? No records.", home.name),
        ),
    ]);
    Ok(text(&lines))
}

fn slug(text: &str) -> Result<Slug, String> {
    text.parse().map_err(|error| format!("{text}: {error}"))
}

/// Invites somebody and joins as them; without `by` the operator invites, as with an institution's first.
pub async fn person(
    exchange: &Exchange,
    institution: &Slug,
    (name, role): (&str, Role),
    staff: Option<&str>,
    by: Option<PersonId>,
) -> Result<PersonId, String> {
    let staff = staff.map(|id| LocalId::parse("staff", id)).transpose().map_err(told)?;
    let wanted = PersonWanted { name: name.to_owned(), roles: BTreeSet::from([role]), staff, learner: None };
    let speaker = by.map(|id| exchange.person(id)).transpose().map_err(told)?;
    let inviter = match &speaker {
        Some(speaker) => Inviter::Person(speaker, Role::DataManager),
        None => Inviter::Operator("demo"),
    };
    let fresh = (Real.random_seed(), now());
    let made =
        exchange.invite_person(institution, wanted, INVITED_FOR, inviter, fresh).await.map_err(told)?;
    let mut id = [0; 16];
    id.copy_from_slice(&Real.random_seed()[..16]);
    let id = PersonId(id);
    // Nobody acts with this key: the console knows people by their sessions.
    let key = SigningKey::from_seed(&Real.random_seed()).map_err(told)?;
    let peer = Ipv4Addr::LOCALHOST.into();
    exchange.join_person(&made.code, id, *key.public().as_bytes(), peer, now()).await.map_err(told)?;
    Ok(id)
}

fn text(lines: &[Line]) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let line = |one: &Line| {
        format!(
            "[[person]]\nid = \"{}\"\nrole = \"{}\"\nlabel = {}\nblurb = {}\n\n",
            one.id,
            one.role,
            quoted(one.label),
            quoted(&one.blurb)
        )
    };
    lines.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::made;
    use commonroll_exchange::{ConsortiumFile, Keys, Options};

    #[tokio::test]
    async fn one_of_each_kind_is_enrolled_and_stands_in_the_list() {
        let setup = made::make(1, (2026, 9, 18)).expect("a day").setup;
        let options = Options {
            database: "sqlite::memory:".to_owned(),
            keys: Keys { log_seed: [1; 32], matching: [2; 32] },
            consortium: "demo".to_owned(),
            seed: [3; 32],
        };
        let exchange = Exchange::open(options, now()).await.expect("an exchange");
        let file = ConsortiumFile::parse(&setup.consortium).expect("a consortium").signed_by(&[4; 32]);
        exchange.import(&file, "demo", now()).await.expect("imported");
        let list = enrol(&exchange, &setup).await.expect("everybody");
        let table: toml::Table = toml::from_str(&list).expect("a list");
        let people = table["person"].as_array().expect("people");
        let roles: Vec<&str> = people.iter().filter_map(|one| one["role"].as_str()).collect();
        let kinds = [
            "attendance_officer",
            "teacher",
            "head_of_sixth",
            "data_manager",
            "consortium_lead",
            "technician",
        ];
        assert_eq!(roles, kinds);
        for one in people {
            let id: PersonId = one["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
            assert!(exchange.person(id).is_ok(), "{}", one["label"]);
        }
    }
}
