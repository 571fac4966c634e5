//! The texts that the cells of an .xlsx name by number. The format forbids reading them as they are needed, so they are
//! held: behind each other, and bounded.

use super::{broken, value::Format};
use crate::{
    connector::{FileFault, Limits},
    package::Package,
    text::Utf8,
    xml::{Event, Events},
};
use std::io::Read;

/// Bytes of all texts, and how many there may be.
const BYTES_MAX: usize = 24 << 20;
const COUNT_MAX: usize = 2 << 20;

/// Texts by their number.
#[derive(Default)]
pub struct Strings {
    text: String,
    ends: Vec<u32>,
}

impl Strings {
    /// Reads the part with the texts; a workbook may have none.
    pub fn read(package: &mut Package<'_>, part: &str, limits: &Limits) -> Result<Self, FileFault> {
        let strings = package.read(part, |reader| Self::gather(reader, limits))?;
        Ok(strings.unwrap_or_default())
    }

    fn gather(reader: &mut dyn Read, limits: &Limits) -> Result<Self, FileFault> {
        let mut strings = Self::default();
        let mut events = Events::new(Utf8::stream(reader), limits);
        // Open elements that matter: `t` holds text, what is inside `rPh` says how to pronounce it.
        let (mut depth, mut spoken, mut in_text) = (0_usize, None, None);
        loop {
            match events.step()? {
                Event::Open(tag) => {
                    depth += 1;
                    match tag.name() {
                        "rPh" if spoken.is_none() => spoken = Some(depth),
                        "t" if spoken.is_none() => in_text = Some(depth),
                        _ => {}
                    }
                }
                Event::Close => {
                    if spoken == Some(depth) {
                        spoken = None;
                    }
                    if in_text == Some(depth) {
                        in_text = None;
                    }
                    if depth == 2 {
                        strings.end()?;
                    }
                    depth = depth.saturating_sub(1);
                }
                Event::Text(text) if in_text.is_some() => {
                    strings.text.push_str(&text);
                    strings.bounded()?;
                }
                Event::Text(_) | Event::Nothing => {}
                Event::End if depth == 0 => return Ok(strings),
                Event::End => return Err(broken(None)),
            }
        }
    }

    fn bounded(&self) -> Result<(), FileFault> {
        if self.text.len() > BYTES_MAX || self.ends.len() >= COUNT_MAX {
            let fix = "the workbook has more different texts than can be held; save the sheet as CSV, or export a shorter time";
            return Err(FileFault::too_big("SHEET-TEXTS", None, fix));
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), FileFault> {
        self.bounded()?;
        self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
        Ok(())
    }

    /// A text.
    pub fn get(&self, number: usize) -> Option<&str> {
        let end = *self.ends.get(number)? as usize;
        let start =
            number.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| *end as usize);
        self.text.get(start..end)
    }
}

/// What a cell of this type and format says.
pub fn write(
    kind: Kind,
    raw: &str,
    strings: &Strings,
    format: Format,
    from_1904: bool,
    text: &mut String,
) -> Option<()> {
    match kind {
        Kind::Number => format.write(raw, from_1904, text),
        Kind::Shared if raw.is_empty() => {}
        Kind::Shared => push(strings.get(raw.trim().parse().ok()?)?, text),
        Kind::Text => push(raw, text),
        Kind::Truth => text.push_str(if matches!(raw.trim(), "1" | "true") { "yes" } else { "no" }),
    }
    Some(())
}

/// Line ends that Excel wrote as an escape are spaces to us.
fn push(raw: &str, text: &mut String) {
    match raw.contains("_x000D_") {
        false => text.push_str(raw),
        true => text.push_str(&raw.replace("_x000D_", "")),
    }
}

/// Types of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number, which its format may make a date.
    Number,
    /// Number of a shared text.
    Shared,
    /// Text, an ISO date or the name of an error, as it stands.
    Text,
    /// True or false.
    Truth,
}

impl Kind {
    /// The type as a cell names it.
    pub fn of(name: &str) -> Self {
        match name {
            "s" => Self::Shared,
            "b" => Self::Truth,
            "n" | "" => Self::Number,
            _ => Self::Text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io::Cursor,
        iter,
        sync::atomic::{AtomicUsize, Ordering},
    };

    /// The same piece again and again.
    struct Pieces<'a>(&'a [u8], &'a AtomicUsize);

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let at = self.1.load(Ordering::Relaxed);
            let piece = iter::repeat(self.0).flatten().skip(at % self.0.len()).copied();
            buffer.iter_mut().zip(piece).for_each(|(to, byte)| *to = byte);
            self.1.fetch_add(buffer.len(), Ordering::Relaxed);
            Ok(buffer.len())
        }
    }

    #[test]
    fn one_text_of_endless_pieces_is_refused_and_not_gathered() {
        let (piece, read) = (format!("<r><t>{}</t></r>", "x".repeat(60_000)), AtomicUsize::new(0));
        let mut endless = Cursor::new(b"<sst><si>").chain(Pieces(piece.as_bytes(), &read));
        let fault = Strings::gather(&mut endless, &Limits::default()).err().unwrap();
        assert_eq!(fault.rule(), "SHEET-TEXTS");
        assert!(read.into_inner() < BYTES_MAX + (1 << 20));
    }
}
