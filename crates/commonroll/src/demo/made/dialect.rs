//! How the partners' report writers spell things: captions, separators, encodings, dates; and the mapping files that the
//! partners' data managers wrote for them.

use super::{
    world::{ASHDOWN, HOLLINS, KINGSMEAD, NORTHGATE, ST_BRIDES, Who},
    write::{Encoding, delimited},
};

/// A report writer's habits.
pub struct Dialect {
    pub encoding: Encoding,
    encoding_name: &'static str,
    pub separator: char,
    separator_name: &'static str,
    date_format: &'static str,
    /// Captions of learner, surname, forename, known as, UPN, ULN, date of birth and status.
    pub learner: [&'static str; 8],
}

/// Captions where no learners are exported as delimited text.
const OTHERS: [&str; 8] = ["Learner", "Surname", "Forename", "Known as", "UPN", "ULN", "DOB", "Status"];

/// The habits of a partner.
pub const fn dialect(who: Who) -> Dialect {
    match who {
        KINGSMEAD => Dialect {
            encoding: Encoding::Windows1252,
            encoding_name: "windows-1252",
            separator: ',',
            separator_name: ",",
            date_format: "dd/mm/yyyy",
            learner: ["PersonID", "Surname", "Forename", "KnownAs", "UPN", "ULN", "DOB", "EnrolStatus"],
        },
        ASHDOWN => Dialect {
            encoding: Encoding::Utf8,
            encoding_name: "utf-8",
            separator: ';',
            separator_name: ";",
            date_format: "iso",
            learner: [
                "Learner",
                "Legal surname",
                "Legal forename",
                "Known as",
                "UPN",
                "ULN",
                "Born",
                "Status",
            ],
        },
        ST_BRIDES => Dialect {
            encoding: Encoding::Utf16,
            encoding_name: "utf-16le",
            separator: '\t',
            separator_name: "tab",
            date_format: "yyyymmdd",
            learner: [
                "Pupil number",
                "Surname",
                "Forename",
                "Calls herself",
                "UPN",
                "ULN",
                "Birth",
                "Reg type",
            ],
        },
        HOLLINS => Dialect {
            encoding: Encoding::Utf8Mark,
            encoding_name: "utf-8",
            separator: ',',
            separator_name: ",",
            date_format: "dd.mm.yyyy",
            learner: [
                "pupil_id",
                "last_name",
                "first_name",
                "preferred_name",
                "upn",
                "uln",
                "dob",
                "enrolment",
            ],
        },
        // The college's register program.
        NORTHGATE => Dialect {
            encoding: Encoding::Utf8,
            encoding_name: "utf-8",
            separator: ';',
            separator_name: ";",
            date_format: "iso",
            learner: OTHERS,
        },
        // The centre's pastoral one.
        _ => Dialect {
            encoding: Encoding::Utf16,
            encoding_name: "utf-16le",
            separator: '\t',
            separator_name: "tab",
            date_format: "iso",
            learner: OTHERS,
        },
    }
}

impl Dialect {
    /// A date, given as YYYY-MM-DD, as this report writer spells it.
    pub fn date(&self, iso: &str) -> String {
        let mut parts = iso.split('-');
        let (year, month, day) = (
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
        );
        match self.date_format {
            "dd/mm/yyyy" => format!("{day}/{month}/{year}"),
            "dd.mm.yyyy" => format!("{day}.{month}.{year}"),
            "yyyymmdd" => format!("{year}{month}{day}"),
            _ => iso.to_owned(),
        }
    }

    /// Rows as bytes.
    pub fn file(&self, rows: &[Vec<String>]) -> Vec<u8> {
        delimited(rows, self.separator, self.encoding)
    }

    /// The beginning of a mapping file for rows of one sort. `fields` are lines of the table of fields.
    pub fn mapping(&self, rows: &str, more: &str, fields: &[(&str, &str)]) -> String {
        let mut text = format!(
            "format = \"delimited\"\nrows = \"{rows}\"\nencoding = \"{}\"\nseparator = \"{}\"\ndate_format = \"{}\"\n{more}\n[fields]\n",
            self.encoding_name, self.separator_name, self.date_format
        );
        for (field, caption) in fields {
            let value = if caption.starts_with('{') { (*caption).to_owned() } else { format!("{caption:?}") };
            text.push_str(&format!("{field} = {value}\n"));
        }
        text
    }

    /// The mapping of learners.
    pub fn learners_mapping(&self) -> String {
        let [id, surname, forename, known, upn, uln, born, status] = self.learner;
        let fields = [
            ("learner", id),
            ("surname", surname),
            ("forename", forename),
            ("known_as", known),
            ("upn", upn),
            ("uln", uln),
            ("birth_date", born),
            ("registration", status),
        ];
        self.mapping("learners", "", &fields)
    }
}
