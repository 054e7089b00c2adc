//! What was told decides where the history can't, and turns a call until its task is made.

use relay_core::channel::{Channel, EmailEngagement};
use serde_json::json;

use super::*;
use crate::support::tools::Tools as _;

const FIRST: &str = "4 09:00 portal_message";

async fn jo_alone() -> (Clinic, Person) {
    let jo = Person::jo();
    (Clinic::with(std::slice::from_ref(&jo)).await, jo)
}

async fn strict(people: &[Person]) -> Clinic {
    let clinic = Clinic::open_with(|setup| setup.rule = Some("strict".to_owned())).await;
    for person in people {
        clinic.join(person);
    }
    clinic
}

#[tokio::test]
async fn a_post_decides_when_the_history_stays_unreadable() {
    let (clinic, jo) = jo_alone().await;
    no_history(&clinic);
    clinic.until("2026-11-05 11:12").await;
    automation(
        &clinic,
        &jo,
        &[("event", "email_clicked"), ("email", "Welcome 3")],
    )
    .await;
    clinic.until("2026-11-06 12:45").await;
    assert_eq!(clinic.outreach(&jo), [FIRST], "patience for four hours");
    clinic.until("2026-11-06 16:00").await;
    // Decided; and nothing is sent while nobody can look whether it has been sent before.
    assert_eq!(clinic.outreach(&jo), [FIRST]);
    clinic.world.vendors.keap().faults().clear();
    clinic.until("2026-11-09 12:00").await;
    let outreach = clinic.outreach(&jo);
    assert_eq!(outreach.len(), 2, "{outreach:?}");
    assert!(outreach[1].ends_with(" email"), "{outreach:?}");
    let decided = decisions(&clinic, &jo).await;
    let (decision, evidence) = decided.first().expect("a decision");
    assert_eq!(
        (decision.seen, decision.channel),
        (EmailEngagement::Seen, Channel::Email)
    );
    assert_eq!(
        decision.reason,
        "email history could not be read; an automation post of Nov 5 11:12 says that she clicked \
         'Welcome 3'"
    );
    assert!(
        decision.cautions[0].starts_with("decided without the email history (keap list emails")
    );
    assert!(!evidence.address_unread, "the contact could be read");
}

#[tokio::test]
async fn without_a_post_an_unreadable_history_is_tried_for_a_day_and_holds() {
    let (clinic, jo) = jo_alone().await;
    no_history(&clinic);
    clinic.until("2026-11-06 22:00").await;
    assert!(clinic.work_kinds(&jo).await.is_empty());
    clinic.until("2026-11-07 12:00").await;
    assert_eq!(clinic.outreach(&jo), [FIRST]);
    assert!(clinic.work_kinds(&jo).await.contains(&"hold".to_owned()));
    // A post that comes now still finds the case.
    automation(&clinic, &jo, &[("event", "email_opened")]).await;
    clinic.world.vendors.keap().faults().clear();
    clinic.until("2026-11-09 12:00").await;
    let outreach = clinic.outreach(&jo);
    assert!(outreach[1].ends_with(" email"), "{outreach:?}");
    let kinds = clinic.work_kinds(&jo).await;
    assert!(!kinds.contains(&"hold".to_owned()), "{kinds:?}");
}

#[tokio::test]
async fn what_was_told_too_early_to_count_is_no_reason_to_stop_trying() {
    // Told the day before her last regimen change.
    let jo = Person {
        regimen: Some("2026-11-03"),
        ..Person::jo()
    };
    let clinic = Clinic::with(std::slice::from_ref(&jo)).await;
    automation(&clinic, &jo, &[("event", "email_clicked")]).await;
    no_history(&clinic);
    clinic.until("2026-11-06 22:00").await;
    assert_eq!(clinic.outreach(&jo), [FIRST]);
    assert!(clinic.work_kinds(&jo).await.is_empty(), "still tried");
}

#[tokio::test]
async fn a_history_that_lags_is_overtaken_by_a_post() {
    let (clinic, jo) = jo_alone().await;
    clinic.until("2026-11-05 11:12").await;
    automation(&clinic, &jo, &[("event", "email_clicked")]).await;
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.outreach(&jo), [FIRST, "6 09:00 email"]);
    let decided = decisions(&clinic, &jo).await;
    assert_eq!(
        decided[0].0.reason,
        "an automation post of Nov 5 11:12 says that she clicked in an email, which the email \
         history read on Nov 6 09:00 does not show"
    );
}

