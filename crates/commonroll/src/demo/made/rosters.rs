//! Who is who, as the partners' systems export it: learners, guests, placements, acceptances; and results, which live in
//! the same packages where the system is a OneRoster one.

use super::{
    dialect::{Dialect, dialect},
    world::{GROUPS, HOLLINS, KINGSMEAD, NORTHGATE, PARTNERS, RIVERSIDE, THORNHILL, Who, World},
    write::{Table, oneroster},
};
use crate::demo::setup::{Content, FileToWrite, Source};

/// A result: place of the visit, and the grade as given.
pub type Grade = (usize, String);

/// True for a partner whose people come in OneRoster packages, with the version.
pub const fn roster_version(who: Who) -> Option<&'static str> {
    match who {
        THORNHILL | NORTHGATE => Some("1.2"),
        RIVERSIDE => Some("1.1"),
        7 => Some("1.1"),
        _ => None,
    }
}

fn file(path: &str, what: &str, bytes: Vec<u8>) -> FileToWrite {
    FileToWrite { path: path.to_owned(), content: Content::Bytes(bytes), what: what.to_owned() }
}

/// Files about people that lie there from the start.
pub fn files(world: &World, who: Who, day: &str) -> Result<Vec<FileToWrite>, String> {
    if roster_version(who).is_some() {
        return Ok(vec![file(
            "people/roster.zip",
            "people, classes, enrolments",
            package(world, who, day, &[])?,
        )]);
    }
    let d = dialect(who);
    let mut files = vec![file("people/learners.csv", "learners", learners(world, who, &[]))];
    files.push(file("placements/placements.csv", "placements", placements(world, who, &d)));
    if world.guests(who).next().is_some() {
        files.push(file("acceptances/acceptances.csv", "acceptances", acceptances(world, who, &d)));
    }
    Ok(files)
}

/// The sources that read them.
pub fn sources(world: &World, who: Who) -> Vec<Source> {
    if roster_version(who).is_some() {
        let pattern = "*.zip".to_owned();
        let mapping = Some(roster_mapping(who));
        return vec![Source {
            name: "roster".to_owned(),
            folder: "people".to_owned(),
            pattern,
            connector: "oneroster".to_owned(),
            mapping,
            ..Source::default()
        }];
    }
    let d = dialect(who);
    let source = |name: &str, folder: &str, mapping: String| Source {
        name: name.to_owned(),
        folder: folder.to_owned(),
        pattern: "*.csv".to_owned(),
        connector: "delimited".to_owned(),
        mapping: Some(mapping),
        ..Source::default()
    };
    let dates = [("first_date", "From"), ("last_date", "To")];
    let of = |rows: &str, fields: [(&str, &str); 3]| d.mapping(rows, "", &[&fields[..], &dates[..]].concat());
    let mut sources = vec![
        source("learners", "people", d.learners_mapping()),
        source(
            "placements",
            "placements",
            of("placements", [("learner", "Learner"), ("host", "Host"), ("group", "Group")]),
        ),
        source(
            "ends",
            "ends",
            d.mapping(
                "ends",
                "",
                &[
                    ("learner", "Learner"),
                    ("other", "Host"),
                    ("group", "Group"),
                    ("from_date", "Date"),
                    ("from_time", "Time"),
                ],
            ),
        ),
    ];
    if world.guests(who).next().is_some() {
        let fields = [("learner", "Learner"), ("home", "Home"), ("group", "Group")];
        sources.push(source("acceptances", "acceptances", of("acceptances", fields)));
    }
    sources
}

