//! Reads that only whoever looks after the connection makes: may the key read what the relay
//! needs, who is a user whatever her status, in which zone does the tenant live.

use relay_http_client::CallError;
use serde_json::Value;

use super::{KeapClient, segment, unfilterable};
use crate::query::Query;
use crate::types::{Product, User, id_of};

/// A thing that the relay reads, and that the rights of a restricted user may leave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// The contacts themselves.
    Contacts,
    /// The fields that contacts have.
    ContactModel,
    /// The history of mails.
    Emails,
    /// Tasks of staff about contacts.
    Tasks,
    /// Notes on a contact.
    Notes,
    /// The tags of the account.
    Tags,
    /// The users of the account: its staff.
    Users,
    /// What a contact pays for again and again.
    Subscriptions,
    /// A contact's cards.
    PaymentMethods,
    /// The products of the account: what subscriptions are of.
    Products,
    /// A contact's orders.
    Orders,
    /// Hook subscriptions.
    Hooks,
}

impl Right {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Contacts,
        Self::ContactModel,
        Self::Emails,
        Self::Tasks,
        Self::Notes,
        Self::Tags,
        Self::Users,
        Self::Subscriptions,
        Self::PaymentMethods,
        Self::Products,
        Self::Orders,
        Self::Hooks,
    ];

    /// What is read, in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Contacts => "contacts",
            Self::ContactModel => "custom fields",
            Self::Emails => "email history",
            Self::Tasks => "tasks",
            Self::Notes => "notes",
            Self::Tags => "tags",
            Self::Users => "users",
            Self::Subscriptions => "subscriptions",
            Self::PaymentMethods => "payment methods",
            Self::Products => "products",
            Self::Orders => "orders",
            Self::Hooks => "REST hooks",
        }
    }

    /// The path of a read of it; `None` where that needs a contact and there is none.
    fn path(self, contact: Option<&str>) -> Option<Vec<&str>> {
        Some(match self {
            Self::Contacts => vec!["v2", "contacts"],
            Self::ContactModel => vec!["v2", "contacts", "model"],
            Self::Emails => vec!["v2", "emails"],
            Self::Tasks => vec!["v2", "tasks"],
            Self::Notes => vec!["v2", "contacts", contact?, "notes"],
            Self::Tags => vec!["v2", "tags"],
            Self::Users => vec!["v2", "users"],
            Self::Subscriptions => vec!["v2", "subscriptions"],
            Self::PaymentMethods => vec!["v2", "contacts", contact?, "paymentMethods"],
            Self::Products => vec!["v2", "products"],
            Self::Orders => vec!["v2", "orders"],
            Self::Hooks => vec!["v1", "hooks"],
        })
    }

    /// Whether the list can be narrowed to one contact. It is, where there is one: unfiltered
    /// lists of mail are slow on large tenants.
    fn of_contact(self) -> bool {
        matches!(
            self,
            Self::Emails | Self::Tasks | Self::Subscriptions | Self::Orders
        )
    }
}

impl KeapClient {
    /// Reads one entry of what the right is for, and keeps nothing of it. `false` where that needs
    /// a contact and there is none.
    pub async fn try_right(&self, right: Right, contact: Option<&str>) -> Result<bool, CallError> {
        const OPERATION: &str = "keap try right";
        let contact = contact.map(|id| segment(OPERATION, id)).transpose()?;
        let Some(path) = right.path(contact) else {
            return Ok(false);
        };
        let query = match contact {
            Some(contact) if right.of_contact() => Query::new()
                .eq("contact_id", contact)
                .map_err(unfilterable(OPERATION))?,
            _ => Query::new(),
        };
        let query = match right {
            Right::ContactModel | Right::Hooks => query,
            _ => query.with("page_size", "1"),
        };
        let _: Value = self.read(OPERATION, &path, &query).await?;
        Ok(true)
    }

    /// The id of some contact, if there is one.
    pub async fn any_contact(&self) -> Result<Option<String>, CallError> {
        const OPERATION: &str = "keap find any contact";
        let query = Query::new().with("fields", "id").with("page_size", "1");
        let page: Value = self.read(OPERATION, &["v2", "contacts"], &query).await?;
        Ok(page.pointer("/contacts/0/id").and_then(id_of))
    }

    /// The tenant's time zone, as its business profile names it.
    pub async fn time_zone(&self) -> Result<Option<String>, CallError> {
        const OPERATION: &str = "keap get business profile";
        let path = ["v2", "businessProfile"];
        let profile: Value = self.read(OPERATION, &path, &Query::new()).await?;
        let zone = profile.get("time_zone").and_then(Value::as_str);
        Ok(zone.map(str::to_owned))
    }

    /// Every user with exactly this address, whatever her status.
    pub async fn users_by_email(&self, email: &str) -> Result<Vec<User>, CallError> {
        const OPERATION: &str = "keap find users";
        let query = Query::new()
            .eq("email", email.trim())
            .and_then(|query| query.eq("include_inactive", "true"))
            .map_err(unfilterable(OPERATION))?
            .with("page_size", "100");
        let users: Vec<User> = self
            .list(OPERATION, &["v2", "users"], &query, "users")
            .await?;
        Ok(users.into_iter().filter(|u| u.has_email(email)).collect())
    }

    /// Every product.
    pub async fn products(&self) -> Result<Vec<Product>, CallError> {
        const OPERATION: &str = "keap list products";
        let query = Query::new().with("page_size", "200");
        self.list(OPERATION, &["v2", "products"], &query, "products")
            .await
    }
}
