//! Which captions the rows of a JSON file have, and the reading of one row under them.
//!
//! The captions are a tree of keys that is learned in a first pass; in the second one each row fills its places. A key that
//! stands twice in one object is refused, since readers differ in which one counts.

use super::{
    broken,
    cursor::{Cursor, Value},
    stamp::Stamps,
};
use crate::{
    connector::{FileFault, Limits},
    table::RowBuffer,
};

/// A key somewhere in the tree of keys.
#[derive(Debug, Default)]
struct Node {
    name: String,
    parent: usize,
    children: Vec<usize>,
    column: Option<usize>,
    /// Number of the last object in which the key was met.
    met: u64,
}

/// The captions.
#[derive(Debug)]
pub struct Shape {
    nodes: Vec<Node>,
    captions: Vec<String>,
    each: Vec<String>,
    objects: u64,
    stamps: Stamps,
    scratch: String,
    limits: Limits,
}

/// Takes what a row says.
trait Take {
    /// A scalar of this column.
    fn cell(&mut self, column: usize, text: &str);
    /// One more scalar of a list.
    fn also(&mut self, column: usize, text: &str);
    /// The list whose elements are rows, from here to there in the record's text, and its node.
    fn parts(&mut self, from: usize, to: usize, node: usize);
}

/// Nobody wants to know.
struct Nobody;

impl Take for Nobody {
    fn cell(&mut self, _: usize, _: &str) {}
    fn also(&mut self, _: usize, _: &str) {}
    fn parts(&mut self, _: usize, _: usize, _: usize) {}
}

impl Shape {
    /// A shape without captions. `each` is the dotted path to the list in a row whose elements are the rows.
    pub fn new(each: Option<&str>, limits: Limits) -> Self {
        let each = each.map_or_else(Vec::new, |path| path.split('.').map(str::to_owned).collect());
        Self {
            nodes: vec![Node::default()],
            captions: Vec::new(),
            each,
            objects: 0,
            stamps: Stamps::default(),
            scratch: String::new(),
            limits,
        }
    }

    /// The captions, in the order in which they were met.
    pub fn captions(&self) -> &[String] {
        &self.captions
    }

    /// Learns the captions of one record.
    pub fn learn(&mut self, line: u64, record: &str) -> Result<(), FileFault> {
        struct Found(Option<(usize, usize, usize)>);
        impl Take for Found {
            fn cell(&mut self, _: usize, _: &str) {}
            fn also(&mut self, _: usize, _: &str) {}
            fn parts(&mut self, from: usize, to: usize, node: usize) {
                self.0 = Some((from, to, node));
            }
        }
        let mut found = Found(None);
        self.record(line, record, &mut found)?;
        if let Some((from, to, node)) = found.0 {
            let mut cursor = Cursor::new(&record[from..to]);
            let mut first = true;
            while cursor.element(first).map_err(|_| broken(line))? {
                first = false;
                self.part(line, &mut cursor, node, &mut Nobody)?;
            }
        }
        Ok(())
    }

    fn record(&mut self, line: u64, record: &str, take: &mut dyn Take) -> Result<(), FileFault> {
        let mut cursor = Cursor::new(record);
        match cursor.value() {
            Ok(Value::Object) => self.object(line, &mut cursor, 0, 0, take)?,
            _ => return Err(broken(line)),
        }
        if cursor.is_done() { Ok(()) } else { Err(broken(line)) }
    }

    /// One element of the list whose elements are rows.
    fn part(
        &mut self,
        line: u64,
        cursor: &mut Cursor<'_>,
        node: usize,
        take: &mut dyn Take,
    ) -> Result<(), FileFault> {
        match cursor.value().map_err(|_| broken(line))? {
            Value::Object => self.object(line, cursor, node, self.each.len(), take),
            other => self.scalar(line, cursor, &other, node, take),
        }
    }

