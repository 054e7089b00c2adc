//! What the portal answers, read tolerantly.
//!
//! Unknown members are ignored, ids may be numbers, optional members may be absent or null. A
//! status word is kept as it was spelt: whether we know it is the reader's question (E39). What
//! can't be done without (an id, a due date, an author) makes the object [`Unreadable`].

use std::collections::BTreeSet;

use relay_core::ids::{CheckInId, ClientId, CoachId, ContactId, MessageId};
use relay_core::time::{Date, TimeZone, Timestamp};
use serde_json::Value;
use thiserror::Error;

use crate::wire;

/// Why an object can't be used: which member is missing or not understood. Never its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Unreadable(pub &'static str);

/// A point in time as the portal writes it: a civil day, or an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// A civil day, in the clinic's zone.
    Day(Date),
    /// An instant.
    Instant(Timestamp),
}

impl When {
    /// Reads an ISO 8601 date, or date and time with offset. A time without offset could be
    /// anybody's, so only its day is believed.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(instant) = text.parse::<Timestamp>() {
            return Some(Self::Instant(instant));
        }
        text.parse::<Date>().ok().map(Self::Day)
    }

    /// The civil day, in `zone` where it is an instant.
    pub fn day(self, zone: &TimeZone) -> Date {
        match self {
            Self::Day(day) => day,
            Self::Instant(instant) => zone.to_datetime(instant).date(),
        }
    }

    /// The instant, where it is one.
    pub fn instant(self) -> Option<Timestamp> {
        match self {
            Self::Day(_) => None,
            Self::Instant(instant) => Some(instant),
        }
    }
}

/// When a check-in is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    day: When,
    at: Option<Timestamp>,
}

impl Due {
    /// From `due_date` and `due_at`, at least one of which must be told. The date decides the
    /// day: the portal knows which day it showed the client.
    pub(crate) fn read(due_date: Option<&Value>, due_at: Option<&Value>) -> Option<Self> {
        let date = wire::when(due_date);
        let at = wire::when(due_at);
        Some(Self {
            day: date.or(at)?,
            at: at
                .and_then(When::instant)
                .or_else(|| date.and_then(When::instant)),
        })
    }

    /// `D`: the civil day, in the clinic's `zone`.
    pub fn day(&self, zone: &TimeZone) -> Date {
        self.day.day(zone)
    }

    /// The instant, where the portal gives one.
    pub fn at(&self) -> Option<Timestamp> {
        self.at
    }
}

/// A client of the clinic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The portal's id.
    pub id: ClientId,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// The status word as spelt; `None` if not told.
    pub status: Option<String>,
    /// Only the Transition Maintenance Call is open, told as a flag beside the status.
    pub transition_call_only: bool,
    /// Her coach.
    pub coach: Option<CoachId>,
    /// Email address.
    pub email: Option<String>,
    /// Phone number.
    pub phone: Option<String>,
    /// IANA time zone.
    pub time_zone: Option<String>,
    /// `R`: the last regimen change.
    pub last_regimen_change: Option<When>,
    /// The CRM contact she is linked to.
    pub contact: Option<ContactId>,
    /// End of an agreed break.
    pub break_until: Option<When>,
    /// Whether she is a minor; `None` if not told. What is told and can't be read counts as yes.
    pub minor: Option<bool>,
    /// Who answers for her: the guardian's name, empty where a guardian without a name is told.
    pub guardian: Option<String>,
}

/// A member that says something.
fn told(member: Option<&Value>) -> Option<&Value> {
    member.filter(|value| !value.is_null())
}

impl Client {
    pub(crate) fn read(value: &Value) -> Result<Self, Unreadable> {
        let id = wire::id(value.get("id")).ok_or(Unreadable("a client without `id`"))?;
        Ok(Self::with_id(id, |name| value.get(name)))
    }

    /// A client whose id was told elsewhere, from the members that `member` finds.
    pub(crate) fn with_id<'a>(id: ClientId, member: impl Fn(&str) -> Option<&'a Value>) -> Self {
        Self {
            id,
            first_name: wire::text(member("first_name")),
            last_name: wire::text(member("last_name")),
            status: wire::text(member("status")),
            transition_call_only: wire::flag(member("transition_call_only")).unwrap_or(false),
            coach: wire::id(member("coach_id")),
            email: wire::text(member("email")),
            phone: wire::text(member("phone")),
            time_zone: wire::text(member("time_zone")),
            last_regimen_change: wire::when(member("last_regimen_change")),
            contact: wire::id(member("keap_contact_id")),
            break_until: wire::when(member("break_until")),
            minor: told(member("minor")).map(|minor| wire::flag(Some(minor)).unwrap_or(true)),
            guardian: told(member("guardian")).map(|guardian| {
                // A mapped event may give the name by itself.
                let name = guardian.get("name").or(Some(guardian));
                wire::text(name).unwrap_or_default()
            }),
        }
    }
}

