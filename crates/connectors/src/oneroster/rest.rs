//! OneRoster 1.1 and 1.2 over REST: each resource page by page, however the server pages, and all together as the CSV package
//! that the connector reads.
//!
//! Passwords, user names, addresses, phones, links to parents and the parents themselves are left behind here: they never
//! reach the disk. What is marked for deletion is left out, since the package is all there is.

use super::schema::{self, Type, Version};
use crate::{
    api::{
        Answer, Api, ApiFault, Ask, Conversation, Finish, Page, Pages, Paging, Request, Rows, SignIn,
        signs::{Kind, Sign},
    },
    render::csv_cell,
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    io::{Cursor, Write},
};
use zip::{ZipWriter, write::SimpleFileOptions};

/// Rows of a page that are asked for. A server may give fewer.
const LIMIT: u64 = 500;
/// Bytes of the package's files together, as the connector takes them.
const BYTES_MAX: usize = 256 << 20;

const ROSTERING: &[&str] =
    &["orgs", "academicSessions", "courses", "classes", "users", "demographics", "enrollments"];
const GRADEBOOK: &[&str] = &["categories", "lineItems", "results"];

/// Columns that are never filled, whatever the server says.
const NEVER: &[&str] = &["password", "email", "sms", "phone", "agentSourcedIds", "sex", "username"];

/// The first of its organisations: no person.
const SIGNS: &[Sign] = &[
    Sign {
        query: &[("limit", "1")],
        list: Some(("orgs", &["sourcedId"])),
        options: &[("version", "1.2")],
        ..Sign::at("OneRoster 1.2", "ims/oneroster/rostering/v1p2/orgs")
    },
    Sign {
        query: &[("limit", "1")],
        list: Some(("orgs", &["sourcedId"])),
        options: &[("version", "1.1")],
        ..Sign::at("OneRoster 1.1", "ims/oneroster/v1p1/orgs")
    },
];

const KINDS: &[Kind] = &[Kind { records: "rostering", template: "oneroster" }];

/// Asks a OneRoster server.
pub struct Rest;

impl Api for Rest {
    fn name(&self) -> &'static str {
        "oneroster"
    }

    fn about(&self) -> &'static str {
        "OneRoster 1.2 (or 1.1, option `version`) over REST; options `rostering` and `gradebook` are other base paths, \
         `without` names resources that the server doesn't have"
    }

    fn sign_in(&self) -> SignIn {
        SignIn::Oauth2
    }

    fn records(&self) -> &'static [&'static str] {
        &["rostering", "rostering+gradebook"]
    }

    fn signs(&self) -> &'static [Sign] {
        SIGNS
    }

    fn kinds(&self) -> &'static [Kind] {
        KINDS
    }

    fn may_lack(&self) -> &'static [&'static str] {
        &["academicSessions", "courses", "demographics"]
    }

    fn begin(&self, ask: &Ask<'_>) -> Result<Box<dyn Conversation>, ApiFault> {
        let option = |name: &str| ask.options.get(name).map(String::as_str);
        let version = match option("version").unwrap_or("1.2") {
            "1.2" => Version::V1p2,
            "1.1" => Version::V1p1,
            _ => return Err(ApiFault::new("API-OPTION", "the option `version` must be 1.1 or 1.2")),
        };
        let (people, marks) = match version {
            Version::V1p2 => ("ims/oneroster/rostering/v1p2", "ims/oneroster/gradebook/v1p2"),
            Version::V1p1 => ("ims/oneroster/v1p1", "ims/oneroster/v1p1"),
        };
        let people = option("rostering").unwrap_or(people).trim_matches('/').to_owned();
        let marks = option("gradebook").unwrap_or(marks).trim_matches('/').to_owned();
        let without: Vec<&str> = option("without").unwrap_or_default().split(',').map(str::trim).collect();
        let gradebook: &[&str] = if ask.records == "rostering" { &[] } else { GRADEBOOK };
        let all =
            ROSTERING.iter().map(|name| (*name, &people)).chain(gradebook.iter().map(|name| (*name, &marks)));
        let lists = all
            .filter(|(name, _)| !without.contains(name))
            .map(|(name, base)| {
                let pages = Pages::new(
                    format!("{base}/{name}"),
                    ask.parameters(&[]),
                    Some(name),
                    "sourcedId",
                    (Paging::Offset, LIMIT),
                );
                (name, pages)
            })
            .collect();
        Ok(Box::new(Talk { at: 0, lists, files: Files::new(version) }))
    }
}

struct Talk {
    at: usize,
    lists: Vec<(&'static str, Pages)>,
    files: Files,
}

impl Conversation for Talk {
    fn next(&mut self) -> Option<Request> {
        self.lists.get_mut(self.at).and_then(|(_, pages)| pages.next())
    }

