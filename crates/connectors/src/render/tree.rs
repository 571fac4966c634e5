//! XML that is written element by element, for formats of several levels.

/// A document on its way.
pub struct Xml {
    text: String,
    open: Vec<String>,
}

impl Xml {
    /// Begins with the root; `attributes` stand in it as they are.
    pub fn new(root: &str, attributes: &str) -> Self {
        let mut xml =
            Self { text: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned(), open: Vec::new() };
        xml.open_with(root, attributes);
        xml
    }

    /// Begins an element.
    pub fn open(&mut self, name: &str) {
        self.open_with(name, "");
    }

    /// Begins an element with attributes, which stand in it as they are.
    pub fn open_with(&mut self, name: &str, attributes: &str) {
        self.indent();
        let between = if attributes.is_empty() { "" } else { " " };
        self.text.push_str(&format!("<{name}{between}{attributes}>\n"));
        self.open.push(name.to_owned());
    }

    /// Ends the innermost element.
    pub fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            self.indent();
            self.text.push_str(&format!("</{name}>\n"));
        }
    }

    /// An element with text.
    pub fn element(&mut self, name: &str, text: &str) {
        self.element_with(name, "", text);
    }

    /// An element with text and attributes, which stand in it as they are.
    pub fn element_with(&mut self, name: &str, attributes: &str, text: &str) {
        self.indent();
        let between = if attributes.is_empty() { "" } else { " " };
        self.text.push_str(&format!("<{name}{between}{attributes}>"));
        text.chars().for_each(|c| super::xml::character(&mut self.text, c));
        self.text.push_str(&format!("</{name}>\n"));
    }

    /// An element with text, if there is any.
    pub fn said(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.element(name, text);
        }
    }

    /// Ends all that is open.
    pub fn end(mut self) -> Vec<u8> {
        while !self.open.is_empty() {
            self.close();
        }
        self.text.into_bytes()
    }

    fn indent(&mut self) {
        self.text.extend(std::iter::repeat_n("  ", self.open.len()));
    }
}
