//! The files and columns of OneRoster CSV 1.2 and 1.1, in the order that the standard gives them.
//!
//! A column is written `name:type`, with `!` where it must not be blank. Every file begins with the same three columns.

/// How a cell is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Its own id.
    Id,
    /// `sourcedId` of a row of that file.
    Ref(&'static str),
    /// Several of them.
    Refs(&'static str),
    /// One of these words.
    Enum(&'static str),
    /// YYYY-MM-DD.
    Date,
    /// YYYY.
    Year,
    /// A whole number.
    Int,
    /// A decimal number.
    Float,
    /// true or false.
    Bool,
    /// Pairs in braces.
    Scale,
    /// Anything.
    Text,
}

/// One column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its caption.
    pub name: &'static str,
    /// How it is read.
    pub of: Type,
    /// Must not be blank.
    pub must: bool,
}

/// Version of the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// 1.1
    V1p1,
    /// 1.2
    V1p2,
}

/// First columns of every file: id and lifecycle.
const FIRST: &str = "sourcedId:id! status:text dateLastModified:text";

/// Files of both versions, if 1.1 doesn't have its own below.
const FILES: &[(&str, &str)] = &[
    (
        "academicSessions",
        "title:text! type:enum(gradingPeriod|semester|schoolYear|term)! startDate:date! endDate:date! parentSourcedId:ref(academicSessions) schoolYear:year!",
    ),
    ("categories", "title:text! weight:int"),
    (
        "classes",
        "title:text! grades:text courseSourcedId:ref(courses)! classCode:text classType:enum(homeroom|scheduled)! location:text schoolSourcedId:ref(orgs)! termSourcedIds:refs(academicSessions)! subjects:text subjectCodes:text periods:text",
    ),
    ("classResources", "title:text classSourcedId:ref(classes)! resourceSourcedId:ref(resources)!"),
    ("courseResources", "title:text courseSourcedId:ref(courses)! resourceSourcedId:ref(resources)!"),
    (
        "courses",
        "schoolYearSourcedId:ref(academicSessions) title:text! courseCode:text grades:text orgSourcedId:ref(orgs)! subjects:text subjectCodes:text",
    ),
    (
        "demographics",
        "birthDate:date sex:text americanIndianOrAlaskaNative:bool asian:bool blackOrAfricanAmerican:bool nativeHawaiianOrOtherPacificIslander:bool white:bool demographicRaceTwoOrMoreRaces:bool hispanicOrLatinoEthnicity:bool countryOfBirthCode:text stateOfBirthAbbreviation:text cityOfBirth:text publicSchoolResidenceStatus:text",
    ),
    (
        "enrollments",
        "classSourcedId:ref(classes)! schoolSourcedId:ref(orgs)! userSourcedId:ref(users)! role:enum(administrator|aide|proctor|student|teacher)! primary:bool beginDate:date endDate:date",
    ),
    (
        "lineItemLearningObjectiveIds",
        "lineItemSourcedId:ref(lineItems)! source:enum(case|unknown)! learningObjectiveId:text!",
    ),
    (
        "lineItems",
        "title:text! description:text assignDate:date! dueDate:date! classSourcedId:ref(classes)! categorySourcedId:ref(categories)! academicSessionSourcedId:ref(academicSessions) resultValueMin:float resultValueMax:float schoolSourcedId:ref(orgs)",
    ),
    (
        "lineItemScoreScales",
        "title:text lineItemSourcedId:ref(lineItems)! scoreScaleSourcedId:ref(scoreScales)!",
    ),
    (
        "orgs",
        "name:text! type:enum(department|school|district|local|state|national)! identifier:text parentSourcedId:ref(orgs)",
    ),
    (
        "resources",
        "vendorResourceId:text! title:text roles:text importance:enum(primary|secondary) vendorId:text applicationId:text",
    ),
    (
        "resultLearningObjectiveIds",
        "resultSourcedId:ref(results)! source:enum(case|unknown)! learningObjectiveId:text! score:float textScore:text",
    ),
    (
        "results",
        "lineItemSourcedId:ref(lineItems)! studentSourcedId:ref(users)! scoreStatus:enum(exempt|fully graded|not submitted|partially graded|submitted)! score:float scoreDate:date! comment:text textScore:text classSourcedId:ref(classes) inProgress:bool incomplete:bool late:bool missing:bool",
    ),
    ("resultScoreScales", "title:text resultSourcedId:ref(results)! scoreScaleSourcedId:ref(scoreScales)!"),
    (
        "roles",
        "userSourcedId:ref(users)! roleType:enum(primary|secondary)! role:enum(aide|counselor|districtAdministrator|guardian|parent|principal|proctor|relative|siteAdministrator|student|systemAdministrator|teacher)! beginDate:date endDate:date orgSourcedId:ref(orgs)! userProfileSourcedId:ref(userProfiles)",
    ),
    (
        "scoreScales",
        "title:text! type:text! orgSourcedId:ref(orgs)! courseSourcedId:ref(courses) classSourcedId:ref(classes) scoreScaleValue:scale!",
    ),
    (
        "userProfiles",
        "userSourcedId:ref(users)! profileType:text! vendorId:text! applicationId:text description:text credentialType:text username:text password:text",
    ),
    (
        "userResources",
        "userSourcedId:ref(users)! orgSourcedId:ref(orgs) classSourcedId:ref(classes) resourceSourcedId:ref(resources)!",
    ),
    (
        "users",
        "enabledUser:bool! username:text! userIds:text givenName:text! familyName:text! middleName:text identifier:text email:text sms:text phone:text agentSourcedIds:refs(users) grades:text password:text userMasterIdentifier:text preferredGivenName:text preferredMiddleName:text preferredFamilyName:text primaryOrgSourcedId:ref(orgs) pronouns:text",
    ),
];

