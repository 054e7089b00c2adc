//! What people do: decide about cases, settle work items, order, stop, link.
//!
//! Every command writes the audit log in the same batch as what it changes, and refuses with a
//! sentence that says what would work.

use relay_core::effects::Settled;
use relay_core::facts::{CallOutcome, Fact, FactBody, Order};
use relay_core::ids::{CaseId, ClientId, ContactId, JobId, WorkItemId};
use relay_core::time::{Date, Timestamp};
use relay_core::workflow::{Action, Input};
use relay_store::{
    AuditEntry, Effect, EffectState, JobFilter, JobState, Link, Op, Page, Store, StoreError,
    WorkItem, WorkSettled,
};
use serde_json::json;

use crate::checkpoint::SETTLE;
use crate::effects::settle::Ending;
use crate::engine::jobs::missed_check;
use crate::engine::replay::Preview;
use crate::engine::{Engine, EngineError};

/// How often a command is decided again while the case keeps moving.
const TRIES: usize = 8;

fn refused<T>(text: impl Into<String>) -> Result<T, EngineError> {
    Err(EngineError::Refused(text.into()))
}

impl Engine {
    fn audit(&self, who: &str, what: &str, object: &str, detail: serde_json::Value) -> Op {
        Op::Audit(AuditEntry {
            at: self.now(),
            who: who.to_owned(),
            what: what.to_owned(),
            object: object.to_owned(),
            detail,
        })
    }

    /// Carries out a person's decision about a case.
    pub async fn decide_case(
        &self,
        id: CaseId,
        by: &str,
        action: Action,
    ) -> Result<(), EngineError> {
        self.decide_case_after(id, by, action, &[]).await
    }

    /// The same, with `first` in the same batch and before what the case does.
    async fn decide_case_after(
        &self,
        id: CaseId,
        by: &str,
        action: Action,
        first: &[Op],
    ) -> Result<(), EngineError> {
        for _ in 0..TRIES {
            let Some(case) = self.store.case(id).await? else {
                return refused(format!("there is no case {id}; `cases list` shows them"));
            };
            let mut stepping = self.stepping(&case.client).await?;
            let input = Input::Person {
                by: by.to_owned(),
                action: action.clone(),
            };
            for op in first {
                stepping.push(op.clone());
            }
            stepping.input(id, &input).await?;
            if !stepping.has_moved() {
                return refused(format!(
                    "this does not apply to a case that is {} in step {}; `cases show {id}` tells \
                     what it waits for",
                    case.status.as_str(),
                    case.step
                ));
            }
            let detail = serde_json::to_value(&action).unwrap_or_default();
            stepping.push(self.audit(by, "case", &id.to_string(), detail));
            match self.commit(SETTLE, stepping.into_ops()).await {
                Err(error) if error.is_conflict() => {}
                other => {
                    self.wake.notify_one();
                    return other.map(|_| ());
                }
            }
        }
        refused("the case keeps moving; try again")
    }

    /// Orders something for a client. Returns the case that carries it out.
    pub async fn order(
        &self,
        client: &ClientId,
        by: &str,
        order: Order,
    ) -> Result<CaseId, EngineError> {
        let now = self.now();
        let fact = Fact {
            client: client.clone(),
            object: JobId::new(self.random.as_ref(), now).to_string(),
            source_time: now,
            body: FactBody::Ordered {
                by: by.to_owned(),
                order: order.clone(),
            },
        };
        let before: Vec<CaseId> = self
            .store
            .open_cases(client)
            .await?
            .iter()
            .map(|case| case.id)
            .collect();
        let mut stepping = self.stepping(client).await?;
        stepping.fact(fact, None);
        if let Some(reason) = stepping.not_opened.first() {
            return refused(reason.clone());
        }
        let detail = serde_json::to_value(&order).unwrap_or_default();
        stepping.push(self.audit(by, "order", client.as_str(), detail));
        self.commit(SETTLE, stepping.into_ops()).await?;
        self.wake.notify_one();
        let opened = self.store.open_cases(client).await?;
        match opened.iter().find(|case| !before.contains(&case.id)) {
            Some(case) => Ok(case.id),
            None => refused("the same order is under way already; `cases list` shows it"),
        }
    }

    /// Halts all outreach at once, or lets it go on.
    pub async fn set_stopped(
        &self,
        stopped: bool,
        by: &str,
        reason: Option<&str>,
    ) -> Result<(), EngineError> {
        self.commit(SETTLE, stop_ops(stopped, by, reason, self.now()))
            .await?;
        self.wake.notify_one();
        Ok(())
    }

