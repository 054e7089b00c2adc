//! What the CRM answers, whatever was asked: every call of the client meets the same answer.
//!
//! An input is a status and an id, headers, an empty line, a body. The id is a contact's, or an
//! address, and stands in the paths that are asked.

use std::sync::Arc;

use relay_core::retry::Class;
use relay_http_client::CallError;
use relay_keap::client::StaffReads;
use relay_keap::marker::Marker;
use relay_keap::{CheckInReads, CustomFieldsMode, KeapClient, Settings, TaskClosing, TasksAmong};
use secrecy::SecretString;
use serde_json::json;

use crate::targets::answers::{OneAnswer, block_on, clock, now, written};
use crate::targets::{Target, check_words};

/// The target.
pub const TARGET: Target = Target {
    name: "keap_answer",
    run,
    words: &[
        "200",
        "202",
        "204",
        "400",
        "401",
        "404",
        "429",
        "500",
        "503",
        "retry-after: ",
        "x-keap-product-quota-available: 0",
        "x-keap-product-quota-expiry-time: 1793750400000",
        "Tue, 03 Nov 2026 16:01:00 GMT",
        "contacts",
        "emails",
        "tasks",
        "notes",
        "tags",
        "users",
        "records",
        "subscriptions",
        "products",
        "orders",
        "next_page_token",
        "custom_fields",
        "id",
        "content",
        "label",
        "options",
        "tabs",
        "groups",
        "results",
        "SUCCESS",
        "1001",
        "email_addresses",
        "opened_time",
        "completed",
        "auto_charge",
        "active",
        "description",
        "html_content",
        "fault",
        "detail",
        "errorcode",
        "message",
        "status",
        "code",
        "https://elsewhere.test/?page_token=2",
        "../../",
        "\n\n",
        "kanari.vogel@example.test",
    ],
    fixtures: &[],
    executions: 200,
};

/// The longest wait that an answer may ask for and be believed: `Retry-After` of a `u32`, or a
/// date within jiff's range. Beyond this nothing may come out.
const LONGEST_WAIT: i64 = 4_294_967_295;

/// Runs one input.
///
/// # Panics
/// If a promise is broken.
pub fn run(data: &[u8]) {
    let transport = Arc::new(OneAnswer::new(data));
    let first = String::from_utf8_lossy(written(data).first).into_owned();
    let id = first
        .split_once(' ')
        .map_or("1001", |(_, id)| id)
        .to_owned();
    for mode in [CustomFieldsMode::Full, CustomFieldsMode::V1Single] {
        let settings = Settings::live(SecretString::from("KeapAK-fuzzed"));
        let client = settings.and_then(|settings| {
            let settings = Settings {
                custom_fields: mode,
                ..settings
            };
            KeapClient::new(Arc::clone(&transport) as _, Arc::new(clock()), settings)
        });
        let Ok(client) = client else {
            unreachable!("the settings are fine");
        };
        block_on(read(&client, &id));
        block_on(write(&client, &id));
    }
    for url in transport.asked() {
        assert_eq!(url.host_str(), Some("api.keap.com"));
        let path = url.path();
        assert!(path.starts_with("/crm/rest/v"), "{path}");
        let depth = path.split('/').count();
        assert!((5..=9).contains(&depth), "{path}");
        assert!(!path.contains("//"), "{path}");
    }
}

async fn read(client: &KeapClient, id: &str) {
    see(client.who_am_i().await);
    see(client.contact(id).await);
    see(client.contacts_by_email(id).await);
    see(client.contacts_by_id(&[id, "7"]).await);
    see(client.user_by_email(id).await);
    see(client.emails(id, now()).await);
    see(client.address_status(id).await);
    see(client
        .find_email(id, "Hello", &[Marker::new("marker_one")], now())
        .await);
    see(client.task(id).await);
    see(client
        .find_tasks(TasksAmong::User(id), &[Marker::new("marker_one")], now())
        .await);
    see(client
        .find_tasks(TasksAmong::Contact(id), &[Marker::new("marker_one")], now())
        .await);
    see(StaffReads(client).every_user().await);
    see(client
        .find_note(id, &[Marker::new("marker_one")], now())
        .await);
    see(client.tag_by_name(id).await);
    see(client.contact_tags(id, Some("Follow-up: email")).await);
    see(client.contact_tags(id, None).await);
    see(CheckInReads(client).contacts_with_tag(id).await);
    see(CheckInReads(client).tags_of(id).await);
    see(CheckInReads(client).whole_contact(id).await);
    see(CheckInReads(client).whole_contacts(&[id, "7"]).await);
    see(CheckInReads(client).active_users().await);
    see_names(
        CheckInReads(client)
            .date_fields(&[id, "Check-in due"])
            .await,
    );
    see(client.subscriptions(id).await);
    see(client.payment_methods(id).await);
    see(client.products_by_name(id).await);
    see(client.open_orders(id).await);
    see(client.hooks().await);
    see(client.hook_event_keys().await);
    see_names(client.contact_type(id).await);
}

async fn write(client: &KeapClient, id: &str) {
    let marker = Marker::new("marker_one");
    see(client.send_email(id, "7", "Hello", "Hi", &marker).await);
    see(client
        .create_task(Some(id), "7", "CALL", "x", now(), &marker)
        .await);
    see(client
        .complete_task(id, now(), TaskClosing::TakenBack)
        .await);
    see(client.create_note(id, "7", "x", "y", &marker).await);
    see(client.apply_tag(id, "301").await);
    see(client.remove_tag(id, "301").await);
    see(client.auto_charge_off(id, "moved").await);
    see(client.deactivate_subscription(id, "moved").await);
    see(client.delete_payment_method(id, "6001").await);
    see(client.verify_hook(id).await);
    see_names(client.set_contact_type(id, "In-Person").await);
    see(client
        .write_custom_field(id, "6", &json!("In-Person"))
        .await);
}

/// A failure that lists names of fields and of their values, for an operator who must choose.
fn see_names<T>(result: Result<T, CallError>) {
    let Err(error) = result else { return };
    let length = error.to_string().chars().count();
    assert!(length <= 600, "{length} characters");
}

/// What may be said of a failure.
fn see<T>(result: Result<T, CallError>) {
    let Err(error) = result else { return };
    check_words(&error.to_string(), 600);
    if let Class::Retryable { after: Some(wait) } = error.class {
        assert!(!wait.is_negative(), "{wait:?}");
        let longest = LONGEST_WAIT.max(253_402_300_800);
        assert!(wait.as_secs() <= longest, "{wait:?}");
    }
}
