//! OneRoster packages, the standard's own and made ones.

use crate::support::{fixture, run};
use expect_test::expect;
use std::fmt::Write;

const PLAIN: &str = "format = \"oneroster\"";

/// Each package of the conformance set, and what comes of it: refused with a rule, or read with problems.
#[test]
fn every_package_of_the_conformance_set_is_judged() {
    let folder = format!("{}/tests/fixtures/oneroster", env!("CARGO_MANIFEST_DIR"));
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".zip"))
        .collect();
    names.sort();
    let mut judged = String::new();
    for name in names {
        let outcome = match run(PLAIN, fixture(&format!("oneroster/{name}"))) {
            Ok(seen) => {
                let mut rules = seen.rules();
                rules.sort_unstable();
                rules.dedup();
                format!("{} items, {:?}", seen.items.len(), rules)
            }
            Err(fault) => format!("refused {}", fault.rule()),
        };
        let sound = outcome.ends_with("[]");
        assert_eq!(sound, name.starts_with("valid-"), "{name}: {outcome}");
        writeln!(judged, "{name}: {outcome}").unwrap();
    }
    expect![[r#"
        invalid-duplicateSourcedId.zip: 2 items, ["OR-ID-TWICE", "OR-REFERENCE"]
        invalid-fieldFailure.zip: 1 items, ["OR-BLANK", "OR-BOOL", "OR-DATE", "OR-ENUM", "OR-ID", "OR-NUMBER", "OR-REFERENCE", "OR-SCALE", "OR-YEAR"]
        invalid-forbiddenBulkLifecycle.zip: 0 items, ["OR-BULK-LIFECYCLE"]
        invalid-invalidDeltaLifecycle.zip: 0 items, ["OR-DELTA-LIFECYCLE"]
        invalid-missingDeltaLifecycle.zip: 0 items, ["OR-DELTA-LIFECYCLE"]
        invalid-missingTargetFile.zip: 0 items, ["OR-REFERENCE-FILE"]
        invalid-missingTargetRecord.zip: 1 items, ["OR-LINE-ITEM", "OR-REFERENCE"]
        invalid-schemaFailure.zip: refused OR-HEADER-ORDER
        invalid-semanticFailure.zip: 1 items, ["OR-LINE-ITEM", "OR-OBJECTIVE", "OR-RANGE", "OR-SCALE"]
        valid-full-bulk-graph.zip: 2 items, []
        valid-full-bulk.zip: 2 items, []
        valid-full-delta.zip: 2 items, []
        valid-gradebook-bulk.zip: 2 items, []
        valid-gradebook-delta.zip: 2 items, []
        valid-manifestOnly.zip: 0 items, []
        valid-metadata.zip: 2 items, []
        valid-resources-bulk.zip: 1 items, []
        valid-resources-delta.zip: 1 items, []
        valid-rostering-bulk.zip: 1 items, []
        valid-rostering-delta.zip: 1 items, []
    "#]].assert_eq(&judged);
}

#[test]
fn a_package_becomes_groups_and_results() {
    let seen = run(PLAIN, fixture("oneroster/valid-full-bulk-graph.zip")).unwrap();
    expect![[r#"
        2: group class-1 Algebra One A / Math
        2: 2024-09-09 user-1 class-1 key=result-1 Assignment A on northgate/score-scale-1@1 Math / Unit Quiz / Fall Term "Done"
        covers: Groups
        covers: Records(Assessment)
    "#]].assert_eq(&seen.show());
    let delta = run(PLAIN, fixture("oneroster/valid-full-delta.zip")).unwrap();
    assert!(delta.scopes.is_empty(), "a delta says nothing about what it leaves out");
    assert_eq!(delta.items.len(), seen.items.len());
}
