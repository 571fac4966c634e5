//! The mapping templates that we ship: one for each sort of file of an MIS, to be copied and adapted.
//!
//! Each lies in the folder of its MIS. Adding one is its file and its line here.

/// A mapping file to start from.
#[derive(Debug, Clone, Copy)]
pub struct Template {
    /// Its name, which is its file's.
    pub name: &'static str,
    /// The MIS or the format that it is for, as people call it.
    pub mis: &'static str,
    /// What it reads, in one line.
    pub about: &'static str,
    /// The mapping file.
    pub text: &'static str,
}

/// A template of an MIS whose database is asked.
macro_rules! database {
    ($mis:literal, $folder:literal, $what:literal, $about:literal) => {
        Template {
            name: concat!($folder, "-", $what),
            mis: $mis,
            about: $about,
            text: include_str!(concat!($folder, "/", $folder, "-", $what, ".toml")),
        }
    };
}

/// Template of an API's records: its MIS, its folder, its records and what they are.
macro_rules! api {
    ($mis:literal, $folder:literal, $records:literal, $about:literal) => {
        Template {
            name: concat!($folder, "-", $records),
            mis: $mis,
            about: concat!($about, ", as JSON of its API"),
            text: include_str!(concat!($folder, "/", $folder, "-", $records, ".toml")),
        }
    };
}

