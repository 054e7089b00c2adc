//! The client: one method per operation, one attempt per request.
//!
//! Reads may take several requests (pages, joins) and are free to be repeated. A method that
//! changes something makes one mutating request; where it first reads to see whether anything is
//! to be done, it says so. The one exception is the repair of a custom-field write that lost other
//! fields ([`KeapClient::write_custom_field`]).
//!
//! A request is let in by what [`Credential`] gives at that moment, and is made a second time only
//! after a refusal of it.
//!
//! *Not there* is Keap's own error and a list without the object, never a page or a bare status
//! ([`crate::error`]); for whom that decides something, once is not enough, and the second look is
//! the caller's.
//!
//! Every request is logged at debug with operation, status and Keap's `x-request-id`, and nothing
//! else.

mod billing;
mod changes;
mod contacts;
mod date_field;
mod engagement;
mod fields;
mod hooks;
mod inspect;
mod lists;
mod mail;
mod staff;
mod tagged;
mod tags;
mod work;
mod write_field;

use std::fmt;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use relay_core::retry::Class;
use relay_core::time::{Clock, SignedDuration, Timestamp};
use relay_http_client::{Answer, Call, CallError, Transport, below};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use thiserror::Error;
use tracing::debug;
use url::Url;

use crate::VENDOR;

pub use billing::Removed;
pub use changes::Touched;
pub use date_field::DateField;
pub use engagement::{AddressActivity, Moved};
pub use fields::{ContactTypeField, ResolvedField};
pub use inspect::Right;
pub use mail::AddressStatus;
pub use staff::StaffReads;
pub use tagged::CheckInReads;
pub use tags::{is_named, tags_named};
pub use work::TasksAmong;
pub use write_field::{ContactType, CustomFieldsMode, FieldWrite};

use crate::credential::{Credential, FixedKey};
use crate::error::{is_gateways, refusal};
use crate::query::{Query, Unfilterable};

/// The limit for a single object, real time.
const SINGLE: Duration = Duration::from_secs(30);
/// The limit for a list, real time: lists have been seen to be slow on large tenants.
const LIST: Duration = Duration::from_mins(1);
/// How long a change may wait for a credential, procedure time.
const WAITED: SignedDuration = SignedDuration::from_secs(5);
/// Pages read before a list is given up as too long to be whole.
const MAX_PAGES: usize = 50;
/// The address of the live service, without a version.
const LIVE: &str = "https://api.keap.com/crm";

/// How the key is presented. Both are documented, and both are used by working code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HeaderStyle {
    /// `Authorization: Bearer KEY`.
    #[default]
    Bearer,
    /// `X-Keap-API-Key: KEY`.
    ApiKey,
}

/// What a client needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where Keap is, without version: `https://api.keap.com/crm`.
    pub base: Url,
    /// What requests are let in by.
    pub credential: Arc<dyn Credential>,
    /// How it is presented.
    pub header: HeaderStyle,
    /// How a custom field is written.
    pub custom_fields: CustomFieldsMode,
    /// Which field holds the contact type.
    pub contact_type: ContactTypeField,
}

impl Settings {
    /// The live service with a service-account key (or a personal access token), and the defaults of the clinic's
    /// documents.
    pub fn live(key: SecretString) -> Result<Self, SettingsError> {
        Ok(Self {
            base: Url::parse(LIVE).map_err(|_| SettingsError::Base)?,
            credential: Arc::new(FixedKey::new(key)?),
            header: HeaderStyle::default(),
            custom_fields: CustomFieldsMode::default(),
            contact_type: ContactTypeField::default(),
        })
    }
}

/// Why a client can't be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// The address can't be used.
    #[error("the base address must be http(s) with a host, without user, query and fragment")]
    Base,
    /// The key can't be sent.
    #[error("the key is empty or holds characters that no header may hold")]
    Key,
}

/// Keap, as one tenant's key sees it.
pub struct KeapClient {
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    base: Url,
    credential: Arc<dyn Credential>,
    header: HeaderStyle,
    custom_fields: CustomFieldsMode,
    contact_type: ContactTypeField,
    /// The contact type field once it has been found; forgotten when Keap refuses a write.
    resolved: RwLock<Option<ResolvedField>>,
}

