//! Case 16, policy part: a set that is missing, unreadable, wrong or failing never allows anything.

use crate::{Partners, policies_dir};
use commonroll_core::RecordKind;
use commonroll_policy::{
    DenyCode, Finding, Policy, PolicyError, Question, Texts, check, check_dir, test_dir,
};
use std::{fs, path::Path};

/// A copy of the shipped folder that a test may spoil.
fn copy() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for entry in fs::read_dir(policies_dir()).expect("the shipped folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            continue;
        }
        fs::copy(&path, dir.path().join(path.file_name().expect("a name"))).expect("a copy");
    }
    dir
}

fn spoil(dir: &Path, file: &str, from: &str, to: &str) {
    let text = fs::read_to_string(dir.join(file)).expect("the file");
    assert!(text.contains(from), "{file} has no {from}");
    fs::write(dir.join(file), text.replacen(from, to, 1)).expect("written");
}

/// The embedded set with one more file.
fn with(rules: &str) -> Result<Policy, PolicyError> {
    Policy::new(texts_with(rules))
}

fn texts_with(rules: &str) -> Texts {
    let embedded = Texts::embedded();
    let files: Vec<_> = embedded
        .iter()
        .filter(|(name, _)| name.ends_with(".cedar"))
        .chain([("extra.cedar", rules)])
        .collect();
    Texts::new(embedded.get("schema.cedarschema").expect("the schema"), &files)
}

fn findings(error: PolicyError) -> Vec<Finding> {
    let PolicyError::Rejected(findings) = error else { unreachable!("{error}") };
    findings
}

/// File and line of each finding.
fn places(findings: &[Finding]) -> Vec<(&str, usize)> {
    findings.iter().map(|finding| (finding.file.as_str(), finding.line)).collect()
}

#[test]
fn case_16_a_missing_file_is_named() {
    for file in ["schema.cedarschema", "common.cedar", "behaviour.cedar", "card.cedar", "teacher.cedar"] {
        let dir = copy();
        fs::remove_file(dir.path().join(file)).expect("removed");
        let error = Policy::from_dir(dir.path()).expect_err("a file is missing");
        assert_eq!(error, PolicyError::Missing { file: file.to_owned() });
        assert_eq!(places(&check_dir(dir.path())), [(file, 0)]);
    }
    let nowhere = Policy::from_dir(Path::new("/nowhere/at/all")).expect_err("no folder");
    assert!(matches!(nowhere, PolicyError::Unreadable { .. }), "{nowhere}");
}

#[test]
fn case_16_an_unreadable_file_is_named() {
    let folder = |path: &Path| {
        fs::remove_file(path).expect("removed");
        fs::create_dir(path).expect("a folder in its place");
    };
    let bytes = |path: &Path| fs::write(path, b"permit\xff\xfe").expect("written");
    let huge = |path: &Path| fs::write(path, vec![b' '; 300 * 1024]).expect("written");
    for make in [&folder as &dyn Fn(&Path), &bytes, &huge] {
        let dir = copy();
        make(&dir.path().join("behaviour.cedar"));
        let error = Policy::from_dir(dir.path()).expect_err("it can't be read");
        assert!(
            matches!(&error, PolicyError::Unreadable { file, .. } if file == "behaviour.cedar"),
            "{error}"
        );
        assert!(!error.to_string().contains(&dir.path().display().to_string()), "{error}");
    }
}

#[test]
fn case_16_a_syntax_error_is_found_at_its_line() {
    let dir = copy();
    spoil(
        dir.path(),
        "assessment.cedar",
        "principal == resource.home &&",
        "principal == resource.home && &&",
    );
    let text = fs::read_to_string(dir.path().join("assessment.cedar")).expect("the file");
    let line = text.lines().position(|line| line.contains("&& &&")).expect("the line") + 1;
    let found = check_dir(dir.path());
    assert_eq!(places(&found)[0], ("assessment.cedar", line));
    assert!(
        found[0].column > 1 && found[0].to_string().starts_with(&format!("assessment.cedar:{line}:")),
        "{}",
        found[0]
    );
    assert!(Policy::from_dir(dir.path()).is_err());
}

#[test]
fn case_16_a_word_that_the_schema_does_not_have_is_found_at_its_line() {
    for (from, to) in [
        ("principal == resource.home &&", "principal == resource.hoem &&"),
        ("FieldGroup::\"assessment.comment\"", "FieldGroup::\"assessment.coment\""),
        ("Action::\"receive\"", "Action::\"recieve\""),
        ("resource is Assessment)\nwhen", "resource is Asessment)\nwhen"),
    ] {
        let dir = copy();
        spoil(dir.path(), "assessment.cedar", from, to);
        let text = fs::read_to_string(dir.path().join("assessment.cedar")).expect("the file");
        let wrong = to.lines().next().expect("a line");
        let line = text.lines().position(|line| line.contains(wrong)).expect("the line") + 1;
        let found = check_dir(dir.path());
        assert!(places(&found).contains(&("assessment.cedar", line)), "{to}: {found:?}");
    }
}

