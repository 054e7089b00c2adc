//! Before a job runs: may it, by the rate limits of the vendors it calls?
//!
//! Rules:
//! - A job that is not let in is put off; that counts as nothing, and `jobs list` says why.
//! - A job that was let in and is kept back or refused with "too many" on its way is put off, too,
//!   and no failure of its own. Another job's haste must not bring it nearer to its death.
//! - One that is refused so again although the vendor has answered in between fails by it: perhaps
//!   it is what is asked that the vendor never takes, and that must come to an end, and to a person.
//!   Its failures are not forgotten by a wait, either.
//! - A long wait forgets what had failed before (see [`Engine::put_off`]); a short one doesn't: a
//!   vendor that answers 500 and 429 by turns would be asked for ever.
//! - What lasts longer than allowed becomes a work item, which settles itself when it is over.
//!
//! Which vendors a kind of job calls, and how much it can wait, stands in the tables of job kinds
//! ([`Asks`]) and of effect kinds. A job that asks for no permit is counted all the same.

use relay_core::effects::{EffectKind, Port};
use relay_core::ids::EffectKey;
use relay_core::rate_limit::{Ask, Priority, Trouble, Why};
use relay_core::retry::{Class, Decision};
use relay_core::time::{SignedDuration, Timestamp};
use relay_store::{Deferral, Job, JobEnd, Op, StoreError};
use serde_json::json;

use super::jobs::kinds::{Asks, JobKind};
use super::jobs::member;
use super::jobs::periodic::is_periodic;
use super::{Engine, EngineError};
use crate::rate_limit::{Entry, Held, Permit, held, trouble_key};

/// How people read that a job waits: said in its note, and decided by [`Job::deferred_by`].
const WAITS: &str = "waits for its turn at ";

/// How people read that a call of a job's own was refused: said at the end of its note, or of its
/// error, and decided by [`Job::refused`].
pub(super) const REFUSED: &str = " (a call of its own was refused)";

/// The name under which a job waits that could not even ask for a permit.
const SOME_VENDOR: &str = "a vendor";

/// What a job calls, and how much it can wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Need {
    priority: Priority,
    ports: &'static [Port],
}

const NOBODY: &[Port] = &[];

impl Engine {
    /// Asks for the permit of `job`; `None` when it has been put off. `ordered`: a person waits for
    /// it.
    pub(crate) async fn acquire_permit(
        &self,
        job: &Job,
        ordered: bool,
    ) -> Result<Option<Permit>, EngineError> {
        let need = self.need(job).await?;
        let ask = Ask {
            priority: if ordered {
                Priority::Ordered
            } else {
                need.priority
            },
            waited: waits_for_permit(job),
        };
        let (vendor, at, why) = match self.limiter.enter(need.ports, ask).await {
            Ok(Entry::In(permit)) => return Ok(Some(permit)),
            Ok(Entry::Wait { vendor, at, why }) => (vendor, at, why.to_string()),
            // Many processes want the same vendor at once: a moment later.
            Err(StoreError::Conflict { .. }) => {
                let at = self.now().saturating_add(SignedDuration::from_secs(1));
                let at = at.unwrap_or(Timestamp::MAX);
                (SOME_VENDOR, at, "others ask at the same moment".to_owned())
            }
            Err(error) => return Err(error.into()),
        };
        self.tell_of(vendor).await;
        self.wait(job, deferred(vendor, at, &why, false), Vec::new())
            .await?;
        Ok(None)
    }

    /// The job is over.
    pub(crate) async fn release_permit(&self, permit: &Permit) {
        self.limiter.leave(permit).await;
        if let Some(held) = permit.held() {
            self.tell_of(held.vendor).await;
        }
    }

    /// Whose permits a job needs, and how much it can wait.
    async fn need(&self, job: &Job) -> Result<Need, EngineError> {
        let asks = JobKind::of(job).map_or(Asks::Nothing, |kind| kind.spec().asks);
        let (priority, ports) = match asks {
            Asks::Nothing => (Priority::Normal, NOBODY),
            Asks::Of(priority, ports) => (priority, ports),
            Asks::ForItsEffect => match self.kind_of_effect(job).await? {
                Some(kind) => (kind.spec().priority, kind.spec().ports),
                None => (Priority::Normal, NOBODY),
            },
            Asks::ForItsCase if self.reads_tasks(job).await? => {
                (Priority::Background, &[Port::Portal, Port::Crm][..])
            }
            Asks::ForItsCase => (Priority::Background, &[Port::Portal][..]),
        };
        Ok(Need { priority, ports })
    }

    /// The kind of the effect that a job carries out; `None` where it names none that is there.
    async fn kind_of_effect(&self, job: &Job) -> Result<Option<EffectKind>, EngineError> {
        if let Ok(kind) = member::<EffectKind>(job, "kind") {
            return Ok(Some(kind));
        }
        // Queued by a release that did not say the kind.
        let Ok(key) = member::<EffectKey>(job, "effect") else {
            return Ok(None);
        };
        let effect = self.store.effect(&key).await?;
        Ok(effect.map(|effect| effect.kind()))
    }