/// Files that 1.1 writes in its own way.
const FILES_1P1: &[(&str, &str)] = &[
    ("categories", "title:text!"),
    (
        "lineItems",
        "title:text! description:text assignDate:date! dueDate:date! classSourcedId:ref(classes)! categorySourcedId:ref(categories)! gradingPeriodSourcedId:ref(academicSessions) resultValueMin:float! resultValueMax:float!",
    ),
    (
        "results",
        "lineItemSourcedId:ref(lineItems)! studentSourcedId:ref(users)! scoreStatus:enum(exempt|fully graded|not submitted|partially graded|submitted)! score:float! scoreDate:date! comment:text",
    ),
    (
        "users",
        "enabledUser:bool! orgSourcedIds:refs(orgs)! role:enum(administrator|aide|guardian|parent|proctor|relative|student|teacher)! username:text! userIds:text givenName:text! familyName:text! middleName:text identifier:text email:text sms:text phone:text agentSourcedIds:refs(users) grades:text password:text",
    ),
];

/// Files that 1.1 doesn't have.
const NOT_IN_1P1: &[&str] = &[
    "lineItemLearningObjectiveIds",
    "lineItemScoreScales",
    "resultLearningObjectiveIds",
    "resultScoreScales",
    "roles",
    "scoreScales",
    "userProfiles",
    "userResources",
];

/// Files of a version.
pub fn files(version: Version) -> impl Iterator<Item = &'static str> {
    FILES
        .iter()
        .map(|(name, _)| *name)
        .filter(move |name| version == Version::V1p2 || !NOT_IN_1P1.contains(name))
}

/// Columns of a file.
pub fn columns(version: Version, file: &str) -> Vec<Column> {
    let own = FILES_1P1.iter().filter(|_| version == Version::V1p1);
    let Some((_, text)) = own.chain(FILES).find(|(name, _)| *name == file) else { return Vec::new() };
    let mut columns: Vec<Column> = FIRST.split(' ').map(column).collect();
    columns.extend(split(text).map(column));
    columns
}

/// Words of an enum may hold spaces, so columns end where a new name with a colon begins.
fn split(text: &'static str) -> impl Iterator<Item = &'static str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut inside = false;
        let end = rest.char_indices().find(|(_, c)| {
            inside = (inside || *c == '(') && *c != ')';
            *c == ' ' && !inside
        });
        let (column, tail) = end.map_or((rest, ""), |(at, _)| (&rest[..at], &rest[at + 1..]));
        rest = tail;
        Some(column)
    })
}

fn column(text: &'static str) -> Column {
    let (name, of) = text.split_once(':').unwrap_or((text, "text"));
    let (of, must) = of.strip_suffix('!').map_or((of, false), |of| (of, true));
    let (word, inner) =
        of.split_once('(').map_or((of, ""), |(word, inner)| (word, inner.trim_end_matches(')')));
    let of = match word {
        "id" => Type::Id,
        "ref" => Type::Ref(inner),
        "refs" => Type::Refs(inner),
        "enum" => Type::Enum(inner),
        "date" => Type::Date,
        "year" => Type::Year,
        "int" => Type::Int,
        "float" => Type::Float,
        "bool" => Type::Bool,
        "scale" => Type::Scale,
        _ => Type::Text,
    };
    Column { name, of, must }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_those_of_the_standard() {
        let results = columns(Version::V1p2, "results");
        let names: Vec<&str> = results.iter().map(|column| column.name).collect();
        assert_eq!(
            names.join(","),
            "sourcedId,status,dateLastModified,lineItemSourcedId,studentSourcedId,scoreStatus,score,scoreDate,comment,\
             textScore,classSourcedId,inProgress,incomplete,late,missing"
        );
        assert_eq!(results[3].of, Type::Ref("lineItems"));
        assert!(results[5].must && !results[6].must);
        assert_eq!(columns(Version::V1p1, "users").len(), 18);
        assert_eq!((files(Version::V1p2).count(), files(Version::V1p1).count()), (21, 13));
    }
}
