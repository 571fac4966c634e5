//! Room that the hub holds in reserve on the disk of its database: a file beside it, which is emptied when the disk is full.
//!
//! Other programs of the hub (`hub revoke` beside `hub run`) see the same file: whoever runs into the full disk first gives
//! its room back, and only the hub that serves takes it again. An empty file says that it was given back, and that records wait;
//! no file says that there never was room for one, and keeps nobody waiting. A database on another machine has none here.

use commonroll_exchange::Reserve;
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

/// Bytes of one write, where the system can't set room aside by itself.
const PIECE: usize = 1 << 20;

/// The file.
#[derive(Debug)]
pub(crate) struct ReserveFile {
    at: PathBuf,
    bytes: u64,
    /// It was said that there is no room for it: at every look that would be too often.
    told: AtomicBool,
}

impl ReserveFile {
    /// Beside an SQLite database in a file; `None` for any other.
    pub fn beside(database: &str, mib: u32) -> Option<Self> {
        let path = database.strip_prefix("sqlite:")?;
        let path = path.strip_prefix("//").unwrap_or(path);
        let path = path.split('?').next().filter(|path| !path.is_empty() && !path.starts_with(':'))?;
        // In an address a percent sign stands for something else: which file it is, is not known here.
        let path = Some(path).filter(|path| !path.contains('%'))?;
        let mut at = std::ffi::OsString::from(path);
        at.push(".reserve");
        let reserve = Self { at: at.into(), bytes: u64::from(mib) << 20, told: AtomicBool::new(false) };
        if reserve.bytes == 0 {
            // It may have been wanted before.
            let _ = fs::remove_file(&reserve.at);
            return None;
        }
        Some(reserve)
    }

    fn length(&self) -> Option<u64> {
        self.at.metadata().ok().map(|file| file.len())
    }

    fn is_held(&self) -> bool {
        self.length().is_some_and(|length| length >= self.bytes)
    }

    /// The file under another name until it is whole: a part of it is no reserve.
    fn part(&self) -> PathBuf {
        self.at.with_extension("reserve.part")
    }

    fn make(&self) -> io::Result<()> {
        let folder = self.at.parent().filter(|folder| !folder.as_os_str().is_empty());
        // Half as much must be left, or the next records would fill the disk again at once.
        let wanted = self.bytes + self.bytes / 2;
        if free(folder.unwrap_or(Path::new("."))).is_some_and(|free| free < wanted) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let part = self.part();
        let mut file = File::create(&part)?;
        set_aside(&mut file, self.bytes)?;
        fs::rename(part, &self.at)
    }
}

impl Reserve for ReserveFile {
    fn give_back(&self) {
        if self.length().is_none_or(|length| length == 0) {
            return;
        }
        let emptied = File::options().write(true).open(&self.at).and_then(|file| file.set_len(0));
        if let Err(error) = emptied {
            tracing::error!(kind = %error.kind(), "the reserve beside the database can't be given back");
        }
    }

    fn take(&self) -> bool {
        if self.is_held() {
            return true;
        }
        let Err(error) = self.make() else { return true };
        let _ = fs::remove_file(self.part());
        let is_full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        if is_full && self.length() == Some(0) {
            return false;
        }
        // There is room for records as far as anybody knows.
        if !self.told.swap(true, Ordering::Relaxed) {
            tracing::warn!(kind = %error.kind(), "the reserve beside the database can't be held yet; records are taken without");
        }
        true
    }
}

/// Bytes that are free on the disk of a folder; `None` where nobody can tell.
fn free(folder: &Path) -> Option<u64> {
    #[cfg(not(target_os = "linux"))]
    return Some(folder).and(None);
    #[cfg(target_os = "linux")]
    rustix::fs::statvfs(folder).ok().and_then(|disk| disk.f_bavail.checked_mul(disk.f_frsize))
}

/// Makes a new file take up so many bytes of its disk.
fn set_aside(file: &mut File, bytes: u64) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    match rustix::fs::fallocate(&*file, rustix::fs::FallocateFlags::empty(), 0, bytes) {
        Ok(()) => return Ok(()),
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS | rustix::io::Errno::INVAL) => {}
        Err(error) => return Err(error.into()),
    }
    fill(file, bytes)
}

/// Writes what no file system can make smaller: all pieces differ, and within one no byte says what the next is.
fn fill(file: &mut File, bytes: u64) -> io::Result<()> {
    use std::io::Write;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut piece = vec![0; PIECE];
    let mut left = bytes;
    while left > 0 {
        for word in piece.chunks_exact_mut(size_of::<u64>()) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            word.copy_from_slice(&state.to_le_bytes());
        }
        let now = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        file.write_all(&piece[..now])?;
        left -= now as u64;
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_lies_beside_a_database_in_a_file_and_beside_no_other() {
        let at = |database| ReserveFile::beside(database, 64).map(|reserve| reserve.at);
        assert_eq!(at("sqlite:/data/hub.db"), Some(PathBuf::from("/data/hub.db.reserve")));
        assert_eq!(at("sqlite:///data/hub.db?mode=rwc"), Some(PathBuf::from("/data/hub.db.reserve")));
        assert_eq!(at("sqlite:/data/hub.reserve"), Some(PathBuf::from("/data/hub.reserve.reserve")));
        assert_eq!(at("sqlite:/data/a%20b/hub.db"), None);
        assert_eq!(at("sqlite::memory:"), None);
        assert_eq!(at("postgres://hub@database/hub"), None);
        assert!(ReserveFile::beside("sqlite:/data/hub.db", 0).is_none(), "nobody wants one");
    }

    #[test]
    fn what_is_held_is_on_the_disk_and_gone_once_it_was_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let database = format!("sqlite:{}", folder.path().join("hub.db").display());
        let reserve = ReserveFile::beside(&database, 2).unwrap();
        reserve.give_back();
        assert_eq!(reserve.length(), None, "there is none yet");
        assert!(reserve.take() && reserve.take());
        #[cfg(target_os = "linux")]
        {
            use std::os::unix::fs::MetadataExt;
            let blocks = reserve.at.metadata().unwrap().blocks();
            assert!(blocks * 512 >= 2 << 20, "{blocks} blocks: a hole takes up no room");
        }
        let too_much = ReserveFile { bytes: 1 << 60, at: reserve.at.clone(), told: AtomicBool::new(false) };
        assert!(too_much.take() && reserve.is_held(), "less than is wanted now is better than none");
        let less = ReserveFile::beside(&database, 1).unwrap();
        assert!(less.take());
        less.give_back();
        assert_eq!(reserve.length(), Some(0), "more than is wanted now is given back whole");
        assert!(!too_much.take(), "it was given back, and no disk has so much: records wait");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left of the attempt");
        assert!(reserve.take() && reserve.is_held());
        assert!(ReserveFile::beside(&database, 0).is_none());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nobody wants one any more");
        assert!(too_much.take() && !too_much.is_held(), "without one from the start records are taken");
        let at = folder.path().join("no folder").join("hub.reserve");
        let nowhere = ReserveFile { at, bytes: 1 << 20, told: AtomicBool::new(false) };
        assert!(
            nowhere.take() && !nowhere.is_held(),
            "that a reserve can't be made says nothing of the disk"
        );
    }

    #[test]
    fn where_no_room_can_be_set_aside_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fill(&mut File::create(&path).unwrap(), PIECE as u64 + 5).unwrap();
        let bytes = fs::read(path).unwrap();
        assert_eq!(bytes.len(), PIECE + 5);
        assert_ne!(bytes[..5], bytes[PIECE..]);
    }
}
