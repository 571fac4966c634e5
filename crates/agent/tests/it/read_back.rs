//! What our own reader finds in a file that the agent wrote.

use commonroll_connectors::{Input, Item, Mapping, Place, Problem, Scope, Settings, Sink, by_name};
use jiff::tz::TimeZone;
use std::io::Cursor;

#[derive(Default)]
struct Seen(Vec<Item>);

impl Sink for Seen {
    fn item(&mut self, item: Item, _at: Place) {
        self.0.push(item);
    }
    fn problem(&mut self, problem: Problem) {
        panic!("{problem}");
    }
    fn covers(&mut self, _scope: Scope) {}
}

/// Every item of a file in which nothing is wrong.
pub fn items(mapping: &str, bytes: &[u8]) -> Vec<Item> {
    let mapping: Mapping = mapping.parse().unwrap();
    let connector = by_name(mapping.connector()).unwrap();
    let zone = TimeZone::get("Europe/London").unwrap();
    let settings = Settings::new("kingsmead".parse().unwrap(), zone, Some(mapping));
    let mut seen = Seen::default();
    let input = Input { file_name: "file.xml", reader: &mut Cursor::new(bytes), size: bytes.len() as u64 };
    connector.translate(input, &settings, &mut seen).unwrap();
    seen.0
}
