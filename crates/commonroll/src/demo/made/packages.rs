//! OneRoster packages: people, the classes they are in, and results, which live in the same package.

use super::{
    people::Person,
    rosters::roster_version,
    world::{GROUPS, PARTNERS, Who, World},
    write::{Table, oneroster},
};

/// A result: place of the visit, and the grade as given.
pub type Grade = (usize, String);

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
    fn person(&mut self, id: &str, person: &Person, here: &str, home: Option<&str>) {
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

/// Id of a partner among the organisations of every package.
pub fn org(who: Who) -> String {
    format!("org-{}", PARTNERS[who].slug)
}
