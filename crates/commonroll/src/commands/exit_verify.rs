//! `commonroll exit verify`: holds a pack against its signatures, against itself and against its manifest, without any hub.
//!
//! What the institution signed is proved: records with all that their heads say, and that none is missing from a signed
//! batch. What the hub alone says (its log's lines, partners, people, declarations) is held against the manifest, whose hash
//! was printed when the pack was drawn up. The program says which is which.

use super::{line::hex, pack::MANIFEST, told};
use base64::{Engine, engine::general_purpose::STANDARD};
use commonroll_audit::{
    Hash,
    checkpoint::{Checkpoint, LogPublicKey},
    keys::PublicKey,
    seal::verify_whole_batch,
    sha256,
};
use commonroll_core::{Body, LocalId};
use commonroll_wire::{
    open_framed,
    pb::record::v1::{FieldGroup, SealedRecord},
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{BufRead, BufReader, ErrorKind},
    path::Path,
};

/// Checks a pack; the error names the first thing at fault.
pub fn verify(folder: &Path, institution: &str, manifest: Option<&str>) -> Result<(), String> {
    let key: LogPublicKey = text(folder, "log.key")?.trim().parse().map_err(told)?;
    let checkpoint = Checkpoint::open(&text(folder, "checkpoint.txt")?, &key).map_err(told)?;
    let mut log = Log::read(folder, institution, checkpoint.size)?;
    let (mut batches, used) = batches(folder, institution)?;
    let (whole, gone) = records(folder, institution, &mut log, &mut batches)?;
    let absent = nothing_is_missing(folder, &log, &batches)?;
    let agreements = agreements(folder)?;
    let (files, hash) = against_manifest(folder, manifest)?;

    println!(
        "{whole} records are as {institution} signed them, in {} batches, and none is missing",
        batches.len()
    );
    println!("of {gone} the content is gone, each by an entry of log.jsonl that says so");
    if absent > 0 {
        println!("{absent} places of batches have no record: log.jsonl has them as refused or sent before");
    }
    println!("{agreements} agreements have the text that was signed");
    println!("{files} files are as the manifest has them");
    println!(
        "\nonly the manifest vouches for: declarations.jsonl, log.jsonl, partners.csv, notices.csv, people.csv, agents.csv,"
    );
    println!("agreements/signatures.jsonl, index.md, and what is left of records whose content is gone");
    println!("\nso compare, with what you have from elsewhere:");
    println!("  manifest      {hash}");
    println!(
        "                as `exit pack` printed it{}",
        if manifest.is_some() { ": it is the one you gave" } else { "" }
    );
    println!("  log's key     {key}");
    println!(
        "                as you were given it when you joined ({}, {} entries)",
        checkpoint.origin, checkpoint.size
    );
    for key in used {
        println!("  signing key   {}", hex(&key));
        println!("                as your agent has it");
    }
    Ok(())
}

/// What log.jsonl says of a record.
struct Logged {
    says: Value,
    seen: bool,
}

/// What log.jsonl says.
#[derive(Default)]
struct Log {
    records: BTreeMap<u64, Logged>,
    /// First entry and how many, of what was taken out.
    gone: Vec<(u64, u64)>,
    /// Records of a batch that were refused or known before.
    absent: BTreeMap<u64, u64>,
}

impl Log {
    fn read(folder: &Path, institution: &str, size: u64) -> Result<Self, String> {
        let mut log = Self::default();
        each(folder, "log.jsonl", |line| {
            let sequence = line["sequence"].as_u64().ok_or("sequence: must be a number")?;
            if sequence == 0 || sequence > size {
                return Err("sequence: is not in the log of checkpoint.txt".to_owned());
            }
            let by_it = line["by"] == institution;
            match line["what"].as_str().unwrap_or_default() {
                "record.accepted" | "record.withdrawn" if by_it => {
                    let logged = Logged { says: line.clone(), seen: false };
                    if log.records.insert(sequence, logged).is_some() {
                        return Err("sequence: is there twice".to_owned());
                    }
                }
                "record.erased" | "record.expired" => {
                    let of: Vec<(u64, u64)> =
                        serde_json::from_value(line["more"]["of"].clone()).unwrap_or_default();
                    log.gone.extend(of);
                }
                "publish.refused" if by_it => {
                    if let Some(batch) = line["more"]["batch"].as_u64() {
                        let codes = array(&line["more"]["refused"]).filter_map(|code| code[1].as_u64());
                        let refused = codes.fold(0, u64::saturating_add);
                        let repeated = line["more"]["repeated"].as_u64().unwrap_or_default();
                        log.absent.insert(batch, refused.saturating_add(repeated));
                    }
                }
                _ => {}
            }
            Ok(())
        })?;
        Ok(log)
    }

