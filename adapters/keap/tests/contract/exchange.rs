//! Credentials, classes of failure, pages.

use std::sync::Arc;

use relay_core::retry::Class;
use relay_core::time::SignedDuration;
use relay_http_client::RouterTransport;
use relay_http_client::emulation::{FaultAct, Moment};
use relay_keap::emulator::{Act, NewEmailRecord, PageEnd, PageToken};
use relay_keap::{CustomFieldsMode, HeaderStyle, KeapClient};

use super::support::{KEY, MAYA, at, now, settings, setup, setup_with, status};

#[tokio::test]
async fn either_header_lets_the_key_in_and_a_wrong_key_is_unauthorised() {
    let setup = setup();
    for (key, header, lets_in) in [
        (KEY, HeaderStyle::Bearer, true),
        (KEY, HeaderStyle::ApiKey, true),
        ("KeapAK-wrong", HeaderStyle::Bearer, false),
        ("KeapAK-wrong", HeaderStyle::ApiKey, false),
    ] {
        let settings = settings(key, header);
        let client = KeapClient::new(setup.transport.clone(), setup.clock.clone(), settings)
            .expect("a client");
        let answer = client.who_am_i().await;
        assert_eq!(answer.is_ok(), lets_in, "{header:?}");
        if let Err(error) = answer {
            assert_eq!(error.class, Class::Unauthorised);
            assert!(!format!("{error:?}").contains(key), "{error:?}");
            assert!(!format!("{client:?}").contains(key));
        }
    }
}

#[tokio::test]
async fn each_fault_has_its_class_for_reads_and_for_writes() {
    let again = Class::Retryable { after: None };
    let after_nine = Class::Retryable {
        after: Some(SignedDuration::from_secs(9)),
    };
    let named = |code| FaultAct::Status {
        code,
        retry_after: Some(9),
        body: None,
    };
    for (act, read, write) in [
        (status(400), Class::Permanent, Class::Permanent),
        (status(401), Class::Unauthorised, Class::Unauthorised),
        (status(403), Class::Permanent, Class::Permanent),
        (status(409), Class::Permanent, Class::Permanent),
        (status(429), again, again),
        (named(429), after_nine, after_nine),
        (status(500), again, Class::Unclear),
        (status(502), again, Class::Unclear),
        (named(503), after_nine, after_nine),
        (status(503), again, Class::Unclear),
        (status(504), again, Class::Unclear),
        (FaultAct::Hang, again, Class::Unclear),
        (FaultAct::Reset, again, Class::Unclear),
        (FaultAct::Refuse, Class::NotSent, Class::NotSent),
    ] {
        let setup = setup();
        setup.fault("get_contact", Moment::Before, act.clone());
        let error = setup.client.contact(MAYA).await.expect_err("a fault");
        assert_eq!(error.class, read, "read, {act:?}");
        setup.fault("create_tag", Moment::Before, act.clone());
        let error = setup
            .client
            .create_tag("Follow-up: email")
            .await
            .expect_err("a fault");
        assert_eq!(error.class, write, "write, {act:?}");
        assert!(setup.accepted("create_tag").is_empty(), "{act:?}");
    }
}

#[tokio::test]
async fn nothing_listens_is_not_sent() {
    let client = KeapClient::new(
        Arc::new(RouterTransport::new()),
        setup().clock.clone(),
        settings(KEY, HeaderStyle::Bearer),
    )
    .expect("a client");
    let error = client.create_tag("x").await.expect_err("nobody is there");
    assert_eq!(error.class, Class::NotSent);
}

#[tokio::test]
async fn pages_are_followed_by_token_and_by_address_to_the_end() {
    for token in [PageToken::Token, PageToken::Url] {
        for end in [PageEnd::Absent, PageEnd::Null, PageEnd::Empty] {
            let setup = setup_with(
                |tenant| {
                    tenant.page_token = token;
                    tenant.page_end = end;
                },
                CustomFieldsMode::Full,
            );
            for minute in 0..450 {
                setup.does(Act::AddEmailRecord(NewEmailRecord {
                    contact: 1001,
                    subject: format!("Letter {minute}"),
                    sent_at: Some(at("2026-10-20T12:00:00Z") + SignedDuration::from_mins(minute)),
                    ..NewEmailRecord::default()
                }));
            }
            let mails = setup
                .client
                .emails(MAYA, at("2026-10-04T00:00:00Z"))
                .await
                .expect("mails");
            assert_eq!(mails.len(), 450, "{token:?} {end:?}");
            assert_eq!(
                mails[0].subject.as_deref(),
                Some("Letter 449"),
                "newest first"
            );
            assert!(
                mails
                    .iter()
                    .all(|mail| mail.sent_time.is_some_and(|at| at < now()))
            );
            let hosts = setup.transport.asked();
            assert!(
                hosts
                    .iter()
                    .all(|(_, url)| url.host_str() == Some("keap.test"))
            );
        }
    }
}

#[tokio::test]
async fn an_id_that_could_change_a_path_is_never_sent() {
    let setup = setup();
    for id in [
        "",
        "..",
        "1/../users",
        "1?x=1",
        "1 ",
        "1%2F2",
        "a".repeat(65).as_str(),
    ] {
        let error = setup.client.contact(id).await.expect_err("refused");
        assert_eq!(error.class, Class::Permanent, "{id}");
        assert!(
            setup.client.delete_payment_method(MAYA, id).await.is_err(),
            "{id}"
        );
    }
    for address in ["..", ".\t.", "a\n@example.test"] {
        let error = setup.client.address_status(address).await;
        assert_eq!(
            error.expect_err("refused").class,
            Class::Permanent,
            "{address:?}"
        );
    }
    assert!(setup.transport.asked().is_empty());
}
