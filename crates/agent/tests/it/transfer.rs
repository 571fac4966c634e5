//! A learner moves on: the school writes a transfer file of what its exports say, and whoever reads it finds just that.

use crate::{read_back, rig::School};
use commonroll_agent::{
    AgentError, durable,
    settings::Absence,
    transfer::{Told, Transfer, Wanted, Who, gather},
};
use commonroll_connectors::{Item, render::CtfSchool};
use commonroll_core::{Body, LocalId};
use std::{fs, io, path::Path};

const LEARNERS: &str = "format = \"delimited\"\nrows = \"learners\"\n[fields]\nlearner = \"Id\"\nupn = \"UPN\"\n\
    surname = \"Surname\"\nforename = \"Forename\"\nbirth_date = \"Born\"\nformer_upn = \"Was\"\n";
const REGISTER: &str = "format = \"delimited\"\nrows = \"attendance\"\ncovers = \"dates\"\n\
    [codes]\nset = \"ENG-2024\"\nregister = true\n[periods]\nAM = [\"08:45\", \"12:30\"]\nPM = [\"13:15\", \"15:30\"]\n\
    [fields]\nlearner = \"Id\"\ndate = \"Date\"\nperiod = \"Session\"\nmark = \"Mark\"\n";
const GRADES: &str = "format = \"delimited\"\nrows = \"assessment\"\n[fields]\nlearner = \"Id\"\n\
    date = \"Date\"\nsubject = \"Subject\"\ngrade = \"Grade\"\nkind = { const = \"prior\" }\nscale = { const = \"own\" }\n";
const CTF: &str = "format = \"ctf\"\n";
const READ: &str = "format = \"ctf\"\nschool = \"8604001\"\n";

const PRIOR: &str = "<CTfile><CTFpupilData><Pupil><UPN>F860400125001</UPN><Surname>ASHBY</Surname><Forename>IMOGEN</Forename>\
    <StageAssessments><KeyStage><Stage>KS4</Stage><StageAssessment><Year>2025</Year><Subject>MAT</Subject><Method>TT</Method>\
    <Component>SUB</Component><ResultStatus>R</ResultStatus><ResultQualifier>NG</ResultQualifier><Result>6</Result>\
    </StageAssessment></KeyStage></StageAssessments></Pupil></CTFpupilData></CTfile>";

/// A home of three learners, one of whom came with a transfer file.
async fn home() -> School {
    let source = |name: &str, connector: &str| {
        format!(
            "[[source]]\nname = \"{name}\"\nfolder = \"exports\"\npattern = \"{name}*\"\nconnector = \"{connector}\"\n\
             mapping = \"{name}.toml\"\n"
        )
    };
    let more = [("learners", "delimited"), ("register", "delimited"), ("prior", "ctf")];
    let more: String = more.iter().map(|(name, connector)| source(name, connector)).collect();
    let files = [("learners.toml", LEARNERS), ("register.toml", REGISTER), ("prior.toml", CTF)];
    let mut home = School::of("kingsmead", &more, &files).await;
    let register = home.settings.sources.iter_mut().find(|source| source.name == "register").unwrap();
    register.absence = Absence::Folder;
    home.put(
        "learners.csv",
        "Id,UPN,Surname,Forename,Born,Was\n6420,F860400125001,Ashby,Imogen,2008-11-03,R86040012500A D860400125017\n\
         6421,,Bell,Max,2009-01-02,\n6422,F860400125003,Cole,Sam,2008-12-24,\n",
    );
    home.put(
        "register.csv",
        "Id,Date,Session,Mark\n6420,2026-09-14,AM,/\n6420,2026-09-14,PM,B\n6420,2026-09-15,AM,O\n6421,2026-09-14,AM,L\n\
         6420,2026-07-01,AM,I\n6422,2026-09-14,AM,C\n",
    );
    home.put("prior.xml", PRIOR);
    home.put(
        "visits.csv",
        "Id,Host,From,To\n6421,northgate,2026-09-01,2027-07-31\n6422,northgate,2025-09-01,2026-07-31\n",
    );
    // Lessons are not the statutory register.
    home.marks(&[("6420", "N")]);
    home.look().await;
    home
}

fn wanted(who: Who) -> Wanted {
    let school =
        |estab: &str| CtfSchool { lea: "860".to_owned(), estab: estab.to_owned(), ..CtfSchool::default() };
    Wanted { who, from: school("4001"), to: school("4002"), year: 2026 }
}

fn named(ids: &[&str]) -> Who {
    Who::Named(ids.iter().map(|id| LocalId::parse("learner", id).unwrap()).collect())
}

async fn make(home: &School, who: Who) -> Result<Transfer, AgentError> {
    gather(&home.settings, &home.reading, &home.spool, wanted(who), home.now).await
}

