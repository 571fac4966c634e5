//! A pack: files that somebody takes away, made while they are sent, so that memory does not grow with them.
//!
//! A pack is a sequence of pieces; each is appended to the file that it names. Its entry is durable before the first one.

use super::gone::NotYet;
use crate::{AskError, office::Acting, shared::Shared};
use commonroll_core::{PersonId, Role, Timestamp};
use jiff::tz::TimeZone;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Bytes of a piece, about.
const PIECE: usize = 64 << 10;
/// Pieces that wait for whoever takes them.
const WAITING: usize = 4;

/// Some bytes of a file.
#[derive(Clone, PartialEq, Eq)]
pub struct Piece {
    /// The file's name in the pack, with `/` between folders: letters, digits, `.`, `_` and `-`.
    pub file: String,
    /// What is appended to it.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for Piece {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Piece({}, {} bytes)", self.file, self.bytes.len())
    }
}

/// A pack on its way out. Dropped, no more of it is made.
pub struct Pack {
    pieces: mpsc::Receiver<Result<Piece, AskError>>,
    /// Who takes it away, and in which role; `None` for the hub's operator.
    acting: Option<(Arc<Shared>, PersonId, Role)>,
}

impl std::fmt::Debug for Pack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pack(..)")
    }
}

impl Pack {
    /// The next piece; `None` at the end. After an error the pack is not whole: whoever takes it may not act any more, or
    /// the log could not be read.
    pub async fn next(&mut self) -> Option<Result<Piece, AskError>> {
        let next = self.pieces.recv().await?;
        if let Some((shared, id, role)) = &self.acting
            && let Err(denied) = shared.directory().in_role(*id, *role)
        {
            self.pieces.close();
            return Some(Err(denied.into()));
        }
        Some(next)
    }

    /// Each piece is handed out only while this person holds the role.
    pub(super) fn taken_by(self, shared: &Arc<Shared>, acting: Acting<'_>) -> Self {
        Self { acting: Some((shared.clone(), acting.speaker.id(), acting.role)), ..self }
    }

    /// Makes a pack by work that runs beside whoever takes it.
    pub(super) fn made<F>(work: impl FnOnce(Out) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Result<(), NotYet>> + Send + 'static,
    {
        let (sender, receiver) = mpsc::channel(WAITING);
        let out = Out { sender: sender.clone() };
        let making = work(out);
        tokio::spawn(async move {
            if making.await.is_err() {
                let _ = sender.send(Err(AskError::Unavailable)).await;
            }
        });
        Self { pieces: receiver, acting: None }
    }
}

/// Where a pack's pieces go.
#[derive(Clone)]
pub struct Out {
    sender: mpsc::Sender<Result<Piece, AskError>>,
}

impl Out {
    /// Hands over a whole file, or the next of it.
    pub async fn put(&self, file: &str, bytes: impl Into<Vec<u8>>) -> Result<(), NotYet> {
        let bytes = bytes.into();
        for some in bytes.chunks(PIECE * 4) {
            let piece = Piece { file: file.to_owned(), bytes: some.to_vec() };
            self.sender.send(Ok(piece)).await.map_err(|_| NotYet)?;
        }
        Ok(())
    }
}

/// A file of many lines, sent as it grows.
pub struct Lines {
    out: Out,
    file: String,
    bytes: Vec<u8>,
    /// How many there are.
    pub count: u64,
}

impl Lines {
    /// A file that begins with a line, unless that is empty.
    pub fn new(out: &Out, file: String, first: &str) -> Self {
        let mut bytes = first.as_bytes().to_vec();
        if !first.is_empty() {
            bytes.extend_from_slice(b"\r\n");
        }
        Self { out: out.clone(), file, bytes, count: 0 }
    }

    /// Adds a row of CSV. A cell that a spreadsheet would take for a formula gets a quotation mark in front.
    pub async fn row(&mut self, cells: &[&str]) -> Result<(), NotYet> {
        let cells: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
        self.bytes.extend_from_slice(cells.join(",").as_bytes());
        self.bytes.extend_from_slice(b"\r\n");
        self.added().await
    }

    /// Adds a line of JSON.
    pub async fn json(&mut self, value: &serde_json::Value) -> Result<(), NotYet> {
        self.bytes.extend_from_slice(value.to_string().as_bytes());
        self.bytes.push(b'\n');
        self.added().await
    }

    async fn added(&mut self) -> Result<(), NotYet> {
        self.count += 1;
        if self.bytes.len() >= PIECE {
            self.out.put(&self.file, std::mem::take(&mut self.bytes)).await?;
        }
        Ok(())
    }

    /// Hands over the rest.
    pub async fn end(self) -> Result<u64, NotYet> {
        self.out.put(&self.file, self.bytes).await?;
        Ok(self.count)
    }
}

fn quoted(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let cell = if formula { format!("'{cell}") } else { cell.to_owned() };
    match cell.contains(['"', ',', '\n', '\r', '\'']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell,
    }
}

/// An instant as clocks show it in a zone.
pub fn local_time(at: Timestamp, zone: &TimeZone) -> String {
    jiff::Timestamp::from_microsecond(at.micros()).map_or_else(
        |_| at.to_string(),
        |instant| instant.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string(),
    )
}

/// The log's checkpoint of now, its key, and how to check them: a page of every pack.
pub async fn evidence(shared: &Arc<Shared>, out: &Out, folder: &str, proofs: &[u64]) -> Result<u64, NotYet> {
    let exchange = crate::Exchange { shared: shared.clone(), failures: Arc::default() };
    let (note, _) = exchange.checkpoint(0).await.map_err(|_| NotYet)?;
    out.put(&format!("{folder}checkpoint.txt"), note).await?;
    out.put(&format!("{folder}log.key"), format!("{}\n", exchange.log_key())).await?;
    for sequence in proofs {
        let proof = exchange.prove(*sequence).await.map_err(|_| NotYet)?;
        out.put(&format!("{folder}proofs/entry-{sequence}.proof"), proof.text()).await?;
    }
    Ok(proofs.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_no_formula_and_breaks_no_row() {
        assert_eq!(quoted("004711"), "004711");
        assert_eq!(quoted("=1+1"), "\"'=1+1\"");
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
    }

    #[test]
    fn times_are_those_of_the_institution() {
        let at = Timestamp::from_micros("at", 1_789_372_800_000_000).unwrap();
        let london = TimeZone::get("Europe/London").unwrap();
        assert_eq!(local_time(at, &london), "2026-09-14 09:00:00 BST");
    }
}
