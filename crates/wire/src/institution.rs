//! Institutions to and from the schema.

use crate::{pb::institution::v1 as pb, read};
use commonroll_core::{
    Invalid,
    directory::{Institution, InstitutionType},
};

/// An institution as the schema writes it.
pub fn write_institution(institution: &Institution) -> pb::Institution {
    pb::Institution {
        slug: institution.slug.as_str().to_owned(),
        name: institution.name.clone(),
        r#type: match institution.kind {
            InstitutionType::School => pb::InstitutionType::School,
            InstitutionType::Academy => pb::InstitutionType::Academy,
            InstitutionType::FeCollege => pb::InstitutionType::FeCollege,
            InstitutionType::SixthForm => pb::InstitutionType::SixthForm,
        } as i32,
        urn: institution.urn.clone(),
        ukprn: institution.ukprn.clone(),
        time_zone: institution.time_zone.clone(),
        phone: institution.phone.clone(),
        desk: institution.desk.clone(),
    }
}

/// Reads an institution. The shape of its numbers and of the time zone's name is checked; whether the zone exists is
/// found out by whoever looks it up.
///
/// # Errors
/// [`Invalid`] naming the field that breaks a rule.
pub fn read_institution(institution: &pb::Institution) -> Result<Institution, Invalid> {
    let kind = match read::known("type", institution.r#type)? {
        pb::InstitutionType::Unspecified => None,
        pb::InstitutionType::School => Some(InstitutionType::School),
        pb::InstitutionType::Academy => Some(InstitutionType::Academy),
        pb::InstitutionType::FeCollege => Some(InstitutionType::FeCollege),
        pb::InstitutionType::SixthForm => Some(InstitutionType::SixthForm),
    };
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    let (urn, ukprn, zone) = (&institution.urn, &institution.ukprn, &institution.time_zone);
    if !urn.is_empty() && !digits(urn, 6) {
        return Err(Invalid::new("urn", "must be 6 digits, or empty"));
    }
    let is_ukprn = digits(ukprn, 8) && ukprn.starts_with('1');
    if !ukprn.is_empty() && !is_ukprn {
        return Err(Invalid::new("ukprn", "must be 8 digits starting with 1, or empty"));
    }
    let in_zone = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'_' | b'-' | b'+');
    if zone.is_empty() || zone.len() > 64 || !zone.bytes().all(in_zone) {
        return Err(Invalid::new(
            "time_zone",
            "must be the name of an IANA time zone, such as Europe/London",
        ));
    }
    let read = Institution {
        slug: read::slug("slug", &institution.slug)?,
        name: read::some_text("name", &institution.name, 200)?.as_str().to_owned(),
        kind: read::required("type", kind)?,
        urn: urn.clone(),
        ukprn: ukprn.clone(),
        time_zone: zone.clone(),
        phone: institution.phone.clone(),
        desk: institution.desk.clone(),
    };
    read.check_contact()?;
    Ok(read)
}
