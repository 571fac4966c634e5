//! Rows as pieces of text, out of a stream of any size: the elements of a list, of a list inside an envelope, or objects that
//! stand one behind the other. Looks at brackets and quotation marks alone; what a row says is read later.

use super::{broken, cursor::Cursor};
use crate::{
    connector::FileFault,
    text::{Broken, Utf8},
};

/// Bytes of one row with all that is nested in it. A class with its learners is the longest that APIs give.
const ROW_MAX: usize = 4 << 20;
/// Bytes of the key of an envelope.
const KEY_MAX: usize = 4 << 10;

/// The rows of a stream.
pub struct Records<'a> {
    text: Utf8<'a>,
    piece: Vec<u8>,
    at: usize,
    line: u64,
    ended: bool,
    /// Keys that lead to the list.
    path: Vec<String>,
    state: State,
    row: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing was read yet.
    Begin,
    /// Between the objects of a file of lines.
    Lines,
    /// Between the elements of the list; so many envelopes are open around it. True before the first element.
    List(usize, bool),
    /// At the end.
    Done,
}

impl<'a> Records<'a> {
    /// Rows of a text. `rows` is the dotted path to the list; without one the text itself is the list, or holds one object
    /// a line.
    pub fn open(text: Utf8<'a>, rows: Option<&str>) -> Self {
        let path = rows.map_or_else(Vec::new, |path| path.split('.').map(str::to_owned).collect());
        Self {
            text,
            piece: Vec::new(),
            at: 0,
            line: 1,
            ended: false,
            path,
            state: State::Begin,
            row: Vec::new(),
        }
    }

    /// The next row and the line on which it begins.
    ///
    /// # Errors
    /// The text is no JSON, a row is too large, or there is no list where one must be.
    pub fn next(&mut self) -> Result<Option<(u64, &str)>, FileFault> {
        if self.state == State::Begin {
            self.begin()?;
        }
        match self.state {
            State::Lines => {
                if self.peek()?.is_none() {
                    self.state = State::Done;
                    return Ok(None);
                }
            }
            State::List(open, first) => {
                if !self.goes_on(b']', first)? {
                    self.close(open)?;
                    self.state = State::Done;
                    return Ok(None);
                }
                self.state = State::List(open, false);
            }
            State::Begin | State::Done => return Ok(None),
        }
        if self.peek()? != Some(b'{') {
            let fix =
                "each row must be an object in braces; look at `rows_at` in the mapping, or export again";
            return Err(FileFault::content("JSON-ROW", Some(self.line), fix));
        }
        let line = self.line;
        self.take_value(ROW_MAX)?;
        match std::str::from_utf8(&self.row) {
            Ok(row) => Ok(Some((line, row))),
            Err(_) => Err(broken(line)),
        }
    }

    fn begin(&mut self) -> Result<(), FileFault> {
        let path = std::mem::take(&mut self.path);
        for key in &path {
            if self.peek()? != Some(b'{') || !self.find(key)? {
                return Err(self.no_list(&path));
            }
        }
        self.state = match self.peek()? {
            Some(b'[') => {
                self.at += 1;
                State::List(path.len(), true)
            }
            Some(b'{') if path.is_empty() => State::Lines,
            Some(b'{') => return Err(self.no_list(&path)),
            None if path.is_empty() => State::Done,
            _ if path.is_empty() => return Err(broken(self.line)),
            _ => return Err(self.no_list(&path)),
        };
        self.path = path;
        Ok(())
    }

    fn no_list(&self, path: &[String]) -> FileFault {
        let fix = format!(
            "there is no list `{}` in it, so it was not taken for an empty one; look at `rows_at` in the mapping, and at \
             what the MIS really answered",
            path.join(".")
        );
        FileFault::content("JSON-ENVELOPE", Some(self.line), fix)
    }

    /// Goes into an object up to the value of this key. False if it has none.
    fn find(&mut self, wanted: &str) -> Result<bool, FileFault> {
        self.at += 1;
        let mut first = true;
        while self.goes_on(b'}', first)? {
            first = false;
            if self.key()? == wanted {
                return Ok(true);
            }
            self.skip_value()?;
        }
        Ok(false)
    }

    /// What follows the list, to the end of the file. The list's own key must not come once more.
    fn close(&mut self, open: usize) -> Result<(), FileFault> {
        for depth in (0..open).rev() {
            while self.goes_on(b'}', false)? {
                let key = self.key()?;
                if self.path.get(depth).is_some_and(|wanted| *wanted == key) {
                    let fix = "the list is there twice, so nobody can tell which one counts; export or fetch it again";
                    return Err(FileFault::content("JSON-KEY-TWICE", Some(self.line), fix));
                }
                self.skip_value()?;
            }
        }
        if self.peek()?.is_some() { Err(broken(self.line)) } else { Ok(()) }
    }

