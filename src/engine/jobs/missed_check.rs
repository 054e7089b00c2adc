//! A check-in's day has passed: is it really missing?
//!
//! No answer of one moment decides for good that a client is not followed up. The look ends for good
//! only where the portal shows the check-in as submitted or withdrawn, where it opened a case or
//! found one, or where a case about this check-in at this due date was closed for a *final* reason;
//! and if the portal goes on listing the check-in as open, the daily reconcile wakes it even then.
//! Everything else is put off to a date, and told to a person where a person can help:
//!
//! | the portal | next look | told |
//! |---|---|---|
//! | does not know the client | in an hour; from the next day on, the next day | from the next day on |
//! | does not list the check-in | in an hour; then it counts as gone | – |
//! | gives a later due date | when that has passed | – |
//! | shows a later check-in as submitted, in place of this one (E7) | the next day | – |
//! | says *on a break until* a day | the next day, so that an end told early counts | – |
//! | says *on a break* | the next day | the coach, once a week |
//! | says *in person*, *quit*, *graduated* | the next day | – |
//! | says *online*, and the contact type in the CRM *In-Person* | the next day | – |
//! | says *transition call only*, and the coach was told of the call | the next day | – |
//! | gives a status word that we don't know | the next day | an admin, once a week for each word |

use relay_core::clients::{CheckIn, ClientSnapshot, ClientStatus};
use relay_core::effects::Port;
use relay_core::ids::{CheckInId, ClientId, CoachId};
use relay_core::rate_limit::Priority;
use relay_core::time::{Date, SignedDuration, Timestamp};
use relay_core::workflow::{Look, NotOpened};
use relay_core::workflows::missed_check_in::Closing;
use relay_store::{Job, JobEnd, JobError, Op, WorkItem, WorkSettled};
use serde_json::json;

use super::backlog::{Earlier, is_released};
use super::kinds::{Asks, Cancelling, Death, JobSpec};
use super::{fence, member, missing};
use crate::engine::opening::{Opening, TYPE_UNREADABLE, later_submitted};
use crate::engine::{Engine, EngineError, watch};
use crate::failpoint::{MISSED_COMMIT, MISSED_READ};

/// How many days before its known date a check-in is looked for.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(24 * 30);

/// When a portal that does not know a client, or a check-in, is asked again on the same day.
const SOON: SignedDuration = SignedDuration::from_hours(1);

/// How long something that a person has settled is not told again, if it is still so.
const TOLD_FOR: SignedDuration = SignedDuration::from_hours(24 * 7);