impl fmt::Debug for KeapClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeapClient")
            .field("host", &self.base.host_str())
            .field("custom_fields", &self.custom_fields)
            .finish_non_exhaustive()
    }
}

/// What null in place of a list is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Null {
    /// A list of nothing.
    IsEmpty,
    /// No answer: something would be believed to be gone because of it.
    ProvesNothing,
}

impl KeapClient {
    /// A client that calls through `transport`.
    pub fn new(
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Result<Self, SettingsError> {
        let Settings {
            base,
            credential,
            header,
            custom_fields,
            contact_type,
        } = settings;
        let usable = matches!(base.scheme(), "http" | "https")
            && base.has_host()
            && base.username().is_empty()
            && base.password().is_none()
            && base.query().is_none()
            && base.fragment().is_none();
        if !usable {
            return Err(SettingsError::Base);
        }
        Ok(Self {
            transport,
            clock,
            base,
            credential,
            header,
            custom_fields,
            contact_type,
            resolved: RwLock::new(None),
        })
    }

    /// The cheapest call that needs a valid key. Returns the tenant's name if Keap tells it.
    pub async fn who_am_i(&self) -> Result<Option<String>, CallError> {
        const OPERATION: &str = "keap who am I";
        let path = ["v2", "oauth", "connect", "userinfo"];
        let info: Value = self.read(OPERATION, &path, &Query::new()).await?;
        Ok(info.get("tenant_id").and_then(crate::types::id_of))
    }

    /// Reads one object.
    async fn read<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        path: &[&str],
        query: &Query,
    ) -> Result<T, CallError> {
        let call = self.call(operation, Method::GET, path, query, None, SINGLE)?;
        let answer = self.exchange(operation, call, false).await?;
        decode(operation, &answer.body)
    }

    /// Reads one object; `None` if Keap says in its own words that there is none
    /// ([`CallError::is_not_found`]).
    async fn read_if_there<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        path: &[&str],
        query: &Query,
    ) -> Result<Option<T>, CallError> {
        match self.read(operation, path, query).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a mutating request. Any 2xx is success.
    async fn write(
        &self,
        operation: &'static str,
        method: Method,
        path: &[&str],
        query: &Query,
        body: Option<&Value>,
    ) -> Result<Answer, CallError> {
        let call = self.call(operation, method, path, query, body, SINGLE)?;
        self.exchange(operation, call, true).await
    }

    fn call(
        &self,
        operation: &'static str,
        method: Method,
        path: &[&str],
        query: &Query,
        body: Option<&Value>,
        timeout: Duration,
    ) -> Result<Call, CallError> {
        let path = [&["rest"], path].concat();
        let mut url = below(&self.base, &path).ok_or_else(|| {
            CallError::permanent(
                VENDOR,
                operation,
                "no address can hold this id or address as it is",
            )
        })?;
        query.apply(&mut url);
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let body = match body {
            Some(value) => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                Bytes::from(value.to_string())
            }
            None => Bytes::new(),
        };
        Ok(Call {
            method,
            url,
            headers,
            body,
            timeout,
        })
    }

    /// One exchange: shows the credential, sends, and turns everything but a 2xx into its error.
    /// After a refusal of the credential it is made once more, if there is another one to show.
    async fn exchange(
        &self,
        operation: &'static str,
        call: Call,
        mutating: bool,
    ) -> Result<Answer, CallError> {
        let began = self.clock.now();
        let shown = self.credential.current().await?;
        self.still_fresh(operation, began, mutating)?;
        let answer = self.send(operation, call.clone(), &shown, mutating).await?;
        let answer = if answer.status == StatusCode::UNAUTHORIZED {
            let began = self.clock.now();
            match self.credential.refused(&shown).await? {
                Some(other) if !mutating || is_gateways(&answer) => {
                    // The gateway has refused it before the work: nothing was done.
                    self.still_fresh(operation, began, mutating)?;
                    self.send(operation, call, &other, mutating).await?
                }
                _ => answer,
            }
        } else {
            answer
        };
        if answer.status.is_success() {
            return Ok(answer);
        }
        Err(refusal(operation, &answer, mutating, self.clock.now()))
    }

    /// Refuses to change anything on what was known before a long wait for a credential: whoever
    /// asked for the change must look again.
    fn still_fresh(
        &self,
        operation: &'static str,
        began: Timestamp,
        mutating: bool,
    ) -> Result<(), CallError> {
        let waited = self.clock.now().duration_since(began);
        if !mutating || waited.abs() <= WAITED {
            return Ok(());
        }
        Err(CallError {
            vendor: Some(VENDOR),
            class: Class::NotSent,
            operation,
            status: None,
            message: "the credential was renewed first; nothing was sent".to_owned(),
        })
    }

    /// One request, logged.
    async fn send(
        &self,
        operation: &'static str,
        mut call: Call,
        shown: &SecretString,
        mutating: bool,
    ) -> Result<Answer, CallError> {
        let (name, value) = presented(shown, self.header)
            .ok_or_else(|| unexpected(operation, "the credential can't stand in a header"))?;
        call.headers.insert(name, value);
        let answer = self.transport.send(call).await.map_err(|error| {
            let error = CallError::transport(VENDOR, operation, &error, mutating);
            debug!(
                operation,
                class = error.class.as_str(),
                "keap did not answer"
            );
            error
        })?;
        let request_id = answer
            .headers
            .get("x-request-id")
            .and_then(|id| id.to_str().ok());
        debug!(
            operation,
            status = answer.status.as_u16(),
            request_id,
            "keap answered"
        );
        Ok(answer)
    }
}

