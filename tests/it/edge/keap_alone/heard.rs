//! What coaches say and do where Keap alone tells who has missed a check-in.

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
            .contains("If she has not written, answer \"continue\"")
    );
    alone.answer(801, "Answer: continue");
    alone.until("2026-11-11 13:10").await;
    let ready = open();
    assert!(ready.description.contains(claim), "{}", ready.description);
    assert!(
        ready
            .description
            .contains("There was no reply in the portal when you looked")
    );
    assert_eq!(alone.kinds().await, ["by_hand"]);
    alone.answer(801, "Answer: replied");
    alone.until("2026-11-11 13:20").await;
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
