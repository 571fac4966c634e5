//! Identifiers: the vectors of the published rules, and those that are published wrongly.

use commonroll_core::identifiers::{ExamCentre, LaEstab, Uci, Ukprn, Uln, Upn, UpnKind, Urn};
use proptest::prelude::*;

#[test]
fn published_upns_are_sound() {
    for upn in ["F860400125001", "B801200005001", "R674123101121", "D860400125017"] {
        let read: Upn = upn.parse().unwrap();
        assert_eq!((read.as_str(), read.kind(), read.is_temporary()), (upn, UpnKind::Permanent, false));
    }
}

#[test]
fn a_temporary_upn_ends_in_a_letter() {
    let upn: Upn = " r86040012500a ".parse().unwrap();
    assert_eq!((upn.as_str(), upn.kind(), upn.is_temporary()), ("R86040012500A", UpnKind::Temporary, true));
}

#[test]
fn the_example_that_two_vendors_print_has_the_wrong_letter() {
    // Both sum the body to 267 and get Q. The sum is 266, which gives P.
    assert!("Q207000016049".parse::<Upn>().is_err());
    assert_eq!("P207000016049".parse::<Upn>().unwrap().as_str(), "P207000016049");
}

#[test]
fn unsound_upns_are_refused_by_rule() {
    for (upn, rule) in [
        ("", "13 characters"),
        ("F86040012500", "13 characters"),
        ("F8604001250011", "13 characters"),
        ("I860400125001", "never used"),
        ("R86040012500S", "never used"),
        ("F8604O0125001", "never used"),
        ("1860400125001", "never used"),
        ("G860400125001", "check letter"),
        ("F860400125010", "check letter"),
        ("F86040012500\u{661}", "13 characters"),
    ] {
        let error = upn.parse::<Upn>().unwrap_err();
        assert!(error.field == "upn" && error.rule.contains(rule), "{upn}: {error}");
    }
}

#[test]
fn ulns_with_a_right_check_digit_are_sound() {
    for uln in ["9276308686", "1000000019", "1234567899", "6001234565", "1000000043"] {
        assert_eq!(uln.parse::<Uln>().unwrap().as_str(), uln);
    }
}

#[test]
fn unsound_ulns_are_refused_by_rule() {
    for (uln, rule) in [
        ("9999999999", "placeholder"),
        ("9276308687", "check digit"),
        ("0276308686", "not 0"),
        ("927630868", "10 digits"),
        ("92763O8686", "10 digits"),
    ] {
        let error = uln.parse::<Uln>().unwrap_err();
        assert!(error.field == "uln" && error.rule.contains(rule), "{uln}: {error}");
    }
}

#[test]
fn a_uln_whose_remainder_is_nought_was_never_issued() {
    // 1 x 10 + 6 x 2 is a multiple of 11.
    let first_nine = "100000006";
    for last in 0..=9 {
        assert!(format!("{first_nine}{last}").parse::<Uln>().is_err());
    }
}

#[test]
fn ucis_are_sound_unless_a_placeholder_or_uncheckable() {
    assert_eq!("681990012058g".parse::<Uci>().unwrap().as_str(), "681990012058G");
    for (uci, rule) in [
        ("999990140001X", "placeholder"),
        ("681990012058H", "check letter"),
        ("68199B012058G", "international"),
        ("681991012058G", "0 after the centre"),
        ("6819900120586", "13 characters"),
        ("681990012058", "13 characters"),
    ] {
        let error = uci.parse::<Uci>().unwrap_err();
        assert!(error.rule.contains(rule), "{uci}: {error}");
    }
    assert!(
        "999990140001B".parse::<Uci>().is_ok(),
        "the letter that the rule gives for the placeholder's digits"
    );
}

#[test]
fn institutions_have_numbers_of_fixed_shape() {
    assert_eq!("124380".parse::<Urn>().unwrap().to_string(), "124380");
    assert_eq!(" 10007063 ".parse::<Ukprn>().unwrap().to_string(), "10007063");
    assert_eq!("06181".parse::<ExamCentre>().unwrap().to_string(), "06181");
    for text in ["860/4001", "8604001"] {
        let laestab: LaEstab = text.parse().unwrap();
        assert_eq!((laestab.authority(), laestab.establishment()), (860, 4001));
        assert_eq!(laestab.to_string(), "860/4001");
    }
    assert!("12438".parse::<Urn>().is_err() && "12438A".parse::<Urn>().is_err());
    assert!("20007063".parse::<Ukprn>().is_err() && "+1000706".parse::<Ukprn>().is_err());
    assert!("86/04001".parse::<LaEstab>().is_err() && "860-4001".parse::<LaEstab>().is_err());
    assert!("6181".parse::<ExamCentre>().is_err());
}

#[test]
fn neither_debug_nor_errors_show_a_learners_number() {
    let shown = [
        format!("{:?}", "F860400125001".parse::<Upn>().unwrap()),
        format!("{:?}", "9276308686".parse::<Uln>().unwrap()),
        format!("{:?}", "681990012058G".parse::<Uci>().unwrap()),
        "G860400125001".parse::<Upn>().unwrap_err().to_string(),
        "9276308687".parse::<Uln>().unwrap_err().to_string(),
        "681990012058H".parse::<Uci>().unwrap_err().to_string(),
    ];
    for text in shown {
        assert!(!["8604001", "92763", "68199"].iter().any(|part| text.contains(part)), "{text}");
    }
}

proptest! {
    #[test]
    fn exactly_one_check_letter_fits_any_body(body in "[0-9]{11}[0-9A-HJ-NP-RT-Z]") {
        let sound = "ABCDEFGHJKLMNPQRTUVWXYZ".chars().filter(|letter| format!("{letter}{body}").parse::<Upn>().is_ok());
        prop_assert_eq!(sound.count(), 1);
    }

    #[test]
    fn one_wrong_digit_in_a_uln_is_noticed(place in 0..9_usize, digit in 0..10_u8) {
        let mut uln = *b"9276308686";
        uln[place] = b'0' + digit;
        let text = std::str::from_utf8(&uln).unwrap();
        prop_assert_eq!(text.parse::<Uln>().is_ok(), text == "9276308686");
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,16}") {
        let _ = (text.parse::<Upn>(), text.parse::<Uln>(), text.parse::<Uci>(), text.parse::<Urn>());
        if let Ok(laestab) = text.parse::<LaEstab>() {
            prop_assert_eq!(laestab.to_string().parse::<LaEstab>().unwrap(), laestab);
        }
    }
}
