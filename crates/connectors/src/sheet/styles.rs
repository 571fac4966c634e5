//! Formats of numbers by the number of a cell's style.

use super::value::Format;
use crate::{
    connector::{FileFault, Limits},
    package::Package,
    text::Utf8,
    xml::{Event, Events},
};
use std::collections::HashMap;

/// Styles that are looked at.
const STYLES_MAX: usize = 1 << 16;

/// Reads the styles; a workbook may have none.
pub fn read(package: &mut Package<'_>, part: &str, limits: &Limits) -> Result<Vec<Format>, FileFault> {
    let formats = package.read(part, |reader| {
        let mut events = Events::new(Utf8::stream(reader), limits);
        let (mut own, mut formats) = (HashMap::new(), Vec::new());
        // Only the formats of cells count, not those of named styles.
        let (mut depth, mut cells) = (0_usize, None);
        loop {
            match events.step()? {
                Event::Open(tag) => {
                    depth += 1;
                    match tag.name() {
                        "cellXfs" => cells = Some(depth),
                        "numFmt" if own.len() < STYLES_MAX => {
                            let (mut id, mut code) = (None, Format::Number);
                            tag.attributes(&mut |name, value| {
                                match name {
                                    "numFmtId" => id = value.parse::<u32>().ok(),
                                    "formatCode" => code = Format::of(value),
                                    _ => {}
                                }
                                Ok(())
                            })?;
                            id.map(|id| own.insert(id, code));
                        }
                        "xf" if cells == Some(depth - 1) && formats.len() < STYLES_MAX => {
                            let mut id = 0;
                            tag.attributes(&mut |name, value| {
                                if name == "numFmtId" {
                                    id = value.parse().unwrap_or(0);
                                }
                                Ok(())
                            })?;
                            formats.push(own.get(&id).copied().unwrap_or(Format::built_in(id)));
                        }
                        _ => {}
                    }
                }
                Event::Close => {
                    if cells == Some(depth) {
                        return Ok(formats);
                    }
                    depth = depth.saturating_sub(1);
                }
                Event::Text(_) | Event::Nothing => {}
                Event::End => return Ok(formats),
            }
        }
    })?;
    Ok(formats.unwrap_or_default())
}
