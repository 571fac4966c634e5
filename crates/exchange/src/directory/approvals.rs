//! Signatures by which people approve an exact text, as the log keeps them.
//!
//! Checking one is `commonroll_audit::approval`'s affair; who must sign what is said by policies and agreements.

use super::change::{hex, unhex};
use commonroll_core::{PersonId, Role, Slug, Timestamp};
use serde::{Deserialize, Serialize};

/// A person's signature under an exact text. It names nobody but by the person's id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who signed.
    #[serde(with = "person")]
    pub person: PersonId,
    /// For which institution.
    pub institution: Slug,
    /// In which role.
    pub role: Role,
    /// Ed25519 signature.
    #[serde(with = "signature")]
    pub signature: [u8; 64],
    /// When it came in.
    pub at: Timestamp,
}

mod person {
    use super::PersonId;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};
    use std::borrow::Cow;

    pub fn serialize<S: Serializer>(id: &PersonId, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(id)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PersonId, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

mod signature {
    use super::{hex, unhex};
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};
    use std::borrow::Cow;

    pub fn serialize<S: Serializer>(signature: &[u8; 64], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(signature))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 64], D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        unhex(&text).ok_or_else(|| D::Error::custom("must be 128 hexadecimal digits"))
    }
}
