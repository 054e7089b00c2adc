//! How the outcome of a call is stored. "Called, without a word" needs a word of its own in the
//! stored text: there, nothing inside something would be read back as nothing at all.

use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};
use serde_json::Value;

use crate::facts::CallOutcome;

const WITHOUT_A_WORD: &str = "without_a_word";

#[expect(
    clippy::ref_option,
    clippy::trivially_copy_pass_by_ref,
    clippy::option_option,
    reason = "the shape that serde asks for, of the member as it is"
)]
pub(super) fn serialize<S: Serializer>(
    called: &Option<Option<CallOutcome>>,
    to: S,
) -> Result<S::Ok, S::Error> {
    match called {
        Some(None) => WITHOUT_A_WORD.serialize(to),
        other => other.flatten().serialize(to),
    }
}

#[expect(clippy::option_option, reason = "as above")]
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Option<CallOutcome>>, D::Error> {
    match Value::deserialize(from)? {
        Value::Null => Ok(None),
        Value::String(word) if word == WITHOUT_A_WORD => Ok(Some(None)),
        word => serde_json::from_value(word)
            .map(|outcome| Some(Some(outcome)))
            .map_err(serde::de::Error::custom),
    }
}
