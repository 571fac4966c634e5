//! Files of the wizard: which exports a folder has, what their names have in common, and what is written where.

use super::{Args, ask::Asker};
use crate::commands::told;
use commonroll_agent::{Settings, durable};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Sorts of exports that one folder can have before it is not a folder of exports.
const SORTS_MAX: usize = 40;

/// What was written.
pub struct Written {
    pub name: String,
    pub pattern: String,
    pub settings: PathBuf,
    pub mapping: Option<PathBuf>,
}

/// The export itself, or the newest of each sort in a folder: files whose names differ in digits alone are of one sort.
pub fn exports(target: &Path) -> Result<Vec<PathBuf>, String> {
    let at = |error: std::io::Error| format!("{}: {error}", target.display());
    if !fs::metadata(target).map_err(at)?.is_dir() {
        return Ok(vec![target.to_owned()]);
    }
    let mut newest: BTreeMap<String, (std::time::SystemTime, PathBuf)> = BTreeMap::new();
    for entry in fs::read_dir(target).map_err(at)? {
        let entry = entry.map_err(at)?;
        let (metadata, name) = (entry.metadata().map_err(at)?, entry.file_name());
        let Some(name) = name.to_str() else { continue };
        let known = [".csv", ".txt", ".tsv", ".xml", ".xlsx", ".ods", ".json", ".jsonl", ".zip"];
        let lower = name.to_lowercase();
        if !metadata.is_file()
            || name.starts_with('.')
            || lower.ends_with(".result.csv")
            || !known.iter().any(|end| lower.ends_with(end))
        {
            continue;
        }
        let modified = metadata.modified().map_err(at)?;
        let held = newest.entry(pattern(name)).or_insert_with(|| (modified, entry.path()));
        if modified > held.0 {
            *held = (modified, entry.path());
        }
    }
    match newest.len() {
        0 => Err(format!("{}: no exports in this folder yet; let the MIS write one first", target.display())),
        n if n > SORTS_MAX => {
            Err(format!("{}: {n} sorts of files; name the folder that has exports alone", target.display()))
        }
        _ => Ok(newest.into_values().map(|(_, path)| path).collect()),
    }
}

/// The pattern of an export's name: digits differ from one export to the next, and so may what stands between them.
pub fn pattern(file_name: &str) -> String {
    let (stem, end) = file_name.rsplit_once('.').unwrap_or((file_name, ""));
    let mut pattern = String::new();
    let mut parts = stem.chars().peekable();
    while let Some(c) = parts.next() {
        if !c.is_ascii_digit() {
            pattern.push(c);
            continue;
        }
        while let Some(next) = parts.peek().copied() {
            let between = matches!(next, '-' | '_' | '.' | 'T' | ' ');
            let digit_follows = between && parts.clone().nth(1).is_some_and(|c| c.is_ascii_digit());
            if !next.is_ascii_digit() && !digit_follows {
                break;
            }
            parts.next();
        }
        pattern.push('*');
    }
    if end.is_empty() { pattern } else { format!("{pattern}.{end}") }
}

/// A name for a source: letters of the export's name.
pub fn source_name(file_name: &str) -> String {
    let stem = file_name.rsplit_once('.').map_or(file_name, |(stem, _)| stem).to_lowercase();
    let letters: String = stem.chars().map(|c| if c.is_ascii_alphabetic() { c } else { '-' }).collect();
    let name = letters.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
    if name.is_empty() { "export".to_owned() } else { name }
}

/// What writing came to.
pub enum Writing {
    Done(Written),
    /// A mapping that says something else is there, and nobody said that it may be overwritten.
    There(PathBuf),
}

/// True if a file is there and says something else: the same written again takes nothing from anybody.
pub fn would_lose(path: &Path, text: &str) -> bool {
    path.exists() && !fs::read(path).is_ok_and(|held| held == text.as_bytes())
}

/// Writes the mapping and adds the source to the settings.
pub fn write(
    args: &Args,
    asker: &mut Asker,
    name: &str,
    pattern: &str,
    connector: &str,
    file: &Path,
    mapping: Option<&str>,
) -> Result<Writing, String> {
    let base =
        args.settings.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mapping_file = mapping.map(|_| base.join(format!("{name}.toml")));
    if let Some(path) = &mapping_file
        && *path == args.settings
    {
        return Err("a mapping can't have the settings' name; choose another with --name".to_owned());
    }
    if let (Some(path), Some(mapping)) = (&mapping_file, mapping)
        && would_lose(path, mapping)
        && !args.replace
        && !asker.confirm(&format!("{} is there already. Overwrite it?", path.display()), false)
    {
        return Ok(Writing::There(path.clone()));
    }
    let held = match fs::read_to_string(&args.settings) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(format!("{}: {error}", args.settings.display())),
    };
    let sources = match &held {
        Some(text) => Settings::parse(text, &args.settings).map_err(told)?.sources,
        None => Vec::new(),
    };
    let known = sources.iter().any(|source| source.name == name);
    let text = match (held, known) {
        // The source is there already: only its mapping is new.
        (Some(text), true) => text,
        (held, _) => {
            held.unwrap_or_else(new_settings)
                + &source(name, pattern, connector, folder(file, base)?, mapping_file.as_deref())
        }
    };
    let save = |path: &Path, text: &str| {
        durable::replace(path, text.as_bytes(), durable::Readers::Owner)
            .map_err(|error| format!("{}: {error}", path.display()))
    };
    if let (Some(path), Some(mapping)) = (&mapping_file, mapping) {
        save(path, mapping)?;
    }
    Settings::parse(&text, &args.settings).map_err(told)?;
    save(&args.settings, &text)?;
    let (name, pattern) = (name.to_owned(), pattern.to_owned());
    Ok(Writing::Done(Written { name, pattern, settings: args.settings.clone(), mapping: mapping_file }))
}

/// Settings that have no source yet. With an outbox, since without one nothing that partners share is ever received.
pub fn new_settings() -> String {
    "# The agent's settings: what each key means is in crates/agent/README.md.\n\
     data = \"data\"              # keys, spool and problems; keep it on a local disk and back it up\n\
     zone = \"Europe/London\"     # local times in files are times here\n\
     \n\
     [outbox]                   # what partners share is written here, for the MIS or for people\n\
     folder = \"outbox\"\n\
     formats = [\"csv\"]\n"
        .to_owned()
}

/// The export's folder as the settings name it: from their own folder on, if it lies below.
fn folder(file: &Path, base: &Path) -> Result<PathBuf, String> {
    let full = |path: &Path| fs::canonicalize(path).map_err(|error| format!("{}: {error}", path.display()));
    let folder =
        full(file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))?;
    let base = full(base)?;
    Ok(match folder.strip_prefix(&base) {
        Ok(below) if below.as_os_str().is_empty() => PathBuf::from("."),
        Ok(below) => below.to_owned(),
        Err(_) => folder,
    })
}

fn source(name: &str, pattern: &str, connector: &str, folder: PathBuf, mapping: Option<&Path>) -> String {
    let text = |value: &str| toml::Value::String(value.to_owned()).to_string();
    let mapping = mapping.and_then(|path| path.file_name()).and_then(|name| name.to_str());
    let mapping = mapping.map_or(String::new(), |name| format!("mapping = {}\n", text(name)));
    format!(
        "\n[[source]]\nname = {}\nfolder = {}\npattern = {}\nconnector = {}\n{mapping}",
        text(name),
        text(&folder.to_string_lossy()),
        text(pattern),
        text(connector)
    )
}
