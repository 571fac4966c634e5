//! Matching: each tier, and all that must never match.

use crate::date;
use commonroll_core::{
    LocalId, Slug,
    directory::{LearnerDeclaration, Registration},
    matching::{Conflict, Evidence, Field, Proposal, Tier, Verdict, compare, compare_nearly, normalise_name},
    record::Text,
};
use proptest::prelude::*;

const ULN: &str = "9276308686";
const OTHER_ULN: &str = "1000000019";
const UPN: &str = "F860400125001";
const OTHER_UPN: &str = "D860400125017";
const THIRD_UPN: &str = "B801200005001";
const TEMPORARY: &str = "R86040012500A";
const UCI: &str = "681990012058G";

/// A learner as an institution declares them; each test changes what it is about.
struct Learner {
    at: &'static str,
    upn: &'static str,
    uln: &'static str,
    uci: &'static str,
    former: &'static [&'static str],
    birth: &'static str,
    surname: &'static str,
    forename: &'static str,
    known_as: &'static str,
}

const HOME: Learner = Learner {
    at: "kingsmead",
    upn: "",
    uln: "",
    uci: "",
    former: &[],
    birth: "2009-11-03",
    surname: "O'Brien-Smith",
    forename: "Katherine",
    known_as: "Kate",
};
const HOST: Learner =
    Learner { at: "harrowdale", surname: "OBRIEN SMITH", forename: "KATE", known_as: "", ..HOME };

impl Learner {
    fn declared(&self) -> (Evidence<String>, Vec<String>) {
        let text = |text| Text::parse("name", text, 100).unwrap();
        let declaration = LearnerDeclaration {
            local_id: LocalId::parse("local_id", "1").unwrap(),
            registration: Registration::Guest,
            upn: self.upn.into(),
            uln: self.uln.into(),
            uci: self.uci.into(),
            former_upns: self.former.iter().map(|&upn| upn.into()).collect(),
            birth_date: (!self.birth.is_empty()).then(|| date(self.birth)),
            surname: text(self.surname),
            forename: text(self.forename),
            known_as: text(self.known_as),
        };
        let institution: Slug = self.at.parse().unwrap();
        let (evidence, findings) = Evidence::declared(&institution, &declaration);
        (evidence, findings.into_iter().map(|finding| finding.field.to_owned()).collect())
    }

    fn evidence(&self) -> Evidence<String> {
        self.declared().0
    }
}

/// The verdict in either order and on opaque tokens, which must be one and the same.
fn verdict(a: &Learner, b: &Learner, placed: bool) -> Verdict {
    let (a, b) = (a.evidence(), b.evidence());
    let token = |field: Field, value: String| {
        (field as u64, value.bytes().fold(7_u64, |h, b| h * 31 % 1_000_003 + u64::from(b)))
    };
    let in_clear = compare(&a, &b, placed);
    assert_eq!(compare(&b, &a, placed), in_clear, "the order makes no difference");
    assert_eq!(compare(&a.map(token), &b.map(token), placed), in_clear, "tokens make no difference");
    in_clear
}

#[test]
fn the_same_number_and_birth_date_link() {
    for (home, host, expected) in [
        (Learner { uln: ULN, ..HOME }, Learner { uln: ULN, ..HOST }, Verdict::AutoLink { tier: Tier::Uln }),
        (Learner { upn: UPN, ..HOME }, Learner { upn: UPN, ..HOST }, Verdict::AutoLink { tier: Tier::Upn }),
        (Learner { uci: UCI, ..HOME }, Learner { uci: UCI, ..HOST }, Verdict::Flagged { tier: Tier::Uci }),
        (
            Learner { uln: ULN, upn: UPN, uci: UCI, ..HOME },
            Learner { uln: ULN, uci: UCI, surname: "Married", ..HOST },
            Verdict::AutoLink { tier: Tier::Uln },
        ),
    ] {
        assert_eq!(verdict(&home, &host, false), expected);
    }
}

