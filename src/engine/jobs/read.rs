//! Reads the evidence a step asked for.
//!
//! A history that can't be read is tried again for as long as any read. But where somebody told
//! that she opened or clicked an email, waiting longer tells nothing more: once the read is refused
//! for good, or has not come about for [`PATIENCE`], the decision is made on what was told, if that counts
//! by the procedure's rule. If it doesn't, everything stays as it is without it.
//!
//! Without a CRM there is no history and nobody tells: that is the answer, at once.

use relay_core::case::Case;
use relay_core::channel::{EngagementEvent, EngagementSource, MailEvidence};
use relay_core::clients::ContactSnapshot;
use relay_core::effects::Port;
use relay_core::facts::{Fact, FactBody};
use relay_core::ids::{CaseId, ClientId, ContactId};
use relay_core::outside;
use relay_core::rate_limit::Priority;
use relay_core::retry::Class;
use relay_core::time::{SignedDuration, Timestamp, earlier};
use relay_core::workflow::{Input, ReadKind};
use relay_http_client::CallError;
use relay_store::{Job, JobEnd, Op};

use crate::engine::finish::{fence, member};
use crate::engine::job_kinds::{Asks, Cancelling, Death, JobSpec};
use crate::engine::link::Linked;
use crate::engine::stepper::names;
use crate::engine::sync::engagement::{is_news, put_all};
use crate::engine::sync::presence;
use crate::engine::sync::presence::{IN_DOUBT, Presence};
use crate::engine::{Engine, EngineError, clock, finish, link};
use crate::failpoint::{READ_CALL, READ_COMMIT};

/// How far back mail is read: the decision's own window is never longer (A4).
const MAIL_WINDOW: SignedDuration = SignedDuration::from_hours(24 * 45);

/// How long a history may be unreadable before what was told decides: outages of an hour are
/// common, and the email could not be sent during one either.
const PATIENCE: SignedDuration = SignedDuration::from_hours(4);

/// Of what was told no more than this stands in a record, the newest.
const MOST_TOLD: usize = 50;

/// The row of this kind.
pub(super) const SPEC: JobSpec = JobSpec {
    schedule: None,
    // What is decided on it goes to a client, or stops money.
    asks: Asks::Of(Priority::Deadline, &[Port::Crm]),
    lost,
    death: Death::FailsItsRead,
    cancelling: Cancelling::NotWhileCaseIsOpen {
        instead: "its case waits for what it reads: replay it (`clear-relay jobs replay JOB --by NAME`), \
                  or close the case (`clear-relay cases close CASE --by NAME --reason TEXT`)",
    },
    run: |engine, job| Box::pin(run_read(engine, job)),
};

fn lost(job: &Job) -> String {
    let what = member::<ReadKind>(job, "read").ok();
    match what {
        Some(ReadKind::MailHistory) => "The client's emails could not be read in the CRM",
        Some(ReadKind::Billing) => "What the client pays for could not be read in the CRM",
        None => "Something that was needed could not be read in the CRM",
    }
    .to_owned()
}

