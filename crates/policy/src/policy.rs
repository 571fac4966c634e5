//! [`Policy`]: a policy set in force, and the memo of its decisions.
//!
//! A decision asks Cedar once per field group, tens of microseconds each, and the hub decides twice for every record. So
//! each situation is judged once and remembered for the life of the set. The memo is a table with one place per
//! situation there is ([`Facts::COUNT`]), so it is bounded by its shape and read without a lock. It never mixes two
//! sets: a new set is a new [`Policy`]. Persons' situations are remembered likewise, in [`crate::memo`].

use crate::{
    compare::{self, Change},
    engine::Engine,
    facts::Facts,
    load::{self, PolicyError},
    memo::Memo,
    person::{CardFacts, PersonQuestion},
    question::Question,
    scene::Scene,
    situation::Situation,
    texts::{SCHEMA, Texts},
    verdict::{CardPermit, Denied, Permit, PersonPermit},
    why::{self, Explanation, Verdict},
};
use commonroll_core::Slug;
use std::{
    collections::HashMap,
    fmt,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

/// A policy set that passed every check, ready to decide.
pub struct Policy {
    texts: Texts,
    hash: [u8; 32],
    engine: Engine,
    memo: Box<[OnceLock<Verdict>]>,
    persons: Memo,
    /// What was permitted in situations that were only glanced at.
    glances: Mutex<HashMap<usize, u32>>,
}

impl Policy {
    /// The set that this program was built with.
    ///
    /// # Errors
    /// If the set has a fault, which the tests of this crate rule out.
    pub fn embedded() -> Result<Self, PolicyError> {
        Self::new(Texts::embedded())
    }

    /// The same set, loaded once for the whole process: loading takes tens of milliseconds, and what the memo holds is
    /// true for everybody.
    ///
    /// # Errors
    /// As [`Policy::embedded`].
    pub fn built_in() -> Result<Arc<Self>, PolicyError> {
        static SET: OnceLock<Arc<Policy>> = OnceLock::new();
        match SET.get() {
            Some(set) => Ok(set.clone()),
            None => Self::embedded().map(|set| SET.get_or_init(|| Arc::new(set)).clone()),
        }
    }

    /// A set from a schema and named policy files.
    ///
    /// # Errors
    /// If a file is missing, or has a fault of syntax, of types or of the house's rules.
    pub fn from_texts(schema: &str, files: &[(&str, &str)]) -> Result<Self, PolicyError> {
        Self::new(Texts::new(schema, files))
    }

    /// A set from the folder that holds its files.
    ///
    /// # Errors
    /// As [`Policy::from_texts`], and if a file can't be read.
    pub fn from_dir(dir: &Path) -> Result<Self, PolicyError> {
        Self::new(Texts::from_dir(dir)?)
    }

    /// A set from its texts.
    ///
    /// # Errors
    /// As [`Policy::from_texts`].
    pub fn new(texts: Texts) -> Result<Self, PolicyError> {
        let engine = load::load(&texts)?;
        Ok(Self::ready(texts, engine))
    }

    fn ready(texts: Texts, engine: Engine) -> Self {
        let memo = (0..Facts::COUNT).map(|_| OnceLock::new()).collect();
        Self {
            hash: texts.hash(),
            texts,
            engine,
            memo,
            persons: Memo::new(Situation::COUNT),
            glances: Mutex::default(),
        }
    }

    /// What the rule with this id says in plain words.
    pub fn says(&self, id: &str) -> Option<&str> {
        self.engine.annotation(id, "says")
    }

    /// Identity of the set: see [`Texts::hash`].
    pub const fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// The set's texts, as they were given.
    pub const fn texts(&self) -> &Texts {
        &self.texts
    }

    /// May this happen, and which field groups may leave?
    ///
    /// # Errors
    /// [`Denied`] whenever no policy permits, any forbids, or anything at all went wrong.
    #[inline]
    pub fn decide(&self, question: &Question<'_>) -> Result<Permit, Denied> {
        match self.memo.get(Facts::of(question).index()) {
            Some(place) => place.get_or_init(|| self.judge(question)).answer(question),
            None => self.judge(question).answer(question),
        }
    }

    /// The same answer, worked out afresh: for explaining, and for proving that the memo is right.
    ///
    /// # Errors
    /// As [`Policy::decide`].
    pub fn decide_afresh(&self, question: &Question<'_>) -> Result<Permit, Denied> {
        self.judge(question).answer(question)
    }

    /// The answer with the rules behind it, and everything that is missing. For people; slow. Tells more than the
    /// one who asked may know, so it is for those who may see decisions.
    pub fn explain(&self, question: &Question<'_>) -> Explanation {
        why::explain(&self.engine, &Scene::of(question), question.agreement)
    }

    /// May this person, in this role and for this purpose, see or do this, and which field groups of it?
    ///
    /// # Errors
    /// [`Denied`] whenever no policy permits, any forbids, or anything at all went wrong.
    #[inline]
    pub fn decide_person(&self, question: &PersonQuestion<'_>) -> Result<PersonPermit, Denied> {
        let situation = Situation::of(question).index();
        if let Some(verdict) = self.persons.get(situation) {
            return verdict.answer_person(question);
        }
        let verdict = why::judge(&self.engine, &Scene::of_person(question));
        self.persons.keep(situation, &verdict);
        verdict.answer_person(question)
    }

    /// For whoever asks thousands of times for figures and not to show anything: which field groups would be permitted,
    /// none for a no. Without the words of why, whose finding takes far longer than the answer. Each situation is judged
    /// once for the life of the set.
    pub fn glance(&self) -> Glance<'_> {
        Glance { policy: self }
    }

    /// The same answer, worked out afresh.
    ///
    /// # Errors
    /// As [`Policy::decide_person`].
    pub fn decide_person_afresh(&self, question: &PersonQuestion<'_>) -> Result<PersonPermit, Denied> {
        why::judge(&self.engine, &Scene::of_person(question)).answer_person(question)
    }

    /// As [`Policy::explain`], for a person's question.
    pub fn explain_person(&self, question: &PersonQuestion<'_>) -> Explanation {
        why::explain(&self.engine, &Scene::of_person(question), question.agreement())
    }

    /// May this institution be handed this learner's card, and which parts of it? Of the facts, those about a person
    /// don't count.
    ///
    /// # Errors
    /// As [`Policy::decide`].
    pub fn decide_card(&self, recipient: &Slug, card: &CardFacts<'_>) -> Result<CardPermit, Denied> {
        let situation = Situation::of_card(recipient, card).index();
        if let Some(verdict) = self.persons.get(situation) {
            return verdict.answer_card(recipient, card.agreement);
        }
        let verdict = why::judge(&self.engine, &Scene::of_card(recipient.as_str(), card));
        self.persons.keep(situation, &verdict);
        verdict.answer_card(recipient, card.agreement)
    }

    /// As [`Policy::explain`], for a card that an institution would be handed.
    pub fn explain_card(&self, recipient: &Slug, card: &CardFacts<'_>) -> Explanation {
        why::explain(&self.engine, &Scene::of_card(recipient.as_str(), card), card.agreement)
    }

    /// What `proposed` would change: every situation there is, decided by both sets. Exact; takes moments.
    pub fn compare(&self, proposed: &Self) -> Change {
        let schemas = [self, proposed].map(|policy| policy.texts.get(SCHEMA));
        compare::compare(&self.engine, &proposed.engine, schemas[0] == schemas[1])
    }

    /// The schema's text.
    #[cfg(feature = "prove")]
    pub(crate) fn schema_text(&self) -> Option<&str> {
        self.texts.get(SCHEMA)
    }

    pub(crate) const fn engine(&self) -> &Engine {
        &self.engine
    }

    fn judge(&self, question: &Question<'_>) -> Verdict {
        why::judge(&self.engine, &Scene::of(question))
    }
}

