//! Once a day: what does the portal list as open that no event told us of?
//!
//! An event never sent must not mean a client never followed up, nor one who is followed up
//! although she did check in.

use relay_core::case::Case;
use relay_core::clients::{CheckIn, Coach};
use relay_core::ids::{ClientId, JobId};
use relay_core::time::{SignedDuration, Time, Timestamp};
use relay_store::{CaseFilter, Existing, Job, JobState, NewJob, Op, Page};
use serde_json::json;

use crate::checkpoint::REREAD_CALL;
use crate::engine::{Engine, EngineError, watch};

/// When the reconcile runs, clinic time: before the first portal slot of the day.
const HOUR: i8 = 6;

/// How long a case may stand still before the manager hears of it (E31).
const STALE: SignedDuration = SignedDuration::from_hours(24 * 30);

/// How many cases are looked at in one read of the store.
const PAGE: u32 = 500;

impl Engine {
    pub(super) async fn run_reconcile(&self, job: &Job) -> Result<(), EngineError> {
        let now = self.now();
        let today = self.calendar.date_of(now);
        let open = self
            .call(REREAD_CALL, self.ports.portal.open_check_ins(today))
            .await?;
        let mut ops: Vec<Op> = Vec::new();
        for (client, check_in) in open {
            ops.push(self.watch_overdue(&client, &check_in, now).await?);
        }
        ops.extend(self.coach_ops().await?);
        let mut offset = 0;
        loop {
            let page = Page {
                offset,
                limit: PAGE,
            };
            let cases = self.store.cases(&CaseFilter::default(), page).await?;
            for case in &cases {
                ops.extend(self.stale_ops(case, now).await?);
                if case.procedure != "missed_check_in" {
                    continue;
                }
                ops.push(Op::Enqueue {
                    job: NewJob {
                        id: JobId::new(self.random.as_ref(), now),
                        key: format!("refresh/{}/{today}", case.id),
                        kind: "refresh".to_owned(),
                        lane: case.client.to_string(),
                        run_at: now,
                        client: Some(case.client.clone()),
                        case: Some(case.id),
                        payload: json!({ "case": case.id }),
                    },
                    existing: Existing::Keep,
                });
            }
            offset += PAGE;
            if cases.len() < PAGE as usize {
                break;
            }
        }
        let at = self.next_reconcile(now);
        self.put_off(job, at, "until tomorrow".to_owned(), ops)
            .await
    }

    /// The manager hears once of a case that stands still, until it has moved again.
    async fn stale_ops(&self, case: &Case, now: Timestamp) -> Result<Vec<Op>, EngineError> {
        if now.duration_since(case.changed_at) <= STALE {
            return Ok(Vec::new());
        }
        let told = self.store.case_work(case.id).await?;
        let told = told
            .iter()
            .any(|item| item.kind == "stale" && item.opened_at > case.changed_at);
        Ok(if told {
            Vec::new()
        } else {
            self.stale_item_ops(case)
        })
    }

    /// Coaches of the directory whose name or address has changed in the portal: a script must not
    /// be signed with a name that somebody no longer has.
    async fn coach_ops(&self) -> Result<Vec<Op>, EngineError> {
        let told = self.call(REREAD_CALL, self.ports.portal.coaches()).await?;
        let known = self.store.coaches().await?;
        let changed = known.into_iter().filter_map(|known| {
            let told = told.iter().find(|told| told.id == known.id)?;
            let same = told.name == known.name && told.email == known.email;
            (!same).then(|| {
                let crm_user = known.crm_user.filter(|_| told.email == known.email);
                Op::PutCoach(Coach {
                    crm_user,
                    ..told.clone()
                })
            })
        });
        Ok(changed.collect())
    }

    /// Watches an open check-in that is overdue; one that is watched for a later day, because its
    /// date moved back untold, is looked at now.
    async fn watch_overdue(
        &self,
        client: &ClientId,
        check_in: &CheckIn,
        now: Timestamp,
    ) -> Result<Op, EngineError> {
        let key = watch::missed_key(client, &check_in.id);
        let known = self.store.job_by_key(&key).await?;
        let (due, due_at) = (check_in.due, check_in.due_at);
        let missed_from = watch::missed_from(self, due, due_at);
        Ok(match known {
            Some(job) if job.state == JobState::Ready && job.run_at > now && missed_from <= now => {
                let id = job.id;
                Op::ReplayJob { id, at: now }
            }
            _ => {
                let keep = Existing::Keep;
                watch::watch(self, client, &check_in.id, due, due_at, now, keep)
            }
        })
    }

    pub(super) fn next_reconcile(&self, now: Timestamp) -> Timestamp {
        let zone = self.calendar.zone();
        let today = self.calendar.date_of(now);
        [today, today.tomorrow().unwrap_or(today)]
            .into_iter()
            .filter_map(|day| {
                let at = day.to_datetime(Time::constant(HOUR, 0, 0, 0));
                zone.to_ambiguous_timestamp(at).compatible().ok()
            })
            .find(|at| *at > now)
            .unwrap_or(Timestamp::MAX)
    }
}