    fn answer(&mut self, answer: &Answer<'_>, _: &mut dyn Rows) -> Result<(), ApiFault> {
        let Some((name, pages)) = self.lists.get_mut(self.at) else { return Ok(()) };
        self.files.resource = name;
        if pages.answer(answer, &mut self.files)? == Page::Last {
            self.at += 1;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Finish, ApiFault> {
        if self.files.rows_of("users") == 0 {
            let fix = "the server has no users for us, so nothing was taken: have the school allow it, or look at `scope`";
            return Err(ApiFault::new("OR-REST-EMPTY", fix));
        }
        let names = self.lists.iter().map(|(name, _)| *name);
        let package = self.files.package(names)?;
        Ok(Finish::Files(vec![("oneroster.zip".to_owned(), package)]))
    }
}

/// The package's files as they grow.
struct Files {
    version: Version,
    resource: &'static str,
    texts: BTreeMap<&'static str, (String, u64)>,
    bytes: usize,
}

impl Rows for Files {
    fn row(&mut self, _: &str, json: &str) -> Result<(), ApiFault> {
        let row: Value = serde_json::from_str(json)
            .map_err(|_| ApiFault::new("JSON-BROKEN", "a row of the answer is no JSON; ask the vendor"))?;
        if text(&row["status"]) == "tobedeleted" {
            return Ok(());
        }
        match self.resource {
            "users" => self.user(&row),
            "enrollments" if !matches!(&*text(&row["role"]), "student" | "teacher") => Ok(()),
            other => self.line(other, |column| cell(&row, column)),
        }
    }

    fn gone(&mut self, _: &str) {}
}

impl Files {
    fn new(version: Version) -> Self {
        Self { version, resource: "", texts: BTreeMap::new(), bytes: 0 }
    }

    fn rows_of(&self, file: &str) -> u64 {
        self.texts.get(file).map_or(0, |(_, rows)| *rows)
    }

    /// A user and, in 1.2, the roles that are nested into it. Parents are nobody's business.
    fn user(&mut self, row: &Value) -> Result<(), ApiFault> {
        let is_family = |role: &str| matches!(role, "guardian" | "parent" | "relative");
        let nested = row["roles"].as_array().cloned().unwrap_or_default();
        let single = text(&row["role"]);
        let roles: Vec<String> = nested.iter().map(|role| text(&role["role"])).collect();
        let known = roles.iter().map(String::as_str).chain((!single.is_empty()).then_some(&*single));
        if known.clone().count() > 0 && known.into_iter().all(is_family) {
            return Ok(());
        }
        self.line("users", |column| cell(row, column))?;
        if self.version == Version::V1p1 {
            return Ok(());
        }
        let user = text(&row["sourcedId"]);
        for role in nested.iter().filter(|role| !is_family(&text(&role["role"]))) {
            self.role(&user, role, &reference(&role["org"]))?;
        }
        // A server of 1.2 that still says it as 1.1 does.
        if nested.is_empty() && !single.is_empty() {
            for org in row["orgs"].as_array().into_iter().flatten() {
                self.role(&user, row, &reference(org))?;
            }
        }
        Ok(())
    }

    fn role(&mut self, user: &str, role: &Value, org: &str) -> Result<(), ApiFault> {
        let number = self.rows_of("roles") + 1;
        self.line("roles", |column| match column {
            "sourcedId" => format!("role-{number}"),
            "userSourcedId" => user.to_owned(),
            "orgSourcedId" => org.to_owned(),
            "roleType" if text(&role["roleType"]).is_empty() => "primary".to_owned(),
            "userProfileSourcedId" => String::new(),
            other => cell(role, other),
        })
    }

    /// One more line of a file.
    fn line(&mut self, file: &'static str, of: impl Fn(&str) -> String) -> Result<(), ApiFault> {
        let columns = schema::columns(self.version, file);
        let (text, rows) = self.texts.entry(file).or_default();
        let before = text.len();
        for (place, column) in columns.iter().enumerate() {
            if place > 0 {
                text.push(',');
            }
            // Lifecycle belongs to deltas, and this is all there is.
            if matches!(column.name, "status" | "dateLastModified") {
                continue;
            }
            let value = of(column.name);
            csv_cell(&shaped(column.of, &value), text);
        }
        text.push('\n');
        *rows += 1;
        self.bytes += text.len() - before;
        if self.bytes > BYTES_MAX {
            let fix = "the server has more than any consortium's schools; ask for one school with `query`";
            return Err(ApiFault::new("OR-REST-SIZE", fix));
        }
        Ok(())
    }

    fn package(&self, asked: impl Iterator<Item = &'static str>) -> Result<Vec<u8>, ApiFault> {
        let mut files: Vec<&str> = asked.collect();
        if self.version == Version::V1p2 {
            files.push("roles");
        }
        let version = if self.version == Version::V1p2 { "1.2" } else { "1.1" };
        let mut manifest = format!("propertyName,value\nmanifest.version,1.0\noneroster.version,{version}\n");
        for file in schema::files(self.version) {
            let mode = if files.contains(&file) { "bulk" } else { "absent" };
            manifest += &format!("file.{file},{mode}\n");
        }
        let write = || -> Result<Vec<u8>, zip::result::ZipError> {
            let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
            // Without a date of its own the same answers make the same bytes.
            let options = SimpleFileOptions::default();
            zip.start_file("manifest.csv", options)?;
            zip.write_all(manifest.as_bytes())?;
            for file in &files {
                zip.start_file(format!("{file}.csv"), options)?;
                let captions: Vec<_> = schema::columns(self.version, file).iter().map(|c| c.name).collect();
                zip.write_all(format!("{}\n", captions.join(",")).as_bytes())?;
                if let Some((text, _)) = self.texts.get(file) {
                    zip.write_all(text.as_bytes())?;
                }
            }
            Ok(zip.finish()?.into_inner())
        };
        write().map_err(|_| ApiFault::new("OR-REST-ZIP", "the package could not be made"))
    }
}

/// The cell of a column: the member of its name, or the reference that it is short for.
fn cell(row: &Value, column: &str) -> String {
    if NEVER.contains(&column) {
        // A user must have a name; its id tells nobody anything.
        return if column == "username" { text(&row["sourcedId"]) } else { String::new() };
    }
    if column == "userIds" {
        return user_ids(&row[column]);
    }
    let direct = text(&row[column]);
    if !direct.is_empty() {
        return direct;
    }
    match column {
        "enabledUser" => "true".to_owned(),
        "grades" => text(&row["grade"]),
        "scoreStatus" => text(&row["resultStatus"]),
        "scoreDate" => text(&row["date"]),
        "academicSessionSourcedId" if row["academicSession"].is_null() => reference(&row["gradingPeriod"]),
        "resultValueMin" | "resultValueMax" => text(&row["resultValue"][column]),
        _ => match (column.strip_suffix("SourcedIds"), column.strip_suffix("SourcedId")) {
            (Some(many), _) => {
                let all = row[format!("{many}s")].as_array().into_iter().flatten();
                all.map(reference).filter(|id| !id.is_empty()).collect::<Vec<_>>().join(",")
            }
            (_, Some(one)) => reference(&row[one]),
            _ => String::new(),
        },
    }
}

/// Ids in the form of CSV: `{type:identifier}`. Those without a type are known only by themselves.
fn user_ids(ids: &Value) -> String {
    let sound = |text: &str| !text.is_empty() && !text.contains(['{', '}', ',', ':']);
    let all = ids.as_array().into_iter().flatten();
    let pairs = all.map(|id| (text(&id["type"]), text(&id["identifier"])));
    let pairs = pairs.filter(|(kind, id)| sound(kind) && sound(id));
    pairs.map(|(kind, id)| format!("{{{kind}:{id}}}")).collect::<Vec<_>>().join(",")
}

/// The id that an object refers to.
fn reference(value: &Value) -> String {
    text(&value["sourcedId"])
}

/// A scalar, or a list of scalars with commas between.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Array(all) => {
            let all = all.iter().filter(|value| value.is_string() || value.is_number()).map(text);
            all.collect::<Vec<_>>().join(",")
        }
        Value::Null | Value::Object(_) => String::new(),
    }
}

