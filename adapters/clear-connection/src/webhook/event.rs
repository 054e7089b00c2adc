//! What does it say? From the stored bytes of a verified event to a [`PortalChange`].
//!
//! Whatever is needed is checked here, and nothing is believed that a later read contradicts: the
//! text of a message is never taken from an event, and `check_in.missed` is a hint only, because
//! *missed* is computed by us.

use relay_core::ids::{CheckInId, ClientId, CoachId, MessageId};
use relay_core::time::Timestamp;
use serde_json::Value;
use thiserror::Error;

use super::FieldMap;
use crate::types::{Client, Due, MessageAuthor, When};
use crate::wire;

/// Every event type of the contract.
pub const KNOWN_TYPES: &[&str] = &[
    "check_in.due",
    "check_in.submitted",
    "check_in.rescheduled",
    "check_in.withdrawn",
    "check_in.missed",
    "message.received",
    "message.read",
    "regimen.changed",
    "client.updated",
    "client.conversion_requested",
    "program.ended",
    "program.reactivated",
    "compliance.flagged",
];

/// An event as told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its type, as spelt. Words of ours only for known types; never shown unchecked.
    pub kind: String,
    /// When the portal made it; `None` if not told or not an instant.
    pub at: Option<Timestamp>,
    /// What the event tells.
    pub change: PortalChange,
}

/// What an event tells, by its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortalChange {
    /// A check-in is due, or (as a hint) said to be missed.
    CheckInDue {
        /// The client whose check-in it is.
        client: ClientId,
        /// The check-in, by the portal's id.
        check_in: CheckInId,
        /// The day or the instant it is due.
        due: Due,
    },
    /// A check-in was submitted.
    CheckInSubmitted {
        /// The client who submitted it.
        client: ClientId,
        /// The check-in, by the portal's id.
        check_in: CheckInId,
        /// When she submitted it; `None` if not told.
        at: Option<Timestamp>,
        /// Whether the portal calls it complete; `true` unless it says no.
        complete: bool,
    },
    /// A check-in's due date moved.
    CheckInRescheduled {
        /// The client whose check-in it is.
        client: ClientId,
        /// The check-in, by the portal's id.
        check_in: CheckInId,
        /// The day or the instant it is due from now on.
        due: Due,
    },
    /// A check-in was withdrawn or deleted.
    CheckInWithdrawn {
        /// The client whose check-in it was.
        client: ClientId,
        /// The check-in, by the portal's id.
        check_in: CheckInId,
    },
    /// A message was written.
    MessageReceived {
        /// The client in whose conversation it stands.
        client: ClientId,
        /// The message, by the portal's id.
        message: MessageId,
        /// The side that wrote it.
        author: MessageAuthor,
        /// When it was written; `None` if not told.
        at: Option<Timestamp>,
    },
    /// The client read a message.
    MessageRead {
        /// The client who read it.
        client: ClientId,
        /// The message, by the portal's id.
        message: MessageId,
        /// When she read it; `None` if not told.
        at: Option<Timestamp>,
    },
    /// The regimen changed.
    RegimenChanged {
        /// The client whose regimen it is.
        client: ClientId,
        /// The day or the instant of the change.
        changed: When,
    },
    /// Status, coach or contact data changed. Members not told are `None`.
    ClientUpdated(Box<Client>),
    /// The program was ended by hand.
    ProgramEnded {
        /// The client whose program ended.
        client: ClientId,
        /// When it ended; `None` if not told.
        at: Option<Timestamp>,
    },
    /// The program was taken up again.
    ProgramReactivated {
        /// The client whose program goes on.
        client: ClientId,
        /// When it was taken up; `None` if not told.
        at: Option<Timestamp>,
    },
    /// A coach asks to move the client to the clinic.
    ConversionRequested {
        /// The client who is to be moved.
        client: ClientId,
        /// The coach who asks; `None` if not told.
        by: Option<CoachId>,
    },
    /// The portal flagged something about compliance.
    ComplianceFlagged {
        /// The client whose compliance it is.
        client: ClientId,
    },
    /// `check_in.missed` that doesn't say when it was due: nothing to go by, and nothing lost,
    /// because the daily read lists it.
    MissedWithoutDate {
        /// The client who is said to have missed one.
        client: ClientId,
    },
    /// A type that the contract doesn't have.
    Unknown,
}

