//! What coaches say and do where Keap alone tells who has missed a check-in.

use clear_relay::engine::commands::cases::link_client;
use relay_core::case::CaseStatus;
use relay_core::ids::ClientId;
use serde_json::json;

use super::Alone;
use crate::support::tools::Tools as _;

/// The first message is hers to send, and S4 says that the client has not written in the portal.
#[tokio::test]
async fn she_gets_the_last_text_once_she_has_looked_into_the_portal() {
    let alone = Alone::with_one().await;
    let open = || {
        let seen = alone.world.vendors.keap().look(801).expect("a contact");
        let mut open = seen.tasks.into_iter().filter(|task| !task.completed);
        open.next().expect("a task")
    };
    // She sends it, and ticks the task off: what she meant, nobody knows.
    alone.act(json!({ "act": "complete_task", "contact": 801, "text": null }));
    alone.until("2026-11-04 11:00").await;
    let again = open();
    assert!(again.title.starts_with("Asked again: "), "{}", again.title);
    let sent = "If you have sent it already, do not send it again: just answer \"done\" below.";
    assert!(again.description.contains(sent), "{}", again.description);
    assert!(again.description.contains("yesterday, November 3"));
    // The next morning its text is not so any more, and nothing in the task says otherwise.
    alone.act(json!({ "act": "complete_task", "contact": 801, "text": null }));
    alone.until("2026-11-05 10:00").await;
    let text = open().description;
    assert!(text.contains("There is no text ready"), "{text}");
    assert!(
        text.contains("Else write to her in your own words, and answer \"done\"."),
        "{text}"
    );
    assert!(!text.contains("send her the text on November 4"), "{text}");
    alone.answer(801, "Answer: done");
    alone.until("2026-11-09 10:00").await;
    alone.answer(801, "Outcome: no answer");
    alone.until("2026-11-11 13:00").await;
    let asks = open();
    assert!(
        asks.title
            .contains("continue by hand with a text and an email"),
        "{}",
        asks.title
    );
    let claim = "I have not received a reply from you in Clear Connection";
    assert!(!asks.description.contains(claim), "{}", asks.description);
    assert!(
        asks.description
            .contains("If she has not written, answer \"no reply\"")
    );
    // Ticked off, or by another word for it: she was given nothing to do yet.
    for (text, morning) in [
        ("", "2026-11-12 10:00"),
        ("ok", "2026-11-13 10:00"),
        ("Answer: done", "2026-11-16 10:00"),
    ] {
        alone.answer(801, text);
        alone.until(morning).await;
        assert_eq!(alone.kinds().await, ["by_hand"], "{text}");
        assert!(!open().description.contains(claim), "{text}");
    }
    alone.answer(801, "Answer: no reply");
    alone.until("2026-11-16 10:20").await;
    let ready = open();
    assert!(ready.description.contains(claim), "{}", ready.description);
    assert!(
        ready
            .description
            .contains("Beth looked into the portal on November 16, and she had not written.")
    );
    assert_eq!(alone.kinds().await, ["by_hand"]);
    alone.answer(801, "Answer: replied");
    alone.until("2026-11-16 10:40").await;
    assert_eq!(alone.kinds().await, ["reply"]);
}

/// Every contact is a client there: a coach needs no admin to be heard before anything was missed.
#[tokio::test]
async fn what_a_coach_says_by_a_tag_before_anything_was_missed_is_kept_and_confirmed() {
    let alone = Alone::open().await;
    for contact in [801, 802] {
        alone.contact(contact, Some("2026-11-03"));
    }
    alone.act(json!({ "act": "apply_tag", "contact": 801, "tag": "Follow-up: replied" }));
    alone.act(json!({ "act": "apply_tag", "contact": 802, "tag": "Newsletter" }));
    alone.until("2026-11-03 09:00").await;
    assert_eq!(alone.kinds().await, [] as [&str; 0]);
    assert_eq!(alone.accepted(801), ["remove_tag", "contact_note"]);
    let accepted = alone.world.vendors.accepted();
    let note = accepted
        .iter()
        .find(|entry| entry.operation == "contact_note")
        .expect("a note");
    let text = note.content["text"].as_str().expect("a text");
    let noted = "Noted: Maya M. answered elsewhere. No follow-up is open now; one that begins within two weeks asks you first.";
    assert!(text.starts_with(noted), "{text}");
    let link = alone.world.store().link(&ClientId::from("keap-802")).await;
    assert!(link.expect("read").is_none(), "another tag says nothing");
    alone.until("2026-11-04 06:10").await;
    alone.tag(801);
    alone.until("2026-11-04 10:00").await;
    let cases = alone.cases(801).await;
    assert!(
        matches!(cases[0].status, CaseStatus::Paused { .. }),
        "{:?}",
        cases[0].status
    );
    assert_eq!(alone.kinds().await, ["reply"]);
    assert_eq!(
        alone.accepted(801),
        ["remove_tag", "contact_note", "work_task"]
    );
}

