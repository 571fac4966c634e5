//! The folder of one source's fetched files: private, and each file whole or not there.

use super::FetchFault;
use crate::durable;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

/// The folder of one source.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes the folder, which only the agent's user can enter.
    ///
    /// # Errors
    /// It can't be made.
    pub fn open(path: &Path) -> io::Result<Self> {
        durable::private_folder(path)?;
        Ok(Self { path: path.to_owned() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Begins a file that nobody sees before [`NewFile::finish`].
    ///
    /// # Errors
    /// It can't be made.
    pub fn begin(&self, name: &str) -> io::Result<NewFile> {
        let (at, part) = (self.path.join(name), self.path.join(format!(".{name}.part")));
        // A leftover of a crash may have other rights.
        match fs::remove_file(&part) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let file = BufWriter::with_capacity(128 << 10, options.open(&part)?);
        Ok(NewFile { file: Some(file), at, part })
    }

    /// Writes a whole file unless it is there with these bytes. True if it is new.
    ///
    /// # Errors
    /// It can't be written.
    pub fn put(&self, name: &str, bytes: &[u8]) -> io::Result<bool> {
        if fs::read(self.path.join(name)).is_ok_and(|held| held == bytes) {
            return Ok(false);
        }
        let mut file = self.begin(name)?;
        file.write_all(bytes)?;
        file.finish()?;
        Ok(true)
    }

    /// What is kept beside the files: where the next fetch goes on. `None` if there is nothing, or nothing readable.
    pub fn note(&self) -> Option<Vec<u8>> {
        fs::read(self.path.join(".note")).ok()
    }

    /// Keeps a note for the next fetch, or forgets it.
    ///
    /// # Errors
    /// It can't be written.
    pub fn keep_note(&self, note: Option<&[u8]>) -> io::Result<()> {
        let at = self.path.join(".note");
        match note {
            Some(note) => durable::replace(&at, note, durable::Readers::Owner),
            None => match fs::remove_file(at) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
        }
    }

    /// Removes every file but these, and leftovers of interrupted fetches.
    pub(super) fn keep_only(&self, names: &[String]) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let name = entry.file_name();
            let keep =
                name.to_str().is_some_and(|name| name == ".note" || names.iter().any(|keep| keep == name));
            if !keep && entry.file_type()?.is_file() {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Names of the files that are seen, in their order.
    pub(super) fn files(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let name = entry.file_name().into_string().unwrap_or_default();
            if !name.is_empty() && !name.starts_with('.') && entry.file_type()?.is_file() {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// Removes a file that nobody needs any more.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    /// Makes sure that this many bytes can be written, before an MIS is asked for more than that. Where the system doesn't tell,
    /// it is seen by writing.
    pub(super) fn room(&self, bytes: u64) -> Result<(), FetchFault> {
        match durable::disk(&self.path) {
            Some((free, _)) if free < bytes => Err(io::Error::from(io::ErrorKind::StorageFull).into()),
            _ => Ok(()),
        }
    }
}

/// A file that is being written. Dropped before its end, it was never there.
#[derive(Debug)]
pub struct NewFile {
    file: Option<BufWriter<File>>,
    at: PathBuf,
    part: PathBuf,
}

impl NewFile {
    /// Makes the file whole, flushed, and seen under its name.
    ///
    /// # Errors
    /// It can't be written; then it is not there, and the one before stands.
    pub fn finish(mut self) -> io::Result<()> {
        self.flush_to_disk()?;
        self.file = None;
        fs::rename(&self.part, &self.at)?;
        durable::sync_folder(self.at.parent().unwrap_or(Path::new(".")))
    }

    /// What was written so far, from its beginning.
    pub(super) fn read_again(&self) -> io::Result<File> {
        File::open(&self.part)
    }

    fn flush_to_disk(&mut self) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        file.flush()?;
        file.get_ref().sync_all()
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_mut().ok_or_else(|| io::Error::from(io::ErrorKind::BrokenPipe))?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        self.file = None;
        // After a finish nothing of this name is left.
        let _ = fs::remove_file(&self.part);
    }
}
