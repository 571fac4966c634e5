//! The shape of a file of rows: which element is a row, and which elements and attributes stand under it.
//!
//! Rows leave out what is blank, so the captions are those of the whole file, found in one pass before the first row is
//! read. How many there may be is bounded.

use super::{Event, Events, too_deep, too_large};
use crate::connector::{FileFault, Limits};
use std::collections::HashMap;

/// Steps of the first look, in which the element that repeats is found.
const LOOK_STEPS: usize = 40_000;
/// Names of elements that the first look counts.
const LOOK_NAMES: usize = 1_000;

/// Finds the element that repeats: the outermost one that stands twice under the same parent. Without one, the only child
/// of the root if it has children. `None` if nothing in the file looks like a row.
pub fn repeated(events: &mut Events<'_>, limits: &Limits) -> Result<Option<String>, FileFault> {
    // Of each open element: how often it has a child of a name, and whether it has children at all.
    let mut open: Vec<HashMap<String, usize>> = Vec::new();
    let mut best: Option<(usize, usize, String)> = None;
    let mut only: Option<String> = None;
    let (mut names, mut root_children, mut only_has_children) = (0, 0_usize, false);
    for _ in 0..LOOK_STEPS {
        match events.step()? {
            Event::Open(tag) => {
                let depth = open.len();
                if depth >= limits.xml_depth_max {
                    return Err(too_deep(tag.line));
                }
                if depth == 1 {
                    root_children += 1;
                    only = Some(tag.name().to_owned());
                }
                only_has_children |= depth == 2;
                if let Some(children) = open.last_mut() {
                    let count = match children.get_mut(tag.name()) {
                        Some(count) => {
                            *count += 1;
                            *count
                        }
                        None if names < LOOK_NAMES => {
                            names += 1;
                            children.insert(tag.name().to_owned(), 1);
                            1
                        }
                        None => 1,
                    };
                    let better = best
                        .as_ref()
                        .is_none_or(|(at, most, _)| depth < *at || (depth == *at && count > *most));
                    if count > 1 && better {
                        best = Some((depth, count, tag.name().to_owned()));
                    }
                }
                open.push(HashMap::new());
            }
            Event::Close => {
                names -= open.pop().map_or(0, |children| children.len());
                if open.is_empty() {
                    break;
                }
            }
            Event::Text(_) | Event::Nothing => {}
            Event::End => return Err(events.broken()),
        }
    }
    Ok(match best {
        Some((_, _, name)) => Some(name),
        None => only.filter(|_| root_children == 1 && only_has_children),
    })
}

/// What stands under a row, as a tree of names. A name that a parent has twice has two places.
#[derive(Debug)]
pub struct Shape {
    places: Vec<Place>,
    /// Number of the row that is being read, from 1.
    row: u64,
}

#[derive(Debug, Default)]
struct Place {
    name: String,
    children: Vec<usize>,
    /// Place among the children at which a search begins: rows say the same things in the same order.
    next: usize,
    /// The place before it of the same name, which must be taken first.
    before: Option<usize>,
    /// The last row that it stood in.
    row: u64,
    holds_text: bool,
    was_leaf: bool,
    column: Option<usize>,
}

/// The row itself.
pub const ROW: usize = 0;

impl Shape {
    pub fn new() -> Self {
        Self { places: vec![Place::default()], row: 0 }
    }

    /// Begins the next row.
    pub fn begin(&mut self) {
        self.row += 1;
    }

    /// The place of a child, where it is known already and not taken in this row.
    pub fn enter(&mut self, parent: usize, name: &str) -> Option<usize> {
        let above = &self.places[parent];
        let (many, from) = (above.children.len(), above.next);
        let found = (0..many).map(|step| (from + step) % many.max(1)).find(|at| {
            let place = &self.places[above.children[*at]];
            let is_free = |before: usize| self.places.get(before).is_some_and(|place| place.row != self.row);
            place.row != self.row && place.name == name && !place.before.is_some_and(is_free)
        })?;
        let child = above.children[found];
        self.places[parent].next = (found + 1) % many;
        self.places[child].row = self.row;
        Some(child)
    }

    /// The place of a child, which is made if it wasn't there.
    fn grow(&mut self, parent: usize, name: &str, line: u64, limits: &Limits) -> Result<usize, FileFault> {
        if let Some(known) = self.enter(parent, name) {
            return Ok(known);
        }
        // Elements without text of their own are places too, so there may be some more of them than captions.
        if self.places.len() > 4 * limits.columns_max || name.len() > 200 {
            let fix = format!(
                "the rows have more than {} different elements; name the element that is a row in the mapping as `row`",
                limits.columns_max
            );
            return Err(FileFault::too_big("ROW-COLUMNS", Some(line), fix));
        }
        let child = self.places.len();
        let before =
            self.places[parent].children.iter().rev().find(|at| self.places[**at].name == name).copied();
        self.places.push(Place { name: name.to_owned(), row: self.row, before, ..Place::default() });
        self.places[parent].children.push(child);
        Ok(child)
    }

