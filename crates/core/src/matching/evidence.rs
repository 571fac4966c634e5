//! What one institution's declaration contributes to a match: sound identifiers, date of birth, normalised names.
//!
//! An unsound identifier is a finding for the data manager, not an error: it must not lose a learner, nor match one.

use super::normalise_name;
use crate::{
    directory::LearnerDeclaration,
    identifiers::{Uci, Uln, Upn},
    ids::{Invalid, Slug},
};
use std::{fmt, str::FromStr};

/// Evidence about one learner from one institution. `T` is a clear value or an opaque token for it.
///
/// Personal, so `Debug` hides all but the institution.
#[derive(Clone, PartialEq, Eq)]
pub struct Evidence<T> {
    /// Who declared the learner.
    pub institution: Slug,
    /// Sound ULN.
    pub uln: Option<T>,
    /// Sound permanent UPN.
    pub upn: Option<T>,
    /// Sound temporary UPN: good within the institution that issued it, and elsewhere only beside birth date and names.
    pub temporary_upn: Option<T>,
    /// Sound permanent UPNs that the learner had before.
    pub former_upns: Vec<T>,
    /// Sound temporary UPNs that the learner had before.
    pub former_temporary: Vec<T>,
    /// Sound UCI.
    pub uci: Option<T>,
    /// Date of birth as YYYY-MM-DD.
    pub birth: Option<T>,
    /// Legal surname, normalised.
    pub surname: Option<T>,
    /// A former surname, normalised.
    pub former_surname: Option<T>,
    /// Legal forename, normalised.
    pub forename: Option<T>,
    /// Known-as forename, normalised.
    pub known_as: Option<T>,
}

impl<T> fmt::Debug for Evidence<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Evidence({}, ..)", self.institution)
    }
}

/// What a value is. Values of one field are compared with each other, so tokens must be made per field: the same
/// digits as ULN and as UPN must not get the same token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Field {
    /// ULN.
    Uln = 1,
    /// UPN, permanent or temporary, present or former.
    Upn = 2,
    /// UCI.
    Uci = 3,
    /// Date of birth.
    Birth = 4,
    /// Surname, present or former.
    Surname = 5,
    /// Forename, legal or known-as.
    Forename = 6,
}

impl Evidence<String> {
    /// Evidence in clear from a declaration, with a finding for each identifier that is not sound.
    pub fn declared(institution: &Slug, learner: &LearnerDeclaration) -> (Self, Vec<Invalid>) {
        let mut findings = Vec::new();
        let upn: Option<Upn> = sound(&learner.upn, &mut findings);
        let uln: Option<Uln> = sound(&learner.uln, &mut findings);
        let uci: Option<Uci> = sound(&learner.uci, &mut findings);
        let text = |upn: Upn| upn.as_str().to_owned();
        let held: Vec<Upn> =
            learner.former_upns.iter().filter_map(|former| sound(former, &mut findings)).collect();
        let former = |temporary: bool| {
            let is_it = |one: &&Upn| one.is_temporary() == temporary && Some(**one) != upn;
            held.iter().filter(is_it).map(|one| text(*one)).collect()
        };
        let evidence = Self {
            institution: institution.clone(),
            uln: uln.map(|uln| uln.as_str().to_owned()),
            upn: upn.filter(|upn| !upn.is_temporary()).map(text),
            temporary_upn: upn.filter(Upn::is_temporary).map(text),
            former_upns: former(false),
            former_temporary: former(true),
            uci: uci.map(|uci| uci.as_str().to_owned()),
            birth: learner.birth_date.map(|date| date.to_string()),
            surname: name(learner.surname.as_str()),
            former_surname: None,
            forename: name(learner.forename.as_str()),
            known_as: name(learner.known_as.as_str()),
        };
        (evidence, findings)
    }
}

impl<T> Evidence<T> {
    /// Every value replaced, for example by a keyed hash of field and value.
    pub fn map<U>(self, mut token: impl FnMut(Field, T) -> U) -> Evidence<U> {
        let mut all = |values: Vec<T>| values.into_iter().map(|value| token(Field::Upn, value)).collect();
        let (former_upns, former_temporary) = (all(self.former_upns), all(self.former_temporary));
        let mut each = |field: Field, value: Option<T>| value.map(|value| token(field, value));
        Evidence {
            former_upns,
            former_temporary,
            uln: each(Field::Uln, self.uln),
            upn: each(Field::Upn, self.upn),
            temporary_upn: each(Field::Upn, self.temporary_upn),
            uci: each(Field::Uci, self.uci),
            birth: each(Field::Birth, self.birth),
            surname: each(Field::Surname, self.surname),
            former_surname: each(Field::Surname, self.former_surname),
            forename: each(Field::Forename, self.forename),
            known_as: each(Field::Forename, self.known_as),
            institution: self.institution,
        }
    }
}

/// The identifier, if there is a sound one.
fn sound<I: FromStr<Err = Invalid>>(text: &str, findings: &mut Vec<Invalid>) -> Option<I> {
    if text.trim().is_empty() {
        return None;
    }
    text.parse().map_err(|finding| findings.push(finding)).ok()
}

/// The normalised name, if anything is left of it.
fn name(text: &str) -> Option<String> {
    Some(normalise_name(text)).filter(|name| !name.is_empty())
}
