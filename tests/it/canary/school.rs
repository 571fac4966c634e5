//! What the three partners' systems export: sound rows, rows that are refused, and files that can't be read at all.

use super::words::{
    ACTION, BAD, BIRTH, COMMENT, FORENAME, GRADE, HOME_ID, HOST_ID, INTERNAL, KNOWN_AS, LABEL, NEEDS, NOTE,
    OTHER_ID, PLACE, SHARED, STEP, SURNAME, ULN, UPN,
};
use crate::town::Town;
use std::fs;

pub const CONSORTIUM: &str = r#"
[[institution]]
slug = "kingsmead"
name = "Kingsmead School"
type = "school"
[[institution]]
slug = "northgate"
name = "Northgate College"
type = "fe_college"
[[institution]]
slug = "ashdown"
name = "Ashdown Academy"
type = "academy"
[[agreement]]
id = "vale"
version = 1
parties = ["kingsmead", "northgate", "ashdown"]
purpose = "shared courses"
first_date = "2020-01-01"
last_date = "2090-01-01"
[agreement.kinds]
attendance = ["presence", "source_code", "note"]
assessment = ["result", "comment"]
behaviour = ["event", "involvement", "share_safe_text"]
"#;

const LEARNERS: &str = "format = \"delimited\"\nrows = \"learners\"\n[fields]\nlearner = \"Id\"\nsurname = \"Surname\"\n\
    forename = \"Forename\"\nknown_as = \"Known\"\nupn = \"UPN\"\nuln = \"ULN\"\nbirth_date = \"Born\"\nregistration = \"Reg\"\n";
const PLACEMENTS: &str = "format = \"delimited\"\nrows = \"placements\"\n[fields]\nlearner = \"Id\"\nhost = \"Host\"\n\
    first_date = \"From\"\nlast_date = \"To\"\n";
const ACCEPTANCES: &str = "format = \"delimited\"\nrows = \"acceptances\"\n[fields]\nlearner = \"Id\"\nhome = \"Home\"\n\
    first_date = \"From\"\nlast_date = \"To\"\n";
const ENDS: &str = "format = \"delimited\"\nrows = \"ends\"\n[fields]\nlearner = \"Id\"\nother = \"Other\"\nfrom_date = \"From\"\n";
const MARKS: &str = "format = \"delimited\"\nrows = \"attendance\"\n[codes]\nset = \"ENG-2024\"\n[fields]\nlearner = \"Id\"\n\
    group = \"Class\"\ndate = \"Date\"\nstart = \"Start\"\nend = \"End\"\nmark = \"Mark\"\nnote = \"Note\"\n";
const EVENTS: &str = "format = \"delimited\"\nrows = \"behaviour\"\n[fields]\nlearner = \"Id\"\ndate = \"Date\"\nlabel = \"What\"\n\
    polarity = { const = \"negative\" }\nlocation = \"Where\"\naction = \"Action\"\nshare_text = \"Shared\"\n\
    internal_comment = \"Internal\"\n";
const RESULTS: &str = "format = \"delimited\"\nrows = \"assessment\"\n[fields]\nlearner = \"Id\"\ndate = \"Date\"\ngrade = \"Grade\"\n\
    scale = { const = \"btec-l3\" }\nkind = { const = \"working_at\" }\ncomment = \"Comment\"\n";
const SUPPORT: &str = "format = \"delimited\"\nrows = \"support\"\n[fields]\nlearner = \"Id\"\nneeds = \"Needs\"\n\
    emergency = \"Step\"\nlast_date = \"Until\"\n";
const WRONG: &str = "format = \"delimited\"\nrows = \"groups\"\n[fields]\ngroup = \"NotThere\"\n";
const XML: &str = "format = \"edfi\"\n";

/// Name, connector and mapping of every source. Each agent watches them all; most stay empty.
const SOURCES: [(&str, &str, &str); 10] = [
    ("learners", "delimited", LEARNERS),
    ("placements", "delimited", PLACEMENTS),
    ("acceptances", "delimited", ACCEPTANCES),
    ("ends", "delimited", ENDS),
    ("marks", "delimited", MARKS),
    ("events", "delimited", EVENTS),
    ("results", "delimited", RESULTS),
    ("support", "delimited", SUPPORT),
    ("wrong", "delimited", WRONG),
    ("xml", "edfi", XML),
];

/// A folder with the settings of a partner's agent, who then joins. Gives the invitation's line.
pub fn join(town: &Town, slug: &str) -> String {
    let folder = town.path(slug);
    fs::create_dir_all(folder.join("exports")).unwrap();
    let mut settings =
        "data = \"data\"\n[outbox]\nfolder = \"outbox\"\n[pace]\nsettle_ms = 0\nretry_seconds = 1\n"
            .to_owned();
    for (name, connector, mapping) in SOURCES {
        fs::write(folder.join(format!("{name}.toml")), mapping).unwrap();
        settings.push_str(&format!(
            "[[source]]\nname = \"{name}\"\nfolder = \"exports\"\npattern = \"{name}*\"\nconnector = \"{connector}\"\n\
             mapping = \"{name}.toml\"\nshrink_percent_max = 100\n"
        ));
    }
    fs::write(folder.join("agent.toml"), settings).unwrap();
    town.join(slug)
}

