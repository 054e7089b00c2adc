//! The portal's panel, the CRM's, and what of the CRM reaches the client: her mailbox and her
//! phone.

use relay_clear_connection::emulator as portal;
use relay_keap::emulator as keap;

use super::view::{
    CallView, CardView, CheckInView, EmailView, KeapView, MailView, MessageView, NoteView,
    PortalView, Reader, SubscriptionView, TaskView, contact_type,
};

/// The portal's panel.
pub fn in_portal(seen: &portal::Seen, reader: Reader<'_>) -> PortalView {
    let check_in = |one: &portal::SeenCheckIn| CheckInView {
        id: one.id.clone(),
        due: one.due.strftime("%b %-d").to_string(),
        state: match (one.withdrawn, one.submitted_at) {
            (true, _) => "withdrawn",
            (_, Some(_)) => "submitted",
            _ if one.due > reader.today => "not due yet",
            _ if one.due == reader.today => "due today",
            _ => "missed",
        },
        submitted: reader.maybe(one.submitted_at),
    };
    let message = |one: &portal::SeenMessage| MessageView {
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
    let note = |one: &portal::SeenNote| NoteView {
        id: one.id.clone(),
        title: one.author.clone(),
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

/// The CRM's panel.
pub fn in_keap(contact: &keap::Seen, reader: Reader<'_>) -> KeapView {
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

fn email(mail: &keap::SeenEmail, reader: Reader<'_>) -> EmailView {
    EmailView {
        id: mail.id.to_string(),
        subject: mail.subject.clone(),
        sent: maybe(mail.sent, reader),
        opened: mail.opened.map(|at| reader.time(at)),
        clicked: mail.clicked.map(|at| reader.time(at)),
    }
}

fn task(task: &keap::SeenTask, reader: Reader<'_>) -> TaskView {
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
pub fn mailbox(contact: &keap::Seen, reader: Reader<'_>) -> Vec<MailView> {
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
pub fn calls(contact: &keap::Seen, reader: Reader<'_>) -> Vec<CallView> {
    let tasks = contact.tasks.iter().rev();
    tasks
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

/// What stands after the last `Outcome:` of a task, if anything does.
fn outcome(description: &str) -> Option<String> {
    let lines = description.lines().rev();
    let mut written = lines.filter_map(|line| line.trim().strip_prefix("Outcome:"));
    let said = written.find(|said| !said.trim().is_empty())?;
    Some(said.trim().to_owned())
}

fn maybe(at: Option<relay_core::time::Timestamp>, reader: Reader<'_>) -> String {
    at.map(|at| reader.time(at)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_of_a_call_is_what_the_coach_wrote_last() {
        assert_eq!(outcome("Call her.\nOutcome:\n[relay:x]"), None);
        let twice = "Outcome:\n[relay:x]\nOutcome: no answer\nOutcome: voicemail ";
        assert_eq!(outcome(twice).as_deref(), Some("voicemail"));
        assert_eq!(outcome("Outcome: spoke\n").as_deref(), Some("spoke"));
    }
}
