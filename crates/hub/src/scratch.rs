//! A file for what views keep of days that nothing touches: numbers and counts, no name and no mark in words.
//!
//! It has no name in the folder and is gone with the process, however that ends: views are fed again at a start. What lies in
//! it is sealed with a key that memory alone has, so that what was erased can't be read from the disk's freed blocks.

use crate::clock::{Randomness, draw};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use commonroll_views::Shelf;
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};

/// Places are multiples of this many bytes, so that a day that has grown a little fits where it lay.
const STEP: u64 = 64 * 1024;

/// A stretch of the file.
#[derive(Debug, Clone, Copy)]
struct Place {
    start: u64,
    room: u64,
}

/// A day's sealed bytes.
#[derive(Debug, Clone, Copy)]
struct Laid {
    place: Place,
    length: usize,
    /// How many had been sealed before: no two have the same nonce.
    number: u64,
}

/// The file, and what lies where in it.
#[derive(Debug)]
pub(crate) struct Scratch {
    file: File,
    key: LessSafeKey,
    sealed: u64,
    end: u64,
    free: Vec<Place>,
    days: BTreeMap<i32, Laid>,
}

impl Scratch {
    /// An empty one, on the disk of this folder.
    pub fn open(folder: &Path, random: &dyn Randomness) -> io::Result<Self> {
        Self::new(tempfile::tempfile_in(folder)?, draw(random))
    }

    fn new(file: File, key: [u8; 32]) -> io::Result<Self> {
        let key = UnboundKey::new(&AES_256_GCM, &key).map_err(|_| io::ErrorKind::InvalidInput)?;
        let (free, days) = (Vec::new(), BTreeMap::new());
        Ok(Self { file, key: LessSafeKey::new(key), sealed: 0, end: 0, free, days })
    }

    /// The smallest place that is free and large enough, or a new one at the end.
    fn place(&mut self, bytes: u64) -> Place {
        let fitting = self.free.iter().enumerate().filter(|(_, place)| place.room >= bytes);
        if let Some((at, _)) = fitting.min_by_key(|(_, place)| place.room) {
            return self.free.swap_remove(at);
        }
        let place = Place { start: self.end, room: bytes.next_multiple_of(STEP) };
        self.end += place.room;
        place
    }

    fn write(&mut self, place: Place, sealed: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(place.start))?;
        self.file.write_all(sealed)
    }

    fn read(&mut self, laid: Laid) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; laid.length];
        self.file.seek(SeekFrom::Start(laid.place.start))?;
        self.file.read_exact(&mut bytes)?;
        let opened = self.key.open_in_place(nonce(laid.number), Aad::empty(), &mut bytes);
        let length = opened.map_err(|_| io::ErrorKind::InvalidData)?.len();
        bytes.truncate(length);
        Ok(bytes)
    }
}

fn nonce(number: u64) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    bytes[NONCE_LEN - size_of::<u64>()..].copy_from_slice(&number.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}

impl Shelf for Scratch {
    fn lay(&mut self, day: i32, bytes: &[u8]) -> bool {
        self.clear(day);
        let number = self.sealed;
        self.sealed += 1;
        let mut sealed = bytes.to_vec();
        if self.key.seal_in_place_append_tag(nonce(number), Aad::empty(), &mut sealed).is_err() {
            return false;
        }
        let place = self.place(sealed.len() as u64);
        match self.write(place, &sealed) {
            Ok(()) => {
                self.days.insert(day, Laid { place, length: sealed.len(), number });
                true
            }
            Err(error) => {
                self.free.push(place);
                tracing::warn!(
                    kind = %error.kind(),
                    "figures' parts of earlier days could not be laid on disk; memory holds them"
                );
                false
            }
        }
    }

    fn look(&mut self, day: i32) -> Option<Vec<u8>> {
        let laid = *self.days.get(&day)?;
        match self.read(laid) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                tracing::error!(
                    kind = %error.kind(),
                    "figures' parts of an earlier day can't be read again; figures say that they aren't whole: restart the hub"
                );
                None
            }
        }
    }

    fn clear(&mut self, day: i32) {
        if let Some(laid) = self.days.remove(&day) {
            self.free.push(laid.place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same key each time.
    struct Fixed;

    impl Randomness for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    fn filled(with: u8, length: usize) -> Vec<u8> {
        vec![with; length]
    }

    #[test]
    fn each_day_reads_as_it_was_laid_last_and_what_is_cleared_makes_room() {
        let folder = tempfile::tempdir().unwrap();
        let mut scratch = Scratch::open(folder.path(), &Fixed).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "it has no name");
        for day in 0..3 {
            assert!(scratch.lay(day, &filled(day as u8, 100_000)));
        }
        assert!(scratch.lay(1, &filled(9, 120_000)), "it grew, and fits");
        let end = scratch.end;
        assert!(scratch.lay(0, &filled(7, 200_000)), "it doesn't fit any more");
        assert!(scratch.end > end);
        let end = scratch.end;
        scratch.clear(2);
        assert!(scratch.lay(5, &filled(5, 90_000)) && scratch.lay(-1, &[]));
        assert_eq!(scratch.end, end, "there was room");
        assert_eq!(scratch.look(0), Some(filled(7, 200_000)));
        assert_eq!(scratch.look(1), Some(filled(9, 120_000)));
        assert_eq!(scratch.look(2), None);
        assert_eq!((scratch.look(5), scratch.look(-1)), (Some(filled(5, 90_000)), Some(Vec::new())));
        let mut all = Vec::new();
        scratch.file.seek(SeekFrom::Start(0)).unwrap();
        scratch.file.read_to_end(&mut all).unwrap();
        assert!(
            !all.windows(8)
                .any(|piece| [2, 5, 7, 9].contains(&piece[0]) && piece.iter().all(|byte| *byte == piece[0]))
        );
        // What something else has written over is not taken for the day.
        scratch.write(Place { start: 0, room: end }, &filled(3, end as usize)).unwrap();
        assert_eq!(scratch.look(0), None);
    }

    #[test]
    fn what_can_not_be_written_is_not_taken_for_laid() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, []).unwrap();
        let mut scratch = Scratch::new(File::open(&path).unwrap(), [7; 32]).unwrap();
        assert!(!scratch.lay(1, &filled(1, 10)), "it is open for reading alone");
        assert_eq!(scratch.look(1), None);
    }
}
