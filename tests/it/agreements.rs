//! Sharing agreements across crates: the parser's ceiling is the policies' own, and the commands do what they say.

use crate::outside::{commonroll, top};
use commonroll_core::{
    Purpose, RecordKind, Role, Slug,
    agreement::{AgreementText, ItemKind, Word},
};
use commonroll_policy::{AgreementInForce, CardFacts, Matter, PersonQuestion, Policy, RecordFacts};
use std::{path::Path, process::Output};

const PAIR: &str = include_str!("../../policies/agreements/kingsmead-northgate.toml");

/// What the policies let somebody see of what another institution shares, in the best of cases: bit `1 << number`.
fn best(policy: &Policy, kind: ItemKind, role: Role) -> u32 {
    let (home, host, id): (Slug, Slug, Slug) =
        ("home".parse().unwrap(), "host".parse().unwrap(), "pair".parse().unwrap());
    let agreement = Some(AgreementInForce { id: &id, version: 1, groups: u32::MAX });
    let (institution, matter) = match kind {
        ItemKind::Record(kind) => (
            &home,
            Matter::Record(RecordFacts {
                kind,
                source: &host,
                home: Some(&home),
                placed: true,
                confidential: false,
                agreement,
                teaches: true,
                own: true,
                access_on: true,
                emergency: false,
            }),
        ),
        ItemKind::Card => (
            &host,
            Matter::Card(CardFacts {
                home: Some(&home),
                host_placed: true,
                teaches: true,
                own: true,
                access_on: true,
                emergency: false,
                agreement,
            }),
        ),
    };
    let permits = Purpose::ALL.into_iter().filter_map(|purpose| {
        policy.decide_person(&PersonQuestion { role, institution, purpose, matter }).ok()
    });
    permits.fold(0, |groups, permit| groups | permit.groups())
}

/// True if an agreement may name this role for this group.
fn may_list(kind: ItemKind, group: &str, role: Role) -> bool {
    let identity = match (kind, group) {
        (ItemKind::Card, "identity") | (ItemKind::Record(_), _) => String::new(),
        (ItemKind::Card, _) => item(ItemKind::Card, "identity", Role::Teacher),
    };
    let (head, rest) = PAIR.split_once("[[item]]").unwrap();
    let tail = rest.split_once("[controllers]").unwrap().1.split_once("[[end.keep]]").unwrap().0;
    let text = format!("{head}{identity}{}[controllers]{tail}", item(kind, group, role));
    match AgreementText::parse(&text) {
        Ok(_) => true,
        Err(faults) => {
            let ours = |field: &str| field.ends_with(".seen_by") || field.ends_with(".groups");
            assert!(faults.iter().all(|fault| ours(&fault.field)), "{faults:?}");
            false
        }
    }
}

fn item(kind: ItemKind, group: &str, role: Role) -> String {
    let text = "
        legal_basis = \"public task\"
        basis_source = \"Teaching\"
        article_9 = \"substantial public interest\"
        schedule_1 = \"Paragraph 18\"
        policy_document = \"A document\"
        kept_at_source = \"1 year\"
        kept_at_recipient = \"1 year\"
        kept_at_hub_days = 30
        deletion = \"Yearly\"\n";
    let direction = kind.direction();
    format!(
        "[[item]]\nkind = \"{kind}\"\ngroups = [\"{group}\"]\ndirection = \"{direction}\"\nseen_by = [\"{role}\"]{text}"
    )
}

#[test]
fn an_agreement_may_list_exactly_what_the_policies_let_flow_and_let_people_see() {
    let policy = Policy::embedded().unwrap();
    for (_, kind) in ItemKind::ALL {
        for role in Role::ALL {
            let seen = best(&policy, *kind, role);
            for (number, group) in kind.groups() {
                let policies = seen & 1 << number != 0;
                assert_eq!(may_list(*kind, group, role), policies, "{kind} {group} seen by {role}");
            }
        }
    }
}

#[test]
fn the_card_has_the_same_parts_for_agreements_and_policies() {
    assert_eq!(ItemKind::Card.groups(), commonroll_policy::CARD_GROUPS);
    assert_eq!(ItemKind::Record(RecordKind::Behaviour).groups(), RecordKind::Behaviour.groups());
}

fn run(folder: &Path, line: &str) -> (Output, String, String) {
    let mut command = std::process::Command::new(commonroll());
    let output = command.arg("agreement").args(line.split(' ')).current_dir(folder).output().unwrap();
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout).into(), String::from_utf8_lossy(&output.stderr).into());
    (output, out, err)
}

#[test]
fn a_data_manager_writes_an_agreement_checks_it_and_prints_what_people_need() {
    let folder = tempfile::tempdir().unwrap();
    let (new, said, _) = run(folder.path(), "new our.toml");
    assert!(new.status.success() && said.contains("agreement check our.toml"), "{said}");
    let (again, _, error) = run(folder.path(), "new our.toml");
    assert!(
        !again.status.success() && error.contains("our.toml"),
        "a file that is there is left alone: {error}"
    );

    let (check, faults, _) = run(folder.path(), "check our.toml");
    assert_eq!(check.status.code(), Some(1));
    assert!(faults.starts_with("our.toml:6: id: is blank; fill it in\n"), "{faults}");

    std::fs::write(folder.path().join("our.toml"), PAIR).unwrap();
    let (check, sound, _) = run(folder.path(), "check our.toml");
    assert!(check.status.success(), "{sound}");
    let hash = sound.split("SHA-256 ").nth(1).unwrap().split_whitespace().next().unwrap();
    assert!(
        hash.len() == 64 && sound.contains("attendance from host to home: presence, register"),
        "{sound}"
    );

    let (_, page, _) = run(folder.path(), "page our.toml --format html");
    assert!(page.starts_with("<!doctype html>") && page.contains(hash), "the page names the hash to sign");
    let (_, record, _) = run(folder.path(), "record our.toml --institution northgate");
    assert!(record.starts_with("# Record of processing: Northgate College"));
    let (_, dpia, _) = run(folder.path(), "dpia our.toml --volume attendance=120000");
    assert!(dpia.contains("| Attendance | 120,000 |"));
    let (_, young, grade) = run(folder.path(), "notice our.toml --young");
    assert!(young.starts_with("# Who knows what about you") && grade.starts_with("reading grade"), "{grade}");
}

#[test]
fn a_malformed_agreement_names_the_line_and_makes_no_document() {
    let folder = tempfile::tempdir().unwrap();
    let bad = PAIR.replacen("last_date = \"2027-08-31\"", "last_date = \"2027-02-30\"", 1);
    std::fs::write(folder.path().join("bad.toml"), bad).unwrap();
    for line in
        ["page bad.toml", "record bad.toml --institution northgate", "dpia bad.toml", "notice bad.toml"]
    {
        let (output, made, error) = run(folder.path(), line);
        assert!(!output.status.success() && made.is_empty(), "{line}");
        assert!(error.contains("bad.toml:7: last_date: is not a date that exists"), "{error}");
    }
    let (output, _, error) = run(folder.path(), "record bad.toml --institution Nobody!");
    assert!(!output.status.success() && error.contains("lower-case"), "{error}");
    let (output, _, error) = run(top(), "page policies/agreements/none.toml");
    assert!(!output.status.success() && error.contains("none.toml"), "{error}");
}
