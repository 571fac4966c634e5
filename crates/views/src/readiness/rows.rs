//! What the rules mean by which an agent keeps rows back or refuses an export: a title, what to do, and whose it is.
//!
//! By the rule's name alone, since nothing else of a row comes to the hub. Whoever sits at the agent reads file, line and fix.

/// What there is to say of a rule: title, what to do, who can.
pub type Advice = (&'static str, &'static str, &'static str);

const MANAGER: &str = "Data manager";
const TECHNICIAN: &str = "Technician";

/// What a rule means by which rows are kept back.
pub fn kept_back(rule: &str) -> Advice {
    match rule {
        "ATT-UNKNOWN-CODE" | "ATT-CODE" | "ATT-CODE-CASE" => (
            "Marks with a code that nobody has given a meaning",
            "Decide what the code means, and let the technician write it under [codes] in the mapping. The agent reads the export again by itself.",
            MANAGER,
        ),
        "ATT-OLD-CODE" | "ATT-CODE-DATE" => (
            "Marks with a code that isn’t in force on their date",
            "Let whoever marks use the code that is in force now, and correct the marks in the MIS.",
            MANAGER,
        ),
        "ATT-BLANK" | "CSV-BLANK" => (
            "Rows without a mark",
            "Have the register taken. Where blank rows are usual, let the technician list the column under `skip_if_blank`.",
            MANAGER,
        ),
        "CSV-VALUE" | "CSV-PERIOD" | "SIF-VALUE" | "EDFI-VALUE" | "EDFI-CATEGORY" | "CTF-VALUE"
        | "OR-VALUE" | "OR-ENUM" => (
            "Rows with a value that the mapping doesn’t know",
            "Decide what the value stands for, and let the technician add it to the mapping.",
            MANAGER,
        ),
        "CSV-ID-BLANK" | "CTF-ID-BLANK" | "CSV-ID" | "OR-ID" | "SIF-STUDENT" | "EDFI-STUDENT"
        | "OR-BLANK" => (
            "Rows without a usable id",
            "Look in the MIS who has no number, and give one; nobody is guessed.",
            MANAGER,
        ),
        "CSV-GRADE" | "CSV-SEVERITY" | "OR-SCALE" | "OR-RANGE" | "CSV-NUMBER" | "OR-NUMBER"
        | "ATT-MINUTES" => (
            "Rows with a grade or number that can’t be",
            "Correct them in the MIS, or let the technician look whether it is the right column.",
            MANAGER,
        ),
        _ if rule.starts_with("GRD-") => (
            "Grades that aren’t on their scale",
            "Correct the grade in the MIS, or let the technician name the right scale in the mapping.",
            MANAGER,
        ),
        "AGENT-SAME-KEY" | "OR-ID-TWICE" | "CSV-LESSON-TWICE" => (
            "Rows that can’t be told apart",
            "Add the column that tells them apart to the mapping’s key. Until then the first row of each is taken.",
            TECHNICIAN,
        ),
        "CSV-DATE" | "CSV-TIME" | "CSV-INSTANT" | "SIF-DATE" | "SIF-TIME" | "EDFI-DATE" | "EDFI-TIME"
        | "CTF-DATE" | "OR-DATE" => (
            "Rows with a date or time that can’t be read",
            "Set `date_format` in the mapping as the export writes dates, or have the export changed.",
            TECHNICIAN,
        ),
        "CSV-CELLS" | "ROW-COLUMNS" | "ROW-LENGTH" | "CSV-COLUMNS" | "JSON-ROW" => (
            "Rows that are broken",
            "Look at the export: a separator or quotation mark inside a cell, or a line that was cut off.",
            TECHNICIAN,
        ),
        "CSV-KEY" | "SIF-KEY" | "EDFI-KEY" | "CTF-KEY" => (
            "Rows without a key",
            "The columns that tell a row from the others are blank: look at the mapping’s key.",
            TECHNICIAN,
        ),
        "CSV-INSTITUTION" => (
            "Rows that name a partner who isn’t known",
            "Map the partner’s name to its short name; ask the partner if it isn’t in the consortium.",
            "Partner",
        ),
        _ => (
            "Rows that can’t be read",
            "File, line and fix are on the agent’s machine: commonroll agent status.",
            TECHNICIAN,
        ),
    }
}

/// What a rule means by which an export is refused as a whole.
pub fn export_refused(rule: &str) -> Advice {
    let to_do = match rule {
        "EXPORT-SHRUNK" | "EXPORT-EMPTY" => {
            "Far less is in it than in the last one, so nothing was withdrawn. Export again from the MIS; if so much really is gone, say so in the settings."
        }
        "EXPORT-OLD" => "An older export was put in its place. Export again from the MIS.",
        "FILE-ENCODING" | "FILE-NOT-TEXT" => {
            "It isn’t written as the mapping says. Look at `encoding` there, or export it anew."
        }
        _ if rule.starts_with("MAP-") || rule.contains("CAPTION") => {
            "The mapping doesn’t fit the file: have its captions changed? commonroll agent doctor says which."
        }
        _ => {
            "The one before stands until then. What is wrong is on the agent’s machine: commonroll agent status."
        }
    };
    ("Exports that are refused as a whole", to_do, TECHNICIAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_somebody_who_can_mend_it() {
        for rule in ["ATT-UNKNOWN-CODE", "GRD-SCALE", "CSV-DATE", "CSV-INSTITUTION", "NEW-RULE", "OTHERS"] {
            let (title, to_do, owner) = kept_back(rule);
            assert!(!title.is_empty() && !to_do.is_empty() && !owner.is_empty(), "{rule}");
        }
        assert_eq!((kept_back("ATT-UNKNOWN-CODE").2, kept_back("CSV-DATE").2), (MANAGER, TECHNICIAN));
        assert!(export_refused("EXPORT-EMPTY").1.contains("nothing was withdrawn"));
        assert!(export_refused("CSV-CAPTION-MISSING").1.contains("captions"));
    }
}
