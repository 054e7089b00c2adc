//! Calls from us to the portal.
//!
//! **Rules.** One call of a mutating method is one request: nothing here repeats anything. A read
//! may take several requests, one per page; the first failure fails the read, because a list that
//! ends early would look like "nothing there". Each request has 30 seconds.
//!
//! **Classes.** As in [`relay_http_client::classify`]; besides: 409 to a write is *unclear*: our
//! `Idempotency-Key` was used with another body, so an earlier request of ours was carried out, or
//! the state is in the way; a 2xx
//! whose body can't be read is *unclear* for a write (it was carried out) and retryable for a
//! read (a maintenance page); a readable answer that breaks the contract is permanent.
//!
//! **Not guaranteed.** That the portal honors `Idempotency-Key`: it goes with every write, and
//! nothing relies on it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use relay_core::ids::{ClientId, CoachId, MessageId};
use relay_core::time::{Clock, Date, Timestamp};
use relay_http_client::{Answer, Call, CallError, Transport, below};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use url::Url;

use crate::error::{refused, unreadable};
use crate::types::{CheckIn, CheckInState, Client, Coach, Message, Note, OpenCheckIns, Unreadable};
use crate::{Capabilities, VENDOR, wire};

/// The limit for one exchange, real time.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// The most pages that one list may have: beyond it, something is wrong with the cursor.
pub const MAX_PAGES: usize = 500;

/// The portal, as we call it.
#[derive(Clone)]
pub struct PortalClient {
    transport: Arc<dyn Transport>,
    base: Url,
    bearer: SecretString,
    clock: Arc<dyn Clock>,
    capabilities: Capabilities,
}

impl fmt::Debug for PortalClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PortalClient")
            .field("host", &self.base.host_str())
            .field("capabilities", &self.capabilities)
            .finish_non_exhaustive()
    }
}

