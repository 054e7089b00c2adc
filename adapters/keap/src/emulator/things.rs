//! What people and the world bring into the tenant: the things to make.

use std::collections::BTreeMap;

use relay_core::time::{Date, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};

/// A staff user.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewUser {
    /// Its id; the next free one if `None`.
    pub id: Option<u64>,
    /// Her address.
    pub email: String,
    /// Her given name.
    pub given_name: String,
    /// Her family name.
    pub family_name: String,
    /// `ACTIVE` if `None`; any other word is shown as it is.
    pub status: Option<String>,
}

/// A contact.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewContact {
    /// Its id; the next free one if `None`.
    pub id: Option<u64>,
    /// Given name; null if `None`.
    pub given_name: Option<String>,
    /// Family name; null if `None`.
    pub family_name: Option<String>,
    /// First address; none if `None`.
    pub email: Option<String>,
    /// The status row of the address (`SINGLE_OPT_IN`, `HARD_BOUNCE`, …); no row if `None`.
    pub email_status: Option<String>,
    /// First phone number, as typed; none if `None`.
    pub phone: Option<String>,
    /// The user who owns the contact.
    pub owner: Option<u64>,
    /// Values of custom fields by label, field name or id.
    pub custom: Map<String, Value>,
}

/// A custom field of contacts. Its tab and group are made if they don't exist.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewField {
    /// Its id; one more than the highest if `None`.
    pub id: Option<u64>,
    /// The display name. Labels are not unique.
    pub label: String,
    /// The field name; the label without spaces if `None`.
    pub field_name: Option<String>,
    /// `TEXT` if `None`; `DROPDOWN`, `DATE`, …
    pub field_type: Option<String>,
    /// What a drop-down offers.
    pub options: Vec<String>,
    /// The tab's name; `Custom Fields` if `None`.
    pub tab: Option<String>,
    /// The header on the tab; `General` if `None`.
    pub group: Option<String>,
}

/// A product with one subscription plan.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewProduct {
    /// Its id; the next free one if `None`.
    pub id: Option<u64>,
    /// Its name.
    pub name: String,
    /// The id of its plan; no plan if `None`.
    pub plan: Option<u64>,
}

/// A stored card.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewPaymentMethod {
    /// Its id; the next free one if `None`.
    pub id: Option<u64>,
    /// Whose it is.
    pub contact: u64,
    /// The last four digits; `4242` if `None`.
    pub last_four: Option<String>,
}

/// A subscription: active and on auto-charge unless said otherwise.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewSubscription {
    /// Its id; the next free one if `None`.
    pub id: Option<u64>,
    /// Whose it is.
    pub contact: u64,
    /// What is paid for.
    pub product: Option<u64>,
    /// The plan.
    pub plan: Option<u64>,
    /// The card it charges.
    pub payment_method: Option<u64>,
    /// On if `None`.
    pub active: Option<bool>,
    /// On if `None`.
    pub auto_charge: Option<bool>,
    /// The next billing day, in the tenant's zone.
    pub next_bill_date: Option<Date>,
    /// The last billing day, in the tenant's zone.
    pub last_bill_date: Option<Date>,
}

/// An order.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewOrder {
    /// Its id; the next free one if `None`.
    pub id: Option<u64>,
    /// Whose it is.
    pub contact: u64,
    /// Its title.
    pub title: String,
    /// `SENT` if `None`; `PAID`, …
    pub status: Option<String>,
    /// The card that its payment plan charges by itself; no payment plan if `None`.
    pub plan_card: Option<u64>,
    /// What is due, in cents.
    pub total_due: i64,
}

/// An email in the history.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewEmailRecord {
    /// Its id; the next free one if `None`.
    pub id: Option<u64>,
    /// The contact it was sent to.
    pub contact: u64,
    /// Its subject.
    pub subject: String,
    /// When it was sent; now if `None`.
    pub sent_at: Option<Timestamp>,
    /// When it was opened; a time to come is shown when it has come.
    pub opened_at: Option<Timestamp>,
    /// When it was clicked; a time to come is shown when it has come.
    pub clicked_at: Option<Timestamp>,
    /// The sender's address; not told if `None`.
    pub from: Option<String>,
    /// `INFUSIONSOFT` if `None`; `GOOGLE`, `MICROSOFT`, or a word nobody knows.
    pub provider: Option<String>,
    /// The address it went to; the contact's first if `None`.
    pub address: Option<String>,
}

/// A contact on whom no tag can be put.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TagRefusal {
    /// The contact.
    pub contact: u64,
    /// What `applyTags` says of it, with 200: `NO_PERMISSION`, `FAILURE`, or a word nobody knows.
    /// `None` ends it.
    pub word: Option<String>,
}

/// A step that an automation reaches.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct NewPost {
    /// The contact that reaches it.
    pub contact: u64,
    /// The address as typed: `https`, port 443, or `http`, port 80.
    pub url: String,
    /// The pairs as typed; `~Contact.Id~` and `~Contact.Email~` are filled.
    pub pairs: BTreeMap<String, String>,
    /// A person tests the step: nothing is filled.
    pub test: bool,
}
