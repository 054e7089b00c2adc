//! A memory that may be too old.
//!
//! The relay knows what it has sent because it stored it. When the database is an earlier copy of
//! itself, that knowledge has a hole: what went out since the copy was made is not in it, and a
//! relay that trusted it would send everything again. So a database that is older than it should
//! be, or may be, is *marked*, and from then on what may have gone out in the hole is not sent on
//! the strength of "we have no record of it".
//!
//! People: whoever *restores* a copy marks it ([`mark_old`]); the relay *finds out* at its start
//! where nobody did.
//!
//! The mark carries the moment at which the hole ends. Nothing that belongs to a check-in due on or
//! after that day can have gone out in it, so the mark needs no end: it stops mattering by itself.
//! Two marks are one, of the later moment.

pub mod counter;
pub(crate) mod generation;

use relay_core::time::Timestamp;
use relay_store::{CarefulWord, Op, Store, StoreError, StoredWord};
use serde::{Deserialize, Serialize};

/// The setting that holds the mark.
const OLD: &str = CarefulWord::OldMemory.key();

/// Why the database may not know what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhyOld {
    /// A person put a copy back.
    Restored,
    /// The generation file beside the database has counted further than the database.
    Behind,
    /// The database is new, and a generation file says that there was one before.
    Emptied,
    /// The generation file is missing although the database was counted, or the database's own count
    /// can't be read.
    Uncounted,
    /// The relay stood still for longer than an hour: the whole disk may be a copy.
    Silent,
}

/// The mark of a database that may be too old.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OldMemory {
    /// The end of the hole, procedure time: what went out before it may not be stored.
    pub until: Timestamp,
    /// What tells that it may be.
    pub why: WhyOld,
}

/// Marks a database as one that may not know what was sent before `until` (procedure time; the
/// present moment is always right). To be committed to the copy before a relay runs on it; needs
/// nothing but the table of settings, which every version of the database has.
pub fn mark_old(until: Timestamp, why: WhyOld) -> Op {
    Op::PutSetting {
        key: OLD.to_owned(),
        value: serde_json::json!(OldMemory { until, why }),
    }
}

/// The mark of this database; `None` if it knows what was sent. A mark that can't be read counts as
/// one without end: what it said is not known, only that somebody wrote it.
pub async fn old_memory(store: &dyn Store) -> Result<Option<OldMemory>, StoreError> {
    let without_end = OldMemory {
        until: Timestamp::MAX,
        why: WhyOld::Restored,
    };
    Ok(match CarefulWord::OldMemory.ask(store).await? {
        StoredWord::Nothing => None,
        StoredWord::Word(mark) => Some(serde_json::from_value(mark).unwrap_or(without_end)),
        StoredWord::Unreadable(_) => Some(without_end),
    })
}
