//! The text of a sharing agreement: what is read of it, what is enforced, and every fault with its line.

use crate::date;
use commonroll_core::{
    RecordKind, Role, Slug,
    agreement::{AgreementText, AtEnd, Fault, ItemKind, STARTING_TEXT, TEXT_BYTES_MAX},
    directory::Agreement,
};

pub const PAIR: &str = include_str!("../../../../policies/agreements/kingsmead-northgate.toml");

const ATTENDANCE: ItemKind = ItemKind::Record(RecordKind::Attendance);
const BEHAVIOUR: ItemKind = ItemKind::Record(RecordKind::Behaviour);

pub fn read(text: &str) -> AgreementText {
    AgreementText::parse(text).unwrap_or_else(|faults| panic!("{}", told(&faults)))
}

fn told(faults: &[Fault]) -> String {
    faults.iter().map(|fault| format!("{fault}\n")).collect()
}

fn faults(text: &str) -> Vec<Fault> {
    AgreementText::parse(text).unwrap_err()
}

/// The pair's text with one line replaced, and the number of that line.
fn with(line: &str, instead: &str) -> (String, u32) {
    let at = PAIR.find(line).unwrap_or_else(|| panic!("no line `{line}`"));
    let number = u32::try_from(PAIR[..at].matches('\n').count()).unwrap() + 1;
    (PAIR.replacen(line, instead, 1), number)
}

/// One change of a sound text gives exactly one fault, of this field, on the changed line.
fn one_fault(line: &str, instead: &str, field: &str, rule: &str) {
    let (text, number) = with(line, instead);
    let found = faults(&text);
    assert_eq!(found.len(), 1, "{}", told(&found));
    assert_eq!((found[0].line, found[0].field.as_str()), (number, field), "{}", told(&found));
    assert!(found[0].rule.contains(rule), "{}", told(&found));
    assert!(!found[0].fix.is_empty());
}

fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

#[test]
fn what_a_head_signs_is_what_is_enforced() {
    let terms = read(PAIR).terms();
    assert_eq!((terms.id.as_str(), terms.version), ("kingsmead-northgate", 1));
    assert_eq!(terms.kinds[&RecordKind::Attendance], [2, 5]);
    assert_eq!(terms.kinds[&RecordKind::Assessment], [2, 3]);
    assert!(!terms.kinds.contains_key(&RecordKind::Behaviour), "what isn't listed doesn't flow");
    assert_eq!(terms.limits.card, [1, 2, 3, 4]);
    let (school, college) = (slug("kingsmead"), slug("northgate"));
    assert!(
        terms.covers(&college, &school, date("2026-09-01"))
            && terms.covers(&college, &school, date("2027-08-31"))
    );
    assert!(
        !terms.covers(&college, &school, date("2026-08-31"))
            && !terms.covers(&college, &school, date("2027-09-01"))
    );
    assert!(
        !terms.covers(&school, &college, date("2026-09-01")),
        "the school takes no learners of the college"
    );
    assert!(!terms.covers(&college, &slug("oakwood"), date("2026-09-01")));
}

#[test]
fn who_may_see_is_part_of_the_terms() {
    let terms = read(PAIR).terms();
    assert_eq!(terms.groups(ATTENDANCE), 1 << 2 | 1 << 5);
    assert_eq!(terms.groups_seen_by(ATTENDANCE, Role::Tutor), 1 << 2 | 1 << 5);
    assert_eq!(terms.groups_seen_by(ATTENDANCE, Role::Teacher), 0);
    assert_eq!(terms.groups_seen_by(ItemKind::Card, Role::Teacher), 0b1_1110);
    assert_eq!(terms.groups_seen_by(ItemKind::Card, Role::AttendanceOfficer), 0b1_0010);
    assert_eq!(terms.groups_seen_by(BEHAVIOUR, Role::HeadOfSixth), 0);
}