    fn says_gone(&self, entry: u64) -> bool {
        self.gone.iter().any(|(first, count)| entry >= *first && entry - first < *count)
    }
}

/// What was signed, and the places of it that were found.
struct Batch {
    roots: Vec<Hash>,
    found: BTreeSet<usize>,
}

type Batches = BTreeMap<u64, Batch>;

/// Signatures over roots, and the keys that made them.
fn batches(folder: &Path, institution: &str) -> Result<(Batches, BTreeSet<[u8; 32]>), String> {
    let keys = keys(folder)?;
    let (mut batches, mut used) = (Batches::new(), BTreeSet::new());
    each(folder, "batches.jsonl", |line| {
        let number = line["batch"].as_u64().ok_or("batch: must be a number")?;
        let roots: Option<Vec<Hash>> = array(&line["roots"]).map(bytes).collect();
        let roots = roots.ok_or("roots: must be hashes")?;
        let signature = bytes::<64>(&line["signature"]).ok_or("signature: must be 64 bytes")?;
        let id = bytes::<8>(&line["key_id"]).ok_or("key_id: must be 8 bytes")?;
        let key = keys.iter().find(|key| *PublicKey::from_bytes(**key).id().as_bytes() == id);
        let key = key.ok_or("key_id: is not in agents.csv")?;
        verify_whole_batch(&PublicKey::from_bytes(*key), institution, number, &roots, &signature)
            .map_err(|_| "signature: does not cover these roots")?;
        used.insert(*key);
        match batches.insert(number, Batch { roots, found: BTreeSet::new() }) {
            None => Ok(()),
            Some(_) => Err("batch: is there twice".to_owned()),
        }
    })?;
    Ok((batches, used))
}

/// Holds each record against the log, its place in a batch, and what its own signed head says; gives how many are whole and of
/// how many the content is gone.
fn records(
    folder: &Path,
    institution: &str,
    log: &mut Log,
    batches: &mut Batches,
) -> Result<(u64, u64), String> {
    let (mut whole, mut gone) = (0, 0);
    each(folder, "records.jsonl", |line| {
        let entry = line["entry"].as_u64().ok_or("entry: must be a number")?;
        let says_gone = log.says_gone(entry);
        let logged = log.records.get_mut(&entry).ok_or("entry: is no record of yours in log.jsonl")?;
        if std::mem::replace(&mut logged.seen, true) {
            return Err("entry: is there twice".to_owned());
        }
        as_logged(line, &logged.says)?;
        let is_gone = line["gone"].is_string();
        in_batch(line, batches, is_gone)?;
        if is_gone {
            gone += 1;
            return match (says_gone, line["groups"].is_null()) {
                (true, true) => Ok(()),
                (false, _) => Err("gone: no entry of log.jsonl says so".to_owned()),
                (_, false) => Err("gone: must not have groups".to_owned()),
            };
        }
        as_signed(line, institution)?;
        whole += 1;
        Ok(())
    })?;
    Ok((whole, gone))
}

fn as_logged(line: &Value, log: &Value) -> Result<(), String> {
    let pairs = [
        ("record", "record"),
        ("revision", "revision"),
        ("kind", "kind"),
        ("batch", "batch"),
        ("accepted", "at"),
        ("root", "commitment"),
    ];
    if let Some((field, _)) = pairs.iter().find(|(field, of)| line[*field] != log[*of]) {
        return Err(format!("{field}: is not what log.jsonl says of this entry"));
    }
    let taken_back = log["what"] == "record.withdrawn";
    if line["taken_back"] != taken_back { Err(differs("taken_back")) } else { Ok(()) }
}