#[test]
fn case_16_a_broken_schema_is_found_at_its_line() {
    let dir = copy();
    spoil(dir.path(), "schema.cedarschema", "placed: Bool,", "placed: Bool");
    let text = fs::read_to_string(dir.path().join("schema.cedarschema")).expect("the file");
    let line = text.lines().position(|line| line.ends_with("placed: Bool")).expect("the line") + 1;
    let found = check_dir(dir.path());
    assert_eq!(found[0].file, "schema.cedarschema");
    assert!((line..=line + 2).contains(&found[0].line), "{}", found[0]);
}

#[test]
fn case_16_a_schema_that_can_not_express_the_questions_is_refused() {
    for (from, to) in [
        ("  placed: Bool,\n", "  placed: Bool,\n  weather: String,\n"),
        ("\"behaviour.internal_comment\"", "\"behaviour.internal\""),
        ("agreement?: Listed", "agreement: Listed"),
        ("  of?: Institution,", "  of: Institution,"),
        ("\"consortium_lead\"", "\"lead\""),
        ("  exit_pack,", "  exit_paper,"),
    ] {
        let dir = copy();
        spoil(dir.path(), "schema.cedarschema", from, to);
        let error = Policy::from_dir(dir.path()).expect_err("questions don't fit");
        assert!(findings(error).iter().any(|f| f.message.starts_with("the schema can't express")), "{to}");
    }
}

#[test]
fn a_rule_that_reads_an_optional_attribute_blindly_is_refused() {
    let error = with(
        r#"@id("x") @says("x") permit (principal, action, resource) when { principal == resource.home };"#,
    );
    let found = findings(error.expect_err("home may be absent"));
    assert!(places(&found).iter().all(|place| *place == ("extra.cedar", 1)), "{found:?}");
    assert!(found[0].message.contains("home"), "{}", found[0]);
}

#[test]
fn a_rule_that_follows_attributes_too_far_is_refused() {
    let embedded = Texts::embedded();
    let schema = embedded.get("schema.cedarschema").expect("the schema");
    let schema = schema.replace("entity Institution;", "entity Institution = { lead?: Institution };");
    let far = r#"
@id("far") @says("far")
forbid (principal, action, resource)
when { resource.source has lead && resource.source.lead == principal };"#;
    let files: Vec<_> =
        embedded.iter().filter(|(name, _)| name.ends_with(".cedar")).chain([("extra.cedar", far)]).collect();
    let found = check(&Texts::new(&schema, &files));
    assert!(
        found.iter().any(|f| f.file == "extra.cedar" && f.line >= 2 && f.message.contains("level")),
        "{found:?}"
    );
}

#[test]
fn a_rule_that_names_an_institution_is_refused_since_decisions_follow_from_relations() {
    let rule = "\n\n@id(\"favour\")\n@says(\"favour\")\npermit (principal == Institution::\"kingsmead\", action, resource);";
    let found = findings(with(rule).expect_err("it names one"));
    assert_eq!(places(&found), [("extra.cedar", 3)]);
    assert!(found[0].message.contains("must not name one Institution"), "{}", found[0]);
}

