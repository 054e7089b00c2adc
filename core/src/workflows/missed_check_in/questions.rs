//! The stored names of the questions that outlast others.

/// About what a client wrote (A3).
pub(super) const REPLY: &str = "reply";

/// A stop of every channel, asked of the manager (A33).
pub(super) const STOPPED: &str = "stopped";
