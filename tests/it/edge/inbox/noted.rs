//! What she sees of her answer, and who is asked where her contact is not certain: A3, A33, E8, E21.

use relay_core::effects::{EffectKind, Settled};
use relay_core::ids::ClientId;
use serde_json::json;

use super::{by_hand, replied};
use crate::edge::clinic::{Clinic, Person};
use crate::support::tools::Tools as _;

impl Clinic {
    /// The notes on her contact that confirm what was decided, by their first lines.
    pub(super) fn noted(&self, who: &Person) -> Vec<String> {
        let seen = self.world.vendors.keap().look(who.contact);
        let mut notes = seen.expect("a contact").notes;
        notes.retain(|note| note.title == "Follow-up: noted");
        let first = |text: &str| text.lines().next().unwrap_or_default().to_owned();
        notes.iter().map(|note| first(&note.text)).collect()
    }
}

#[tokio::test]
async fn a33_a_date_and_a_stop_stand_on_her_contact_for_whoever_opens_it_next() {
    for (answer, expected) in [
        (
            "Answer: wait until 11/12",
            Some(
                "Noted, by Beth: the follow-up of Maya H. waits until November 12. Unless she checks in, it goes on the day \
                 after.",
            ),
        ),
        // Why is not said: it may be health data.
        (
            "Answer: unwell",
            Some(
                "Noted, by Beth: the follow-up of Maya H. is stopped. Nothing goes out to her: the Program Manager is asked \
                 how it goes on.",
            ),
        ),
        ("Answer: handled", None),
        ("Answer: continue", None),
    ] {
        let (clinic, maya) = replied().await;
        clinic.answer(&maya, answer).await;
        let noted = clinic.noted(&maya);
        assert_eq!(
            noted.iter().map(String::as_str).collect::<Vec<_>>(),
            expected.into_iter().collect::<Vec<_>>(),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a33_a_second_date_is_noted_again_and_so_is_the_end_of_a_stop() {
    let (clinic, maya) = replied().await;
    clinic.answer(&maya, "Answer: wait until Nov 9").await;
    clinic.until("2026-11-08 10:00").await;
    clinic.writes(&maya, "Not before Thursday").await;
    clinic.until("2026-11-09 09:05").await;
    clinic.answer(&maya, "Answer: wait until Nov 12").await;
    clinic.until("2026-11-10 10:00").await;
    clinic.writes(&maya, "I want to leave").await;
    clinic.answer(&maya, "Answer: wants to leave").await;
    clinic.done(&maya, "stopped", "resume", None).await;
    clinic.settle().await;
    let noted = clinic.noted(&maya);
    let parts = [
        "November 9",
        "November 12",
        "is stopped",
        "no longer stopped",
    ];
    assert_eq!(noted.len(), parts.len(), "{noted:?}");
    for (note, part) in noted.iter().zip(parts) {
        assert!(note.contains(part), "{part}: {noted:?}");
    }
}

#[tokio::test]
async fn what_is_written_after_an_answer_and_not_done_is_said() {
    let (clinic, maya) = by_hand().await;
    let first = clinic.open_task(&maya).id;
    clinic.answer(&maya, "Answer: pause").await;
    assert_eq!(clinic.status(&maya).await, "paused");
    let asked = clinic.open_task(&maya).id;
    clinic.completes(first, Some("Answer: done")).await;
    let not_understood = "Not understood: what Beth wrote about Maya H. in a task. If nothing is to go out to her, please \
        write one of the answers in the newest task about her, or put the tag on her that pauses a follow-up.";
    assert_eq!(
        clinic.noted(&maya),
        [not_understood],
        "two answers are none"
    );
    let before = clinic.tasks(&maya);
    let before = before.iter().find(|task| task.id == first).expect("a task");
    let changed = before
        .description
        .replace("Answer: pause", "")
        .replace("Answer: done", "")
        .replace("Answer:\n", "Answer: close\n");
    clinic.edits(first, &changed).await;
    assert_eq!(
        clinic.noted(&maya),
        [
            not_understood,
            "Not done: what Beth wrote about Maya H. in an earlier task. It was answered before. If something is open \
             about her, it stands in the newest task."
        ]
    );
    assert_eq!(clinic.status(&maya).await, "paused");
    assert_eq!(clinic.open_task(&maya).id, asked);
}

/// The portal names no contact, and two have her address.
#[tokio::test]
async fn e21_a_client_without_a_certain_contact_reaches_her_coach_in_a_task_about_none() {
    let maya = Person {
        linked: false,
        ..Person::maya()
    };
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.keap(
        json!({ "act": "add_contact", "id": 950, "given_name": "Maya",
        "family_name": "Hayes", "email": maya.email(), "email_status": "SINGLE_OPT_IN" }),
    );
    clinic.until("2026-11-05 10:00").await;
    clinic.writes(&maya, "Sorry, I am away").await;
    clinic.hooks_arrive().await;
    let client = ClientId::from("maya");
    let made = clinic
        .store()
        .latest_of_client(&client, EffectKind::WorkTask)
        .await
        .expect("a store")
        .expect("a task");
    let Some(Settled::Done { vendor_ref, .. }) = &made.settled else {
        panic!("{made:?}");
    };
    let id: u64 = vendor_ref
        .as_deref()
        .and_then(|id| id.parse().ok())
        .expect("a number");
    for contact in [maya.contact, 950] {
        let seen = clinic
            .world
            .vendors
            .keap()
            .look(contact)
            .expect("a contact");
        assert!(seen.tasks.is_empty(), "on nobody's contact");
    }
    let mut made = clinic.world.vendors.accepted();
    made.retain(|entry| entry.operation == "work_task");
    assert_eq!(made.len(), 1);
    let text = made[0].content.to_string();
    for part in [
        "Maya H.: the client wrote in the portal",
        "It is not certain which contact is hers, so this task is about none.",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    clinic
        .completes(id, Some("Answer: wait until Nov 12"))
        .await;
    assert_eq!(clinic.status(&maya).await, "open");
    clinic.until("2026-11-12 18:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
}

#[tokio::test]
async fn a_tick_that_is_no_answer_is_asked_again_next_morning_and_a_word_that_nobody_understands_at_once()
 {
    let mut nameless = Person::maya();
    nameless.first = None;
    for (text, at_once, says) in [
        (None, false, "without an answer"),
        (Some("Answer: no idea"), true, "could not be understood"),
    ] {
        let clinic = Clinic::with(std::slice::from_ref(&nameless)).await;
        clinic.until("2026-11-04 12:00").await;
        let first = clinic.open_task(&nameless).id;
        clinic.completes(first, text).await;
        assert_eq!(clinic.status(&nameless).await, "held");
        let asked = clinic.tasks(&nameless).len();
        assert_eq!(asked, if at_once { 2 } else { 1 }, "{says}");
        clinic.until("2026-11-05 09:01").await;
        let again = clinic.open_task(&nameless);
        assert!(again.title.starts_with("Asked again: "), "{}", again.title);
        assert!(
            again.id != first && again.description.contains(says),
            "{}",
            again.description
        );
        // And that one can be answered.
        clinic.answer(&nameless, "Answer: leave out").await;
        assert_eq!(clinic.status(&nameless).await, "open");
    }
}

/// Whoever, or whatever, completes each task at once with something that is no answer.
#[tokio::test]
async fn what_is_no_answer_twice_is_asked_once_more_a_day() {
    let (clinic, maya) = replied().await;
    for _ in 0..3 {
        let mut open = clinic.tasks(&maya);
        open.retain(|task| !task.completed);
        for task in open {
            clinic
                .completes(task.id, Some("Answer: done by the campaign"))
                .await;
        }
    }
    assert_eq!(clinic.tasks(&maya).len(), 2);
    assert_eq!(clinic.status(&maya).await, "paused");
    clinic.until("2026-11-06 09:05").await;
    assert_eq!(clinic.tasks(&maya).len(), 3);
    clinic.answer(&maya, "Answer: continue").await;
    assert_eq!(clinic.status(&maya).await, "open");
}
