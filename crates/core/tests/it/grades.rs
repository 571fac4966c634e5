//! Grades: the published parsing cases on their scales, points that are never guessed, and canonical text.

use commonroll_core::{
    confidence::Confidence,
    grades::{
        Grade, GradeProblem, SCALES, Scale, Special, Value, find, parse_grade, scales::gcse::NEAREST_NUMBERS,
    },
    record::assessment::GradeValue,
};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn read(scale: &str, text: &str) -> Result<Grade, GradeProblem> {
    parse_grade(&find(scale, "2024").expect("a scale that we ship"), text)
}

/// How a grade reads: its kind and canonical text, or the rule it breaks.
fn shown(scale: &str, text: &str) -> String {
    match read(scale, text) {
        Ok(grade) => match grade.value() {
            Value::Whole(code) => {
                assert_eq!(code, grade.text());
                format!("whole {code}")
            }
            Value::Fine { base, thirds } => format!("fine {} = {base}{thirds:+}", grade.text()),
            Value::Range { low, high } => format!("range {} = {low}..{high}", grade.text()),
            Value::Number(hundredths) => format!("number {} = {hundredths}", grade.text()),
            Value::Special(special) => format!("{special:?}"),
        },
        Err(problem) => problem.rule().to_owned(),
    }
}

#[test]
fn the_parsing_cases_on_their_scales() {
    for (scale, text, expected) in [
        ("btec-extended-diploma", "D*D*D", "whole D*D*D"),
        ("btec-extended-diploma", "d*dm", "GRD-NEIGHBOURS"),
        ("btec-extended-certificate", "Dist*", "whole D*"),
        ("btec-extended-certificate", "Distinction *", "whole D*"),
        ("btec-extended-certificate", "distinction star", "whole D*"),
        ("btec-extended-certificate", "DIS", "whole D"),
        ("btec-extended-certificate", "M/D", "range D/M = M..D"),
        ("btec-extended-certificate", "D-M", "range D/M = M..D"),
        ("btec-extended-certificate", "D*/D", "range D*/D = D..D*"),
        ("btec-extended-certificate", "M+", "fine M+ = M+1"),
        ("btec-extended-certificate", "Merit+", "fine M+ = M+1"),
        ("btec-extended-certificate", "Dist-", "fine D- = D-1"),
        ("gcse-combined-science", "9-8", "whole 9-8"),
        ("gcse-combined-science", "9\u{2013}8", "whole 9-8"),
        ("gcse-combined-science", "9-7", "GRD-SCALE"),
        ("gcse-combined-science", "8-8/9-8", "range 9-8/8-8 = 8-8..9-8"),
        ("gcse-9-1", "9-8", "range 9/8 = 8..9"),
        ("gce-a-level", "A*/A", "range A*/A = A..A*"),
        ("gce-a-level", "C/B", "range B/C = C..B"),
        ("gce-a-level", "B/B", "GRD-SPLIT"),
        ("gce-a-level", "B-", "fine B- = B-1"),
        ("gce-a-level", "b\u{2212}", "fine B- = B-1"),
        ("gce-a-level", "B2", "fine B2 = B+0"),
        ("gcse-9-1", "4a", "fine 4+ = 4+1"),
        ("gcse-9-1", "5-", "fine 5- = 5-1"),
        ("btec-extended-certificate", "N", "whole N"),
        ("btec-extended-certificate", "Near Pass", "whole N"),
        ("btec-extended-diploma", "N", "GRD-SCALE"),
        ("gce-a-level", "N", "GRD-SCALE"),
        ("gce-a-level", "0", "GRD-SCALE"),
        ("gcse-9-1", "0", "GRD-SCALE"),
        ("raw-0-100", "0", "number 0 = 0"),
        ("pass-fail", "Pass", "whole Pass"),
        ("btec-extended-certificate", "Pass", "whole P"),
        ("gce-a-level", "Pass", "GRD-SCALE"),
        ("functional-skills", "Pass", "GRD-SCALE"),
        ("level-1-2-technical", "L2P", "whole L2P"),
        ("level-1-2-technical", "Level 2 Distinction*", "whole L2D*"),
        ("functional-skills", "L2P", "whole L2"),
        ("functional-skills", "E3", "whole E3"),
        ("functional-skills", "Entry Level 3", "whole E3"),
        ("gce-a-level", "U+", "GRD-SCALE"),
        ("btec-extended-certificate", "N+", "GRD-SCALE"),
        ("gce-a-level", "E/U", "range E/U = U..E"),
        ("gce-a-level", "U (X)", "GRD-TWO-FACTS"),
        ("gce-a-level", "U (U)", "GRD-SCALE"),
        ("gce-a-level", "B (X)", "GRD-SCALE"),
        ("btec-extended-certificate", "D\u{2217}", "whole D*"),
        ("btec-diploma", "D\u{2217}D\u{ff0a}", "whole D*D*"),
        ("gce-a-level", "B\u{a0}", "whole B"),
        ("gce-a-level", " a * ", "whole A*"),
    ] {
        assert_eq!(shown(scale, text), expected, "{text:?} on {scale}");
    }
}