/// All of them.
pub const ALL: &[Template] = &[
    Template {
        name: "sims-sessions-csv",
        mis: "SIMS",
        about: "report of session marks (AM and PM) as CSV",
        text: include_str!("sims/sims-sessions-csv.toml"),
    },
    Template {
        name: "sims-sessions-xml",
        mis: "SIMS",
        about: "report of session marks (AM and PM) as XML of the Command Reporter",
        text: include_str!("sims/sims-sessions-xml.toml"),
    },
    Template {
        name: "sims-lessons-csv",
        mis: "SIMS",
        about: "report of lesson marks as CSV",
        text: include_str!("sims/sims-lessons-csv.toml"),
    },
    Template {
        name: "sims-assessment-csv",
        mis: "SIMS",
        about: "report of results, one a row, as CSV",
        text: include_str!("sims/sims-assessment-csv.toml"),
    },
    Template {
        name: "sims-behaviour-csv",
        mis: "SIMS",
        about: "report of behaviour incidents as CSV",
        text: include_str!("sims/sims-behaviour-csv.toml"),
    },
    Template {
        name: "sims-behaviour-xml",
        mis: "SIMS",
        about: "report of behaviour incidents as XML of the Command Reporter",
        text: include_str!("sims/sims-behaviour-xml.toml"),
    },
    Template {
        name: "sims-achievement-csv",
        mis: "SIMS",
        about: "report of achievements as CSV",
        text: include_str!("sims/sims-achievement-csv.toml"),
    },
    Template {
        name: "sims-learners-csv",
        mis: "SIMS",
        about: "report of learners with their numbers as CSV",
        text: include_str!("sims/sims-learners-csv.toml"),
    },
    Template {
        name: "sims-thirdparty-sessions-xml",
        mis: "SIMS",
        about: "session marks in the third-party attendance XML (SessionAttendances)",
        text: include_str!("sims/sims-thirdparty-sessions-xml.toml"),
    },
    Template {
        name: "sims-thirdparty-lessons-xml",
        mis: "SIMS",
        about: "lesson marks in the third-party attendance XML (LessonAttendances) with date and times beside",
        text: include_str!("sims/sims-thirdparty-lessons-xml.toml"),
    },
    Template {
        name: "sims-thirdparty-results-xml",
        mis: "SIMS",
        about: "results in the third-party assessment XML (Results)",
        text: include_str!("sims/sims-thirdparty-results-xml.toml"),
    },
    database!("Gibbon", "gibbon", "learners", "learners of the current school year"),
    database!("Gibbon", "gibbon", "groups", "classes of the current school year"),
    database!("Gibbon", "gibbon", "staff", "who teaches which class"),
    database!("Gibbon", "gibbon", "timetable", "lessons from yesterday to 14 days ahead"),
    database!("Gibbon", "gibbon", "attendance", "marks of lessons of the last 14 days"),
    database!("Gibbon", "gibbon", "attendance-day", "who was in school, of the last 14 days"),
    database!("Gibbon", "gibbon", "behaviour", "behaviour of the current school year"),
    database!("Gibbon", "gibbon", "marks", "markbook columns that are complete"),
    database!("Gibbon", "gibbon", "internal-assessment", "internal assessments that are complete"),
    database!("RosarioSIS", "rosariosis", "learners", "learners enrolled today"),
    database!("RosarioSIS", "rosariosis", "groups", "course periods of this school year"),
    database!("RosarioSIS", "rosariosis", "staff", "who teaches what"),
    database!("RosarioSIS", "rosariosis", "timetable", "lessons from yesterday to 14 days ahead"),
    database!(
        "RosarioSIS",
        "rosariosis",
        "attendance",
        "marks of each period of the last 14 days, the office's before the teacher's"
    ),
    database!("RosarioSIS", "rosariosis", "behaviour", "discipline referrals of this school year"),
    database!("RosarioSIS", "rosariosis", "marks", "points of assignments, -1 as exempt"),
    database!("RosarioSIS", "rosariosis", "report-card", "final grades of report cards"),
    database!("openSIS", "opensis", "learners", "learners enrolled today"),
    database!("openSIS", "opensis", "groups", "course periods of this school year"),
    database!("openSIS", "opensis", "staff", "who teaches what"),
    database!("openSIS", "opensis", "timetable", "lessons from yesterday to 14 days ahead"),
    database!(
        "openSIS",
        "opensis",
        "attendance",
        "marks of each period of the last 14 days, the office's before the teacher's"
    ),
    database!("openSIS", "opensis", "marks", "points of assignments, -1 as exempt"),
    database!("openSIS", "opensis", "report-card", "final grades of report cards"),
    Template {
        name: "sif-au",
        mis: "SIF AU",
        about: "SIF AU 3.4 objects: students, attendance, wellbeing events, scores and grades",
        text: include_str!("sif/sif-au.toml"),
    },
    Template {
        name: "ctf",
        mis: "DfE CTF",
        about: "Common Transfer File: learners, prior attainment, the school's own attendance",
        text: include_str!("ctf/ctf.toml"),
    },
    Template {
        name: "oneroster",
        mis: "OneRoster",
        about: "people, classes and enrolments of OneRoster 1.1 or 1.2, with UPN and ULN",
        text: include_str!("oneroster/oneroster.toml"),
    },
    api!("Wonde", "wonde", "students", "learners"),
    api!("Wonde", "wonde", "groups", "teaching groups"),
    api!("Wonde", "wonde", "staff", "who teaches which group"),
    api!("Wonde", "wonde", "sessions", "session marks (AM and PM)"),
    api!("Wonde", "wonde", "lessons", "lesson marks"),
    api!("Wonde", "wonde", "behaviours", "behaviour incidents"),
    api!("Wonde", "wonde", "achievements", "achievements"),
    api!("Wonde", "wonde", "results", "results of assessments (beta at Wonde)"),
    api!("Ed-Fi", "edfi", "students", "learners"),
    api!("Ed-Fi", "edfi", "attendance", "attendance of school days"),
    api!("Ed-Fi", "edfi", "lessons", "attendance of lessons"),
    api!("Ed-Fi", "edfi", "discipline", "parts in incidents"),
    api!("Ed-Fi", "edfi", "assessments", "scores of assessments"),
    api!("Arbor", "arbor", "students", "learners (names of its SDK)"),
    api!("Arbor", "arbor", "attendance", "marks without the redundant ones (names of its SDK)"),
    api!("Arbor", "arbor", "behaviour", "parts in incidents (names of its SDK)"),
    api!("Bromcom", "bromcom", "students", "learners"),
    api!("Bromcom", "bromcom", "attendance", "session marks"),
    api!("Bromcom", "bromcom", "behaviour", "behaviour events"),
    api!("Bromcom", "bromcom", "results", "results of assessments"),
    Template {
        name: "arbor-learners-csv",
        mis: "Arbor",
        about: "learners as a CSV export",
        text: include_str!("arbor/arbor-learners-csv.toml"),
    },
    api!("iSAMS", "isams", "students", "learners"),
    Template {
        name: "isams-learners",
        mis: "iSAMS",
        about: "learners as XML of its batch API (names unsure)",
        text: include_str!("isams/isams-learners.toml"),
    },
];

/// The template of this name.
pub fn by_name(name: &str) -> Option<&'static Template> {
    ALL.iter().find(|template| template.name == name)
}

#[cfg(test)]
mod tests {
    use super::ALL;
    use crate::Mapping;

    #[test]
    fn every_template_is_a_mapping_under_a_name_of_its_own() {
        for template in ALL {
            let mapping = template.text.parse::<Mapping>();
            assert!(mapping.is_ok(), "{}: {}", template.name, mapping.unwrap_err());
            assert_eq!(
                ALL.iter().filter(|other| other.name == template.name).count(),
                1,
                "{}",
                template.name
            );
        }
    }
}
