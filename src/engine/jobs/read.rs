//! Reads the evidence a step asked for.
//!
//! A history that can't be read is tried again for as long as any read. But where somebody told
//! that she opened or clicked an email, waiting longer tells nothing more: once the read is refused
//! for good, or has not come about for [`PATIENCE`], the decision is made on what was told, if that counts
//! by the procedure's rule. If it doesn't, everything stays as it is without it.

use relay_core::channel::{EngagementEvent, EngagementSource, MailEvidence};
use relay_core::clients::AddressState;
use relay_core::facts::{Fact, FactBody};
use relay_core::ids::{CaseId, ClientId, ContactId};
use relay_core::retry::Class;
use relay_core::time::SignedDuration;
use relay_core::workflow::{Input, ReadKind};
use relay_http_client::CallError;
use relay_store::{Job, JobEnd, Op};

use super::engagement::{is_news, put_all};
use super::{fence, member};
use crate::checkpoint::{READ_CALL, READ_COMMIT};
use crate::effects::link::Linked;
use crate::engine::{Engine, EngineError};

/// How far back mail is read: the decision's own window is never longer (A4).
const MAIL_WINDOW: SignedDuration = SignedDuration::from_hours(24 * 45);

/// How long a history may be unreadable before what was told decides: outages of an hour are
/// common, and the email could not be sent during one either.
const PATIENCE: SignedDuration = SignedDuration::from_hours(4);

/// Of what was told no more than this stands in a record, the newest.
const MOST_TOLD: usize = 50;

impl Engine {
    pub(super) async fn run_read(&self, job: &Job) -> Result<(), EngineError> {
        let id: CaseId = member(job, "case")?;
        let kind: ReadKind = member(job, "read")?;
        let step: String = member(job, "step")?;
        let visit: u32 = member(job, "visit")?;
        let case = self.store.case(id).await?;
        let Some(case) = case
            .filter(|case| !case.status.is_closed() && case.step == step && case.visit == visit)
        else {
            let why = "the case has gone on".to_owned();
            return self.end(job, JobEnd::Cancelled { why }, vec![]).await;
        };
        let linked = self
            .call(READ_CALL, self.linked(&case.client, None))
            .await?;
        let (contact, mut link_ops) = match linked {
            Linked::Contact { contact, ops } => (contact, ops),
            Linked::Nobody { reason, ops } => {
                return self
                    .read_failed(job, id, &case.client, kind, reason, ops)
                    .await;
            }
        };
        let read = match kind {
            ReadKind::MailHistory => self.call(READ_CALL, self.read_mail(&contact)).await,
            ReadKind::Billing => self.call(READ_CALL, self.read_billing(&contact)).await,
        };
        let (body, unread) = match read {
            Ok((body, ops)) => {
                link_ops.extend(ops);
                (body, None)
            }
            Err(EngineError::Call(error)) if self.is_out_of_patience(job, &error) => {
                let told = self.told(&contact, error.to_string()).await?;
                match told.filter(|_| kind == ReadKind::MailHistory) {
                    Some(body) => (body, Some(error)),
                    None => return self.not_read(link_ops, error.into()).await,
                }
            }
            Err(error) => return self.not_read(link_ops, error).await,
        };
        let now = self.now();
        let mut stepping = self.stepping_with_names(&case.client).await?;
        stepping.fact(
            Fact {
                client: case.client.clone(),
                object: format!("{id}/{step}/{visit}"),
                source_time: now,
                body,
            },
            None,
        );
        // What was told does not count: the failure stands.
        if let Some(error) = unread
            && stepping.is_held(id)
        {
            return self.not_read(link_ops, error.into()).await;
        }
        link_ops.push(Op::FinishJob {
            fence: fence(job),
            end: JobEnd::Done,
            at: now,
        });
        for op in link_ops {
            stepping.push(op);
        }
        self.commit(READ_COMMIT, stepping.into_ops()).await?;
        Ok(())
    }

    async fn read_failed(
        &self,
        job: &Job,
        case: CaseId,
        client: &ClientId,
        what: ReadKind,
        reason: String,
        ops: Vec<Op>,
    ) -> Result<(), EngineError> {
        let mut stepping = self.stepping_with_names(client).await?;
        stepping
            .input(
                case,
                &Input::ReadFailed {
                    what,
                    reason: reason.clone(),
                },
            )
            .await?;
        for op in ops {
            stepping.push(op);
        }
        // Parked, not done: once the contact is linked, a replay reads again and the case goes on.
        let error = relay_store::JobError {
            class: "permanent".to_owned(),
            message: reason,
        };
        stepping.push(Op::FinishJob {
            fence: fence(job),
            end: JobEnd::Parked { error },
            at: self.now(),
        });
        self.commit(READ_COMMIT, stepping.into_ops()).await?;
        Ok(())
    }