#[test]
fn the_same_number_with_another_birth_date_is_a_conflict() {
    // Day and month swapped, the classic.
    for ids in [Learner { uln: ULN, ..HOME }, Learner { upn: UPN, ..HOME }, Learner { uci: UCI, ..HOME }] {
        let host = Learner { birth: "2009-03-11", at: "harrowdale", ..ids };
        assert_eq!(verdict(&ids, &host, true), Verdict::Conflict(Conflict::BirthDate));
    }
}

#[test]
fn two_numbers_that_disagree_are_a_conflict_or_no_match() {
    let home = Learner { uln: ULN, upn: UPN, ..HOME };
    let mixed = Learner { uln: ULN, upn: OTHER_UPN, ..HOST };
    assert_eq!(verdict(&home, &mixed, true), Verdict::Conflict(Conflict::Identifiers));
    let other = Learner { uln: OTHER_ULN, ..HOST };
    assert_eq!(
        verdict(&home, &other, true),
        Verdict::NoMatch,
        "same name and birthday, another person's number"
    );
}

#[test]
fn a_missing_birth_date_never_links() {
    let (home, host) = (Learner { uln: ULN, ..HOME }, Learner { uln: ULN, birth: "", ..HOST });
    assert_eq!(verdict(&home, &host, true), Verdict::Propose(Proposal::BirthDateMissing));
    assert_eq!(verdict(&HOME, &Learner { birth: "", ..HOST }, true), Verdict::NoMatch);
}

#[test]
fn a_temporary_upn_counts_alone_only_in_its_own_school() {
    let home = Learner { upn: TEMPORARY, ..HOME };
    assert_eq!(verdict(&home, &home, false), Verdict::AutoLink { tier: Tier::Upn });
    let elsewhere = Learner { upn: TEMPORARY, ..HOST };
    let flagged = Verdict::Flagged { tier: Tier::TemporaryUpn };
    assert_eq!(verdict(&home, &elsewhere, false), flagged, "birth date and names say the same");
    let old = Learner { upn: UPN, former: &[TEMPORARY], ..HOME };
    assert_eq!(verdict(&old, &elsewhere, false), flagged, "the permanent one came later");
    for (unlike, says) in [
        (Learner { surname: "Else", ..elsewhere }, Verdict::Propose(Proposal::OldUpn)),
        (Learner { surname: "", ..elsewhere }, Verdict::Propose(Proposal::OldUpn)),
        (Learner { forename: "", ..elsewhere }, Verdict::Propose(Proposal::OldUpn)),
        (Learner { forename: "Rowan", ..elsewhere }, Verdict::Propose(Proposal::ForenameDiffers)),
        (Learner { birth: "2009-11-04", ..elsewhere }, Verdict::NoMatch),
        (Learner { birth: "", ..elsewhere }, Verdict::NoMatch),
    ] {
        assert_eq!(verdict(&home, &unlike, true), says, "{} {}", unlike.surname, unlike.forename);
    }
    assert_eq!(
        verdict(&Learner { uln: ULN, ..home }, &Learner { uln: OTHER_ULN, ..elsewhere }, true),
        Verdict::Conflict(Conflict::Identifiers)
    );
}