#[test]
fn copies_end_with_the_agreement_unless_it_says_why_not() {
    let agreement = read(PAIR);
    assert_eq!(agreement.at_end(ATTENDANCE).0, AtEnd::Keep);
    assert!(agreement.at_end(ATTENDANCE).1.unwrap().contains("6 years"));
    assert_eq!(agreement.at_end(ItemKind::Card), (AtEnd::Withdraw, None));
    assert_eq!(agreement.terms().at_end(ATTENDANCE), AtEnd::Keep);
    assert_eq!(agreement.terms().at_end(BEHAVIOUR), AtEnd::Withdraw);
}

#[test]
fn an_agreement_stored_before_it_could_say_so_still_loads_and_means_the_same() {
    let stored = r#"{"id":"old","version":3,"parties":["kingsmead","northgate"],"purpose":"p",
        "kinds":{"attendance":[2,3]},"first_date":"2026-01-01","last_date":"2026-12-31"}"#;
    let old: Agreement = serde_json::from_str(stored).unwrap();
    let (school, college) = (slug("kingsmead"), slug("northgate"));
    assert!(
        old.covers(&school, &college, date("2026-05-01"))
            && old.covers(&college, &school, date("2026-05-01"))
    );
    assert_eq!(old.groups_seen_by(ATTENDANCE, Role::Tutor), 1 << 2 | 1 << 3, "policies alone say who");
    assert_eq!(old.at_end(ATTENDANCE), AtEnd::Withdraw);
    assert!(
        !serde_json::to_string(&old).unwrap().contains("limits"),
        "its bytes stay what the log committed to"
    );
}

#[test]
fn terms_are_stored_and_come_back_the_same() {
    let terms = read(PAIR).terms();
    let stored = serde_json::to_string(&terms).unwrap();
    assert_eq!(serde_json::from_str::<Agreement>(&stored).unwrap(), terms);
}

#[test]
fn every_fault_names_its_line_its_field_its_rule_and_what_to_do() {
    one_fault("version = 1", "version = 0", "version", "whole number");
    one_fault(
        "last_date = \"2027-08-31\"",
        "last_date = \"2027-02-30\"",
        "last_date",
        "not a date that exists",
    );
    one_fault("last_date = \"2027-08-31\"", "last_date = \"2026-08-31\"", "last_date", "before first_date");
    one_fault(
        "review_date = \"2027-06-11\"",
        "review_date = \"2028-06-11\"",
        "review_date",
        "after last_date",
    );
    one_fault("institution = \"northgate\"", "institution = \"kingsmead\"", "party[2].institution", "twice");
    one_fault(
        "institution = \"northgate\"",
        "institution = \"North Gate\"",
        "party[2].institution",
        "lower-case",
    );
    one_fault("kind = \"assessment\"", "kind = \"grades\"", "item[2].kind", "not one of the words");
    one_fault("groups = [\"result\"", "groups = [\"grade\"", "item[2].groups", "not known");
    one_fault("groups = [\"result\"", "groups = [\"comment\"", "item[2].groups", "twice");
    one_fault("groups = [\"presence\", \"register\"]", "groups = []", "item[1].groups", "1 to 40");
    one_fault(
        "legal_basis = \"public task\"",
        "legal_basis = \"consent\"",
        "item[1].legal_basis",
        "not free",
    );
    one_fault("seen_by = [\"teacher\"]", "seen_by = [\"everybody\"]", "item[4].seen_by", "not known");
    one_fault(
        "seen_by = [\"teacher\"]",
        "seen_by = [\"consortium_lead\"]",
        "item[4].seen_by",
        "never a named learner",
    );
    one_fault(
        "direction = \"from home to host\"",
        "direction = \"from host to home\"",
        "item[3].direction",
        "under no agreement",
    );
    one_fault(
        "relationship = \"separate\"",
        "relationship = \"friends\"",
        "controllers.relationship",
        "not one of",
    );
    one_fault("tell_parties_hours = 24", "tell_parties_hours = 96", "breach.tell_parties_hours", "1 to 72");
    one_fault("copies = \"withdraw\"", "copies = \"burn\"", "end.copies", "not one of");
    one_fault(
        "dpo = \"Data Protection Officer, dpo@northgate",
        "dpo = \"\" # \"",
        "party[2].dpo",
        "is blank",
    );
    one_fault("[dpia]", "colour = \"blue\"\n[dpia]", "transfers.colour", "don't have");
    one_fault(
        "kind = \"assessment\"\nreason",
        "kind = \"behaviour\"\nreason",
        "end.keep[2].kind",
        "no kind that an item lists",
    );
}

