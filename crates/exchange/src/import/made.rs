//! Made consortiums: heads that nobody is, and agreements signed by them, for trying out, measuring and testing.
//!
//! A real consortium's agreements are written and signed by its people (`commonroll agreement`). Whoever uses this plays the
//! heads and has to say so. Keys follow from a seed, so that a test can act as the people that it made.

use super::{AgreementTerms, ConsortiumFile, PersonText, SignatureText, SignedText};
use crate::{agreements::agreement_hash, directory::change::hex};
use aws_lc_rs::digest;
use commonroll_audit::{
    approval::{Approves, sign_approval},
    keys::SigningKey,
};
use commonroll_core::{PersonId, RecordKind, Role, Slug};
use std::fmt::Write as _;

/// A person who exists in no institution: their id and key follow from a seed.
pub struct MadePerson {
    /// Their id.
    pub id: PersonId,
    /// Their key.
    pub key: SigningKey,
}

impl MadePerson {
    /// The person with a role at an institution that a seed makes.
    pub fn new(seed: &[u8; 32], institution: &Slug, role: Role) -> Self {
        let bytes = |what: &str| {
            let text = format!("commonroll/made-person/v1\n{what}\n{institution}\n{role}\n");
            let mut context = digest::Context::new(&digest::SHA256);
            context.update(seed);
            context.update(text.as_bytes());
            let mut bytes = [0; 32];
            bytes.copy_from_slice(context.finish().as_ref());
            bytes
        };
        let mut id = [0; 16];
        id.copy_from_slice(&bytes("id")[..16]);
        Self { id: PersonId(id), key: SigningKey::from_seed(&bytes("key")).expect("32 bytes are a seed") }
    }

    fn text(&self, institution: &Slug, role: Role) -> PersonText {
        PersonText {
            id: self.id.to_string(),
            institution: institution.clone(),
            name: format!("Made {} of {institution}", role.as_str().replace('_', " ")),
            roles: vec![role],
            key: hex(self.key.public().as_bytes()),
        }
    }
}

impl ConsortiumFile {
    /// The file with a made head for every institution in it, and with every agreement written out and signed by them.
    pub fn signed_by(mut self, seed: &[u8; 32]) -> Self {
        for institution in self.institutions.clone() {
            self = self.with_person(seed, &institution.slug, Role::Head);
        }
        for (number, terms) in (1..).zip(std::mem::take(&mut self.agreements)) {
            let text = terms.written_out();
            let hash = agreement_hash(&text);
            let sign = |party: &Slug| {
                let head = MadePerson::new(seed, party, Role::Head);
                let signature = sign_approval(&head.key, Approves::Agreement, &head.id.0, &hash);
                SignatureText { person: head.id.to_string(), signature: hex(&signature) }
            };
            let signatures = terms.parties.iter().map(sign).collect();
            self.signed.push(SignedText { text, signatures, made_of: number });
        }
        self
    }

    /// The file with one more made person.
    pub fn with_person(mut self, seed: &[u8; 32], institution: &Slug, role: Role) -> Self {
        let person = MadePerson::new(seed, institution, role).text(institution, role);
        if !self.people.iter().any(|held| held.id == person.id) {
            self.people.push(person);
        }
        self
    }
}

/// Terms as a text must state them, where nobody has thought about them: the text says so.
const MADE: &str = "Made up for trying the software out; it binds nobody.";

impl AgreementTerms {
    /// The terms as an agreement's whole text. All that the terms don't say is filled in as made up.
    pub fn written_out(&self) -> String {
        let mut text = format!(
            "# {MADE}\nid = \"{}\"\ntitle = \"{MADE}\"\nversion = {}\nfirst_date = {}\nlast_date = {}\nreview_date = {}\n",
            self.id,
            self.version,
            quoted(&self.first_date),
            quoted(&self.last_date),
            quoted(&self.last_date)
        );
        for party in &self.parties {
            let _ = write!(
                text,
                "\n[[party]]\ninstitution = \"{party}\"\nname = \"{party}\"\npart = \"home and host\"\nsignatory = \"Head\"\n\
                 dpo = \"{MADE}\"\nsiro = \"{MADE}\"\nattendance_champion = \"{MADE}\"\n"
            );
        }
        let _ = write!(
            text,
            "\n[why]\npurpose = {}\nfor_learners = \"{MADE}\"\naims = [\"{MADE}\"]\nbenefits = [\"{MADE}\"]\n\
             necessity = \"{MADE}\"\nalternatives = \"{MADE}\"\n",
            quoted(&self.purpose)
        );
        for (kind, groups) in &self.kinds {
            let roles: &[Role] = match kind {
                RecordKind::Attendance => &[Role::Tutor, Role::HeadOfSixth, Role::AttendanceOfficer],
                RecordKind::Assessment | RecordKind::Behaviour => &[Role::Tutor, Role::HeadOfSixth],
            };
            item(&mut text, (kind.as_str(), "from host to home"), groups, roles);
        }
        if !self.card.is_empty() {
            // Who keeps a visitor's attendance sees no more of the card than who it is and whether they are in.
            let plain = |part: &&String| ["identity", "presence_today"].contains(&part.as_str());
            let (plain, more): (Vec<&String>, Vec<&String>) = self.card.iter().partition(plain);
            let both: &[Role] = &[Role::Teacher, Role::AttendanceOfficer];
            for (parts, roles) in [(plain, both), (more, &both[..1])] {
                let parts: Vec<String> = parts.into_iter().cloned().collect();
                if !parts.is_empty() {
                    item(&mut text, ("card", "from home to host"), &parts, roles);
                }
            }
        }
        if !self.whereabouts.is_empty() {
            text.push_str("\n[whereabouts]\n");
            for (field, said) in &self.whereabouts {
                let _ = writeln!(text, "{} = {said}", quoted(field));
            }
        }
        let _ = write!(
            text,
            "\n[controllers]\nrelationship = \"separate\"\n\n[rights]\nsingle_contact = \"{MADE}\"\nhandling = \"{MADE}\"\n\
             \n[accuracy]\ncorrection = \"{MADE}\"\n\n[security]\nmeasures = [\"{MADE}\"]\n\n[breach]\n\
             procedure = \"{MADE}\"\ntell_parties_hours = 24\n\n[transfers]\noutside_uk = \"None.\"\n\
             \n[dpia]\nreference = \"none\"\ndate = {}\n\n[end]\ncopies = \"withdraw\"\n",
            quoted(&self.first_date)
        );
        text
    }
}

fn item(text: &mut String, (kind, direction): (&str, &str), groups: &[String], roles: &[Role]) {
    let roles: Vec<String> = roles.iter().map(|role| format!("\"{role}\"")).collect();
    let groups: Vec<String> = groups.iter().map(|group| quoted(group)).collect();
    let _ = write!(
        text,
        "\n[[item]]\nkind = \"{kind}\"\ngroups = [{}]\ndirection = \"{direction}\"\nseen_by = [{}]\n\
         legal_basis = \"public task\"\nbasis_source = \"{MADE}\"\nkept_at_source = \"{MADE}\"\n\
         kept_at_recipient = \"{MADE}\"\nkept_at_hub_days = 30\ndeletion = \"{MADE}\"\n\
         article_9 = \"substantial public interest\"\nschedule_1 = \"{MADE}\"\npolicy_document = \"{MADE}\"\n",
        groups.join(", "),
        roles.join(", ")
    );
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
