//! What staff begin by themselves about a client: by a tag in the CRM, or by a command (E8).
//!
//! > the client answers by a channel nobody watches (call-back, Instagram, clinic phone, reply to an email)
//!
//! People: a *coach*, or the front desk, hears from a client where the relay does not look, and has the CRM open.
//! She puts one of three tags on the contact. Anybody in the account may: a tag pauses and lets go on, it
//! approves nothing and moves no money.
//!
//! | word | a follow-up is open | none is open |
//! |---|---|---|
//! | *replied* | it pauses as for a reply, and her coach is asked how it goes on | one that begins within two weeks begins so |
//! | *pause* | it pauses, and her coach is asked | one that begins within two weeks begins so |
//! | *resume* | the same as her coach's *continue* | what was kept so is dropped |
//!
//! Rules:
//! - Each time that a tag is put on counts once: client, word, and when it was put on. The word is stored first,
//!   in one batch with what it does; then the tag is taken off again, and a note on the contact says in a
//!   sentence what came of it.
//! - Before a tag is taken off, it is read once more: one that was put on again meanwhile is heard first.
//! - Of several words each is carried out in the order in which they were put on. *Resume* is not, if another was
//!   said at the same second or later, heard before it or not.
//! - *Resume* is refused where the client wrote what nobody was shown, where a manager must decide, and where anything
//!   has happened to the follow-up since the tag was put on: whoever put it on can't have meant that. It sends to no
//!   minor by itself: the guard asks as before.
//! - A contact that is nobody's yet changes nothing: the tag stays, and an item says so once. (That it is several
//!   clients' the store does not let happen; it would be told the same way.)
//!   The relay learns whose a contact is when the first follow-up of its client begins, or from a person; then the
//!   tag counts. Where every contact is a client by itself, because the CRM alone tells who is expected, it counts
//!   at once.
//! - What the relay puts on and takes off itself is none of the three.
//! - In propose mode, and for the clients of coaches for whom nothing is done yet (A39), the word counts; note and
//!   removal are proposed like everything else, so the tag stays on.
//! - A note is written in the name of her coach. Where she has no user in the CRM there is none, and nobody is asked
//!   about that for each tag.
//!
//! When it is seen: by the guard of what goes through the CRM (an email, a call task), which reads the contact's
//! tags right before; else when the CRM tells, which for tags takes 5 to 10 minutes; else by the daily look at
//! each open case. A follow-up that begins hears what stands on the contact as it opens. So the first message, which
//! goes out in the portal, is stopped by what stood there then; later only by what the CRM tells and by the daily look.
//!
//! A tag that is seen and can't be read to its end keeps an email or a call task waiting for as long as that lasts. The
//! reading that was given up is an item for the admin, as any is, and says what is wrong; another begins meanwhile.
//!
//! Not guaranteed: that a tag is seen which was taken off again before anybody looked, or put on again while ours is
//! being taken off; nor, where its notification is
//! lost, that one on a client without a follow-up counts before the next one begins. A CRM that does not tell when a
//! tag was put on is believed that it stayed on for as long as it was seen at each look.

pub(crate) mod answer;
pub(crate) mod begins;
pub(crate) mod kept;
pub(crate) mod look;
mod news;
pub(crate) mod words;

use relay_core::case::{Case, CaseStatus};
use relay_core::facts::{FactBody, StaffWord};
use relay_core::ids::{ClientId, ContactId};
use relay_core::time::Timestamp;
use relay_core::work_kinds;
use relay_core::workflow::Action;
use relay_store::{FactRow, Job, JobEnd, Op};
use serde_json::json;

use crate::engine::commands::cases;
use crate::engine::finish::fence;
use crate::engine::inbox::late::follow_up;
use crate::engine::staff_said::answer::{answer_ops, paused};
use crate::engine::staff_said::kept::kept;
use crate::engine::staff_said::look::{look_ops, nobodys_key};
use crate::engine::staff_said::news::{News, news};
use crate::engine::staff_said::words::Outcome;
use crate::engine::stepper::{Stepping, names};
use crate::engine::sync::opening;
use crate::engine::{Engine, EngineError, finish, items, link};
use crate::failpoint::{REREAD_CALL, REREAD_COMMIT};
use crate::remedy::RemedyCommand;