/// The row of this kind.
pub(super) const SPEC: JobSpec = JobSpec {
    name: "missed_check",
    repeats: None,
    asks: Asks::Of(Priority::Normal, &[Port::Portal]),
    lost: |_| "It could not be looked up whether a check-in was missed".to_owned(),
    death: Death::IsToldOnly,
    cancelling: Cancelling::Never {
        instead: "it looks whether this client missed her check-in, and nobody else does: withdraw the \
                  check-in in the portal, or let it look and close the case (`clear-relay cases close \
                  CASE --by NAME --reason TEXT`)",
    },
    run: |engine, job| Box::pin(engine.run_missed_check(job)),
};

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
            return self.nobody_by_that_id(job, &client).await;
        };
        let listed = self
            .call(MISSED_READ, self.ports.portal.check_ins(&client, since))
            .await?;
        let later = later_submitted(&listed);
        let Some(listed) = listed.into_iter().find(|listed| listed.id == check_in) else {
            return self.not_listed(job, &client, &check_in).await;
        };
        if listed.submitted_at.is_some() {
            return self.over(job, &client, "the check-in was submitted").await;
        }
        if listed.withdrawn {
            return self.over(job, &client, "the check-in was withdrawn").await;
        }
        if let Some(apart) = self.clocks_apart().await? {
            return self.wait_for_clock(job, &apart, Vec::new()).await;
        }
        let at = watch::missed_from(self, listed.due, listed.due_at);
        if at > self.now() {
            let why = format!("the due date moved to {}", listed.due);
            return self.put_off(job, at, why, self.known_again(&client)).await;
        }
        if later.is_some_and(|later| later > listed.due) {
            let at = self.tomorrow(self.now());
            let why = "superseded: a later check-in was submitted".to_owned();
            return self.put_off(job, at, why, self.known_again(&client)).await;
        }
        // A person's release stands although an event has renewed the job since.
        let earlier = self.earlier_case(&client, &listed).await?;
        let item = self.backlog_item(&client, &check_in).await?;
        let released = job.payload.get("released").is_some()
            || (earlier != Earlier::Final && is_released(item.as_ref(), &earlier));
        if !released && self.is_backlog(&earlier, listed.due).await? {
            return self.list_backlog(job, &client, &listed).await;
        }
        match earlier {
            Earlier::Final if !released => {
                let why = format!(
                    "its case was closed for good; `clear-relay cases open {client} --by NAME` opens \
                     another"
                );
                return self.over(job, &client, &why).await;
            }
            Earlier::NotKept { .. } if !released => {
                return self.list_closed(job, &client, &listed).await;
            }
            // The coach was told of the call, once (A23).
            Earlier::Reopening {
                why: Closing::TransitionCall,
                ..
            } if snapshot.status == ClientStatus::TransitionCallOnly => {
                let at = self.tomorrow(self.now());
                let why = "only the transition call is open, and her coach was told".to_owned();
                return self.put_off(job, at, why, self.known_again(&client)).await;
            }
            _ => {}
        }
        self.open_or_look_again(job, &client, listed, snapshot)
            .await
    }

    /// Opens a case, or attaches the check-in to the one that is open; else puts the next look on a
    /// date.
    async fn open_or_look_again(
        &self,
        job: &Job,
        client: &ClientId,
        listed: CheckIn,
        snapshot: ClientSnapshot,
    ) -> Result<(), EngineError> {
        let mut stepping = match self.opening(client, &listed, &snapshot).await? {
            Opening::Opens(stepping) => stepping,
            Opening::Refused { why, learnt } => {
                return self.look_again(job, &listed, &snapshot, why, learnt).await;
            }
            Opening::NoField { why } => return self.without_field(job, client, &why).await,
        };
        for op in self.known_again(client) {
            stepping.push(op);
        }
        stepping.push(Op::FinishJob {
            fence: fence(job),
            end: JobEnd::Done,
            at: self.now(),
        });
        self.commit(MISSED_COMMIT, stepping.into_ops()).await?;
        tracing::info!(job = %job.id, %client, "a check-in was missed");
        Ok(())
    }

    /// No case was opened, for now.
    async fn look_again(
        &self,
        job: &Job,
        listed: &CheckIn,
        client: &ClientSnapshot,
        refused: NotOpened,
        learnt: Vec<Op>,
    ) -> Result<(), EngineError> {
        let now = self.now();
        let NotOpened { reason, look } = refused;
        let mut ops = learnt;
        ops.extend(self.known_again(&client.id));
        match look {
            Look::Never => return self.over(job, &client.id, &reason).await,
            Look::WhileStatus | Look::WhileContactType | Look::AfterBreak(Some(_)) => {}
            Look::AfterBreak(None) => {
                ops.extend(self.tell(self.break_item(listed, client)).await?);
            }
            Look::UnknownWord(word) => ops.extend(self.tell(self.word_item(&word)).await?),
        }
        let at = self.tomorrow(now);
        let why = format!("not followed up for now: {reason}");
        tracing::info!(job = %job.id, client = %client.id, reason, "looked at again tomorrow");
        self.put_off(job, at, why, ops).await
    }

    /// Nobody's contact type can be read: told once for all, and looked at again until it can.
    async fn without_field(
        &self,
        job: &Job,
        client: &ClientId,
        why: &str,
    ) -> Result<(), EngineError> {
        let mut ops = self.known_again(client);
        ops.extend(self.no_field_ops(why).await?);
        let at = soon(self.now());
        self.put_off(job, at, TYPE_UNREADABLE.to_owned(), ops).await
    }

    /// The look has come to its end.
    async fn over(&self, job: &Job, client: &ClientId, why: &str) -> Result<(), EngineError> {
        let why = why.to_owned();
        self.end(job, JobEnd::Cancelled { why }, self.known_again(client))
            .await
    }

    /// The portal answers that it knows no such client: perhaps for a moment.
    async fn nobody_by_that_id(&self, job: &Job, client: &ClientId) -> Result<(), EngineError> {
        let now = self.now();
        let since = job.failing_since.unwrap_or(now);
        let second_day = self.calendar.date_of(since) < self.calendar.date_of(now);
        let mut ops = Vec::new();
        if second_day {
            ops = self.tell(self.nobody_item(client, job)).await?;
        }
        let at = if second_day {
            self.tomorrow(now)
        } else {
            soon(now).min(self.tomorrow(now))
        };
        let message = "the portal answers that it knows no such client";
        let error = JobError::new("permanent", message);
        self.end(job, JobEnd::again(at, error), ops).await
    }

    /// The portal knows the client and does not list the check-in: believed when it says so twice.
    async fn not_listed(
        &self,
        job: &Job,
        client: &ClientId,
        check_in: &CheckInId,
    ) -> Result<(), EngineError> {
        let now = self.now();
        tracing::info!(job = %job.id, %client, %check_in, "not listed by the portal");
        let seen_before = job
            .last_error
            .as_ref()
            .is_some_and(|error| error.class == NOT_LISTED && job.failures > 0);
        if seen_before {
            let why = "the portal no longer lists this check-in";
            return self.over(job, client, why).await;
        }
        let error = JobError::new(NOT_LISTED, "the portal does not list this check-in");
        let end = JobEnd::again(soon(now), error);
        self.end(job, end, self.known_again(client)).await
    }

    /// The portal knows the client: what a person was told of that is settled.
    pub(super) fn known_again(&self, client: &ClientId) -> Vec<Op> {
        vec![Op::SettleWorkByKey {
            dedupe_key: nobody_key(client),
            settled: WorkSettled {
                at: self.now(),
                by: "relay".to_owned(),
                action: "the portal knows her again".to_owned(),
            },
        }]
    }

    /// Opens an item unless it is open, or was settled a short while ago.
    pub(crate) async fn tell(&self, item: WorkItem) -> Result<Vec<Op>, EngineError> {
        let now = self.now();
        let told = self.store.work_by_key(&item.dedupe_key).await?;
        let lately = told.is_some_and(|told| match told.settled {
            None => true,
            Some(settled) => now.duration_since(settled.at).abs() < TOLD_FOR,
        });
        Ok(if lately {
            Vec::new()
        } else {
            self.open_work_ops(item, now)
        })
    }

    /// The start of the next clinic day.
    pub(crate) fn tomorrow(&self, now: Timestamp) -> Timestamp {
        let today = self.calendar.date_of(now);
        self.calendar
            .start_of_day(today.tomorrow().unwrap_or(today))
    }

    fn nobody_item(&self, client: &ClientId, job: &Job) -> WorkItem {
        let title = format!("The portal does not know client {client}, who has a check-in overdue");
        let mut item = self.item(nobody_key(client), "unknown_client", title);
        item.detail = json!({ "client": client, "job": job.id,
            "remedy": "look her up in the portal: if she is there, tell the portal's people that it \
                       answers 404; if she is gone, settle this. The relay looks again every day" });
        item.actions = vec!["done".to_owned()];
        item.client = Some(client.clone());
        item
    }

    fn break_item(&self, listed: &CheckIn, client: &ClientSnapshot) -> WorkItem {
        let who = client.short_name().unwrap_or_else(|| client.id.to_string());
        let title = format!(
            "{who}: on an agreed break without an end, and the check-in due {} is missing",
            listed.due
        );
        let key = format!("break/{}/{}", client.id, listed.id);
        let mut item = self.item(key, "open_break", title);
        item.owner = client
            .coach
            .as_ref()
            .map_or_else(|| self.people.program_manager.clone(), CoachId::to_string);
        item.detail = json!({ "client": client.id, "check_in": listed.id, "due": listed.due,
            "remedy": "enter the last day of the break in the portal, or set the client online \
                       there when the break is over: the follow-up begins by itself" });
        item.actions = vec!["done".to_owned()];
        item.client = Some(client.id.clone());
        item
    }

    fn word_item(&self, word: &str) -> WorkItem {
        // What comes from outside is one short line.
        let word: String = word.chars().filter(|c| !c.is_control()).take(60).collect();
        let title =
            format!("The portal calls clients {word:?}: the relay does not know that status");
        let mut item = self.item(format!("status_word/{word}"), "status_word", title);
        item.detail = json!({ "word": word,
            "remedy": "nobody with this status is followed up. If the portal means one of online, \
                       in_person, on_break, quit, graduated, transition_call_only, have it say so; \
                       if the word is new, update the relay. Each client is looked at again every \
                       day" });
        item.actions = vec!["done".to_owned()];
        item
    }
}

/// The class under which a check-in is remembered that the portal did not list.
const NOT_LISTED: &str = "not_listed";

fn nobody_key(client: &ClientId) -> String {
    format!("unknown_client/{client}")
}

fn soon(now: Timestamp) -> Timestamp {
    now.saturating_add(SOON).unwrap_or(Timestamp::MAX)
}
