//! Reads what client and coaches wrote, before somebody decides and whenever a case is looked at.
//!
//! People: the *coach* who resumes a case decides about what she was shown. What the portal shows by
//! then, and she was not shown, is told to the case instead, and her command is refused with the
//! reason: she reads it, and decides again.
//!
//! Rules:
//! - A message is known by its id. Its time only bounds how far back the portal is asked, and clocks
//!   differ, so the reads overlap.
//! - Our own messages are no news. One of ours whose outcome is not known yet may be told as a
//!   coach's: the case then asks once too often, and sends nothing twice.
//! - A portal that can't be read lets nobody resume: nobody knows what she wrote. Where the clinic's portal
//!   never can, whoever decides is told to look there first.
//!
//! Not guaranteed: that nothing is written between the read and the commit. The guard reads again.

use std::collections::HashSet;

use relay_core::case::{Case, CaseStatus};
use relay_core::clients::{Author, PortalMessage};
use relay_core::effects::EffectKind;
use relay_core::facts::{Fact, FactBody};
use relay_core::ids::{CaseId, ClientId, MessageId};
use relay_core::time::{SignedDuration, Timestamp, earlier};
use relay_core::workflow::{Action, Input};
use relay_store::Op;

use crate::effects::is_ours;
use crate::engine::stepper::{Stepping, names};
use crate::engine::{Engine, EngineError};
use crate::failpoint::REREAD_CALL;
use crate::remedy::RemedyCommand;

/// How much further back than needed messages are asked for: the portal's clock is not ours.
const OVERLAP: SignedDuration = SignedDuration::from_hours(1);

/// From when on to ask for what counts since `since`.
pub(crate) fn before(since: Timestamp) -> Timestamp {
    earlier(since, OVERLAP)
}

/// What the CRM shows as her contact type at `at`.
pub(crate) fn contact_type_fact(client: &ClientId, value: Option<String>, at: Timestamp) -> Fact {
    Fact {
        client: client.clone(),
        object: client.to_string(),
        source_time: at,
        body: FactBody::ContactType { value },
    }
}

/// What a person's decision comes to.
pub(crate) struct Decided<'a> {
    /// The batch.
    pub(crate) stepping: Stepping<'a>,
    /// Why it was not carried out although something is stored: she must be shown something first.
    pub(crate) refused: Option<String>,
}

/// What the portal shows that a decision about `case` needs; nothing where the decision goes on
/// with nothing.
pub(crate) async fn read_before(
    engine: &Engine,
    case: &Case,
    action: &Action,
) -> Result<Vec<Fact>, EngineError> {
    let goes_on = matches!(action, Action::Resume | Action::Promised { .. });
    let stands = matches!(
        case.status,
        CaseStatus::Paused { .. } | CaseStatus::Held { .. }
    );
    let workflow = engine.registry.of_case(engine.store.as_ref(), case).await?;
    let Some(conversation) = workflow.conversation(case).filter(|_| goes_on && stands) else {
        return Ok(Vec::new());
    };
    let since = before(conversation.since);
    let read = engine.call(REREAD_CALL, read_conversation(engine, &case.client, since));
    read.await.map_err(|error| match error {
        EngineError::Call(error) => EngineError::Unread(error),
        other => other,
    })
}

/// What both sides wrote since, without what we sent.
pub(crate) async fn read_conversation(
    engine: &Engine,
    client: &ClientId,
    since: Timestamp,
) -> Result<Vec<Fact>, EngineError> {
    let portal = &engine.ports.portal;
    if portal.not_offered().messages {
        return Ok(Vec::new());
    }
    let messages = portal.messages(client, since).await?;
    message_facts(engine, client, &messages).await
}

