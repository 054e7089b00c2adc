//! Tags at bad moments: twice, together, lost, on the wrong contact, beside other answers.

use std::sync::Arc;

use serde_json::json;

use super::{PAUSE, REPLIED, RESUME, thursday};
use crate::edge::clinic::{Clinic, Person};
use crate::support::failpoints::StopAt;

#[tokio::test]
async fn a_tag_counts_once_however_often_it_is_read_and_again_when_it_is_put_on_again() {
    let maya = Person::maya();
    let clinic = thursday(&maya).await;
    // The relay can't take it off, and Keap tells twice.
    clinic.fault(
        "keap",
        json!({ "operation": "remove_tag", "moment": "before", "act": "status", "code": 503, "times": 2 }),
    );
    clinic.tags(&maya, REPLIED);
    clinic.tag_hooks_arrive().await;
    clinic.answer(&maya, "Answer: continue").await;
    clinic.reconcile().await;
    assert_eq!(clinic.answers(&maya).len(), 1);
    assert_eq!(clinic.state_of(&maya).await, "open");
    clinic.until("2026-11-05 16:00").await;
    assert!(clinic.words_on(&maya).is_empty());
    clinic.tags(&maya, REPLIED);
    clinic.tag_hooks_arrive().await;
    assert_eq!(clinic.answers(&maya).len(), 2);
    assert_eq!(clinic.state_of(&maya).await, "paused");
}

#[tokio::test]
async fn of_two_tags_the_later_counts_and_of_one_second_the_careful_one() {
    for (tags, state) in [
        ([(PAUSE, 0), (RESUME, 1)], "open"),
        ([(RESUME, 0), (PAUSE, 1)], "paused"),
        ([(RESUME, 0), (PAUSE, 0)], "paused"),
        ([(PAUSE, 0), (RESUME, 0)], "paused"),
        ([(RESUME, 0), (REPLIED, 0)], "paused"),
        ([(REPLIED, 0), (RESUME, 1)], "open"),
        ([(REPLIED, 0), (PAUSE, 1)], "paused"),
    ] {
        let maya = Person::maya();
        let clinic = thursday(&maya).await;
        for (tag, minutes) in tags {
            if minutes > 0 {
                clinic.until("2026-11-05 10:01").await;
            }
            clinic.tags(&maya, tag);
        }
        clinic.tag_hooks_arrive().await;
        assert_eq!(clinic.state_of(&maya).await, state, "{tags:?}");
        assert!(clinic.words_on(&maya).is_empty(), "{tags:?}");
        assert_eq!(clinic.answers(&maya).len(), 2, "{tags:?}");
    }
}

#[tokio::test]
async fn a_tag_whose_hook_is_lost_is_found_by_the_daily_look() {
    let maya = Person::maya();
    let clinic = thursday(&maya).await;
    clinic.keap(json!({ "act": "deactivate_hook", "event": "contactGroup.applied" }));
    clinic.tags(&maya, PAUSE);
    clinic.reconcile().await;
    assert_eq!(clinic.state_of(&maya).await, "paused");
    assert!(clinic.words_on(&maya).is_empty());
}

#[tokio::test]
async fn a_tag_that_was_taken_off_before_anybody_looked_is_nothing() {
    let maya = Person::maya();
    let clinic = thursday(&maya).await;
    clinic.tags(&maya, PAUSE);
    clinic.untags(&maya, PAUSE);
    clinic.tag_hooks_arrive().await;
    assert_eq!(clinic.state_of(&maya).await, "open");
    assert!(clinic.answers(&maya).is_empty());
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.outreach(&maya).len(), 2);
}

