//! An MIS that is asked: what it answers arrives as whole files, and what goes wrong is told in words.

use crate::rig::{Dice, MORNING, School, csv, fault, read, taken};
use commonroll_agent::{
    Settings,
    check::check_fetched,
    fetch::{self, FetchFault, Fetcher, Folder, Outcome, Round, secret},
    settings::Source,
    status,
};
use commonroll_core::Timestamp;
use std::{fs, path::Path, sync::Mutex, time::Duration};

const ASKED: &str = "[connection.mis]\nkind = \"mysql\"\naddress = \"127.0.0.1:3306/school\"\nuser = \"reader\"\n\
    credentials = \"secret\"\n\
    [[source]]\nname = \"asked\"\nfrom = \"mis\"\nmapping = \"marks.toml\"\n";

/// An MIS that answers what it is told to, once each.
struct Answers(Mutex<Vec<Result<Option<String>, FetchFault>>>);

impl Answers {
    fn new(mut answers: Vec<Result<Option<String>, FetchFault>>) -> Self {
        answers.reverse();
        Self(Mutex::new(answers))
    }
}

#[async_trait::async_trait]
impl Fetcher for Answers {
    async fn fetch(&self, _: &Source, into: &Folder, _: Timestamp) -> Result<Outcome, FetchFault> {
        let answer = self.0.lock().unwrap().pop().unwrap();
        match answer? {
            None => Ok(Outcome::Unchanged),
            Some(text) => {
                into.put("marks.csv", text.as_bytes())?;
                Ok(Outcome::Written(vec!["marks.csv".to_owned()]))
            }
        }
    }
}

impl School {
    fn asked(&self) -> &Source {
        self.settings.sources.iter().find(|source| source.name == "asked").unwrap()
    }

    async fn fetch(&self, mis: &dyn Fetcher) -> Round {
        fetch::round(self.asked(), mis, &self.spool, self.today()).await.unwrap()
    }
}

fn busy(seconds: u64) -> FetchFault {
    let retry_after = Some(Duration::from_secs(seconds));
    FetchFault { retry_after, ..FetchFault::new("HTTP-BUSY", "the MIS asks to be left alone for a while") }
}

#[tokio::test]
async fn what_an_mis_answers_is_read_like_any_export() {
    let mut school = School::with("northgate", ASKED).await;
    let first = csv(&[("ada", "/"), ("ben", "/")]);
    let mis = Answers::new(vec![
        Ok(Some(first.clone())),
        Ok(None),
        Ok(Some(csv(&[("ada", "L")]))),
        Ok(Some(first)),
    ]);
    school.fetch(&mis).await;
    assert_eq!(taken(&school.look().await["marks.csv"]).new, 2);
    school.wait(60);
    school.fetch(&mis).await;
    assert!(school.look().await.is_empty(), "unchanged is not read again");
    school.fetch(&mis).await;
    let seen = school.look().await;
    assert_eq!((taken(&seen["marks.csv"]).corrected, taken(&seen["marks.csv"]).withdrawn), (1, 1));
    school.fetch(&mis).await;
    assert_eq!(taken(&school.look().await["marks.csv"]).corrected, 2, "a live answer is no old export");
}

#[tokio::test]
async fn files_of_before_and_of_broken_fetches_go_and_nobody_else_can_read_them() {
    let school = School::with("northgate", ASKED).await;
    let folder = Folder::open(&school.asked().folder).unwrap();
    folder.put("students.csv", b"old").unwrap();
    fs::write(folder.path().join(".marks.csv.part"), "half").unwrap();
    drop(folder.begin("never.csv").unwrap());
    school.fetch(&Answers::new(vec![Ok(Some("Id\n".to_owned()))])).await;
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["marks.csv"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(folder.path()), 0o700);
        assert_eq!(mode(&folder.path().join("marks.csv")), 0o600);
    }
}