pub(super) async fn run_read(engine: &Engine, job: &Job) -> Result<(), EngineError> {
    let id: CaseId = member(job, "case")?;
    let kind: ReadKind = member(job, "read")?;
    let step: String = member(job, "step")?;
    let visit: u32 = member(job, "visit")?;
    let case = engine.store.case(id).await?;
    let Some(case) =
        case.filter(|case| !case.status.is_closed() && case.step == step && case.visit == visit)
    else {
        let why = "the case has gone on".to_owned();
        return finish::end(engine, job, JobEnd::Cancelled { why }, vec![]).await;
    };
    if kind == ReadKind::MailHistory && engine.ports.not_offered().crm {
        return nobody_tells(engine, job, id, &case).await;
    }
    let linked = engine
        .call(READ_CALL, link::linked(engine, &case.client, None))
        .await?;
    let (contact, mut link_ops) = match linked {
        Linked::Contact { contact, ops } => (contact, ops),
        Linked::Nobody { reason, ops } => {
            return read_failed(engine, job, id, &case.client, kind, reason, ops).await;
        }
    };
    let read = match engine
        .call(READ_CALL, read_contact(engine, &contact, kind))
        .await
    {
        Ok(Evidence::Read(body, ops)) => Ok((body, ops)),
        // Nothing is decided on one answer that does not know her.
        Ok(Evidence::Doubtful(again, ops)) => {
            link_ops.extend(ops);
            return finish::put_off(engine, job, again, IN_DOUBT.to_owned(), link_ops).await;
        }
        Ok(Evidence::Gone(ops)) => Ok((FactBody::ContactGone, ops)),
        Err(error) => Err(error),
    };
    let (body, unread) = match read {
        Ok((body, ops)) => {
            link_ops.extend(ops);
            (body, None)
        }
        Err(EngineError::Call(error)) if is_out_of_patience(engine, job, &error) => {
            let told = told(engine, &contact, error.to_string()).await?;
            match told.filter(|_| kind == ReadKind::MailHistory) {
                Some(body) => (body, Some(error)),
                None => return not_read(engine, link_ops, error.into()).await,
            }
        }
        Err(error) => return not_read(engine, link_ops, error).await,
    };
    if let Some(apart) = clock::clocks_apart(engine).await? {
        return clock::wait_for_clock(engine, job, &apart, link_ops).await;
    }
    let now = engine.now();
    let mut stepping = names::stepping_with_names(engine, &case.client).await?;
    let object = match body {
        FactBody::ContactGone => contact.to_string(),
        _ => format!("{id}/{step}/{visit}"),
    };
    let fact = Fact {
        client: case.client.clone(),
        object,
        source_time: now,
        body,
    };
    stepping.fact(fact, None);
    // What was told does not count: the failure stands.
    if let Some(error) = unread
        && stepping.is_held(id)
    {
        return not_read(engine, link_ops, error.into()).await;
    }
    link_ops.push(Op::FinishJob {
        fence: fence(job),
        end: JobEnd::Done,
        at: now,
    });
    for op in link_ops {
        stepping.push(op);
    }
    engine.commit(READ_COMMIT, stepping.into_ops()).await?;
    Ok(())
}

/// There is nothing to read: what the portal has on file says how she can be reached.
async fn nobody_tells(
    engine: &Engine,
    job: &Job,
    id: CaseId,
    case: &Case,
) -> Result<(), EngineError> {
    let asked = engine.ports.portal.client(&case.client);
    let Some(told) = engine.call(READ_CALL, asked).await? else {
        let records = engine.ports.records().words();
        let reason = format!("{records} knows no such client");
        let kind = ReadKind::MailHistory;
        return read_failed(engine, job, id, &case.client, kind, reason, Vec::new()).await;
    };
    if let Some(apart) = clock::clocks_apart(engine).await? {
        return clock::wait_for_clock(engine, job, &apart, Vec::new()).await;
    }
    let now = engine.now();
    let has_address = told.email.is_some_and(|email| !email.trim().is_empty());
    let has_phone = told.phone.as_deref().and_then(outside::phone).is_some();
    let evidence = Box::new(MailEvidence::not_told(now, has_address, has_phone));
    let mut stepping = names::stepping_with_names(engine, &case.client).await?;
    let fact = Fact {
        client: case.client.clone(),
        object: format!("{id}/{}/{}", case.step, case.visit),
        source_time: now,
        body: FactBody::MailRead { evidence },
    };
    stepping.fact(fact, None);
    stepping.push(Op::FinishJob {
        fence: fence(job),
        end: JobEnd::Done,
        at: now,
    });
    engine.commit(READ_COMMIT, stepping.into_ops()).await?;
    Ok(())
}

async fn read_failed(
    engine: &Engine,
    job: &Job,
    case: CaseId,
    client: &ClientId,
    what: ReadKind,
    reason: String,
    ops: Vec<Op>,
) -> Result<(), EngineError> {
    let mut stepping = names::stepping_with_names(engine, client).await?;
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
    let error = relay_store::JobError::new("permanent", reason);
    stepping.push(Op::FinishJob {
        fence: fence(job),
        end: JobEnd::Parked { error },
        at: engine.now(),
    });
    engine.commit(READ_COMMIT, stepping.into_ops()).await?;
    Ok(())
}