#[test]
fn what_is_missing_is_told_at_the_heading_of_its_section() {
    let (_, line) = with("[[item]]", "");
    let found = faults(&PAIR.replacen("legal_basis = \"public task\"\n", "", 1));
    assert_eq!((found.len(), found[0].line, found[0].field.as_str()), (1, line, "item[1].legal_basis"));
}

#[test]
fn all_faults_are_told_at_once_by_line() {
    let text = PAIR
        .replace("version = 1", "version = \"one\"")
        .replace("reference = \"DPIA 2026-14\"", "")
        .replace("part = \"host\"", "part = \"guest\"");
    let found = faults(&text);
    let fields: Vec<&str> = found.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(fields, ["version", "party[2].part", "dpia.reference"], "{}", told(&found));
    assert!(found.is_sorted_by_key(|fault| fault.line));
}

#[test]
fn a_starting_text_names_its_blanks_and_passes_once_they_are_filled_in() {
    let found = faults(STARTING_TEXT);
    assert!(found.len() > 30, "{}", told(&found));
    assert!(found.iter().all(|fault| fault.rule == "is blank"), "{}", told(&found));
    let mut filled = STARTING_TEXT.to_owned();
    for (blank, with) in [
        ("id = \"\"", "id = \"kingsmead-northgate\""),
        ("first_date = \"\"", "first_date = \"2026-09-01\""),
        ("last_date = \"\"", "last_date = \"2027-08-31\""),
        ("review_date = \"\"", "review_date = \"2027-06-01\""),
        ("\ndate = \"\"", "\ndate = \"2026-05-01\""),
        ("institution = \"\"", "institution = \"kingsmead\""),
        ("legal_basis = \"\"", "legal_basis = \"public task\""),
    ] {
        assert!(filled.contains(blank), "{blank}");
        filled = filled.replacen(blank, with, 1);
    }
    filled = filled
        .replacen("institution = \"\"", "institution = \"northgate\"", 1)
        .replace("\"\"", "\"Filled in.\"");
    assert_eq!(read(&filled).terms().kinds[&RecordKind::Attendance], [2]);
}

#[test]
fn what_the_policies_forbid_is_no_matter_of_agreement() {
    let behaviour = |groups: &str, seen_by: &str, grounds: &str| {
        let groups = format!("kind = \"behaviour\"\ngroups = [{groups}]");
        let text = PAIR.replacen("kind = \"assessment\"\ngroups = [\"result\", \"comment\"]", &groups, 1);
        let text = text.replacen("kind = \"assessment\"", "kind = \"behaviour\"", 1);
        let seen = "seen_by = [\"teacher\", \"tutor\", \"head_of_sixth\", \"learner\", \"parent\"]";
        assert!(text.contains(seen));
        text.replacen(seen, &format!("seen_by = [{seen_by}]\n{grounds}"), 1)
    };
    let grounds = "article_9 = \"substantial public interest\"\nschedule_1 = \"Paragraph 18\"\npolicy_document = \"Policy\"";
    read(&behaviour("\"event\", \"share_safe_text\"", "\"tutor\"", grounds));
    let only = |text: &str, field: &str, rule: &str| {
        let found = faults(text);
        assert_eq!(found.len(), 1, "{}", told(&found));
        assert!(found[0].field == field && found[0].rule.contains(rule), "{}", told(&found));
    };
    only(&behaviour("\"internal_comment\"", "\"tutor\"", ""), "item[2].groups", "never leaves");
    only(
        &behaviour("\"share_safe_text\"", "\"attendance_officer\"", grounds),
        "item[2].seen_by",
        "no account of it",
    );
    let bare = faults(&behaviour("\"event\"", "\"tutor\"", ""));
    let fields: Vec<&str> = bare.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(fields, ["item[2].article_9", "item[2].schedule_1"]);
    only(
        &behaviour("\"event\"", "\"tutor\"", "article_9 = \"legal claims\"\nschedule_1 = \"Paragraph 33\""),
        "item[2].policy_document",
        "appropriate policy document",
    );
}

