//! The clinic's own list of check-ins, in the place of a portal: who is expected and who has checked in.
//!
//! People: a *clinic* whose portal has no interface yet tells by webhooks or files who is expected; its
//! *coaches* write in the portal by hand, and are asked to.
//!
//! Rules:
//! - What a row says becomes the facts that a portal's event would have become, and from there on nothing
//!   is different: the same repeats are no news, the same procedures begin.
//! - The list is what was told so far: [`list`] answers from the facts that deliveries have taught, and from
//!   nothing else. Of each check-in the latest word counts, by when the list was as it says. What is missing in a later delivery stays as it was.
//! - What the list can't know yet stops a message: no check-in counts as missed before the list was told after
//!   its day, and nothing goes out on a list that has said nothing since the day before
//!   (`engine::sync::list_silence`).
//! - A row that can't be read stops the client it is about, until one of hers can be, and an admin is told.
//!
//! Not guaranteed:
//! - That what the list says is so: a submission that it leaves out can't stop a message.
//! - That what has no time of its own counts as of when it was made: a delivery without `made_at` and a file that
//!   nobody gave a time are taken for the newest there is.

pub mod emulated;
pub mod import;
mod inspect;
pub mod list;
mod path;
mod vendor;

use http::{HeaderMap, StatusCode};
use relay_check_ins::webhook::{self, KeyRing, VerifyError};
use relay_check_ins::{About, Row, RowCheckIn, RowState};
use relay_core::clients::{ClientSnapshot, ClientStatus};
use relay_core::facts::{Fact, FactBody};
use relay_core::ids::ClientId;
use relay_core::time::Timestamp;
use relay_store::Receipt;

use crate::receipts::{Parsed, Refusal, Source, Verified};
use path::SOURCE;

pub use vendor::VENDOR;

/// The list as a sender of webhooks.
#[derive(Debug, Clone)]
pub struct CheckInSource {
    keys: KeyRing,
}

impl CheckInSource {
    /// Rows signed with one of `keys`.
    pub fn new(keys: KeyRing) -> Self {
        Self { keys }
    }
}

fn facts(row: Row, told_at: Timestamp) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(about) = row.about {
        let client = snapshot(row.client.clone(), about);
        let body = FactBody::ClientUpdated {
            client: Box::new(client),
        };
        let object = row.client.to_string();
        facts.push(fact(&row.client, object, told_at, body));
    }
    if let Some(told) = row.check_in {
        facts.extend(check_in(&row.client, told, told_at));
    }
    facts
}

/// What a row says of a check-in, as of when it was told: its date, then how it ended. So the latest word
/// counts, whichever it is; a submission that was told too early can be taken back.
fn check_in(client: &ClientId, told: RowCheckIn, told_at: Timestamp) -> Vec<Fact> {
    let RowCheckIn { id, due, state } = told;
    let over = match state {
        RowState::Open => None,
        RowState::Submitted(_) => Some(FactBody::CheckInSubmitted {
            check_in: id.clone(),
            complete: true,
        }),
        RowState::Withdrawn => Some(FactBody::CheckInWithdrawn {
            check_in: id.clone(),
        }),
    };
    let object = id.to_string();
    let due = FactBody::CheckInDue {
        check_in: id,
        due,
        due_at: None,
    };
    let said = [Some(due), over].into_iter().flatten();
    said.map(|body| fact(client, object.clone(), told_at, body))
        .collect()
}

fn snapshot(id: ClientId, about: About) -> ClientSnapshot {
    let word = about.status.as_deref();
    ClientSnapshot {
        id,
        first_name: Some(about.first_name),
        last_name: about.last_name,
        status: word.map_or(ClientStatus::Online, ClientStatus::from),
        coach: about.coach,
        email: about.email,
        phone: about.phone,
        time_zone: about.time_zone,
        last_regimen_change: about.last_regimen_change,
        contact: about.contact,
        break_until: about.break_until,
        minor: about.minor,
        guardian: about.guardian,
    }
}

fn fact(client: &ClientId, object: String, source_time: Timestamp, body: FactBody) -> Fact {
    Fact {
        client: client.clone(),
        object,
        source_time,
        body,
    }
}

impl Source for CheckInSource {
    fn name(&self) -> &'static str {
        SOURCE
    }

    fn secret_in_path(&self) -> bool {
        false
    }

    fn repeats(&self) -> bool {
        true
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
            Ok(signed) => Ok(Verified::Delivery {
                dedupe_key: signed.id,
                dedupe_forever: true,
                verified_by: signed.key_id,
            }),
            Err(error) => Err(refused(&error)),
        }
    }

    fn told_at(&self, receipt: &Receipt) -> Timestamp {
        match webhook::read(&receipt.body) {
            Ok(delivery) => told_at(&delivery, receipt),
            Err(_) => receipt.received_at,
        }
    }

    fn parse(&self, receipt: &Receipt) -> Parsed {
        let delivery = match webhook::read(&receipt.body) {
            Ok(delivery) => delivery,
            Err(error) => {
                return Parsed::Quarantine {
                    reason: error.to_string(),
                    hints: Vec::new(),
                    facts: Vec::new(),
                    unread: Vec::new(),
                };
            }
        };
        let faults = delivery.faults();
        let unread = delivery.unread.iter().cloned().collect();
        let told_at = told_at(&delivery, receipt);
        let count = delivery.rows.len();
        let rows = delivery.rows.into_iter();
        let told = rows.flat_map(|row| facts(row, told_at)).collect();
        match faults {
            Some(reason) => Parsed::Quarantine {
                reason,
                hints: Vec::new(),
                facts: told,
                unread,
            },
            None => Parsed::Content {
                facts: told,
                hints: Vec::new(),
                note: Some(format!("{count} rows")),
            },
        }
    }
}

/// When the list was as a delivery says. One that claims to be of a later moment than it came is of that.
fn told_at(delivery: &webhook::Delivery, receipt: &Receipt) -> Timestamp {
    let made_at = delivery.made_at.unwrap_or(receipt.received_at);
    made_at.min(receipt.received_at)
}

fn refused(error: &VerifyError) -> Refusal {
    let status = match error {
        VerifyError::NoKeyConfigured | VerifyError::SignatureMismatch => StatusCode::UNAUTHORIZED,
        VerifyError::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        VerifyError::MissingHeader(_)
        | VerifyError::DuplicateHeader(_)
        | VerifyError::OversizedHeader(_)
        | VerifyError::BadId
        | VerifyError::BadTimestamp
        | VerifyError::TimestampOutsideWindow(_) => StatusCode::BAD_REQUEST,
    };
    Refusal {
        status,
        code: error.code(),
        message: error.to_string(),
    }
}