/// Reads a contact's tags, does what they say, and ends the job.
pub(crate) async fn reread(
    engine: &Engine,
    job: &Job,
    client: &ClientId,
    contact: &ContactId,
) -> Result<(), EngineError> {
    let clients = engine.store.clients_of(contact).await?;
    let ops = match clients.as_slice() {
        [only] if only == client => {
            take_in(engine, job, client, contact).await?;
            Vec::new()
        }
        // Linked to another client since.
        [another] => look_ops(engine, another, contact),
        several => nobodys(engine, contact, several.len()).await?,
    };
    finish::end(engine, job, JobEnd::Done, ops).await?;
    engine.wake.notify_one();
    Ok(())
}

/// Whether a contact has a tag whose word nobody has heard: before its client hears anything, that counts.
pub(crate) async fn is_waiting(
    engine: &Engine,
    client: &ClientId,
    contact: &ContactId,
) -> Result<bool, EngineError> {
    if engine.store.clients_of(contact).await? != [client.clone()] {
        return Ok(false);
    }
    let (words, _) = engine
        .call(REREAD_CALL, news(engine, client, contact))
        .await?;
    Ok(!words.is_empty())
}

/// A contact that no client is linked to may have one of the tags. Where the contact alone says whose it is, it is
/// linked, and its tags are looked at.
pub(crate) async fn unlinked(engine: &Engine, contact: &ContactId) -> Result<Vec<Op>, EngineError> {
    let told = engine.call(REREAD_CALL, engine.ports.portal.client_of(contact));
    let Some(client) = told.await? else {
        return nobodys(engine, contact, 0).await;
    };
    if engine.store.link(&client).await?.is_some() {
        // Somebody has said that she is another contact.
        return nobodys(engine, contact, 0).await;
    }
    let words = engine.call(REREAD_CALL, engine.ports.tags.words(contact));
    if words.await?.is_empty() {
        return Ok(Vec::new());
    }
    let mut ops = vec![link::told(engine, &client, contact)];
    ops.extend(look::linked_ops(engine, &client, contact));
    Ok(ops)
}

/// A contact that is nobody's, or several clients', has one of the tags: nothing is guessed.
async fn nobodys(
    engine: &Engine,
    contact: &ContactId,
    clients: usize,
) -> Result<Vec<Op>, EngineError> {
    let words = engine.call(REREAD_CALL, engine.ports.tags.words(contact));
    let words = words.await?;
    let Some(first) = words.first() else {
        return Ok(Vec::new());
    };
    let whose = match clients {
        0 => "the relay does not know yet whose it is".to_owned(),
        many => format!("{many} clients are linked to it"),
    };
    let title = format!(
        "Contact {contact} has the tag \"{}\", and {whose}: nothing was done about it",
        first.tag
    );
    let mut item = items::item(engine, nobodys_key(contact), work_kinds::LINK, title);
    item.detail = json!({
        "contact": contact,
        "remedy": format!(
            "`{}` says whose it is, and the tag counts at once; else it counts when a follow-up of hers begins. \
             If it is on the wrong contact, take it off in the CRM",
            RemedyCommand::ClientsLink(None)
        ),
    });
    item.actions = vec!["done".to_owned()];
    opening::tell(engine, item).await
}

async fn take_in(
    engine: &Engine,
    job: &Job,
    client: &ClientId,
    contact: &ContactId,
) -> Result<(), EngineError> {
    let look = news(engine, client, contact);
    let (mut words, mut ops) = engine.call(REREAD_CALL, look).await?;
    if !ops.is_empty() {
        ops.push(Op::RequireFence(fence(job)));
        engine.commit(REREAD_COMMIT, ops).await?;
    }
    words.sort_by_key(|word| (word.put_on, word.word));
    let stood_at = follow_up(engine, client).await?.map(|case| case.changed_at);
    let Some(last) = words.last().map(|word| word.word) else {
        return Ok(());
    };
    let heard = engine.store.facts(client).await?;
    for word in &words {
        let superseded = word.word == StaffWord::Resume
            && (last != StaffWord::Resume || is_followed(&heard, word.put_on));
        let ops = carry_out(engine, client, word, superseded, stood_at).await?;
        let ops = [vec![Op::RequireFence(fence(job))], ops].concat();
        engine.commit(REREAD_COMMIT, ops).await?;
    }
    Ok(())
}

