//! Tags, and who has them.

use relay_core::time::Timestamp;
use serde::Deserialize;

use super::id;
use crate::time;

/// A tag.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Tag {
    /// Keap's id.
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
    /// Its name, unique in the tenant.
    pub name: Option<String>,
}

/// A contact in the list of those with a tag.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct TaggedContact {
    /// Keap's id.
    #[serde(deserialize_with = "id")]
    pub id: Option<String>,
}

/// A tag on a contact.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct AppliedTag {
    /// The tag; `None` where Keap leaves it out.
    pub tag: Option<Tag>,
    /// When it was put on.
    #[serde(deserialize_with = "time::lenient")]
    pub applied_time: Option<Timestamp>,
}
