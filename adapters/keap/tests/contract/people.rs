//! Contacts and users.

use relay_core::retry::Class;
use relay_http_client::emulation::{FaultAct, Moment};
use relay_keap::CustomFieldsMode;
use relay_keap::emulator::{Act, Drift, NewContact, NewUser};

use super::support::{MAYA, not_found, setup, setup_with};

fn contact(id: u64, email: &str) -> Act {
    Act::AddContact(NewContact {
        id: Some(id),
        email: Some(email.to_owned()),
        ..NewContact::default()
    })
}

#[tokio::test]
async fn a_contact_is_read_whatever_else_the_answer_holds() {
    for drift in [Drift::Tidy, Drift::Nulls, Drift::NullsAndNews] {
        let setup = setup_with(|tenant| tenant.drift = drift, CustomFieldsMode::Full);
        let maya = setup
            .client
            .contact(MAYA)
            .await
            .expect("an answer")
            .expect("a contact");
        assert_eq!(maya.given_name.as_deref(), Some("Maya"));
        assert_eq!(maya.email(), Some("maya@example.test"));
        let digits: String = maya
            .phone()
            .expect("a number")
            .chars()
            .filter(char::is_ascii_digit)
            .collect();
        assert!(digits.ends_with("3035550134"), "{digits}");
    }
}

#[tokio::test]
async fn a_page_or_a_bare_status_never_means_that_a_contact_task_or_fee_is_gone() {
    let setup = setup();
    let client = &setup.client;
    let bodies = [
        "<!DOCTYPE html><title>Page not found</title>",
        "",
        r#"{"message":"no Route matched with those values"}"#,
        r#"{"fault":{"faultstring":"x","detail":{"errorcode":"messaging.adaptors.http.flow.ApplicationNotFound"}}}"#,
    ];
    for body in bodies {
        for operation in [
            "get_contact",
            "get_task",
            "get_subscription",
            "get_address_status",
        ] {
            setup.fault(operation, Moment::Before, not_found(body));
            let error = match operation {
                "get_contact" => client.contact(MAYA).await.map(drop),
                "get_task" => client.task("30001").await.map(drop),
                "get_subscription" => client.subscription("5001").await.map(drop),
                _ => client.address_status("maya@example.test").await.map(drop),
            };
            let error = error.expect_err("nothing was said of the object");
            let again = Class::Retryable { after: None };
            assert_eq!(error.class, again, "{operation} {body}");
            assert!(error.may_be_wrong_address(), "{operation} {body}");
        }
    }
}

#[tokio::test]
async fn null_in_place_of_a_list_proves_nobody_gone() {
    let setup = setup();
    let own =
        r#"{"code":404,"message":"Unable to find this Contact","status":"NOT_FOUND","details":[]}"#;
    setup.fault("get_contact", Moment::Before, not_found(own));
    let null = FaultAct::Status {
        code: 200,
        retry_after: None,
        body: Some(r#"{"contacts":null}"#.to_owned()),
    };
    setup.fault("list_contacts", Moment::Before, null);
    let error = setup.client.contact(MAYA).await;
    let error = error.expect_err("it was neither shown nor left out");
    assert_eq!(error.class, Class::Retryable { after: None });
}

#[tokio::test]
async fn a_contact_that_keap_denies_and_lists_is_not_gone() {
    let setup = setup();
    let own =
        r#"{"code":404,"message":"Unable to find this Contact","status":"NOT_FOUND","details":[]}"#;
    setup.fault("get_contact", Moment::Before, not_found(own));
    let error = setup.client.contact(MAYA).await.expect_err("it is listed");
    assert_eq!(error.class, Class::Retryable { after: None });
    assert!(
        setup
            .client
            .contact(MAYA)
            .await
            .expect("an answer")
            .is_some()
    );
}

#[tokio::test]
async fn a_contact_that_is_gone_or_merged_away_is_none() {
    let setup = setup();
    assert!(
        setup
            .client
            .contact("99")
            .await
            .expect("an answer")
            .is_none()
    );
    setup.does(contact(1002, "maya@example.test"));
    setup.does(Act::MergeContacts {
        keep: 1002,
        gone: 1001,
    });
    assert!(
        setup
            .client
            .contact(MAYA)
            .await
            .expect("an answer")
            .is_none()
    );
}

#[tokio::test]
async fn only_exactly_the_same_address_is_found() {
    let setup = setup();
    setup.does(contact(1002, "MAYA@example.test"));
    setup.does(contact(1003, "xmaya@example.test"));
    setup.does(contact(1004, "maya@example.test.example.test"));
    let found = setup
        .client
        .contacts_by_email("maya@example.test")
        .await
        .expect("an answer");
    let mut ids: Vec<_> = found.into_iter().filter_map(|contact| contact.id).collect();
    ids.sort();
    assert_eq!(ids, ["1001", "1002"]);
    assert!(
        setup
            .client
            .contacts_by_email("m*@example.test")
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_thousand_contacts_are_read_in_a_handful_of_requests() {
    let setup = setup();
    for id in 2000..2999 {
        setup.does(contact(id, &format!("c{id}@example.test")));
    }
    let ids: Vec<String> = (2000..3000).map(|id| id.to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let found = setup.client.contacts_by_id(&ids).await.expect("an answer");
    assert_eq!(found.len(), 999, "the last one isn't there");
    assert_eq!(setup.transport.asked().len(), 5);
}

#[tokio::test]
async fn only_an_active_user_with_exactly_this_address_is_found() {
    let setup = setup();
    let find = async |email| {
        let user = setup.client.user_by_email(email).await.expect("an answer");
        user.and_then(|user| user.id)
    };
    assert_eq!(find("coach@example.test").await.as_deref(), Some("7"));
    assert_eq!(find("oach@example.test").await, None);
    for status in ["INACTIVE", "INVITED", "NOT_A_USER"] {
        setup.does(Act::SetUserStatus {
            user: 7,
            status: status.to_owned(),
        });
        assert_eq!(find("coach@example.test").await, None, "{status}");
    }
}

#[tokio::test]
async fn two_active_users_with_one_address_are_an_error() {
    let setup = setup();
    setup.does(Act::AddUser(NewUser {
        id: Some(8),
        email: "coach@example.test".to_owned(),
        ..NewUser::default()
    }));
    let error = setup
        .client
        .user_by_email("coach@example.test")
        .await
        .expect_err("two");
    assert!(error.message.contains("several"), "{}", error.message);
}