/// The header that shows a credential.
fn presented(shown: &SecretString, style: HeaderStyle) -> Option<(HeaderName, HeaderValue)> {
    let shown = shown.expose_secret();
    let (name, value) = match style {
        HeaderStyle::Bearer => (
            AUTHORIZATION,
            HeaderValue::try_from(format!("Bearer {shown}")),
        ),
        HeaderStyle::ApiKey => (
            HeaderName::from_static("x-keap-api-key"),
            HeaderValue::try_from(shown),
        ),
    };
    let mut value = value.ok()?;
    value.set_sensitive(true);
    Some((name, value))
}

/// Reads a body. A body that is not JSON at all comes from something between us and Keap and may
/// be gone next time; JSON of another shape will be the same next time.
fn decode<T: DeserializeOwned>(operation: &'static str, body: &[u8]) -> Result<T, CallError> {
    let value: Value = serde_json::from_slice(body).map_err(|_| CallError {
        vendor: Some(VENDOR),
        class: Class::Retryable { after: None },
        operation,
        status: Some(StatusCode::OK.as_u16()),
        message: "the answer is not JSON".to_owned(),
    })?;
    serde_json::from_value(value)
        .map_err(|_| unexpected(operation, "the answer is not of the expected shape"))
}

/// An answer that can't be used. What it holds is never quoted.
fn unexpected(operation: &'static str, message: &str) -> CallError {
    CallError::unusable_answer(VENDOR, operation, message)
}

/// An id as a path segment: only what Keap's ids are made of, so that no id can change the path.
fn segment<'a>(operation: &'static str, id: &'a str) -> Result<&'a str, CallError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if (1..=64).contains(&id.len()) && id.chars().all(plain) {
        return Ok(id);
    }
    Err(CallError::permanent(
        VENDOR,
        operation,
        "this is not an id of Keap's",
    ))
}

/// A value that the filter grammar can't carry, where there is no other way to ask.
fn unfilterable(operation: &'static str) -> impl Fn(Unfilterable) -> CallError {
    move |_| {
        CallError::permanent(
            VENDOR,
            operation,
            "the value can't be searched for: it holds ; , or *",
        )
    }
}

/// What a write that certainly happened is reported as when its answer doesn't tell what we need.
fn done_but_unread(operation: &'static str, answer: &Answer, message: &str) -> CallError {
    CallError {
        vendor: Some(VENDOR),
        class: Class::Unclear,
        operation,
        status: Some(answer.status.as_u16()),
        message: message.to_owned(),
    }
}