#[test]
fn double_and_triple_grades() {
    for (scale, text, expected) in [
        ("btec-diploma", "DM", "whole DM"),
        ("btec-diploma", "md", "whole DM"),
        ("btec-diploma", "DP", "GRD-NEIGHBOURS"),
        ("btec-diploma", "D*M", "GRD-NEIGHBOURS"),
        ("btec-diploma", "D*2", "whole D*D*"),
        ("btec-diploma", "D* D*", "whole D*D*"),
        ("btec-diploma", "Merit Pass", "whole MP"),
        ("btec-diploma", "DDD", "GRD-SIZE"),
        ("btec-diploma", "D", "GRD-SIZE"),
        ("btec-diploma", "DD/DM", "range DD/DM = DM..DD"),
        ("btec-diploma", "M/D", "GRD-SCALE"),
        ("btec-extended-diploma", "D*3", "whole D*D*D*"),
        ("btec-extended-diploma", "DD*D", "whole D*DD"),
        ("btec-extended-diploma", "DMP", "GRD-NEIGHBOURS"),
        ("btec-extended-diploma", "DM2", "GRD-SCALE"),
        ("btec-extended-certificate", "D*2", "GRD-SIZE"),
        ("btec-extended-certificate", "DD", "GRD-SIZE"),
        ("btec-diploma", "D*\u{e9}", "GRD-SCALE"),
    ] {
        assert_eq!(shown(scale, text), expected, "{text:?} on {scale}");
    }
    assert_eq!(read("btec-extended-diploma", "DD*D*").unwrap().blocks(), ["D*", "D*", "D"]);
    assert_eq!(read("gce-a-level", "A*").unwrap().blocks(), ["A*"]);
}

#[test]
fn a_five_is_three_things_on_three_scales() {
    let (gcse, mark) = (read("gcse-9-1", "5").unwrap(), read("raw-0-100", "5").unwrap());
    assert_eq!((gcse.points_dfe().unwrap().value(), gcse.rank()), (5.0, Some(5.0)));
    let effort = read("effort-1-5", "5").unwrap();
    assert_eq!((effort.rank(), effort.points_dfe()), (None, None), "nobody knows whether 5 is best or worst");
    assert_eq!(shown("effort-1-4", "5"), "GRD-SCALE");
    assert_eq!((mark.value() == &Value::Number(500), mark.points_dfe()), (true, None));
}

#[test]
fn special_values_are_different_facts_and_none_is_nought() {
    for (text, special) in [
        ("U", Special::Ungraded),
        ("x", Special::NoResult),
        ("Q", Special::Pending),
        ("#", Special::Withheld),
        ("", Special::NotAssessed),
        (" \u{a0} ", Special::NotAssessed),
    ] {
        for scale in SCALES.iter().map(Scale::id).chain(["raw-0-80"]) {
            let grade = read(scale, text).unwrap_or_else(|_| panic!("{text:?} on {scale}"));
            assert!(grade.value() == &Value::Special(special), "{text:?} on {scale}");
            assert_eq!((grade.rank(), grade.points_dfe(), grade.points_ucas()), (None, None, None));
        }
    }
    assert!(read("gce-a-level", "#").unwrap().as_given("#") == GradeValue::Withheld);
    assert!(read("gce-a-level", " B ").unwrap().as_given(" B ") == GradeValue::Given("B".into()));
}

#[test]
fn points_are_those_of_the_table_with_their_confidence_and_never_mixed() {
    let points = |scale, text| {
        let grade = read(scale, text).unwrap();
        (grade.points_dfe().map(|p| p.value()), grade.points_ucas().map(|p| p.value()))
    };
    assert_eq!(points("gce-a-level", "A*"), (Some(60.0), Some(56.0)));
    assert_eq!(points("gce-a-level", "B"), (Some(40.0), Some(40.0)));
    assert_eq!(points("btec-extended-certificate", "Merit"), (Some(25.0), Some(32.0)));
    assert_eq!(points("btec-foundation-diploma", "P"), (Some(22.5), Some(24.0)));
    assert_eq!(points("btec-extended-diploma", "MMP"), (Some(65.0), Some(80.0)));
    assert_eq!(points("level-1-2-technical", "L1P"), (Some(1.25), None));
    assert_eq!(points("gcse-combined-science", "9-8"), (Some(8.5), None));
    assert_eq!(points("t-level", "P (C or above)"), (None, Some(96.0)));
    assert_eq!(points("cambridge-technical-extended-certificate", "D"), (None, None), "not a BTEC");
    for guess in [points("gce-a-level", "B+"), points("gce-a-level", "B2"), points("gce-a-level", "B/C")] {
        assert_eq!(guess, (None, None));
    }
    let sure = |text| read("gce-a-level", text).unwrap().points_dfe().unwrap().confidence;
    assert_eq!((sure("C"), sure("A*")), (Confidence::Verified, Confidence::Knowledge));
}

#[test]
fn a_bare_pass_of_a_t_level_is_a_range_since_the_core_is_not_said() {
    assert_eq!(shown("t-level", "Pass"), "range P = P(D/E)..P(C+)");
    assert_eq!(read("t-level", "P").unwrap().points_ucas(), None);
}