#[test]
fn whoever_still_has_the_old_upn_is_matched_by_it_in_a_lower_tier() {
    let home = Learner { upn: OTHER_UPN, former: &[UPN], ..HOME };
    let host = Learner { upn: UPN, ..HOST };
    assert_eq!(verdict(&home, &host, false), Verdict::Flagged { tier: Tier::FormerUpn });
    let both = Learner { former: &[TEMPORARY, UPN], ..HOST };
    assert_eq!(verdict(&home, &both, false), Verdict::Flagged { tier: Tier::FormerUpn });
    let numbered = Learner { uln: ULN, ..host };
    let link = Verdict::AutoLink { tier: Tier::Uln };
    assert_eq!(verdict(&Learner { uln: ULN, ..home }, &numbered, false), link, "the old UPN is no conflict");

    for (unlike, says) in [
        (Learner { birth: "2009-11-04", ..host }, Verdict::Conflict(Conflict::BirthDate)),
        (Learner { birth: "", ..host }, Verdict::Propose(Proposal::BirthDateMissing)),
        (Learner { forename: "Rowan", ..host }, Verdict::Propose(Proposal::ForenameDiffers)),
        (Learner { forename: "", ..host }, Verdict::Propose(Proposal::OldUpn)),
        // The same number before, and two numbers now: one of the three is wrong.
        (Learner { upn: THIRD_UPN, former: &[UPN], ..HOST }, Verdict::Conflict(Conflict::Identifiers)),
    ] {
        assert_eq!(verdict(&home, &unlike, true), says, "{} {}", unlike.birth, unlike.forename);
    }
    let mixed = Learner { uln: OTHER_ULN, ..host };
    let conflict = Verdict::Conflict(Conflict::Identifiers);
    assert_eq!(verdict(&Learner { uln: ULN, ..home }, &mixed, true), conflict);
    let unsound = Learner { former: &["F860400125002", "none", ""], ..HOME };
    assert_eq!(unsound.declared().1, ["upn", "upn"], "what is no UPN matches nobody, and blank is no fault");
    assert_eq!(verdict(&unsound, &host, false), Verdict::NoMatch);
}

#[test]
fn placeholders_and_unsound_numbers_match_nobody_and_are_findings() {
    let bad = Learner { uln: "9999999999", upn: "Q207000016049", uci: "999990140001X", ..HOME };
    let (evidence, findings) = bad.declared();
    assert_eq!((evidence.uln, evidence.upn, evidence.temporary_upn, evidence.uci), (None, None, None, None));
    assert_eq!(findings, ["upn", "uln", "uci"]);
    assert!(HOME.declared().1.is_empty(), "having no number is no fault");
    let other = Learner { surname: "Else", at: "harrowdale", ..bad };
    assert_eq!(verdict(&bad, &other, true), Verdict::NoMatch);
}

#[test]
fn names_alone_only_propose_and_only_with_a_placement() {
    assert_eq!(verdict(&HOME, &HOST, true), Verdict::Propose(Proposal::Names));
    assert_eq!(verdict(&HOME, &HOST, false), Verdict::NoMatch);
    let with_number = Learner { uln: ULN, ..HOME };
    assert_eq!(
        verdict(&with_number, &HOST, true),
        Verdict::Propose(Proposal::Names),
        "one side has no number"
    );
    assert_eq!(verdict(&HOME, &Learner { birth: "2009-11-04", ..HOST }, true), Verdict::NoMatch);
    assert_eq!(verdict(&HOME, &Learner { surname: "", ..HOST }, true), Verdict::NoMatch);
}

#[test]
fn twins_never_match() {
    let twin = Learner { forename: "Karen", known_as: "", ..HOST };
    assert_eq!(verdict(&HOME, &twin, true), Verdict::NoMatch);
    assert_eq!(compare_nearly(&HOME.evidence(), &twin.evidence(), true), Verdict::NoMatch);
    // One twin was given the other's number: a person looks, nothing links.
    let (home, twin) = (Learner { uln: ULN, ..HOME }, Learner { uln: ULN, ..twin });
    assert_eq!(verdict(&home, &twin, true), Verdict::Propose(Proposal::ForenameDiffers));
    // Nor does a neighbour in the list, born on the same day, who was given the number.
    let neighbour = Learner { surname: "Patel", ..twin };
    assert_eq!(verdict(&home, &neighbour, true), Verdict::Propose(Proposal::ForenameDiffers));
    // A host without forenames can't show a twin.
    assert_eq!(
        verdict(&home, &Learner { forename: "", ..twin }, true),
        Verdict::AutoLink { tier: Tier::Uln }
    );
}

