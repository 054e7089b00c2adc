//! Clear Connection as the relay's portal and as a sender of events.
//!
//! The vendor's crate reads what the portal writes; here it becomes what the core knows. The one
//! thing added is the clinic's zone: an instant falls on a day of the clinic (A1).

pub mod emulated;
mod facts;
mod inspect;
mod panel;
mod path;
#[cfg(test)]
mod tests;
mod vendor;

use std::sync::Arc;

use async_trait::async_trait;
use http::{HeaderMap, StatusCode};
use relay_clear_connection::webhook::{self, FieldMap, KeyRing, VerifyError};
use relay_clear_connection::{self as api, CheckInState, MessageAuthor, PortalClient};
use relay_core::clients::{
    Author, CheckIn, ClientSnapshot, ClientStatus, Coach, PortalMessage, Records,
};
use relay_core::ids::{ClientId, CoachId, ContactId};
use relay_core::outside;
use relay_core::time::{Clock, Date, TimeZone, Timestamp};
use relay_core::workflow::NotOffered;
use relay_http_client::CallError;
use relay_store::Receipt;

use crate::ports::{OpenCheckIns, Portal, PortalNote};
use crate::receipts::{Parsed, Refusal, Source, Verified};
use path::SOURCE;

pub use vendor::VENDOR;

/// The portal, as the relay needs it.
#[derive(Debug, Clone)]
pub struct ClearConnectionPorts {
    client: PortalClient,
    zone: TimeZone,
    clock: Arc<dyn Clock>,
}

impl ClearConnectionPorts {
    /// The portal behind `client`. `zone` is the clinic's; `clock` is procedure time.
    pub fn new(client: PortalClient, zone: TimeZone, clock: Arc<dyn Clock>) -> Self {
        Self {
            client,
            zone,
            clock,
        }
    }

    fn check_in(&self, told: api::CheckIn) -> CheckIn {
        let submitted_at = match told.state {
            // Submitted at an unknown time: by now at the latest.
            CheckInState::Submitted(at) => Some(at.unwrap_or_else(|| self.clock.now())),
            CheckInState::Open | CheckInState::Withdrawn | CheckInState::Unknown(_) => None,
        };
        CheckIn {
            id: told.id,
            due: told.due.day(&self.zone),
            due_at: told.due.at(),
            submitted_at,
            withdrawn: told.state == CheckInState::Withdrawn,
        }
    }
}

#[async_trait]
impl Portal for ClearConnectionPorts {
    fn not_offered(&self) -> NotOffered {
        let offered = self.client.capabilities();
        NotOffered {
            messages: !offered.messages,
            notes: !offered.notes,
            crm: false,
            records: Records::Portal,
        }
    }

    async fn client(&self, id: &ClientId) -> Result<Option<ClientSnapshot>, CallError> {
        let client = self.client.client(id).await?;
        Ok(client.map(|client| snapshot(client, &self.zone)))
    }

    async fn client_of(&self, _contact: &ContactId) -> Result<Option<ClientId>, CallError> {
        Ok(None)
    }

    async fn check_ins(&self, id: &ClientId, since: Date) -> Result<Vec<CheckIn>, CallError> {
        let told = self.client.check_ins(id, since).await?;
        let mut check_ins: Vec<CheckIn> = told
            .into_iter()
            .map(|check_in| self.check_in(check_in))
            .collect();
        // Asked for by date above; asked again, because a portal may ignore the parameter.
        check_ins.retain(|check_in| check_in.due >= since);
        check_ins.sort_by_key(|check_in| check_in.due);
        Ok(check_ins)
    }

    async fn open_check_ins(&self, due_before: Date) -> Result<OpenCheckIns, CallError> {
        let told = self.client.open_check_ins(due_before).await?;
        let open = told.open.into_iter();
        let mut listed: Vec<(ClientId, CheckIn)> = open
            .filter_map(|check_in| Some((check_in.client.clone()?, self.check_in(check_in))))
            .collect();
        listed.retain(|(_, check_in)| check_in.due < due_before);
        Ok(OpenCheckIns {
            listed,
            left_out: told.left_out,
            undated: Vec::new(),
        })
    }

    async fn messages(
        &self,
        id: &ClientId,
        since: Timestamp,
    ) -> Result<Vec<PortalMessage>, CallError> {
        let told = self.client.messages(id, since).await?;
        Ok(told.into_iter().map(message).collect())
    }

    async fn send_message(
        &self,
        key: &str,
        client: &ClientId,
        author: &CoachId,
        text: &str,
    ) -> Result<String, CallError> {
        let id = self.client.send_message(key, client, author, text).await?;
        Ok(id.0)
    }