    /// Column of a place, if it is one.
    pub fn column(&self, place: usize) -> Option<usize> {
        self.places.get(place).and_then(|place| place.column)
    }

    /// Reads the whole file for its shape. `is_row` says of an element outside of any row whether it is one.
    pub fn learn(events: &mut Events<'_>, row: &str, limits: &Limits) -> Result<Self, FileFault> {
        let mut shape = Self::new();
        let mut depth = 0_usize;
        // Open places of a row, each with whether it had a child; empty outside of rows.
        let mut open: Vec<(usize, bool)> = Vec::new();
        let mut begin = (0, 0);
        loop {
            let inside = !open.is_empty();
            match events.step()? {
                Event::Open(tag) => {
                    depth += 1;
                    if depth > limits.xml_depth_max {
                        return Err(too_deep(tag.line));
                    }
                    if let Some((parent, has_child)) = open.last_mut() {
                        *has_child = true;
                        let place = shape.grow(*parent, tag.name(), tag.line, limits)?;
                        open.push((place, false));
                    } else if is_named(tag.name(), row) {
                        shape.begin();
                        open.push((ROW, false));
                        begin = (tag.line, 0);
                    }
                    // Outside of rows they are looked at too: inclusion is refused wherever it stands.
                    let place = open.last().map(|(place, _)| *place);
                    if place.is_none() {
                        tag.attributes(&mut |_, _| Ok(()))?;
                    }
                    if let Some(place) = place {
                        tag.attributes(&mut |name, _| {
                            let attribute = shape.grow(place, &format!("@{name}"), tag.line, limits)?;
                            shape.places[attribute].was_leaf = true;
                            Ok(())
                        })?;
                    }
                }
                Event::Text(text) if inside => {
                    if let Some((place, _)) = open.last()
                        && !shape.places[*place].holds_text
                        && !text.trim().is_empty()
                    {
                        shape.places[*place].holds_text = true;
                    }
                }
                Event::Close => {
                    depth = depth.saturating_sub(1);
                    if let Some((place, has_child)) = open.pop() {
                        shape.places[place].was_leaf |= !has_child;
                    }
                    if depth == 0 {
                        break;
                    }
                }
                Event::Text(_) | Event::Nothing => {}
                Event::End => return Err(events.broken()),
            }
            match (inside, open.is_empty()) {
                (false, false) => begin.1 = events.position(),
                (true, false) if events.position() - begin.1 > limits.xml_element_bytes_max as u64 => {
                    return Err(too_large(begin.0));
                }
                _ => {}
            }
        }
        Ok(shape)
    }

    /// The captions, in the order in which they were first met; from then on each place knows its column.
    pub fn captions(&mut self) -> Vec<String> {
        let mut captions = Vec::new();
        let mut paths: Vec<String> = vec![String::new(); self.places.len()];
        // A place is younger than its parent, so paths are there when they are needed.
        for parent in 0..self.places.len() {
            let mut seen: HashMap<String, usize> = HashMap::new();
            for child in self.places[parent].children.clone() {
                let name = decoded(&self.places[child].name);
                let nth = seen.entry(name.clone()).and_modify(|nth| *nth += 1).or_insert(1);
                let name = if *nth == 1 { name } else { format!("{name}[{nth}]") };
                paths[child] = match paths[parent].as_str() {
                    "" => name,
                    above => format!("{above}/{name}"),
                };
            }
        }
        for (place, path) in self.places.iter_mut().zip(paths) {
            let is_column = place.holds_text || (place.was_leaf && place.children.is_empty());
            if is_column && !path.is_empty() {
                place.column = Some(captions.len());
                captions.push(path);
            }
        }
        self.row = 0;
        self.places.iter_mut().for_each(|place| (place.row, place.next) = (0, 0));
        captions
    }
}

/// True if an element has this name, as it stands or with its spaces.
pub fn is_named(name: &str, wanted: &str) -> bool {
    name == wanted || (name.contains('_') && decoded(name) == wanted)
}

/// The name as its author wrote it: `_X0020_`, or SIMS' `_X0020`, stands for a space.
pub fn decoded(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(at) = rest.find('_') {
        let (before, after) = rest.split_at(at);
        text.push_str(before);
        let code = after
            .get(1..6)
            .and_then(|code| code.strip_prefix(['x', 'X']))
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .and_then(char::from_u32)
            .filter(|c| !c.is_control());
        match code {
            Some(c) => {
                text.push(c);
                rest = &after[6..];
                rest = rest.strip_prefix('_').unwrap_or(rest);
            }
            None => {
                text.push('_');
                rest = &after[1..];
            }
        }
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn spaces_in_captions_come_back() {
        assert_eq!(decoded("My_X0020Name"), "My Name");
        assert_eq!(decoded("My_x0020_Name_X0020_"), "My Name ");
        assert_eq!(decoded("snake_case_x"), "snake_case_x");
        assert_eq!(decoded("_x002"), "_x002");
        assert_eq!(decoded("é_X0026é"), "é&é");
    }
}