/// What REST writes in another way than CSV: dates with a time behind them, a school year as two years.
fn shaped(of: Type, value: &str) -> String {
    match of {
        Type::Date => value.get(..10).unwrap_or(value).to_owned(),
        Type::Year => value.rsplit(['-', '/']).next().unwrap_or(value).to_owned(),
        _ => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_never_be_kept_is_in_no_file() {
        let mut files = Files::new(Version::V1p2);
        files.resource = "users";
        let row = r#"{"sourcedId":"u1","givenName":"A","familyName":"B, \"C\"","username":"canary","password":"canary","email":"canary",
            "sms":"canary","phone":"canary","agents":[{"sourcedId":"canary"}],"userProfiles":[{"credentials":[{"password":"canary"}]}],
            "userIds":[{"type":"UPN","identifier":"X1"},"plain"],"roles":[{"role":"student","roleType":"primary","org":{"sourcedId":"o1"}}],
            "primaryOrg":{"sourcedId":"o1"},"grades":["12","13"]}"#;
        let row = row.replace('\n', " ");
        files.row("u1", &row).unwrap();
        files
            .row("p1", r#"{"sourcedId":"canary","roles":[{"role":"parent"}],"agents":[{"sourcedId":"u1"}]}"#)
            .unwrap();
        files
            .row("g1", r#"{"sourcedId":"canary","status":"tobedeleted","roles":[{"role":"student"}]}"#)
            .unwrap();
        let users = &files.texts["users"].0;
        assert_eq!(users, "u1,,,true,u1,{UPN:X1},A,\"B, \"\"C\"\"\",,,,,,,\"12,13\",,,,,,o1,\n");
        assert_eq!(files.texts["roles"].0, "role-1,,,u1,primary,student,,,o1,\n");
    }
}
