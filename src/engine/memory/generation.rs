//! How a database that is older than it should be is found out: the generation file.
//!
//! Beside the database lies a small file with a number, the *generation*. The relay counts it up, in
//! the database first and then in the file: at its start, every few minutes while it works, when it
//! stops, and before each request of something that can never be proven absent (an email). A copy of
//! the database that is put back has an earlier number than the file, which nobody copies with it.
//!
//! What is found at a start, first match:
//!
//! | file | database | the database |
//! |---|---|---|
//! | has counted further | counted | is an earlier one ([`WhyOld::Behind`]) |
//! | there | not counted | is new, or from before it was counted ([`WhyOld::Emptied`]) |
//! | missing or unreadable | counted | can't be told ([`WhyOld::Uncounted`]) |
//! | any | its count can't be read | the same ([`WhyOld::Uncounted`]) |
//! | as far, or less far | last counted more than an hour ago | may be, with the whole disk, an earlier one ([`WhyOld::Silent`]) |
//! | missing | not counted, its periodic jobs last ran more than an hour ago | the same ([`WhyOld::Silent`]) |
//! | otherwise | | is as it should be |
//!
//! Guarantee: a copy that is put back, with the file left in its place, is found out if a single email
//! has been asked for since it was made, whatever the time between. Not guaranteed: that a copy is
//! found out which was made since the last counting; nothing can be missing from it but what a look
//! finds. Not guaranteed: a disk that is put back whole within an hour of its last counting.
//!
//! Only a serving relay counts; a command that runs beside it does not. Two serving relays on one
//! database may let the file run ahead of it, which errs on the careful side.

use std::fmt::Debug;

use relay_core::time::{SignedDuration, Timestamp};
use relay_store::{AuditEntry, CarefulWord, Op, StoreError, StoredWord};
use serde_json::json;

use crate::engine::memory::counter::{Count, GenerationReading};
use crate::engine::memory::{OldMemory, WhyOld, mark_old};
use crate::engine::{Engine, EngineError, periodic};

/// The setting that holds the count of the database.
const COUNT: &str = CarefulWord::Generation.key();

/// How often it is counted while the relay works, real time.
const EVERY: SignedDuration = SignedDuration::from_mins(5);

/// How long the relay may have stood still for its memory to be trusted, real time.
const TRUSTED: SignedDuration = SignedDuration::from_hours(1);

/// What the database says of its count.
#[derive(Debug, Clone, Copy)]
enum Stored {
    /// It was never counted.
    Never,
    /// So far.
    Count(Count),
    /// It was counted, and how far can't be read.
    Unreadable,
}

impl Stored {
    /// How far, as far as is known.
    fn generation(self) -> u64 {
        match self {
            Self::Count(count) => count.generation,
            Self::Never | Self::Unreadable => 0,
        }
    }
}

/// At start: is the database as new as it should be? If not, it is marked, and somebody can see
/// it in the log and the audit log. Then the start is counted.
pub(crate) async fn examine_memory(engine: &Engine) -> Result<(), EngineError> {
    let Some(counting) = engine.counter.0.clone() else {
        return Ok(());
    };
    let stored = stored_count(engine).await?;
    let told = counting.file.read().await;
    if let Some(why) = why_old(engine, told, stored).await? {
        let old = OldMemory {
            until: engine.now(),
            why,
        };
        tracing::warn!(
            why = ?old.why,
            "the database may not know what was sent before now: emails that can't be proven \
             unsent wait in one list (`work list`)"
        );
        let audit = Op::Audit(AuditEntry {
            at: old.until,
            who: "relay".to_owned(),
            what: "memory".to_owned(),
            object: "database".to_owned(),
            detail: json!(old),
        });
        let ops = vec![mark_old(old.until, old.why), audit];
        engine.store.commit(ops.into()).await?;
    }
    // Never behind the file again, or every later start would find the same.
    let generation = match told {
        GenerationReading::Generation(told) => told.max(stored.generation()),
        GenerationReading::Missing | GenerationReading::Unreadable => stored.generation(),
    };
    let at = engine.clocks.real.now();
    *counting.last.lock().await = Some(Count { generation, at });
    count(engine).await
}

async fn stored_count(engine: &Engine) -> Result<Stored, EngineError> {
    Ok(
        match CarefulWord::Generation.ask(engine.store.as_ref()).await? {
            StoredWord::Nothing => Stored::Never,
            StoredWord::Word(word) => {
                serde_json::from_value(word).map_or(Stored::Unreadable, Stored::Count)
            }
            StoredWord::Unreadable(_) => Stored::Unreadable,
        },
    )
}

async fn why_old(
    engine: &Engine,
    told: GenerationReading,
    stored: Stored,
) -> Result<Option<WhyOld>, EngineError> {
    let now = engine.clocks.real.now();
    Ok(match (told, stored) {
        (GenerationReading::Generation(told), Stored::Count(count)) if told > count.generation => {
            Some(WhyOld::Behind)
        }
        (GenerationReading::Generation(_) | GenerationReading::Unreadable, Stored::Never) => {
            Some(WhyOld::Emptied)
        }
        (_, Stored::Unreadable)
        | (GenerationReading::Missing | GenerationReading::Unreadable, Stored::Count(_)) => {
            Some(WhyOld::Uncounted)
        }
        (GenerationReading::Generation(_), Stored::Count(count)) => {
            (now.duration_since(count.at) > TRUSTED).then_some(WhyOld::Silent)
        }
        (GenerationReading::Missing, Stored::Never) => {
            let last = last_sign_of_life(engine).await?;
            last.filter(|last| engine.now().duration_since(*last) > TRUSTED)
                .map(|_| WhyOld::Silent)
        }
    })
}

/// When a periodic job last ended, procedure time; `None` in a new database.
async fn last_sign_of_life(engine: &Engine) -> Result<Option<Timestamp>, EngineError> {
    let mut last = None;
    for kind in periodic::kinds(engine) {
        // One that can't be read says nothing; the others do.
        let job = match engine.store.job_by_key(kind.name()).await {
            Err(StoreError::Corrupt(_)) => None,
            job => job?,
        };
        last = last.max(job.map(|job| job.changed_at));
    }
    Ok(last)
}

/// Counts, if it is time to.
pub(crate) async fn count_now_and_then(engine: &Engine) -> Result<(), EngineError> {
    let Some(counting) = &engine.counter.0 else {
        return Ok(());
    };
    let last = *counting.last.lock().await;
    let now = engine.clocks.real.now();
    match last {
        Some(last) if now.duration_since(last.at).abs() < EVERY => Ok(()),
        _ => count(engine).await,
    }
}

/// Counts: in the database, then in the file. A file that can't be written stays behind, which
/// makes a later copy harder to find out and nothing else.
pub(crate) async fn count(engine: &Engine) -> Result<(), EngineError> {
    let Some(counting) = &engine.counter.0 else {
        return Ok(());
    };
    let mut last = counting.last.lock().await;
    let before = match *last {
        Some(last) => last.generation,
        None => stored_count(engine).await?.generation(),
    };
    let count = Count {
        generation: before.saturating_add(1),
        at: engine.clocks.real.now(),
    };
    let op = Op::PutSetting {
        key: COUNT.to_owned(),
        value: json!(count),
    };
    engine.store.commit(vec![op].into()).await?;
    *last = Some(count);
    if let Err(error) = counting.file.write(count.generation).await {
        tracing::warn!(
            error,
            "the generation file beside the database can't be written"
        );
    }
    Ok(())
}