/// What messages of both sides say, without those that we sent.
pub(crate) async fn message_facts(
    engine: &Engine,
    client: &ClientId,
    messages: &[PortalMessage],
) -> Result<Vec<Fact>, EngineError> {
    let ours = our_messages(engine, client).await?;
    Ok(messages
        .iter()
        // One that an earlier life wrote is known by the key that the portal shows.
        .filter(|message| {
            let by_key = message.key.as_deref().is_some_and(is_ours);
            !by_key && !ours.contains(message.id.as_str())
        })
        .map(|message| Fact {
            client: client.clone(),
            object: message.id.to_string(),
            source_time: message.sent_at,
            body: match message.author {
                Author::Client => FactBody::ClientReplied {
                    message: Some(message.id.clone()),
                    channel: "portal".to_owned(),
                },
                Author::Coach => FactBody::CoachWrote {
                    message: message.id.clone(),
                    coach: message.coach.clone(),
                },
            },
        })
        .collect())
}

/// A decision in the making: what was read, what the person has been shown, then her word, with
/// `first` before it. Where she must be shown something first, her word is not carried out, and
/// `first` is left out.
pub(crate) async fn decided<'a>(
    engine: &'a Engine,
    case: &Case,
    by: &str,
    action: &Action,
    read: &[Fact],
    shown: &[MessageId],
    first: &[Op],
) -> Result<Decided<'a>, EngineError> {
    let id = case.id;
    let mut stepping = names::stepping_with_names(engine, &case.client).await?;
    for op in first {
        stepping.push(op.clone());
    }
    let mut news = Vec::new();
    for fact in read {
        let message = match &fact.body {
            FactBody::ClientReplied { message, .. } => message.clone(),
            _ => None,
        };
        if stepping.tell(fact.clone()) {
            news.extend(message);
        }
    }
    if !news.is_empty() {
        let why = waits_for(&stepping, id);
        stepping.input(id, &Input::Shown { messages: news }).await?;
        return Ok(Decided {
            stepping,
            refused: Some(why),
        });
    }
    let messages = shown.to_vec();
    stepping.input(id, &Input::Shown { messages }).await?;
    let input = Input::Person {
        by: by.to_owned(),
        action: action.clone(),
    };
    if !stepping.input(id, &input).await? {
        return Err(EngineError::Refused(format!(
            "this does not apply to a case that is {} in step {}; `{}` tells what it waits for",
            case.status.as_str(),
            case.step.replace('_', " "),
            RemedyCommand::CasesShow(id)
        )));
    }
    remember_stop(engine, &mut stepping, case, by).await?;
    let refused = stepping.shown_first.then(|| waits_for(&stepping, id));
    Ok(Decided { stepping, refused })
}

/// What a decision says of every channel to the client holds for the cases that come after this one, too.
async fn remember_stop(
    engine: &Engine,
    stepping: &mut Stepping<'_>,
    before: &Case,
    by: &str,
) -> Result<(), EngineError> {
    let workflow = engine
        .registry
        .of_case(engine.store.as_ref(), before)
        .await?;
    let Some(after) = stepping.case(before.id) else {
        return Ok(());
    };
    let by = by.to_owned();
    let body = match (workflow.stopped(before), workflow.stopped(after)) {
        (before, Some(why)) if before != Some(why) => FactBody::OutreachStopped { by, why },
        (Some(_), None) => FactBody::OutreachAllowed { by },
        _ => return Ok(()),
    };
    let fact = Fact {
        client: before.client.clone(),
        object: before.id.to_string(),
        source_time: engine.now(),
        body,
    };
    stepping.fact(fact, None);
    Ok(())
}

fn waits_for(stepping: &Stepping<'_>, id: CaseId) -> String {
    let why = match stepping.status(id) {
        Some(CaseStatus::Paused { reason }) => reason.as_str(),
        _ => "the client wrote",
    };
    format!("not yet: {why}. Read it in the portal, then decide again")
}

/// The portal's ids of the messages that we sent to `client`.
pub(crate) async fn our_messages(
    engine: &Engine,
    client: &ClientId,
) -> Result<HashSet<String>, EngineError> {
    let refs = engine
        .store
        .vendor_refs(client, EffectKind::PortalMessage)
        .await?;
    Ok(refs.into_iter().collect())
}

/// How much earlier than the opening a submission is still told: it may have been made while the
/// case was being opened, and the portal's clock may be behind ours.
pub(crate) const LEEWAY: SignedDuration = SignedDuration::from_hours(24);
