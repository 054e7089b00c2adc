//! Before a job runs: may it, by the rate limits of the vendors it calls?
//!
//! Rules:
//! - A job that is not let in is put off; that counts as nothing, and `jobs list` says why.
//! - What a job that was let in meets on its way (kept back, refused) ends its run: see `finish`.
//! - What lasts longer than allowed becomes a work item, which settles itself when it is over.
//!
//! Which vendors a kind of job calls, and how much it can wait, stands in the tables of job kinds
//! ([`Asks`]) and of effect kinds. A job that asks for no permit is counted all the same.

use relay_core::effects::{EffectKind, Port};
use relay_core::ids::EffectKey;
use relay_core::incidents::IncidentClass;
use relay_core::rate_limit::{Ask, Priority, Trouble, Why};
use relay_core::time::{SignedDuration, later};
use relay_core::work_kinds;
use relay_store::{Job, Op, StoreError};
use serde_json::json;

use crate::engine::finish::member;
use crate::engine::job_kinds::{Asks, JobKind};
use crate::engine::{Engine, EngineError, finish, incidents, items};
use crate::rate_limit::{Entry, Permit, trouble_key};

/// The name under which a job waits that could not even ask for a permit.
const SOME_VENDOR: &str = "a vendor";

/// What a job calls, and how much it can wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Need {
    priority: Priority,
    ports: &'static [Port],
}

const NOBODY: &[Port] = &[];

/// Asks for the permit of `job`; `None` when it has been put off. `ordered`: a person waits for
/// it.
pub(crate) async fn acquire_permit(
    engine: &Engine,
    job: &Job,
    ordered: bool,
) -> Result<Option<Permit>, EngineError> {
    let need = need(engine, job).await?;
    let ask = Ask {
        priority: if ordered {
            Priority::Ordered
        } else {
            need.priority
        },
        waited: finish::waits_for_permit(job),
    };
    let (vendor, at, why) = match engine.limiter.enter(need.ports, ask).await {
        Ok(Entry::In(permit)) => return Ok(Some(permit)),
        Ok(Entry::Wait { vendor, at, why }) => {
            if matches!(why, Why::Down | Why::Trial) {
                // It waits all the same.
                if let Err(error) = incidents::kept_back(engine, job, vendor, at).await {
                    tracing::warn!(vendor, %error, "a job that waits could not be counted");
                }
            }
            (vendor, at, why.to_string())
        }
        // Many processes want the same vendor at once: a moment later.
        Err(StoreError::Conflict { .. }) => {
            let at = later(engine.now(), SignedDuration::from_secs(1));
            (SOME_VENDOR, at, "others ask at the same moment".to_owned())
        }
        Err(error) => return Err(error.into()),
    };
    tell_of(engine, vendor).await;
    let end = finish::deferred(vendor, at, &why, false);
    finish::wait(engine, job, end, Vec::new()).await?;
    Ok(None)
}

/// The job is over.
pub(crate) async fn release_permit(engine: &Engine, permit: &Permit) {
    engine.limiter.leave(permit).await;
    // What could not be counted is counted by the next run.
    if let Err(error) = incidents::after_run(engine, permit).await {
        tracing::warn!(%error, "what worked could not be counted");
    }
    if let Some(held) = permit.held() {
        tell_of(engine, held.vendor).await;
    }
}

/// Whose permits a job needs, and how much it can wait.
async fn need(engine: &Engine, job: &Job) -> Result<Need, EngineError> {
    let asks = JobKind::of(job).map_or(Asks::Nothing, |kind| engine.job_spec(kind).asks);
    let (priority, ports) = match asks {
        Asks::Nothing => (Priority::Normal, NOBODY),
        Asks::Of(priority, ports) => (priority, ports),
        Asks::ForItsEffect => match kind_of_effect(engine, job).await? {
            Some(kind) => (kind.spec().priority, kind.spec().ports),
            None => (Priority::Normal, NOBODY),
        },
        Asks::ForItsCase if reads_tasks(engine, job).await? => {
            (Priority::Background, &[Port::Portal, Port::Crm][..])
        }
        Asks::ForItsCase => (Priority::Background, &[Port::Portal][..]),
    };
    Ok(Need { priority, ports })
}

/// The kind of the effect that a job carries out; `None` where it names none that is there.
async fn kind_of_effect(engine: &Engine, job: &Job) -> Result<Option<EffectKind>, EngineError> {
    if let Ok(kind) = member::<EffectKind>(job, "kind") {
        return Ok(Some(kind));
    }
    // Queued by a release that did not say the kind.
    let Ok(key) = member::<EffectKey>(job, "effect") else {
        return Ok(None);
    };
    let effect = engine.store.effect(&key).await?;
    Ok(effect.map(|effect| effect.kind()))
}

/// Whether a refresh looks at call tasks.
async fn reads_tasks(engine: &Engine, job: &Job) -> Result<bool, EngineError> {
    let Some(case) = job.case else {
        return Ok(false);
    };
    let effects = engine.store.effects(case).await?;
    Ok(effects
        .iter()
        .any(|effect| effect.kind() == EffectKind::CallTask))
}

/// Tells an admin of a vendor that keeps work waiting for too long. A failure to tell is
/// logged: whoever waits next tells again.
async fn tell_of(engine: &Engine, vendor: &str) {
    let told = match engine.limiter.to_tell(vendor).await {
        Ok(None) => return,
        Ok(Some(trouble)) => {
            // One item is enough.
            let known = incidents::lasts(engine, vendor, IncidentClass::NoAnswer).await;
            if matches!(known, Ok(true)) {
                return;
            }
            let ops = trouble_item_ops(engine, vendor, &trouble);
            engine.limiter.tell(vendor, &ops).await
        }
        Err(error) => Err(error),
    };
    match told {
        Ok(()) => tracing::warn!(vendor, "keeps work waiting; an admin is told"),
        Err(error) => tracing::warn!(vendor, %error, "an admin could not be told"),
    }
}

/// A vendor keeps work waiting: one item a vendor.
fn trouble_item_ops(engine: &Engine, vendor: &str, trouble: &Trouble) -> Vec<Op> {
    let since = engine.calendar.zone().to_datetime(trouble.since);
    let since = since.strftime("%Y-%m-%d %H:%M");
    let title = format!("{vendor} keeps work waiting since {since}: {}", trouble.why);
    let mut item = items::item(engine, trouble_key(vendor), work_kinds::VENDOR, title);
    item.detail = json!({ "vendor": vendor, "reason": trouble.why.to_string(),
                          "since": trouble.since, "until": trouble.until,
                          "remedy": remedy(vendor, trouble.why) });
    item.actions = vec!["done".to_owned()];
    items::open_work_ops(engine, item, engine.now())
}

fn remedy(vendor: &str, why: Why) -> String {
    let first = match why {
        Why::Down | Why::Trial => {
            "look at the vendor's status page and at this machine's network; `clear-relay vendors` \
             shows when it is tried next"
        }
        Why::Turn | Why::Spread | Why::Reserved { .. } | Why::UsedUp { .. } | Why::Asked => {
            "another integration uses the account's quota: find it in the vendor's settings and \
             slow it down or stop it, or ask the vendor for a higher limit; `clear-relay vendors` \
             shows what is left"
        }
    };
    format!(
        "{first}. Work goes on by itself; `clear-relay vendors resume {vendor} --by NAME` ends a \
         pause at once"
    )
}
