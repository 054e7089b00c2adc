//! Who has a tag, and what their contacts hold.

use relay_core::retry::Class;
use relay_core::time::TimeZone;
use relay_http_client::emulation::{FaultAct, Moment};
use relay_keap::emulator::{Act, Drift, NewContact, NewField, NewUser, PageToken};
use relay_keap::{CheckInReads, CustomFieldsMode};
use serde_json::json;

use super::support::{MAYA, Setup, not_found, setup, setup_with};

const TAG: &str = "Check-in missed";
const DUE: &str = "Check-in due";

fn tag(setup: &Setup, contact: u64) {
    setup.does(Act::ApplyTag {
        contact,
        tag: TAG.to_owned(),
    });
}

fn with_due_field(setup: &Setup, id: u64, kind: &str) {
    setup.does(Act::AddField(NewField {
        id: Some(id),
        label: DUE.to_owned(),
        field_type: Some(kind.to_owned()),
        ..NewField::default()
    }));
}

async fn tagged(setup: &Setup) -> Vec<String> {
    let id = setup.client.tag_by_name(TAG).await.expect("an answer");
    let id = id.expect("a tag");
    CheckInReads(&setup.client)
        .contacts_with_tag(&id)
        .await
        .expect("a list")
}

#[tokio::test]
async fn everybody_with_a_tag_is_listed_whatever_pages_and_rows_look_like() {
    for (drift, token) in [
        (Drift::Tidy, PageToken::Token),
        (Drift::Nulls, PageToken::Url),
        (Drift::NullsAndNews, PageToken::Url),
    ] {
        let setup = setup_with(
            |tenant| {
                tenant.drift = drift;
                tenant.page_token = token;
            },
            CustomFieldsMode::Full,
        );
        // More than one page of what is asked for.
        for id in 2001..=3100 {
            setup.does(Act::AddContact(NewContact {
                id: Some(id),
                ..NewContact::default()
            }));
            tag(&setup, id);
        }
        let ids = tagged(&setup).await;
        assert_eq!(ids.len(), 1100);
        assert!(!ids.contains(&MAYA.to_owned()));
        tag(&setup, 1001);
        assert!(tagged(&setup).await.contains(&MAYA.to_owned()));
        setup.does(Act::RemoveTag {
            contact: 1001,
            tag: TAG.to_owned(),
        });
        assert!(!tagged(&setup).await.contains(&MAYA.to_owned()));
    }
}

#[tokio::test]
async fn null_in_place_of_tags_or_tagged_contacts_is_no_tag_that_is_off() {
    let setup = setup();
    tag(&setup, 1001);
    let again = Class::Retryable { after: None };
    let null = |key: &str| FaultAct::Status {
        code: 200,
        retry_after: None,
        body: Some(format!("{{\"{key}\":null}}")),
    };
    setup.fault("list_contact_tags", Moment::Before, null("tags"));
    let error = CheckInReads(&setup.client)
        .tags_of(MAYA)
        .await
        .expect_err("nothing is told");
    assert_eq!(error.class, again);
    let id = setup.client.tag_by_name(TAG).await.expect("an answer");
    let id = id.expect("a tag");
    setup.fault("list_tagged_contacts", Moment::Before, null("contacts"));
    let listed = CheckInReads(&setup.client).contacts_with_tag(&id).await;
    assert_eq!(listed.expect_err("nothing is told").class, again);
    let tags = CheckInReads(&setup.client)
        .tags_of(MAYA)
        .await
        .expect("an answer");
    assert_eq!(tags, Some(vec![id]));
}

#[tokio::test]
async fn only_keaps_own_words_say_that_a_contact_with_tags_is_gone() {
    let setup = setup();
    let page = "<!DOCTYPE html><title>Page not found</title>";
    setup.fault("list_contact_tags", Moment::Before, not_found(page));
    let error = CheckInReads(&setup.client)
        .tags_of(MAYA)
        .await
        .expect_err("a page says nothing");
    assert_eq!(error.class, Class::Retryable { after: None });
    let gone = CheckInReads(&setup.client).tags_of("4711").await;
    assert_eq!(gone.expect("an answer"), None);
    let there = CheckInReads(&setup.client).whole_contact("4711").await;
    assert!(there.expect("an answer").is_none());
    let none = CheckInReads(&setup.client).tags_of(MAYA).await;
    assert_eq!(none.expect("an answer"), Some(Vec::new()));
}

#[tokio::test]
async fn a_contact_is_read_with_owner_tags_and_days_alone_and_among_many() {
    let setup = setup();
    with_due_field(&setup, 12, "DATE");
    tag(&setup, 1001);
    setup.does(Act::EditContact {
        contact: 1001,
        changes: json!({ "owner_id": "7", "time_zone": "America/Denver" })
            .as_object()
            .cloned()
            .expect("members"),
    });
    setup.edits(DUE, json!("2026-11-03"));
    let field = CheckInReads(&setup.client)
        .date_fields(&[DUE])
        .await
        .expect("a field");
    assert_eq!(field[0].id, "12");
    let alone = CheckInReads(&setup.client)
        .whole_contact(MAYA)
        .await
        .expect("an answer");
    let many = CheckInReads(&setup.client)
        .whole_contacts(&[MAYA, "4711"])
        .await;
    let many = many.expect("an answer");
    assert_eq!(many.len(), 1);
    for maya in [&alone.expect("a contact"), &many[0]] {
        assert_eq!(maya.owner_id.as_deref(), Some("7"));
        assert_eq!(maya.time_zone.as_deref(), Some("America/Denver"));
        assert_eq!(maya.tag_ids.as_ref().map(Vec::len), Some(1));
        let day = field[0]
            .day(maya, &TimeZone::UTC)
            .map(|day| day.to_string());
        assert_eq!(day.as_deref(), Some("2026-11-03"));
    }
}

#[tokio::test]
async fn a_date_field_is_found_by_name_or_id_and_another_type_is_told() {
    let setup = setup();
    with_due_field(&setup, 12, "DATE_TIME");
    setup.add_text_field(13, "Goal");
    let found = |wanted: &'static str| {
        let client = &setup.client;
        async move { CheckInReads(client).date_fields(&[wanted]).await }
    };
    for wanted in [DUE, "check-in DUE", "12"] {
        let field = found(wanted).await.expect(wanted);
        assert_eq!(
            (field[0].id.as_str(), field[0].with_time),
            ("12", Some(true))
        );
    }
    for (wanted, why) in [("Goal", "not a date"), ("Nowhere", "no custom field")] {
        let error = found(wanted).await.expect_err(wanted);
        assert_eq!((error.class, error.status), (Class::Permanent, None));
        assert!(error.message.contains(why), "{}", error.message);
    }
}

#[tokio::test]
async fn users_who_left_are_no_users() {
    let setup = setup();
    for (id, status) in [(8, "INACTIVE"), (9, "INVITED")] {
        setup.does(Act::AddUser(NewUser {
            id: Some(id),
            email: format!("user{id}@example.test"),
            status: Some(status.to_owned()),
            ..NewUser::default()
        }));
    }
    let users = CheckInReads(&setup.client)
        .active_users()
        .await
        .expect("a list");
    let ids: Vec<_> = users.iter().filter_map(|user| user.id.as_deref()).collect();
    assert_eq!(ids, ["7"]);
    assert_eq!(users[0].email(), Some("coach@example.test"));
}
