//! The closed lists of words that an agreement may use: directions, legal bases, conditions, what becomes of copies.
//!
//! A list is closed so that a typing mistake is a fault with a line, never a rule that quietly means nothing. What the
//! words entitle anybody to is decided by the policies.

use crate::record::RecordKind;

/// A word from a closed list, as it stands in an agreement.
pub trait Word: Copy + 'static {
    /// Every word with what it stands for.
    const ALL: &'static [(&'static str, Self)];
}

/// The meaning of a word; `None` if it is not on the list.
pub(super) fn meaning<W: Word>(word: &str) -> Option<W> {
    W::ALL.iter().find(|(known, _)| *known == word).map(|(_, meaning)| *meaning)
}

/// The list, as a reader would say it: `a`, `b` or `c`.
pub(super) fn choices<W: Word>() -> String {
    W::ALL.iter().map(|(word, _)| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
}

macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $variant),+ }

        impl Word for $name {
            const ALL: &'static [(&'static str, Self)] = &[$(($word, Self::$variant)),+];
        }

        impl $name {
            /// The word as an agreement writes it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// Which way an item flows. Home and host are parts that a party plays for one learner, not names of parties.
    Direction {
        /// What the host records goes to the learner's home.
        HostToHome = "from host to home",
        /// What the host needs to look after a visitor comes from the home.
        HomeToHost = "from home to host",
    }
}

words! {
    /// Which parts a party plays under the agreement.
    Part {
        /// Its learners are taught elsewhere.
        Home = "home",
        /// It teaches others' learners.
        Host = "host",
        /// Both.
        Both = "home and host",
    }
}

words! {
    /// The legal basis of an item: UK GDPR Article 6(1). Consent is not on the list, see the fault that it gives.
    LegalBasis {
        /// (e)
        PublicTask = "public task",
        /// (c)
        LegalObligation = "legal obligation",
        /// (f)
        LegitimateInterests = "legitimate interests",
        /// (ea), for controllers that are no public authority
        RecognisedLegitimateInterest = "recognised legitimate interest",
        /// (d)
        VitalInterests = "vital interests",
    }
}

impl LegalBasis {
    /// Where the basis stands in the UK GDPR.
    pub const fn article(self) -> &'static str {
        match self {
            Self::PublicTask => "Article 6(1)(e)",
            Self::LegalObligation => "Article 6(1)(c)",
            Self::LegitimateInterests => "Article 6(1)(f)",
            Self::RecognisedLegitimateInterest => "Article 6(1)(ea)",
            Self::VitalInterests => "Article 6(1)(d)",
        }
    }
}

words! {
    /// The condition of UK GDPR Article 9(2) for data that can reveal a special category.
    Article9 {
        /// (c)
        VitalInterests = "vital interests",
        /// (f)
        LegalClaims = "legal claims",
        /// (g)
        SubstantialPublicInterest = "substantial public interest",
        /// (h)
        HealthOrSocialCare = "health or social care",
    }
}

impl Article9 {
    /// Where the condition stands in the UK GDPR.
    pub const fn article(self) -> &'static str {
        match self {
            Self::VitalInterests => "Article 9(2)(c)",
            Self::LegalClaims => "Article 9(2)(f)",
            Self::SubstantialPublicInterest => "Article 9(2)(g)",
            Self::HealthOrSocialCare => "Article 9(2)(h)",
        }
    }
}

words! {
    /// How the parties stand to each other as controllers.
    Relationship {
        /// Each decides for itself why and how it uses what it receives.
        Separate = "separate",
        /// They decide together, under an arrangement of Article 26.
        Joint = "joint",
    }
}

words! {
    /// What becomes of copies that flowed under an agreement once it has ended.
    AtEnd {
        /// The recipient is told to remove its copy, and answers with a receipt.
        Withdraw = "withdraw",
        /// The recipient keeps its copy, for a reason that the agreement states.
        Keep = "keep",
    }
}

/// What an item shares: records of a kind, or the card of a placed learner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemKind {
    /// Records that institutions make.
    Record(RecordKind),
    /// What a host needs to look after a visiting learner.
    Card,
}

impl Word for ItemKind {
    const ALL: &'static [(&'static str, Self)] = &[
        ("attendance", Self::Record(RecordKind::Attendance)),
        ("assessment", Self::Record(RecordKind::Assessment)),
        ("behaviour", Self::Record(RecordKind::Behaviour)),
        ("card", Self::Card),
    ];
}

impl ItemKind {
    /// The kind's name in agreements, policies and files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Record(kind) => kind.as_str(),
            Self::Card => "card",
        }
    }

    /// Its field groups: number and name, ascending. A record's head goes with the kind and is not listed; a card's
    /// identity goes with the card too, and is listed, since it says who somebody is.
    pub const fn groups(self) -> &'static [(u32, &'static str)] {
        match self {
            Self::Record(kind) => kind.groups(),
            Self::Card => &[(1, "identity"), (2, "emergency_contact"), (3, "needs"), (4, "presence_today")],
        }
    }

    /// The one way in which policies let it flow.
    pub const fn direction(self) -> Direction {
        match self {
            Self::Record(_) => Direction::HostToHome,
            Self::Card => Direction::HomeToHost,
        }
    }
}

impl std::fmt::Display for ItemKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for ItemKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for ItemKind {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
        meaning(&word)
            .ok_or_else(|| serde::de::Error::custom("must be attendance, assessment, behaviour or card"))
    }
}
