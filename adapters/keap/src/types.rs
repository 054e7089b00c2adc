//! What Keap answers, read tolerantly.
//!
//! Unknown members are ignored, anything may be `null`, and an id is a string or a number even for
//! the same object. Only what decides something is read strictly: an unreadable opening time is an
//! error, because it must not count as "not opened". These types hold people's data: they are never
//! logged, and never put into an error.

mod tags;
#[cfg(test)]
mod tests;

use relay_core::time::{Date, Timestamp};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::closing::TaskClosing;
use crate::time;

pub use tags::{AppliedTag, Tag, TaggedContact};

/// An id as text, whether it came as a string or as a number. Empty texts and the number 0, which
/// Keap uses for "none", are `None`.
pub(crate) fn id<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(id_of(&Value::deserialize(from)?))
}

/// [`id`] for a value at hand.
pub(crate) fn id_of(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty() && text != "0").then_some(text)
}

/// A list of ids; `None` for whatever is no list.
fn ids<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    let value = Value::deserialize(from)?;
    let items = value.as_array();
    Ok(items.map(|items| items.iter().filter_map(id_of).collect()))
}

/// A list that may be absent or `null`.
fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::<Vec<T>>::deserialize(from)?.unwrap_or_default())
}

/// A contact, as far as we read one.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Contact {
    /// Keap's id.
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
    /// First name.
    pub given_name: Option<String>,
    /// Last name.
    pub family_name: Option<String>,
    /// Up to three addresses.
    #[serde(deserialize_with = "list")]
    pub email_addresses: Vec<EmailAddress>,
    /// Up to five numbers.
    #[serde(deserialize_with = "list")]
    pub phone_numbers: Vec<PhoneNumber>,
    /// Every custom field of the contact, where asked for.
    #[serde(deserialize_with = "list")]
    pub custom_fields: Vec<CustomFieldValue>,
    /// The user who owns the contact, where asked for.
    #[serde(deserialize_with = "id")]
    pub owner_id: Option<String>,
    /// Her zone as Keap names it, where asked for.
    pub time_zone: Option<String>,
    /// The tags on the contact, where asked for; `None` where Keap doesn't say, which is not none.
    #[serde(deserialize_with = "ids")]
    pub tag_ids: Option<Vec<String>>,
    /// When it last changed.
    #[serde(deserialize_with = "time::lenient")]
    pub update_time: Option<Timestamp>,
}

impl Contact {
    /// The main address: slot `EMAIL1`, which is where [`send_email`](crate::KeapClient::send_email)
    /// sends. Another slot stands in for it only where no slot is named at all.
    pub fn email(&self) -> Option<&str> {
        let slots = &self.email_addresses;
        let main = slots.iter().find(|a| a.field.as_deref() == Some("EMAIL1"));
        if main.is_some() || slots.iter().any(|a| a.field.is_some()) {
            return main.and_then(EmailAddress::address);
        }
        slots.iter().find_map(EmailAddress::address)
    }

    /// Whether any slot holds exactly this address (upper and lower case count as the same).
    pub fn has_email(&self, email: &str) -> bool {
        let same = |a: &EmailAddress| {
            a.address()
                .is_some_and(|address| address.eq_ignore_ascii_case(email.trim()))
        };
        self.email_addresses.iter().any(same)
    }

    /// The first number that looks like one: at least seven digits, slots in order.
    pub fn phone(&self) -> Option<&str> {
        let mut numbers: Vec<&PhoneNumber> = self.phone_numbers.iter().collect();
        numbers.sort_by(|a, b| a.field.cmp(&b.field));
        numbers
            .into_iter()
            .filter_map(|phone| phone.number_e164.as_deref().or(phone.number.as_deref()))
            .map(str::trim)
            .find(|number| number.chars().filter(char::is_ascii_digit).count() >= 7)
    }
}

/// An address slot of a contact or user.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct EmailAddress {
    /// The address.
    pub email: Option<String>,
    /// The slot: `EMAIL1` to `EMAIL3`.
    pub field: Option<String>,
}

impl EmailAddress {
    fn address(&self) -> Option<&str> {
        let address = self.email.as_deref()?.trim();
        (!address.is_empty()).then_some(address)
    }
}

/// A number slot of a contact.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct PhoneNumber {
    /// As typed.
    pub number: Option<String>,
    /// In E.164, where Keap could tell.
    pub number_e164: Option<String>,
    /// The slot: `PHONE1` to `PHONE5`.
    pub field: Option<String>,
}

/// The value of one custom field.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct CustomFieldValue {
    /// The field's id.
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
    /// Its value; `null` where it is unset.
    pub content: Value,
}