#[test]
fn a_rule_without_id_or_words_or_with_a_taken_id_or_an_unknown_code_is_refused() {
    for (rule, words) in [
        (r#"@says("x") forbid (principal, action, resource);"#, "needs @id"),
        (r#"@id("Bad Id") @says("x") forbid (principal, action, resource);"#, "needs @id"),
        (r#"@id("x") forbid (principal, action, resource);"#, "needs @says"),
        (r#"@id("x") @says(" ") forbid (principal, action, resource);"#, "needs @says"),
        (r#"@id("confidential-stays") @says("x") forbid (principal, action, resource);"#, "is taken"),
        (
            r#"@id("x") @says("x") @code("because") forbid (principal, action, resource);"#,
            "@code must be one of",
        ),
        (r#"@id("x") @says("x") permit (principal == ?principal, action, resource);"#, "templates"),
        (r#"@id("x") @says("x") permit (principal, action, resource) when { false };"#, "impossible"),
    ] {
        let found = findings(with(rule).expect_err(words));
        assert!(
            found.iter().any(|f| f.file == "extra.cedar" && f.message.contains(words)),
            "{words}: {found:?}"
        );
    }
}

#[test]
fn case_16_a_rule_that_fails_at_run_time_denies_whatever_else_permits() {
    let partners = Partners::new();
    for effect in ["permit", "forbid"] {
        let rule = format!(
            r#"@id("too-big") @says("Counts too far.")
               {effect} (principal, action == Action::"receive", resource is Attendance)
               when {{ context has agreement && 9223372036854775807 + 1 > 0 }};"#
        );
        let policy = with(&rule).expect("types can't tell that it overflows");
        let question = partners.goes_home(RecordKind::Attendance);
        for answer in [policy.decide(&question), policy.decide(&question), policy.decide_afresh(&question)] {
            let denied = answer.expect_err("a rule failed");
            assert_eq!(
                (denied.code, denied.policies()),
                (DenyCode::PolicyError, &["too-big".to_owned()][..])
            );
        }
        assert!(
            policy.decide(&partners.goes_home(RecordKind::Assessment)).is_ok(),
            "other kinds are unharmed"
        );
        let calm = policy.decide(&Question { agreement: None, ..question }).expect_err("no agreement");
        assert_ne!(calm.code, DenyCode::PolicyError, "the rule is not reached");
    }
}

#[test]
fn case_16_a_rule_that_fails_for_one_field_group_denies_the_whole_record() {
    let rule = r#"@id("too-big") @says("Counts too far.") permit (principal, action in [Action::"publish", Action::"receive"], resource)
        when { context.group == FieldGroup::"attendance.note" && 9223372036854775807 + 1 > 0 };"#;
    let policy = with(rule).expect("types can't tell that it overflows");
    let denied =
        policy.decide(&Partners::new().goes_home(RecordKind::Attendance)).expect_err("a rule failed");
    assert_eq!(denied.code, DenyCode::PolicyError);
}

#[test]
fn an_empty_set_denies_everything() {
    let embedded = Texts::embedded();
    let files: Vec<_> =
        embedded.iter().filter(|(n, _)| n.ends_with(".cedar")).map(|(name, _)| (name, "")).collect();
    let schema = embedded.get("schema.cedarschema").expect("the schema");
    let policy = Policy::from_texts(schema, &files).expect("no rules is a set");
    let partners = Partners::new();
    for kind in RecordKind::ALL {
        for question in partners.every_question(kind).step_by(7) {
            assert_eq!(policy.decide(&question).expect_err("no rule").code, DenyCode::NoPolicy);
        }
    }
}

#[test]
fn the_hash_names_the_texts_and_not_the_line_ends() {
    let embedded = Policy::embedded().expect("the embedded set is fit");
    assert_eq!(embedded.hash(), Policy::from_dir(&policies_dir()).expect("the same set").hash());
    let changed = with("// a remark").expect("a remark is no fault");
    assert_ne!(embedded.hash(), changed.hash());
    let texts = Texts::embedded();
    let dos: Vec<_> =
        texts.iter().map(|(name, text)| (name.to_owned(), text.replace('\n', "\r\n"))).collect();
    let files: Vec<_> = dos.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    assert_eq!(
        Texts::new(&dos.iter().find(|(n, _)| n.contains("schema")).expect("it").1, &files).hash(),
        embedded.hash()
    );
}

#[test]
fn a_changed_rule_shows_as_a_difference_from_the_reviewed_table_and_the_examples() {
    let dir = copy();
    let receive = "principal == resource.home &&\n  resource.placed &&";
    spoil(dir.path(), "attendance.cedar", receive, "principal == resource.home &&");
    let found = check_dir(dir.path());
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].file, "who-may-what.txt", "{}", found[0]);
    let table = fs::read_to_string(dir.path().join("who-may-what.txt")).expect("the table");
    assert!(
        table.lines().nth(found[0].line - 1).expect("the line").contains("the home, not placed"),
        "{}",
        found[0]
    );

    spoil(dir.path(), "common.cedar", "when { resource.confidential };", "when { !resource.confidential };");
    assert!(check_dir(dir.path()).iter().any(|f| f.file == "examples.txt"));
}

#[test]
fn a_rule_that_decides_nothing_that_is_reviewed_is_a_finding() {
    let dir = copy();
    let unheard_of = r#"
@id("unheard-of") @says("Says so.")
forbid (principal, action == Action::"read_card", resource)
when { principal.role == Role::"learner" && context.teaches && context.emergency && !context.own };"#;
    let text = fs::read_to_string(dir.path().join("card.cedar")).expect("the file");
    fs::write(dir.path().join("card.cedar"), format!("{text}{unheard_of}")).expect("written");
    let found = check_dir(dir.path());
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].message.contains("rule unheard-of decides no row"), "{}", found[0]);
    let example = "Strange\n  given teaches, emergency open\n  when learner at home, for pastoral, reads card\n  then denied no_policy\n";
    fs::write(dir.path().join("examples-own.txt"), example).expect("written");
    assert_eq!(check_dir(dir.path()), []);
}

#[test]
fn an_example_that_can_not_be_read_is_a_finding_at_its_line() {
    for (example, line) in [
        ("Title\n  given placed\n  when home recieves attendance\n  then head", 3),
        ("Title\n  given sunshine\n  when home receives attendance\n  then head", 3),
        ("Title\n  given agreement grades\n  when home receives attendance\n  then head", 3),
        ("Title\n  when tutor at home, for fun, reads card\n  then identity", 2),
        ("Title\n  when head, for administration, does magic for own\n  then yes", 2),
        ("Title\n  then head", 2),
        ("Title\n  perhaps", 2),
    ] {
        let dir = copy();
        fs::write(dir.path().join("examples.txt"), example).expect("written");
        let examples = test_dir(dir.path()).expect("the policies are sound");
        let fault = examples.iter().find_map(|example| example.fault.as_ref()).expect("it can't be read");
        assert_eq!((fault.file.as_str(), fault.line), ("examples.txt", line), "{example}");
    }
}
