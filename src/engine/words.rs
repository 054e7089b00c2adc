//! What effects are called before people.
//!
//! A title says what did not happen and to what, as a colleague would; the stored name of a kind
//! says nothing to a coach. No decision reads these words.

use relay_core::effects::EffectKind;

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