fn export(town: &Town, slug: &str, name: &str, text: &str) {
    let folder = town.path(slug).join("exports");
    fs::write(folder.join("half-written"), text).unwrap();
    fs::rename(folder.join("half-written"), folder.join(name)).unwrap();
}

fn learner(id: &str, registration: &str) -> String {
    format!(
        "Id,Surname,Forename,Known,UPN,ULN,Born,Reg\n{id},{SURNAME},{FORENAME},{KNOWN_AS},{UPN},{ULN},{BIRTH},{registration}\n"
    )
}

/// The home says who its learner is and where they go.
pub fn home_begins(town: &Town) {
    let bad = format!("{},{SURNAME},{FORENAME},,{UPN},{ULN},{},C\n", HOME_ID.repeat(8), BAD[1]);
    export(town, "kingsmead", "learners.csv", &(learner(HOME_ID, "C") + &bad));
    let placed = format!(
        "Id,Host,From,To\n{HOME_ID},northgate,2020-01-01,2090-01-01\n{HOME_ID},{},2020-01-01,2090-01-01\n",
        BAD[5]
    );
    export(town, "kingsmead", "placements.csv", &placed);
    export(town, "kingsmead", "support.csv", &support(HOME_ID));
}

/// What a learner needs elsewhere, and a row that can't be read.
fn support(id: &str) -> String {
    format!("Id,Needs,Step,Until\n{id},{NEEDS},{STEP},2090-01-01\n{id},{NEEDS},{STEP},{}\n", BAD[1])
}

/// The host takes the learner.
pub fn host_begins(town: &Town) {
    export(town, "northgate", "learners.csv", &learner(HOST_ID, "G"));
    let accepted = format!("Id,Home,From,To\n{HOST_ID},kingsmead,2020-01-01,2090-01-01\n");
    export(town, "northgate", "acceptances.csv", &accepted);
    // Not the host's to say: the hub refuses it.
    export(town, "northgate", "support.csv", &support(HOST_ID));
}

/// A lesson's marks: with the second one or without it, and with rows that can't be read.
pub fn marks(town: &Town, slug: &str, id: &str, both: bool) {
    let mut text = format!("Id,Class,Date,Start,End,Mark,Note\n{id},ENG-1,2026-09-14,09:00,10:00,L,{NOTE}\n");
    if both {
        text.push_str(&format!("{id},ENG-1,2026-09-14,11:00,12:00,N,{NOTE}\n"));
    }
    text.push_str(&format!(
        "{id},ENG-1,2026-09-15,09:00,10:00,{},{NOTE}\n{id},ENG-1,{},09:00,10:00,/,{NOTE}\n\
         \u{1b}[31m{}\u{202e},ENG-1,2026-09-16,09:00,10:00,/,{NOTE}\n",
        BAD[0], BAD[1], BAD[2]
    ));
    export(town, slug, "marks.csv", &text);
}

/// An event, a grade, and files that nobody can read.
pub fn host_goes_on(town: &Town) {
    let event = format!(
        "Id,Date,What,Where,Action,Shared,Internal\n{HOST_ID},2026-09-14,{LABEL},{PLACE},{ACTION},{SHARED},{INTERNAL}\n\
         {HOST_ID},{},{LABEL},{PLACE},{ACTION},{SHARED},{INTERNAL}\n",
        BAD[1]
    );
    export(town, "northgate", "events.csv", &event);
    let grades = format!(
        "Id,Date,Grade,Comment\n{HOST_ID},2026-09-14,D*,{COMMENT}\n{HOST_ID},2026-09-15,{},{COMMENT}\n",
        GRADE
    );
    export(town, "northgate", "results.csv", &grades);
    export(town, "northgate", "wrong.csv", &format!("{},Surname\n{HOST_ID},{SURNAME}\n", BAD[4]));
    let xml = format!("<InterchangeStudentParent>\n<Student><Name>{}</Wrong><{SURNAME} {HOST_ID}=", BAD[3]);
    export(town, "northgate", "xml-1.xml", &xml);
    // A name that would begin a line of its own in a log.
    export(
        town,
        "northgate",
        "wrong\r\n{\"level\":\"FORGED\"}\u{1b}[31m\u{202e}.csv",
        &format!("{}\n", BAD[4]),
    );
}

/// Another partner claims the learner, and marks for whom it was never shown.
pub fn stranger_claims(town: &Town) {
    export(town, "ashdown", "learners.csv", &learner(OTHER_ID, "C"));
    marks(town, "ashdown", OTHER_ID, true);
}

/// The host says that the learner never was there.
pub fn host_ends(town: &Town) {
    export(town, "northgate", "ends.csv", &format!("Id,Other,From\n{HOST_ID},kingsmead,2020-01-02\n"));
}
