//! Small parts that many pages show: a symbol, a state, a code. Each escapes what it is given.

use super::assets::ASSETS;
use askama::filters::HtmlSafe;
use std::fmt;

/// A symbol of `icons.svg`; says nothing to a screen reader.
pub(super) const fn icon(name: &'static str) -> Icon {
    Icon(name)
}

/// A symbol.
#[derive(Debug, Clone, Copy)]
pub(super) struct Icon(&'static str);

impl HtmlSafe for Icon {}

impl fmt::Display for Icon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (address, name) = (&ASSETS.icons.address, self.0);
        write!(f, "<svg class=\"icon\" aria-hidden=\"true\"><use href=\"{address}#i-{name}\"/></svg>")
    }
}

/// How somebody stands: word, shape and tone of the design's table of states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    NotSeen,
    Unknown,
    NotMarked,
    Late,
    Expected,
    Excused,
    Seen,
}

impl Standing {
    /// The name of its symbol, and of its class behind `is-`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotSeen => "notseen",
            Self::Unknown => "unknown",
            Self::NotMarked => "notmarked",
            Self::Late => "late",
            Self::Expected => "expected",
            Self::Excused => "excused",
            Self::Seen => "seen",
        }
    }
}

/// A state with its words.
pub(super) const fn state(state: Standing, words: String) -> StateTag {
    StateTag { state, words }
}

/// A state with its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StateTag {
    pub state: Standing,
    pub words: String,
}

impl HtmlSafe for StateTag {}

impl fmt::Display for StateTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.state.name();
        write!(f, "<span class=\"state is-{name}\">{}", Icon(name))?;
        escape(&self.words, f)?;
        f.write_str("</span>")
    }
}

/// A name short enough for a chart.
pub(super) fn short(name: &str) -> String {
    if name.chars().count() <= 16 {
        return name.to_owned();
    }
    let words: String = name.chars().take(15).collect();
    let whole = words.rsplit_once(' ').map_or(words.as_str(), |(before, _)| before);
    if whole.chars().count() >= 6 { whole.to_owned() } else { format!("{words}…") }
}

/// Text as HTML.
pub(super) fn escape(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for c in text.chars() {
        match c {
            '&' => f.write_str("&amp;")?,
            '<' => f.write_str("&lt;")?,
            '>' => f.write_str("&gt;")?,
            '"' => f.write_str("&quot;")?,
            '\'' => f.write_str("&#39;")?,
            c => fmt::Write::write_char(f, c)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_states_words_are_text_and_nothing_else() {
        let tag = state(Standing::Late, "<script>'\"&".to_owned()).to_string();
        assert!(tag.contains("is-late") && tag.ends_with("&lt;script&gt;&#39;&quot;&amp;</span>"), "{tag}");
    }
}