/// A custom field as the model describes it. In recorded v2 models everything but `id` and `label`
/// was `null`, and `label` held what v1 calls `field_name`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct CustomField {
    /// Its id, the same in v1 and v2.
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
    /// What staff see, mostly.
    pub label: Option<String>,
    /// The database column.
    pub field_name: Option<String>,
    /// `TEXT`, `DROPDOWN`, …; v1 spells it `Text`, `Dropdown`.
    pub field_type: Option<String>,
    /// The header it stands under.
    #[serde(deserialize_with = "id")]
    pub group_id: Option<String>,
    /// What a drop-down offers.
    #[serde(deserialize_with = "list")]
    pub options: Vec<FieldOption>,
}

/// One entry of a drop-down.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct FieldOption {
    /// Its id.
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
    /// What staff see, and what is written.
    pub label: Option<String>,
}

/// A tab or a header of the custom fields.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Named {
    /// Its id.
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
    /// What staff see.
    pub name: Option<String>,
}

/// A user (member of staff).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct User {
    /// Keap's id.
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
    /// First name.
    pub given_name: Option<String>,
    /// `ACTIVE`, `INVITED`, `INACTIVE` or `NOT_A_USER`.
    pub status: Option<String>,
    /// Her addresses.
    #[serde(deserialize_with = "list")]
    pub email_addresses: Vec<EmailAddress>,
}

impl User {
    /// Whether she may act: nothing but `ACTIVE` counts.
    pub fn is_active(&self) -> bool {
        self.status.as_deref() == Some("ACTIVE")
    }

    /// Her first address.
    pub fn email(&self) -> Option<&str> {
        self.email_addresses.iter().find_map(EmailAddress::address)
    }

    /// Whether one of her addresses is exactly this one.
    pub fn has_email(&self, email: &str) -> bool {
        let same = |a: &EmailAddress| {
            a.address()
                .is_some_and(|address| address.eq_ignore_ascii_case(email.trim()))
        };
        self.email_addresses.iter().any(same)
    }
}

/// A mail as the list or the single read shows it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Email {
    /// Keap's id.
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
    /// The contact it was sent to.
    #[serde(deserialize_with = "id")]
    pub contact_id: Option<String>,
    /// Its subject.
    pub subject: Option<String>,
    /// When it was sent; `None` while it is queued.
    #[serde(deserialize_with = "time::strict")]
    pub sent_time: Option<Timestamp>,
    /// When it was opened, first or last: Keap doesn't say.
    #[serde(deserialize_with = "time::strict")]
    pub opened_time: Option<Timestamp>,
    /// When a link in it was clicked.
    #[serde(deserialize_with = "time::strict")]
    pub clicked_time: Option<Timestamp>,
    /// From which address, where Keap tells: of a user, or of the clinic as a whole.
    pub sent_from_address: Option<String>,
    /// `INFUSIONSOFT` for mail that Keap sent, `GOOGLE` or `MICROSOFT` for synced mailboxes.
    pub original_provider: Option<String>,
    /// The text part in Base64; only in the single read.
    pub plain_content: Option<String>,
    /// The HTML part in Base64; only in the single read.
    pub html_content: Option<String>,
}

impl Email {
    /// Whether Keap says that it sent this mail itself.
    pub fn is_sent_by_keap(&self) -> bool {
        self.original_provider.as_deref() == Some("INFUSIONSOFT")
    }

    /// Whether it came out of a synced mailbox.
    pub fn is_synced(&self) -> bool {
        matches!(
            self.original_provider.as_deref(),
            Some("GOOGLE" | "MICROSOFT")
        )
    }
}

/// What Keap knows of an address.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct EmailAddressStatus {
    /// The address, where a list names it.
    pub email: Option<String>,
    /// One of Keap's seventeen words, or a new one.
    pub status: Option<String>,
    /// The last mail of any kind to it.
    #[serde(deserialize_with = "time::lenient")]
    pub last_sent_time: Option<Timestamp>,
    /// The last open of any mail to it.
    #[serde(deserialize_with = "time::lenient")]
    pub last_open_time: Option<Timestamp>,
    /// The last click in any mail to it.
    #[serde(deserialize_with = "time::lenient")]
    pub last_click_time: Option<Timestamp>,
}