fn in_batch(line: &Value, batches: &mut Batches, is_gone: bool) -> Result<(), String> {
    let root: Hash = bytes(&line["root"]).ok_or("root: must be a hash")?;
    let place = line["place"].as_u64().and_then(|place| usize::try_from(place).ok());
    let place = place.ok_or("place: must be a number")?;
    let Some(batch) = line["batch"].as_u64().and_then(|number| batches.get_mut(&number)) else {
        // The signature lies with the records: it has gone with the last of its batch.
        return if is_gone { Ok(()) } else { Err("batch: is not in batches.jsonl".to_owned()) };
    };
    if batch.roots.get(place) != Some(&root) {
        return Err("root: is not what was signed at this place of the batch".to_owned());
    }
    if batch.found.insert(place) { Ok(()) } else { Err("place: is there twice".to_owned()) }
}

/// The groups lead to the root, and every clear field is what the signed head says.
fn as_signed(line: &Value, institution: &str) -> Result<(), String> {
    let groups: Option<Vec<FieldGroup>> = array(&line["groups"]).map(group).collect();
    let sealed = SealedRecord { groups: groups.ok_or("groups: must be whole")? };
    let frame = commonroll_wire::frame(&sealed).map_err(|invalid| format!("groups: {invalid}"))?;
    if bytes(&line["root"]) != Some(frame.root) {
        return Err("groups: do not lead to the root".to_owned());
    }
    let record = open_framed(&sealed, frame).map_err(|invalid| format!("groups: {invalid}"))?.record;
    let (head, kind) = (&record.head, record.kind());
    if head.source.as_str() != institution {
        return Err("groups: the signed head names another source".to_owned());
    }
    let signed: [(&str, Value); 8] = [
        ("record", head.id.to_string().into()),
        ("revision", head.revision.get().into()),
        ("kind", kind.as_str().into()),
        ("taken_back", matches!(record.body, Body::Withdrawn(_)).into()),
        ("confidential", head.confidential.into()),
        ("learner", head.learner.as_str().into()),
        ("group", head.group.as_ref().map(LocalId::as_str).into()),
        ("date", head.date.to_string().into()),
    ];
    if let Some((field, _)) = signed.iter().find(|(field, value)| line[*field] != *value) {
        return Err(differs(field));
    }
    let named = |group: &Value| {
        let number = group["number"].as_u64().and_then(|number| u32::try_from(number).ok());
        group["hash"].is_string()
            || group["name"] == Value::from(number.and_then(|number| kind.group_name(number)))
    };
    if array(&line["groups"]).all(named) { Ok(()) } else { Err("name: is not the group's".to_owned()) }
}

fn differs(field: &str) -> String {
    format!("{field}: is not what was signed")
}

fn group(group: &Value) -> Option<FieldGroup> {
    let number = u32::try_from(group["number"].as_u64()?).ok()?;
    let mut made = FieldGroup { number, ..FieldGroup::default() };
    if group["hash"].is_string() {
        made.withheld_hash = bytes::<32>(&group["hash"])?.to_vec().into();
    } else {
        made.salt = bytes::<16>(&group["salt"])?.to_vec().into();
        made.content = STANDARD.decode(group["content"].as_str()?).ok()?.into();
    }
    Some(made)
}

/// Every record of the log has its line, and every signed place its record, unless the log says that it was refused or known;
/// gives how many places that are.
fn nothing_is_missing(folder: &Path, log: &Log, batches: &Batches) -> Result<u64, String> {
    let path = folder.join("records.jsonl");
    if let Some((entry, _)) = log.records.iter().find(|(_, logged)| !logged.seen) {
        return Err(format!("{}: the record of entry {entry} is missing", path.display()));
    }
    let mut absent = 0;
    for (number, batch) in batches {
        let missing = (batch.roots.len() - batch.found.len()) as u64;
        if missing != log.absent.get(number).copied().unwrap_or_default() {
            return Err(format!(
                "{}: of batch {number} there are {} of {} signed records, and log.jsonl does not say why",
                path.display(),
                batch.found.len(),
                batch.roots.len()
            ));
        }
        absent += missing;
    }
    Ok(absent)
}

/// Holds each agreement's text against the hash that was signed.
fn agreements(folder: &Path) -> Result<usize, String> {
    let mut held = BTreeSet::new();
    each(folder, "agreements/signatures.jsonl", |line| {
        let name =
            line["file"].as_str().filter(|name| is_agreement(name)).ok_or("file: must be in agreements/")?;
        let text = std::fs::read(folder.join(name)).map_err(|_| "file: can't be read")?;
        if line["sha256"] != hex(&sha256(&text)) {
            return Err("file: has another text than the one that was signed".to_owned());
        }
        held.insert(name.to_owned());
        Ok(())
    })?;
    Ok(held.len())
}

