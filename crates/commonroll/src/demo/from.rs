//! `demo --from DIR`: partners' real files instead of made ones.
//!
//! DIR holds `consortium.toml`: what `directory import` takes, and beside it `[replay]` and `[[partner]]`, which say whose
//! files lie where and how they are read. The files stay where they are and are copied byte for byte; nothing in them is
//! changed, filled in or left out here. `tests/real` is such a folder.

mod file;

use super::setup::{Action, Content, Expected, FileToWrite, Kind, Partner, Setup, Source, Step};
use commonroll_agent::settings::{ExportKind, matches};
use commonroll_connectors::{Mapping, by_name};
use commonroll_core::{RecordKind, directory::Institution};
use file::{ConsortiumToml, ExpectedJson};
use std::{
    collections::BTreeMap,
    fs,
    path::{Component, Path, PathBuf},
    time::Duration,
};

/// Time between two files at speed 1, so that a watcher can follow.
const BETWEEN_FILES: Duration = Duration::from_millis(700);

/// Reads the folder. Errors name the file, the key and what to write instead.
pub fn setup(folder: &Path) -> Result<Setup, String> {
    let path = folder.join("consortium.toml");
    let at = |problem: &dyn std::fmt::Display| format!("{}: {problem}", path.display());
    let text = fs::read_to_string(&path)
        .map_err(|error| at(&format!("{error}; --from takes a folder with a consortium.toml in it")))?;
    let consortium: ConsortiumToml = toml::from_str(&text).map_err(|error| at(&error))?;
    consortium.check().map_err(|problem| at(&problem))?;
    let expected = match &consortium.replay.expected {
        None => Expected::Unknown,
        Some(name) => {
            let path = below(folder, name).map_err(|fix| at(&format!("key `replay.expected`: {fix}")))?;
            counts(&path)?
        }
    };
    let partners = consortium
        .institutions
        .iter()
        .map(|institution| partner(folder, institution, &consortium).map_err(|problem| at(&problem)))
        .collect::<Result<Vec<_>, _>>()?;
    let steps = steps(folder, &consortium).map_err(|problem| at(&problem))?;
    let title = consortium.replay.title.unwrap_or_else(|| folder.display().to_string());
    let title = format!("{title}, replayed for {}", consortium.replay.date);
    let refused = matches!(expected, Expected::Counts(_)).then(BTreeMap::new);
    let consortium_text = without_replay(&text).map_err(|error| at(&error))?;
    Ok(Setup {
        title,
        consortium: consortium_text,
        date: consortium.replay.date,
        partners,
        steps,
        expected,
        refused,
        home: None,
        teacher: None,
    })
}

/// The file as `directory import` takes it.
fn without_replay(text: &str) -> Result<String, String> {
    let mut table: toml::Table = toml::from_str(text).map_err(|error| error.to_string())?;
    table.remove("replay");
    table.remove("partner");
    toml::to_string(&table).map_err(|error| error.to_string())
}

/// A path inside the folder: no way out of it, so that a copied folder still works.
fn below(folder: &Path, name: &str) -> Result<PathBuf, String> {
    let path = Path::new(name);
    let inside = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    match inside && !name.is_empty() {
        true => Ok(folder.join(path)),
        false => Err("must be a path below this folder, without `..`".to_owned()),
    }
}

fn partner(folder: &Path, institution: &Institution, consortium: &ConsortiumToml) -> Result<Partner, String> {
    let said = consortium.partners.iter().find(|partner| partner.institution == institution.slug);
    let mut sources: Vec<Source> = Vec::new();
    for (index, source) in said.iter().flat_map(|said| &said.sources).enumerate() {
        let key = |key: &str, fix: &str| {
            format!("key `partner.source.{index}.{key}` of {}: {fix}", institution.slug)
        };
        let plain = source.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !plain || source.name.is_empty() || sources.iter().any(|other| other.name == source.name) {
            return Err(key("name", "must be a name of its own of lower-case letters, digits and hyphens"));
        }
        sources.push(Source {
            name: source.name.clone(),
            // A folder for each, so that one source's pattern never takes another's files.
            folder: source.name.clone(),
            pattern: source.pattern.clone(),
            connector: source.connector.clone(),
            mapping: mapping(folder, source).map_err(|(name, fix)| key(name, &fix))?,
            delta: source.kind == ExportKind::Delta,
            ..Source::default()
        });
    }
    let sessions = match said.and_then(|said| said.sessions.as_ref()) {
        None => None,
        Some(sessions) => Some((time("am", &sessions.am)?, time("pm", &sessions.pm)?)),
    };
    Ok(Partner {
        slug: institution.slug.to_string(),
        name: institution.name.clone(),
        zone: institution.time_zone.clone(),
        sources,
        sessions,
        files: Vec::new(),
    })
}

