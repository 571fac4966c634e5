//! Kinds of records that can be read with a mapping that we ship: which are taken, and the mapping of one alone.

use super::{
    super::{ask::Asker, screen::Screen},
    Outcome,
};
use commonroll_connectors::templates::Template;

/// A kind as it is asked about: its name, and its mapping.
pub(super) type Named = (&'static str, &'static Template);

/// All of them, which is what `all` says, or those that somebody chooses.
pub(super) fn one_by_one<K>(
    mut kinds: Vec<K>,
    all: &str,
    named: fn(&K) -> Named,
    screen: &Screen,
    asker: &mut Asker,
) -> Result<Vec<K>, String> {
    let items = [all.to_owned(), "choose one by one".to_owned()];
    if kinds.len() > 1 && asker.pick(screen, "What is to be read?", &items) == Some(1) {
        kinds.retain(|kind| {
            let (what, template) = named(kind);
            asker.confirm(&format!("Read {what} ({})?", template.about), true)
        });
        if kinds.is_empty() {
            return Err("nothing was chosen".to_owned());
        }
    }
    Ok(kinds)
}

/// Prints the mapping of the one kind that there is.
pub(super) fn print<K>(kinds: &[K], named: fn(&K) -> Named) -> Result<Outcome, String> {
    let [kind] = kinds else {
        let names: Vec<&str> = kinds.iter().map(|kind| named(kind).0).collect();
        return Err(format!(
            "a mapping file is for one kind of record; add --records with one of {}",
            names.join(", ")
        ));
    };
    print!("{}", named(kind).1.text);
    Ok(Outcome::Printed(false))
}