    /// Whether a refresh looks at call tasks.
    async fn reads_tasks(&self, job: &Job) -> Result<bool, EngineError> {
        let Some(case) = job.case else {
            return Ok(false);
        };
        let effects = self.store.effects(case).await?;
        Ok(effects
            .iter()
            .any(|effect| effect.kind() == EffectKind::CallTask))
    }

    /// Ends the run of a job that has to wait for a vendor.
    pub(crate) async fn wait(
        &self,
        job: &Job,
        end: JobEnd,
        ops: Vec<Op>,
    ) -> Result<(), EngineError> {
        match end {
            JobEnd::Snooze { at, .. } if at.duration_since(self.now()) > self.retry.cap => {
                self.put_off_as(job, at, end, ops).await
            }
            end => self.end(job, end, ops).await,
        }
    }

    /// How the present job goes on after a failure of `class` that is not its own: a vendor kept
    /// its call back, or refused it with "too many". `None`: it is its own.
    pub(crate) fn not_its_fault(&self, job: &Job, class: Class) -> Option<JobEnd> {
        let passing = matches!(class, Class::NotSent | Class::Retryable { .. });
        let held = held().filter(|_| passing)?;
        // Once it has counted, it counts: else two refusals would make one failure.
        if held.alone && (was_refused(job) || job.failures > 0) {
            return None;
        }
        let Held {
            vendor,
            at,
            why,
            alone,
        } = held;
        let now = self.now();
        // As after a first failure, so that jobs which were cut off together come back apart.
        let unit = self.random.unit();
        let at = match self.retry.decide(1, now, now, class, unit) {
            Decision::Again { at: again } => again.max(at),
            // The budget of a try is not asked: this is the vendor's pause, and none of its tries.
            Decision::Probe | Decision::GiveUp { .. } => at,
        };
        Some(deferred(vendor, at, &why, alone))
    }

    /// Tells an admin of a vendor that keeps work waiting for too long. A failure to tell is
    /// logged: whoever waits next tells again.
    async fn tell_of(&self, vendor: &str) {
        let told = match self.limiter.to_tell(vendor).await {
            Ok(None) => return,
            Ok(Some(trouble)) => {
                let ops = self.trouble_item_ops(vendor, &trouble);
                self.limiter.tell(vendor, &ops).await
            }
            Err(error) => Err(error),
        };
        match told {
            Ok(()) => tracing::warn!(vendor, "keeps work waiting; an admin is told"),
            Err(error) => tracing::warn!(vendor, %error, "an admin could not be told"),
        }
    }

    /// A vendor keeps work waiting: one item a vendor.
    fn trouble_item_ops(&self, vendor: &str, trouble: &Trouble) -> Vec<Op> {
        let since = self.calendar.zone().to_datetime(trouble.since);
        let since = since.strftime("%Y-%m-%d %H:%M");
        let title = format!("{vendor} keeps work waiting since {since}: {}", trouble.why);
        let mut item = self.item(trouble_key(vendor), "vendor", title);
        item.detail = json!({ "vendor": vendor, "reason": trouble.why.to_string(),
                              "since": trouble.since, "until": trouble.until,
                              "remedy": remedy(vendor, trouble.why) });
        item.actions = vec!["done".to_owned()];
        self.open_work_ops(item, self.now())
    }
}

/// A vendor keeps a job waiting until `at`.
fn deferred(vendor: &str, at: Timestamp, why: &str, refused: bool) -> JobEnd {
    JobEnd::Snooze {
        at,
        why: format!("{WAITS}{vendor}: {why}"),
        deferral: Deferral {
            vendor: Some(vendor.to_owned()),
            refused,
        },
    }
}

/// The end as it is stored. That a call of the job's own was refused goes with it from one putting off
/// to the next, so that what puts it off in between does not make it new.
pub(crate) fn keeping_refusal(job: &Job, mut end: JobEnd) -> JobEnd {
    if let JobEnd::Snooze { why, deferral, .. } = &mut end {
        deferral.refused |= was_refused(job);
        if deferral.refused {
            why.push_str(REFUSED);
        }
    }
    end
}

/// Whether a job was put off because a vendor kept it waiting. Such a one comes back at the time it was
/// given and need not stand in line again.
pub(super) fn waits_for_permit(job: &Job) -> bool {
    job.deferred_by.is_some()
}

/// Whether a job waits for that vendor.
pub(super) fn waits_for(job: &Job, vendor: &str) -> bool {
    job.deferred_by.as_deref() == Some(vendor)
}

/// Whether it was a call of the job's own that was refused with "too many". A periodic job is never
/// given up, and each of its looks is a new one.
pub(super) fn was_refused(job: &Job) -> bool {
    job.refused && !is_periodic(job)
}

/// Whether the present job's last call was refused while the vendor answers others.
pub(super) fn is_refused_alone() -> bool {
    held().is_some_and(|held| held.alone)
}

fn remedy(vendor: &str, why: Why) -> String {
    let first = match why {
        Why::Down | Why::Trial => {
            "look at the vendor's status page and at this machine's network; `clear-relay vendors` \
             shows when it is tried next"
        }
        _ => {
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