/// One line for each item of a file of ours.
fn shown(path: &Path) -> Vec<String> {
    let items = read_back::items(READ, &fs::read(path).unwrap());
    let line = |item: &Item| match item {
        Item::Learner(learner) => {
            let born = learner.birth_date.map(|date| date.to_string()).unwrap_or_default();
            let was: String = learner.former_upns.iter().map(|upn| format!(" was {upn}")).collect();
            format!("{} {} {} {born}{was}", learner.upn, learner.forename.as_str(), learner.surname.as_str())
        }
        Item::Record(draft) => match &draft.body {
            Body::Attendance(mark) => format!("{} {}", draft.date, mark.source_code.as_ref().unwrap().code),
            Body::Assessment(given) => given.result.as_ref().unwrap().title.as_str().to_owned(),
            _ => panic!("no other record stands in it"),
        },
        _ => panic!("nothing else stands in it"),
    };
    items.iter().map(line).collect()
}

#[tokio::test]
async fn a_learner_goes_with_who_they_are_what_they_achieved_and_the_register_of_the_year() {
    let home = home().await;
    let transfer = make(&home, named(&["6420"])).await.unwrap();
    let told = Told { learners: 1, former_left: 1, results: 1, marks: 3, ..Told::default() };
    assert_eq!(transfer.told, told);
    let path = transfer.write(home.folder.path()).unwrap();
    assert_eq!(path.file_name().unwrap(), "8604001_CTF_8604002_001.xml");
    assert_eq!(
        shown(&path),
        [
            "F860400125001 Imogen Ashby 2008-11-03 was R86040012500A",
            "2026-09-14 /",
            "2026-09-14 B",
            "2026-09-15 O",
            "KS4 MAT TT SUB",
        ]
    );
    let text = fs::read_to_string(&path).unwrap();
    assert!(
        text.contains("<SessionsPossible>3</SessionsPossible>")
            && text.contains("<SessionsAttended>2</SessionsAttended>")
    );
    assert!(!text.contains("Bell") && !text.contains("6420"), "nobody else, and no id of the MIS");
}

#[tokio::test]
async fn a_file_is_for_its_owner_alone_and_never_overwrites_another() {
    let home = home().await;
    let transfer = make(&home, named(&["6420", "6421"])).await.unwrap();
    assert_eq!((transfer.told.learners, transfer.told.without_upn), (2, 1));
    assert!(!format!("{transfer:?}").contains("Ashby"));
    let (folder, named) = (home.folder.path(), home.folder.path().join("mine.xml"));
    transfer.write(&named).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&named).unwrap().permissions().mode() & 0o777, 0o600);
    }
    fs::write(&named, "somebody's own").unwrap();
    let error = transfer.write(&named).unwrap_err();
    assert!(matches!(&error, AgentError::Io { source, .. } if source.kind() == io::ErrorKind::AlreadyExists));
    assert_eq!(fs::read_to_string(&named).unwrap(), "somebody's own");
    let two = [transfer.write(folder).unwrap(), transfer.write(folder).unwrap()];
    assert!(two[1].ends_with("8604001_CTF_8604002_002.xml"), "the next free number");
    let left: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_str().unwrap().ends_with(".part")), "{left:?}");
    assert!(durable::add(folder, b"", durable::Readers::Owner).is_err(), "a folder is no file's name");
}

#[tokio::test]
async fn all_who_are_placed_at_a_host_go_and_those_who_were_do_not() {
    let home = home().await;
    let transfer = make(&home, Who::PlacedAt("northgate".parse().unwrap())).await.unwrap();
    let path = transfer.write(home.folder.path()).unwrap();
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains("Bell") && !text.contains("Cole") && !text.contains("Ashby"));
    let nobody = make(&home, Who::PlacedAt("ridgeway".parse().unwrap())).await.unwrap_err();
    assert!(nobody.to_string().contains("no learner is chosen"), "{nobody}");
}

#[tokio::test]
async fn what_was_withdrawn_or_not_taken_is_not_passed_on() {
    let mut home = home().await;
    // The older export still lies there, and has a mark that the newer one takes back.
    home.put("register2.csv", "Id,Date,Session,Mark\n6420,2026-09-14,AM,/\n6420,2026-09-15,AM,O\n");
    home.wait(60);
    home.look().await;
    // Nobody has looked at this one yet.
    home.put("register3.csv", "Id,Date,Session,Mark\n6420,2026-09-16,AM,/\n");
    let transfer = make(&home, named(&["6420"])).await.unwrap();
    assert_eq!((transfer.told.marks, transfer.told.files_left), (2, 1));
    let path = transfer.write(home.folder.path()).unwrap();
    assert_eq!(shown(&path)[1..3], ["2026-09-14 /", "2026-09-15 O"]);
}

#[tokio::test]
async fn grades_without_the_codes_of_the_format_are_counted_and_a_stranger_is_an_error_without_a_name() {
    let mut home = home().await;
    home.settings.sources[0].mapping = Some(GRADES.parse().unwrap());
    home.settings.sources[0].mapping_text = GRADES.to_owned();
    home.put("marks.csv", "Id,Date,Subject,Grade\n6420,2026-01-10,Mathematics,6\n");
    home.wait(60);
    home.look().await;
    let transfer = make(&home, named(&["6420"])).await.unwrap();
    assert_eq!((transfer.told.results, transfer.told.uncoded), (1, 1));
    let error = make(&home, named(&["6420", "stranger"])).await.unwrap_err().to_string();
    assert!(error.contains("number 2") && !error.contains("stranger"), "{error}");
}
