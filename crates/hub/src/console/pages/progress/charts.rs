//! The page's plots: SVG with a title that says the finding, marks that differ in shape, and the numbers in tables beside.

use super::{super::super::parts::escape, words};
use askama::filters::HtmlSafe;
use std::fmt::{self, Write};

/// A finished drawing.
pub(super) struct Svg(String);

impl Svg {
    /// False for the words that stand where there is nothing to draw.
    pub fn is_drawn(&self) -> bool {
        self.0.starts_with("<svg")
    }
}

impl HtmlSafe for Svg {}

impl fmt::Display for Svg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Text as it may stand in a drawing.
struct Safe<'a>(&'a str);

impl fmt::Display for Safe<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escape(self.0, f)
    }
}

/// Whole numbers around values, for a scale, with room for a label before the lowest.
pub(super) fn around(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
    if low > high {
        return (90.0, 100.0);
    }
    let room = ((high - low) / 6.0).ceil().max(1.0);
    ((low.floor() - room).max(0.0), (high.ceil() + 1.0).min(100.0))
}

/// One site's weeks as a line above the partnership's.
pub(super) fn weeks(title: &str, site: &[Option<f64>], all: &[Option<f64>], scale: (f64, f64)) -> Svg {
    let step = 144.0 / site.len().saturating_sub(1).max(1) as f64;
    let x = |at: usize| 4.0 + step * at as f64;
    let y = |value: f64| 66.0 - 58.0 * (value - scale.0) / (scale.1 - scale.0).max(1.0);
    let path = |values: &[Option<f64>]| {
        let (mut path, mut open) = (String::new(), false);
        for (at, value) in values.iter().enumerate() {
            if let Some(value) = value {
                let _ = write!(path, "{}{:.1} {:.1} ", if open { 'L' } else { 'M' }, x(at), y(*value));
            }
            open = value.is_some();
        }
        path
    };
    let mut svg =
        format!("<svg class=\"chart\" viewBox=\"0 0 196 76\" role=\"img\" aria-label=\"{}\">", Safe(title));
    for line in [8, 37, 66] {
        let _ = write!(svg, "<line class=\"grid\" x1=\"0\" x2=\"150\" y1=\"{line}\" y2=\"{line}\"/>");
    }
    let newest = site.iter().enumerate().rev().find_map(|(at, value)| value.map(|value| (at, value)));
    match newest {
        Some((at, value)) => {
            let (x, y, percent) = (x(at), y(value), words::percent(Some(value)));
            let _ = write!(
                svg,
                "<path class=\"line-2\" d=\"{}\"/><path class=\"line-1\" d=\"{}\"/><circle class=\"dot-1\" cx=\"{x:.1}\" \
                 cy=\"{y:.1}\" r=\"3.5\"/><text class=\"strong\" x=\"156\" y=\"{:.1}\">{percent}</text>",
                path(all),
                path(site),
                y + 4.0,
            );
        }
        None => svg.push_str(
            "<rect class=\"hidden-mark\" x=\"0.5\" y=\"24\" width=\"149\" height=\"26\" rx=\"4\"/><text class=\"fine mid\" \
             x=\"75\" y=\"41\">hidden, or nothing yet</text>",
        ),
    }
    svg.push_str("</svg>");
    Svg(svg)
}

/// A row of a plot: its name, and two values between which a line runs.
pub(super) struct Row {
    pub name: String,
    pub now: Option<f64>,
    pub before: Option<f64>,
    /// Printed beside the row, if it stands out.
    pub note: String,
}

/// Where a row's scale begins, and letters of a name that fit before it, on a small screen too.
const SCALE: f64 = 236.0;
const LETTERS: usize = 23;

/// A name as it fits before a row: whole, or its beginning, or beginning and end where another row begins like it.
fn fitting(name: &str, all: &[Row]) -> String {
    let letters: Vec<char> = name.chars().collect();
    if letters.len() <= LETTERS {
        return name.to_owned();
    }
    let first = |count: usize| letters[..count].iter().collect::<String>().trim_end().to_owned();
    let begins = first(LETTERS - 1);
    if all.iter().filter(|row| row.name.starts_with(&begins)).count() < 2 {
        return format!("{begins}…");
    }
    let half = LETTERS / 2;
    let last: String = letters[letters.len() - half..].iter().collect();
    format!("{}…{}", first(half), last.trim_start())
}

/// Rows with marks on one scale; `zero` is a line that stands out.
pub(super) fn rows(
    title: &str,
    rows: &[Row],
    scale: (f64, f64),
    zero: Option<f64>,
    tick: fn(f64) -> String,
) -> Svg {
    if rows.iter().all(|row| row.now.is_none() && row.before.is_none()) {
        return Svg("<p class=\"note\">Every course is hidden, or nothing yet.</p>".to_owned());
    }
    let height = 29 * rows.len();
    let x = |value: f64| SCALE + (500.0 - SCALE) * (value - scale.0) / (scale.1 - scale.0).max(0.1);
    let mut svg = format!(
        "<svg class=\"chart chart--two\" viewBox=\"0 0 520 {}\" role=\"img\" aria-label=\"{}\">",
        height + 30,
        Safe(title),
    );
    for part in 0..=4 {
        let value = scale.0 + (scale.1 - scale.0) * f64::from(part) / 4.0;
        let at = x(value);
        let class = if zero == Some(value) { "zero" } else { "grid" };
        let _ = write!(
            svg,
            "<line class=\"{class}\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"8\" y2=\"{}\"/><text class=\"mid fine\" x=\"{at:.1}\" \
             y=\"{}\">{}</text>",
            height + 6,
            height + 24,
            Safe(&tick(value)),
        );
    }
    for (at, row) in rows.iter().enumerate() {
        let y = 24 + 29 * at;
        let class = if row.note.is_empty() { "" } else { "strong" };
        let name = fitting(&row.name, rows);
        let _ = write!(svg, "<text class=\"{class}\" x=\"0\" y=\"{}\">", y + 4);
        if name != row.name {
            let _ = write!(svg, "<title>{}</title>", Safe(&row.name));
        }
        let _ = write!(svg, "{}</text>", Safe(&name));
        if row.now.is_none() && row.before.is_none() {
            let _ = write!(
                svg,
                "<text class=\"fine\" x=\"{}\" y=\"{}\">hidden, or nothing yet</text>",
                SCALE + 8.0,
                y + 4,
            );
        }
        if let (Some(now), Some(before)) = (row.now, row.before) {
            let short = if row.note.is_empty() { "" } else { " gap-line--short" };
            let _ = write!(
                svg,
                "<line class=\"gap-line{short}\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{y}\" y2=\"{y}\"/>",
                x(now),
                x(before),
            );
        }
        if let Some(before) = row.before {
            let _ = write!(svg, "<circle class=\"before\" cx=\"{:.1}\" cy=\"{y}\" r=\"5\"/>", x(before));
        }
        if let Some(now) = row.now {
            let _ = write!(svg, "<circle class=\"now\" cx=\"{:.1}\" cy=\"{y}\" r=\"6\"/>", x(now));
            if !row.note.is_empty() {
                let left = x(now) - 11.0;
                let _ = write!(
                    svg,
                    "<text class=\"end strong\" x=\"{left:.1}\" y=\"{}\">{}</text>",
                    y + 4,
                    Safe(&row.note)
                );
            }
        }
    }
    svg.push_str("</svg>");
    Svg(svg)
}
