//! What people do: decide about cases, settle work items, order, stop, link.
//!
//! Every command writes the audit log in the same batch as what it changes, and refuses with a
//! sentence that says what would work. What can refuse a command stands in one function that its
//! dry run asks as well (`deciding`, `ordering`, `settling`, `check_…`): a dry run that promised
//! what the command then refuses would have promised it to somebody.

use relay_core::facts::{CallOutcome, Fact, FactBody, Order};
use relay_core::ids::{CaseId, ClientId, ContactId, JobId, MessageId};
use relay_core::time::{Date, Timestamp};
use relay_core::workflow::Action;
use relay_store::{
    AuditEntry, CarefulWord, Effect, EffectState, JobFilter, JobState, Link, Op, Page, Said, Store,
    StoreError, WorkSettled,
};
use serde_json::{Value, json};

use crate::effects::link::pair_key;
use crate::engine::JobKind;
use crate::engine::conversation::Decided;
use crate::engine::{Engine, EngineError};
use crate::failpoint::SETTLE;
use crate::remedy::Run;

/// How often a command is decided again while the case keeps moving.
const TRIES: usize = 8;

pub(super) fn refused<T>(text: impl Into<String>) -> Result<T, EngineError> {
    Err(EngineError::Refused(text.into()))
}

impl Engine {
    pub(crate) fn audit(
        &self,
        who: &str,
        what: &str,
        object: &str,
        detail: serde_json::Value,
    ) -> Op {
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
        self.decide_case_after(id, by, action, &[], &[]).await
    }

    /// The same by somebody who was shown these messages, with `first` in the same batch and before
    /// what the case does. Where she must be shown more first, that is stored, and her decision is
    /// refused.
    pub(super) async fn decide_case_after(
        &self,
        id: CaseId,
        by: &str,
        action: Action,
        shown: &[MessageId],
        first: &[Op],
    ) -> Result<(), EngineError> {
        for _ in 0..TRIES {
            let Decided {
                mut stepping,
                refused: not_yet,
            } = self.deciding(id, by, &action, shown, first).await?;
            if not_yet.is_none() {
                let detail = serde_json::to_value(&action).unwrap_or_default();
                stepping.push(self.audit(by, "case", &id.to_string(), detail));
            }
            match self.commit(SETTLE, stepping.into_ops()).await {
                Err(error) if error.is_conflict() => {}
                other => {
                    self.wake.notify_one();
                    other?;
                    return not_yet.map_or(Ok(()), refused);
                }
            }
        }
        refused("the case keeps moving; try again")
    }