/// Whether staff said something careful at that moment or later.
fn is_followed(heard: &[FactRow], put_on: Timestamp) -> bool {
    heard.iter().any(|row| {
        let careful = matches!(
            row.fact.body,
            FactBody::StaffSaid {
                word: StaffWord::Replied | StaffWord::Pause,
                ..
            }
        );
        careful && row.fact.source_time >= put_on
    })
}

/// What a word comes to, to be stored at once. `stood_at`: when anything last happened to the follow-up before any of
/// the words was carried out.
async fn carry_out(
    engine: &Engine,
    client: &ClientId,
    said: &News,
    superseded: bool,
    stood_at: Option<Timestamp>,
) -> Result<Vec<Op>, EngineError> {
    let case = follow_up(engine, client).await?;
    let (mut stepping, outcome) = match said.word {
        StaffWord::Resume => {
            resume(
                engine,
                client,
                said,
                case.as_ref().filter(|_| !superseded),
                stood_at,
            )
            .await?
        }
        StaffWord::Replied | StaffWord::Pause => {
            let stepping = names::stepping_with_names(engine, client).await?;
            (stepping, Outcome::Kept)
        }
    };
    let dropped = case.is_none() && !kept(engine, client).await?.is_empty();
    stepping.fact(said.fact(client, case.is_none()), None);
    let outcome = match (said.word, &case) {
        _ if superseded => Outcome::Superseded,
        (StaffWord::Resume, None) if dropped => Outcome::Dropped,
        (StaffWord::Resume, _) => outcome,
        (StaffWord::Replied | StaffWord::Pause, None) => Outcome::Kept,
        (StaffWord::Replied | StaffWord::Pause, Some(before)) => {
            let workflow = engine
                .registry
                .of_case(engine.store.as_ref(), before)
                .await?;
            paused(
                workflow.as_ref(),
                before,
                stepping.case(before.id).unwrap_or(before),
            )
        }
    };
    let who = words::who(engine, client).await?;
    for op in answer_ops(engine, client, &who, said, outcome, case.as_ref()).await? {
        stepping.push(op);
    }
    tracing::info!(%client, word = said.word.as_str(), ?outcome, "staff began by a tag");
    Ok(stepping.into_ops())
}

/// What *resume* comes to, not stored yet.
async fn resume<'a>(
    engine: &'a Engine,
    client: &ClientId,
    said: &News,
    case: Option<&Case>,
    stood_at: Option<Timestamp>,
) -> Result<(Stepping<'a>, Outcome), EngineError> {
    let nothing = async |outcome| {
        let stepping = names::stepping_with_names(engine, client).await?;
        Ok((stepping, outcome))
    };
    let Some(case) = case else {
        return nothing(Outcome::NothingOpen).await;
    };
    if !matches!(
        case.status,
        CaseStatus::Paused { .. } | CaseStatus::Held { .. }
    ) {
        return nothing(Outcome::NothingPaused).await;
    }
    let workflow = engine.registry.of_case(engine.store.as_ref(), case).await?;
    if workflow.stopped(case).is_some() {
        return nothing(Outcome::Stopped).await;
    }
    if stood_at.is_none_or(|stood_at| said.put_on <= stood_at) {
        return nothing(Outcome::MovedSince).await;
    }
    let by = said.by();
    match cases::deciding(engine, case.id, &by, &Action::Resume, &[], &[]).await {
        Ok(decided) if decided.refused.is_some() => Ok((decided.stepping, Outcome::NotShown)),
        Ok(decided) => {
            let paused = matches!(
                decided.stepping.status(case.id),
                Some(CaseStatus::Paused { .. })
            );
            let outcome = if paused {
                Outcome::PausedOn
            } else {
                Outcome::Resumed
            };
            Ok((decided.stepping, outcome))
        }
        // Not because of what she wrote, that was read before: the step waits for the answer to a question, as one
        // does of which nobody can tell whether it went out.
        Err(EngineError::Refused(_)) => nothing(Outcome::Unanswered).await,
        // The tag stays on: it is read again.
        Err(EngineError::Unread(error)) => Err(EngineError::Call(error)),
        Err(error) => Err(error),
    }
}