#[tokio::test]
async fn a_fault_is_told_with_the_last_good_time_and_calms_when_it_works_again() {
    let mut school = School::with("northgate", ASKED).await;
    let expired =
        || Err(FetchFault::new("HTTP-SIGN-IN", "the MIS refuses the token; ask the vendor for a new one"));
    let mis = Answers::new(vec![expired(), Ok(Some(csv(&[("ada", "/")]))), expired(), Ok(None)]);
    school.fetch(&mis).await;
    let text = &school.spool.alarms().await.unwrap()[0].text;
    assert!(text.contains("worked: never") && text.contains("ask the vendor"), "{text}");
    school.fetch(&mis).await;
    assert!(school.spool.alarms().await.unwrap().is_empty(), "it works");
    school.look().await;
    school.wait(3600);
    school.fetch(&mis).await;
    let text = &school.spool.alarms().await.unwrap()[0].text;
    assert!(text.contains("2026-09-14T09:00:00Z"), "{text}");
    assert_eq!(read(&school.asked().folder.join("marks.csv")), csv(&[("ada", "/")]), "what was read stands");
    status::write_problems(&school.settings, &school.spool).await.unwrap();
    assert!(read(&school.settings.problems_file()).contains("fetch asked"));
    school.fetch(&mis).await;
    assert!(school.spool.alarms().await.unwrap().is_empty());
}

#[tokio::test]
async fn faults_slow_an_agent_down_and_an_mis_may_ask_for_more() {
    let school = School::with("northgate", ASKED).await;
    let wait = |failures, round: &Round| fetch::wait(school.asked(), failures, round, &Dice).as_secs_f64();
    assert_eq!(wait(0, &Round::Done(Outcome::Unchanged)), 30.0);
    let fault = Round::Failed(FetchFault::new("HTTP-SERVER", "later"));
    let waits: Vec<_> = (1..6).map(|failures| wait(failures, &fault)).collect();
    assert!(
        waits.is_sorted() && waits[0] >= 2.5 && waits[4] <= 30.0 && waits[3] > 2.0 * waits[0],
        "{waits:?}"
    );
    assert!(wait(1, &Round::Failed(busy(120))) >= 120.0);
    assert!(wait(1, &Round::Failed(busy(u64::MAX))) <= 7.0 * 3600.0, "but not for ever");
}

#[tokio::test]
async fn an_empty_answer_empties_nobody() {
    let mut school = School::with("northgate", ASKED).await;
    let mis = Answers::new(vec![Ok(Some(csv(&[("ada", "/")]))), Ok(Some(csv(&[])))]);
    school.fetch(&mis).await;
    school.look().await;
    school.fetch(&mis).await;
    assert_eq!(fault(&school.look().await["marks.csv"]), "EXPORT-EMPTY");
}

#[tokio::test]
async fn a_check_fetches_once_and_leaves_nothing_behind() {
    let school = School::with("northgate", ASKED).await;
    let refused = Err(FetchFault::new("HTTP-SIGN-IN", "the MIS refuses the token"));
    let mis = Answers::new(vec![Ok(Some(csv(&[("ada", "/"), ("ben", "?")]))), refused]);
    let checked = check_fetched(&school.settings, None, school.asked(), &mis, school.now).await.unwrap();
    let taken = checked[0].taken.as_ref().unwrap();
    assert_eq!((taken.new, taken.problem_count, checked[0].exit_code()), (1, 1, 1));
    let checked = check_fetched(&school.settings, None, school.asked(), &mis, school.now).await.unwrap();
    assert!(checked[0].to_string().contains("refuses the token"), "{}", checked[0]);
    assert!(fs::read_dir(school.settings.data.join("fetched")).unwrap().next().is_none());
    assert_eq!(school.spool.queue_length().await.unwrap().0, 0);
}

#[tokio::test]
async fn a_check_that_is_stopped_leaves_no_rows_of_learners_behind() {
    /// An MIS that answers, and then goes on and on.
    struct Endless;
    #[async_trait::async_trait]
    impl Fetcher for Endless {
        async fn fetch(&self, _: &Source, into: &Folder, _: Timestamp) -> Result<Outcome, FetchFault> {
            into.put("marks.csv", csv(&[("ada", "/")]).as_bytes())?;
            std::future::pending().await
        }
    }
    let school = School::with("northgate", ASKED).await;
    let check = check_fetched(&school.settings, None, school.asked(), &Endless, school.now);
    tokio::time::timeout(Duration::from_millis(50), check).await.unwrap_err();
    assert!(fs::read_dir(school.settings.fetched_folder()).unwrap().next().is_none());
}

