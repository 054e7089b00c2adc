//! What is asked together: the answers a step of a case stands on, in one question.
//!
//! Every part could be asked for by itself. But each question costs a round trip to the database,
//! and these are asked for every event and before every message.

use relay_core::case::Case;
use relay_core::clients::Coach;
use serde_json::Value;

use crate::effect::Effect;
use crate::records::FactRow;

/// Cases of a client that stand in an [`EffectView`], at most.
pub const CASES_IN_VIEW: u32 = 50;

/// What a client's cases are stepped on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClientView {
    /// Her cases that are not closed, oldest first.
    pub open_cases: Vec<Case>,
    /// What is known of her, by source time, then order of learning.
    pub facts: Vec<FactRow>,
    /// The coaches, by name.
    pub coaches: Vec<Coach>,
}

/// What is looked at before an effect is carried out.
#[derive(Debug, Clone, PartialEq)]
pub struct EffectView {
    /// The effect.
    pub effect: Effect,
    /// Its case; `None` if that is not stored, or it belongs to none.
    pub case: Option<Case>,
    /// Every effect of its case, itself too, in order of planning.
    pub of_case: Vec<Effect>,
    /// Every effect with its identity, of whatever case, itself too, in order of planning; empty if
    /// it has none.
    pub same: Vec<Effect>,
    /// The client's cases, closed ones and this one too, newest change first; at most
    /// [`CASES_IN_VIEW`].
    pub cases: Vec<Case>,
    /// The portal's ids of the messages that were sent to the client, in order of planning.
    pub messages: Vec<String>,
    /// The setting that was asked for with it.
    pub setting: Option<Value>,
}
