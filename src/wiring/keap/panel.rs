//! Keap's panel on the page of the demo, and what of Keap reaches the client: her mailbox and her
//! phone.

use relay_core::time::Timestamp;
use relay_keap::emulator::{SeenContact, SeenEmail, SeenSubscription, SeenTask};
use serde::Serialize;

use super::emulated::{COACHING_PRODUCT, TYPE_FIELD};
use crate::wiring::emulated::{Panels, Reader};

/// What Keap shows of a contact, and which buttons would do something. Without a contact: nothing.
pub(super) fn panels(contact: Option<&SeenContact>, reader: Reader<'_>) -> Panels {
    let of = |test: fn(&SeenContact) -> bool| contact.is_some_and(test);
    let keap = serde_json::to_value(contact.map(|contact| in_keap(contact, reader)));
    let phone = serde_json::to_value(contact.map_or_else(Vec::new, |one| calls(one, reader)));
    let mailbox = serde_json::to_value(contact.map_or_else(Vec::new, |one| mailbox(one, reader)));
    Panels {
        shown: vec![
            ("keap", keap.unwrap_or_default()),
            ("phone", phone.unwrap_or_default()),
            ("mailbox", mailbox.unwrap_or_default()),
        ],
        can: vec![
            ("open_email", of(has_unopened_mail)),
            (
                "call",
                of(|one| open_task(one).is_some_and(asks_for_a_call)),
            ),
            (
                "answer",
                of(|one| open_task(one).is_some_and(|task| !asks_for_a_call(task))),
            ),
        ],
        can_order: vec![
            (
                "move_to_clinic",
                of(|one| contact_type(one) != Some("In-Person")),
            ),
            ("stop_fee", of(|one| one.subscriptions.iter().any(is_fee))),
        ],
        coach: None,
    }
}

fn has_unopened_mail(contact: &SeenContact) -> bool {
    let newest = contact.emails.last();
    newest.is_some_and(|mail| mail.opened.is_none())
}

fn is_fee(one: &SeenSubscription) -> bool {
    one.product == COACHING_PRODUCT.to_string() && one.active
}

/// The CRM's panel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct KeapView {
    contact_type: Option<String>,
    /// The list of emails, newest first.
    emails: Vec<EmailView>,
    tags: Vec<String>,
    /// Tasks, newest first.
    tasks: Vec<TaskView>,
    /// Notes, newest first.
    notes: Vec<NoteView>,
    subscriptions: Vec<SubscriptionView>,
    cards: Vec<CardView>,
}

/// A row in the CRM's list of emails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct EmailView {
    id: String,
    subject: String,
    sent: String,
    opened: Option<String>,
    clicked: Option<String>,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct TaskView {
    id: String,
    title: String,
    text: String,
    owner: String,
    at: String,
    done: bool,
}

/// A subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct SubscriptionView {
    id: String,
    name: String,
    active: bool,
    auto_charge: bool,
}

/// A card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct CardView {
    id: String,
    last_four: String,
    active: bool,
}

/// A note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct NoteView {
    id: String,
    title: String,
    at: String,
    text: String,
}

/// A call that a task asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct CallView {
    id: String,
    coach: String,
    /// Since when she is asked to.
    since: String,
    done: Option<String>,
    /// What she wrote below it: what came of the call.
    outcome: Option<String>,
}

/// A mail as the client sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct MailView {
    id: String,
    from: String,
    subject: String,
    at: String,
    opened: bool,
    /// Its HTML part. The page shows the text that a browser makes of it, and no more.
    html: String,
}

/// The contact type, where one is set.
fn contact_type(contact: &SeenContact) -> Option<&str> {
    let mut fields = contact.fields.iter();
    let found = fields.find(|(label, _)| label == TYPE_FIELD);
    found.map(|(_, value)| value.as_str())
}

/// The CRM's panel.
fn in_keap(contact: &SeenContact, reader: Reader<'_>) -> KeapView {
    let emails = contact.emails.iter().rev();
    let tasks = contact.tasks.iter().rev();
    let notes = contact.notes.iter().rev();
    KeapView {
        contact_type: contact_type(contact).map(str::to_owned),
        emails: emails
            .filter(|mail| mail.listed)
            .map(|mail| email(mail, reader))
            .collect(),
        tags: contact.tags.clone(),
        tasks: tasks.map(|one| task(one, reader)).collect(),
        notes: notes
            .map(|note| NoteView {
                id: note.id.to_string(),
                title: note.title.clone(),
                at: maybe(note.at, reader),
                text: note.text.clone(),
            })
            .collect(),
        subscriptions: contact
            .subscriptions
            .iter()
            .map(|one| SubscriptionView {
                id: one.id.to_string(),
                name: one.name.clone(),
                active: one.active,
                auto_charge: one.auto_charge,
            })
            .collect(),
        cards: contact
            .cards
            .iter()
            .map(|one| CardView {
                id: one.id.to_string(),
                last_four: one.last_four.clone(),
                active: one.active,
            })
            .collect(),
    }
}

fn email(mail: &SeenEmail, reader: Reader<'_>) -> EmailView {
    EmailView {
        id: mail.id.to_string(),
        subject: mail.subject.clone(),
        sent: maybe(mail.sent, reader),
        opened: mail.opened.map(|at| reader.time(at)),
        clicked: mail.clicked.map(|at| reader.time(at)),
    }
}

