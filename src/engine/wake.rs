//! Makes jobs due that were put off to a time that no longer means anything.
//!
//! People: the *worker* looks now and then whether the clock was set back; a *person* says that a
//! vendor is to be asked now.
//!
//! Rules:
//! - While a clock runs ahead, what is put off is put off to a future that nobody meant. Once it is
//!   right again, jobs that waited for a vendor, had failed, or stand by themselves come back. Timers
//!   keep their time: that is the procedure's.
//! - A job that comes back too early asks for its turn and is told to wait; so one too many does no
//!   harm, and one too few is a client who is forgotten.
//! - Each job is made due by itself. A process that dies half way does it again: the sign is taken
//!   away last.

use relay_core::pace::Why;
use relay_core::time::{SignedDuration, Timestamp};
use relay_store::{AuditEntry, Job, JobFilter, JobState, Op, Page};
use serde_json::json;

use super::jobs::standing::is_standing;
use super::turn::{waits_for, waits_for_its_turn};
use super::{Engine, EngineError};
use crate::checkpoint::SETTLE;

/// How many jobs are looked at at once.
const PAGE: u32 = 500;

/// What a person's word brought, or would bring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resumed {
    /// Until when nothing would have been asked of the vendor, and why.
    pub closed: Option<(Timestamp, Why)>,
    /// How many jobs waited for it.
    pub jobs: usize,
}

impl Engine {
    /// Brings back jobs that were put off by a clock which ran ahead and was put right since.
    pub(crate) async fn bring_back(&self) -> Result<(), EngineError> {
        if !self.pace.set_back().await? {
            return Ok(());
        }
        let now = self.now();
        let late = self.ready(|job| was_put_off_ahead(job, now)).await?;
        for job in &late {
            self.make_due(job).await?;
        }
        self.pace.all_are_back().await?;
        let jobs = late.len();
        tracing::warn!(jobs, "the clock was set back; what it had put off is due");
        Ok(())
    }

    /// A vendor's pause and its open breaker end by a person's word, and what waits for it is due.
    pub async fn resume_vendor(&self, vendor: &str, by: &str) -> Result<Resumed, EngineError> {
        let waiting = self.waiting_for(vendor).await?;
        let audit = Op::Audit(AuditEntry {
            at: self.now(),
            who: by.to_owned(),
            what: "resume".to_owned(),
            object: format!("vendor/{vendor}"),
            detail: json!({ "jobs": waiting.len() }),
        });
        let Some(closed) = self.pace.resume(vendor, &audit).await? else {
            return Err(self.no_such(vendor));
        };
        for job in &waiting {
            self.make_due(job).await?;
        }
        self.wake.notify_one();
        let jobs = waiting.len();
        Ok(Resumed { closed, jobs })
    }

    /// What [`resume_vendor`](Self::resume_vendor) would do now.
    pub async fn preview_resume(&self, vendor: &str) -> Result<Resumed, EngineError> {
        if !self.pace.names().contains(&vendor) {
            return Err(self.no_such(vendor));
        }
        Ok(Resumed {
            closed: self.pace.closed(vendor).await?,
            jobs: self.waiting_for(vendor).await?.len(),
        })
    }

    fn no_such(&self, vendor: &str) -> EngineError {
        let known = self.pace.names().join(", ");
        EngineError::Refused(format!("there is no vendor {vendor}; there are {known}"))
    }

    async fn waiting_for(&self, vendor: &str) -> Result<Vec<Job>, EngineError> {
        let now = self.now();
        self.ready(|job| job.run_at > now && waits_for(job, vendor))
            .await
    }

    /// The ready jobs of which `is_one` holds.
    async fn ready(&self, is_one: impl Fn(&Job) -> bool) -> Result<Vec<Job>, EngineError> {
        let filter = JobFilter {
            states: vec![JobState::Ready],
            ..JobFilter::default()
        };
        let mut found = Vec::new();
        let mut page = Page {
            offset: 0,
            limit: PAGE,
        };
        loop {
            let jobs = self.store.jobs(&filter, page).await?;
            let last = jobs.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
            found.extend(jobs.into_iter().filter(&is_one));
            if last {
                return Ok(found);
            }
            page.offset = page.offset.saturating_add(PAGE);
        }
    }

    /// A job that was taken up meanwhile is left to who runs it.
    async fn make_due(&self, job: &Job) -> Result<(), EngineError> {
        let op = Op::ReplayJob {
            id: job.id,
            at: self.now(),
        };
        match self.commit(SETTLE, vec![op]).await {
            Err(error) if error.is_conflict() => Ok(()),
            other => other.map(|_| ()),
        }
    }
}

/// Whether a job was put off at a moment that is still to come.
fn was_put_off_ahead(job: &Job, now: Timestamp) -> bool {
    let ahead = job.changed_at.duration_since(now) > SignedDuration::ZERO && job.run_at > now;
    ahead && (waits_for_its_turn(job) || job.failures > 0 || is_standing(&job.kind))
}
