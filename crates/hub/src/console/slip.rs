//! A form that was refused: its page is shown once more with what was typed, what to put right stands above the page and at
//! the field, by the label that people read. What was typed goes back to whoever typed it, and into no address and no log.

use super::{
    fields::Fields,
    parts::{self, escape},
    refusal::Refusal,
    signed::Signed,
};
use askama::filters::HtmlSafe;
use axum::response::{IntoResponse, Response};
use std::{borrow::Borrow, fmt, sync::Arc};

/// A field of a form, as its page shows it.
pub(super) struct Label {
    /// What the exchange calls it in a rule that it breaks.
    pub rule: &'static str,
    /// Its name in the form.
    pub name: &'static str,
    /// The element's id.
    pub id: String,
    /// What its label says.
    pub words: String,
}

impl Label {
    /// A field that is called alike by the exchange and in the form.
    pub fn new(name: &'static str, id: impl Into<String>, words: impl Into<String>) -> Self {
        Self { rule: name, name, id: id.into(), words: words.into() }
    }
}

/// A form of a page: of a sort, and about something where a page has several of a sort.
pub(super) struct Slip {
    sort: &'static str,
    of: String,
    sent: Fields,
    labels: Vec<Label>,
    /// Which of the labels is at fault, if one is.
    at: Option<usize>,
    title: &'static str,
    says: String,
}

impl fmt::Debug for Slip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slip({})", self.sort)
    }
}

impl Slip {
    /// What a form sent, and what its fields are called where people read them.
    pub fn new(sort: &'static str, of: &str, sent: Fields, labels: Vec<Label>) -> Self {
        Self { sort, of: of.to_owned(), sent, labels, at: None, title: "", says: String::new() }
    }

    /// The page of the form once more, where what was sent can be put right there; else the refusal itself.
    pub async fn again<F>(
        mut self,
        refusal: Refusal,
        signed: &Signed,
        page: impl FnOnce(Signed) -> F,
    ) -> Response
    where
        F: Future<Output = Result<Response, Refusal>>,
    {
        (self.title, self.says) = match &refusal {
            Refusal::Field(broken) => {
                self.at = self.labels.iter().position(|label| label.rule == broken.field);
                let label = self.at.and_then(|at| self.labels.get(at));
                let named = label.map(|label| format!("“{}” {}.", label.words, broken.rule));
                (PUT_RIGHT, named.unwrap_or_else(|| refusal.says().into_owned()))
            }
            Refusal::Wrong(says) => (PUT_RIGHT, sentence(says)),
            Refusal::Conflict(says) => ("That can’t be done as things stand", sentence(says)),
            _ => return refusal.into_response(),
        };
        let signed = Signed { slip: Some(Arc::new(self)), ..signed.clone() };
        match page(signed).await {
            Ok(mut shown) => {
                *shown.status_mut() = refusal.status();
                shown
            }
            // They may send the form and not see its page: better the bare reason than none.
            Err(_) => refusal.into_response(),
        }
    }

    /// What is to do, in a few words.
    pub fn title(&self) -> &'static str {
        self.title
    }

    /// The whole sentence.
    pub fn says(&self) -> &str {
        &self.says
    }

    /// The id of the field at fault; empty for none.
    pub fn id(&self) -> &str {
        self.at.and_then(|at| self.labels.get(at)).map_or("", |label| label.id.as_str())
    }
}

/// The title of a page that says no to one field.
pub(super) const PUT_RIGHT: &str = "1 thing to put right";

/// Words as a sentence.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    let stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}

/// What a template asks of one form of its page: was it this one that was refused, and what stood in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Again<'a>(Option<&'a Slip>);

impl<'a> Again<'a> {
    /// The form of a sort, about something.
    pub fn of(slip: Option<&'a Slip>, sort: &str, of: &str) -> Self {
        Self(slip.filter(|slip| slip.sort == sort && slip.of == of))
    }

    fn is_wrong(&self, name: &str) -> Option<&'a Slip> {
        let at = |slip: &Slip| slip.at.and_then(|at| slip.labels.get(at)).map(|label| label.name);
        self.0.filter(|slip| at(slip) == Some(name))
    }

    /// What was typed, or what the page offers first.
    pub fn typed(&self, name: &str, offered: &'a str) -> &'a str {
        self.0.map_or(offered, |slip| slip.sent.get(name))
    }

    /// True for the value that was chosen, or that the page offers first.
    pub fn chose(&self, name: &str, value: &str, offered: impl Borrow<bool>) -> bool {
        self.0.map_or(*offered.borrow(), |slip| slip.sent.get(name) == value)
    }

    /// Unfolds what the form is folded into.
    pub fn open(&self) -> &'static str {
        if self.0.is_some() { " open" } else { "" }
    }

    /// The class of the field at fault.
    pub fn class(&self, name: &str) -> &'static str {
        if self.is_wrong(name).is_some() { " field--wrong" } else { "" }
    }

    /// What is to put right, above the field.
    pub fn wrong(&self, name: &str) -> Wrong<'a> {
        Wrong(self.is_wrong(name))
    }

    /// The attributes by which a field is described, by hints that it has anyhow and by what is wrong. It has the focus then.
    pub fn marks(&self, name: &str, hints: &'a str) -> Marks<'a> {
        Marks { wrong: self.is_wrong(name).is_some(), hints }
    }
}

/// What is to put right, for a template.
pub(super) struct Wrong<'a>(Option<&'a Slip>);

impl HtmlSafe for Wrong<'_> {}

impl fmt::Display for Wrong<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(slip) = self.0 else { return Ok(()) };
        write!(f, "<p class=\"wrong\" id=\"wrong\">{}", parts::icon("notseen"))?;
        escape(&slip.says, f)?;
        f.write_str("</p>")
    }
}

/// Attributes of a field, for a template.
pub(super) struct Marks<'a> {
    wrong: bool,
    hints: &'a str,
}

impl HtmlSafe for Marks<'_> {}

impl fmt::Display for Marks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = if self.wrong { "wrong" } else { "" };
        let by: Vec<&str> = [said, self.hints].into_iter().filter(|id| !id.is_empty()).collect();
        if by.is_empty() {
            return Ok(());
        }
        f.write_str(" aria-describedby=\"")?;
        escape(&by.join(" "), f)?;
        f.write_str(if self.wrong { "\" aria-invalid=\"true\" autofocus" } else { "\"" })
    }
}
