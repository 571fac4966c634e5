//! Who may see what: institutions by kinds, and behind each cell its fields, its links, its roles.

use super::words;
use crate::authority::hex;
use crate::console::{
    Console,
    layout::Frame,
    pages::pager::{Pager, pages},
    parts,
    refusal::{Refusal, page},
    signed::{Query, Signed},
    times,
};
use askama::Template;
use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use commonroll_exchange::{Cell, Cells, Gap, PartnerSeen, RoleSees, SharingSeen};
use jiff::tz::TimeZone;

#[derive(Template)]
#[template(path = "desk/sharing.html")]
struct Matrix {
    frame: Frame,
    own: String,
    policy: String,
    /// Where one asks why; empty for whom it isn't.
    why: &'static str,
    heads: Vec<&'static str>,
    tables: Vec<Table>,
    /// Where there are more partners than a page has.
    pager: Option<Pager>,
}

/// Partners on a page: each is two rows of cells, some three kilobytes.
const PARTNERS: usize = 30;

/// One way.
struct Table {
    id: &'static str,
    title: String,
    lead: &'static str,
    rows: Vec<Row>,
}

struct Row {
    name: String,
    sub: String,
    cells: Vec<Square>,
}

struct Square {
    href: String,
    /// What a screen reader hears.
    label: String,
    flows: usize,
    of: usize,
    width: usize,
}

/// The matrix.
pub async fn sharing(
    State(console): State<Console>,
    signed: Signed,
    Query(query): Query,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let mut seen = console.exchange.who_may_see(signed.acting(), signed.now)?;
    let to = |page: usize| format!("/sharing?page={page}");
    let (pager, shown) = pages(seen.partners.len(), PARTNERS, query.get("page"), to);
    seen.partners = seen.partners.drain(shown).collect();
    let own = signed.seen.institution_name.clone();
    page(&Matrix {
        frame: Frame::new(&signed, &headers, "Who may see what", "/sharing").why(super::why(&signed)),
        policy: seen.policy.chars().take(12).collect(),
        why: super::why(&signed),
        heads: seen
            .partners
            .first()
            .map_or(Vec::new(), |one| one.given.iter().map(|c| words::kind(c.kind)).collect()),
        tables: tables(&own, &seen),
        own,
        pager,
    })
}

fn tables(own: &str, seen: &SharingSeen) -> Vec<Table> {
    let rows = |given: bool| seen.partners.iter().map(|partner| row(own, partner, given)).collect();
    vec![
        Table {
            id: "given",
            title: format!("What partners may have from {own}"),
            lead: "Cards of your learners who are placed there; records that you make about theirs.",
            rows: rows(true),
        },
        Table {
            id: "taken",
            title: format!("What {own} may have from partners"),
            lead: "Records that they make about your learners; cards of theirs who are placed with you.",
            rows: rows(false),
        },
    ]
}

fn row(own: &str, partner: &PartnerSeen, given: bool) -> Row {
    let (there, here) = (partner.ours_there, partner.theirs_here);
    let sub = match (partner.left, there, here) {
        (true, ..) => "has left the consortium".to_owned(),
        (_, 0, 0) => "nobody placed".to_owned(),
        (_, there, 0) => format!("hosts {} of yours", words::number(there)),
        (_, 0, here) => format!("{} of theirs here", words::number(here)),
        (_, there, here) => format!("hosts {}, {} here", words::number(there), words::number(here)),
    };
    let cells = if given { &partner.given } else { &partner.taken };
    let square = |cell: &Cell| {
        let (flows, of) = (flowing(cell), cell.fields.len());
        let (from, to) = if given { (own, partner.name.as_str()) } else { (partner.name.as_str(), own) };
        Square {
            href: format!("/sharing/{}/{}", partner.slug, cell.kind.as_str()),
            label: format!("{} from {from} to {to}: {flows} of {of} fields", words::kind(cell.kind)),
            flows,
            of,
            width: 72 * flows / of.max(1),
        }
    };
    Row { name: partner.name.clone(), sub, cells: cells.iter().map(square).collect() }
}

fn flowing(cell: &Cell) -> usize {
    cell.fields.iter().filter(|field| field.gap.is_none()).count()
}

#[derive(Template)]
#[template(path = "desk/cell.html")]
struct OneCell {
    frame: Frame,
    partner: String,
    kind: &'static str,
    ways: Vec<OneWay>,
    policy: String,
}

struct OneWay {
    id: &'static str,
    title: String,
    says: String,
    links: Vec<Link>,
    fields: Vec<Field>,
    rules: Vec<(String, String)>,
    roles: Vec<RoleRow>,
}

/// One link of the chain.
struct Link {
    kind: &'static str,
    /// `""`, `broken` or `unreached`.
    class: &'static str,
    title: String,
    says: String,
    href: String,
}

struct Field {
    flows: bool,
    name: String,
    holds: &'static str,
    why: &'static str,
}

struct RoleRow {
    name: String,
    sub: String,
    sees: Vec<bool>,
}