#[tokio::test]
async fn a36_who_has_the_tag_of_minors_is_neither_mailed_nor_called_before_her_coach_has_said_whom_to_contact()
 {
    let with_minors =
        |text: &str| text.replace("missed_tag = ", "minor_tag = \"Minor\"\nmissed_tag = ");
    let alone = Alone::open_with(with_minors).await;
    for contact in [801, 802] {
        alone.contact(contact, Some("2026-11-03"));
    }
    alone.act(json!({ "act": "apply_tag", "contact": 801, "tag": "Minor" }));
    alone.until("2026-11-04 06:10").await;
    for contact in [801, 802] {
        alone.tag(contact);
    }
    alone.until("2026-11-04 10:00").await;
    for contact in [801, 802] {
        alone.answer(contact, "Answer: done");
    }
    alone.until("2026-11-06 16:00").await;
    assert!(alone.accepted(802).contains(&"call_task".to_owned()));
    let hers = alone.accepted(801);
    let reached = ["call_task", "email"];
    assert!(
        !hers.iter().any(|one| reached.contains(&one.as_str())),
        "{hers:?}"
    );
    let asked = alone.work().await;
    let asked = asked
        .iter()
        .find(|item| item.client == Some(ClientId::from("keap-801")))
        .expect("her coach is asked");
    assert!(
        asked.detail["minor"]
            .as_str()
            .is_some_and(|text| text.contains("minor")),
        "{asked:?}"
    );
    // The doctor names a tag that is not there, and says nothing of minors where one tells.
    let text = alone.world.config_text().to_owned();
    let said = alone.doctor(&text).await;
    assert!(!said.iter().any(|one| one.subject == "minor"), "{said:?}");
    let said = alone.doctor(&text.replace("\"Minor\"", "\"Child\"")).await;
    let named = said
        .iter()
        .any(|one| one.subject == "keap.check_ins.minor_tag");
    assert!(named, "{said:?}");
}

/// A person has said that she is another contact.
#[tokio::test]
async fn a_tag_takes_no_persons_link_back() {
    let alone = Alone::open().await;
    for contact in [801, 802] {
        alone.contact(contact, Some("2026-11-03"));
    }
    let client = ClientId::from("keap-801");
    let engine = &alone.world.relay.engine;
    link_client(engine, &client, &"802".into(), "Alex")
        .await
        .expect("linked");
    alone.act(json!({ "act": "apply_tag", "contact": 801, "tag": "Follow-up: pause" }));
    alone.until("2026-11-03 09:00").await;
    let stored = alone
        .world
        .store()
        .link(&client)
        .await
        .expect("read")
        .expect("a link");
    assert_eq!(
        (stored.contact.as_str(), stored.source.as_str()),
        ("802", "person:Alex")
    );
    assert_eq!(alone.kinds().await, ["link"], "somebody is asked");
}

/// Ticked off, the task comes again: the day is what is needed.
#[tokio::test]
async fn a_day_that_is_missing_is_asked_for_until_it_is_there() {
    let alone = Alone::open().await;
    alone.contact(801, None);
    alone.until("2026-11-04 06:10").await;
    alone.tag(801);
    alone.until("2026-11-04 10:00").await;
    assert_eq!(alone.accepted(801), ["work_task"]);
    alone.answer(801, "It was due Nov 2");
    alone.until("2026-11-05 10:00").await;
    assert_eq!(alone.accepted(801), ["work_task", "work_task"]);
    assert_eq!(alone.kinds().await, ["undated"]);
    let accepted = alone.world.vendors.accepted();
    let text = accepted.last().expect("a task").content["description"].clone();
    let text = text.as_str().expect("a text");
    assert!(
        text.starts_with(
            "The task before this one was completed or deleted, and the day is still missing."
        ),
        "{text}"
    );
    assert!(!text.contains("once you have taken note"), "{text}");
    alone.due(801, Some("2026-11-03"));
    alone.until("2026-11-05 10:40").await;
    assert!(!alone.kinds().await.contains(&"undated".to_owned()));
    assert!(alone.is_open(801).await);
}

/// Nothing was sent of a proposal, and nobody has looked into the portal for it.
#[tokio::test]
async fn a_proposal_does_not_hand_out_the_text_that_says_she_has_not_answered() {
    let propose = |text: &str| text.replace("mode = \"act\"", "mode = \"propose\"");
    let alone = Alone::open_with(propose).await;
    alone.contact(801, Some("2026-11-03"));
    alone.until("2026-11-04 06:10").await;
    alone.tag(801);
    alone.until("2026-11-11 12:00").await;
    let work = alone.work().await;
    let last = work
        .iter()
        .find(|item| item.kind == "by_hand")
        .expect("proposed");
    assert!(
        !last
            .detail
            .to_string()
            .contains("I have not received a reply"),
        "{last:?}"
    );
    assert!(last.actions.contains(&"no_reply".to_owned()), "{last:?}");
}
