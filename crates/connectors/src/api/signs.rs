//! Signs by which an API is recognised at an address: harmless questions, and what must stand in an answer that proves it.
//! A sign-in that is asked for proves nothing, nor does an answer that only says that all is well.

use super::{Request, SignIn, rows};

/// A harmless question, and what its answer must hold.
#[derive(Debug)]
pub struct Sign {
    /// What it is that answers so, for people: with its version, if the answer tells it.
    pub what: &'static str,
    /// Path below the address.
    pub path: &'static str,
    /// Parameters.
    pub query: &'static [(&'static str, &'static str)],
    /// It is answered to anybody, so that it says nothing about who may read.
    pub is_public: bool,
    /// Scalars that an answer has.
    pub scalars: &'static [&'static str],
    /// A list that an answer has, by its path, and the scalars that each of its rows has.
    pub list: Option<(&'static str, &'static [&'static str])>,
    /// Options of the connection if this is what answers.
    pub options: &'static [(&'static str, &'static str)],
    /// An option that each row of the list offers: its name, and the scalars of its value and of its words for people.
    pub offers: Option<(&'static str, &'static str, &'static str)>,
    /// Where an answer says that tokens are handed out.
    pub token_at: Option<&'static str>,
}

impl Sign {
    /// A sign of which nothing is said yet but where it is.
    pub const fn at(what: &'static str, path: &'static str) -> Self {
        Self {
            what,
            path,
            query: &[],
            is_public: false,
            scalars: &[],
            list: None,
            options: &[],
            offers: None,
            token_at: None,
        }
    }

    /// The question.
    pub fn request(&self) -> Request {
        let query = self.query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Request::get(self.path, query.collect())
    }

    /// The question as people read it.
    pub fn question(&self) -> String {
        let query: Vec<String> = self.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("GET /{}{mark}{}", self.path, query.join("&"))
    }

    /// True if the answer proves it.
    pub fn is_in(&self, body: &str) -> bool {
        self.scalars.iter().all(|path| rows::scalar(body, path).is_some())
            && self.list.is_none_or(|(at, ids)| {
                let is_whole = &mut |row: &str| match ids.iter().all(|id| rows::id_of(row, id).is_some()) {
                    true => Ok(()),
                    false => Err(super::ApiFault::new("API-ROW-ID", "")),
                };
                rows::each(body, Some(at), is_whole).is_ok()
            })
    }

    /// What stood in the answer that proves it, in words.
    pub fn proof(&self) -> String {
        let mut parts: Vec<String> = self.scalars.iter().map(|path| format!("`{path}`")).collect();
        if let Some((at, ids)) = self.list {
            let ids: Vec<String> = ids.iter().map(|id| format!("`{id}`")).collect();
            parts.push(format!("a list `{at}` whose rows have {}", ids.join(" and ")));
        }
        parts.join(" and ")
    }

    /// The values that the answer offers for an option, with their words.
    pub fn offered(&self, body: &str) -> Vec<(String, String)> {
        let (Some((_, value, words)), Some((at, _))) = (self.offers, self.list) else { return Vec::new() };
        let mut offered = Vec::new();
        // It was read as such a list before.
        let _ = rows::each(body, Some(at), &mut |row| {
            if let Some(id) = rows::id_of(row, value) {
                offered.push((id, rows::scalar(row, words).unwrap_or_default()));
            }
            Ok(())
        });
        offered
    }
}

/// Records that can be set up without a word: what is asked for, and the mapping that we ship for it.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// As a source's `records` says it.
    pub records: &'static str,
    /// Name of the template.
    pub template: &'static str,
}

impl SignIn {
    /// True if the secret alone is not enough: somebody must be named.
    pub const fn needs_user(self) -> bool {
        !matches!(self, Self::Bearer)
    }

    /// What it takes, for people.
    pub const fn takes(self) -> &'static str {
        match self {
            Self::Bearer => "a token",
            Self::Basic => "a user and a password",
            Self::Oauth2 => "an OAuth client and its secret",
            Self::Headers(..) => "an application's id and its secret",
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::api::ALL;

    fn sign(api: &str) -> &'static super::Sign {
        &super::super::by_name(api).unwrap().signs()[0]
    }

    #[test]
    fn only_an_answer_that_holds_all_of_it_is_proof() {
        let wonde = sign("wonde");
        let page = r#""meta":{"pagination":{"next":null,"more":false,"per_page":50,"current_page":1}}"#;
        assert!(wonde.is_in(&format!(r#"{{"data":[{{"id":"A1","name":"Northgate"}}],{page}}}"#)));
        assert!(wonde.is_in(&format!(r#"{{"data":[],{page}}}"#)), "nobody has approved yet");
        for no in [
            r#"{"data":[{"id":"A1","name":"Northgate"}]}"#,
            &format!(r#"{{"data":[{{"id":"A1"}}],{page}}}"#),
            &format!(r#"{{"message":"fine",{page}}}"#),
            "<html>sign in</html>",
            "",
        ] {
            assert!(!wonde.is_in(no), "{no}");
        }
        assert!(sign("oneroster").is_in(r#"{"orgs":[{"sourcedId":"o1","name":"x","type":"school"}]}"#));
        assert!(!sign("oneroster").is_in(r#"{"orgs":[{"id":"o1"}]}"#));
        assert!(!sign("edfi").is_in(r#"{"version":"7.1","urls":{"oauth":"x"}}"#));
    }

    #[test]
    fn what_an_answer_offers_is_told_with_its_words() {
        let body = r#"{"data":[{"id":"A1","name":"Northgate"},{"id":"A2","name":null}],"meta":{}}"#;
        let offered = sign("wonde").offered(body);
        assert_eq!(offered, [("A1".to_owned(), "Northgate".to_owned()), ("A2".to_owned(), String::new())]);
    }

    #[test]
    fn every_kind_names_records_and_a_mapping_that_there_are() {
        for api in ALL {
            for kind in api.kinds() {
                assert!(api.records().contains(&kind.records), "{} {}", api.name(), kind.records);
                assert!(crate::templates::by_name(kind.template).is_some(), "{}", kind.template);
            }
        }
    }
}