#[tokio::test]
async fn resume_does_not_lift_what_came_after_it_was_put_on() {
    let maya = Person::maya();
    let clinic = thursday(&maya).await;
    // Put on by mistake, while nothing is paused; then she writes.
    clinic.tags(&maya, RESUME);
    clinic.until("2026-11-05 10:02").await;
    clinic.writes(&maya, "I am on holiday").await;
    clinic.tag_hooks_arrive().await;
    assert_eq!(clinic.state_of(&maya).await, "paused");
    let said = clinic.answers(&maya);
    assert!(said[0].contains("something has happened since"), "{said:?}");
    // She writes once more while it is paused, and is seen by nobody.
    clinic.until("2026-11-05 11:00").await;
    clinic.writes(&maya, "And without my cream").await;
    clinic.until("2026-11-05 11:01").await;
    clinic.tags(&maya, RESUME);
    clinic.tag_hooks_arrive().await;
    assert_eq!(clinic.state_of(&maya).await, "paused");
    let said = clinic.answers(&maya);
    assert!(said[1].contains("you should see first"), "{said:?}");
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
}

#[tokio::test]
async fn resume_lifts_no_stop_and_a_pause_does_not_hide_it() {
    let maya = Person::maya();
    let clinic = thursday(&maya).await;
    clinic.writes(&maya, "Hello").await;
    clinic.answer(&maya, "Answer: unwell").await;
    assert_eq!(clinic.work_kinds(&maya).await, ["stopped"]);
    clinic.until("2026-11-05 12:00").await;
    for tag in [PAUSE, RESUME] {
        clinic.tags(&maya, tag);
        clinic.tag_hooks_arrive().await;
        assert_eq!(clinic.state_of(&maya).await, "paused", "{tag}");
        assert_eq!(clinic.work_kinds(&maya).await, ["stopped"], "{tag}");
    }
    let said = clinic.answers(&maya);
    assert!(said[0].contains("the Program Manager is asked"), "{said:?}");
    assert!(said[1].contains("the Program Manager is asked"), "{said:?}");
    clinic.tags(&maya, REPLIED);
    clinic.tag_hooks_arrive().await;
    assert_eq!(
        clinic.answers(&maya)[2],
        "Noted: Maya H. answered elsewhere. Nothing goes out: the Program Manager is asked how it goes on."
    );
    assert_eq!(clinic.work_kinds(&maya).await, ["stopped", "wrote_since"]);
    clinic.until("2026-11-09 12:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
}

#[tokio::test]
async fn resume_sends_nothing_to_a_minor() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.portal(json!({ "act": "change_guardian", "client": "maya", "minor": true }));
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.state_of(&maya).await, "held");
    clinic.tags(&maya, RESUME);
    clinic.tag_hooks_arrive().await;
    clinic.until("2026-11-06 14:00").await;
    assert_eq!(clinic.state_of(&maya).await, "held");
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
}

#[tokio::test]
async fn a_tag_on_a_contact_that_is_nobodys_is_left_and_told_once_until_it_is_linked() {
    let maya = Person::maya();
    let clinic = thursday(&maya).await;
    clinic.keap(
        json!({ "act": "add_contact", "id": 299, "given_name": "Sue",
        "email": "sue@example.test", "email_status": "SINGLE_OPT_IN" }),
    );
    clinic.keap(json!({ "act": "apply_tag", "contact": 299, "tag": "Newsletter" }));
    clinic.tag_hooks_arrive().await;
    assert!(clinic.work().await.is_empty(), "another tag says nothing");
    for _ in 0..2 {
        clinic.keap(json!({ "act": "apply_tag", "contact": 299, "tag": PAUSE }));
        clinic.tag_hooks_arrive().await;
        let titles: Vec<_> = clinic
            .work()
            .await
            .into_iter()
            .map(|item| item.title)
            .collect();
        assert_eq!(
            titles,
            [
                "Contact 299 has the tag \"Follow-up: pause\", and the relay does not know yet whose it is: \
              nothing was done about it"
            ]
        );
    }
    let sue = Person {
        contact: 299,
        ..maya.clone()
    };
    assert_eq!(clinic.words_on(&sue), [PAUSE], "the tag stays");
}