/// Where a check-in stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckInState {
    /// Asked for and not there yet.
    Open,
    /// Submitted, at this time where the portal tells one.
    Submitted(Option<Timestamp>),
    /// Withdrawn or deleted by the clinic.
    Withdrawn,
    /// A word we don't know, or none. Never counts as missed (E39).
    Unknown(Option<String>),
}

/// A check-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckIn {
    /// The portal's id.
    pub id: CheckInId,
    /// Whose it is, where told.
    pub client: Option<ClientId>,
    /// When it is due.
    pub due: Due,
    /// Where it stands.
    pub state: CheckInState,
}

impl CheckIn {
    pub(crate) fn read(value: &Value) -> Result<Self, Unreadable> {
        let submitted_at = wire::instant(value.get("submitted_at"));
        let word = wire::text(value.get("status"));
        let state = match word.as_deref() {
            Some("withdrawn") => CheckInState::Withdrawn,
            Some("submitted") => CheckInState::Submitted(submitted_at),
            // A time of submission says more than any word beside it.
            _ if submitted_at.is_some() => CheckInState::Submitted(submitted_at),
            Some("open") => CheckInState::Open,
            _ => CheckInState::Unknown(word),
        };
        Ok(Self {
            id: wire::id(value.get("id")).ok_or(Unreadable("a check-in without `id`"))?,
            client: wire::id(value.get("client_id")),
            due: Due::read(value.get("due_date"), value.get("due_at"))
                .ok_or(Unreadable("a check-in without `due_date`"))?,
            state,
        })
    }
}

/// What the portal lists of every client's open check-ins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenCheckIns {
    /// Those that can be read, each with its client.
    pub open: Vec<CheckIn>,
    /// What is wrong with the others, once for each reason: nobody else hears of them.
    pub left_out: BTreeSet<String>,
}

/// Who wrote a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageAuthor {
    /// The client.
    Client,
    /// A coach, named where the portal names her.
    Coach(Option<CoachId>),
}

impl MessageAuthor {
    pub(crate) fn read(from: Option<&Value>, coach: Option<&Value>) -> Option<Self> {
        match wire::text(from)?.as_str() {
            "client" => Some(Self::Client),
            "coach" => Some(Self::Coach(wire::id(coach))),
            _ => None,
        }
    }
}

/// A message between client and coach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The portal's id.
    pub id: MessageId,
    /// Who wrote it.
    pub author: MessageAuthor,
    /// When it was sent, as the portal tells.
    pub sent_at: Timestamp,
    /// The text, to the character; empty for a message without words.
    pub text: String,
    /// The `Idempotency-Key` it was written with, where the portal tells.
    pub key: Option<String>,
}

impl Message {
    pub(crate) fn read(value: &Value) -> Result<Self, Unreadable> {
        Ok(Self {
            id: wire::id(value.get("id")).ok_or(Unreadable("a message without `id`"))?,
            // Taking an unknown author for a coach could overlook a reply, and taking it for the
            // client could silence a follow-up: neither is guessed.
            author: MessageAuthor::read(value.get("from"), value.get("coach_id"))
                .ok_or(Unreadable("a message by an unknown kind of author"))?,
            sent_at: wire::instant(value.get("sent_at"))
                .ok_or(Unreadable("a message without `sent_at`"))?,
            text: wire::exact_text(value.get("text")).unwrap_or_default(),
            key: wire::text(value.get("idempotency_key")),
        })
    }
}

/// A quiet note that only coaches see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The portal's id.
    pub id: String,
    /// The coach who wrote it; `None`: an integration did.
    pub author: Option<CoachId>,
    /// When it was written, as the portal tells.
    pub written_at: Timestamp,
    /// The text, to the character.
    pub text: String,
    /// The `Idempotency-Key` it was written with, where the portal tells.
    pub key: Option<String>,
}