    /// A read that failed. Whom it was about is known all the same, and stored: what is told of her
    /// from now on finds her case.
    async fn not_read(&self, ops: Vec<Op>, error: EngineError) -> Result<(), EngineError> {
        if !ops.is_empty() {
            self.commit(READ_COMMIT, ops).await?;
        }
        Err(error)
    }

    fn is_out_of_patience(&self, job: &Job, error: &CallError) -> bool {
        // Since it was asked for: a read that a pause keeps from being made has not failed, and the
        // client waits all the same.
        let waited = self.now().duration_since(job.created_at);
        error.class == Class::Permanent || waited >= PATIENCE
    }

    /// What is there without the history: what was told, and the state of her address if that can
    /// be read. `None` if nobody told anything.
    async fn told(
        &self,
        contact: &ContactId,
        why: String,
    ) -> Result<Option<FactBody>, EngineError> {
        let now = self.now();
        let since = now.saturating_sub(MAIL_WINDOW).unwrap_or(now);
        let known = self.store.engagement(contact, since).await?;
        if known.is_empty() {
            return Ok(None);
        }
        let told = newest(known.into_iter().map(|known| known.event));
        let mut evidence = MailEvidence::unread(now, false, why, told);
        match self
            .call(READ_CALL, self.ports.contacts.contact(contact, false))
            .await
        {
            Ok(Some(snapshot)) => {
                evidence.address = snapshot.address;
                evidence.has_phone = snapshot.phone.is_some();
                evidence.address_unread = false;
            }
            Ok(None) => return Ok(None),
            Err(error) => tracing::debug!(%contact, %error, "the address can't be read either"),
        }
        Ok(Some(FactBody::MailRead {
            evidence: Box::new(evidence),
        }))
    }

    async fn read_mail(&self, contact: &ContactId) -> Result<(FactBody, Vec<Op>), EngineError> {
        let now = self.now();
        let since = now.saturating_sub(MAIL_WINDOW).unwrap_or(now);
        let snapshot = self.ports.contacts.contact(contact, false).await?;
        let mut evidence = MailEvidence {
            read_at: now,
            address: AddressState::Missing,
            has_phone: false,
            emails: Vec::new(),
            unreadable: None,
            engagement: Vec::new(),
            address_unread: false,
        };
        let mut ops = Vec::new();
        match snapshot {
            None => evidence.unreadable = Some("the contact no longer exists".to_owned()),
            Some(snapshot) => {
                evidence.address = snapshot.address;
                evidence.has_phone = snapshot.phone.is_some();
                evidence.emails = self.ports.mail.history(contact, since).await?;
                let known = self.store.engagement(contact, since).await?;
                let shown: Vec<_> = evidence
                    .emails
                    .iter()
                    .flat_map(|mail| {
                        EngagementEvent::shown_by(mail, EngagementSource::History, now)
                    })
                    .collect();
                ops = put_all(contact, shown.iter().filter(|event| is_news(event, &known)));
                // What the history shows to the same moment need not stand in the record twice.
                let beside = known.into_iter().map(|known| known.event).filter(|known| {
                    let is_shown = |shown: &EngagementEvent| {
                        known.exact && known.is_same(shown) && known.email == shown.email
                    };
                    !shown.iter().any(is_shown)
                });
                evidence.engagement = newest(beside);
            }
        }
        let evidence = Box::new(evidence);
        Ok((FactBody::MailRead { evidence }, ops))
    }

    async fn read_billing(&self, contact: &ContactId) -> Result<(FactBody, Vec<Op>), EngineError> {
        let snapshot = self
            .ports
            .contacts
            .contact(contact, true)
            .await?
            .ok_or_else(|| super::missing("read billing", "the contact no longer exists"))?;
        let billing = self.ports.billing.snapshot(contact).await?;
        let body = FactBody::BillingRead {
            twins: snapshot.twins,
            billing: Box::new(billing),
        };
        Ok((body, Vec::new()))
    }
}

/// The newest of what was told, oldest first.
fn newest(told: impl Iterator<Item = EngagementEvent>) -> Vec<EngagementEvent> {
    let mut told: Vec<_> = told.collect();
    told.sort();
    told.split_off(told.len().saturating_sub(MOST_TOLD))
}
