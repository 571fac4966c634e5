//! A file for what views keep of days that nothing touches: numbers and counts, no name and no mark in words.
//!
//! It has no name in the folder and is gone with the process, however that ends: views are fed again at a start.

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

/// The file, and what lies where in it.
#[derive(Debug)]
pub(crate) struct Scratch {
    file: File,
    end: u64,
    free: Vec<Place>,
    days: BTreeMap<i32, (Place, usize)>,
}

impl Scratch {
    /// An empty one, on the disk of this folder.
    pub fn open(folder: &Path) -> io::Result<Self> {
        Ok(Self::new(tempfile::tempfile_in(folder)?))
    }

    const fn new(file: File) -> Self {
        Self { file, end: 0, free: Vec::new(), days: BTreeMap::new() }
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

    fn write(&self, place: Place, bytes: &[u8]) -> io::Result<()> {
        (&self.file).seek(SeekFrom::Start(place.start))?;
        (&self.file).write_all(bytes)
    }

    fn read(&self, (place, length): (Place, usize)) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        (&self.file).seek(SeekFrom::Start(place.start))?;
        (&self.file).read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

impl Shelf for Scratch {
    fn lay(&mut self, day: i32, bytes: &[u8]) -> bool {
        self.clear(day);
        let place = self.place(bytes.len() as u64);
        match self.write(place, bytes) {
            Ok(()) => {
                self.days.insert(day, (place, bytes.len()));
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

    fn look(&self, day: i32) -> Option<Vec<u8>> {
        match self.read(*self.days.get(&day)?) {
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
        if let Some((place, _)) = self.days.remove(&day) {
            self.free.push(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(with: u8, length: usize) -> Vec<u8> {
        vec![with; length]
    }

    #[test]
    fn each_day_reads_as_it_was_laid_last_and_what_is_cleared_makes_room() {
        let folder = tempfile::tempdir().unwrap();
        let mut scratch = Scratch::open(folder.path()).unwrap();
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
    }

    #[test]
    fn what_can_not_be_written_is_not_taken_for_laid() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, []).unwrap();
        let mut scratch = Scratch::new(File::open(&path).unwrap());
        assert!(!scratch.lay(1, &filled(1, 10)), "it is open for reading alone");
        assert_eq!(scratch.look(1), None);
    }
}