/// Own learners and guests of a partner with delimited exports. `claimed` are others' learners whom it claims as its own.
pub fn learners(world: &World, who: Who, claimed: &[(Who, usize)]) -> Vec<u8> {
    let d = dialect(who);
    let mut rows = vec![d.learner.iter().map(|caption| (*caption).to_owned()).collect::<Vec<_>>()];
    let mut add = |id: String, person: &super::people::Person, status: &str| {
        rows.push(vec![
            id,
            person.surname.clone(),
            person.forename.clone(),
            person.known_as.clone(),
            person.upn.clone(),
            person.uln.clone(),
            d.date(&person.born_iso()),
            status.to_owned(),
        ]);
    };
    for (place, person) in world.people[who].iter().enumerate() {
        add(World::local_id(who, place), person, "C");
    }
    for (_, visit) in world.guests(who) {
        add(visit.at_host.clone(), world.person(visit), "G");
    }
    for (place, (home, person)) in claimed.iter().enumerate() {
        add(World::local_id(who, 9000 + place), &world.people[*home][*person], "C");
    }
    d.file(&rows)
}

fn placements(world: &World, who: Who, d: &Dialect) -> Vec<u8> {
    let (first, last) = world.dates();
    let mut rows = vec![["Learner", "Host", "Group", "From", "To"].map(str::to_owned).to_vec()];
    for visit in world.sent(who) {
        let id = World::local_id(who, visit.person);
        let cells = [
            id.as_str(),
            PARTNERS[visit.host].slug,
            GROUPS[visit.group].code,
            &d.date(&first),
            &d.date(&last),
        ];
        rows.push(cells.map(str::to_owned).to_vec());
    }
    d.file(&rows)
}

fn acceptances(world: &World, who: Who, d: &Dialect) -> Vec<u8> {
    let (first, last) = world.dates();
    let mut rows = vec![["Learner", "Home", "Group", "From", "To"].map(str::to_owned).to_vec()];
    for (_, visit) in world.guests(who) {
        let cells = [
            visit.at_host.as_str(),
            PARTNERS[visit.home].slug,
            GROUPS[visit.group].code,
            &d.date(&first),
            &d.date(&last),
        ];
        rows.push(cells.map(str::to_owned).to_vec());
    }
    d.file(&rows)
}

/// Placements that a home with delimited exports ends at noon.
pub fn ends(world: &World, who: Who, day: &str) -> Vec<u8> {
    let d = dialect(who);
    let mut rows = vec![["Learner", "Host", "Group", "Date", "Time"].map(str::to_owned).to_vec()];
    for visit in world.sent(who).filter(|visit| visit.ends_at_noon) {
        let id = World::local_id(who, visit.person);
        let cells = [id.as_str(), PARTNERS[visit.host].slug, GROUPS[visit.group].code, &d.date(day), "12:00"];
        rows.push(cells.map(str::to_owned).to_vec());
    }
    d.file(&rows)
}

fn roster_mapping(who: Who) -> String {
    let own = org(who);
    let mut text = format!("format = \"oneroster\"\nschool = \"{own}\"\nkind = \"assignment\"\n");
    if who == NORTHGATE {
        text.push_str("text_scale = { id = \"northgate/vocational\" }\n");
    }
    text.push_str("[identifiers]\nupn = \"upn\"\nuln = \"uln\"\n");
    let hosting = GROUPS.iter().any(|group| group.host == who);
    text.push_str(if hosting { "[homes]\n" } else { "[hosts]\n" });
    for other in (0..PARTNERS.len()).filter(|other| *other != who) {
        text.push_str(&format!("{} = \"{}\"\n", org(other), PARTNERS[other].slug));
    }
    text
}

fn org(who: Who) -> String {
    format!("org-{}", PARTNERS[who].slug)
}