/// A read that failed. Whom it was about is known all the same, and stored: what is told of her
/// from now on finds her case.
async fn not_read(engine: &Engine, ops: Vec<Op>, error: EngineError) -> Result<(), EngineError> {
    if !ops.is_empty() {
        engine.commit(READ_COMMIT, ops).await?;
    }
    Err(error)
}

fn is_out_of_patience(engine: &Engine, job: &Job, error: &CallError) -> bool {
    // Since it was asked for: a read that a pause keeps from being made has not failed, and the
    // client waits all the same.
    let waited = engine.now().duration_since(job.created_at);
    error.class == Class::Permanent || waited >= PATIENCE
}

/// What is there without the history: what was told, and the state of her address if that can
/// be read. `None` if nobody told anything.
async fn told(
    engine: &Engine,
    contact: &ContactId,
    why: String,
) -> Result<Option<FactBody>, EngineError> {
    let now = engine.now();
    let since = earlier(now, MAIL_WINDOW);
    let known = engine.store.engagement(contact, since).await?;
    if known.is_empty() {
        return Ok(None);
    }
    let told = newest(known.into_iter().map(|known| known.event));
    let mut evidence = MailEvidence::unread(now, false, why, told);
    match engine
        .call(READ_CALL, engine.ports.contacts.contact(contact, false))
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

async fn read_contact(
    engine: &Engine,
    contact: &ContactId,
    kind: ReadKind,
) -> Result<Evidence, EngineError> {
    let with_twins = kind == ReadKind::Billing;
    let (presence, mut ops) = presence::look_at_contact(engine, contact, with_twins).await?;
    let snapshot = match presence {
        Presence::There(snapshot) => snapshot,
        Presence::Doubtful { again } => return Ok(Evidence::Doubtful(again, ops)),
        Presence::Gone => return Ok(Evidence::Gone(ops)),
    };
    let body = match kind {
        ReadKind::MailHistory => {
            let (body, more) = read_mail(engine, contact, *snapshot).await?;
            ops.extend(more);
            body
        }
        ReadKind::Billing => FactBody::BillingRead {
            twins: snapshot.twins,
            billing: Box::new(engine.ports.billing.snapshot(contact).await?),
        },
    };
    Ok(Evidence::Read(body, ops))
}

async fn read_mail(
    engine: &Engine,
    contact: &ContactId,
    snapshot: ContactSnapshot,
) -> Result<(FactBody, Vec<Op>), EngineError> {
    let now = engine.now();
    let since = earlier(now, MAIL_WINDOW);
    let emails = engine.ports.mail.history(contact, since).await?;
    let known = engine.store.engagement(contact, since).await?;
    let shown: Vec<_> = emails
        .iter()
        .flat_map(|mail| EngagementEvent::shown_by(mail, EngagementSource::History, now))
        .collect();
    let ops = put_all(contact, shown.iter().filter(|event| is_news(event, &known)));
    // What the history shows to the same moment need not stand in the record twice.
    let beside = known.into_iter().map(|known| known.event).filter(|known| {
        let is_shown = |shown: &EngagementEvent| {
            known.exact && known.is_same(shown) && known.email == shown.email
        };
        !shown.iter().any(is_shown)
    });
    let evidence = MailEvidence {
        read_at: now,
        address: snapshot.address,
        has_phone: snapshot.phone.is_some(),
        emails,
        unreadable: None,
        engagement: newest(beside),
        address_unread: false,
        not_told: false,
    };
    let evidence = Box::new(evidence);
    Ok((FactBody::MailRead { evidence }, ops))
}

/// What came of a read, and what is to be committed with it.
enum Evidence {
    /// What was asked for.
    Read(FactBody, Vec<Op>),
    /// The contact was not found: to be read again at this time.
    Doubtful(Timestamp, Vec<Op>),
    /// The contact is gone.
    Gone(Vec<Op>),
}

/// The newest of what was told, oldest first.
fn newest(told: impl Iterator<Item = EngagementEvent>) -> Vec<EngagementEvent> {
    let mut told: Vec<_> = told.collect();
    told.sort();
    told.split_off(told.len().saturating_sub(MOST_TOLD))
}