fn task(task: &SeenTask, reader: Reader<'_>) -> TaskView {
    TaskView {
        id: task.id.to_string(),
        title: task.title.clone(),
        text: task.description.clone(),
        owner: task.owner.clone(),
        at: maybe(task.made, reader),
        done: task.completed,
    }
}

/// The mail that can be read, newest first: older mail of the history has no content.
fn mailbox(contact: &SeenContact, reader: Reader<'_>) -> Vec<MailView> {
    let mails = contact.emails.iter().rev();
    mails
        .filter_map(|mail| {
            Some(MailView {
                id: mail.id.to_string(),
                from: mail.from.clone(),
                subject: mail.subject.clone(),
                at: maybe(mail.sent, reader),
                opened: mail.opened.is_some(),
                html: mail.html.clone()?,
            })
        })
        .collect()
}

/// The calls that tasks ask for, newest first. What came of one is what the coach wrote; nothing
/// else about a call is known to anybody's tools.
fn calls(contact: &SeenContact, reader: Reader<'_>) -> Vec<CallView> {
    let tasks = contact.tasks.iter().rev();
    tasks
        .filter(|task| asks_for_a_call(task))
        .map(|task| CallView {
            id: task.id.to_string(),
            coach: task.owner.clone(),
            since: maybe(task.made, reader),
            done: task
                .completed
                .then(|| maybe(task.completed_at, reader))
                .filter(|at| !at.is_empty()),
            outcome: outcome(&task.description).filter(|_| task.completed),
        })
        .collect()
}

/// The task that her coach would complete.
fn open_task(contact: &SeenContact) -> Option<&SeenTask> {
    contact.tasks.iter().rev().find(|task| !task.completed)
}

/// Whether a task has the line for what came of a call; another asks her something.
fn asks_for_a_call(task: &SeenTask) -> bool {
    let mut lines = task.description.lines();
    lines.any(|line| line.trim().starts_with("Outcome:"))
}

/// What stands after the last `Outcome:` of a task, if anything does.
fn outcome(description: &str) -> Option<String> {
    let lines = description.lines().rev();
    let mut written = lines.filter_map(|line| line.trim().strip_prefix("Outcome:"));
    let said = written.find(|said| !said.trim().is_empty())?;
    Some(said.trim().to_owned())
}

fn maybe(at: Option<Timestamp>, reader: Reader<'_>) -> String {
    at.map(|at| reader.time(at)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_of_a_call_is_what_the_coach_wrote_last() {
        assert_eq!(
            outcome("Call her.\nOutcome:\nClear Relay, ref. PN5C-8ECJ-VG93"),
            None
        );
        let twice =
            "Outcome:\nClear Relay, ref. PN5C-8ECJ-VG93\nOutcome: no answer\nOutcome: voicemail ";
        assert_eq!(outcome(twice).as_deref(), Some("voicemail"));
        assert_eq!(outcome("Outcome: spoke\n").as_deref(), Some("spoke"));
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn contact() -> SeenContact {
        let email = |id: u64, listed: bool, html: Option<&str>| SeenEmail {
            id,
            subject: format!("mail {id}"),
            from: String::new(),
            sent: Some(at("2026-11-04T16:00:00Z")),
            opened: None,
            clicked: None,
            listed,
            html: html.map(str::to_owned),
        };
        SeenContact {
            id: 101,
            fields: vec![("Contact Type".to_owned(), "Online".to_owned())],
            emails: vec![email(1, true, None), email(2, false, Some("<div>Hi</div>"))],
            tags: Vec::new(),
            tasks: Vec::new(),
            notes: Vec::new(),
            subscriptions: vec![SeenSubscription {
                id: 901,
                product: COACHING_PRODUCT.to_string(),
                name: "Coaching".to_owned(),
                active: true,
                auto_charge: true,
            }],
            cards: Vec::new(),
        }
    }

    fn read<T>(of: impl Fn(Reader<'_>) -> T) -> T {
        let zone = relay_core::time::TimeZone::get("America/Denver").expect("a zone");
        let today = "2026-11-04".parse().expect("a day");
        of(Reader { zone: &zone, today })
    }

    #[test]
    fn mail_is_in_her_box_before_the_crm_lists_it_and_old_mail_has_no_content() {
        let contact = contact();
        let listed = read(|reader| in_keap(&contact, reader)).emails;
        assert_eq!(listed.iter().map(|one| &*one.id).collect::<Vec<_>>(), ["1"]);
        let mailbox = read(|reader| mailbox(&contact, reader));
        assert_eq!(
            mailbox.iter().map(|one| &*one.id).collect::<Vec<_>>(),
            ["2"]
        );
    }

    #[test]
    fn a_button_can_be_used_where_it_does_something() {
        let nobody = read(|reader| panels(None, reader));
        let nothing = [("open_email", false), ("call", false), ("answer", false)];
        assert_eq!(nobody.can, nothing);
        assert_eq!(
            nobody.can_order,
            [("move_to_clinic", false), ("stop_fee", false)]
        );
        assert!(nobody.shown[0].1.is_null());
        let mut contact = contact();
        let here = read(|reader| panels(Some(&contact), reader));
        let unopened = [("open_email", true), ("call", false), ("answer", false)];
        assert_eq!(here.can, unopened);
        assert_eq!(
            here.can_order,
            [("move_to_clinic", true), ("stop_fee", true)]
        );
        contact.fields[0].1 = "In-Person".to_owned();
        contact.subscriptions[0].active = false;
        let moved = read(|reader| panels(Some(&contact), reader));
        assert_eq!(
            moved.can_order,
            [("move_to_clinic", false), ("stop_fee", false)]
        );
    }
}
