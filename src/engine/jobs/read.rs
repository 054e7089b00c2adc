//! Reads the evidence a step asked for.

use relay_core::channel::MailEvidence;
use relay_core::clients::AddressState;
use relay_core::facts::{Fact, FactBody};
use relay_core::ids::{CaseId, ClientId, ContactId};
use relay_core::time::SignedDuration;
use relay_core::workflow::{Input, ReadKind};
use relay_store::{Job, JobEnd, Op};

use super::{fence, member};
use crate::checkpoint::{READ_CALL, READ_COMMIT};
use crate::effects::link::Linked;
use crate::engine::{Engine, EngineError};

/// How far back mail is read: the decision's own window is never longer (A4).
const MAIL_WINDOW: SignedDuration = SignedDuration::from_hours(24 * 45);

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
        let body = match kind {
            ReadKind::MailHistory => self.call(READ_CALL, self.read_mail(&contact)).await?,
            ReadKind::Billing => self.call(READ_CALL, self.read_billing(&contact)).await?,
        };
        let now = self.now();
        let mut stepping = self.stepping(&case.client).await?;
        stepping.fact(
            Fact {
                client: case.client.clone(),
                object: format!("{id}/{step}/{visit}"),
                source_time: now,
                body,
            },
            None,
        );
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
        let mut stepping = self.stepping(client).await?;
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

    async fn read_mail(&self, contact: &ContactId) -> Result<FactBody, EngineError> {
        let now = self.now();
        let since = now.saturating_sub(MAIL_WINDOW).unwrap_or(now);
        let snapshot = self.ports.contacts.contact(contact, false).await?;
        let evidence = match snapshot {
            None => MailEvidence {
                read_at: now,
                address: AddressState::Missing,
                has_phone: false,
                emails: Vec::new(),
                unreadable: Some("the contact no longer exists".to_owned()),
            },
            Some(snapshot) => MailEvidence {
                read_at: now,
                address: snapshot.address,
                has_phone: snapshot.phone.is_some(),
                emails: self.ports.mail.history(contact, since).await?,
                unreadable: None,
            },
        };
        Ok(FactBody::MailRead {
            evidence: Box::new(evidence),
        })
    }

    async fn read_billing(&self, contact: &ContactId) -> Result<FactBody, EngineError> {
        let snapshot = self
            .ports
            .contacts
            .contact(contact, true)
            .await?
            .ok_or_else(|| super::missing("read billing", "the contact no longer exists"))?;
        let billing = self.ports.billing.snapshot(contact).await?;
        Ok(FactBody::BillingRead {
            twins: snapshot.twins,
            billing: Box::new(billing),
        })
    }
}
