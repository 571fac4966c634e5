//! Why somebody may see something of a learner, or why not: the chain, with the first broken link.

use super::words;
use crate::console::{
    Console,
    layout::Frame,
    nav, parts,
    refusal::{Refusal, page},
    signed::{Form, Signed},
    times,
};
use askama::Template;
use axum::{extract::State, http::HeaderMap, response::Response};
use commonroll_core::{LocalId, PersonId, Purpose, Role, SchoolDate, agreement::ItemKind};
use commonroll_exchange::{AskError, Explained, GroupSaid, Listed, Which, Whom};

#[derive(Template)]
#[template(path = "desk/explain.html")]
struct Explain {
    frame: Frame,
    people: Vec<Choice>,
    kinds: Vec<Choice>,
    purposes: Vec<Choice>,
    learner: String,
    date: String,
    /// What was wrong with what was sent; empty: nothing.
    wrong: String,
    /// True if no learner of the institution is called like that.
    unknown: bool,
    answers: Vec<Answer>,
    asked: String,
}

struct Choice {
    value: String,
    words: String,
    chosen: bool,
}

/// One decision.
struct Answer {
    allowed: bool,
    verdict: String,
    reason: String,
    about: String,
    chain: Vec<Link>,
    open: Vec<(String, &'static str)>,
    shut: Vec<(String, &'static str)>,
    rules: Vec<(String, String, String)>,
    missing: Vec<String>,
}

struct Link {
    kind: &'static str,
    class: &'static str,
    title: String,
}

/// The form.
pub async fn ask(
    State(console): State<Console>,
    signed: Signed,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    page(&form(&console, &signed, &headers, &Sent::default()).await?)
}

/// What was sent.
#[derive(Default)]
struct Sent {
    who: String,
    kind: String,
    purpose: String,
    learner: String,
    date: String,
}

async fn form(
    console: &Console,
    signed: &Signed,
    headers: &HeaderMap,
    sent: &Sent,
) -> Result<Explain, Refusal> {
    let listed: Listed = console
        .exchange
        .people((&signed.seen.speaker, signed.role()), Purpose::Administration, signed.now)
        .await?;
    let mut people = Vec::new();
    for person in listed.people.iter().filter(|person| person.revoked.is_none()) {
        for role in &person.roles {
            let value = format!("{}/{}", person.id, role.as_str());
            let chosen = value == sent.who;
            people.push(Choice {
                value,
                words: format!("{}, {}", person.name, nav::role_words(*role)),
                chosen,
            });
        }
    }
    people.sort_by(|a, b| a.words.cmp(&b.words));
    let own = signed.seen.speaker.institution().to_string();
    let chosen = sent.who == own;
    people.push(Choice {
        value: own,
        words: format!("{}’s own system", signed.seen.institution_name),
        chosen,
    });
    let kind = |kind: ItemKind| Choice {
        value: kind.as_str().to_owned(),
        words: words::kind(kind).to_owned(),
        chosen: kind.as_str() == sent.kind,
    };
    let purpose = |purpose: Purpose| Choice {
        value: purpose.as_str().to_owned(),
        words: words::capital(purpose.as_str()),
        chosen: purpose.as_str() == sent.purpose,
    };
    let usual = Choice {
        value: String::new(),
        words: "What the role usually looks for".to_owned(),
        chosen: sent.purpose.is_empty(),
    };
    let kinds =
        [ItemKind::Card].into_iter().chain(commonroll_core::RecordKind::ALL.map(ItemKind::Record)).map(kind);
    let today = signed.now.date_in(signed.zone()).to_string();
    Ok(Explain {
        frame: Frame::new(signed, headers, "Why can somebody see it?", "/explain"),
        people,
        kinds: kinds.collect(),
        purposes: [usual].into_iter().chain(Purpose::ALL.map(purpose)).collect(),
        learner: sent.learner.clone(),
        date: if sent.date.is_empty() { today } else { sent.date.clone() },
        wrong: String::new(),
        unknown: false,
        answers: Vec::new(),
        asked: String::new(),
    })
}

/// The chain.
pub async fn answer(
    State(console): State<Console>,
    signed: Signed,
    headers: HeaderMap,
    Form(fields): Form,
) -> Result<Response, Refusal> {
    let get = |name: &str| fields.get(name).to_owned();
    let sent = Sent {
        who: get("who"),
        kind: get("kind"),
        purpose: get("purpose"),
        learner: get("learner"),
        date: get("date"),
    };
    let mut shown = form(&console, &signed, &headers, &sent).await?;
    let Some((whom, which)) = question(&console, &signed, &sent) else {
        shown.wrong = "Choose who, what and for which purpose, and give the learner’s id and a date such as 2026-11-17.".to_owned();
        return page(&shown);
    };
    match console.exchange.explain(signed.acting(), &whom, &which, signed.now).await {
        Ok(explained) => {
            shown.asked =
                shown.people.iter().find(|one| one.chosen).map_or_else(String::new, |one| one.words.clone());
            let person = match &whom {
                Whom::Person { purpose, .. } => {
                    shown.asked = format!("{}, for {purpose}", shown.asked);
                    true
                }
                Whom::Institution(_) => false,
            };
            shown.answers = explained.iter().map(|one| told(one, person, &shown.asked)).collect();
            if shown.answers.is_empty() {
                shown.wrong = "No partner knows this learner, so there is nothing to see.".to_owned();
            }
        }
        Err(AskError::NotAllowed(_)) => shown.unknown = true,
        Err(error) => return Err(error.into()),
    }
    page(&shown)
}

/// What a role usually looks for.
const fn usual(role: Role) -> Purpose {
    match role {
        Role::Teacher => Purpose::Teaching,
        Role::AttendanceOfficer => Purpose::Attendance,
        Role::DataManager | Role::Dpo | Role::ConsortiumLead | Role::Technician | Role::Program => {
            Purpose::Administration
        }
        Role::Head | Role::Tutor | Role::HeadOfSixth | Role::Learner | Role::Parent => Purpose::Pastoral,
    }
}

fn question(console: &Console, signed: &Signed, sent: &Sent) -> Option<(Whom, Which)> {
    let own = sent.learner.parse().ok().and_then(|number| console.exchange.own_id(signed.acting(), number));
    let learner = own.or_else(|| LocalId::parse("learner", &sent.learner).ok())?;
    let whom = match sent.who.split_once('/') {
        Some((id, role)) => {
            let role = role.parse::<Role>().ok()?;
            let purpose = match sent.purpose.as_str() {
                "" => usual(role),
                purpose => purpose.parse::<Purpose>().ok()?,
            };
            Whom::Person { id: id.parse::<PersonId>().ok()?, role, purpose }
        }
        None => Whom::Institution(sent.who.parse().ok()?),
    };
    let which = match words::kind_named(&sent.kind)? {
        ItemKind::Card => Which::Card(learner),
        ItemKind::Record(kind) => {
            Which::Day { learner, kind, date: SchoolDate::parse("date", &sent.date).ok()? }
        }
    };
    Some((whom, which))
}

fn told(one: &Explained, person: bool, asked: &str) -> Answer {
    let open: Vec<&GroupSaid> = one.groups.iter().filter(|group| group.open).collect();
    let about = match (one.kind, &one.source) {
        (None, _) => "The learner’s card".to_owned(),
        (Some(kind), source) => {
            let source = source.as_ref().map_or_else(String::new, |slug| format!(", made by {slug}"));
            let date = one.date.map_or_else(String::new, |date| format!(", {}", times::date(date)));
            let held = match one.sequence {
                Some(sequence) => format!(", entry {}", words::number(sequence)),
                None => ", if there were one".to_owned(),
            };
            format!("{}{source}{date}{held}", words::record(kind))
        }
    };
    let field = |group: &GroupSaid| (words::field(group.name), group.why);
    Answer {
        allowed: one.allowed,
        verdict: match one.allowed {
            true => format!("Yes, {}", words::count(open.len() as u64, "field", "fields")),
            false => "No".to_owned(),
        },
        reason: words::capital(&one.reason),
        about,
        chain: chain(one, person, asked),
        open: open.iter().map(|group| field(group)).collect(),
        shut: one.groups.iter().filter(|group| !group.open).map(field).collect(),
        rules: one
            .rules
            .iter()
            .map(|rule| (rule.id.clone(), rule.says.clone(), format!("{}:{}", rule.file, rule.line)))
            .collect(),
        // What the verdict says already isn't said twice.
        missing: one.missing.iter().filter(|what| **what != one.reason).cloned().collect(),
    }
}

/// The links in their order, and which is the first that is missing, by the code of the no.
fn chain(one: &Explained, person: bool, asked: &str) -> Vec<Link> {
    let who = if person { "Person and role" } else { "Institution" };
    let rules = one.rules.iter().map(|rule| rule.id.as_str()).collect::<Vec<_>>().join(", ");
    let or = |text: &str, other: &str| if text.is_empty() { other.to_owned() } else { text.to_owned() };
    let links = [
        (who, or(asked, "not said")),
        ("Placement", or(&one.placement, "not asked")),
        ("Agreement", or(&one.agreement, "not asked")),
        ("Policy", if rules.is_empty() { "no rule lets it out".to_owned() } else { rules }),
    ];
    let broken = match one.code.as_str() {
        _ if one.allowed => links.len(),
        "no_role" | "not_home" | "wrong_purpose" | "not_own" | "access_off" | "not_yours" => 0,
        "no_placement" | "not_teaching" | "no_emergency" => 1,
        "no_agreement" | "not_shown" => 2,
        _ => 3,
    };
    let linked = links.into_iter().enumerate().map(|(place, (kind, title))| Link {
        kind,
        class: match place.cmp(&broken) {
            std::cmp::Ordering::Less if title == "not asked" => "unreached",
            std::cmp::Ordering::Less => "",
            std::cmp::Ordering::Equal => "broken",
            std::cmp::Ordering::Greater => "unreached",
        },
        title: if place > broken { "Not asked".to_owned() } else { sentence(&title) },
    });
    linked.collect()
}

/// With a capital, unless it begins with a name.
fn sentence(text: &str) -> String {
    let said = ["none", "no ", "in force", "not "].iter().any(|begin| text.starts_with(begin));
    if said { words::capital(text) } else { text.to_owned() }
}
