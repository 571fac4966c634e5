//! Reads an agreement's text: every rule that one text can be held to on its own.
//!
//! What needs the directory (are the parties known, is the version newer than the one in force) is asked in `exchange`.

use super::{
    TEXT_BYTES_MAX,
    fault::{Fault, Faults},
    items::items,
    model::{AgreementText, Breach, Controllers, Dpia, End, KeptKind, Party, Rights, Why},
    section::Section,
    times,
    words::{AtEnd, ItemKind, Part, Relationship},
};
use crate::{
    ids::{Slug, is_direction_mark},
    time::SchoolDate,
};
use std::collections::BTreeSet;
use toml::de::DeTable;

/// Most parties of one agreement, as in the schema.
const PARTIES_MAX: usize = 200;
/// Most items.
pub(super) const ITEMS_MAX: usize = 40;
/// Most characters of the purpose, as in the schema.
const PURPOSE_MAX: usize = 1_000;

impl AgreementText {
    /// Reads a text.
    ///
    /// # Errors
    /// Every fault at once, each with line, field, rule and fix; by line. What a fault says never holds a value.
    pub fn parse(text: &str) -> Result<Self, Vec<Fault>> {
        let mut faults = Faults::new(text);
        if text.len() > TEXT_BYTES_MAX {
            faults.add(&(0..0), "(text)", "is larger than 128 KiB", "shorten it");
            return Err(faults.told());
        }
        unseen(text, &mut faults);
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let said: String = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
            let rule = format!("can't be read as TOML: {}", said.chars().take(160).collect::<String>());
            let fix = "compare the line with the starting text of `commonroll agreement new`";
            faults.add(&error.span().unwrap_or(0..0), "(text)", rule, fix);
        }
        if !faults.none() {
            return Err(faults.told());
        }
        let read = whole(Section::new(table.get_ref(), 0..0, String::new()), &mut faults);
        match read {
            Some(agreement) if faults.none() => Ok(agreement),
            _ => Err(faults.told()),
        }
    }
}

/// Characters that would make people sign something else than they see, in comments too.
fn unseen(text: &str, faults: &mut Faults) {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let body = line.strip_suffix('\n').unwrap_or(line);
        let body = body.strip_suffix('\r').unwrap_or(body);
        if body.chars().any(|c| (c.is_control() && c != '\t') || is_direction_mark(c)) {
            let rule =
                "holds control characters or direction marks, so that people may not see what they sign";
            faults.add(&(at..at), "(text)", rule, "type the line again as plain text");
        }
        at += line.len();
    }
}

fn whole(mut top: Section<'_, '_>, faults: &mut Faults) -> Option<AgreementText> {
    let id = slug(&mut top, faults, "id");
    let title = top.line(faults, "title");
    let version = top.number(faults, "version", 1..=0x7fff_ffff);
    let dates =
        (top.date(faults, "first_date"), top.date(faults, "last_date"), top.date(faults, "review_date"));
    let parties = parties(&mut top, faults);
    let why = top.section(faults, "why").and_then(|s| why(s, faults));
    let items = items(&mut top, faults);
    let times = times::read(&mut top, faults);
    let controllers = top.section(faults, "controllers").and_then(|s| controllers(s, faults));
    let rights = top.section(faults, "rights").and_then(|s| rights(s, faults));
    let correction = top.section(faults, "accuracy").and_then(|mut s| {
        let correction = s.prose(faults, "correction");
        s.done(faults);
        correction
    });
    let security = top.section(faults, "security").and_then(|mut s| {
        let measures = s.list(faults, "measures");
        s.done(faults);
        measures
    });
    let breach = top.section(faults, "breach").and_then(|s| breach(s, faults));
    let transfers = top.section(faults, "transfers").and_then(|mut s| {
        let outside = s.prose(faults, "outside_uk");
        s.done(faults);
        outside
    });
    let dpia = top.section(faults, "dpia").and_then(|s| dpia(s, faults));
    // Where an item is at fault, nobody knows yet what it lists.
    let listed = items.as_ref().map(|items| items.iter().map(|item| item.kind).collect());
    let end = top.section(faults, "end").and_then(|s| end(s, faults, listed.as_ref()));
    order_of_dates(&top, faults, dates);
    top.done(faults);
    Some(AgreementText {
        id: id?,
        title: title?,
        version: version?,
        first_date: dates.0?,
        last_date: dates.1?,
        review_date: dates.2?,
        parties: parties?,
        why: why?,
        items: items?,
        times: times?,
        controllers: controllers?,
        rights: rights?,
        correction: correction?,
        security: security?,
        breach: breach?,
        transfers: transfers?,
        dpia: dpia?,
        end: end?,
    })
}