/// One cell, walked through.
pub async fn cell(
    State(console): State<Console>,
    signed: Signed,
    Path((partner, kind)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let partner = partner.parse().map_err(|_| Refusal::Missing)?;
    let kind = words::kind_named(&kind).ok_or(Refusal::Missing)?;
    let seen = console.exchange.who_may_see_of(signed.acting(), (&partner, kind), signed.now)?;
    let (name, title) = (seen.partner.name.clone(), words::kind(kind));
    page(&OneCell {
        frame: Frame::new(&signed, &headers, format!("{title} and {name}"), "/sharing")
            .why(super::why(&signed)),
        ways: ways(&signed, &seen),
        partner: name,
        kind: title,
        policy: seen.policy.chars().take(12).collect(),
    })
}

fn ways(signed: &Signed, seen: &Cells) -> Vec<OneWay> {
    let (own, partner) = (signed.seen.institution_name.as_str(), seen.partner.name.as_str());
    let placed_there = (seen.partner.ours_there, "of your learners", partner);
    let placed_here = (seen.partner.theirs_here, "of theirs", own);
    let one = |cell: &Cell, id, (from, to): (&str, &str), roles: &[RoleSees]| {
        let flows = flowing(cell);
        // A card follows the learner to the host; a record goes home from there.
        let card = cell.kind == commonroll_core::agreement::ItemKind::Card;
        let given = id == "given";
        let placed = if given == card { placed_there } else { placed_here };
        OneWay {
            id,
            title: format!("{to} may have {flows} of {} fields from {from}", cell.fields.len()),
            says: match card {
                true => format!(
                    "The card is shown to people at {to} while the learner is placed there. It isn’t copied into another system."
                ),
                false => format!(
                    "What {from} records about learners who are placed there goes to their home, {to}."
                ),
            },
            links: links(cell, seen.partner.left, placed, signed.zone()),
            fields: cell
                .fields
                .iter()
                .map(|field| Field {
                    flows: field.gap.is_none(),
                    name: words::field(field.name),
                    holds: words::holds(cell.kind, field.number),
                    why: field.gap.map_or("", gap),
                })
                .collect(),
            rules: cell.rules.clone(),
            roles: roles.iter().map(|role| role_row(cell, role)).collect(),
        }
    };
    let mut all = Vec::new();
    for cell in &seen.partner.given {
        all.push(one(cell, "given", (own, partner), &seen.given_to));
    }
    for cell in &seen.partner.taken {
        all.push(one(cell, "taken", (partner, own), &seen.taken_by));
    }
    all
}

fn role_row(cell: &Cell, role: &RoleSees) -> RoleRow {
    RoleRow {
        name: role.role.map_or_else(|| "The institution’s own system".to_owned(), words::role),
        sub: role
            .people
            .filter(|_| role.role.is_some())
            .map_or_else(String::new, |people| words::count(people, "person", "people")),
        sees: cell.fields.iter().map(|field| role.groups & 1 << field.number != 0).collect(),
    }
}

const fn gap(gap: Gap) -> &'static str {
    match gap {
        Gap::Left => "one of the two has left the consortium",
        Gap::Agreement => "no agreement in force lists it",
        Gap::Listed => "the agreement doesn’t list it: its parties can sign a version that does",
        Gap::Policy => "no rule lets it out, whatever an agreement says",
    }
}

fn links(cell: &Cell, left: bool, (placed, whose, at): (u64, &str, &str), zone: &TimeZone) -> Vec<Link> {
    let link = |kind, title: String, says: String, href: String| Link { kind, class: "", title, says, href };
    let mut links = vec![(
        !left,
        link(
            "Partners",
            if left { "One has left" } else { "Both are in the consortium" }.to_owned(),
            "Said by the hub’s directory".to_owned(),
            String::new(),
        ),
    )];
    links.push(match &cell.agreement {
        Some(terms) => {
            let signed = cell.signed.map_or_else(String::new, |at| {
                format!(". Signed by all since {}", times::full_day(at, zone))
            });
            let says = format!(
                "Version {}, from {} to {}{signed}",
                terms.version,
                times::date(terms.first_date),
                times::date(terms.last_date)
            );
            let href = cell.hash.map_or_else(String::new, |hash| format!("/agreements/{}", hex(&hash)));
            (true, link("Agreement", terms.id.to_string(), says, href))
        }
        None => (
            false,
            link(
                "Agreement",
                "None in force".to_owned(),
                "No agreement between the two lists this kind today".to_owned(),
                String::new(),
            ),
        ),
    });
    let flows = flowing(cell);
    let rules = cell.rules.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>().join(", ");
    links.push((
        flows > 0,
        link(
            "Policy",
            if flows > 0 { rules } else { "Lets nothing out".to_owned() },
            format!("{flows} of {} fields", cell.fields.len()),
            String::new(),
        ),
    ));
    links.push((
        placed > 0,
        link(
            "Placement",
            if placed > 0 {
                format!("{} {whose} at {at} now", words::number(placed))
            } else {
                "Nobody now".to_owned()
            },
            if placed > 0 {
                "Each one alone, between its dates".to_owned()
            } else {
                "So nothing flows today, whatever may".to_owned()
            },
            String::new(),
        ),
    ));
    let broken = links.iter().position(|(holds, _)| !holds).unwrap_or(links.len());
    let classed = links.into_iter().enumerate().map(|(place, (_, link))| Link {
        class: match place.cmp(&broken) {
            std::cmp::Ordering::Less => "",
            std::cmp::Ordering::Equal => "broken",
            std::cmp::Ordering::Greater => "unreached",
        },
        ..link
    });
    classed.collect()
}