    async fn notes(&self, id: &ClientId, since: Timestamp) -> Result<Vec<PortalNote>, CallError> {
        let told = self.client.notes(id, since).await?;
        Ok(told
            .into_iter()
            .map(|note| PortalNote {
                id: note.id,
                author: note.author,
                written_at: note.written_at,
                text: note.text,
                key: note.key,
            })
            .collect())
    }

    async fn add_note(
        &self,
        key: &str,
        client: &ClientId,
        author: Option<&CoachId>,
        text: &str,
    ) -> Result<String, CallError> {
        self.client.add_note(key, client, author, text).await
    }

    async fn coaches(&self) -> Result<Vec<Coach>, CallError> {
        let told = self.client.coaches().await?;
        Ok(told
            .into_iter()
            .map(|coach| Coach {
                id: coach.id,
                name: coach.name.unwrap_or_default(),
                email: coach.email.unwrap_or_default(),
                crm_user: None,
            })
            .collect())
    }
}

/// The client as the core knows her.
fn snapshot(told: api::Client, zone: &TimeZone) -> ClientSnapshot {
    let word = told.status.unwrap_or_default();
    let status = match ClientStatus::from(word.as_str()) {
        // The flag narrows "online" and nothing else: who quit has quit.
        ClientStatus::Online if told.transition_call_only => ClientStatus::TransitionCallOnly,
        status => status,
    };
    ClientSnapshot {
        id: told.id,
        first_name: told.first_name,
        last_name: told.last_name,
        status,
        coach: told.coach,
        email: told.email,
        phone: told.phone,
        time_zone: told.time_zone,
        // A date that programs write for "none" is none.
        last_regimen_change: told
            .last_regimen_change
            .map(|when| when.day(zone))
            .filter(|day| outside::is_plausible(*day)),
        contact: told.contact,
        break_until: told
            .break_until
            .map(|when| when.day(zone))
            .filter(|day| outside::is_plausible(*day)),
        minor: told.minor,
        guardian: told.guardian,
    }
}

fn message(told: api::Message) -> PortalMessage {
    let (author, coach) = match told.author {
        MessageAuthor::Client => (Author::Client, None),
        MessageAuthor::Coach(coach) => (Author::Coach, coach),
    };
    PortalMessage {
        id: told.id,
        author,
        coach,
        sent_at: told.sent_at,
        text: told.text,
        key: told.key,
    }
}

/// The portal as a sender of events.
#[derive(Debug, Clone)]
pub struct ClearConnectionSource {
    keys: KeyRing,
    fields: FieldMap,
    zone: TimeZone,
}

impl ClearConnectionSource {
    /// Events signed with one of `keys`, whose members stand where `fields` says. `zone` is the
    /// clinic's.
    pub fn new(keys: KeyRing, fields: FieldMap, zone: TimeZone) -> Self {
        Self { keys, fields, zone }
    }
}

impl Source for ClearConnectionSource {
    fn name(&self) -> &'static str {
        SOURCE
    }

    fn secret_in_path(&self) -> bool {
        false
    }

    fn max_body(&self) -> usize {
        webhook::MAX_BODY
    }

    fn admit(
        &self,
        headers: &HeaderMap,
        _path_secret: Option<&str>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        self.keys
            .admit(headers, now)
            .map_err(|error| refused(&error))
    }

    fn verify(
        &self,
        headers: &HeaderMap,
        _path_secret: Option<&str>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Verified, Refusal> {
        match self.keys.verify(headers, body, now) {
            Ok(delivery) => Ok(Verified::Delivery {
                dedupe_key: delivery.id,
                dedupe_forever: true,
                verified_by: delivery.key_id,
            }),
            Err(error) => Err(refused(&error)),
        }
    }

    fn parse(&self, receipt: &Receipt) -> Parsed {
        match webhook::read(&receipt.body, &self.fields) {
            Ok(event) => facts::of(event, receipt.received_at, &self.zone),
            Err(trouble) => Parsed::Quarantine {
                reason: trouble.to_string(),
                hints: Vec::new(),
                facts: Vec::new(),
                unread: Vec::new(),
            },
        }
    }
}

fn refused(error: &VerifyError) -> Refusal {
    Refusal {
        status: refusal_status(error),
        code: error.code(),
        message: error.to_string(),
    }
}

fn refusal_status(error: &VerifyError) -> StatusCode {
    match error {
        VerifyError::NoKeyConfigured | VerifyError::SignatureMismatch => StatusCode::UNAUTHORIZED,
        VerifyError::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        VerifyError::MissingHeader(_)
        | VerifyError::DuplicateHeader(_)
        | VerifyError::OversizedHeader(_)
        | VerifyError::BadId
        | VerifyError::BadTimestamp
        | VerifyError::TimestampOutsideWindow(_) => StatusCode::BAD_REQUEST,
    }
}