    fn object(
        &mut self,
        line: u64,
        cursor: &mut Cursor<'_>,
        node: usize,
        depth: usize,
        take: &mut dyn Take,
    ) -> Result<(), FileFault> {
        if depth > self.limits.xml_depth_max {
            let fix = "objects are nested more deeply than in any honest answer";
            return Err(FileFault::too_big("JSON-DEPTH", Some(line), fix));
        }
        self.objects += 1;
        let object = self.objects;
        let (mut first, mut hint) = (true, 0);
        while let Some(key) = cursor.key(first).map_err(|_| broken(line))? {
            first = false;
            let child = match key {
                Value::Text(key) => self.child(line, node, key, &mut hint)?,
                _ => {
                    let key = cursor.unescaped().to_owned();
                    self.child(line, node, &key, &mut hint)?
                }
            };
            if self.nodes[child].met == object {
                let fix =
                    "a key stands twice in one object, so nobody can tell which one counts; tell the vendor";
                return Err(FileFault::content("JSON-KEY-TWICE", Some(line), fix));
            }
            self.nodes[child].met = object;
            match cursor.value().map_err(|_| broken(line))? {
                Value::Object => {
                    let mut scratch = std::mem::take(&mut self.scratch);
                    let is_stamp = self.stamps.read(cursor, &mut scratch);
                    if is_stamp {
                        let column = self.column(line, child, "")?;
                        take.cell(column, &scratch);
                    }
                    self.scratch = scratch;
                    if !is_stamp {
                        self.object(line, cursor, child, depth + 1, take)?;
                    }
                }
                Value::List if self.is_each(depth, child) => {
                    let from = cursor.at();
                    cursor.skip(&Value::List, self.limits.xml_depth_max).map_err(|_| broken(line))?;
                    take.parts(from, cursor.at(), child);
                }
                Value::List => self.list(line, cursor, child, take)?,
                other => self.scalar(line, cursor, &other, child, take)?,
            }
        }
        Ok(())
    }

    /// A list that isn't made into rows: its scalars in one cell; objects are only told to be there.
    fn list(
        &mut self,
        line: u64,
        cursor: &mut Cursor<'_>,
        node: usize,
        take: &mut dyn Take,
    ) -> Result<(), FileFault> {
        let mut first = true;
        while cursor.element(first).map_err(|_| broken(line))? {
            first = false;
            let value = cursor.value().map_err(|_| broken(line))?;
            match &value {
                Value::Null => {}
                Value::Object | Value::List => {
                    cursor.skip(&value, self.limits.xml_depth_max).map_err(|_| broken(line))?;
                    self.column(line, node, "[]")?;
                }
                Value::Text(text) | Value::Plain(text) => {
                    let column = self.column(line, node, "[]")?;
                    take.also(column, text);
                }
                Value::Escaped => {
                    let column = self.column(line, node, "[]")?;
                    take.also(column, cursor.unescaped());
                }
            }
        }
        Ok(())
    }

    fn scalar(
        &mut self,
        line: u64,
        cursor: &mut Cursor<'_>,
        value: &Value<'_>,
        node: usize,
        take: &mut dyn Take,
    ) -> Result<(), FileFault> {
        match value {
            // What is always null is no caption: it may be an object as well.
            Value::Null => {}
            Value::Text(text) | Value::Plain(text) => {
                let column = self.column(line, node, "")?;
                take.cell(column, text);
            }
            Value::Escaped => {
                let column = self.column(line, node, "")?;
                take.cell(column, cursor.unescaped());
            }
            Value::Object | Value::List => {
                cursor.skip(value, self.limits.xml_depth_max).map_err(|_| broken(line))?;
            }
        }
        Ok(())
    }

    /// The key below a node; keys come in the same order in row after row, so `hint` is nearly always right.
    fn child(&mut self, line: u64, node: usize, key: &str, hint: &mut usize) -> Result<usize, FileFault> {
        let children = &self.nodes[node].children;
        if let Some(child) = children.get(*hint)
            && self.nodes[*child].name == key
        {
            *hint += 1;
            return Ok(*child);
        }
        if let Some(place) = children.iter().position(|child| self.nodes[*child].name == key) {
            *hint = place + 1;
            return Ok(children[place]);
        }
        if self.nodes.len() > 4 * self.limits.columns_max {
            return Err(self.too_wide(line));
        }
        let child = self.nodes.len();
        self.nodes.push(Node { name: key.to_owned(), parent: node, ..Node::default() });
        self.nodes[node].children.push(child);
        *hint = self.nodes[node].children.len();
        Ok(child)
    }