const USERS_12: &str = "sourcedId status dateLastModified enabledUser username userIds givenName familyName middleName identifier email sms phone agentSourcedIds grades password userMasterIdentifier preferredGivenName preferredMiddleName preferredFamilyName primaryOrgSourcedId pronouns";
const USERS_11: &str = "sourcedId status dateLastModified enabledUser orgSourcedIds role username userIds givenName familyName middleName identifier email sms phone agentSourcedIds grades password";
const ITEMS_12: &str = "sourcedId status dateLastModified title description assignDate dueDate classSourcedId categorySourcedId academicSessionSourcedId resultValueMin resultValueMax schoolSourcedId";
const ITEMS_11: &str = "sourcedId status dateLastModified title description assignDate dueDate classSourcedId categorySourcedId gradingPeriodSourcedId resultValueMin resultValueMax";
const RESULTS_12: &str = "sourcedId status dateLastModified lineItemSourcedId studentSourcedId scoreStatus score scoreDate comment textScore classSourcedId inProgress incomplete late missing";
const RESULTS_11: &str = "sourcedId status dateLastModified lineItemSourcedId studentSourcedId scoreStatus score scoreDate comment";

/// Title of the piece of work that is graded.
pub const WORK: &str = "Unit 4 assignment";

/// A OneRoster package: people, the classes they are in, and results.
pub fn package(world: &World, who: Who, day: &str, grades: &[Grade]) -> Result<Vec<u8>, String> {
    let version = roster_version(who).unwrap_or("1.2");
    let new = version == "1.2";
    let (first, last) = world.dates();
    let mut orgs =
        Table::new("orgs", "sourcedId status dateLastModified name type identifier parentSourcedId");
    for (place, partner) in PARTNERS.iter().enumerate() {
        orgs.row(&[
            ("sourcedId", &org(place)),
            ("name", partner.name),
            ("type", "school"),
            ("identifier", partner.urn),
        ]);
    }
    let mut sessions = Table::new(
        "academicSessions",
        "sourcedId status dateLastModified title type startDate endDate parentSourcedId schoolYear",
    );
    let year = (world.year + 1).to_string();
    sessions.row(&[
        ("sourcedId", "year"),
        ("title", "School year"),
        ("type", "schoolYear"),
        ("startDate", &first),
        ("endDate", &last),
        ("schoolYear", &year),
    ]);
    let mut courses = Table::new(
        "courses",
        "sourcedId status dateLastModified schoolYearSourcedId title courseCode grades orgSourcedId subjects subjectCodes",
    );
    let mut classes = Table::new(
        "classes",
        "sourcedId status dateLastModified title grades courseSourcedId classCode classType location schoolSourcedId termSourcedIds subjects subjectCodes periods",
    );
    for group in &GROUPS {
        let (course, host) = (format!("course-{}", group.code), org(group.host));
        courses.row(&[("sourcedId", &course), ("title", group.title), ("orgSourcedId", &host)]);
        classes.row(&[
            ("sourcedId", group.code),
            ("title", group.title),
            ("courseSourcedId", &course),
            ("classType", "scheduled"),
            ("schoolSourcedId", &host),
            ("termSourcedIds", "year"),
            ("subjects", group.subject),
        ]);
    }
    let mut book = Book::new(new);
    for (place, person) in world.people[who].iter().enumerate() {
        book.person(&World::local_id(who, place), person, &org(who), None);
    }
    for (_, visit) in world.guests(who) {
        book.person(&visit.at_host, world.person(visit), &org(who), Some(&org(visit.home)));
        book.enrol(&visit.at_host, GROUPS[visit.group].code, &org(who));
    }
    for visit in world.sent(who) {
        let id = World::local_id(who, visit.person);
        book.enrol(&id, GROUPS[visit.group].code, &org(visit.host));
    }
    let mut tables = vec![orgs, sessions, courses, classes];
    tables.extend(book.tables());
    if !grades.is_empty() {
        tables.extend(results(world, who, day, grades, new));
    }
    oneroster(version, &tables)
}

struct Book {
    new: bool,
    users: Table,
    roles: Table,
    demographics: Table,
    enrolments: Table,
    enrolled: usize,
}

