//! The client portal.

use std::collections::BTreeSet;
use std::fmt::Debug;

use async_trait::async_trait;
use relay_core::clients::{CheckIn, ClientSnapshot, Coach, PortalMessage};
use relay_core::ids::{ClientId, CoachId, ContactId};
use relay_core::time::{Date, Timestamp};
use relay_core::workflow::NotOffered;
use relay_http_client::CallError;

/// A quiet note, as a probe sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalNote {
    /// The portal's id.
    pub id: String,
    /// The coach who wrote it; `None`: a program did.
    pub author: Option<CoachId>,
    /// When it was written.
    pub written_at: Timestamp,
    /// The text.
    pub text: String,
    /// The key it was written with, where we wrote it and the portal tells.
    pub key: Option<String>,
}

/// Every client's open check-ins, as far as they can be read.
#[derive(Debug, Clone, Default)]
pub struct OpenCheckIns {
    /// Whose, and which.
    pub listed: Vec<(ClientId, CheckIn)>,
    /// What is wrong with those that were left out ("in the unknown state …"), once for each reason.
    pub left_out: BTreeSet<String>,
    /// Those that are told as missed, without the day on which they were due.
    pub undated: Vec<Undated>,
}

/// A client who has missed a check-in of which nobody can tell when it was due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undated {
    /// The client who has missed it.
    pub client: ClientId,
    /// How staff speak of her, where that is known.
    pub name: Option<String>,
    /// Her coach, where one is known: she is asked for the day.
    pub coach: Option<CoachId>,
    /// For people: what is missing, and where.
    pub what: String,
    /// For people: what to do about it.
    pub remedy: String,
}

/// What we need of the portal.
#[async_trait]
pub trait Portal: Debug + Send + Sync {
    /// What it doesn't let the relay do: a person does it instead. It says nothing of the CRM.
    fn not_offered(&self) -> NotOffered;
    /// The client; `None` if the portal knows none by this id.
    async fn client(&self, id: &ClientId) -> Result<Option<ClientSnapshot>, CallError>;
    /// The client whom a contact of the CRM is, where the contact alone says so; `None` where a link must.
    async fn client_of(&self, contact: &ContactId) -> Result<Option<ClientId>, CallError>;
    /// Her check-ins due on or after `since`, submitted or not.
    async fn check_ins(&self, id: &ClientId, since: Date) -> Result<Vec<CheckIn>, CallError>;
    /// Every client's open check-ins due before `due_before` (all pages): the daily reconcile.
    async fn open_check_ins(&self, due_before: Date) -> Result<OpenCheckIns, CallError>;
    /// Messages of both directions sent at or after `since`, oldest first. An error where messages are not
    /// offered: an empty list would prove that one of ours never arrived.
    async fn messages(
        &self,
        id: &ClientId,
        since: Timestamp,
    ) -> Result<Vec<PortalMessage>, CallError>;
    /// Sends a message as `author`. `key` goes as `Idempotency-Key`. Returns the portal's id.
    async fn send_message(
        &self,
        key: &str,
        client: &ClientId,
        author: &CoachId,
        text: &str,
    ) -> Result<String, CallError>;
    /// Notes written at or after `since`.
    async fn notes(&self, id: &ClientId, since: Timestamp) -> Result<Vec<PortalNote>, CallError>;
    /// Writes a quiet note as `author`, or as the relay's own. Returns the portal's id.
    async fn add_note(
        &self,
        key: &str,
        client: &ClientId,
        author: Option<&CoachId>,
        text: &str,
    ) -> Result<String, CallError>;
    /// The portal's coaches (without CRM users).
    async fn coaches(&self) -> Result<Vec<Coach>, CallError>;
}