/// See [`Policy::glance`].
pub struct Glance<'p> {
    policy: &'p Policy,
}

impl Glance<'_> {
    /// The field groups that [`Policy::decide_person`] would permit; none if it would deny.
    pub fn groups(&mut self, question: &PersonQuestion<'_>) -> u32 {
        let situation = Situation::of(question).index();
        if self.policy.persons.get(situation).is_some() {
            return self.policy.decide_person(question).map_or(0, |permit| permit.groups());
        }
        if let Some(groups) = self.known().get(&situation) {
            return *groups;
        }
        let groups = why::glance(&self.policy.engine, &Scene::of_person(question)).unwrap_or(0);
        self.known().insert(situation, groups);
        groups
    }

    fn known(&self) -> MutexGuard<'_, HashMap<usize, u32>> {
        self.policy.glances.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Glance<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Glance({} situations)", self.known().len())
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash = self.hash.iter().take(8).map(|b| format!("{b:02x}")).collect::<String>();
        write!(f, "Policy({hash})")
    }
}

/// For the bench only: how often a second a question is answered afresh, and how often Cedar's own authorizer
/// answers it over the whole set with the request ready. `rate` calls what it is given and says how often a second.
#[doc(hidden)]
pub fn raw_rate(
    policy: &Policy,
    question: &PersonQuestion<'_>,
    rate: &mut dyn FnMut(&mut dyn FnMut()) -> f64,
) -> (f64, f64) {
    policy.engine().raw_rate(&Scene::of_person(question), rate)
}
