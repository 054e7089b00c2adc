//! Acts on nothing while this machine's clock and the vendors' are more than a day apart.
//!
//! People: the *jobs* that decide or send ask before they do; an *admin* sets the clock right, or says
//! that it is the vendors' that are wrong (`clear-relay clock accept --by NAME`).
//!
//! Rules:
//! - What decides or sends waits: timers, looks at missed check-ins, reads that a decision is made on,
//!   effects. Receiving goes on, and so does reading what a vendor has told of.
//! - A timer is due by the clock alone, so where no vendor has told a date lately, one is asked first.
//! - One work item, which settles itself once the clocks agree.
//!
//! Not guaranteed: that a jump of less than a day is noticed.

use relay_core::time::{SignedDuration, Timestamp, later};
use relay_core::work_kinds;
use relay_http_client::CallError;
use relay_store::{AuditEntry, Job, JobEnd, Op, WorkSettled};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::engine::{Engine, EngineError, RELAY, finish, items};
use crate::failpoint::{REREAD_CALL, SETTLE};
use crate::rate_limit::dates::{APART, Apart};
use crate::settings::setting_or_none;

/// How long what would act waits before it asks again.
const WAIT: SignedDuration = SignedDuration::from_mins(5);

/// The setting that says that a person has accepted a difference.
const ACCEPTED: &str = "clock/accepted";

/// The key of the work item.
const ITEM: &str = "clock";

/// A difference that a person has accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Accepted {
    /// How far this machine's clock was ahead, in seconds.
    ahead_seconds: i64,
    by: String,
    at: Timestamp,
}

/// How far the clocks are apart, unless a person has accepted that. Asks nobody.
pub(crate) async fn clocks_apart(engine: &Engine) -> Result<Option<Apart>, EngineError> {
    let dates = engine.limiter.dates();
    let Some(apart) = dates.apart(engine.now()) else {
        // Once, and again after each time they were apart.
        if dates.agree_for_the_first_time(engine.now()) {
            settle_clock_item(engine).await?;
        }
        return Ok(None);
    };
    let accepted = setting_or_none(engine.store.as_ref(), ACCEPTED).await?;
    let accepted: Option<Accepted> = accepted.and_then(|set| serde_json::from_value(set).ok());
    let same = accepted.is_some_and(|accepted| {
        let before = SignedDuration::from_secs(accepted.ahead_seconds);
        (apart.ahead - before).abs() <= APART
    });
    Ok((!same).then_some(apart))
}

/// The same, after a vendor was asked where none has told a date lately. `Err`: nobody answers.
pub(crate) async fn clocks_apart_as_told(engine: &Engine) -> Result<Option<Apart>, EngineError> {
    if engine.limiter.dates().should_ask(engine.now()) {
        engine
            .call(REREAD_CALL, engine.ports.portal.coaches())
            .await?;
    }
    clocks_apart(engine).await
}

/// Puts off a job that would decide or send by a clock that is wrong.
pub(crate) async fn wait_for_clock(
    engine: &Engine,
    job: &Job,
    apart: &Apart,
    mut ops: Vec<Op>,
) -> Result<(), EngineError> {
    let now = engine.now();
    let words = in_words(apart);
    tracing::error!(job = %job.id, kind = job.kind, words, "acts on nothing");
    let title = format!("Nothing is sent: {words}");
    let mut item = items::item(engine, ITEM.to_owned(), work_kinds::CLOCK, title);
    item.detail = json!({ "vendor": apart.vendor, "ahead_seconds": apart.ahead.as_secs(),
        "remedy": "set this machine's clock right (timedatectl set-ntp true): work goes on by \
                   itself. If this clock is right and the vendor's wrong: `clear-relay clock \
                   accept --by NAME`" });
    item.actions = vec!["done".to_owned()];
    ops.extend(items::open_work_ops(engine, item, now));
    let at = later(now, WAIT);
    let why = format!("{words}: acts on nothing until they agree");
    finish::end(engine, job, JobEnd::snooze(at, why), ops).await
}

/// Puts off a job that is due by the clock alone, while no vendor says what time it is.
pub(crate) async fn wait_for_the_time(
    engine: &Engine,
    job: &Job,
    error: &CallError,
) -> Result<(), EngineError> {
    let at = later(engine.now(), WAIT);
    let why = format!("no vendor says what time it is: {error}");
    finish::end(engine, job, JobEnd::snooze(at, why), Vec::new()).await
}

/// Settles the item of clocks that agree again.
async fn settle_clock_item(engine: &Engine) -> Result<(), EngineError> {
    let open = engine.store.work_by_key(ITEM).await?;
    if open.is_none_or(|item| item.settled.is_some()) {
        return Ok(());
    }
    let op = Op::SettleWorkByKey {
        dedupe_key: ITEM.to_owned(),
        settled: WorkSettled {
            at: engine.now(),
            by: RELAY.to_owned(),
            action: "the clocks agree".to_owned(),
        },
    };
    engine.commit(SETTLE, vec![op]).await.map(|_| ())
}

/// What the vendors say of the time now: asks the portal.
pub async fn ask_the_time(engine: &Engine) -> Result<Option<Apart>, EngineError> {
    engine
        .call(REREAD_CALL, engine.ports.portal.coaches())
        .await?;
    Ok(engine.limiter.dates().apart(engine.now()))
}

/// What [`accept_clock`] would accept now; refused as it is.
pub async fn clock_to_accept(engine: &Engine) -> Result<Apart, EngineError> {
    ask_the_time(engine).await?.ok_or_else(|| {
        EngineError::Refused(
            "the portal's clock and this machine's agree, or it tells no date: there is nothing \
             to accept"
                .to_owned(),
        )
    })
}

/// A person says that this machine's clock is right although a vendor says otherwise: until the
/// difference changes by another day, work goes on.
pub async fn accept_clock(engine: &Engine, by: &str) -> Result<Apart, EngineError> {
    let apart = clock_to_accept(engine).await?;
    let now = engine.now();
    let accepted = Accepted {
        ahead_seconds: apart.ahead.as_secs(),
        by: by.to_owned(),
        at: now,
    };
    let ops = vec![
        Op::PutSetting {
            key: ACCEPTED.to_owned(),
            value: serde_json::to_value(accepted).unwrap_or_default(),
        },
        Op::SettleWorkByKey {
            dedupe_key: ITEM.to_owned(),
            settled: WorkSettled {
                at: now,
                by: by.to_owned(),
                action: "accepted".to_owned(),
            },
        },
        Op::Audit(AuditEntry {
            at: now,
            who: by.to_owned(),
            what: "clock.accept".to_owned(),
            object: apart.vendor.to_owned(),
            detail: json!({ "ahead_seconds": apart.ahead.as_secs() }),
        }),
    ];
    engine.commit(SETTLE, ops).await?;
    engine.wake.notify_one();
    Ok(apart)
}

/// How far, for people.
pub fn in_words(apart: &Apart) -> String {
    let word = if apart.ahead.is_negative() {
        "behind"
    } else {
        "ahead of"
    };
    let hours = apart.ahead.abs().as_hours();
    let far = match (hours / 24, hours % 24) {
        (days, 0) => format!("{days} days"),
        (days, hours) => format!("{days} days and {hours} hours"),
    };
    format!(
        "this machine's clock is {far} {word} that of the {}",
        apart.vendor
    )
}
