//! Files that are whole or not there: written beside, flushed, moved into place.
//!
//! After [`replace`] returns, the file survives a power cut with its new content; before, with its old one.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// The agent's own user alone. Where the system has no such bits, the folder's rights decide.
    Owner,
    /// Whoever the folder lets in.
    Folder,
}

/// Writes a file in one step that a crash can't halve.
pub fn replace(path: &Path, content: &[u8], readers: Readers) -> io::Result<()> {
    let beside = write_beside(path, content, readers)?;
    fs::rename(&beside, path)?;
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}

/// As [`replace`], but what lies there already stays as it is, whatever it is.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] if the name is taken; nothing is written then.
pub fn add(path: &Path, content: &[u8], readers: Readers) -> io::Result<()> {
    let beside = write_beside(path, content, readers)?;
    // A second name for the same file is given only if nobody has it, which moving can't promise.
    let named = match fs::hard_link(&beside, path) {
        // Sticks and some network folders know no second name.
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => add_whole(path, content, readers),
        named => named,
    };
    let removed = fs::remove_file(&beside);
    named?;
    removed?;
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}

/// The same where no link can be made: a power cut may leave a part of it there, a fault nothing.
fn add_whole(path: &Path, content: &[u8], readers: Readers) -> io::Result<()> {
    let mut file = open_new(path, readers)?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    if written.is_err() {
        // Only what was just made is taken away; that it can't be is told by the fault that came first.
        let _ = fs::remove_file(path);
    }
    written
}

fn write_beside(path: &Path, content: &[u8], readers: Readers) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    let mut beside = std::ffi::OsString::from(".");
    beside.push(name);
    beside.push(".part");
    let beside = path.with_file_name(beside);
    let mut file = create(&beside, readers)?;
    file.write_all(content)?;
    file.sync_all()?;
    Ok(beside)
}

/// Makes a folder, and those above it, that only the agent's user can enter.
pub fn private_folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

fn create(path: &Path, readers: Readers) -> io::Result<File> {
    // A leftover of a crash is ours alone, and may have other rights.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    open_new(path, readers)
}

fn open_new(path: &Path, readers: Readers) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(match readers {
            Readers::Owner => 0o600,
            Readers::Folder => 0o640,
        });
    }
    #[cfg(not(unix))]
    let _ = readers;
    options.open(path)
}

/// Makes a rename in this folder survive a power cut. Systems without Unix's way flush the rename by themselves.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder)?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

/// Free and all bytes of the disk that a folder lies on; `None` where nobody can tell.
pub fn disk(folder: &Path) -> Option<(u64, u64)> {
    #[cfg(target_os = "linux")]
    {
        let said = rustix::fs::statvfs(folder).ok()?;
        Some((said.f_bavail.checked_mul(said.f_frsize)?, said.f_blocks.checked_mul(said.f_frsize)?))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = folder;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_there_stays_whether_links_can_be_made_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("transfer.xml");
        for add in [add, add_whole] {
            add(&path, b"first", Readers::Owner).unwrap();
            let again = add(&path, b"second", Readers::Owner).unwrap_err();
            assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(fs::read(&path).unwrap(), b"first");
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            }
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
            fs::remove_file(&path).unwrap();
        }
    }
}
