//! Tags on contacts, by name. Names are unique in a tenant, whatever the case of their letters: Keap
//! makes no "Follow-up: email" where there is a "Follow-up: Email", so the two are one tag to us.
//!
//! Applying a tag can start an automation, and applying it again after a removal starts it again,
//! so a tag is only applied where it is absent.

use std::collections::HashMap;

use http::Method;
use relay_core::retry::Class;
use relay_http_client::CallError;
use serde::Deserialize;
use serde_json::json;

use super::{KeapClient, decode, segment};
use crate::VENDOR;
use crate::query::Query;
use crate::types::{AppliedTag, Tag};

impl KeapClient {
    /// The id of the tag with this name, if there is one.
    pub async fn tag_by_name(&self, name: &str) -> Result<Option<String>, CallError> {
        Ok(tags_named(self, name).await?.into_iter().next())
    }

    /// What Keap puts into `next_page_token`: for the live probe. `None` with fewer than two tags.
    pub async fn page_token_form(&self) -> Result<Option<&'static str>, CallError> {
        let query = Query::new().with("page_size", "1");
        let page: serde_json::Value = self.read("keap list tags", &["v2", "tags"], &query).await?;
        let token = page
            .get("next_page_token")
            .and_then(serde_json::Value::as_str);
        Ok(token.filter(|token| !token.is_empty()).map(|token| {
            if token.starts_with("http") {
                "an address"
            } else {
                "a token"
            }
        }))
    }

    /// Makes a tag.
    pub async fn create_tag(&self, name: &str) -> Result<(), CallError> {
        const OPERATION: &str = "keap create tag";
        let body = json!({"name": name});
        self.write(
            OPERATION,
            Method::POST,
            &["v2", "tags"],
            &Query::new(),
            Some(&body),
        )
        .await?;
        Ok(())
    }

    /// The tags of a contact; with `name`, those of that name where Keap's filter can carry it. See [`is_named`].
    pub async fn contact_tags(
        &self,
        contact: &str,
        name: Option<&str>,
    ) -> Result<Vec<AppliedTag>, CallError> {
        const OPERATION: &str = "keap list contact tags";
        let path = ["v2", "contacts", segment(OPERATION, contact)?, "tags"];
        let query = match name {
            Some(name) => by_name(name, "1000"),
            None => Query::new().with("page_size", "1000"),
        };
        self.list(OPERATION, &path, &query, "tags").await
    }

    /// Puts a tag on a contact. Keap answers 200 even when it did nothing; what counts is its word
    /// for this contact.
    pub async fn apply_tag(&self, contact: &str, tag: &str) -> Result<(), CallError> {
        const OPERATION: &str = "keap apply tag";
        let contact = segment(OPERATION, contact)?;
        let path = ["v2", "tags", segment(OPERATION, tag)?, "contacts:applyTags"];
        let body = json!({"contact_ids": [contact]});
        let answer = self
            .write(OPERATION, Method::POST, &path, &Query::new(), Some(&body))
            .await?;
        let results: Option<Applied> = decode(OPERATION, &answer.body).ok();
        let word = results
            .as_ref()
            .and_then(|r| r.results.get(contact))
            .map(String::as_str);
        let (class, message) = match word {
            Some("SUCCESS" | "DUPLICATE") => return Ok(()),
            Some(word @ ("CONTACT_NOT_FOUND" | "TAG_ID_NOT_FOUND" | "NO_PERMISSION")) => {
                (Class::Permanent, word)
            }
            Some("FAILURE") => (Class::Retryable { after: None }, "FAILURE"),
            // v2 documents no words: whether it was applied is settled by reading.
            _ => (Class::Unclear, "no known word for this contact"),
        };
        Err(CallError {
            vendor: Some(VENDOR),
            class,
            operation: OPERATION,
            status: Some(answer.status.as_u16()),
            message: message.to_owned(),
        })
    }

    /// Takes a tag off a contact. Keap says nothing about it.
    pub async fn remove_tag(&self, contact: &str, tag: &str) -> Result<(), CallError> {
        const OPERATION: &str = "keap remove tag";
        let path = [
            "v2",
            "tags",
            segment(OPERATION, tag)?,
            "contacts:removeTags",
        ];
        let body = json!({"contact_ids": [segment(OPERATION, contact)?]});
        self.write(OPERATION, Method::POST, &path, &Query::new(), Some(&body))
            .await?;
        Ok(())
    }
}

/// What `applyTags` answers: a word per contact.
#[derive(Debug, Deserialize)]
struct Applied {
    results: HashMap<String, String>,
}

/// Whether a tag has this name, as Keap compares names: the case of letters makes no difference.
pub fn is_named(tag: &Tag, name: &str) -> bool {
    let shown = tag.name.as_deref();
    shown.is_some_and(|shown| shown.eq_ignore_ascii_case(name))
}

/// The ids of all tags with this name. Keap makes no second one; where there are two all the same, either may be the
/// one that people use.
pub async fn tags_named(client: &KeapClient, name: &str) -> Result<Vec<String>, CallError> {
    const OPERATION: &str = "keap find tag";
    let tags: Vec<Tag> = client
        .list(OPERATION, &["v2", "tags"], &by_name(name, "1000"), "tags")
        .await?;
    let named = tags.into_iter().filter(|tag| is_named(tag, name));
    Ok(named.filter_map(|tag| tag.id).collect())
}

/// The filter for a name; left out where the grammar can't carry it, and the whole list is read.
fn by_name(name: &str, page_size: &str) -> Query {
    Query::new()
        .eq("name", name)
        .unwrap_or_default()
        .with("page_size", page_size)
}
