//! The two tables of ARCHITECTURE.md, held against what cargo says: who may import whom, and what is fenced in.

use super::metadata::{ours, short};
use crate::outside::text;
use std::collections::{BTreeMap, BTreeSet};

/// Crates that the map names and nobody has built yet. Whoever builds one strikes it out here.
const TO_COME: [&str; 0] = [];

/// The rows of the table under a heading line, as pairs of cells, with backticks gone.
fn table(heading: &str) -> Vec<(String, String)> {
    let map = text("ARCHITECTURE.md");
    let from = map.find(heading).unwrap_or_else(|| panic!("ARCHITECTURE.md has no table `{heading}`"));
    let rows = map[from..].lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<String> =
            row.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect();
        let [left, right] = &cells[..] else { panic!("two cells in `{row}`") };
        (left.clone(), right.clone())
    })
    .collect()
}

fn names(cell: &str) -> BTreeSet<String> {
    cell.split(',').map(|name| name.trim().to_owned()).filter(|name| name != "nothing").collect()
}

/// What each of our crates may import; `None` means everything.
fn allowed() -> BTreeMap<String, Option<BTreeSet<String>>> {
    let mut allowed = BTreeMap::new();
    for (crates, imports) in table("| crate | may import (ours) |") {
        for name in names(&crates) {
            let row = (imports != "all").then(|| names(&imports));
            assert!(allowed.insert(name.clone(), row).is_none(), "`{name}` has two rows");
        }
    }
    allowed
}

#[test]
fn our_crates_import_what_the_map_allows_and_nothing_else() {
    let (allowed, ours) = (allowed(), ours());
    for (name, package) in &ours {
        let row = allowed.get(*name).unwrap_or_else(|| panic!("`{name}` is not in ARCHITECTURE.md's table"));
        let Some(row) = row else { continue };
        let imports: Vec<&str> =
            package.normal.iter().filter(|dep| dep.starts_with("commonroll")).map(|dep| short(dep)).collect();
        let beyond: Vec<_> = imports.iter().filter(|import| !row.contains(**import)).collect();
        assert!(beyond.is_empty(), "`{name}` imports {beyond:?}, which the map does not allow");
    }
    let missing: Vec<&str> =
        allowed.keys().map(String::as_str).filter(|name| !ours.contains_key(name)).collect();
    assert_eq!(missing, TO_COME, "crates of the map that are not there");
}

#[test]
fn heavy_and_dangerous_dependencies_stay_inside_their_fence() {
    let fences = table("| from outside | seen only by |");
    assert!(fences.len() >= 5, "{fences:?}");
    for (outside, inside) in fences {
        let see: BTreeSet<String> = ours()
            .iter()
            .filter(|(name, package)| {
                **name != "tests" && names(&outside).iter().any(|o| package.normal.contains(o))
            })
            .map(|(name, _)| (*name).to_owned())
            .collect();
        assert_eq!(see, names(&inside), "who depends on {outside}");
    }
}

#[test]
fn every_room_of_the_map_is_there_and_every_folder_is_on_it() {
    let map = text("ARCHITECTURE.md");
    let crates = crate::outside::kept_files()
        .iter()
        .filter_map(|file| file.strip_prefix("crates/")?.split('/').next());
    for name in crates.collect::<BTreeSet<_>>() {
        assert!(
            map.contains(&format!("\n  {name}/ ")),
            "crates/{name} has no line in ARCHITECTURE.md's rooms"
        );
    }
    let words = map.split(|c: char| c.is_whitespace() || "`()[],;".contains(c));
    for path in words.filter(|word| word.ends_with(".rs") && word.contains('/')) {
        assert!(
            crate::outside::top().join(path).exists(),
            "ARCHITECTURE.md speaks of {path}, which is not there"
        );
    }
}