    /// Links a client to a contact by a person's word, and takes up what waited for it.
    pub async fn link_client(
        &self,
        client: &ClientId,
        contact: &ContactId,
        by: &str,
    ) -> Result<(), EngineError> {
        let now = self.now();
        if self.ports.contacts.contact(contact, false).await?.is_none() {
            return refused(format!("the CRM knows no contact {contact}"));
        }
        if self.ports.portal.client(client).await?.is_none() {
            return refused(format!("the portal knows no client {client}"));
        }
        // One contact, two clients: the messages of one would reach the other.
        let taken = self.store.clients_of(contact).await?;
        if let Some(other) = taken.iter().find(|taken| *taken != client) {
            return refused(format!(
                "contact {contact} is client {other} already: link {other} to her own contact first"
            ));
        }
        let mut ops = vec![
            Op::PutLink(Link {
                client: client.clone(),
                contact: contact.clone(),
                source: format!("person:{by}"),
                at: now,
            }),
            Op::SettleWorkByKey {
                dedupe_key: format!("link/{client}"),
                settled: WorkSettled {
                    at: now,
                    by: by.to_owned(),
                    action: "linked".to_owned(),
                },
            },
            self.audit(by, "link", client.as_str(), json!({ "contact": contact })),
        ];
        let filter = JobFilter {
            states: vec![JobState::Parked],
            kind: Some("read".to_owned()),
            client: Some(client.clone()),
            ..JobFilter::default()
        };
        for job in self.store.jobs(&filter, Page::default()).await? {
            ops.push(Op::ReplayJob {
                id: job.id,
                at: now,
            });
        }
        self.commit(SETTLE, ops).await?;
        self.wake.notify_one();
        Ok(())
    }

    /// Settles a work item by one of its actions. `text` is what the action needs: a date for
    /// `promised`, a reason for `close`, an outcome for `call_outcome`.
    pub async fn settle_work(
        &self,
        id: WorkItemId,
        by: &str,
        action: &str,
        text: Option<&str>,
    ) -> Result<(), EngineError> {
        let Some(item) = self.store.work_item(id).await? else {
            return refused(format!(
                "there is no work item {id}; `work list` shows them"
            ));
        };
        if let Some(settled) = &item.settled {
            return refused(format!(
                "settled already by {} ({})",
                settled.by, settled.action
            ));
        }
        if !item.actions.iter().any(|known| known == action) {
            return refused(format!(
                "{action} is not one of this item's actions: {}",
                item.actions.join(", ")
            ));
        }
        let now = self.now();
        let settle = Op::SettleWork {
            id,
            settled: WorkSettled {
                at: now,
                by: by.to_owned(),
                action: action.to_owned(),
            },
        };
        let audit = self.audit(by, "work", &id.to_string(), json!({ "action": action }));
        match item.kind.as_str() {
            "dead_job" | "held" => self.settle_dead(&item, by, action).await,
            "unsettled" => {
                self.settle_unsettled(&item, action, vec![settle, audit])
                    .await
            }
            "backlog" => {
                self.settle_backlog(&item, action, vec![settle, audit])
                    .await
            }
            "connection" | "alarm" | "billing" | "link" | "stale" => {
                self.commit(SETTLE, vec![settle, audit]).await.map(|_| ())
            }
            _ => self.settle_case_item(&item, by, action, text, settle).await,
        }
    }

    /// An item that a step opened: its action is a decision about the case, which settles it.
    async fn settle_case_item(
        &self,
        item: &WorkItem,
        by: &str,
        action: &str,
        text: Option<&str>,
        settle: Op,
    ) -> Result<(), EngineError> {
        let audit = self.audit(
            by,
            "work",
            &item.id.to_string(),
            json!({ "action": action }),
        );
        let decision = parse_action(action, text)?;
        if decision.is_none() && action != "done" {
            // Settling the item alone would leave its case waiting for nobody.
            return refused(format!("the relay can't carry out {action} for this item"));
        }
        match (item.case, decision) {
            // Settled before the case moves: what it no longer asks, it settles in its own name.
            (Some(case), Some(decision)) => {
                self.decide_case_after(case, by, decision, &[settle, audit])
                    .await
            }
            _ => self.commit(SETTLE, vec![settle, audit]).await.map(|_| ()),
        }
    }

    async fn settle_dead(
        &self,
        item: &WorkItem,
        by: &str,
        action: &str,
    ) -> Result<(), EngineError> {
        let job: JobId = detail(item, "job")?;
        // Both settle this item, by its key.
        if action == "cancel" {
            return self.cancel_job(job, by).await;
        }
        match self.replay(job, by).await? {
            Preview::Nothing { why } | Preview::NeedsYou { why } => {
                refused(format!("it can't be replayed: {why}"))
            }
            _ => Ok(()),
        }
    }

