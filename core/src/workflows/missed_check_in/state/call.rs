//! The call task that a coach has, and the one before it.

use serde::{Deserialize, Serialize};

use crate::ids::{EffectKey, TaskId};
use crate::time::Timestamp;

/// The call task that the coach has now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The effect that makes the task.
    pub made_by: EffectKey,
    /// The task, once the CRM has named it.
    pub task: Option<TaskId>,
    /// How often it was moved to another coach: part of effect keys.
    pub moves: u32,
    /// It stands in the list of work only: the CRM has no task of it, and never will.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_hand: bool,
}

/// The last call task that is no longer waited for: recorded, or taken back by us. The coach may have
/// called before it was taken back, and her word of it may reach us after: what counts is when she
/// called, not when we heard of it (E34).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastCall {
    /// The task.
    pub task: TaskId,
    /// Since when it is not waited for.
    pub taken_at: Timestamp,
    /// The effect that completes it, where that is ours to do. Not kept by earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closing: Option<EffectKey>,
    /// Who completed it.
    #[serde(default, skip_serializing_if = "ClosedBy::is_not_known")]
    pub closed: ClosedBy,
    /// When it was completed without a word, told before it is known by whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
}

impl LastCall {
    pub(in crate::workflows::missed_check_in) fn new(
        task: TaskId,
        taken_at: Timestamp,
        closing: Option<EffectKey>,
    ) -> Self {
        Self {
            task,
            taken_at,
            closing,
            closed: ClosedBy::NotKnown,
            completed_at: None,
        }
    }
}

/// Who completed a call task.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClosedBy {
    /// Nobody yet, or it is not known.
    #[default]
    NotKnown,
    /// Our closing found it open and completed it.
    Us,
    /// Our closing found it completed.
    Her,
}

impl ClosedBy {
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "as the serialization asks for it"
    )]
    fn is_not_known(&self) -> bool {
        *self == Self::NotKnown
    }
}