type Dates = (Option<SchoolDate>, Option<SchoolDate>, Option<SchoolDate>);

fn order_of_dates(top: &Section<'_, '_>, faults: &mut Faults, (first, last, review): Dates) {
    if let (Some(first), Some(last)) = (first, last)
        && last < first
    {
        top.fault(faults, "last_date", "lies before first_date", "an agreement ends after it begins");
    } else if let (Some(review), Some(last)) = (review, last)
        && review > last
    {
        top.fault(faults, "review_date", "lies after last_date", "look at it again while it is in force");
    }
}

fn slug(of: &mut Section<'_, '_>, faults: &mut Faults, key: &'static str) -> Option<Slug> {
    let slug = of.line(faults, key)?.parse().ok();
    if slug.is_none() {
        let rule = "must be 2 to 32 lower-case letters, digits or hyphens, starting with a letter";
        of.fault(faults, key, rule, "use the short name, such as \"kingsmead\"");
    }
    slug
}

fn parties(top: &mut Section<'_, '_>, faults: &mut Faults) -> Option<Vec<Party>> {
    let sections = top.sections(faults, "party", PARTIES_MAX);
    if sections.len() < 2 {
        let rule = "an agreement has two parties or more";
        top.fault(faults, "party", rule, "add a [[party]] for each institution");
    }
    let mut read: Vec<Option<Party>> = Vec::with_capacity(sections.len());
    for section in sections {
        let place = section.place("institution");
        let name = section.name("institution");
        let party = party(section, faults);
        if let Some(party) = &party
            && read.iter().flatten().any(|before: &Party| before.institution == party.institution)
        {
            faults.add(&place, name, "is a party twice", "name each institution once");
        }
        read.push(party);
    }
    let parties: Vec<Party> = read.into_iter().collect::<Option<_>>()?;
    for (part, rule) in [
        (Part::Home, "no party is a home, so there is nobody whose learners are taught elsewhere"),
        (Part::Host, "no party is a host, so there is nobody who teaches others' learners"),
    ] {
        if !parties.is_empty() && !parties.iter().any(|p| p.part == part || p.part == Part::Both) {
            top.fault(faults, "party", rule, "look at the parts that the parties play");
        }
    }
    Some(parties)
}

fn party(mut of: Section<'_, '_>, faults: &mut Faults) -> Option<Party> {
    let institution = slug(&mut of, faults, "institution");
    let name = of.line(faults, "name");
    let part = of.word(faults, "part");
    let signatory = of.line(faults, "signatory");
    let dpo = of.line(faults, "dpo");
    let siro = of.line(faults, "siro");
    let attendance_champion = of.line(faults, "attendance_champion");
    of.done(faults);
    Some(Party {
        institution: institution?,
        name: name?,
        part: part?,
        signatory: signatory?,
        dpo: dpo?,
        siro: siro?,
        attendance_champion: attendance_champion?,
    })
}