    /// A person says whether an effect that can't be probed happened.
    async fn settle_unsettled(
        &self,
        item: &WorkItem,
        action: &str,
        ops: Vec<Op>,
    ) -> Result<(), EngineError> {
        let job: JobId = detail(item, "job")?;
        let Some(key) = &item.effect else {
            return refused("the item names no effect");
        };
        let Some(effect) = self.store.effect(key).await? else {
            return refused("the effect is not stored");
        };
        if effect.state != EffectState::Unsettled {
            return refused(format!(
                "this is answered already: the effect is {}",
                effect.state.as_str()
            ));
        }
        if action == "send" {
            return self.plan_again(&effect, job, ops).await;
        }
        let now = self.now();
        let mut stepping = self.stepping(&effect.planned.client).await?;
        for op in ops {
            stepping.push(op);
        }
        let at = effect.intended_at.unwrap_or(now);
        let settled = Settled::Done {
            at,
            vendor_ref: None,
            by_probe: false,
        };
        let ending = Ending::new(EffectState::Done, settled);
        self.end_effect(&mut stepping, &effect, &[EffectState::Unsettled], ending)
            .await?;
        let why = "a person has seen that it happened".to_owned();
        stepping.push(Op::CancelJob {
            id: job,
            why,
            at: now,
        });
        self.commit(SETTLE, stepping.into_ops()).await?;
        self.wake.notify_one();
        Ok(())
    }

    /// Back to the guard, by a person's decision.
    pub(crate) async fn plan_again(
        &self,
        effect: &Effect,
        job: JobId,
        mut ops: Vec<Op>,
    ) -> Result<(), EngineError> {
        ops.push(self.back_to_planned(effect, EffectState::Unsettled));
        ops.push(Op::ReplayJob {
            id: job,
            at: self.now(),
        });
        self.commit(SETTLE, ops).await?;
        self.wake.notify_one();
        Ok(())
    }

    async fn settle_backlog(
        &self,
        item: &WorkItem,
        action: &str,
        mut ops: Vec<Op>,
    ) -> Result<(), EngineError> {
        if action == "release" {
            let id: JobId = detail(item, "job")?;
            let Some(job) = self.store.job(id).await? else {
                return refused("its job is no longer stored");
            };
            ops.push(missed_check::release(&job, self.now()));
        }
        self.commit(SETTLE, ops).await?;
        self.wake.notify_one();
        Ok(())
    }
}

/// The setting that says whether outreach is stopped, since when, by whom and why.
pub const OUTREACH: &str = "outreach";

/// Since when outreach is stopped; `None` if it may go on. One whose time can't be read is stopped
/// all the same, since ever.
pub async fn stopped_since(store: &dyn Store) -> Result<Option<Timestamp>, StoreError> {
    let setting = store.setting(OUTREACH).await?;
    let stopped = setting.filter(|setting| setting["stopped"] == json!(true));
    Ok(stopped.map(|setting| {
        let at = serde_json::from_value(setting["at"].clone());
        at.unwrap_or(Timestamp::UNIX_EPOCH)
    }))
}

/// What halts all outreach, or lets it go on. Needs nothing but the database, so that it works
/// when nothing else does.
pub fn stop_ops(stopped: bool, by: &str, reason: Option<&str>, at: Timestamp) -> Vec<Op> {
    let what = if stopped { "stop" } else { "resume" };
    vec![
        Op::PutSetting {
            key: OUTREACH.to_owned(),
            value: json!({ "stopped": stopped, "by": by, "at": at, "reason": reason }),
        },
        Op::Audit(AuditEntry {
            at,
            who: by.to_owned(),
            what: what.to_owned(),
            object: "outreach".to_owned(),
            detail: json!({ "reason": reason }),
        }),
    ]
}

fn detail<T: serde::de::DeserializeOwned>(item: &WorkItem, name: &str) -> Result<T, EngineError> {
    serde_json::from_value(item.detail[name].clone())
        .map_err(|error| EngineError::Refused(format!("the item's {name} can't be read: {error}")))
}

/// The decision behind an action's name; `None` for one that only settles its item.
pub fn parse_action(action: &str, text: Option<&str>) -> Result<Option<Action>, EngineError> {
    let reason = || text.unwrap_or("by a person's decision").to_owned();
    Ok(Some(match action {
        "resume" => Action::Resume,
        "close" => Action::Close { reason: reason() },
        "pause" => Action::Pause { reason: reason() },
        "done_by_hand" => Action::DoneByHand,
        "send_anyway" => Action::SendAnyway,
        "skip" => Action::Skip,
        "promised" => {
            let until = text.and_then(|text| text.parse::<Date>().ok());
            let Some(until) = until else {
                return refused("promised needs a date: --with 2026-11-30");
            };
            Action::Promised { until }
        }
        "call_outcome" => match text.and_then(call_outcome) {
            Some(outcome) => Action::CallOutcome { outcome },
            None => {
                return refused(
                    "call_outcome needs what came of it: spoke, voicemail, no answer or wrong number",
                );
            }
        },
        other => match call_outcome(other) {
            Some(outcome) => Action::CallOutcome { outcome },
            None => return Ok(None),
        },
    }))
}

/// An outcome as it is written in the task (`no answer`) or as a name (`no_answer`).
fn call_outcome(text: &str) -> Option<CallOutcome> {
    let words = text.trim().to_lowercase().replace('_', " ");
    CallOutcome::ALL.into_iter().find(|o| o.as_str() == words)
}
