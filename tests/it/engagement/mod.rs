//! Opens and clicks that are told beside the email history: posts of automations, the look between
//! decisions, and what both do to a case. Both emulated vendors, the real database, clocks moved by
//! hand.

mod decisions;
mod explain;
mod poll;
mod posts;
mod senders;

use clear_relay::sandbox::clinic::AUTOMATION_SECRET;
use relay_core::channel::{ChannelDecision, MailEvidence};
use relay_core::time::Timestamp;
use relay_store::Engagement;
use serde_json::json;

use crate::edge::clinic::{Clinic, Person, at};

/// Looks every quarter of an hour.
fn polling(text: &str) -> String {
    text.replace("poll_opens_minutes = 0", "poll_opens_minutes = 15")
}

/// Keap's automation posts these pairs for a contact, and the post arrives.
async fn automation(clinic: &Clinic, who: &Person, pairs: &[(&str, &str)]) {
    let url = clinic.world.relay_url();
    let path = format!("hooks/keap-automation/{AUTOMATION_SECRET}");
    let url = url.join(&path).expect("an address");
    let mut all = json!({ "contactId": "~Contact.Id~" });
    for (name, value) in pairs {
        all[name] = json!(value);
    }
    clinic.keap(
        json!({ "act": "automation_post", "contact": who.contact, "url": url.as_str(),
                        "pairs": all }),
    );
    let due = clinic.world.vendors.next_due().expect("a post");
    clinic.world.run_until(due).await.expect("a run");
}

/// Everything the table holds of her, oldest first.
async fn told(clinic: &Clinic, who: &Person) -> Vec<Engagement> {
    let contact = who.contact.to_string().as_str().into();
    let all = clinic.store().engagement(&contact, Timestamp::MIN).await;
    all.expect("a table")
}

/// The decisions of her only case, each with its evidence, recomputed.
async fn decisions(clinic: &Clinic, who: &Person) -> Vec<(ChannelDecision, MailEvidence)> {
    let case = clinic.case(who).await;
    let lines = clinic.store().timeline(case.id).await.expect("a history");
    let mut all = Vec::new();
    for detail in lines.into_iter().filter_map(|line| line.detail) {
        if detail.get("decision").is_none() {
            continue;
        }
        let decision: ChannelDecision =
            serde_json::from_value(detail["decision"].clone()).expect("one");
        let evidence = serde_json::from_value(detail["evidence"].clone()).expect("evidence");
        assert_eq!(decision.recompute(&evidence).as_ref(), Some(&decision));
        all.push((decision, evidence));
    }
    all
}

/// On Friday the office opens at ten, as the clinic says on Thursday: the wait was to end at nine, and a
/// call that is decided on then is planned and not made yet.
async fn office_opens_late(person: &Person) -> Clinic {
    let mut clinic = Clinic::open().await;
    clinic.join(person);
    clinic.until("2026-11-05 12:00").await;
    clinic
        .world
        .reconfigure(|text| format!("{text}\n[clinic.office_hours]\nfriday = \"10:00-17:00\"\n"))
        .await
        .expect("a restart");
    clinic
}

/// Her email history answers 500 until it is told otherwise.
fn no_history(clinic: &Clinic) {
    clinic.fault(
        "keap",
        json!({ "operation": "list_emails", "moment": "before", "act": "status", "code": 500,
                "times": 100_000 }),
    );
}
