//! Any accepted text gives back what was written into it, and no text whatever does harm.

use crate::{agreement::PAIR, date};
use commonroll_core::{
    Role, Slug,
    agreement::{
        AgreementText, AtEnd, ItemKind, Part, Word,
        documents::{Reader, Volumes, impact_assessment, privacy_notice, processing_record, signing_page},
    },
    directory::Agreement,
};
use jiff::tz::TimeZone;
use proptest::{collection, prelude::*, sample::subsequence};
use std::collections::BTreeSet;

/// What a text is to say.
#[derive(Debug, Clone)]
struct Said {
    parties: Vec<Part>,
    purpose: String,
    /// Kind, field group and roles of each item.
    items: Vec<(ItemKind, u32, Vec<Role>)>,
    first: i32,
    length: i32,
    keep: bool,
}

/// Roles that the policies let see every group that these texts list.
const SAFE: [Role; 1] = [Role::Teacher];

fn said() -> impl Strategy<Value = Said> {
    let groups: Vec<(ItemKind, u32)> = ItemKind::ALL
        .iter()
        .flat_map(|(_, kind)| kind.groups().iter().map(|(group, name)| (*kind, *group, *name)))
        .filter(|(kind, _, name)| {
            *name != "internal_comment" && (*kind, *name) != (ItemKind::Card, "identity")
        })
        .map(|(kind, group, _)| (kind, group))
        .collect();
    let count = groups.len();
    (
        collection::vec(prop_oneof![Just(Part::Home), Just(Part::Host), Just(Part::Both)], 0..6),
        "[ -~]{0,40}[a-z][ -~]{0,40}",
        subsequence(groups, 1..=count),
        18_000..22_000_i32,
        0..2_000_i32,
        any::<bool>(),
    )
        .prop_map(|(mut parties, purpose, groups, first, length, keep)| {
            parties.extend([Part::Home, Part::Host]);
            let mut items: Vec<_> =
                groups.into_iter().map(|(kind, group)| (kind, group, SAFE.to_vec())).collect();
            if items.iter().any(|(kind, ..)| *kind == ItemKind::Card) {
                items.push((ItemKind::Card, 1, SAFE.to_vec()));
            }
            Said { parties, purpose, items, first, length, keep }
        })
}

fn day(days: i32) -> String {
    commonroll_core::SchoolDate::from_days(days).unwrap().to_string()
}

/// The text that says it.
fn written(said: &Said) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let (first, last) = (day(said.first), day(said.first + said.length));
    let mut text = format!("id = \"any\"\ntitle = \"Any\"\nversion = 7\nfirst_date = \"{first}\"\n");
    text += &format!("last_date = {last}\nreview_date = \"{first}\"\n");
    for (place, part) in said.parties.iter().enumerate() {
        text += &format!(
            "[[party]]\ninstitution = \"party-{place}\"\nname = \"Party {place}\"\npart = \"{part}\"\n"
        );
        text += "signatory = \"Head\"\ndpo = \"D\"\nsiro = \"S\"\nattendance_champion = \"A\"\n";
    }
    let purpose = quoted(&said.purpose);
    text +=
        &format!("[why]\npurpose = {purpose}\nfor_learners = \"L\"\naims = [\"A\"]\nbenefits = [\"B\"]\n");
    text += "necessity = \"N\"\nalternatives = \"O\"\n";
    for (kind, group, roles) in &said.items {
        let name = kind.groups().iter().find(|(number, _)| number == group).unwrap().1;
        let roles: Vec<String> = roles.iter().map(|role| format!("\"{role}\"")).collect();
        let direction = kind.direction();
        text += &format!("[[item]]\nkind = \"{kind}\"\ngroups = [\"{name}\"]\ndirection = \"{direction}\"\n");
        text += &format!(
            "seen_by = [{}]\nlegal_basis = \"public task\"\nbasis_source = \"Law\"\n",
            roles.join(",")
        );
        text += "article_9 = \"legal claims\"\nschedule_1 = \"P\"\npolicy_document = \"D\"\nkept_at_source = \"1\"\n";
        text += "kept_at_recipient = \"1\"\nkept_at_hub_days = 0x1e\ndeletion = \"D\"\n";
    }
    text +=
        "[controllers]\nrelationship = \"separate\"\n[rights]\nsingle_contact = \"C\"\nhandling = \"H\"\n";
    text += "[accuracy]\ncorrection = \"C\"\n[security]\nmeasures = [\"M\"]\n[breach]\nprocedure = \"P\"\n";
    text += "tell_parties_hours = 24\n[transfers]\noutside_uk = \"None.\"\n[dpia]\nreference = \"R\"\n";
    text += &format!("date = \"{first}\"\n[end]\n");
    text + if said.keep { "copies = \"keep\"\nreason = \"Because.\"\n" } else { "copies = \"withdraw\"\n" }
}

