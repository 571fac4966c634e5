//! Exports that say little: one class alone in the file, and columns that nobody said anything about.

use super::{
    answered, proposed, shown,
    world::{Dice, children, days, written},
};
use crate::support::run;
use commonroll_connectors::{
    Item,
    propose::{Answers, Value},
};

/// A register of one class: each row has the same value under this caption.
fn register(caption: &str, class: &str) -> String {
    let dice = &mut Dice(410);
    let people = children(14, "K", dice);
    let mut text = format!("Adno,{caption},Date,Start,End,Mark\n");
    for day in days(8) {
        for child in &people {
            let mark = dice.mostly(&["/", "\\", "L", "N"]);
            text.push_str(&format!(
                "{},{class},{},09:00,10:00,{mark}\n",
                child.number,
                written(day, "slash")
            ));
        }
    }
    text
}

fn group_of((_, item): &(u64, Item)) -> Option<String> {
    match item {
        Item::Record(draft) => draft.group.as_ref().map(|group| group.as_str().to_owned()),
        item => panic!("not a record: {item:?}"),
    }
}

/// Without its group a mark is judged by date and time alone.
#[test]
fn a_register_of_one_class_keeps_its_group() {
    for caption in ["Class", "Group", "Teaching Group", "Class Code"] {
        let text = register(caption, "12B/Ma1");
        let proposal = proposed("register.csv", text.as_bytes());
        let group = proposal.choice("fields.group").map(|choice| shown(&choice.value));
        assert_eq!(group.as_deref(), Some(caption), "{}", proposal.to_toml("*"));
        let seen = run(&proposal.to_toml("*"), &text).unwrap();
        assert!(seen.problems.is_empty() && !seen.items.is_empty(), "{:?}", seen.problems.first());
        assert_eq!(group_of(&seen.items[0]).as_deref(), Some("12B/Ma1"));
    }
    // A number or a word may be something else: it is asked for, as it is where there are several of them.
    for class in ["1", "Mathematics"] {
        let proposal = proposed("register.csv", register("Group", class).as_bytes());
        let is_asked = proposal.doubts.iter().any(|doubt| doubt.setting == "fields.group");
        assert!(is_asked || proposal.column("group") == Some("Group"), "{class}: {}", proposal.to_toml("*"));
    }
}

#[test]
fn what_is_the_same_in_all_rows_is_no_group_by_its_values_alone() {
    for caption in ["Tutor Group", "Reg", "Year", "School", "Mode"] {
        let proposal = proposed("register.csv", register(caption, "12B").as_bytes());
        assert_eq!(proposal.column("group"), None, "{caption}: {}", proposal.to_toml("*"));
    }
}

/// Each export would have been called faulty for a column that nobody was at hand to be asked about.
#[test]
fn a_column_that_is_left_in_doubt_is_passed_over_and_stays_in_sight() {
    let text = register("Group", "Mathematics");
    let proposal = proposed("register.csv", text.as_bytes());
    let doubt = proposal.doubts.iter().find(|doubt| doubt.setting == "fields.group").unwrap();
    assert!(!doubt.must);
    let mapping = proposal.to_toml("*");
    assert!(mapping.contains("\"Group\",   # in doubt: may be group, see \"# ?\""), "{mapping}");
    assert!(mapping.contains("# ? group = \"Group\""), "{mapping}");
    let seen = run(&mapping, &text).unwrap();
    assert!(seen.problems.is_empty(), "{:?}", seen.problems.first());
    // Whoever takes the comment's sign away need not look for the caption elsewhere.
    let said = mapping.replace("# ? group = \"Group\"", "group = \"Group\"");
    let named = run(&said, &text).unwrap();
    assert!(named.problems.is_empty(), "{:?}", named.problems.first());
    assert_eq!(group_of(&seen.items[0]), None);
    assert_eq!(group_of(&named.items[0]).as_deref(), Some("Mathematics"), "now it is read");
    // Whoever says no is asked nothing more, and the caption stays passed over.
    let answers = Answers::from([("fields.group".to_owned(), Value::Nothing)]);
    let mapping = answered("register.csv", text.as_bytes(), &answers).to_toml("*");
    assert!(mapping.contains("\"Group\",   # ") && !mapping.contains("# ?"), "{mapping}");
}