#[tokio::test]
async fn a_post_before_the_call_task_is_made_turns_the_call_into_an_email() {
    let jo = Person::jo();
    let clinic = office_opens_late(&jo).await;
    clinic.until("2026-11-06 09:20").await;
    automation(
        &clinic,
        &jo,
        &[("event", "email_clicked"), ("email", "News")],
    )
    .await;
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.outreach(&jo), [FIRST, "6 09:20 email"]);
    let decided: Vec<_> = decisions(&clinic, &jo)
        .await
        .into_iter()
        .map(|(decision, _)| (decision.channel, decision.reason))
        .collect();
    assert_eq!(
        decided,
        [
            (Channel::Phone, "last 3 emails unopened".to_owned()),
            (
                Channel::Email,
                "an automation post of Nov 6 09:20 says that she clicked 'News', which the email \
                 history read on Nov 6 09:00 does not show"
                    .to_owned()
            ),
        ]
    );
    let note = clinic.accepted(&jo);
    let note = note.iter().find(|entry| entry.operation == "contact_note");
    let text = note
        .and_then(|note| note.content["text"].as_str())
        .expect("a note");
    assert!(text.contains("says that she clicked 'News'"), "{text}");
}

#[tokio::test]
async fn once_the_call_task_is_made_nothing_turns_and_the_history_says_so() {
    let (clinic, jo) = jo_alone().await;
    clinic.until("2026-11-06 09:20").await;
    automation(
        &clinic,
        &jo,
        &[("event", "email_clicked"), ("email", "News")],
    )
    .await;
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.outreach(&jo), [FIRST, "6 09:00 call_task"]);
    let case = clinic.case(&jo).await;
    let history = clinic.history(case.id).await;
    assert_eq!(
        history.last().map(String::as_str),
        Some(
            "Told too late to turn the call, whose task is made: an automation post of Nov 6 09:20 \
             says that she clicked 'News'"
        )
    );
}

#[tokio::test]
async fn e17_e18_strict_does_not_count_what_it_cannot_judge() {
    let jo = Person::jo();
    let clinic = strict(std::slice::from_ref(&jo)).await;
    clinic.until("2026-11-05 11:12").await;
    automation(&clinic, &jo, &[("event", "email_opened")]).await;
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.outreach(&jo), [FIRST, "6 09:00 call_task"]);
    let (decision, _) = decisions(&clinic, &jo).await.remove(0);
    assert_eq!(
        (decision.as_shown, decision.strict),
        (EmailEngagement::Seen, EmailEngagement::CannotTell)
    );
    assert_eq!(
        decision.reason,
        "an automation post of Nov 5 11:12 says that she opened an email, but when that email was \
         sent is not known, so that a machine's can't be told from hers"
    );
}

#[tokio::test]
async fn e18_strict_counts_a_click_long_after_the_mail_was_sent() {
    let jo = Person::jo();
    let clinic = strict(std::slice::from_ref(&jo)).await;
    clinic.until("2026-11-05 11:12").await;
    automation(
        &clinic,
        &jo,
        &[("event", "email_clicked"), ("email", "news")],
    )
    .await;
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.outreach(&jo), [FIRST, "6 09:00 email"]);
}

#[tokio::test]
async fn e19_strict_takes_a_click_minutes_after_sending_for_a_scanner() {
    let jo = Person::jo();
    let clinic = strict(std::slice::from_ref(&jo)).await;
    clinic.until("2026-11-05 11:10").await;
    clinic.keap(
        json!({ "act": "add_email_record", "contact": 202, "subject": "Offer",
                        "sent_at": at("2026-11-05 11:10") }),
    );
    automation(
        &clinic,
        &jo,
        &[("event", "email_clicked"), ("email", "Offer")],
    )
    .await;
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.outreach(&jo), [FIRST, "6 09:00 call_task"]);
    let (decision, _) = decisions(&clinic, &jo).await.remove(0);
    assert_eq!(decision.seen, EmailEngagement::CannotTell);
    assert!(
        decision
            .reason
            .ends_with("which may have been a machine on delivery")
    );
}