#[tokio::test]
async fn a_crash_right_after_a_word_was_stored_repeats_nothing() {
    for place in ["reread.commit.after", "reread.commit.before"] {
        let maya = Person::maya();
        let mut clinic = thursday(&maya).await;
        let stop = Arc::new(StopAt::unarmed(place));
        let listening = Arc::clone(&stop);
        let restarted = clinic.world.restart_with(listening).await;
        restarted.expect("a restart");
        clinic.settle().await;
        clinic.tags(&maya, PAUSE);
        stop.arm();
        tokio::select! {
            () = clinic.tag_hooks_arrive() => panic!("it was never passed"),
            () = stop.stopped() => {}
        }
        clinic.world.restart().await.expect("a restart");
        clinic.tag_hooks_arrive().await;
        assert_eq!(clinic.state_of(&maya).await, "paused", "{place}");
        assert_eq!(clinic.answers(&maya).len(), 1, "{place}");
        assert!(clinic.words_on(&maya).is_empty(), "{place}");
        assert_eq!(clinic.work_kinds(&maya).await, ["paused"], "{place}");
    }
}

#[tokio::test]
async fn a_tag_and_an_answer_of_one_moment_end_with_what_was_said_last() {
    let maya = Person::maya();
    let clinic = thursday(&maya).await;
    clinic.tags(&maya, PAUSE);
    clinic.tag_hooks_arrive().await;
    // She continues in her task, and a colleague marks at once that the client called.
    clinic.tags(&maya, REPLIED);
    clinic.answer(&maya, "Answer: continue").await;
    clinic.tag_hooks_arrive().await;
    assert_eq!(clinic.state_of(&maya).await, "paused");
    assert_eq!(clinic.work_kinds(&maya).await, ["reply"]);
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
}

#[tokio::test]
async fn a_tag_that_stands_on_her_contact_when_her_follow_up_begins_stops_the_first_message() {
    for tag in [REPLIED, PAUSE] {
        let maya = Person::maya();
        let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
        clinic.until("2026-11-03 14:00").await;
        clinic.tags(&maya, tag);
        clinic.tag_hooks_arrive().await;
        let kinds: Vec<_> = clinic
            .work()
            .await
            .into_iter()
            .map(|item| item.kind)
            .collect();
        assert_eq!(kinds, ["link"], "nobody knows yet whose contact it is");
        assert_eq!(clinic.words_on(&maya), [tag]);
        clinic.until("2026-11-04 12:00").await;
        assert_eq!(clinic.state_of(&maya).await, "paused", "{tag}");
        assert!(clinic.outreach(&maya).is_empty(), "{tag}");
        assert!(clinic.words_on(&maya).is_empty(), "{tag}");
        assert_eq!(clinic.answers(&maya).len(), 1, "{tag}");
        let mut kinds: Vec<_> = clinic
            .work()
            .await
            .into_iter()
            .map(|item| item.kind)
            .collect();
        kinds.retain(|kind| kind == "link");
        assert!(kinds.is_empty(), "{tag}: it is known now");
    }
}

#[tokio::test]
async fn a_tag_that_is_put_on_again_before_the_relay_took_it_off_is_heard_first() {
    let maya = Person::maya();
    let clinic = thursday(&maya).await;
    clinic.fault(
        "keap",
        json!({ "operation": "remove_tag", "moment": "before", "act": "status", "code": 503, "times": 3 }),
    );
    clinic.tags(&maya, PAUSE);
    while clinic.state_of(&maya).await != "paused" {
        clinic.minute().await;
    }
    clinic.answer(&maya, "Answer: continue").await;
    assert_eq!(
        clinic.words_on(&maya),
        [PAUSE],
        "it could not be taken off yet"
    );
    clinic.untags(&maya, PAUSE);
    clinic.tags(&maya, PAUSE);
    while !clinic.words_on(&maya).is_empty() {
        clinic.minute().await;
    }
    assert_eq!(clinic.state_of(&maya).await, "paused");
    assert_eq!(clinic.answers(&maya).len(), 2);
}

#[tokio::test]
async fn a_tag_stops_the_first_message_of_a_follow_up_that_begins_within_portal_hours() {
    let maya = Person {
        due: None,
        ..Person::maya()
    };
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.tags(&maya, REPLIED);
    clinic.until("2026-11-04 11:00").await;
    clinic.check_in_due("maya", "ci_late", "2026-11-03");
    clinic.until("2026-11-04 15:00").await;
    assert_eq!(clinic.state_of(&maya).await, "paused");
    assert!(clinic.outreach(&maya).is_empty());
}