#[test]
fn joint_controllers_and_kept_copies_need_their_reasons() {
    let joint = PAIR.replacen("\"separate\"\narrangement", "\"joint\"\n# arrangement", 1);
    assert_eq!(faults(&joint)[0].field, "controllers.arrangement");
    let kept = PAIR.replacen("copies = \"withdraw\"", "copies = \"keep\"", 1);
    let fields: Vec<String> = faults(&kept).into_iter().map(|fault| fault.field).collect();
    assert_eq!(fields, ["end.reason", "end.keep"]);
    let alone = PAIR.split("[[party]]").take(2).collect::<Vec<_>>().join("[[party]]")
        + "[why]"
        + PAIR.split("[why]").nth(1).unwrap();
    assert!(faults(&alone).iter().any(|fault| fault.field == "party" && fault.rule.contains("two parties")));
}

#[test]
fn hostile_texts_are_refused_with_a_line_and_nothing_else_happens() {
    let refused = |text: &str| {
        let found = faults(text);
        assert!(!found.is_empty() && found.len() <= 100);
        assert!(
            found.iter().all(|fault| fault.line >= 1 && fault.rule.len() < 300 && fault.field.len() < 100)
        );
        found
    };
    refused("");
    refused("\u{feff}");
    refused(&"x".repeat(TEXT_BYTES_MAX + 1));
    refused(&format!("a = {}", "[".repeat(60_000)));
    refused(&format!("a = {}1{}", "[".repeat(5_000), "]".repeat(5_000)));
    refused(&format!("{} = 1", "a.".repeat(20_000) + "a"));
    refused(&"[[party]]\n".repeat(10_000));
    refused(&(0..9_000).map(|n| format!("k{n} = 1\n")).collect::<String>());
    assert_eq!(refused("id = \"a\u{0}b\"")[0].line, 1);
    let (text, line) = with("purpose = \"\"\"", "# signed \u{202e} without\npurpose = \"\"\"");
    assert_eq!(
        (refused(&text).len(), refused(&text)[0].line),
        (1, line),
        "what people see is what they sign"
    );
    let (text, line) = with("title = \"Kingsmead learners", "title = \"Kingsmead \\u0007 learners");
    assert_eq!((refused(&text)[0].line, refused(&text)[0].field.as_str()), (line, "title"));
    let (text, line) = with("version = 1", "version = = 1");
    assert_eq!(refused(&text)[0].line, line);
    let (text, line) = with("version = 1", "version = 1\nversion = 2");
    assert_eq!(refused(&text)[0].line, line + 1);
}

#[test]
fn a_fault_never_repeats_what_the_text_says() {
    let (text, _) =
        with("dpo = \"Data Protection Officer, dpo@northgate", "dpo_name = \"Jo Secret, dpo@northgate");
    assert!(!told(&faults(&text)).contains("Secret"));
    let (text, _) = with("part = \"host\"", "part = \"Secret\"");
    assert!(!told(&faults(&text)).contains("Secret"));
    let (text, _) = with("version = 1", "\"Jo Secret\" = 1\nversion = 1");
    assert!(!told(&faults(&text)).contains("Secret"));
}
