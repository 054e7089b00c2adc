//! Something done, or to be done, to the outside world, and the right to ask for it.

use relay_core::case::Mode;
use relay_core::effects::{EffectKind, PlannedEffect, Request, Scope, Settled};
use relay_core::ids::{EffectKey, IntentId};
use relay_core::time::Timestamp;

use crate::records::EffectState;

impl EffectState {
    /// Whether a request may be on its way, or have been carried out: nobody knows yet, and it is looked for.
    pub const fn is_under_way(self) -> bool {
        match self {
            Self::Intended | Self::Unclear => true,
            Self::Planned
            | Self::Done
            | Self::Proposed
            | Self::Overtaken
            | Self::Held
            | Self::Dead
            | Self::Unsettled
            | Self::Cancelled => false,
        }
    }
}

/// Something done, or to be done, to the outside world.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// What was planned.
    pub planned: PlannedEffect,
    /// SHA-256 of the planned input, hex: a key reused for other content is refused.
    pub input_hash: String,
    /// Whether it is carried out or only shown.
    pub mode: Mode,
    /// Where it stands.
    pub state: EffectState,
    /// The revision of the last intent; 0 before the first.
    pub revision: u32,
    /// The bytes of the last intent, or what would have been sent (proposed, held).
    pub request: Option<Request>,
    /// When the last intent was stored, procedure time.
    pub intended_at: Option<Timestamp>,
    /// How often it has been probed since it became unclear.
    pub probes: u32,
    /// How it ended, once it has.
    pub settled: Option<Settled>,
    /// Since when it is no longer wanted although it may have been carried out: it is looked for,
    /// and never sent again.
    pub withdrawn_at: Option<Timestamp>,
    /// When it was planned.
    pub created_at: Timestamp,
    /// When it last changed.
    pub changed_at: Timestamp,
}

impl Effect {
    /// As it is planned at `at`: nothing was asked of anybody yet. `input_hash`: see the field.
    pub fn new(planned: PlannedEffect, input_hash: String, mode: Mode, at: Timestamp) -> Self {
        Self {
            planned,
            input_hash,
            mode,
            state: EffectState::Planned,
            revision: 0,
            request: None,
            intended_at: None,
            probes: 0,
            settled: None,
            withdrawn_at: None,
            created_at: at,
            changed_at: at,
        }
    }

    /// The key.
    pub fn key(&self) -> &EffectKey {
        &self.planned.key
    }

    /// The kind.
    pub fn kind(&self) -> EffectKind {
        self.planned.kind()
    }

    /// What it belongs to.
    pub fn scope(&self) -> &Scope {
        &self.planned.scope
    }

    /// Whether a case waits for it.
    pub fn holds_a_case(&self) -> bool {
        self.planned.blocking && self.scope().case().is_some()
    }
}

/// The right to make one mutating request for an effect.
#[derive(Debug, Clone, PartialEq)]
pub struct Intent {
    /// Its id.
    pub id: IntentId,
    /// The effect.
    pub key: EffectKey,
    /// 1 for the first; raised by every later intent of the effect.
    pub revision: u32,
    /// The exact content.
    pub request: Request,
    /// What the guard had read, as JSON.
    pub reading: serde_json::Value,
    /// When it was stored, procedure time.
    pub at: Timestamp,
    /// How the one request ended: `done`, `not_sent`, `retryable`, `unauthorised`, `permanent`,
    /// `unclear`, `conflict` (the vendor says that it has something under the same key); `None` while
    /// it is under way (or was cut off).
    pub outcome: Option<String>,
}