fn why(mut of: Section<'_, '_>, faults: &mut Faults) -> Option<Why> {
    let purpose = of.prose(faults, "purpose");
    if purpose.as_ref().is_some_and(|text| text.chars().nth(PURPOSE_MAX).is_some()) {
        of.fault(faults, "purpose", "is longer than 1000 characters", "say it in a sentence or two");
    }
    let for_learners = of.prose(faults, "for_learners");
    let aims = of.list(faults, "aims");
    let benefits = of.list(faults, "benefits");
    let necessity = of.prose(faults, "necessity");
    let alternatives = of.prose(faults, "alternatives");
    of.done(faults);
    Some(Why {
        purpose: purpose?,
        for_learners: for_learners?,
        aims: aims?,
        benefits: benefits?,
        necessity: necessity?,
        alternatives: alternatives?,
    })
}

fn controllers(mut of: Section<'_, '_>, faults: &mut Faults) -> Option<Controllers> {
    let relationship: Option<Relationship> = of.word(faults, "relationship");
    let arrangement = of.prose_if_any(faults, "arrangement");
    if relationship == Some(Relationship::Joint) && arrangement == Some(None) {
        let rule = "is missing: joint controllers need an arrangement (UK GDPR Article 26)";
        of.fault(faults, "arrangement", rule, "say who does what, and who answers to people");
    }
    of.done(faults);
    Some(Controllers { relationship: relationship?, arrangement: arrangement? })
}

fn rights(mut of: Section<'_, '_>, faults: &mut Faults) -> Option<Rights> {
    let single_contact = of.line(faults, "single_contact");
    let handling = of.prose(faults, "handling");
    of.done(faults);
    Some(Rights { single_contact: single_contact?, handling: handling? })
}

fn breach(mut of: Section<'_, '_>, faults: &mut Faults) -> Option<Breach> {
    let procedure = of.prose(faults, "procedure");
    // A controller has 72 hours to tell the ICO, so its partners can't take longer to tell it.
    let tell_parties_hours = of.number(faults, "tell_parties_hours", 1..=72);
    of.done(faults);
    Some(Breach { procedure: procedure?, tell_parties_hours: tell_parties_hours? })
}

fn dpia(mut of: Section<'_, '_>, faults: &mut Faults) -> Option<Dpia> {
    let reference = of.line(faults, "reference");
    let date = of.date(faults, "date");
    of.done(faults);
    Some(Dpia { reference: reference?, date: date? })
}

fn end(mut of: Section<'_, '_>, faults: &mut Faults, listed: Option<&BTreeSet<ItemKind>>) -> Option<End> {
    let copies: Option<AtEnd> = of.word(faults, "copies");
    let reason = of.prose_if_any(faults, "reason");
    if copies == Some(AtEnd::Keep) && reason == Some(None) {
        of.fault(faults, "reason", "is missing: copies are kept only for a reason", "say why, or withdraw");
    }
    let sections = of.sections(faults, "keep", ITEMS_MAX);
    if copies == Some(AtEnd::Keep) && !sections.is_empty() {
        of.fault(faults, "keep", "names kinds to keep although all are kept", "take one of the two out");
    }
    let mut kept: Vec<Option<KeptKind>> = Vec::with_capacity(sections.len());
    for mut section in sections {
        let kind: Option<ItemKind> = section.word(faults, "kind");
        let reason = section.prose(faults, "reason");
        let twice = kept.iter().flatten().any(|before| Some(before.kind) == kind);
        if let Some(kind) = kind
            && (twice || listed.is_some_and(|listed| !listed.contains(&kind)))
        {
            let rule = if twice { "is kept twice" } else { "is no kind that an item lists" };
            section.fault(faults, "kind", rule, "name each kind that flows once at most");
        }
        section.done(faults);
        kept.push(kind.zip(reason).map(|(kind, reason)| KeptKind { kind, reason }));
    }
    of.done(faults);
    Some(End { copies: copies?, reason: reason?, kept: kept.into_iter().collect::<Option<_>>()? })
}
