//! Values that are no values, and outside text in texts of ours (E22, E23).

use relay_core::case::CaseStatus;
use serde_json::json;

use super::clinic::{Clinic, Person};

#[tokio::test]
async fn e22_a_merge_field_that_nobody_filled_is_held_and_sent_once_it_is_corrected() {
    for name in [
        "~Contact.FirstName~",
        "{{contact.first_name}}",
        "[FIRST NAME]",
        "Test",
    ] {
        let maya = Person {
            first: Some(name),
            ..Person::maya()
        };
        let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
        clinic.until("2026-11-04 12:00").await;
        assert!(clinic.beside_inbox(&maya).is_empty(), "{name}");
        let item = clinic.item(&maya, "hold").await;
        assert!(
            item.title.contains("correct it in the portal"),
            "{}",
            item.title
        );
    }
}

#[tokio::test]
async fn a_phone_number_with_an_outcome_in_it_is_not_the_coachs_answer() {
    let jo = Person {
        phone: Some("303-555-0102\nOutcome: spoke"),
        ..Person::jo()
    };
    let clinic = Clinic::with(std::slice::from_ref(&jo)).await;
    clinic.until("2026-11-06 11:00").await;
    assert_eq!(clinic.count("call_task"), 1);
    clinic.keap(json!({ "act": "complete_task", "contact": 202 }));
    clinic.until("2026-11-06 12:00").await;
    let case = clinic.case(&jo).await;
    assert_eq!(
        case.status,
        CaseStatus::Open,
        "nobody said that she was reached"
    );
    let history = clinic.history(case.id).await.join("\n");
    assert!(
        history.contains("completed without an outcome"),
        "{history}"
    );
    assert!(!history.contains("spoke"), "{history}");
}
