//! The clinic's own list of check-ins, in the place of a portal: who is expected and who has checked in.
//!
//! People: a *clinic* whose portal has no interface yet tells by webhooks or files who is expected; its
//! *coaches* write in the portal by hand, and are asked to.
//!
//! Rules:
//! - What a row says becomes the facts that a portal's event would have become, and from there on nothing
//!   is different: the same repeats are no news, the same procedures begin.
//! - The list is what was told so far: [`list`] answers from the facts. A check-in that was told as
//!   submitted or withdrawn stays so; another one has another id. A client or a check-in that is missing in
//!   a later file stays as it was.
//!
//! Not guaranteed: that it is up to date. Where a portal is read right before each message, here it counts
//! what was told by then, so a submission that the list does not know yet can't stop a message. An admin is
//! told when nothing was told for days.

pub mod emulated;
pub mod import;
mod inspect;
pub mod list;
mod path;
mod vendor;

use http::{HeaderMap, StatusCode};
use relay_check_ins::webhook::{self, KeyRing, VerifyError};
use relay_check_ins::{About, Row, RowCheckIn, RowState, SubmittedAt};
use relay_core::clients::{ClientSnapshot, ClientStatus};
use relay_core::facts::{Fact, FactBody};
use relay_core::ids::ClientId;
use relay_core::time::{Date, TimeZone, Timestamp};
use relay_store::Receipt;

use crate::receipts::{Parsed, Refusal, Source, Verified};
use path::SOURCE;

pub use vendor::VENDOR;

/// The list as a sender of webhooks.
#[derive(Debug, Clone)]
pub struct CheckInSource {
    keys: KeyRing,
    zone: TimeZone,
}

impl CheckInSource {
    /// Rows signed with one of `keys`. `zone` is the clinic's.
    pub fn new(keys: KeyRing, zone: TimeZone) -> Self {
        Self { keys, zone }
    }

    fn facts(&self, row: Row, told_at: Timestamp) -> Vec<Fact> {
        let mut facts = Vec::new();
        if let Some(about) = row.about {
            let client = snapshot(row.client.clone(), about);
            let body = FactBody::ClientUpdated {
                client: Box::new(client),
            };
            let object = row.client.to_string();
            facts.push(fact(&row.client, object, told_at, body));
        }
        if let Some(check_in) = row.check_in {
            facts.extend(self.check_in(&row.client, check_in, told_at));
        }
        facts
    }

    fn check_in(&self, client: &ClientId, told: RowCheckIn, told_at: Timestamp) -> Vec<Fact> {
        let RowCheckIn { id, due, state } = told;
        let over = match state {
            RowState::Open => None,
            RowState::Submitted(at) => {
                let at = at.map_or(told_at, |at| match at {
                    SubmittedAt::Instant(at) => at,
                    SubmittedAt::Day(day) => start_of(day, &self.zone).unwrap_or(told_at),
                });
                let body = FactBody::CheckInSubmitted {
                    check_in: id.clone(),
                    complete: true,
                };
                Some((at.min(told_at), body))
            }
            RowState::Withdrawn => {
                let body = FactBody::CheckInWithdrawn {
                    check_in: id.clone(),
                };
                Some((told_at, body))
            }
        };
        let object = id.to_string();
        let due = FactBody::CheckInDue {
            check_in: id,
            due,
            due_at: None,
        };
        // What ended it first: its date alone must not begin anything.
        let over = over.map(|(at, body)| fact(client, object.clone(), at, body));
        over.into_iter()
            .chain([fact(client, object, told_at, due)])
            .collect()
    }
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

fn start_of(day: Date, zone: &TimeZone) -> Option<Timestamp> {
    let midnight = zone.to_ambiguous_timestamp(day.at(0, 0, 0, 0));
    midnight.compatible().ok()
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

    fn parse(&self, receipt: &Receipt) -> Parsed {
        let delivery = match webhook::read(&receipt.body) {
            Ok(delivery) => delivery,
            Err(error) => {
                return Parsed::Quarantine {
                    reason: error.to_string(),
                    hints: Vec::new(),
                    facts: Vec::new(),
                };
            }
        };
        let faults = delivery.faults();
        let made_at = delivery.made_at.unwrap_or(receipt.received_at);
        let told_at = made_at.min(receipt.received_at);
        let count = delivery.rows.len();
        let rows = delivery.rows.into_iter();
        let facts = rows.flat_map(|row| self.facts(row, told_at)).collect();
        match faults {
            Some(reason) => Parsed::Quarantine {
                reason,
                hints: Vec::new(),
                facts,
            },
            None => Parsed::Content {
                facts,
                hints: Vec::new(),
                note: Some(format!("{count} rows")),
            },
        }
    }
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