    /// The step that a decision makes, not stored yet; refused where it would make none. The dry
    /// run asks the same.
    pub(super) async fn deciding(
        &self,
        id: CaseId,
        by: &str,
        action: &Action,
        shown: &[MessageId],
        first: &[Op],
    ) -> Result<Decided<'_>, EngineError> {
        let Some(case) = self.store.case(id).await? else {
            return refused(format!(
                "there is no case {id}; `{}` shows them",
                Run::CasesList
            ));
        };
        let read = self.read_before(&case, action).await?;
        let decided = self.decided(&case, by, action, &read, shown, first).await?;
        if decided.refused.is_some() && !first.is_empty() {
            // What her word would have settled is still to be settled.
            return self.decided(&case, by, action, &read, shown, &[]).await;
        }
        Ok(decided)
    }

    /// Whether [`order`](Self::order) would be carried out now.
    pub async fn check_order(
        &self,
        client: &ClientId,
        by: &str,
        order: &Order,
    ) -> Result<(), EngineError> {
        self.ordering(client, by, order).await.map(|_| ())
    }

    /// Orders something for a client. Returns the case that carries it out.
    pub async fn order(
        &self,
        client: &ClientId,
        by: &str,
        order: Order,
    ) -> Result<CaseId, EngineError> {
        let (case, mut ops) = self.ordering(client, by, &order).await?;
        let detail = serde_json::to_value(&order).unwrap_or_default();
        ops.push(self.audit(by, "order", client.as_str(), detail));
        self.commit(SETTLE, ops).await?;
        self.wake.notify_one();
        Ok(case)
    }

    /// What an order stores, and the case that it opens; refused where it opens none, before
    /// anything is stored.
    async fn ordering(
        &self,
        client: &ClientId,
        by: &str,
        order: &Order,
    ) -> Result<(CaseId, Vec<Op>), EngineError> {
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
        let mut stepping = self.stepping(client).await?;
        stepping.fact(fact, None);
        if let Some(refusal) = stepping.not_opened.first() {
            return refused(refusal.reason.clone());
        }
        let ops = stepping.into_ops();
        let opened = ops.iter().find_map(|op| match op {
            Op::InsertCase(case) => Some(case.id),
            _ => None,
        });
        match opened {
            Some(case) => Ok((case, ops)),
            None => refused(format!(
                "the same order is under way already; `{}` shows it",
                Run::CasesList
            )),
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

    /// Whether a client may be linked to a contact. The dry run asks the same.
    pub async fn check_link(
        &self,
        client: &ClientId,
        contact: &ContactId,
    ) -> Result<(), EngineError> {
        self.linking(client, contact).await.map(|_| ())
    }

    /// The same; the setting that remembers a person's word for this pair of addresses.
    async fn linking(&self, client: &ClientId, contact: &ContactId) -> Result<String, EngineError> {
        let Some(in_crm) = self.ports.contacts.contact(contact, false).await? else {
            return refused(format!("the CRM knows no contact {contact}"));
        };
        let Some(in_portal) = self.ports.portal.client(client).await? else {
            return refused(format!("the portal knows no client {client}"));
        };
        // One contact, two clients: the messages of one would reach the other.
        if let Some(taken) = self.taken(client, contact).await? {
            return refused(format!(
                "{taken}: link that client to her own contact first"
            ));
        }
        let (told, used) = (in_portal.email.as_deref(), in_crm.email.as_deref());
        Ok(pair_key(client, told, used))
    }

    /// Links a client to a contact by a person's word, and takes up what waited for it.
    pub async fn link_client(
        &self,
        client: &ClientId,
        contact: &ContactId,
        by: &str,
    ) -> Result<(), EngineError> {
        let pair = self.linking(client, contact).await?;
        let now = self.now();
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
            // Whoever links them says that the contact's address is hers, whatever the portal has.
            Op::PutSetting {
                key: pair,
                value: json!({ "by": by, "at": now }),
            },
            self.audit(by, "link", client.as_str(), json!({ "contact": contact })),
        ];
        let filter = JobFilter {
            states: vec![JobState::Parked],
            kind: Some(JobKind::Read.name().to_owned()),
            client: Some(client.clone()),
            ..JobFilter::default()
        };
        for job in self.store.jobs(&filter, Page::default()).await? {
            ops.push(Op::ReplayJob {
                id: job.id,
                at: now,
            });
        }
        let mut stepping = self.stepping(client).await?;
        if self.knows_gone(client, None).await? {
            // What waited for a contact that was gone has one that is there.
            stepping.fact(
                self.contact_fact(client, contact, FactBody::ContactSeen),
                None,
            );
        }
        ops.extend(self.clear_doubt(contact).await?);
        for op in ops {
            stepping.push(op);
        }
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
}

/// The setting that says whether outreach is stopped, since when, by whom and why.
pub const OUTREACH: &str = CarefulWord::Outreach.key();

/// Whether the setting says that outreach is stopped. Anything but a plain no is a yes: one that says
/// neither has been damaged, and may have said so.
pub fn is_stopped(setting: Option<&Value>) -> bool {
    setting.is_some_and(|value| value["stopped"] != false)
}

/// What somebody has said of outreach, for [`is_stopped`]. A word that can't be read was said all the
/// same.
pub async fn outreach_said(store: &dyn Store) -> Result<Option<Value>, StoreError> {
    CarefulWord::Outreach.ask(store).await.map(in_words)
}

/// The same where no setting has the word's name.
pub(crate) async fn outreach_said_nameless(store: &dyn Store) -> Result<Option<Value>, StoreError> {
    let said = CarefulWord::Outreach.among_nameless(store).await;
    said.map(in_words)
}

fn in_words(said: Said) -> Option<Value> {
    match said {
        Said::Nothing => None,
        Said::Word(value) => Some(value),
        Said::Unreadable(_) => Some(Value::Null),
    }
}

/// Since when outreach is stopped; `None` if it may go on. One whose time can't be read is stopped
/// all the same, since ever.
pub async fn stopped_since(store: &dyn Store) -> Result<Option<Timestamp>, StoreError> {
    let setting = outreach_said(store).await?;
    let stopped = setting.filter(|setting| is_stopped(Some(setting)));
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
