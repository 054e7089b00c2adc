//! From an event of the portal to facts.
//!
//! A fact's source time is the time the event names for what happened, else the time the event
//! was made, else the time of receipt; one that lies in the future is capped at the time of
//! receipt, and the note says so (E34).

use relay_clear_connection::webhook::{Event, PortalChange};
use relay_clear_connection::{Client, MessageAuthor};
use relay_core::facts::{Fact, FactBody};
use relay_core::ids::ClientId;
use relay_core::outside;
use relay_core::time::{TimeZone, Timestamp};

use super::snapshot;
use crate::receipts::Parsed;

/// The longest event type that is quoted, in characters.
const MAX_TYPE: usize = 60;

/// What an event says, received at `received_at`. `zone` is the clinic's.
pub(super) fn of(event: Event, received_at: Timestamp, zone: &TimeZone) -> Parsed {
    if let Some(reason) = impossible_date(&event.change, zone) {
        return Parsed::Quarantine {
            reason,
            hints: Vec::new(),
            facts: Vec::new(),
            unread: Vec::new(),
        };
    }
    let mut telling = Telling {
        made_at: event.at,
        received_at,
        capped: false,
        notes: Vec::new(),
    };
    let fact = telling.fact(&event.kind, event.change, zone);
    if telling.capped {
        telling.notes.push("a time in the future was capped".into());
    }
    Parsed::Content {
        facts: fact.into_iter().collect(),
        hints: Vec::new(),
        note: (!telling.notes.is_empty()).then(|| telling.notes.join("; ")),
    }
}

/// A date that can be none of a check-in or a regimen: what would follow from it is a client who is
/// written to at once, or never.
fn impossible_date(change: &PortalChange, zone: &TimeZone) -> Option<String> {
    let (member, day) = match change {
        PortalChange::CheckInDue { due, .. } | PortalChange::CheckInRescheduled { due, .. } => {
            ("due_date", due.day(zone))
        }
        PortalChange::RegimenChanged { changed, .. } => ("changed_at", changed.day(zone)),
        _ => return None,
    };
    (!outside::is_plausible(day)).then(|| format!("`{member}` is {day}, which can't be right"))
}

struct Telling {
    made_at: Option<Timestamp>,
    received_at: Timestamp,
    capped: bool,
    notes: Vec<String>,
}

impl Telling {
    fn fact(&mut self, kind: &str, change: PortalChange, zone: &TimeZone) -> Option<Fact> {
        match change {
            PortalChange::CheckInDue { .. }
            | PortalChange::CheckInSubmitted { .. }
            | PortalChange::CheckInRescheduled { .. }
            | PortalChange::CheckInWithdrawn { .. } => self.check_in(kind, change, zone),
            PortalChange::MessageReceived { .. } | PortalChange::MessageRead { .. } => {
                self.message(change)
            }
            PortalChange::RegimenChanged { client, changed } => {
                let on = changed.day(zone);
                let object = client.to_string();
                let body = FactBody::RegimenChanged { on };
                Some(self.about(client, object, changed.instant(), body))
            }
            PortalChange::ClientUpdated(client) => self.client(*client, zone),
            PortalChange::ProgramEnded { client, at } => {
                let object = client.to_string();
                Some(self.about(client, object, at, FactBody::ProgramEnded))
            }
            PortalChange::ProgramReactivated { client, at } => {
                let object = client.to_string();
                Some(self.about(client, object, at, FactBody::ProgramReactivated))
            }
            PortalChange::ConversionRequested { .. } | PortalChange::ComplianceFlagged { .. } => {
                self.notes.push(format!("{kind}: kept, nothing follows"));
                None
            }
            PortalChange::MissedWithoutDate { .. } => {
                let note = "check_in.missed without `due_date`: left to the daily reconcile";
                self.notes.push(note.to_owned());
                None
            }
            PortalChange::Unknown => {
                self.notes.push(format!("unknown type {}", shown(kind)));
                None
            }
        }
    }

    fn check_in(&mut self, kind: &str, change: PortalChange, zone: &TimeZone) -> Option<Fact> {
        let (client, check_in, at, body) = match change {
            PortalChange::CheckInDue {
                client,
                check_in,
                due,
            } => {
                if kind == "check_in.missed" {
                    // Whether it is missed is found out by reading, after the due date.
                    self.notes.push("taken as a hint that it is due".to_owned());
                }
                let body = FactBody::CheckInDue {
                    check_in: check_in.clone(),
                    due: due.day(zone),
                    due_at: due.at(),
                };
                (client, check_in, None, body)
            }
            PortalChange::CheckInSubmitted {
                client,
                check_in,
                at,
                complete,
            } => {
                let body = FactBody::CheckInSubmitted {
                    check_in: check_in.clone(),
                    complete,
                };
                (client, check_in, at, body)
            }
            PortalChange::CheckInRescheduled {
                client,
                check_in,
                due,
            } => {
                let body = FactBody::CheckInRescheduled {
                    check_in: check_in.clone(),
                    due: due.day(zone),
                };
                (client, check_in, None, body)
            }
            PortalChange::CheckInWithdrawn { client, check_in } => {
                let body = FactBody::CheckInWithdrawn {
                    check_in: check_in.clone(),
                };
                (client, check_in, None, body)
            }
            _ => return None,
        };
        Some(self.about(client, check_in.0, at, body))
    }

    fn message(&mut self, change: PortalChange) -> Option<Fact> {
        let (client, message, at, body) = match change {
            PortalChange::MessageReceived {
                client,
                message,
                author: MessageAuthor::Client,
                at,
            } => {
                let body = FactBody::ClientReplied {
                    message: Some(message.clone()),
                    channel: "portal".to_owned(),
                };
                (client, message, at, body)
            }
            PortalChange::MessageReceived {
                client,
                message,
                author: MessageAuthor::Coach(coach),
                at,
            } => {
                let body = FactBody::CoachWrote {
                    message: message.clone(),
                    coach,
                };
                (client, message, at, body)
            }
            PortalChange::MessageRead {
                client,
                message,
                at,
            } => {
                let body = FactBody::MessageRead {
                    message: message.clone(),
                };
                (client, message, at, body)
            }
            _ => return None,
        };
        Some(self.about(client, message.0, at, body))
    }

    /// What `client.updated` tells is a part of the client: members not told are `None`, and a
    /// guard reads her whole before anything is sent. Without a status there is no fact at all,
    /// because "not told" would have to pass for an unknown status, which stops a case.
    fn client(&mut self, told: Client, zone: &TimeZone) -> Option<Fact> {
        if told.status.is_none() {
            let note = "client.updated without `status`: left to the next read";
            self.notes.push(note.to_owned());
            return None;
        }
        let client = told.id.clone();
        let object = client.to_string();
        let body = FactBody::ClientUpdated {
            client: Box::new(snapshot(told, zone)),
        };
        Some(self.about(client, object, None, body))
    }

    fn about(
        &mut self,
        client: ClientId,
        object: String,
        at: Option<Timestamp>,
        body: FactBody,
    ) -> Fact {
        let told = at.or(self.made_at).unwrap_or(self.received_at);
        if told > self.received_at {
            self.capped = true;
        }
        Fact {
            client,
            object,
            source_time: told.min(self.received_at),
            body,
        }
    }
}

/// A type that is spelt like one; anything else might hold a person.
fn shown(kind: &str) -> &str {
    let is_type = kind.len() <= MAX_TYPE
        && kind
            .chars()
            .all(|c| c.is_ascii_alphabetic() || c == '_' || c == '.');
    if is_type { kind } else { "(not shown)" }
}