    fn column(&mut self, line: u64, node: usize, end: &str) -> Result<usize, FileFault> {
        if let Some(column) = self.nodes[node].column {
            return Ok(column);
        }
        let caption = self.path(node) + end;
        if self.captions.len() >= self.limits.columns_max {
            return Err(self.too_wide(line));
        }
        let column = match self.captions.iter().position(|known| *known == caption) {
            Some(column) => column,
            None => {
                self.captions.push(caption);
                self.captions.len() - 1
            }
        };
        self.nodes[node].column = Some(column);
        Ok(column)
    }

    fn too_wide(&self, line: u64) -> FileFault {
        let fix =
            format!("rows have more than {} different captions; ask for fewer", self.limits.columns_max);
        FileFault::too_big("JSON-COLUMNS", Some(line), fix)
    }

    fn path(&self, node: usize) -> String {
        let Node { name, parent, .. } = &self.nodes[node];
        if *parent == 0 { name.clone() } else { format!("{}.{name}", self.path(*parent)) }
    }

    fn is_each(&self, depth: usize, node: usize) -> bool {
        self.each.len() == depth + 1
            && self.each.iter().rev().try_fold(node, |node, key| {
                let Node { name, parent, .. } = &self.nodes[node];
                (name == key).then_some(*parent)
            }) == Some(0)
    }
}

/// What one record says, and the rows that are made of it.
#[derive(Debug)]
pub struct Values {
    cells: Vec<String>,
    /// Columns that an element of the list filled, to be emptied before the next one.
    of_part: Vec<usize>,
    line: u64,
    record: String,
    /// Where the next element begins in the record, its node, and whether it is the first.
    parts: Option<(usize, usize, bool)>,
    explodes: bool,
    whole: bool,
}

impl Take for Values {
    fn cell(&mut self, column: usize, text: &str) {
        if let Some(cell) = self.cells.get_mut(column) {
            cell.clear();
            cell.push_str(text);
            self.of_part.push(column);
        }
    }

    fn also(&mut self, column: usize, text: &str) {
        if let Some(cell) = self.cells.get_mut(column) {
            if !cell.is_empty() {
                cell.push(';');
            }
            cell.push_str(text);
            self.of_part.push(column);
        }
    }

    fn parts(&mut self, from: usize, _: usize, node: usize) {
        self.parts = Some((from, node, true));
    }
}

impl Values {
    /// Room for the captions of a shape.
    pub fn new(shape: &Shape) -> Self {
        Self {
            cells: vec![String::new(); shape.captions.len()],
            of_part: Vec::new(),
            line: 1,
            record: String::new(),
            parts: None,
            explodes: !shape.each.is_empty(),
            whole: false,
        }
    }

    /// Line on which the record begins.
    pub const fn line(&self) -> u64 {
        self.line
    }

    /// Reads a record. Its rows come with [`Values::next_part`].
    pub fn read(&mut self, shape: &mut Shape, line: u64, record: &str) -> Result<(), FileFault> {
        self.cells.iter_mut().for_each(String::clear);
        (self.line, self.parts) = (line, None);
        shape.record(line, record, self)?;
        self.of_part.clear();
        self.whole = !self.explodes;
        if self.parts.is_some() {
            self.record.clear();
            self.record.push_str(record);
        }
        Ok(())
    }

    /// Makes the next row of the record ready; false if there is none left.
    pub fn next_part(&mut self, shape: &mut Shape) -> Result<bool, FileFault> {
        if !self.explodes {
            return Ok(std::mem::take(&mut self.whole));
        }
        let Some((from, node, first)) = self.parts else { return Ok(false) };
        for column in std::mem::take(&mut self.of_part) {
            self.cells[column].clear();
        }
        let record = std::mem::take(&mut self.record);
        let mut cursor = Cursor::new(&record[from..]);
        let more = cursor.element(first).map_err(|_| broken(self.line));
        if let Ok(true) = more {
            shape.part(self.line, &mut cursor, node, self)?;
            self.parts = Some((from + cursor.at(), node, false));
        } else {
            self.parts = None;
        }
        self.record = record;
        more
    }

    /// Writes the row that is ready.
    pub fn write(&self, row: &mut RowBuffer) -> Result<(), FileFault> {
        self.cells.iter().try_for_each(|cell| row.push(self.line, cell))
    }
}
