//! The invented school behind the exports: people, numbers with right check digits, days, lessons. Knows nothing of the
//! proposer, and draws everything from a seed.

/// A small generator of numbers, so that every run makes the same files.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % below as u64) as usize
    }

    pub fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len())]
    }

    /// One of these, the first ones far more often.
    pub fn mostly<'a>(&mut self, of: &[&'a str]) -> &'a str {
        let first = self.roll(100) < 72;
        if first { of[0] } else { of[self.roll(of.len())] }
    }
}

pub struct Child {
    pub number: String,
    pub upn: String,
    pub uln: String,
    pub family: &'static str,
    pub given: &'static str,
    pub born: (u16, u8, u8),
    pub class: &'static str,
}

const FAMILY: &[&str] = &[
    "Okafor",
    "Pritchard",
    "Szymański",
    "O'Dowd",
    "Begum",
    "Le Fevre",
    "Haugen",
    "Ncube",
    "Ashdown",
    "Quist",
    "Iyer",
    "Brandt",
    "Costa",
    "Lloyd-Rees",
    "Marchetti",
    "Yilmaz",
];
const GIVEN: &[&str] = &[
    "Tegan", "Amir", "Zoë", "Kofi", "Lowri", "Ines", "Jasper", "Rhys", "Mina", "Otis", "Freya", "Dilan",
    "Seren", "Hugo",
];
pub const CLASSES: &[&str] = &["CHE2-1", "BTS1-A", "MAT3-2", "ENG1-C", "HSC2-B"];

/// Learners of a school, whose numbers begin like this.
pub fn children(count: usize, prefix: &str, dice: &mut Dice) -> Vec<Child> {
    (0..count)
        .map(|place| Child {
            number: format!("{prefix}{}", 3117 + place * 7),
            upn: upn(place),
            uln: uln(place),
            family: dice.pick(FAMILY),
            given: dice.pick(GIVEN),
            born: (2008 + dice.roll(2) as u16, 1 + dice.roll(12) as u8, 1 + dice.roll(28) as u8),
            class: CLASSES[place % CLASSES.len()],
        })
        .collect()
}

fn upn(place: usize) -> String {
    let digits = format!("{:03}{:04}{:02}{:03}", 860, 4021, 25, place + 14);
    let sum: usize = digits.bytes().enumerate().map(|(at, d)| usize::from(d - b'0') * (at + 2)).sum();
    format!("{}{digits}", char::from(b"ABCDEFGHJKLMNPQRTUVWXYZ"[sum % 23]))
}

fn uln(place: usize) -> String {
    let mut number = 700_310_022 + place * 11;
    loop {
        let digits = number.to_string();
        let sum: usize =
            digits.bytes().zip((2..=10).rev()).map(|(d, weight)| usize::from(d - b'0') * weight).sum();
        if !sum.is_multiple_of(11) {
            return format!("{digits}{}", 10 - sum % 11);
        }
        number += 1;
    }
}

/// School days of autumn 2026, Monday to Friday, from 7 September on: year, month, day.
pub fn days(count: usize) -> Vec<(u16, u8, u8)> {
    let lengths = [(9, 30), (10, 31), (11, 30), (12, 31)];
    let (mut at, mut day, mut weekday) = (0, 7_u8, 0);
    let mut out = Vec::new();
    while out.len() < count {
        if weekday < 5 {
            out.push((2026, lengths[at].0, day));
        }
        weekday = (weekday + 1) % 7;
        day += 1;
        if day > lengths[at].1 {
            day = 1;
            at += 1;
        }
    }
    out
}

/// A date as a country or a system writes it.
pub fn written(date: (u16, u8, u8), style: &str) -> String {
    let (y, m, d) = date;
    match style {
        "iso" => format!("{y:04}-{m:02}-{d:02}"),
        "iso-t" => format!("{y:04}-{m:02}-{d:02}T00:00:00"),
        "slash" => format!("{d:02}/{m:02}/{y:04}"),
        "dot" => format!("{d:02}.{m:02}.{y:04}"),
        "run" => format!("{y:04}{m:02}{d:02}"),
        "us" => format!("{m:02}/{d:02}/{y:04}"),
        other => panic!("no style {other}"),
    }
}

/// The bytes of a text as an old or a new system writes them.
pub fn encoded(text: &str, encoding: &str) -> Vec<u8> {
    match encoding {
        "utf-8" => text.as_bytes().to_vec(),
        "utf-8-mark" => [b"\xef\xbb\xbf".as_slice(), text.as_bytes()].concat(),
        "utf-16" => [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect(),
        // What these texts hold of it: Latin 1, and nothing else.
        "latin" => text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect(),
        other => panic!("no encoding {other}"),
    }
}
