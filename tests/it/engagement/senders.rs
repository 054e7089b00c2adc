//! Newsletters count as her coach's emails do, and where nothing else led to the choice, everybody who reads
//! the reason reads that, too (A37).

use relay_core::channel::{Channel, EmailSender};
use serde_json::json;

use super::explain::explained;
use super::*;

const NEWS: &str = "news@clinic.example.test";
const SAID: &str = "newsletters only, it seems: the email she looked at came from the clinic's own address, not from a coach's";

/// Jo with one more email, opened an hour later.
async fn jo_opened(from: Option<&str>) -> (Clinic, Person) {
    let jo = Person::jo();
    let clinic = Clinic::with(std::slice::from_ref(&jo)).await;
    clinic.keap(
        json!({ "act": "add_email_record", "contact": jo.contact, "subject": "Autumn", "from": from,
                "sent_at": at("2026-11-01 10:00"), "opened_at": at("2026-11-01 11:00") }),
    );
    (clinic, jo)
}

#[tokio::test]
async fn what_she_looked_at_were_newsletters_and_her_coach_reads_it() {
    let (clinic, jo) = jo_opened(Some(NEWS)).await;
    clinic.until("2026-11-06 12:00").await;
    let (decision, evidence) = decisions(&clinic, &jo).await.remove(0);
    assert_eq!(decision.channel, Channel::Email, "they count");
    assert!(decision.cautions.iter().any(|line| line == SAID));
    assert_eq!(evidence.emails[0].sender, Some(EmailSender::Clinic));
    let stored = serde_json::to_string(&evidence).expect("text");
    assert!(!stored.contains('@'), "no address is kept: {stored}");
    let text = explained(&clinic, &jo, false).await;
    assert!(text.contains(&format!("Look at this: {SAID}.")), "{text}");
    let line = "\"Autumn\" from the clinic's own address: opened";
    assert!(text.contains(line), "{text}");
    let accepted = clinic.accepted(&jo);
    for what in ["contact_note", "portal_note"] {
        let entry = accepted.iter().find(|entry| entry.operation == what);
        let text = entry.expect("a note").content.to_string();
        assert!(text.contains(SAID), "{what}: {text}");
    }
}

#[tokio::test]
async fn an_email_of_somebody_who_has_left_is_no_newsletter() {
    let (clinic, jo) = jo_opened(Some("Dana <dana@clinic.example.test>")).await;
    clinic.keap(
        json!({ "act": "add_user", "id": 19, "email": "dana@clinic.example.test",
                        "given_name": "Dana" }),
    );
    clinic.keap(json!({ "act": "set_user_status", "user": 19, "status": "INACTIVE" }));
    clinic.until("2026-11-06 12:00").await;
    let (decision, evidence) = decisions(&clinic, &jo).await.remove(0);
    assert_eq!(evidence.emails[0].sender, Some(EmailSender::Staff));
    assert!(!decision.cautions.iter().any(|line| line == SAID));
}

#[tokio::test]
async fn where_the_users_cannot_be_read_the_decision_is_made_without_a_word_of_it() {
    let (clinic, jo) = jo_opened(Some(NEWS)).await;
    clinic.until("2026-11-05 12:00").await;
    clinic.fault(
        "keap",
        json!({ "operation": "list_users", "moment": "before", "act": "status", "code": 500,
                "times": 100_000 }),
    );
    clinic.until("2026-11-06 09:05").await;
    let (decision, evidence) = decisions(&clinic, &jo).await.remove(0);
    assert_eq!(decision.channel, Channel::Email);
    assert_eq!(evidence.emails[0].sender, None);
    assert!(!decision.cautions.iter().any(|line| line == SAID));
}
