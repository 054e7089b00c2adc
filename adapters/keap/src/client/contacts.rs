//! Contacts and users: reading them, finding them by address.

use relay_http_client::CallError;

use super::lists::ById;
use super::{KeapClient, Null, unfilterable};
use crate::VENDOR;
use crate::query::Query;
use crate::types::{Contact, User};

const FIELDS: &str = "id,given_name,family_name,email_addresses,phone_numbers,update_time";

/// The contacts among `ids` that exist, with these fields.
pub(super) async fn by_id(
    keap: &KeapClient,
    ids: &[&str],
    fields: &'static str,
    null: Null,
) -> Result<Vec<Contact>, CallError> {
    let contacts = ById {
        operation: "keap get contacts",
        list: "contacts",
        filter: "ids",
        fields: Some(fields),
        null,
    };
    let id_of = |contact: &Contact| contact.id.clone();
    contacts.read(keap, ids, id_of).await
}

impl KeapClient {
    /// A contact, without custom fields; `None` if it is gone: by Keap's own error *and* its list.
    pub async fn contact(&self, id: &str) -> Result<Option<Contact>, CallError> {
        const OPERATION: &str = "keap get contact";
        let query = Query::new().with("fields", FIELDS);
        self.read_if_listed(OPERATION, ("contacts", "ids"), id, &query)
            .await
    }

    /// Every contact that has exactly this address in one of its slots. Keap's own search is not
    /// trusted to be exact, nor to have been applied.
    pub async fn contacts_by_email(&self, email: &str) -> Result<Vec<Contact>, CallError> {
        const OPERATION: &str = "keap find contacts";
        let query = Query::new()
            .eq("email", email.trim())
            .map_err(unfilterable(OPERATION))?
            .with("fields", FIELDS)
            .with("page_size", "100");
        let found: Vec<Contact> = self
            .list(OPERATION, &["v2", "contacts"], &query, "contacts")
            .await?;
        Ok(found.into_iter().filter(|c| c.has_email(email)).collect())
    }

    /// The contacts among `ids` that exist, without custom fields, in Keap's order.
    pub async fn contacts_by_id(&self, ids: &[&str]) -> Result<Vec<Contact>, CallError> {
        by_id(self, ids, FIELDS, Null::IsEmpty).await
    }

    /// The active user with exactly this address; `None` if there is none or she is not active.
    /// Two active users with one address are an error: nobody may be guessed.
    pub async fn user_by_email(&self, email: &str) -> Result<Option<User>, CallError> {
        const OPERATION: &str = "keap find user";
        let query = Query::new()
            .eq("email", email.trim())
            .map_err(unfilterable(OPERATION))?
            // The users' list alone refuses more than 100.
            .with("page_size", "100");
        let users: Vec<User> = self
            .list(OPERATION, &["v2", "users"], &query, "users")
            .await?;
        let mut matching = users
            .into_iter()
            .filter(|u| u.is_active() && u.has_email(email) && u.id.is_some());
        let user = matching.next();
        if matching.next().is_some() {
            return Err(CallError::permanent(
                VENDOR,
                OPERATION,
                "several active users have this address",
            ));
        }
        Ok(user)
    }
}