impl Note {
    pub(crate) fn read(value: &Value) -> Result<Self, Unreadable> {
        Ok(Self {
            id: wire::id(value.get("id")).ok_or(Unreadable("a note without `id`"))?,
            author: wire::id(value.get("author")),
            written_at: wire::instant(value.get("written_at"))
                .ok_or(Unreadable("a note without `written_at`"))?,
            text: wire::exact_text(value.get("text")).unwrap_or_default(),
            key: wire::text(value.get("idempotency_key")),
        })
    }
}

/// A coach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coach {
    /// The portal's id.
    pub id: CoachId,
    /// The name she signs with.
    pub name: Option<String>,
    /// Her address, by which she is found in the CRM.
    pub email: Option<String>,
}

impl Coach {
    pub(crate) fn read(value: &Value) -> Result<Self, Unreadable> {
        Ok(Self {
            id: wire::id(value.get("id")).ok_or(Unreadable("a coach without `id`"))?,
            name: wire::text(value.get("name")),
            email: wire::text(value.get("email")),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn denver() -> TimeZone {
        TimeZone::get("America/Denver").expect("a bundled zone")
    }

    #[test]
    fn an_instant_falls_on_the_clinics_day_and_a_date_stays_itself() {
        let late = When::parse("2026-11-04T05:30:00Z").expect("an instant");
        assert_eq!(late.day(&denver()).to_string(), "2026-11-03");
        let day = When::parse("2026-11-03").expect("a day");
        assert_eq!(day.day(&denver()).to_string(), "2026-11-03");
        assert_eq!(day.instant(), None);
        let local = When::parse("2026-11-03T23:30:00").expect("a local time");
        assert_eq!(local.instant(), None);
        assert_eq!(local.day(&denver()).to_string(), "2026-11-03");
        assert_eq!(When::parse("next Tuesday"), None);
    }

    #[test]
    fn a_told_date_decides_the_day_even_when_the_instant_lies_on_another() {
        let due = Due::read(
            Some(&json!("2026-11-03")),
            Some(&json!("2026-11-04T06:59:00+00:00")),
        )
        .expect("due");
        assert_eq!(due.day(&denver()).to_string(), "2026-11-03");
        assert!(due.at().is_some());
        assert_eq!(Due::read(None, Some(&json!(null))), None);
    }

    #[test]
    fn an_unknown_or_missing_state_is_neither_open_nor_submitted() {
        for status in [json!("skipped"), json!(null), json!(3)] {
            let check_in = json!({"id": 5, "due_date": "2026-11-03", "status": status});
            let read = CheckIn::read(&check_in).expect("readable");
            assert!(matches!(read.state, CheckInState::Unknown(_)), "{status}");
        }
    }

    #[test]
    fn a_time_of_submission_outweighs_an_unknown_word() {
        let check_in = json!({"id": "5", "due_date": "2026-11-03", "status": "reviewed",
            "submitted_at": "2026-11-03T16:00:00Z"});
        let read = CheckIn::read(&check_in).expect("readable");
        assert!(matches!(read.state, CheckInState::Submitted(Some(_))));
    }

    #[test]
    fn a_message_by_an_unknown_author_is_refused_not_guessed() {
        let message = json!({"id": "m", "from": "system", "sent_at": "2026-11-03T16:00:00Z"});
        assert_eq!(
            Message::read(&message),
            Err(Unreadable("a message by an unknown kind of author"))
        );
    }

    #[test]
    fn what_is_told_of_a_minor_and_cant_be_read_counts() {
        let read = |told: &str| {
            let value: Value = serde_json::from_str(told).expect("JSON");
            let client = Client::read(&value).expect("a client");
            (client.minor, client.guardian)
        };
        let named = |name: &str| Some(name.to_owned());
        assert_eq!(read(r#"{"id":"c"}"#), (None, None));
        assert_eq!(
            read(r#"{"id":"c","minor":null,"guardian":null}"#),
            (None, None)
        );
        assert_eq!(read(r#"{"id":"c","minor":"perhaps"}"#), (Some(true), None));
        assert_eq!(read(r#"{"id":"c","minor":{}}"#), (Some(true), None));
        assert_eq!(read(r#"{"id":"c","minor":0}"#), (Some(false), None));
        assert_eq!(
            read(r#"{"id":"c","guardian":"Carla Ruiz"}"#),
            (None, named("Carla Ruiz"))
        );
        assert_eq!(
            read(r#"{"id":"c","guardian":{"email":"x"}}"#),
            (None, named(""))
        );
        assert_eq!(read(r#"{"id":"c","guardian":[1]}"#), (None, named("")));
    }
}
