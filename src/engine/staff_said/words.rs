//! What the note says that answers a tag: one table.

use relay_core::clients::ClientSnapshot;
use relay_core::facts::{FactBody, StaffWord};
use relay_core::ids::ClientId;
use relay_core::outside;
use relay_store::FactRow;

use crate::engine::{CoachChannel, Engine, EngineError};
use crate::failpoint::REREAD_CALL;

/// What came of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Her follow-up is paused for it.
    Paused,
    /// It was already.
    PausedAlready,
    /// Nothing goes out until the manager decides.
    ManagerAsked,
    /// None is open: it is kept for the next one.
    Kept,
    /// It goes on.
    Resumed,
    /// It stays paused for something else.
    PausedOn,
    /// None is open, and what was kept for the next one is dropped.
    Dropped,
    /// None is open.
    NothingOpen,
    /// It is open, and nothing is paused.
    NothingPaused,
    /// A manager must decide.
    Stopped,
    /// Something has happened since the tag was put on.
    MovedSince,
    /// She must be shown something first.
    NotShown,
    /// A question is open that this is no answer to.
    Unanswered,
    /// A more careful word was said with it or since.
    Superseded,
}

/// The note's text about `who`.
pub(super) fn note(word: StaffWord, outcome: Outcome, who: &str, asked: CoachChannel) -> String {
    let there = match asked {
        CoachChannel::CrmTasks => "in your task",
        CoachChannel::WorkList => "to your admin",
    };
    let said = match word {
        StaffWord::Replied => format!("{who} answered elsewhere"),
        StaffWord::Pause => format!("the follow-up of {who} is to pause"),
        StaffWord::Resume => format!("the follow-up of {who} is to go on"),
    };
    match outcome {
        Outcome::Paused => {
            format!("Noted: {said}. Nothing more goes out until you say so {there}.")
        }
        Outcome::PausedAlready => {
            format!("Noted: {said}. It was paused already, and nothing goes out.")
        }
        Outcome::ManagerAsked => {
            format!("Noted: {said}. Nothing goes out: the Program Manager is asked how it goes on.")
        }
        Outcome::Kept => format!(
            "Noted: {said}. No follow-up is open now; one that begins within two weeks asks you first."
        ),
        Outcome::Resumed => format!("Noted: the follow-up of {who} goes on."),
        Outcome::PausedOn => format!(
            "Noted: the follow-up of {who} is still paused for something else. Please answer that {there}."
        ),
        Outcome::Dropped => {
            format!("Noted: the next follow-up of {who} begins as usual, without asking you first.")
        }
        Outcome::NothingOpen => {
            format!("There is nothing to resume: no follow-up of {who} is open.")
        }
        Outcome::NothingPaused => {
            format!("There is nothing to resume: the follow-up of {who} is not paused.")
        }
        Outcome::Stopped => format!(
            "The follow-up of {who} was not resumed: the Program Manager is asked how it goes on."
        ),
        Outcome::MovedSince => format!(
            "The follow-up of {who} was not resumed: something has happened since you set the tag. Please \
             answer {there}."
        ),
        Outcome::NotShown => format!(
            "The follow-up of {who} was not resumed: there is something that you should see first. Please look \
             into the portal, and answer {there}."
        ),
        Outcome::Unanswered => format!(
            "The follow-up of {who} was not resumed: there is an open question about it that the tag does not \
             answer. Please answer it {there}."
        ),
        Outcome::Superseded => {
            format!(
                "The follow-up of {who} was not resumed: with this tag, or after it, somebody said otherwise."
            )
        }
    }
}

/// How staff speak of her. No word waits for a name that can't be read.
pub(crate) async fn who(engine: &Engine, client: &ClientId) -> Result<String, EngineError> {
    let facts = engine.store.facts(client).await?;
    let mut known = facts.iter().rev().filter_map(snapshot).peekable();
    let named = if known.peek().is_some() {
        known.find_map(ClientSnapshot::short_name)
    } else {
        let told = engine.call(REREAD_CALL, engine.ports.portal.client(client));
        let told = told.await.ok().flatten();
        told.and_then(|told| told.short_name())
    };
    Ok(called(named))
}

/// How staff speak of a client with this name.
pub(super) fn called(name: Option<String>) -> String {
    name.map_or_else(
        || "this client".to_owned(),
        |name| outside::short_line(&name, 60),
    )
}

/// The client as she was told of last.
pub(super) async fn known_client(
    engine: &Engine,
    client: &ClientId,
) -> Result<Option<ClientSnapshot>, EngineError> {
    let facts = engine.store.facts(client).await?;
    let known = facts.iter().rev().find_map(snapshot);
    Ok(known.cloned())
}

fn snapshot(row: &FactRow) -> Option<&ClientSnapshot> {
    match &row.fact.body {
        FactBody::ClientUpdated { client } | FactBody::CheckInMissed { client, .. } => Some(client),
        _ => None,
    }
}