#[tokio::test]
async fn a_secret_lies_in_a_file_of_its_own_that_others_cannot_read() {
    let school = School::with("northgate", ASKED).await;
    let connection = &school.asked().asked.as_ref().unwrap().connection;
    assert_eq!(secret::read(connection).unwrap_err().rule, "SECRET-MISSING");
    let file = school.folder.path().join("secret");
    fs::write(&file, "tok-canary\n").unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(secret::read(connection).unwrap_err().fix.contains("chmod 600"));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let secret = secret::read(connection).unwrap().unwrap();
    assert_eq!(secret.reveal(), "tok-canary");
    assert!(!format!("{secret:?} {connection:?}").contains("canary"));
    fs::write(&file, "two\nlines\n").unwrap();
    assert_eq!(secret::read(connection).unwrap_err().rule, "SECRET-SHAPE");
}

#[test]
fn settings_of_a_connection_name_what_is_wrong_and_never_repeat_a_secret() {
    let source = "[[source]]\nname = \"a\"\nfrom = \"mis\"\nrecords = \"x\"\nconnector = \"delimited\"\n";
    let mis = "[connection.mis]\nkind = \"http\"\napi = \"json\"\n";
    for (text, said) in [
        (
            format!("{mis}address = \"https://mis.example\"\ntoken = \"tok-canary\"\n{source}"),
            "connection.mis.token",
        ),
        (format!("{mis}address = \"https://u:tok-canary@mis.example\"\n{source}"), "connection.mis.address"),
        (
            format!("{mis}address = \"https://m.example\"\ntoken = tok-canary\n{source}"),
            "line 6 can't be read as TOML",
        ),
        (format!("{mis}address = \"https://m.example\"\nenv = \"tok-canary\n{source}"), "line 6"),
        (
            format!("{mis}address = \"https://m.example/?api_key=tok-canary\"\n{source}"),
            "connection.mis.address",
        ),
        (
            format!("{mis}token_address = \"https://u:tok-canary@mis.example\"\n{source}"),
            "connection.mis.token_address",
        ),
        (
            format!("{mis}address = \"https://mis.example\"\nusr = \"tok-canary\"\n{source}"),
            "line 6, `usr`: unknown field `usr`",
        ),
        (
            format!("{mis}address = \"https://mis.example\"\nsign_in = \"tok-canary\"\n{source}"),
            "line 6, `sign_in`: unknown variant, expected one of `bearer`",
        ),
        (
            format!("{mis}address = \"https://mis.example\"\noptions = \"tok-canary\"\n{source}"),
            "line 6, `options`: invalid type: string, expected a map",
        ),
        (
            format!(
                "{mis}address = \"https://mis.example\"\n{source}query = {{ api_key = \"tok-canary\" }}\n"
            ),
            "source.0.query.api_key",
        ),
        (
            format!(
                "{mis}address = \"https://mis.example\"\n{}",
                source.replace("\"x\"", "\"x?token=tok-canary\"")
            ),
            "source.0.records",
        ),
        (format!("{mis}address = \"http://mis.example\"\n{source}"), "must begin with https://"),
        (
            format!("{mis}address = \"https://mis.example\"\nenv = \"A\"\ncredentials = \"b\"\n{source}"),
            "connection.mis.env",
        ),
        (source.to_owned(), "source.0.from"),
        (format!("{mis}address = \"https://mis.example\"\n{source}folder = \"x\"\n"), "source.0.folder"),
        (
            format!("{mis}address = \"https://mis.example\"\n{}", source.replace("\"a\"", "\"../a\"")),
            "source.0.name",
        ),
    ] {
        let error =
            Settings::parse(&format!("data = \"d\"\n{text}"), Path::new("/etc/agent.toml")).unwrap_err();
        let error = error.to_string();
        assert!(error.contains(said) && !error.contains("canary"), "{said}: {error}");
    }
}