    fn goes_on(&mut self, end: u8, first: bool) -> Result<bool, FileFault> {
        let next = self.peek()?;
        if next == Some(end) {
            self.at += 1;
            return Ok(false);
        }
        match (first, next) {
            (true, Some(_)) => Ok(true),
            (false, Some(b',')) => {
                self.at += 1;
                if self.peek()? == Some(end) { Err(broken(self.line)) } else { Ok(true) }
            }
            _ => Err(broken(self.line)),
        }
    }

    fn key(&mut self) -> Result<String, FileFault> {
        let line = self.line;
        if self.peek()? != Some(b'"') {
            return Err(broken(line));
        }
        self.take_value(KEY_MAX)?;
        let text = std::str::from_utf8(&self.row).map_err(|_| broken(line))?;
        let mut cursor = Cursor::new(text);
        let key = match cursor.value().map_err(|_| broken(line))? {
            super::Value::Text(key) => key.to_owned(),
            _ => cursor.unescaped().to_owned(),
        };
        if self.peek()? != Some(b':') {
            return Err(broken(line));
        }
        self.at += 1;
        self.peek()?;
        Ok(key)
    }

    /// The next byte that is no blank, without taking it.
    fn peek(&mut self) -> Result<Option<u8>, FileFault> {
        loop {
            while let Some(byte) = self.piece.get(self.at) {
                match byte {
                    b'\n' => self.line += 1,
                    b' ' | b'\t' | b'\r' => {}
                    other => return Ok(Some(*other)),
                }
                self.at += 1;
            }
            if !self.refill()? {
                return Ok(None);
            }
        }
    }

    fn refill(&mut self) -> Result<bool, FileFault> {
        if self.ended {
            return Ok(false);
        }
        self.piece.clear();
        self.at = 0;
        match self.text.next_piece() {
            Ok([]) => self.ended = true,
            Ok(piece) => self.piece.extend_from_slice(piece),
            Err(Broken::Malformed) => {
                let fix = "the text is not UTF-8, as JSON must be; export it again";
                return Err(FileFault::content("FILE-ENCODING", Some(self.line), fix));
            }
            Err(Broken::Read(error)) => return Err(error.into()),
        }
        Ok(!self.ended)
    }

    /// Takes a whole value into `row`.
    fn take_value(&mut self, most: usize) -> Result<(), FileFault> {
        let mut row = std::mem::take(&mut self.row);
        row.clear();
        let taken = self.value(&mut |bytes| {
            row.extend_from_slice(bytes);
            row.len() <= most
        });
        self.row = row;
        taken
    }

    fn skip_value(&mut self) -> Result<(), FileFault> {
        self.value(&mut |_| true)
    }

    /// Gives the bytes of a value, piece by piece; `take` says false if that is too much.
    fn value(&mut self, take: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), FileFault> {
        let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
        let scalar = !matches!(self.peek()?, Some(b'{' | b'[' | b'"'));
        loop {
            let mut end = None;
            let piece = &self.piece[self.at..];
            let mut at = 0;
            while at < piece.len() {
                if in_string {
                    if escaped {
                        escaped = false;
                        at += 1;
                        continue;
                    }
                    match memchr::memchr2(b'"', b'\\', &piece[at..]) {
                        None => at = piece.len(),
                        Some(found) if piece[at + found] == b'\\' => {
                            escaped = true;
                            at += found + 1;
                        }
                        Some(found) => {
                            in_string = false;
                            at += found + 1;
                            if depth == 0 {
                                end = Some(at);
                                break;
                            }
                        }
                    }
                    continue;
                }
                match piece[at] {
                    b'"' => in_string = true,
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' | b',' | b' ' | b'\n' | b'\r' | b'\t' if scalar => {
                        end = Some(at);
                        break;
                    }
                    b'}' | b']' => {
                        depth = depth.saturating_sub(1);
                        if depth == 0 {
                            end = Some(at + 1);
                            break;
                        }
                    }
                    _ => {}
                }
                at += 1;
            }
            let taken = &piece[..end.unwrap_or(piece.len())];
            self.line += memchr::memchr_iter(b'\n', taken).count() as u64;
            if !take(taken) {
                let fix = "a row is larger than any honest one; ask for fewer nested records";
                return Err(FileFault::too_big("JSON-SIZE", Some(self.line), fix));
            }
            self.at += taken.len();
            if end.is_some() {
                return Ok(());
            }
            if !self.refill()? {
                return if scalar { Ok(()) } else { Err(broken(self.line)) };
            }
        }
    }
}
