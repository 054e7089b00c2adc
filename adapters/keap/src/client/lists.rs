//! Lists, page by page, and what being left out of one means.

use http::{Method, StatusCode};
use relay_core::retry::Class;
use relay_http_client::CallError;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{KeapClient, LIST, MAX_PAGES, Null, decode, segment, unexpected, unfilterable};
use crate::VENDOR;
use crate::query::{Query, page_token};

/// Objects asked for in one request by id.
const BATCH: usize = 200;

/// How objects of a list are asked for by id, many at once.
#[derive(Debug)]
pub(super) struct ById {
    /// The operation that it is for.
    pub(super) operation: &'static str,
    /// The list's name, in the path and in the answer.
    pub(super) list: &'static str,
    /// The filter that takes ids.
    pub(super) filter: &'static str,
    /// The fields that are asked for; `None` for those that Keap shows unasked.
    pub(super) fields: Option<&'static str>,
    /// What null in place of the list is taken for.
    pub(super) null: Null,
}

impl ById {
    /// Those among `ids` that exist, in Keap's order; a thousand in a handful of requests. `id_of` tells an
    /// object's id: Keap is not trusted to have applied the filter.
    pub(super) async fn read<T: DeserializeOwned>(
        &self,
        keap: &KeapClient,
        ids: &[&str],
        id_of: impl Fn(&T) -> Option<String>,
    ) -> Result<Vec<T>, CallError> {
        let path = ["v2", self.list];
        let mut found = Vec::new();
        for batch in ids.chunks(BATCH) {
            for id in batch {
                segment(self.operation, id)?;
            }
            let mut query = Query::new()
                .any_of(self.filter, batch)
                .map_err(unfilterable(self.operation))?;
            if let Some(fields) = self.fields {
                query = query.with("fields", fields);
            }
            let query = query.with("page_size", "1000");
            let rows: Vec<T> = keap
                .pages(self.operation, &path, &query, self.list, self.null)
                .await?;
            let wanted = |row: &T| id_of(row).is_some_and(|id| batch.contains(&id.as_str()));
            found.extend(rows.into_iter().filter(wanted));
        }
        Ok(found)
    }
}

impl KeapClient {
    /// Reads one object of `list`, which can be filtered by ids as `filter`. `None` only if Keap says
    /// twice that there is none: in its own error, and by a list that was read whole and leaves it
    /// out. Where the list has it, Keap contradicts itself, and that is an error to come back from.
    pub(super) async fn read_if_listed<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        (list, filter): (&'static str, &str),
        id: &str,
        query: &Query,
    ) -> Result<Option<T>, CallError> {
        let path = ["v2", list, segment(operation, id)?];
        let found = self.read_if_there(operation, &path, query).await?;
        if found.is_some() {
            return Ok(found);
        }
        let by_id = Query::new()
            .any_of(filter, &[id])
            .map_err(unfilterable(operation))?
            .with("page_size", "100");
        let rows: Vec<Value> = self
            .whole_list(operation, &["v2", list], &by_id, list)
            .await?;
        let listed =
            |row: &Value| row.get("id").and_then(crate::types::id_of).as_deref() == Some(id);
        if rows.iter().any(listed) {
            return Err(CallError {
                vendor: Some(VENDOR),
                class: Class::Retryable { after: None },
                operation,
                status: Some(StatusCode::NOT_FOUND.as_u16()),
                message: "Keap says that it is not there, and lists it".to_owned(),
            });
        }
        Ok(None)
    }

    /// Reads a whole list, page by page. The list's name is `key`: Keap has no rule for it.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        path: &[&str],
        query: &Query,
        key: &str,
    ) -> Result<Vec<T>, CallError> {
        self.pages(operation, path, query, key, Null::IsEmpty).await
    }

    /// The same, where what is missing from the list is believed to be gone: null in place of the list
    /// is no proof, and an error to come back from.
    pub(super) async fn whole_list<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        path: &[&str],
        query: &Query,
        key: &str,
    ) -> Result<Vec<T>, CallError> {
        self.pages(operation, path, query, key, Null::ProvesNothing)
            .await
    }

    pub(super) async fn pages<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        path: &[&str],
        query: &Query,
        key: &str,
        null: Null,
    ) -> Result<Vec<T>, CallError> {
        let mut all = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let (items, next) = self
                .page(operation, path, query, token.as_deref(), (key, null))
                .await?;
            let was_empty = items.is_empty();
            all.extend(items);
            if was_empty || next.is_none() {
                return Ok(all);
            }
            token = next;
        }
        Err(unexpected(
            operation,
            "the list has more pages than we read",
        ))
    }

    /// Reads one page of a list, and the token of the next.
    pub(super) async fn page<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        path: &[&str],
        query: &Query,
        token: Option<&str>,
        (key, null): (&str, Null),
    ) -> Result<(Vec<T>, Option<String>), CallError> {
        let page = match token {
            Some(token) => query.clone().with("page_token", token),
            None => query.clone(),
        };
        let call = self.call(operation, Method::GET, path, &page, None, LIST)?;
        let answer = self.exchange(operation, call, false).await?;
        let mut envelope: Value = decode(operation, &answer.body)?;
        let items = match envelope.get_mut(key).map(Value::take) {
            Some(Value::Null) => match null {
                Null::IsEmpty => Vec::new(),
                Null::ProvesNothing => {
                    return Err(CallError {
                        vendor: Some(VENDOR),
                        class: Class::Retryable { after: None },
                        operation,
                        status: Some(answer.status.as_u16()),
                        message: "the answer shows null instead of the list".to_owned(),
                    });
                }
            },
            Some(items) => serde_json::from_value::<Vec<T>>(items)
                .map_err(|_| unexpected(operation, "the list holds what we can't read"))?,
            // An envelope we don't know must not pass for an empty list, least of all where it is
            // the proof that something is gone.
            None => return Err(unexpected(operation, "the answer has no such list")),
        };
        let next = page_token(envelope.get("next_page_token").and_then(Value::as_str));
        if next.is_some() && next.as_deref() == token && !items.is_empty() {
            return Err(unexpected(operation, "the same page was offered again"));
        }
        Ok((items, next))
    }
}
