//! Who has opened or clicked lately.

use relay_core::retry::Class;
use relay_core::time::Timestamp;
use relay_http_client::emulation::Moment;
use relay_keap::emulator::{Act, AddressList, NewContact, NewEmailRecord, PageToken, Unset};
use relay_keap::{AddressActivity, CustomFieldsMode, Moved};

use super::support::{Setup, at, setup, setup_with, status};

/// Contacts 2000, 2001, …: each has opened one mail, a minute after the one before.
fn openers(setup: &Setup, count: u64) {
    for number in 0..count {
        let contact = 2_000 + number;
        setup.does(Act::AddContact(NewContact {
            id: Some(contact),
            email: Some(format!("c{contact}@example.test")),
            email_status: Some("SINGLE_OPT_IN".to_owned()),
            ..NewContact::default()
        }));
        setup.does(Act::AddEmailRecord(NewEmailRecord {
            contact,
            subject: "News".to_owned(),
            sent_at: Some(at("2026-11-01T15:00:00Z")),
            ..NewEmailRecord::default()
        }));
        let minutes = i64::try_from(number).expect("few");
        let opened = at("2026-11-02T00:00:00Z").as_second() + 60 * minutes;
        setup.does(Act::OpenEmail {
            contact,
            email: None,
            at: Some(Timestamp::from_second(opened).expect("a time")),
        });
    }
}

async fn moved(setup: &Setup, moved: Moved, since: &str) -> Option<Vec<AddressActivity>> {
    let found = setup.client.addresses_moved(moved, at(since)).await;
    found.expect("an answer")
}

#[tokio::test]
async fn addresses_that_moved_come_newest_first_and_older_ones_are_left_out() {
    let setup = setup();
    openers(&setup, 3);
    let found = moved(&setup, Moved::Opened, "2026-11-02T00:01:00Z").await;
    let found = found.expect("a list");
    let told: Vec<_> = found.iter().map(|one| one.email.as_str()).collect();
    assert_eq!(told, ["c2002@example.test", "c2001@example.test"]);
    assert_eq!(found[0].last_open_at, Some(at("2026-11-02T00:02:00Z")));
    assert_eq!(found[0].last_click_at, None);
    assert!(!format!("{found:?}").contains("example.test"));
    let none = moved(&setup, Moved::Clicked, "2026-11-01T00:00:00Z").await;
    assert_eq!(none, Some(Vec::new()));
}

#[tokio::test]
async fn pages_are_read_until_older_ones_come_wherever_unset_times_stand() {
    for (token, unset) in [
        (PageToken::Token, Unset::Last),
        (PageToken::Url, Unset::First),
    ] {
        let setup = setup_with(
            |tenant| {
                tenant.page_token = token;
                tenant.unset = unset;
            },
            CustomFieldsMode::Full,
        );
        openers(&setup, 450);
        let found = moved(&setup, Moved::Opened, "2026-11-02T00:00:00Z").await;
        assert_eq!(found.expect("a list").len(), 450);
        assert_eq!(setup.transport.asked().len(), 3, "all pages");
        let found = moved(&setup, Moved::Opened, "2026-11-02T07:00:00Z").await;
        assert_eq!(found.expect("a list").len(), 30);
        assert_eq!(
            setup.transport.asked().len(),
            4,
            "one page holds older ones"
        );
    }
}

#[tokio::test]
async fn a_tenant_without_the_list_is_told_from_one_that_fails() {
    for list in [AddressList::NotFound, AddressList::NotImplemented] {
        let setup = setup_with(|tenant| tenant.address_list = list, CustomFieldsMode::Full);
        openers(&setup, 1);
        assert_eq!(
            moved(&setup, Moved::Opened, "2026-11-01T00:00:00Z").await,
            None
        );
    }
    let setup = setup();
    setup.fault("list_addresses", Moment::Before, status(500));
    let failed = setup
        .client
        .addresses_moved(Moved::Opened, at("2026-11-01T00:00:00Z"))
        .await
        .expect_err("a failure");
    assert_eq!(failed.class, Class::Retryable { after: None });
}

#[tokio::test]
async fn one_address_shows_its_latest_times_and_one_never_mailed_shows_nothing() {
    let setup = setup();
    openers(&setup, 1);
    let found = setup.client.address_activity(" c2000@example.test ").await;
    let found = found.expect("an answer").expect("a row");
    assert_eq!(found.last_open_at, Some(at("2026-11-02T00:00:00Z")));
    let never = setup.client.address_activity("nobody@example.test").await;
    assert_eq!(never.expect("an answer"), None);
}
