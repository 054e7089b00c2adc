//! Coaches, managers and what they are asked (E41, E43), and every action of every work item.

use clear_relay::engine::commands::work;
use relay_core::case::CaseStatus;
use serde_json::json;

use super::clinic::{Clinic, Person};

#[tokio::test]
async fn e41_the_new_coach_inherits_the_open_call_and_signs_what_comes() {
    let (maya, jo) = (Person::maya(), Person::jo());
    let clinic = Clinic::with(&[maya.clone(), jo.clone()]).await;
    clinic.until("2026-11-05 12:00").await;
    clinic.portal(json!({ "act": "change_coach", "client": "maya", "coach": "coach_ruth" }));
    clinic.until("2026-11-06 12:00").await;
    let mail = clinic.accepted(&maya);
    let mail = mail
        .iter()
        .find(|entry| entry.operation == "email")
        .expect("an email");
    assert_eq!(mail.content["user_id"], "12", "{}", mail.content);

    clinic.portal(json!({ "act": "change_coach", "client": "jo", "coach": "coach_ruth" }));
    clinic.until("2026-11-06 13:00").await;
    let story = clinic.story(&jo);
    let tail = &story[story.len() - 2..];
    assert_eq!(tail, ["6 close_task", "6 call_task"], "{story:?}");
    let calls = clinic.accepted(&jo);
    let call = calls
        .iter()
        .rev()
        .find(|entry| entry.operation == "call_task");
    let call = call.expect("a call task").content.to_string();
    assert!(
        call.contains("this is Ruth") && !call.contains("this is Beth"),
        "{call}"
    );
    assert_eq!(clinic.item(&jo, "call_outcome").await.owner, "coach_ruth");
}

#[tokio::test]
async fn e41_a_coach_who_has_another_name_signs_with_it_from_the_next_day() {
    let jo = Person::jo();
    let clinic = Clinic::with(std::slice::from_ref(&jo)).await;
    // Known by then, for the first message is hers. No event tells of the name.
    clinic.until("2026-11-05 12:00").await;
    clinic.portal(json!({ "act": "rename_coach", "id": "coach_beth", "name": "Bethany" }));
    clinic.until("2026-11-06 12:00").await;
    let coach = clinic.store().coach(&"coach_beth".into()).await;
    let coach = coach.expect("a store").expect("a coach");
    assert_eq!(coach.name, "Bethany");
    assert!(coach.crm_user.is_some(), "still the same user of the CRM");
    let all = clinic.accepted(&jo);
    let task = all.iter().find(|entry| entry.operation == "call_task");
    let task = task.expect("a call task").content.to_string();
    assert!(task.contains("Bethany"), "{task}");
}

#[tokio::test]
async fn e43_a_coach_who_wrote_by_hand_is_asked_and_her_word_decides() {
    let [sends, skips] = [("sends", 203), ("skips", 204)].map(|(id, contact)| Person {
        id,
        contact,
        ..Person::maya()
    });
    let clinic = Clinic::with(&[sends.clone(), skips.clone()]).await;
    clinic.until("2026-11-06 08:00").await;
    for id in ["sends", "skips"] {
        clinic.portal(json!({ "act": "coach_writes", "client": id, "text": "All well?" }));
    }
    clinic.until("2026-11-06 12:00").await;
    for person in [&sends, &skips] {
        assert_eq!(clinic.outreach(person), ["4 09:00 portal_message"]);
    }
    clinic.done(&sends, "hold", "send_anyway", None).await;
    clinic.done(&skips, "hold", "skip", None).await;
    assert_eq!(
        clinic.outreach(&sends),
        ["4 09:00 portal_message", "6 12:00 email"]
    );
    clinic.until("2026-11-12 12:00").await;
    assert_eq!(clinic.outreach(&skips), ["4 09:00 portal_message"]);
    assert_eq!(clinic.work_kinds(&skips).await, ["by_hand"]);
}

#[tokio::test]
async fn a_call_outcome_can_be_told_through_the_work_item() {
    for (outcome, then) in [
        ("voicemail", "open"),
        ("no answer", "open"),
        ("wrong number", "open"),
        ("spoke", "paused"),
    ] {
        let jo = Person::jo();
        let clinic = Clinic::with(std::slice::from_ref(&jo)).await;
        clinic.until("2026-11-06 12:00").await;
        clinic
            .done(&jo, "call_outcome", "call_outcome", Some(outcome))
            .await;
        let case = clinic.case(&jo).await;
        assert_eq!(case.status.as_str(), then, "{outcome}");
        let history = clinic.history(case.id).await;
        assert!(
            history.contains(&format!("Called: {outcome}")),
            "{history:?}"
        );
        assert!(clinic.story(&jo).contains(&"6 close_task".to_owned()));
        let kinds = clinic.work_kinds(&jo).await;
        match outcome {
            "spoke" => assert_eq!(kinds, ["reply"]),
            "wrong number" => assert_eq!(kinds, ["wrong_number"]),
            _ => assert!(kinds.is_empty(), "{kinds:?}"),
        }
    }
}

