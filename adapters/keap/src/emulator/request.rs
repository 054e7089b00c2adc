//! A request, taken apart once for every handler.

use http::{HeaderMap, Method};
use serde_json::Value;

use super::reply::{Reply, Version};

/// A request that the gateway let in.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) method: Method,
    pub(super) version: Version,
    /// The path behind `/crm/rest`, as sent.
    pub(super) path: String,
    /// The decoded segments behind the version.
    pub(super) segments: Vec<String>,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
    /// The body, if there is one and it is JSON.
    pub(super) body: Option<Value>,
}

impl Incoming {
    /// The first value of a query parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The comma-joined `fields`, if any are asked for.
    pub(super) fn fields(&self) -> Option<Vec<&str>> {
        Some(
            self.parameter("fields")?
                .split(',')
                .map(str::trim)
                .collect(),
        )
    }

    /// The repeated `update_mask`. A comma-joined one is one unknown name.
    fn mask(&self) -> Vec<&str> {
        self.query
            .iter()
            .filter(|(key, _)| key == "update_mask")
            .map(|(_, value)| value.as_str())
            .collect()
    }

    /// A member of the body.
    pub(super) fn member(&self, name: &str) -> Option<&Value> {
        self.body.as_ref()?.get(name).filter(|v| !v.is_null())
    }

    /// A text member of the body.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.member(name)?.as_str()
    }

    /// A text member without which the request is refused.
    pub(super) fn required(&self, name: &str) -> Result<&str, Reply> {
        self.text(name)
            .filter(|text| !text.trim().is_empty())
            .ok_or_else(|| self.bad(&format!("{name} is required")))
    }

    /// Whether this patch writes the member: it is named in the mask, or there is no mask and
    /// the body has it.
    pub(super) fn patches(&self, name: &str) -> bool {
        let mask = self.mask();
        if mask.is_empty() {
            return self.body.as_ref().is_some_and(|b| b.get(name).is_some());
        }
        mask.contains(&name)
    }

    /// What a patch writes. A member that the mask names and the body lacks becomes null: nobody
    /// documents that, so a client must not rely on anything better.
    pub(super) fn changes(&self, allowed: &[&str]) -> Result<Vec<(String, Value)>, Reply> {
        let body = self
            .body
            .as_ref()
            .and_then(Value::as_object)
            .ok_or_else(|| self.bad("Input could not be converted to a valid request"))?;
        if let Some(unknown) = self.mask().iter().find(|name| !allowed.contains(name)) {
            return Err(self.bad(&format!("Invalid update_mask: {unknown}")));
        }
        Ok(allowed
            .iter()
            .filter(|name| self.patches(name))
            .map(|name| {
                let value = body.get(*name).cloned().unwrap_or(Value::Null);
                ((*name).to_owned(), value)
            })
            .collect())
    }

    /// 400 in the shape of the path's version.
    pub(super) fn bad(&self, message: &str) -> Reply {
        Reply::error(self.version, 400, message)
    }

    /// 404 in the shape of the path's version.
    pub(super) fn not_found(&self, what: &str) -> Reply {
        Reply::error(self.version, 404, &format!("Unable to find this {what}"))
    }
}

/// An object with only the members asked for; all of them if none are.
pub(super) fn only(mut row: super::state::Row, fields: Option<&[&str]>) -> Value {
    if let Some(fields) = fields {
        row.retain(|name, _| fields.contains(&name.as_str()));
    }
    Value::Object(row)
}
