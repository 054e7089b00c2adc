//! Who comes to the clinic and who does not, at the opening of a follow-up: A22, E25, E60.

use relay_core::case::CaseStatus;
use serde_json::json;

use super::clinic::{Clinic, Person};

fn contact_type(clinic: &Clinic, value: &str) {
    clinic.keap(json!({ "act": "edit_contact_field", "contact": 201,
        "field": "Contact Type", "value": value }));
}

#[tokio::test]
async fn a_contact_type_set_by_mistake_and_put_back_by_hand_is_followed_up_again() {
    for back in ["Online", ""] {
        let maya = Person::maya();
        let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
        clinic.until("2026-11-04 00:30").await;
        assert!(!clinic.case(&maya).await.status.is_closed());
        contact_type(&clinic, "In-Person");
        clinic.until("2026-11-04 07:00").await;
        let reason = clinic.closed(&maya).await;
        assert!(reason.contains("comes to the clinic"), "{reason}");
        // No case is open, and Keap's hook tells all the same.
        contact_type(&clinic, back);
        clinic.until("2026-11-06 12:00").await;
        assert_eq!(
            clinic.outreach(&maya),
            ["4 09:00 portal_message", "6 09:00 email"],
            "put back to {back:?}"
        );
        let cases = clinic.cases(&maya).await;
        let open = cases.iter().filter(|case| !case.status.is_closed()).count();
        assert_eq!((cases.len(), open), (2, 1));
    }
}

#[tokio::test]
async fn a22_a_client_who_was_never_linked_and_comes_to_the_clinic_gets_no_message() {
    // By the portal's word, or by the one contact that has her address.
    for linked in [true, false] {
        let maya = Person {
            linked,
            ..Person::maya()
        };
        let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
        contact_type(&clinic, "In-Person");
        clinic.until("2026-11-16 12:00").await;
        assert!(clinic.outreach(&maya).is_empty());
        assert!(clinic.cases(&maya).await.is_empty());
        assert!(clinic.work_kinds(&maya).await.is_empty());
    }
}

#[tokio::test]
async fn an_order_that_keap_has_not_taken_yet_holds_the_case_that_opens_meanwhile() {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-03 23:00").await;
    clinic.fault(
        "keap",
        json!({ "operation": "contact_type", "moment": "before", "act": "status", "code": 429,
            "retry_after": 7200 }),
    );
    let order = relay_core::facts::Order::SetContactType {
        value: "In-Person".into(),
    };
    clinic.order(&maya, order).await;
    clinic.until("2026-11-04 00:30").await;
    let cases = clinic.cases(&maya).await;
    let follow_up = cases
        .iter()
        .find(|case| case.procedure == "missed_check_in");
    let status = follow_up.map(|case| &case.status);
    assert!(
        !matches!(status, Some(CaseStatus::Open)),
        "an order stops the follow-up at once: {status:?}"
    );
    clinic.until("2026-11-05 12:00").await;
    assert!(clinic.outreach(&maya).is_empty());
    assert_eq!(clinic.count("contact_type"), 1);
}

#[tokio::test]
async fn what_goes_out_waits_while_the_contact_type_field_is_gone_and_goes_on_once_it_is_back() {
    const FIELD: u64 = 5;
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-05 12:00").await;
    clinic.keap(json!({ "act": "delete_field", "field": FIELD }));
    clinic.until("2026-11-06 14:00").await;
    assert_eq!(clinic.outreach(&maya), ["4 09:00 portal_message"]);
    let told: Vec<_> = clinic
        .work()
        .await
        .into_iter()
        .map(|item| item.kind)
        .collect();
    assert_eq!(told, ["drift"], "one item, and nothing is given up");
    clinic.keap(
        json!({ "act": "add_field", "id": FIELD, "label": "Contact Type",
        "field_type": "DROPDOWN", "options": ["Online", "In-Person"], "tab": "Clear Connection" }),
    );
    clinic.until("2026-11-06 15:30").await;
    let reached = clinic.outreach(&maya);
    assert_eq!(reached.len(), 2, "{reached:?}");
    assert!(reached[1].ends_with(" email"), "{reached:?}");
    assert!(!clinic.case(&maya).await.status.is_closed());
}