#[tokio::test]
async fn an_outcome_that_is_none_leaves_the_question_open() {
    let jo = Person::jo();
    let clinic = Clinic::with(std::slice::from_ref(&jo)).await;
    clinic.until("2026-11-06 12:00").await;
    let item = clinic.item(&jo, "call_outcome").await;
    let engine = &clinic.world.relay.engine;
    for text in [None, Some("it went well")] {
        let refused = work::settle_work(engine, item.id, "Beth", "call_outcome", text).await;
        let words = refused.expect_err("no outcome").to_string();
        assert!(words.contains("voicemail"), "the remedy is named: {words}");
    }
    assert_eq!(clinic.work_kinds(&jo).await, ["call_outcome"]);
}

/// Every action that an item of the procedure offers, and where it leads: the case's status right
/// after it.
#[tokio::test]
async fn every_action_of_an_item_about_a_case_moves_the_case() {
    type Bring = fn(&Clinic, &Person);
    let replies: Bring = |clinic, who| {
        clinic.portal(json!({ "act": "client_writes", "client": who.id, "text": "Hello" }));
    };
    let breaks: Bring = |clinic, who| {
        clinic.portal(json!({ "act": "change_status", "client": who.id, "status": "on_break" }));
    };
    let nothing: Bring = |_, _| ();
    let cases: [(&str, Bring, &str, Option<&str>, &str); 17] = [
        ("reply", replies, "resume", None, "open"),
        ("reply", replies, "promised", Some("2026-11-12"), "open"),
        ("reply", replies, "close", Some("agreed by phone"), "closed"),
        ("break", breaks, "resume", None, "paused"),
        ("break", breaks, "promised", Some("2026-11-12"), "open"),
        ("break", breaks, "close", None, "closed"),
        ("call_outcome", nothing, "skip", None, "open"),
        ("call_outcome", nothing, "pause", Some("ill"), "paused"),
        ("call_outcome", nothing, "close", None, "closed"),
        ("hold", nothing, "resume", None, "held"),
        ("hold", nothing, "done_by_hand", None, "open"),
        ("hold", nothing, "skip", None, "open"),
        ("hold", nothing, "close", None, "closed"),
        ("by_hand", nothing, "done_by_hand", None, "open"),
        ("by_hand", nothing, "replied", None, "paused"),
        ("by_hand", nothing, "pause", None, "paused"),
        ("by_hand", nothing, "close", None, "closed"),
    ];
    for (kind, bring, action, text, status) in cases {
        let mut who = Person::jo();
        match kind {
            "hold" => who.first = None,
            "by_hand" => who.opens = true,
            _ => {}
        }
        let clinic = Clinic::with(std::slice::from_ref(&who)).await;
        clinic.until("2026-11-06 12:00").await;
        bring(&clinic, &who);
        let until = if kind == "by_hand" {
            "2026-11-10 12:00"
        } else {
            "2026-11-06 12:30"
        };
        clinic.until(until).await;
        let item = clinic.item(&who, kind).await;
        assert!(
            item.actions.contains(&action.to_owned()),
            "{kind}: {:?}",
            item.actions
        );
        if kind == "hold" {
            // Without a name for her there is no text: to "send" it would only be held again.
            assert!(!item.actions.contains(&"send_anyway".to_owned()));
        }
        clinic.done(&who, kind, action, text).await;
        let case = clinic.case(&who).await;
        assert_eq!(case.status.as_str(), status, "{kind}/{action}");
        let asked = clinic.work_kinds(&who).await;
        match &case.status {
            CaseStatus::Closed { .. } => assert!(asked.is_empty(), "{kind}/{action}: {asked:?}"),
            // Whoever is waited for has been asked.
            CaseStatus::Paused { .. } | CaseStatus::Held { .. } => {
                assert_eq!(asked.len(), 1, "{kind}/{action}: {asked:?}");
            }
            CaseStatus::Open => assert!(case.wait.is_some(), "{kind}/{action}"),
        }
    }
}

#[tokio::test]
async fn an_action_that_an_item_does_not_offer_is_refused_and_so_is_a_second_one() {
    let jo = Person::jo();
    let clinic = Clinic::with(std::slice::from_ref(&jo)).await;
    clinic.until("2026-11-06 12:00").await;
    let item = clinic.item(&jo, "call_outcome").await;
    let engine = &clinic.world.relay.engine;
    let refused = work::settle_work(engine, item.id, "Beth", "send_anyway", None).await;
    assert!(
        refused
            .expect_err("not offered")
            .to_string()
            .contains("skip")
    );
    clinic.done(&jo, "call_outcome", "skip", None).await;
    let again = work::settle_work(engine, item.id, "Ruth", "skip", None).await;
    assert!(again.expect_err("settled").to_string().contains("by Beth"));
}
