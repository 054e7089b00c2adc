//! What effects are called before people.
//!
//! A title says what did not happen and to what, as a colleague would; the stored name of a kind
//! says nothing to a coach. No decision reads these words.

use relay_core::effects::EffectKind;
use relay_core::retry::Class;

/// An effect, with its article: it begins a sentence's middle ("the call task is planned for …").
pub(crate) const fn effect_name(kind: EffectKind) -> &'static str {
    kind.spec().words
}

/// The same, as the beginning of a sentence.
pub(crate) fn effect_name_first(kind: EffectKind) -> String {
    let mut letters = effect_name(kind).chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// Why something was given up, by the class of its failure and whether a vendor's call failed, as the end of a
/// sentence. The failure in its own words is for whoever looks after the relay.
pub(crate) fn why_dead(class: &str, is_a_vendors: bool) -> &'static str {
    let is = |known: Class| is_a_vendors && known.as_str() == class;
    if is(Class::Permanent) {
        "it was refused"
    } else if is(Class::NotSent) || is(Class::Retryable { after: None }) {
        "there was no answer for too long"
    } else if is(Class::Unauthorised) {
        "the relay is not let in"
    } else {
        "something went wrong in the relay"
    }
}
