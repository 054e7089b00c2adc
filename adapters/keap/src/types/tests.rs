//! Tolerant where it may be, strict where it decides.

use super::*;

fn read<T: serde::de::DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).expect("readable")
}

#[test]
fn an_id_may_be_a_string_or_a_number_and_zero_is_none() {
    for (text, expected) in [
        (r#"{"id":"12"}"#, Some("12")),
        (r#"{"id":12}"#, Some("12")),
        (r#"{"id":0}"#, None),
        (r#"{"id":""}"#, None),
        (r#"{"id":null}"#, None),
        (r"{}", None),
    ] {
        assert_eq!(read::<Tag>(text).id.as_deref(), expected, "{text}");
    }
}

#[test]
fn a_contact_of_nulls_and_strangers_is_readable() {
    let contact: Contact = read(include_str!("../../../../fixtures/keap/contact-nulls.json"));
    assert_eq!(contact.id.as_deref(), Some("4711"));
    assert_eq!(contact.email(), None);
    assert_eq!(contact.phone(), None);
    assert!(contact.custom_fields.is_empty());
}

#[test]
fn the_main_address_and_the_first_real_number_are_found() {
    let contact: Contact = read(include_str!("../../../../fixtures/keap/contact.json"));
    assert_eq!(contact.email(), Some("maya@example.test"));
    assert_eq!(contact.phone(), Some("+13035550134"));
    assert!(contact.has_email("MAYA@example.test"));
    assert!(contact.has_email("maya.old@example.test"));
    assert!(!contact.has_email("aya@example.test"));
    assert_eq!(contact.custom_fields[0].id.as_deref(), Some("6"));
}

#[test]
fn an_unreadable_opening_time_is_an_error_and_not_unopened() {
    assert!(serde_json::from_str::<Email>(r#"{"opened_time":"yesterday"}"#).is_err());
    assert!(
        read::<Email>(r#"{"opened_time":null}"#)
            .opened_time
            .is_none()
    );
    assert!(read::<Email>(r#"{"opened_time":""}"#).opened_time.is_none());
    let opened = r#"{"opened_time":"2026-10-30T14:00:00.000+0000"}"#;
    assert!(read::<Email>(opened).opened_time.is_some());
}

#[test]
fn only_an_active_user_may_act() {
    assert!(read::<User>(r#"{"status":"ACTIVE"}"#).is_active());
    for status in ["INVITED", "INACTIVE", "NOT_A_USER", "active", "NEW_WORD"] {
        assert!(!read::<User>(&format!(r#"{{"status":"{status}"}}"#)).is_active());
    }
    assert!(!read::<User>("{}").is_active());
}

#[test]
fn a_card_is_labelled_with_what_is_known() {
    let full = r#"{"card_info":{"brand":"VISA","last_four":"4242"}}"#;
    assert_eq!(read::<PaymentMethod>(full).label(), "VISA ending in 4242");
    assert_eq!(
        read::<PaymentMethod>(r#"{"card_info":null}"#).label(),
        "card"
    );
}

#[test]
fn an_order_is_open_unless_keap_calls_it_paid() {
    assert!(!read::<Order>(r#"{"status":"PAID"}"#).is_open());
    for status in ["DRAFT", "SENT", "VIEWED", "NEW_WORD"] {
        assert!(read::<Order>(&format!(r#"{{"status":"{status}"}}"#)).is_open());
    }
    assert!(read::<Order>("{}").is_open());
}
