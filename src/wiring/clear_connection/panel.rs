//! The portal's panel on the page of the demo: what the portal shows of a client.

use relay_clear_connection::emulator::{SeenCheckIn, SeenClient, SeenMessage, SeenNote};
use serde::Serialize;

use crate::wiring::emulated::{CheckInView, Panels, Reader};

/// What the portal shows, and which of its buttons would do something.
pub(super) fn panels(seen: &SeenClient, reader: Reader<'_>) -> Panels {
    let open = |one: &SeenCheckIn| one.submitted_at.is_none() && !one.withdrawn;
    let shown = serde_json::to_value(in_portal(seen, reader));
    Panels {
        shown: vec![("portal", shown.unwrap_or_default())],
        can: vec![("check_in", seen.check_ins.iter().any(open))],
        can_order: Vec::new(),
        coach: seen.coach.clone(),
    }
}

/// The portal's panel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct PortalView {
    status: String,
    check_ins: Vec<CheckInView>,
    /// The conversation, oldest first.
    messages: Vec<MessageView>,
    /// Coaches' notes, oldest first.
    notes: Vec<NoteView>,
}

/// A message in the portal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct MessageView {
    id: String,
    from_client: bool,
    who: String,
    at: String,
    text: String,
    /// Whether the client has read it; her own she has.
    read: bool,
}

/// A note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct NoteView {
    id: String,
    title: String,
    at: String,
    text: String,
}

/// The portal's panel.
fn in_portal(seen: &SeenClient, reader: Reader<'_>) -> PortalView {
    let check_in = |one: &SeenCheckIn| {
        let submitted = reader.maybe(one.submitted_at);
        CheckInView::of(&one.id, one.due, submitted, one.withdrawn, reader)
    };
    let message = |one: &SeenMessage| MessageView {
        id: one.id.clone(),
        from_client: one.coach.is_none(),
        who: one.coach.clone().unwrap_or_else(|| {
            let name = seen.first_name.clone();
            name.unwrap_or_else(|| "the client".to_owned())
        }),
        at: reader.time(one.at),
        text: one.text.clone(),
        read: one.coach.is_none() || one.read_at.is_some(),
    };
    let note = |one: &SeenNote| NoteView {
        id: one.id.clone(),
        title: one
            .author
            .clone()
            .unwrap_or_else(|| "Clear Relay".to_owned()),
        at: reader.time(one.at),
        text: one.text.clone(),
    };
    PortalView {
        status: seen.status.replace('_', " "),
        check_ins: seen.check_ins.iter().map(check_in).collect(),
        messages: seen.messages.iter().map(message).collect(),
        notes: seen.notes.iter().map(note).collect(),
    }
}

#[cfg(test)]
mod tests {
    use relay_core::time::{TimeZone, Timestamp};

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn check_in(id: &str, due: &str, submitted: bool, withdrawn: bool) -> SeenCheckIn {
        SeenCheckIn {
            id: id.to_owned(),
            due: due.parse().expect("a day"),
            submitted_at: submitted.then(|| at("2026-11-04T16:00:00Z")),
            withdrawn,
        }
    }

    fn maya() -> SeenClient {
        let message = |id: &str, coach: Option<&str>, read: bool| SeenMessage {
            id: id.to_owned(),
            coach: coach.map(str::to_owned),
            at: at("2026-11-04T16:00:00Z"),
            text: "Hi".to_owned(),
            read_at: read.then(|| at("2026-11-04T17:00:00Z")),
        };
        SeenClient {
            id: "maya".to_owned(),
            first_name: Some("Maya".to_owned()),
            last_name: Some("Reyes".to_owned()),
            status: "on_break".to_owned(),
            coach: Some("Beth".to_owned()),
            contact: Some("101".to_owned()),
            regimen: None,
            check_ins: vec![
                check_in("a", "2026-11-01", true, false),
                check_in("b", "2026-11-02", false, true),
                check_in("c", "2026-11-03", false, false),
                check_in("d", "2026-11-04", false, false),
                check_in("e", "2026-11-05", false, false),
            ],
            messages: vec![message("1", Some("Beth"), false), message("2", None, false)],
            notes: Vec::new(),
        }
    }

    fn read<T>(of: impl Fn(&SeenClient, Reader<'_>) -> T, seen: &SeenClient) -> T {
        let zone = TimeZone::get("America/Denver").expect("a zone");
        let today = "2026-11-04".parse().expect("a day");
        of(seen, Reader { zone: &zone, today })
    }

    #[test]
    fn a_check_in_is_missed_from_the_day_after_it_was_due() {
        let portal = read(in_portal, &maya());
        let states: Vec<_> = portal.check_ins.iter().map(|one| one.state).collect();
        assert_eq!(
            states,
            [
                "submitted",
                "withdrawn",
                "missed",
                "due today",
                "not due yet"
            ]
        );
        assert_eq!(portal.status, "on break");
    }

    #[test]
    fn times_are_the_clinics_and_her_own_message_counts_as_read() {
        let portal = read(in_portal, &maya());
        assert_eq!(portal.messages[0].at, "Wed Nov 4 09:00");
        let read: Vec<_> = portal
            .messages
            .iter()
            .map(|one| (&*one.who, one.read))
            .collect();
        assert_eq!(read, [("Beth", false), ("Maya", true)]);
    }

    #[test]
    fn a_check_in_can_be_submitted_while_one_is_open() {
        let mut maya = maya();
        assert_eq!(read(panels, &maya).can, [("check_in", true)]);
        maya.check_ins.truncate(2);
        let panels = read(panels, &maya);
        assert_eq!(panels.can, [("check_in", false)]);
        assert_eq!(panels.coach.as_deref(), Some("Beth"));
        assert_eq!(panels.shown[0].1["status"], "on break");
    }
}
