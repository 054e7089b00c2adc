//! A check-in's day has passed: is it really missing?

use relay_core::clients::CheckIn;
use relay_core::facts::{Fact, FactBody};
use relay_core::ids::{CheckInId, ClientId};
use relay_core::time::{Date, SignedDuration, Timestamp};
use relay_store::{Existing, Job, JobEnd, Op};
use serde_json::json;

use super::{fence, member, missing};
use crate::checkpoint::{MISSED_COMMIT, MISSED_READ};
use crate::engine::conversation::before;
use crate::engine::{Engine, EngineError, watch};

/// How many days before its known date a check-in is looked for.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(24 * 30);

impl Engine {
    pub(super) async fn run_missed_check(&self, job: &Job) -> Result<(), EngineError> {
        let check_in: CheckInId = member(job, "check_in")?;
        let due: Date = member(job, "due")?;
        let client = job
            .client
            .clone()
            .ok_or_else(|| missing("missed check", "the job names no client"))?;
        // A date may have moved back without a word.
        let since = due.saturating_sub(LOOK_BACK);
        let snapshot = self
            .call(MISSED_READ, self.ports.portal.client(&client))
            .await?;
        let Some(snapshot) = snapshot else {
            return self.cancel(job, "the portal knows no such client").await;
        };
        let listed = self
            .call(MISSED_READ, self.ports.portal.check_ins(&client, since))
            .await?;
        let Some(listed) = listed.into_iter().find(|listed| listed.id == check_in) else {
            return self.missed_elsewhere(job, &client, &check_in, due).await;
        };
        if listed.submitted_at.is_some() {
            return self.cancel(job, "the check-in was submitted").await;
        }
        if listed.withdrawn {
            return self.cancel(job, "the check-in was withdrawn").await;
        }
        let at = watch::missed_from(self, listed.due, listed.due_at);
        if at > self.now() {
            let why = format!("the due date moved to {}", listed.due);
            return self.end(job, JobEnd::Snooze { at, why }, vec![]).await;
        }
        if self.is_backlog(listed.due).await? && job.payload.get("released").is_none() {
            return self.list_backlog(job, &client, &listed).await;
        }
        // What she wrote since it was due counts as a reply (A40): the case then opens paused.
        let counts_from = listed.due_at;
        let counts_from = counts_from.unwrap_or_else(|| self.calendar.start_of_day(listed.due));
        let written = self
            .call(MISSED_READ, self.conversation(&client, before(counts_from)))
            .await?;
        let mut stepping = self.stepping(&client).await?;
        let fact = missed_fact(self, &client, listed, snapshot);
        stepping.fact(fact, None);
        for fact in written {
            stepping.tell(fact);
        }
        let opened = stepping.not_opened.is_empty();
        let end = match stepping.not_opened.first() {
            Some(reason) => JobEnd::Cancelled {
                why: format!("not followed up: {reason}"),
            },
            None => JobEnd::Done,
        };
        stepping.push(Op::FinishJob {
            fence: fence(job),
            end,
            at: self.now(),
        });
        self.commit(MISSED_COMMIT, stepping.into_ops()).await?;
        tracing::info!(job = %job.id, %client, opened, "a check-in was missed");
        Ok(())
    }

    async fn cancel(&self, job: &Job, why: &str) -> Result<(), EngineError> {
        self.end(
            job,
            JobEnd::Cancelled {
                why: why.to_owned(),
            },
            vec![],
        )
        .await
    }

    /// The check-in is not listed: it is gone.
    async fn missed_elsewhere(
        &self,
        job: &Job,
        client: &ClientId,
        check_in: &CheckInId,
        due: Date,
    ) -> Result<(), EngineError> {
        tracing::info!(job = %job.id, %client, %check_in, %due, "not listed by the portal");
        self.cancel(job, "the portal no longer lists this check-in")
            .await
    }

    /// Whether a check-in was overdue before the procedure was switched on (promise 8, E31).
    async fn is_backlog(&self, due: Date) -> Result<bool, EngineError> {
        let Some(workflow) = self.book.named("missed_check_in") else {
            return Ok(false);
        };
        let since = self
            .book
            .switched_on(self.store.as_ref(), workflow.as_ref())
            .await?;
        Ok(since.is_some_and(|since| due < self.calendar.date_of(since)))
    }

    /// Lists a check-in that was overdue before switching on; nothing is sent until a person
    /// releases it.
    async fn list_backlog(
        &self,
        job: &Job,
        client: &ClientId,
        listed: &CheckIn,
    ) -> Result<(), EngineError> {
        let now = self.now();
        let title = format!(
            "Check-in of client {client} was due on {}, before the relay was switched on",
            listed.due
        );
        let mut item = self.item(format!("backlog/{client}/{}", listed.id), "backlog", title);
        item.owner.clone_from(&self.people.program_manager);
        item.detail = json!({ "client": client, "check_in": listed.id, "due": listed.due,
                              "job": job.id });
        item.actions = vec!["release".to_owned(), "dismiss".to_owned()];
        item.client = Some(client.clone());
        let why = "overdue before the relay was switched on: listed, not messaged".to_owned();
        self.end(
            job,
            JobEnd::Cancelled { why },
            self.open_work_ops(item, now),
        )
        .await
    }
}

/// The operation that looks at a backlog check-in again, now released by a person.
pub(crate) fn release(job: &Job, now: Timestamp) -> Op {
    let mut payload = job.payload.clone();
    payload["released"] = json!(true);
    Op::Enqueue {
        job: relay_store::NewJob {
            id: job.id,
            key: job.key.clone(),
            kind: job.kind.clone(),
            lane: job.lane.clone(),
            run_at: now,
            client: job.client.clone(),
            case: None,
            payload,
        },
        existing: Existing::Reschedule,
    }
}

fn missed_fact(
    engine: &Engine,
    client: &ClientId,
    check_in: CheckIn,
    snapshot: relay_core::clients::ClientSnapshot,
) -> Fact {
    Fact {
        client: client.clone(),
        object: check_in.id.to_string(),
        // The same miss read twice is one fact.
        source_time: watch::missed_from(engine, check_in.due, check_in.due_at),
        body: FactBody::CheckInMissed {
            check_in,
            client: Box::new(snapshot),
        },
    }
}