#[test]
fn ranks_hold_thirds_and_middles() {
    let rank = |text| read("gce-a-level", text).unwrap().rank().unwrap();
    assert_eq!((rank("A*"), rank("E")), (6.0, 1.0));
    assert_eq!(rank("B/C"), 3.5);
    assert!(rank("C") < rank("C+") && rank("C+") < rank("B-") && rank("B-") < rank("B"));
}

#[test]
fn numbers_are_plain_and_in_range() {
    for (text, expected) in [
        ("67.5", "number 67.5 = 6750"),
        ("67.05", "number 67.05 = 6705"),
        ("100", "number 100 = 10000"),
        ("100.01", "GRD-RANGE"),
        ("-5", "GRD-NUMBER"),
        ("5%", "GRD-NUMBER"),
        ("5 0", "GRD-NUMBER"),
        ("1e2", "GRD-NUMBER"),
        ("NaN", "GRD-NUMBER"),
        ("5.", "GRD-NUMBER"),
        ("5.123", "GRD-NUMBER"),
        ("99999999999999999999", "GRD-NUMBER"),
    ] {
        assert_eq!(shown("raw-0-100", text), expected, "{text:?}");
    }
    assert_eq!(shown("ib-diploma-total", "46"), "GRD-RANGE");
    assert!(
        find("raw-0-0", "1").is_none()
            && find("raw-0-100001", "1").is_none()
            && find("raw-0-x", "1").is_none()
    );
}

#[test]
fn hidden_characters_and_long_text_are_refused() {
    for (text, rule) in [("A\u{200b}", "GRD-HIDDEN"), ("\u{202e}A", "GRD-HIDDEN"), ("A\u{7}B", "GRD-HIDDEN")]
    {
        assert_eq!(shown("gce-a-level", text), rule);
    }
    assert_eq!(shown("gce-a-level", &"A".repeat(65)), "GRD-LENGTH");
}

#[test]
fn a_consortiums_own_scale_is_data() {
    let file = r#"{"id": "kingsmead-effort", "version": "2026-a", "source": "staff handbook", "fine": "signs",
        "valid_from": "2026-09-01",
        "grades": [{"code": "Above"}, {"code": "In line", "points_ucas": {"hundredths": 150, "confidence": "knowledge"}},
                   {"code": "Below", "terminal": false}]}"#;
    let scale: Scale = serde_json::from_str(file).unwrap();
    assert!(scale.is_valid_on(crate::date("2026-09-01")) && !scale.is_valid_on(crate::date("2026-08-31")));
    let grade = parse_grade(&scale, "in line").unwrap();
    assert_eq!(
        (grade.text(), grade.rank(), grade.scale()),
        ("In line", Some(1.0), ("kingsmead-effort", "2026-a"))
    );
    let disguised = file.replace("Below", "Below\u{2217}");
    assert!(serde_json::from_str::<Scale>(&disguised).unwrap_err().to_string().contains("plain *"));
    let twice = file.replace("Below", "in  LINE");
    assert!(serde_json::from_str::<Scale>(&twice).unwrap_err().to_string().contains("stand twice"));
}

#[test]
fn every_scale_reads_its_own_grades_and_has_an_id_of_its_own() {
    let mut ids = BTreeSet::new();
    for scale in SCALES.iter() {
        assert!(ids.insert((scale.id(), scale.version())), "{} stands twice", scale.id());
        let mut ranks = Vec::new();
        for row in scale.grades().iter().filter(|row| row.code != "U") {
            let grade =
                parse_grade(scale, &row.code).unwrap_or_else(|_| panic!("{} on {}", row.code, scale.id()));
            assert_eq!((grade.text(), grade.points_dfe()), (row.code.as_str(), row.points_dfe));
            ranks.extend(grade.rank());
        }
        assert!(ranks.windows(2).all(|pair| pair[0] > pair[1]), "{} stands best first", scale.id());
        assert!(scale.ordered() || ranks.is_empty());
    }
    for (letter, numbers) in NEAREST_NUMBERS {
        assert!(
            read("gcse-letter", letter).is_ok()
                && numbers.iter().all(|number| read("gcse-9-1", number).is_ok())
        );
    }
}

#[test]
fn debug_of_a_grade_shows_only_the_scale() {
    let grade = read("gce-a-level", "A*").unwrap();
    assert_eq!(format!("{grade:?}"), "Grade(gce-a-level 2024, ..)");
    assert_eq!(format!("{:?}", grade.value()), "Value(..)");
}

proptest! {
    #[test]
    fn canonical_text_reads_back_as_the_same_grade(
        at in 0..SCALES.len(),
        text in "[A-FLMPDU*1-9+/() -]{0,6}|\\PC{0,8}",
    ) {
        let scale = &SCALES[at];
        if let Ok(grade) = parse_grade(scale, &text) {
            let again = parse_grade(scale, grade.text());
            prop_assert!(again == Ok(grade), "on {}", scale.id());
        }
    }
}
