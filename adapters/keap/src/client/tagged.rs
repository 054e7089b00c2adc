//! Contacts with all that a check-in needs of them: who has a tag, whose they are, the dates in their custom
//! fields.
//!
//! That a tag is off decides something, so it is believed only of a list that was read whole: null in its place
//! and a member that is not told say nothing.

use relay_http_client::CallError;

use super::contacts::by_id;
use super::{KeapClient, Null, segment};
use crate::query::Query;
use crate::types::{AppliedTag, Contact, TaggedContact, User};

const FIELDS: &str = "id,given_name,family_name,email_addresses,phone_numbers,owner_id,time_zone,tag_ids,custom_fields";

/// What a check-in needs to be read of contacts.
#[derive(Debug, Clone, Copy)]
pub struct CheckInReads<'a>(pub &'a KeapClient);

impl CheckInReads<'_> {
    /// The ids of all contacts that have the tag with this id, each once.
    pub async fn contacts_with_tag(&self, tag: &str) -> Result<Vec<String>, CallError> {
        const OPERATION: &str = "keap list tagged contacts";
        let path = ["v2", "tags", segment(OPERATION, tag)?, "contacts"];
        let query = Query::new().with("page_size", "1000");
        let rows: Vec<TaggedContact> = self
            .0
            .whole_list(OPERATION, &path, &query, "contacts")
            .await?;
        let mut ids: Vec<String> = rows.into_iter().filter_map(|row| row.id).collect();
        // Whose tag is put on or taken off while pages are read may stand on two of them.
        ids.sort();
        ids.dedup();
        Ok(ids)
    }

    /// The ids of all tags that the contact has; `None` if Keap says in its own error that there is no such
    /// contact.
    pub async fn tags_of(&self, contact: &str) -> Result<Option<Vec<String>>, CallError> {
        const OPERATION: &str = "keap list contact tags";
        let path = ["v2", "contacts", segment(OPERATION, contact)?, "tags"];
        let query = Query::new().with("page_size", "1000");
        let tags: Result<Vec<AppliedTag>, _> =
            self.0.whole_list(OPERATION, &path, &query, "tags").await;
        match tags {
            Ok(tags) => Ok(Some(
                tags.into_iter()
                    .filter_map(|applied| applied.tag?.id)
                    .collect(),
            )),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A contact with owner, tags and custom fields; `None` if it is gone: by Keap's own error *and* its list.
    pub async fn whole_contact(&self, id: &str) -> Result<Option<Contact>, CallError> {
        const OPERATION: &str = "keap get contact";
        let query = Query::new().with("fields", FIELDS);
        self.0
            .read_if_listed(OPERATION, ("contacts", "ids"), id, &query)
            .await
    }

    /// The same of those among `ids` that exist.
    pub async fn whole_contacts(&self, ids: &[&str]) -> Result<Vec<Contact>, CallError> {
        by_id(self.0, ids, FIELDS, Null::ProvesNothing).await
    }

    /// Every user who is active.
    pub async fn active_users(&self) -> Result<Vec<User>, CallError> {
        const OPERATION: &str = "keap list users";
        let query = Query::new().with("page_size", "100");
        let users: Vec<User> = self
            .0
            .whole_list(OPERATION, &["v2", "users"], &query, "users")
            .await?;
        Ok(users.into_iter().filter(User::is_active).collect())
    }
}
