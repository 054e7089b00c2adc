//! Reads what only a live account can tell, and prints it.
//!
//! ```text
//! cargo run -p relay-keap --example keap_probe -- KEY_FILE [CONTACT_ID [EMAIL_ADDRESS]]
//! ```
//!
//! `KEY_FILE` holds a service account key. Every request is a read. What is printed names ids,
//! counts, labels and shapes; of people only what stands in labels that staff chose. The number at
//! each line is the question's in the README.

use std::error::Error;
use std::io::Write as _;
use std::sync::Arc;

use relay_core::time::{Clock as _, SignedDuration, SystemClock};
use relay_http_client::{CallError, ReqwestTransport};
use relay_keap::{KeapClient, Settings};
use secrecy::SecretString;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let Some(key_file) = arguments.next() else {
        return Err("usage: keap_probe KEY_FILE [CONTACT_ID [EMAIL_ADDRESS]]".into());
    };
    let key = std::fs::read_to_string(key_file)?;
    let settings = Settings::live(SecretString::from(key.trim()))?;
    let transport = Arc::new(ReqwestTransport::new()?);
    let client = KeapClient::new(transport, Arc::new(SystemClock), settings)?;

    tell("tenant", client.who_am_i().await)?;
    tell("1 event keys", client.hook_event_keys().await)?;
    let hooks = client.hooks().await.map(|hooks| {
        let line = |hook: relay_keap::types::Hook| (hook.key, hook.event_key, hook.status);
        hooks.into_iter().map(line).collect::<Vec<_>>()
    });
    tell("2 hooks (addresses not shown)", hooks)?;
    tell("4 contact type field", client.contact_type_field().await)?;
    let fields = client.contact_fields().await.map(|fields| {
        let line = |f: relay_keap::types::CustomField| {
            (f.id, f.label, f.field_name, f.group_id, f.options.len())
        };
        fields.into_iter().map(line).collect::<Vec<_>>()
    });
    tell(
        "13 contact model: id, label, column, header, options",
        fields,
    )?;
    tell("13 page token", client.page_token_form().await)?;
    if let Some(contact) = arguments.next() {
        about_contact(&client, &contact).await?;
    }
    if let Some(address) = arguments.next() {
        let status = client.address_status(&address).await;
        tell(
            "7 address status",
            status.map(|s| (s.state, s.last_sent_at)),
        )?;
    }
    Ok(())
}

async fn about_contact(client: &KeapClient, contact: &str) -> Result<(), Box<dyn Error>> {
    let found = client.contact(contact).await;
    tell("contact is there", found.map(|contact| contact.is_some()))?;
    tell("3 contact type", client.contact_type(contact).await)?;
    let since = SystemClock
        .now()
        .checked_sub(SignedDuration::from_hours(30 * 24))?;
    let mails = client.emails(contact, since).await.map(|mails| {
        let line = |mail: relay_keap::types::Email| {
            (
                mail.original_provider,
                mail.sent_time,
                mail.opened_time,
                mail.clicked_time,
            )
        };
        mails.into_iter().map(line).collect::<Vec<_>>()
    });
    tell("8 mails: provider, sent, opened, clicked", mails)?;
    let subscriptions = client.subscriptions(contact).await.map(|subscriptions| {
        let line = |s: relay_keap::types::Subscription| {
            (
                s.id,
                s.product_id,
                s.subscription_plan_id,
                s.active,
                s.auto_charge,
            )
        };
        subscriptions.into_iter().map(line).collect::<Vec<_>>()
    });
    tell(
        "5 subscriptions: id, product, plan, active, auto-charge",
        subscriptions,
    )?;
    let cards = client
        .payment_methods(contact)
        .await
        .map(|cards| cards.len());
    tell("6 stored cards", cards)?;
    let orders = client.open_orders(contact).await.map(|orders| orders.len());
    tell("open orders", orders)
}

/// Prints a finding, or why there is none: one refused read must not hide the others.
fn tell<T: std::fmt::Debug>(
    what: &str,
    finding: Result<T, CallError>,
) -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    match finding {
        Ok(finding) => writeln!(out, "{what}: {finding:#?}")?,
        Err(error) => writeln!(out, "{what}: {} ({error})", error.class.as_str())?,
    }
    Ok(())
}
