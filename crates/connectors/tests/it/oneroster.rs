//! OneRoster packages, the standard's own and made ones.

use crate::support::{fixture, run};
use expect_test::expect;
use std::fmt::Write;

const PLAIN: &str = "format = \"oneroster\"";

/// Each package of the conformance set, and what comes of it: refused with a rule, or read with problems.
#[test]
fn every_package_of_the_conformance_set_is_judged() {
    let folder = format!("{}/tests/fixtures/oneroster", env!("CARGO_MANIFEST_DIR"));
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".zip"))
        .collect();
    names.sort();
    let mut judged = String::new();
    for name in names {
        let outcome = match run(PLAIN, fixture(&format!("oneroster/{name}"))) {
            Ok(seen) => {
                let mut rules = seen.rules();
                rules.sort_unstable();
                rules.dedup();
                format!("{} items, {:?}", seen.items.len(), rules)
            }
            Err(fault) => format!("refused {}", fault.rule()),
        };
        let sound = outcome.ends_with("[]");
        assert_eq!(sound, name.starts_with("valid-"), "{name}: {outcome}");
        writeln!(judged, "{name}: {outcome}").unwrap();
    }
    expect![[r#"
        invalid-duplicateSourcedId.zip: 2 items, ["OR-ID-TWICE", "OR-REFERENCE"]
        invalid-fieldFailure.zip: 1 items, ["OR-BLANK", "OR-BOOL", "OR-DATE", "OR-ENUM", "OR-ID", "OR-NUMBER", "OR-REFERENCE", "OR-SCALE", "OR-YEAR"]
        invalid-forbiddenBulkLifecycle.zip: 0 items, ["OR-BULK-LIFECYCLE"]
        invalid-invalidDeltaLifecycle.zip: 0 items, ["OR-DELTA-LIFECYCLE"]
        invalid-missingDeltaLifecycle.zip: 0 items, ["OR-DELTA-LIFECYCLE"]
        invalid-missingTargetFile.zip: 0 items, ["OR-REFERENCE-FILE"]
        invalid-missingTargetRecord.zip: 3 items, ["OR-LINE-ITEM", "OR-REFERENCE"]
        invalid-schemaFailure.zip: refused OR-HEADER-ORDER
        invalid-semanticFailure.zip: 3 items, ["OR-LINE-ITEM", "OR-OBJECTIVE", "OR-RANGE", "OR-SCALE"]
        valid-full-bulk-graph.zip: 4 items, []
        valid-full-bulk.zip: 4 items, []
        valid-full-delta.zip: 2 items, []
        valid-gradebook-bulk.zip: 4 items, []
        valid-gradebook-delta.zip: 2 items, []
        valid-manifestOnly.zip: 0 items, []
        valid-metadata.zip: 4 items, []
        valid-resources-bulk.zip: 3 items, []
        valid-resources-delta.zip: 1 items, []
        valid-rostering-bulk.zip: 3 items, []
        valid-rostering-delta.zip: 1 items, []
    "#]].assert_eq(&judged);
}

#[test]
fn a_package_becomes_groups_and_results() {
    let seen = run(PLAIN, fixture("oneroster/valid-full-bulk-graph.zip")).unwrap();
    expect![[r#"
        2: group class-1 Algebra One A / Math
        2: 2024-09-09 user-1 class-1 key=result-1 Assignment A on northgate/score-scale-1@1 Math / Unit Quiz / Fall Term "Done"
        3: staff user-1 teaches class-1
        2: staff user-agent teaches 
        covers: Groups
        covers: Staff
        covers: Records(Assessment)
    "#]].assert_eq(&seen.show());
    let delta = run(PLAIN, fixture("oneroster/valid-full-delta.zip")).unwrap();
    assert!(delta.scopes.is_empty(), "a delta says nothing about what it leaves out");
    let teaches = seen.show().lines().filter(|line| line.contains(": staff ")).count();
    assert_eq!(delta.items.len(), seen.items.len() - teaches, "nor does it say all that somebody teaches");
}

fn packed(version: &str, files: &[(&str, &str, &str)]) -> Vec<u8> {
    let mut manifest = format!("propertyName,value\nmanifest.version,1.0\noneroster.version,{version}\n");
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, mode, text) in files {
        writeln!(manifest, "file.{name},{mode}").unwrap();
        zip.start_file(format!("{name}.csv"), zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut zip, text.as_bytes()).unwrap();
    }
    zip.start_file("manifest.csv", zip::write::SimpleFileOptions::default()).unwrap();
    std::io::Write::write_all(&mut zip, manifest.as_bytes()).unwrap();
    zip.finish().unwrap().into_inner()
}

const USERS: &str = "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,\
                     middleName,identifier,email,sms,phone,agentSourcedIds,grades,password\n";
const ENROLMENTS: &str = "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate\n";
const CLASSES: &str = "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,\
                       schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods\n";
const SESSIONS: &str =
    "sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,schoolYear\n";

#[test]
fn a_package_of_1_1_names_guests_where_the_mapping_says_whose_they_are() {
    let users = format!(
        "{USERS}s1,,,true,ng,student,imogen,\"{{UPN:F860400125001}},{{Login:x}}\",Imogen,Ashby,,,a@example.org,,,,12,hunter2\n\
         s2,,,true,\"ng,rw\",student,ben,,Ben,Cole,,,,,,,12,\nt1,,,true,ng,teacher,tw,,T,Ward,,,,,,,,\n"
    );
    let classes = format!("{CLASSES}c1,,,Chemistry,12,k1,,scheduled,,ng,y1,Science,,\n");
    let sessions = format!("{SESSIONS}y1,,,2026/27,schoolYear,2026-09-01,2027-07-16,,2027\n");
    let enrolments = format!(
        "{ENROLMENTS}e1,,,c1,ng,s1,student,,,\ne2,,,c1,ng,s2,student,,2026-09-14,\ne3,,,c1,ng,t1,teacher,,,\n"
    );
    let zip = packed(
        "1.1",
        &[
            ("users", "bulk", &users),
            ("classes", "bulk", &classes),
            ("academicSessions", "bulk", &sessions),
            ("enrollments", "bulk", &enrolments),
        ],
    );
    let mapping = "format = \"oneroster\"\nhomes = { rw = \"ridgeway\" }\nidentifiers = { UPN = \"upn\" }";
    let seen = run(mapping, zip).unwrap();
    expect![[r#"
        2: learner s1 Home upn=F860400125001 uln= born= Imogen Ashby ()
        3: learner s2 Guest upn= uln= born= Ben Cole ()
        2: group c1 Chemistry / Science
        3: acceptance s2 from ridgeway group c1 2026-09-14 to 2027-07-16
        4: staff t1 teaches c1
        problem: classes.csv courseSourcedId: OR-REFERENCE-FILE: names rows of courses.csv, which the package doesn't hold; export both together
        problem: classes.csv schoolSourcedId: OR-REFERENCE-FILE: names rows of orgs.csv, which the package doesn't hold; export both together
        problem: enrollments.csv schoolSourcedId: OR-REFERENCE-FILE: names rows of orgs.csv, which the package doesn't hold; export both together
        problem: users.csv orgSourcedIds: OR-REFERENCE-FILE: names rows of orgs.csv, which the package doesn't hold; export both together
        covers: Learners
        covers: Groups
        covers: Acceptances
        covers: Staff
    "#]].assert_eq(&seen.show());
    assert!(!format!("{:?}", seen.items).contains("hunter2"));
}

#[test]
fn of_a_row_with_several_bad_cells_each_is_told_and_the_row_is_one() {
    // The second user has no flag, no role and a blank name; the third has one bad cell and an id that stood there before.
    let users = format!(
        "{USERS}s1,,,true,ng,student,imogen,,Imogen,Ashby,,,,,,,12,\ns2,,,perhaps,ng,pupil,ben,,,Cole,,,,,,,12,\n\
         s1,,,maybe,ng,student,al,,Al,Dee,,,,,,,12,\n"
    );
    let seen = run(PLAIN, packed("1.1", &[("users", "bulk", &users)])).unwrap();
    let told: Vec<_> = seen.problems.iter().filter_map(|one| Some((one.place?.line, one.again))).collect();
    assert_eq!(told, [(3, false), (3, true), (3, true), (4, false), (4, true)], "{}", seen.show());
}

/// A package of 1.2 in which `b1` and `b2` teach, and what stands in its enrolments.
fn taught(mode: &str, enrolments: &str) -> Vec<u8> {
    const USERS: &str = "sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password,userMasterIdentifier,preferredGivenName,preferredMiddleName,preferredFamilyName,primaryOrgSourcedId,pronouns\n";
    const ROLES: &str = "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,userProfileSourcedId\n";
    let user = |id: &str| format!("{id},,,true,{id},,T,Ward,,,,,,,,,,,,,ng,\n");
    let users = format!("{USERS}{}{}{}{}", user("b1"), user("b2"), user("b3"), user("s1"));
    let roles = format!(
        "{ROLES}r1,,,b1,primary,teacher,,,ng,\nr2,,,b2,primary,teacher,,,ng,\nr3,,,b3,primary,teacher,,,elsewhere,\n\
         r4,,,s1,primary,student,,,ng,\n"
    );
    let classes = format!(
        "{CLASSES}c1,,,Chemistry,12,k1,,scheduled,,ng,y1,Science,,\nc2,,,Physics,12,k1,,scheduled,,ng,y1,Science,,\n"
    );
    let enrolments = format!("{ENROLMENTS}{enrolments}");
    let files = [
        ("users", "bulk", &*users),
        ("roles", "bulk", &roles),
        ("classes", "bulk", &classes),
        ("enrollments", mode, &enrolments),
    ];
    packed("1.2", &files)
}

#[test]
fn teachers_are_declared_with_the_classes_that_they_teach_at_the_school() {
    let mapping = "format = \"oneroster\"\nschool = \"ng\"";
    let enrolments = "e1,,,c1,ng,b1,teacher,true,,\ne2,,,c2,ng,b1,teacher,,,\ne3,,,c1,ng,s1,student,,2026-09-01,2027-07-16\n\
        e4,,,c2,ng,s1,teacher,,,\ne5,,,c1,ng,b3,teacher,,,\ne6,,,c2,ng,b2,aide,,,\n";
    let seen = run(mapping, taught("bulk", enrolments)).unwrap();
    let staff = |seen: &crate::support::Seen| {
        let shown = seen.show();
        shown
            .lines()
            .filter(|line| line.contains("staff") || line.contains("Staff"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_eq!(
        staff(&seen),
        "2: staff b1 teaches c1 c2\n3: staff b2 teaches \ncovers: Staff",
        "a student, another school's teacher and an aide teach nothing here"
    );
    let broken = run(mapping, taught("bulk", &enrolments.replace("e2,,,c2", "e2,,,"))).unwrap();
    assert_eq!(
        staff(&broken),
        "",
        "of classes that can't be read, nothing is said: what was declared stands"
    );
    let dated = enrolments.replace(",,,c", ",active,2026-10-02T11:00:00Z,c");
    assert_eq!(
        staff(&run(mapping, taught("delta", &dated)).unwrap()),
        "",
        "what changed is not all that they teach"
    );
}

#[test]
fn what_a_delta_deletes_is_withdrawn_ended_or_gone() {
    let at = "2026-10-02T11:00:00Z";
    let users = format!(
        "{USERS}s2,active,{at},true,\"ng,rw\",student,ben,,Ben,Cole,,,,,,,12,\ns3,tobedeleted,{at},true,ng,student,al,,Al,Dee,,,,,,,12,\n"
    );
    let enrolments = format!("{ENROLMENTS}e2,tobedeleted,{at},c1,ng,s2,student,,2026-09-14,2027-07-16\n");
    let items = "sourcedId,status,dateLastModified,title,description,assignDate,dueDate,classSourcedId,categorySourcedId,\
                 gradingPeriodSourcedId,resultValueMin,resultValueMax\n";
    let items = format!("{items}li1,active,{at},Test 1,,2026-09-20,2026-09-28,c1,k,,0,40\n");
    let results = "sourcedId,status,dateLastModified,lineItemSourcedId,studentSourcedId,scoreStatus,score,scoreDate,comment\n";
    let results = format!(
        "{results}r1,active,{at},li1,s2,fully graded,31,2026-09-28,\nr2,tobedeleted,{at},li1,s3,fully graded,12,2026-09-28,\n\
         r3,active,{at},li2,s2,fully graded,12,2026-09-28,\n"
    );
    let zip = packed(
        "1.1",
        &[
            ("users", "delta", &users),
            ("enrollments", "delta", &enrolments),
            ("lineItems", "delta", &items),
            ("results", "delta", &results),
        ],
    );
    let seen = run("format = \"oneroster\"\nhomes = { rw = \"ridgeway\" }", zip).unwrap();
    expect![[r#"
        2: learner s2 Guest upn= uln= born= Ben Cole ()
        3: learner s3 Previous upn= uln= born= Al Dee ()
        2: end s2 with ridgeway from 2026-10-02T11:00:00Z
        2: 2026-09-28 s2 c1 key=r1 Assignment 31 on raw-0-40@1  / Test 1 / 
        3: 2026-09-28 s3 c1 key=r2 withdrawn assessment
        problem: line 4: results.csv lineItemSourcedId: OR-LINE-ITEM: names a line item that the package doesn't hold; export lineItems together with results
    "#]].assert_eq(&seen.show());
}