fn slugs(said: &Said, part: Part) -> Vec<String> {
    let plays = |one: &Part| *one == part || *one == Part::Both;
    let places = said.parties.iter().enumerate().filter(|(_, one)| plays(one));
    places.map(|(place, _)| format!("party-{place}")).collect()
}

fn names(slugs: &[Slug]) -> Vec<String> {
    slugs.iter().map(|slug| slug.as_str().to_owned()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn terms_are_what_was_written_and_nothing_else(said in said()) {
        let text = written(&said);
        let agreement = AgreementText::parse(&text)
            .map_err(|faults| TestCaseError::fail(format!("{faults:?}\n{text}")))?;
        let terms = agreement.terms();
        prop_assert_eq!(names(&terms.limits.homes), slugs(&said, Part::Home));
        prop_assert_eq!(names(&terms.limits.hosts), slugs(&said, Part::Host));
        prop_assert_eq!(&terms.purpose, &said.purpose.split_whitespace().collect::<Vec<_>>().join(" "));
        prop_assert_eq!(terms.first_date.days(), said.first);
        prop_assert_eq!(terms.last_date.days(), said.first + said.length);
        for (_, kind) in ItemKind::ALL {
            let listed = said.items.iter().filter(|(of, ..)| of == kind);
            let mask = listed.fold(0, |mask, (_, group, _)| mask | 1_u32 << group);
            prop_assert_eq!(terms.groups(*kind), mask);
            for role in Role::ALL {
                let seen = if SAFE.contains(&role) || mask == 0 { mask } else { 0 };
                prop_assert_eq!(terms.groups_seen_by(*kind, role), seen);
            }
            let end = if said.keep && mask != 0 { AtEnd::Keep } else { AtEnd::Withdraw };
            prop_assert_eq!(terms.at_end(*kind), end);
        }
        let stored = serde_json::to_string(&terms).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Agreement>(&stored).unwrap(), &terms);
        every_document(&agreement);
    }

    #[test]
    fn a_text_with_a_piece_torn_out_or_put_in_is_read_or_refused_with_lines(
        from in 0..PAIR.len(),
        length in 0..400_usize,
        piece in "(\\PC|[\\x00-\\x1f\\u{202e}\"'\\[\\]{}=#\n]){0,40}",
    ) {
        let bytes = PAIR.as_bytes();
        let mut torn = bytes[..from].to_vec();
        torn.extend_from_slice(piece.as_bytes());
        torn.extend_from_slice(&bytes[(from + length).min(bytes.len())..]);
        let torn = String::from_utf8_lossy(&torn);
        let lines = torn.matches('\n').count() + 1;
        match AgreementText::parse(&torn) {
            Ok(agreement) => every_document(&agreement),
            Err(faults) => {
                prop_assert!(!faults.is_empty() && faults.len() <= 100);
                prop_assert!(faults.iter().all(|fault| (1..=lines).contains(&(fault.line as usize))));
            }
        }
    }
}

/// Makes every document, in both forms; what they say is tested elsewhere.
fn every_document(agreement: &AgreementText) {
    let own = &agreement.parties()[0].institution;
    for document in [
        signing_page(agreement, "00", &[], &TimeZone::UTC),
        impact_assessment(agreement, "00", &Volumes::new()),
        processing_record(own, &[(agreement, "00")]).unwrap(),
        privacy_notice(agreement, Reader::Adult),
        privacy_notice(agreement, Reader::Young),
    ] {
        assert!(document.markdown().starts_with("# ") && document.html().ends_with("</html>\n"));
    }
}

#[test]
fn in_force_on_its_first_and_last_day_and_on_no_other() {
    let terms = AgreementText::parse(PAIR).unwrap().terms();
    let (home, host): (Slug, Slug) = ("kingsmead".parse().unwrap(), "northgate".parse().unwrap());
    let (first, last) = (date("2026-09-01").days(), date("2027-08-31").days());
    let covered: BTreeSet<i32> = (first - 3..=last + 3)
        .filter(|days| terms.covers(&host, &home, commonroll_core::SchoolDate::from_days(*days).unwrap()))
        .collect();
    assert_eq!(covered, (first..=last).collect());
}
