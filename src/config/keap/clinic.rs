//! What of Keap is the clinic's own: the field of the contact type, the products of the coaching fee.

use crate::config::reader::Reader;

/// Which custom field is the contact type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactTypeField {
    /// Its label.
    pub name: String,
    /// The tab it is on.
    pub tab: String,
    /// Its id, which settles it where the names don't.
    pub id: Option<String>,
}

/// What counts as the coaching fee.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coaching {
    /// Products whose subscriptions count.
    pub product_ids: Vec<String>,
    /// Plans whose subscriptions count.
    pub plan_ids: Vec<String>,
}

impl ContactTypeField {
    pub(super) fn read(mut reader: Reader<'_>) -> Self {
        let field = Self {
            name: reader
                .text("name")
                .unwrap_or_else(|| "Contact Type".to_owned()),
            tab: reader
                .text("tab")
                .unwrap_or_else(|| "Clear Connection".to_owned()),
            id: reader.id("id"),
        };
        reader.finish();
        field
    }
}

impl Coaching {
    pub(super) fn read(mut reader: Reader<'_>) -> Self {
        let coaching = Self {
            product_ids: reader.ids("product_ids"),
            plan_ids: reader.ids("plan_ids"),
        };
        reader.finish();
        coaching
    }
}