#[test]
fn a_slip_in_the_surname_only_proposes() {
    let near = Verdict::Propose(Proposal::NearlyNames);
    for (surname, expected) in [
        ("OBrien-Smyth", near),
        ("OBrien-Smit", near),
        ("OBrien-Smithe", near),
        ("OBrien-Smtih", Verdict::NoMatch),
        ("OBrian-Smithe", Verdict::NoMatch),
        ("Smith", Verdict::NoMatch),
    ] {
        let host = Learner { surname, ..HOST };
        assert_eq!(verdict(&HOME, &host, true), Verdict::NoMatch, "{surname}");
        assert_eq!(compare_nearly(&HOME.evidence(), &host.evidence(), true), expected, "{surname}");
        assert_eq!(compare_nearly(&HOME.evidence(), &host.evidence(), false), Verdict::NoMatch);
    }
    let married = Evidence {
        former_surname: Some(normalise_name("O'Brien Smith")),
        ..Learner { surname: "Jones", ..HOST }.evidence()
    };
    assert_eq!(compare_nearly(&HOME.evidence(), &married, true), near);
    let number = Learner { uln: ULN, ..HOME };
    let other_number = Learner { uln: OTHER_ULN, surname: "OBrien-Smyth", ..HOST };
    assert_eq!(compare_nearly(&number.evidence(), &other_number.evidence(), true), Verdict::NoMatch);
}

#[test]
fn names_are_compared_without_their_dress() {
    for (one, other) in [
        ("O\u{2019}Brien", "OBRIEN"),
        ("Smith-Jones", "smith jones"),
        ("Zoë", "Zoe\u{308}"),
        ("ZOË", "zoe"),
        ("Strauß", "STRAUSS"),
        ("\u{fb01}nch", "Finch"),
        ("Nguyễn", "nguyen"),
        ("Γιώργος", "ΓΙΩΡΓΟΣ"),
    ] {
        assert_eq!(normalise_name(one), normalise_name(other), "{one} {other}");
    }
    assert_ne!(normalise_name("Jo"), normalise_name("Joe"));
    assert_ne!(normalise_name("Søren"), normalise_name("Soren"), "another letter, not a mark");
}

#[test]
fn debug_shows_no_evidence() {
    let shown = format!("{:?}", Learner { uln: ULN, ..HOME }.evidence());
    assert_eq!(shown, "Evidence(kingsmead, ..)");
}

proptest! {
    #[test]
    fn a_normalised_name_stays_as_it_is(name in "\\PC{0,24}") {
        let once = normalise_name(&name);
        prop_assert_eq!(normalise_name(&once), once);
    }

    #[test]
    fn nothing_links_without_a_shared_number_and_birth_date(
        a in (any::<[Option<bool>; 8]>(), any::<Option<bool>>(), any::<bool>()),
        b in (any::<[Option<bool>; 8]>(), any::<Option<bool>>(), any::<bool>()),
        placed in any::<bool>(),
    ) {
        let evidence = |([uln, upn, temporary_upn, uci, birth, surname, forename, known_as], former, here): ([Option<bool>; 8], Option<bool>, bool)| Evidence {
            institution: if here { "kingsmead" } else { "harrowdale" }.parse().unwrap(),
            uln, upn, temporary_upn, uci, birth, surname, former_surname: None, forename, known_as,
            former_upns: former.into_iter().collect(), former_temporary: Vec::new(),
        };
        let (a, b) = (evidence(a), evidence(b));
        let found = compare(&a, &b, placed);
        prop_assert_eq!(found, compare(&b, &a, placed));
        if matches!(found, Verdict::AutoLink { .. } | Verdict::Flagged { .. }) {
            prop_assert!(a.birth.is_some() && a.birth == b.birth);
            let shares = |one: Option<bool>, other| one.is_some() && one == other;
            let permanent = |e: &Evidence<bool>| e.upn.into_iter().chain(e.former_upns.clone()).collect::<Vec<_>>();
            let old = permanent(&a).iter().any(|upn| permanent(&b).contains(upn));
            let names = shares(a.surname, b.surname) || a.institution == b.institution;
            prop_assert!(shares(a.uln, b.uln) || shares(a.upn, b.upn) || shares(a.uci, b.uci) || old
                || (names && shares(a.temporary_upn, b.temporary_upn)));
        }
    }
}
