//! Invented learners: plausible names of a county's schools, and identifiers whose check characters fit.
//!
//! Every letter exists in Windows-1252, since one partner can write no other. Identifiers are made here from their
//! published rules, not with the code that checks them.

use crate::chance::Chance;

const FORENAMES: &[&str] = &[
    "Imogen", "Oliver", "Aisha", "Callum", "Zoë", "Siân", "Mohammed", "Grace", "Tomás", "Priya", "Ewan",
    "Chloe", "José", "Niamh", "Ravi", "Freya", "Harun", "Eleanor", "Kofi", "Renée", "Dylan", "Amara", "Jack",
    "Yusuf", "Beth", "Lucas", "Fatima", "Owen", "Anaïs", "Rhys", "Ines", "Daniel", "Leila", "Sam", "Tegan",
    "Arjun", "Molly", "Noah", "Sofia", "Kian", "Ayesha", "Ben", "Erin", "Idris", "Maja", "Theo", "Lowri",
    "Hamza", "Poppy", "Jakub",
];
const SURNAMES: &[&str] = &[
    "Ashby",
    "O'Neill",
    "Patel",
    "Llewellyn",
    "Khan",
    "Fletcher",
    "Okafor",
    "Brontë",
    "Nowak",
    "Hughes",
    "Begum",
    "Carter",
    "Núñez",
    "Davies",
    "Sharma",
    "MacLeod",
    "Ibrahim",
    "Thornton",
    "Adeyemi",
    "Müller",
    "Webb",
    "Kaur",
    "Prosser",
    "Hussain",
    "Lindqvist",
    "Barker",
    "Mensah",
    "Doyle",
    "Choudhury",
    "Whitlock",
    "Santos",
    "Evans",
    "Rahman",
    "Pryce",
    "D'Souza",
    "Holloway",
    "Ahmed",
    "Garside",
    "Wójcik",
    "Tanner",
    "Osei",
    "Redfern",
    "Ali",
    "Quinn",
    "Marsh",
];

/// Somebody who never was.
#[derive(Clone)]
pub struct Person {
    pub surname: String,
    pub forename: String,
    /// Empty if the same as the forename.
    pub known_as: String,
    /// Year, month, day.
    pub born: (i16, i8, i8),
    pub upn: String,
    pub uln: String,
}

impl Person {
    /// Date of birth as YYYY-MM-DD.
    pub fn born_iso(&self) -> String {
        format!("{:04}-{:02}-{:02}", self.born.0, self.born.1, self.born.2)
    }
}

/// Makes people, no two with one identifier.
pub struct People {
    serial: u32,
    year: i16,
}

impl People {
    /// Learners of Years 12 and 13 in the school year that begins in `year`.
    pub const fn new(year: i16) -> Self {
        Self { serial: 0, year }
    }

    /// Learners of one school, of establishment `number`: singles, some with two surnames, and a few pairs of twins.
    pub fn cohort(&mut self, size: usize, number: u32, chance: &mut Chance) -> Vec<Person> {
        let mut people: Vec<Person> = Vec::with_capacity(size);
        while people.len() < size {
            let one = self.one(number, chance);
            if people.len() % 40 == 2 {
                people.push(self.twin(&one, number, chance));
            }
            people.push(one);
        }
        people.truncate(size);
        people
    }

    fn one(&mut self, number: u32, chance: &mut Chance) -> Person {
        let mut surname = plain(chance.pick(SURNAMES));
        if chance.percent(8) {
            surname = format!("{surname}-{}", plain(chance.pick(SURNAMES)));
        }
        let forename = plain(chance.pick(FORENAMES));
        let known_as = if chance.percent(6) { forename.chars().take(3).collect() } else { String::new() };
        let back = 16 + i16::try_from(chance.below(2)).unwrap_or(0);
        let month = i8::try_from(1 + chance.below(12)).unwrap_or(1);
        let day = i8::try_from(1 + chance.below(28)).unwrap_or(1);
        let year = if month >= 9 { self.year - back - 1 } else { self.year - back };
        self.named(surname, forename, known_as, (year, month, day), number)
    }

    /// Same surname, same birthday, another forename: nobody may take one for the other.
    fn twin(&mut self, of: &Person, number: u32, chance: &mut Chance) -> Person {
        let mut forename = plain(chance.pick(FORENAMES));
        while forename == of.forename || forename == of.known_as {
            forename = plain(chance.pick(FORENAMES));
        }
        self.named(of.surname.clone(), forename, String::new(), of.born, number)
    }

    fn named(
        &mut self,
        surname: String,
        forename: String,
        known_as: String,
        born: (i16, i8, i8),
        number: u32,
    ) -> Person {
        let uln = loop {
            self.serial += 1;
            if let Some(uln) = uln(610_000_000 + self.serial * 7) {
                break uln;
            }
        };
        Person { surname, forename, known_as, born, upn: upn(number, self.serial), uln }
    }
}

/// A name of the lists.
fn plain(name: &&str) -> String {
    name.to_string()
}

/// Unique Learner Number of nine digits; `None` where no check digit exists.
fn uln(nine: u32) -> Option<String> {
    let text = format!("{nine:09}");
    let sum: u32 =
        text.bytes().zip((2..=10).rev()).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    match sum % 11 {
        0 => None,
        rest => Some(format!("{text}{}", 10 - rest)),
    }
}

/// Unique Pupil Number of a school of authority 860.
fn upn(number: u32, serial: u32) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRTUVWXYZ";
    let digits = format!("860{number:04}{:02}{:03}", 16 + serial / 1000, serial % 1000);
    let sum: usize = digits.bytes().zip(2..).map(|(digit, weight)| usize::from(digit - b'0') * weight).sum();
    format!("{}{digits}", char::from(LETTERS[sum % 23]))
}