impl PortalClient {
    /// A client of the portal at `base` (with or without a path) that authorises itself with the
    /// token `bearer`. `clock` is procedure time; it is needed for `Retry-After` given as a date.
    pub fn new(
        transport: Arc<dyn Transport>,
        base: Url,
        bearer: SecretString,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            transport,
            base,
            bearer,
            clock,
            capabilities: Capabilities::default(),
        }
    }

    /// The same client for a portal that offers only this.
    #[must_use]
    pub fn with_capabilities(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// What the portal offers.
    pub fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    /// The client with this id; `None` if the portal knows none.
    pub async fn client(&self, id: &ClientId) -> Result<Option<Client>, CallError> {
        const OPERATION: &str = "portal get client";
        let url = self.url(OPERATION, &["clients", id.as_str()])?;
        let answer = match self.get(OPERATION, url).await {
            Err(error) if error.is_not_found() => return Ok(None),
            other => other?,
        };
        let client = Client::read(&answer).map_err(|why| broken(OPERATION, why))?;
        if client.id != *id {
            return Err(CallError::permanent(
                VENDOR,
                OPERATION,
                "the answer is about another client",
            ));
        }
        Ok(Some(client))
    }

    /// Every client with exactly this address, letter case aside.
    pub async fn clients_by_email(&self, email: &str) -> Result<Vec<Client>, CallError> {
        const OPERATION: &str = "portal find clients";
        let mut url = self.url(OPERATION, &["clients"])?;
        url.query_pairs_mut().append_pair("email", email);
        let mut clients = read_all(OPERATION, &self.list(OPERATION, url).await?, Client::read)?;
        clients.retain(|client| {
            let told = client.email.as_deref().unwrap_or_default();
            told.eq_ignore_ascii_case(email.trim())
        });
        Ok(clients)
    }

    /// A client's check-ins due on or after `since`, in whatever state. One without a readable
    /// state or due date fails the read. A portal that ignores `since` tells earlier ones, too:
    /// which day an instant falls on is for the caller to say, who knows the clinic's zone.
    pub async fn check_ins(&self, id: &ClientId, since: Date) -> Result<Vec<CheckIn>, CallError> {
        const OPERATION: &str = "portal list check-ins";
        let mut url = self.url(OPERATION, &["clients", id.as_str(), "check-ins"])?;
        url.query_pairs_mut()
            .append_pair("since", &since.to_string());
        let check_ins = read_all(OPERATION, &self.list(OPERATION, url).await?, CheckIn::read)?;
        for check_in in &check_ins {
            if matches!(check_in.state, CheckInState::Unknown(_)) {
                let why = Unreadable("a check-in in an unknown state");
                return Err(broken(OPERATION, why));
            }
        }
        Ok(check_ins)
    }

    /// Every client's open check-ins due before `due_before`. One that can't be read stops only
    /// itself, and is told among those that were left out.
    pub async fn open_check_ins(&self, due_before: Date) -> Result<OpenCheckIns, CallError> {
        const OPERATION: &str = "portal list open check-ins";
        let mut url = self.url(OPERATION, &["check-ins"])?;
        url.query_pairs_mut()
            .append_pair("status", "open")
            .append_pair("due_before", &due_before.to_string());
        let mut told = OpenCheckIns::default();
        for value in self.list(OPERATION, url).await? {
            let why = match CheckIn::read(&value) {
                Ok(check_in) if check_in.client.is_none() => "without `client_id`".to_owned(),
                Ok(check_in) => match &check_in.state {
                    CheckInState::Open => {
                        told.open.push(check_in);
                        continue;
                    }
                    CheckInState::Unknown(Some(word)) => format!("in the unknown state {word:?}"),
                    CheckInState::Unknown(None) => "without `status`".to_owned(),
                    // Not asked for: a portal that ignores the filter.
                    CheckInState::Submitted(_) | CheckInState::Withdrawn => continue,
                },
                Err(why) => why.to_string(),
            };
            told.left_out.insert(why);
        }
        Ok(told)
    }

    /// Messages of both directions sent at or after `since`, oldest first.
    pub async fn messages(
        &self,
        id: &ClientId,
        since: Timestamp,
    ) -> Result<Vec<Message>, CallError> {
        const OPERATION: &str = "portal list messages";
        offered(OPERATION, self.capabilities.messages)?;
        let mut url = self.url(OPERATION, &["clients", id.as_str(), "messages"])?;
        url.query_pairs_mut()
            .append_pair("since", &since.to_string());
        let mut messages = read_all(OPERATION, &self.list(OPERATION, url).await?, Message::read)?;
        messages.retain(|message| message.sent_at >= since);
        messages.sort_by_key(|message| message.sent_at);
        Ok(messages)
    }

    /// Sends a message to the client as `author`. One request.
    pub async fn send_message(
        &self,
        key: &str,
        client: &ClientId,
        author: &CoachId,
        text: &str,
    ) -> Result<MessageId, CallError> {
        const OPERATION: &str = "portal send message";
        offered(OPERATION, self.capabilities.messages)?;
        let url = self.url(OPERATION, &["clients", client.as_str(), "messages"])?;
        let body = json!({"author": author, "text": text});
        self.post(OPERATION, url, key, &body)
            .await
            .map(MessageId::from)
    }

    /// Notes written at or after `since`, oldest first.
    pub async fn notes(&self, id: &ClientId, since: Timestamp) -> Result<Vec<Note>, CallError> {
        const OPERATION: &str = "portal list notes";
        offered(OPERATION, self.capabilities.notes)?;
        let mut url = self.url(OPERATION, &["clients", id.as_str(), "notes"])?;
        url.query_pairs_mut()
            .append_pair("since", &since.to_string());
        let mut notes = read_all(OPERATION, &self.list(OPERATION, url).await?, Note::read)?;
        notes.retain(|note| note.written_at >= since);
        notes.sort_by_key(|note| note.written_at);
        Ok(notes)
    }

    /// Writes a quiet note as `author`, or as our own. One request. Returns the portal's id.
    pub async fn add_note(
        &self,
        key: &str,
        client: &ClientId,
        author: Option<&CoachId>,
        text: &str,
    ) -> Result<String, CallError> {
        const OPERATION: &str = "portal add note";
        offered(OPERATION, self.capabilities.notes)?;
        let url = self.url(OPERATION, &["clients", client.as_str(), "notes"])?;
        let body = match author {
            Some(author) => json!({"author": author, "text": text}),
            None => json!({"text": text}),
        };
        self.post(OPERATION, url, key, &body).await
    }

    /// The clinic's coaches.
    pub async fn coaches(&self) -> Result<Vec<Coach>, CallError> {
        const OPERATION: &str = "portal list coaches";
        let url = self.url(OPERATION, &["coaches"])?;
        read_all(OPERATION, &self.list(OPERATION, url).await?, Coach::read)
    }

    /// The address of a path below the base. Each segment is escaped whole.
    fn url(&self, operation: &'static str, path: &[&str]) -> Result<Url, CallError> {
        // A segment that an address would lose addresses another thing.
        below(&self.base, path)
            .ok_or_else(|| CallError::permanent(VENDOR, operation, "an id that can't be one"))
    }

    /// Every entry of a list, page after page.
    async fn list(&self, operation: &'static str, url: Url) -> Result<Vec<Value>, CallError> {
        let mut entries = Vec::new();
        let mut cursor: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let mut page = url.clone();
            if let Some(cursor) = &cursor {
                page.query_pairs_mut().append_pair("cursor", cursor);
            }
            let mut answer = self.get(operation, page).await?;
            match answer.get_mut("data").map(Value::take) {
                Some(Value::Array(data)) => entries.extend(data),
                _ => return Err(broken(operation, Unreadable("a list without `data`"))),
            }
            let next = next_cursor(&answer).map_err(|why| broken(operation, why))?;
            if next.is_none() {
                return Ok(entries);
            }
            if next == cursor {
                let why = Unreadable("a cursor that leads to itself");
                return Err(broken(operation, why));
            }
            cursor = next;
        }
        Err(broken(operation, Unreadable("a list without end")))
    }

    async fn get(&self, operation: &'static str, url: Url) -> Result<Value, CallError> {
        let headers = self.headers(operation)?;
        let answer = self
            .send(operation, Method::GET, url, headers, Bytes::new())
            .await?;
        serde_json::from_slice(&answer.body)
            .map_err(|_| unreadable(operation, answer.status, false, "the answer is not JSON"))
    }

    /// One mutating request. Returns the id of what it made.
    async fn post(
        &self,
        operation: &'static str,
        url: Url,
        key: &str,
        body: &Value,
    ) -> Result<String, CallError> {
        let mut headers = self.headers(operation)?;
        let key = HeaderValue::from_str(key).map_err(|_| {
            CallError::permanent(VENDOR, operation, "a key that a header can't carry")
        })?;
        headers.insert("idempotency-key", key);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let body = Bytes::from(body.to_string());
        let answer = self
            .send(operation, Method::POST, url, headers, body)
            .await?;
        let made: Option<Value> = serde_json::from_slice(&answer.body).ok();
        made.and_then(|made| wire::id(made.get("id")))
            .ok_or_else(|| {
                let what = "accepted, but the answer has no `id`";
                unreadable(operation, answer.status, true, what)
            })
    }

    async fn send(
        &self,
        operation: &'static str,
        method: Method,
        url: Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, CallError> {
        let mutating = method != Method::GET;
        let call = Call {
            method,
            url,
            headers,
            body,
            timeout: TIMEOUT,
        };
        let answer = self
            .transport
            .send(call)
            .await
            .map_err(|error| CallError::transport(VENDOR, operation, &error, mutating))?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        Err(refused(operation, &answer, mutating, self.clock.now()))
    }

    fn headers(&self, operation: &'static str) -> Result<HeaderMap, CallError> {
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", self.bearer.expose_secret()))
            .map_err(|_| {
                CallError::permanent(VENDOR, operation, "a token that a header can't carry")
            })?;
        bearer.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, bearer);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        Ok(headers)
    }
}

fn read_all<T>(
    operation: &'static str,
    values: &[Value],
    read: impl Fn(&Value) -> Result<T, Unreadable>,
) -> Result<Vec<T>, CallError> {
    values
        .iter()
        .map(|value| read(value).map_err(|why| broken(operation, why)))
        .collect()
}

/// Where the next page begins; `None` only when the portal clearly says that there is none.
fn next_cursor(answer: &Value) -> Result<Option<String>, Unreadable> {
    match answer.get("next_cursor") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(cursor)) if cursor.is_empty() => Ok(None),
        Some(Value::String(cursor)) => Ok(Some(cursor.clone())),
        Some(Value::Number(cursor)) => Ok(Some(cursor.to_string())),
        Some(_) => Err(Unreadable("a cursor of an unknown shape")),
    }
}

fn offered(operation: &'static str, offered: bool) -> Result<(), CallError> {
    if offered {
        return Ok(());
    }
    let message = "the portal doesn't offer this: the capability is off";
    Err(CallError::permanent(VENDOR, operation, message))
}

fn broken(operation: &'static str, why: Unreadable) -> CallError {
    CallError::unusable_answer(
        VENDOR,
        operation,
        format!("the answer breaks the contract: {why}"),
    )
}