fn is_agreement(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    name.strip_prefix("agreements/").is_some_and(|name| !name.starts_with('.') && name.chars().all(plain))
}

/// Every file is in the manifest, and as it says. Gives how many, and the manifest's own hash.
fn against_manifest(folder: &Path, expected: Option<&str>) -> Result<(usize, String), String> {
    let manifest = text(folder, MANIFEST)?;
    let own = hex(&sha256(manifest.as_bytes()));
    if expected.is_some_and(|expected| !expected.eq_ignore_ascii_case(&own)) {
        return Err(format!("{MANIFEST}: is not the one whose hash you gave; it has {own}"));
    }
    let mut listed = BTreeMap::new();
    for line in manifest.lines() {
        let (hash, name) =
            line.split_once("  ").ok_or_else(|| format!("{MANIFEST}: must be hashes and names"))?;
        listed.insert(name.to_owned(), hash.to_owned());
    }
    let mut there = BTreeSet::new();
    files(folder, folder, 0, &mut there)?;
    there.remove(MANIFEST);
    if let Some(name) = there.iter().find(|name| !listed.contains_key(*name)) {
        return Err(format!("{name}: is not in {MANIFEST}"));
    }
    for (name, hash) in &listed {
        if !there.contains(name) {
            return Err(format!("{name}: is missing, and {MANIFEST} has it"));
        }
        if hash_of(&folder.join(name))? != *hash {
            return Err(format!("{name}: is not as {MANIFEST} has it"));
        }
    }
    Ok((listed.len(), own))
}

fn hash_of(path: &Path) -> Result<String, String> {
    let told = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut hash = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    let mut file = BufReader::new(File::open(path).map_err(told)?);
    loop {
        let some = file.fill_buf().map_err(told)?;
        if some.is_empty() {
            return Ok(hex(hash.finish().as_ref()));
        }
        hash.update(some);
        let read = some.len();
        file.consume(read);
    }
}

/// The files of a folder and of the folders in it, by their names from the first.
fn files(first: &Path, at: &Path, deep: usize, found: &mut BTreeSet<String>) -> Result<(), String> {
    let told = |error: std::io::Error| format!("{}: {error}", at.display());
    for one in std::fs::read_dir(at).map_err(told)? {
        let path = one.map_err(told)?.path();
        if path.is_dir() && deep < 3 {
            files(first, &path, deep + 1, found)?;
        } else if let Ok(name) = path.strip_prefix(first) {
            let parts: Vec<_> = name.iter().map(|part| part.to_string_lossy()).collect();
            found.insert(parts.join("/"));
        }
    }
    Ok(())
}

fn keys(folder: &Path) -> Result<Vec<[u8; 32]>, String> {
    let rows = text(folder, "agents.csv")?;
    let keys = rows.lines().skip(1).map(|row| row.split(',').nth(1).and_then(from_hex::<32>));
    keys.collect::<Option<_>>().ok_or_else(|| "agents.csv: the second column must be keys".to_owned())
}

fn text(folder: &Path, name: &str) -> Result<String, String> {
    let path = folder.join(name);
    std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Looks at each line of a file, which is not there if it would have none; the first at fault ends it.
fn each(folder: &Path, name: &str, mut look: impl FnMut(&Value) -> Result<(), String>) -> Result<(), String> {
    let path = folder.join(name);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(format!("{}: {error}", path.display())),
    };
    for (number, line) in (1..).zip(BufReader::new(file).lines()) {
        let fault = |fault: &str| format!("{}: line {number}: {fault}", path.display());
        let line = line.map_err(|error| fault(&error.to_string()))?;
        let line: Value = serde_json::from_str(&line).map_err(|_| fault("is no JSON"))?;
        look(&line).map_err(|error| fault(&error))?;
    }
    Ok(())
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn bytes<const N: usize>(value: &Value) -> Option<[u8; N]> {
    from_hex(value.as_str()?)
}

fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let pair = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..text.len()).step_by(2).map(pair).collect();
    bytes?.try_into().ok()
}
