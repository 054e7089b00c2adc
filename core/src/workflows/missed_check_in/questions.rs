//! The stored names of the questions that outlast others.

use crate::work_kinds;

/// About what a client wrote (A3).
pub(super) const REPLY: &str = work_kinds::REPLY;

/// A stop of every channel, asked of the manager (A33).
pub(super) const STOPPED: &str = work_kinds::STOPPED;