/// A task.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Task {
    /// Keap's id.
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// Its text: ours, then what the coach wrote.
    pub description: Option<String>,
    /// Whether it is completed.
    pub completed: Option<bool>,
    /// When it was made.
    #[serde(deserialize_with = "time::lenient")]
    pub create_time: Option<Timestamp>,
    /// When it last changed.
    #[serde(deserialize_with = "time::lenient")]
    pub modification_time: Option<Timestamp>,
    /// When it was completed.
    #[serde(deserialize_with = "time::lenient")]
    pub completion_time: Option<Timestamp>,
    /// When it should be done.
    #[serde(deserialize_with = "time::lenient")]
    pub due_time: Option<Timestamp>,
    /// Whose it is.
    #[serde(deserialize_with = "id")]
    pub assigned_to_user_id: Option<String>,
    /// The contact it is about.
    #[serde(deserialize_with = "id")]
    pub contact_id: Option<String>,
}

impl Task {
    /// Whether the relay has completed it and says so in its title, as a relay must know that forgot it.
    pub fn is_closed_by_relay(&self) -> bool {
        let title = self.title.as_deref().unwrap_or_default();
        self.completed == Some(true) && TaskClosing::stands_in(title)
    }
}

/// A note on a contact.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Note {
    /// Keap's id.
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// Its text.
    pub text: Option<String>,
    /// The contact it stands on.
    #[serde(deserialize_with = "id")]
    pub contact_id: Option<String>,
    /// When it was made.
    #[serde(deserialize_with = "time::lenient")]
    pub create_time: Option<Timestamp>,
}

/// A subscription.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Subscription {
    /// Keap's id.
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
    /// The contact who pays.
    #[serde(deserialize_with = "id")]
    pub contact_id: Option<String>,
    /// Of which product; the subscription itself has no name.
    #[serde(deserialize_with = "id")]
    pub product_id: Option<String>,
    /// Of which plan of the product.
    #[serde(deserialize_with = "id")]
    pub subscription_plan_id: Option<String>,
    /// Whether it is active.
    pub active: Option<bool>,
    /// Whether it charges by itself.
    pub auto_charge: Option<bool>,
    /// The card it charges.
    #[serde(deserialize_with = "id")]
    pub payment_method_id: Option<String>,
    /// The next bill date, a day of the tenant.
    #[serde(deserialize_with = "time::lenient_date")]
    pub next_bill_date: Option<Date>,
    /// The last bill date, a day of the tenant.
    #[serde(deserialize_with = "time::lenient_date")]
    pub last_bill_date: Option<Date>,
    /// Why it was stopped.
    pub reason_stopped: Option<String>,
}

/// A stored way to pay.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct PaymentMethod {
    /// Keap's id.
    #[serde(deserialize_with = "id")]
    pub payment_method_id: Option<String>,
    /// The contact whose card it is.
    #[serde(deserialize_with = "id")]
    pub contact_id: Option<String>,
    /// What staff recognize it by.
    pub card_info: Option<CardInfo>,
}

impl PaymentMethod {
    /// Brand and last four digits, as far as they are known.
    pub fn label(&self) -> String {
        let info = self.card_info.clone().unwrap_or_default();
        let brand = info.brand.filter(|brand| !brand.trim().is_empty());
        let brand = brand.unwrap_or_else(|| "card".to_owned());
        match info.last_four.filter(|four| !four.trim().is_empty()) {
            Some(four) => format!("{brand} ending in {four}"),
            None => brand,
        }
    }
}

/// What is shown of a card.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct CardInfo {
    /// `VISA` and so on.
    pub brand: Option<String>,
    /// The last four digits.
    pub last_four: Option<String>,
}

/// A product.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Product {
    /// Keap's id.
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
    /// Its name, which staff may change.
    pub name: Option<String>,
    /// Its plans.
    #[serde(deserialize_with = "list")]
    pub subscription_plans: Vec<SubscriptionPlan>,
}

/// A plan of a product.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct SubscriptionPlan {
    /// Keap's id.
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
}

/// An order.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Order {
    /// Keap's id.
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// `DRAFT`, `SENT`, `VIEWED` or `PAID`.
    pub status: Option<String>,
    /// The contact who ordered.
    pub contact: Option<Owner>,
}

impl Order {
    /// Whether money may still be owed: anything that Keap doesn't call paid.
    pub fn is_open(&self) -> bool {
        self.status.as_deref() != Some("PAID")
    }
}

/// The contact inside an order.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Owner {
    /// Keap's id.
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
}

/// A REST hook subscription (v1, camel case).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Hook {
    /// Keap's key.
    #[serde(deserialize_with = "id")]
    pub key: Option<String>,
    /// The event that it is for (`contact.edit`).
    pub event_key: Option<String>,
    /// Where to. Holds our secret: never shown.
    pub hook_url: Option<String>,
    /// `Unverified`, `Verified` or `Inactive`.
    pub status: Option<String>,
}