impl Book {
    fn new(new: bool) -> Self {
        Self {
            new,
            users: Table::new("users", if new { USERS_12 } else { USERS_11 }),
            roles: Table::new(
                "roles",
                "sourcedId status dateLastModified userSourcedId roleType role beginDate endDate orgSourcedId userProfileSourcedId",
            ),
            demographics: Table::new(
                "demographics",
                "sourcedId status dateLastModified birthDate sex americanIndianOrAlaskaNative asian blackOrAfricanAmerican nativeHawaiianOrOtherPacificIslander white demographicRaceTwoOrMoreRaces hispanicOrLatinoEthnicity countryOfBirthCode stateOfBirthAbbreviation cityOfBirth publicSchoolResidenceStatus",
            ),
            enrolments: Table::new(
                "enrollments",
                "sourcedId status dateLastModified classSourcedId schoolSourcedId userSourcedId role primary beginDate endDate",
            ),
            enrolled: 0,
        }
    }

    /// A student of `here`, whose main school is `home` if given.
    fn person(&mut self, id: &str, person: &super::people::Person, here: &str, home: Option<&str>) {
        let ids = format!("{{upn:{}}},{{uln:{}}}", person.upn, person.uln);
        let orgs = home.map_or_else(|| here.to_owned(), |home| format!("{here},{home}"));
        self.users.row(&[
            ("sourcedId", id),
            ("enabledUser", "true"),
            ("orgSourcedIds", &orgs),
            ("role", "student"),
            ("username", id),
            ("userIds", &ids),
            ("givenName", &person.forename),
            ("familyName", &person.surname),
            ("preferredGivenName", &person.known_as),
            ("primaryOrgSourcedId", home.unwrap_or(here)),
        ]);
        let role = format!("role-{id}");
        self.roles.row(&[
            ("sourcedId", &role),
            ("userSourcedId", id),
            ("roleType", "primary"),
            ("role", "student"),
            ("orgSourcedId", here),
        ]);
        self.demographics.row(&[("sourcedId", id), ("birthDate", &person.born_iso())]);
    }

    fn enrol(&mut self, user: &str, class: &str, school: &str) {
        self.enrolled += 1;
        self.enrolments.row(&[
            ("sourcedId", &format!("enrol-{}", self.enrolled)),
            ("classSourcedId", class),
            ("schoolSourcedId", school),
            ("userSourcedId", user),
            ("role", "student"),
        ]);
    }

    fn tables(self) -> Vec<Table> {
        let mut tables = vec![self.users, self.demographics, self.enrolments];
        if self.new {
            tables.push(self.roles);
        }
        tables
    }
}

fn results(world: &World, who: Who, day: &str, grades: &[Grade], new: bool) -> Vec<Table> {
    let mut categories = Table::new(
        "categories",
        if new {
            "sourcedId status dateLastModified title weight"
        } else {
            "sourcedId status dateLastModified title"
        },
    );
    categories.row(&[("sourcedId", "work"), ("title", "Coursework")]);
    let mut items = Table::new("lineItems", if new { ITEMS_12 } else { ITEMS_11 });
    for group in GROUPS.iter().filter(|group| group.host == who) {
        items.row(&[
            ("sourcedId", &format!("item-{}", group.code)),
            ("title", WORK),
            ("assignDate", day),
            ("dueDate", day),
            ("classSourcedId", group.code),
            ("categorySourcedId", "work"),
            ("resultValueMin", "0"),
            ("resultValueMax", "100"),
        ]);
    }
    let mut results = Table::new("results", if new { RESULTS_12 } else { RESULTS_11 });
    for (visit, grade) in grades {
        let visit = &world.visits[*visit];
        results.row(&[
            ("sourcedId", &format!("result-{}", visit.at_host)),
            ("lineItemSourcedId", &format!("item-{}", GROUPS[visit.group].code)),
            ("studentSourcedId", &visit.at_host),
            ("scoreStatus", "fully graded"),
            (if new { "textScore" } else { "score" }, grade),
            ("scoreDate", day),
        ]);
    }
    vec![categories, items, results]
}

/// True for the two schools that host as well.
pub const fn is_hosting_school(who: Who) -> bool {
    matches!(who, KINGSMEAD | HOLLINS)
}