#[tokio::test]
async fn what_is_not_live_never_says_that_the_hub_knows_all() {
    let now = Timestamp::from_micros("now", MORNING).unwrap();
    for (live, told) in [("true", true), ("false", false)] {
        let mut school = School::with("northgate", &format!("{ASKED}live = {live}\n")).await;
        let hub = crate::fake_hub::FakeHub::new().knows("northgate", &school.key);
        school.fetch(&Answers::new(vec![Ok(Some(csv(&[("ada", "/")])))])).await;
        assert_eq!(taken(&school.look().await["marks.csv"]).new, 1);
        assert_eq!(school.now, now);
        school.publish(&hub).await.unwrap();
        school.wait(60);
        school.publish(&hub).await.unwrap();
        assert_eq!(hub.with(|s| s.current) > 0, told, "live = {live}");
        // Found true once more, which nobody has to look at the file for.
        let before = hub.with(|s| s.current);
        school.fetch(&Answers::new(vec![Ok(None)])).await;
        school.publish(&hub).await.unwrap();
        assert_eq!(hub.with(|s| s.current) > before, told, "live = {live}");
    }
}

#[tokio::test]
async fn a_look_that_finds_nothing_new_leaves_folder_and_files_as_they_were() {
    let mut school = School::with("northgate", ASKED).await;
    school.fetch(&Answers::new(vec![Ok(Some(csv(&[("ada", "/")])))])).await;
    school.look().await;
    let folder = school.asked().folder.clone();
    let times = || {
        [folder.clone(), folder.join("marks.csv")].map(|path| fs::metadata(path).unwrap().modified().unwrap())
    };
    let before = times();
    school.wait(3600);
    school.fetch(&Answers::new(vec![Ok(None)])).await;
    assert_eq!(times(), before);
}

#[tokio::test]
async fn files_that_nobody_takes_stop_the_asking_and_none_of_them_is_lost() {
    /// An MIS that says what is new, each time in another file.
    struct More;
    #[async_trait::async_trait]
    impl Fetcher for More {
        async fn fetch(&self, _: &Source, into: &Folder, now: Timestamp) -> Result<Outcome, FetchFault> {
            let name = format!("rows-{:020}.csv", now.micros());
            into.put(&name, csv(&[("ada", "/")]).as_bytes())?;
            Ok(Outcome::Added(name))
        }

        fn adds(&self) -> bool {
            true
        }
    }
    let mut school = School::with("northgate", ASKED).await;
    assert!(matches!(school.fetch(&More).await, Round::Done(_)));
    let folder = school.asked().folder.clone();
    for place in 1..1_000 {
        fs::write(folder.join(format!("rows-{place}.csv")), csv(&[("ada", "/")])).unwrap();
    }
    let Round::Failed(fault) = school.fetch(&More).await else { panic!("asked on") };
    assert_eq!((fault.rule, fs::read_dir(&folder).unwrap().count()), ("FETCH-WAITING", 1_000));
    school.look().await;
    assert!(matches!(school.fetch(&More).await, Round::Done(Outcome::Added(_))), "they were taken");
    assert!(fs::read_dir(&folder).unwrap().count() <= 2);
}

#[tokio::test]
async fn case_29_a_full_disk_stops_the_reading_of_the_mis_alarms_and_drops_nothing() {
    /// An MIS whose answer fills the disk half-way.
    struct Full;
    #[async_trait::async_trait]
    impl Fetcher for Full {
        async fn fetch(&self, _: &Source, into: &Folder, _: Timestamp) -> Result<Outcome, FetchFault> {
            let mut file = into.begin("marks.csv")?;
            std::io::Write::write_all(&mut file, b"Id,Class,Da")?;
            Err(std::io::Error::from(std::io::ErrorKind::StorageFull).into())
        }
    }
    let mut school = School::with("northgate", ASKED).await;
    let held = csv(&[("ada", "/")]);
    school.fetch(&Answers::new(vec![Ok(Some(held.clone()))])).await;
    school.look().await;
    let Round::Failed(fault) = school.fetch(&Full).await else { panic!("fetched") };
    assert_eq!(fault.rule, "FETCH-DISK-FULL");
    assert!(school.spool.alarms().await.unwrap()[0].text.contains("disk is full"));
    let names: Vec<_> =
        fs::read_dir(&school.asked().folder).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!((names, read(&school.asked().folder.join("marks.csv"))), (vec!["marks.csv".into()], held));
    assert_eq!(school.spool.queue_length().await.unwrap().0, 1, "what was read waits for the hub");
    assert!(school.look().await.is_empty());
    school.fetch(&Answers::new(vec![Ok(None)])).await;
    assert!(school.spool.alarms().await.unwrap().is_empty(), "there is room again");
}