fn time(name: &str, text: &str) -> Result<String, String> {
    let time: jiff::civil::Time = text
        .parse()
        .map_err(|_| format!("key `partner.sessions.{name}`: must be a time written as HH:MM"))?;
    Ok(time.strftime("%H:%M:%S").to_string())
}

/// Text of the mapping file, read once to see that it fits the connector. Errors carry their key.
fn mapping(folder: &Path, source: &file::Source) -> Result<Option<String>, (&'static str, String)> {
    let Some(connector) = by_name(&source.connector) else {
        let known: Vec<&str> = commonroll_connectors::ALL.iter().map(|connector| connector.name()).collect();
        return Err(("connector", format!("must be one of {}", known.join(", "))));
    };
    let Some(name) = &source.mapping else {
        return match connector.name() {
            "delimited" => Err(("mapping", "delimited text can't be read without a mapping file".to_owned())),
            _ => Ok(None),
        };
    };
    let path = below(folder, name).map_err(|fix| ("mapping", fix))?;
    let at = |problem: String| ("mapping", format!("{}: {problem}", path.display()));
    let text = fs::read_to_string(&path).map_err(|error| at(error.to_string()))?;
    let mapping: Mapping = text.parse().map_err(|error| at(format!("{error}")))?;
    match mapping.connector() == connector.name() {
        true => Ok(Some(text)),
        false => {
            Err(at(format!("is for {}, the source is read by {}", mapping.connector(), connector.name())))
        }
    }
}

/// Each file appears in its partner's exports, one after another, in the order of the consortium file.
fn steps(folder: &Path, consortium: &ConsortiumToml) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    for partner in &consortium.partners {
        for (index, source) in partner.sources.iter().enumerate() {
            let found = files(folder, source).map_err(|(name, fix)| {
                format!("key `partner.source.{index}.{name}` of {}: {fix}", partner.institution)
            })?;
            for (name, path) in found {
                let count = u32::try_from(steps.len()).unwrap_or(u32::MAX);
                steps.push(Step {
                    at: BETWEEN_FILES.saturating_mul(count),
                    clock: String::new(),
                    partner: partner.institution.to_string(),
                    action: Action::Write(FileToWrite {
                        path: format!("{}/{name}", source.name),
                        content: Content::CopyOf(path),
                        what: source.name.clone(),
                    }),
                });
            }
        }
    }
    Ok(steps)
}

/// Name and path of the files of a source, by name.
fn files(folder: &Path, source: &file::Source) -> Result<Vec<(String, PathBuf)>, (&'static str, String)> {
    if source.pattern.is_empty() || source.pattern.contains(['/', '\\']) {
        return Err(("pattern", "must be a file name with * and ?, without folders".to_owned()));
    }
    let inside = below(folder, &source.folder).map_err(|fix| ("folder", fix))?;
    let unreadable = |error: std::io::Error| ("folder", format!("{}: {error}", inside.display()));
    let mut found = Vec::new();
    for entry in fs::read_dir(&inside).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        // Names that aren't UTF-8 are no names an MIS gives.
        let Ok(name) = entry.file_name().into_string() else { continue };
        if matches(&source.pattern, &name) && entry.path().is_file() {
            found.push((name, std::path::absolute(entry.path()).map_err(unreadable)?));
        }
    }
    found.sort_unstable();
    match found.is_empty() {
        false => Ok(found),
        true => Err(("pattern", format!("no file in {} has a name like this", inside.display()))),
    }
}

/// The counts that must arrive.
fn counts(path: &Path) -> Result<Expected, String> {
    let at = |problem: &dyn std::fmt::Display| format!("{}: {problem}", path.display());
    let text = fs::read_to_string(path).map_err(|error| at(&error))?;
    let json: ExpectedJson = serde_json::from_str(&text).map_err(|error| at(&error))?;
    let mut counts = BTreeMap::new();
    for line in json.arrives {
        let of = (line.home.to_string(), line.source.to_string(), kind(line.kind));
        if counts.insert(of, line.records).is_some() {
            let problem = format!("key `arrives`: {} has two lines for one source and kind", line.home);
            return Err(at(&problem));
        }
    }
    Ok(Expected::Counts(counts))
}

const fn kind(kind: RecordKind) -> Kind {
    match kind {
        RecordKind::Attendance => Kind::Attendance,
        RecordKind::Assessment => Kind::Assessment,
        RecordKind::Behaviour => Kind::Behaviour,
    }
}