/// Why a verified event can't be used. Names members, never their values.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Trouble {
    /// Not a JSON object.
    #[error("the body is not a JSON object")]
    NotAnObject,
    /// No type, so nobody can say what it is.
    #[error("the event has no `type`")]
    NoType,
    /// A member that can't be done without is missing or not understood.
    #[error("{kind}: no usable `{member}`")]
    Member {
        /// The event's type.
        kind: &'static str,
        /// The member.
        member: &'static str,
    },
}

/// Reads the body of a verified event. Never panics, whatever the bytes.
pub fn read(body: &[u8], fields: &FieldMap) -> Result<Event, Trouble> {
    // A byte order mark, which some tools put before a body, says nothing; no reader of JSON takes it.
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let body: Value = serde_json::from_slice(body).map_err(|_| Trouble::NotAnObject)?;
    if !body.is_object() {
        return Err(Trouble::NotAnObject);
    }
    let kind = wire::text(fields.find(&body, "type")).ok_or(Trouble::NoType)?;
    let at = wire::instant(fields.find(&body, "timestamp"));
    let known = KNOWN_TYPES.iter().find(|known| **known == kind);
    let change = match known {
        Some(known) => Members {
            kind: known,
            body: &body,
            fields,
        }
        .change()?,
        None => PortalChange::Unknown,
    };
    Ok(Event { kind, at, change })
}

/// The members of one event.
struct Members<'a> {
    kind: &'static str,
    body: &'a Value,
    fields: &'a FieldMap,
}

impl<'a> Members<'a> {
    fn change(&self) -> Result<PortalChange, Trouble> {
        let client: ClientId = self.need("client_id", wire::id(self.get("client_id")))?;
        match self.kind {
            "check_in.due"
            | "check_in.missed"
            | "check_in.submitted"
            | "check_in.rescheduled"
            | "check_in.withdrawn" => self.check_in(client),
            "message.received" | "message.read" => self.message(client),
            "regimen.changed" => Ok(PortalChange::RegimenChanged {
                client,
                changed: self.need("changed_at", wire::when(self.get("changed_at")))?,
            }),
            "client.updated" => {
                let told = Client::with_id(client, |name| self.get(name));
                Ok(PortalChange::ClientUpdated(Box::new(told)))
            }
            "program.ended" => Ok(PortalChange::ProgramEnded {
                client,
                at: wire::instant(self.get("at")),
            }),
            "program.reactivated" => Ok(PortalChange::ProgramReactivated {
                client,
                at: wire::instant(self.get("at")),
            }),
            "client.conversion_requested" => Ok(PortalChange::ConversionRequested {
                client,
                by: wire::id(self.get("coach_id")).or_else(|| wire::id(self.get("by"))),
            }),
            "compliance.flagged" => Ok(PortalChange::ComplianceFlagged { client }),
            _ => Ok(PortalChange::Unknown),
        }
    }

    fn check_in(&self, client: ClientId) -> Result<PortalChange, Trouble> {
        let due = Due::read(self.get("due_date"), self.get("due_at"));
        if self.kind == "check_in.missed" && due.is_none() {
            return Ok(PortalChange::MissedWithoutDate { client });
        }
        let check_in: CheckInId = self.need("check_in_id", wire::id(self.get("check_in_id")))?;
        match self.kind {
            "check_in.submitted" => Ok(PortalChange::CheckInSubmitted {
                client,
                check_in,
                at: wire::instant(self.get("submitted_at")),
                complete: wire::flag(self.get("complete")).unwrap_or(true),
            }),
            "check_in.withdrawn" => Ok(PortalChange::CheckInWithdrawn { client, check_in }),
            "check_in.rescheduled" => Ok(PortalChange::CheckInRescheduled {
                client,
                check_in,
                due: self.need("due_date", due)?,
            }),
            _ => Ok(PortalChange::CheckInDue {
                client,
                check_in,
                due: self.need("due_date", due)?,
            }),
        }
    }

    fn message(&self, client: ClientId) -> Result<PortalChange, Trouble> {
        let message: MessageId = self.need("message_id", wire::id(self.get("message_id")))?;
        if self.kind == "message.read" {
            return Ok(PortalChange::MessageRead {
                client,
                message,
                at: wire::instant(self.get("read_at")),
            });
        }
        let author = MessageAuthor::read(self.get("from"), self.get("coach_id"));
        Ok(PortalChange::MessageReceived {
            client,
            message,
            author: self.need("from", author)?,
            at: wire::instant(self.get("sent_at")),
        })
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.fields.find(self.body, name)
    }

    fn need<T>(&self, member: &'static str, value: Option<T>) -> Result<T, Trouble> {
        value.ok_or(Trouble::Member {
            kind: self.kind,
            member,
        })
    }
}
