//! The portal, looked at: is the token accepted, are the calls there that we were promised.
//!
//! A missing call and an unknown client are both 404 (the one is a page, the other the portal's own
//! error, but a young portal may mix them up), so what is about a client is tried with one
//! who is certainly there: somebody with an open check-in. Where nobody has one, it is not tried,
//! and the finding says so.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use relay_clear_connection::{Capabilities, Coach, PortalClient};
use relay_core::ids::ClientId;
use relay_core::retry::Class;
use relay_core::time::{Date, SignedDuration, TimeZone, Timestamp};
use relay_http_client::CallError;
use url::Url;

use crate::doctor::heard::Heard;
use crate::doctor::procedure::no_such_coach;
use crate::doctor::{Area, Finding};
use crate::ports::Inspect;

/// Check-ins due within so many days are looked through for a client to try calls with.
const AHEAD: SignedDuration = SignedDuration::from_hours(24 * 30);

/// Looks at the portal.
#[derive(Debug)]
pub(super) struct PortalInspector {
    pub(super) client: PortalClient,
    pub(super) base: Url,
    pub(super) deputies: BTreeMap<String, String>,
    /// For whose clients the follow-up acts, where that is not everybody.
    pub(super) act_for: Vec<String>,
    pub(super) today: Date,
    pub(super) heard: Arc<Heard>,
}

#[async_trait]
impl Inspect for PortalInspector {
    async fn inspect(&self) -> Vec<Finding> {
        let mut findings = match self.client.coaches().await {
            Ok(coaches) => self.further(&coaches).await,
            Err(error) => vec![first_refusal(&error)],
        };
        findings.extend(self.heard.time_of(&self.base, "the portal"));
        findings
    }
}

/// What the first call met: it decides whether anything else can be asked.
fn first_refusal(error: &CallError) -> Finding {
    match error.class {
        _ if error.may_be_wrong_address() => Finding::fault(
            Area::Portal,
            "clear_connection.base_url",
            format!(
                "clear_connection.base_url: what answers there is not the portal's interface: {error}"
            ),
            "ask the portal's team for the address of its interface, and see that GET /coaches is there",
        ),
        Class::Unauthorised => Finding::fault(
            Area::Portal,
            "clear_connection.token",
            "clear_connection.token is refused by the portal (401)",
            "ask the portal's team for a token, and write it to the file of clear_connection.token_file",
        ),
        Class::Permanent => Finding::fault(
            Area::Portal,
            "clear_connection.base_url",
            format!("clear_connection.base_url: the portal does not tell its coaches: {error}"),
            "see that the address is that of the portal's interface, and that GET /coaches is there",
        ),
        _ => unreachable(error),
    }
}

fn unreachable(error: &CallError) -> Finding {
    Finding::warning(
        Area::Portal,
        "portal",
        format!("the portal could not be asked: {error}"),
        "try again; if it stays so, see clear_connection.base_url and the network",
    )
}

impl PortalInspector {
    async fn further(&self, coaches: &[Coach]) -> Vec<Finding> {
        let known = format!(
            "the token is accepted; the portal names {} coaches",
            coaches.len()
        );
        let mut findings = vec![Finding::ok(Area::Portal, "clear_connection.token", known)];
        if coaches.is_empty() {
            findings.push(Finding::warning(
                Area::Coaches,
                "coaches",
                "the portal names no coach, so nobody can be written in the name of",
                "ask the portal's team for GET /coaches",
            ));
        }
        findings.extend(self.strangers(coaches));
        let until = self.today.saturating_add(AHEAD);
        match self.client.open_check_ins(until).await {
            Ok(told) => match told.open.into_iter().find_map(|check_in| check_in.client) {
                Some(client) => findings.extend(self.about(&client).await),
                None => findings.push(nobody()),
            },
            Err(error) => findings.push(Self::missing("GET /check-ins", &error)),
        }
        findings
    }

    /// Deputies and those they stand in for, whom the portal doesn't know.
    fn strangers(&self, coaches: &[Coach]) -> Vec<Finding> {
        let unknown = |id: &&String| !coaches.iter().any(|coach| coach.id.as_str() == id.as_str());
        let ids: Vec<&str> = coaches.iter().map(|coach| coach.id.as_str()).collect();
        let named = self
            .deputies
            .iter()
            .flat_map(|(coach, deputy)| [coach, deputy]);
        named
            .filter(unknown)
            .map(|id| {
                Finding::warning(
                    Area::People,
                    &format!("people.deputies.{id}"),
                    format!("people.deputies names {id:?}, and the portal knows no such coach"),
                    "write the ids as the portal writes them (A25)",
                )
            })
            .chain(no_such_coach(&self.act_for, &ids))
            .collect()
    }

    /// The calls about a client who is there.
    async fn about(&self, client: &ClientId) -> Vec<Finding> {
        let declared = self.client.capabilities();
        let all = self
            .client
            .clone()
            .with_capabilities(Capabilities::default());
        let now = self.today.at(0, 0, 0, 0);
        let now = TimeZone::UTC.to_timestamp(now).unwrap_or(Timestamp::MAX);
        let mut findings = Vec::new();
        let known = all.client(client).await;
        if let Ok(Some(told)) = &known
            && told.minor.is_none()
            && told.guardian.is_none()
        {
            findings.push(minors_unknown());
        }
        for (call, answered) in [
            (
                "GET /clients/{id}",
                known.as_ref().map(|_| ()).map_err(Clone::clone),
            ),
            (
                "GET /clients/{id}/check-ins",
                all.check_ins(client, self.today).await.map(|_| ()),
            ),
        ] {
            findings.extend(answered.err().map(|error| Self::missing(call, &error)));
        }
        let messages = all.messages(client, now).await.map(|_| ());
        let notes = all.notes(client, now).await.map(|_| ());
        findings.extend(Self::capability("messages", declared.messages, messages));
        findings.extend(Self::capability("notes", declared.notes, notes));
        findings
    }

    /// What is declared against what is answered.
    fn capability(name: &str, declared: bool, answered: Result<(), CallError>) -> Option<Finding> {
        let key = format!("clear_connection.capabilities.{name}");
        match (declared, answered) {
            (true, Ok(())) => Some(Finding::ok(
                Area::Portal,
                &key,
                format!("{name} can be read"),
            )),
            (true, Err(error)) if is_absent(&error) => Some(Finding::fault(
                Area::Portal,
                &key,
                format!(
                    "{key} is true, and the portal has no such call (status {})",
                    status(&error)
                ),
                format!("ask the portal's team for it, or write {key} = false"),
            )),
            (true, Err(error)) => Some(Self::missing(
                &format!("GET /clients/{{id}}/{name}"),
                &error,
            )),
            (false, Ok(())) => Some(
                Finding::note(
                    Area::Portal,
                    &key,
                    format!("{key} is false, and the portal offers it"),
                )
                .with_remedy(format!("write {key} = true to use it")),
            ),
            (false, Err(_)) => None,
        }
    }

    /// A call that everything depends on, and that failed.
    fn missing(call: &str, error: &CallError) -> Finding {
        let answered = error.class == Class::Permanent || error.class == Class::Unauthorised;
        if !answered && !error.may_be_wrong_address() {
            return unreachable(error);
        }
        Finding::fault(
            Area::Portal,
            call,
            format!("the portal does not answer {call} as agreed: {error}"),
            "show the portal's team adapters/clear-connection/openapi.yaml",
        )
    }
}

fn nobody() -> Finding {
    let what =
        "nobody has an open check-in, so messages, notes and who is a minor were not looked at";
    Finding::note(Area::Portal, "portal", what)
}

/// A36: the member left out means an adult, and somebody must know that.
fn minors_unknown() -> Finding {
    Finding::note(
        Area::Portal,
        "minor",
        "of the client looked at, the portal does not tell whether she is a minor: whoever it tells nothing of is \
         taken for an adult (A36)",
    )
    .with_remedy(
        "ask the portal's team for minor and guardian of every client, as in \
         adapters/clear-connection/openapi.yaml",
    )
}

/// Whether the portal says that there is no such call: the client is there.
fn is_absent(error: &CallError) -> bool {
    matches!(error.status, Some(404 | 405 | 501))
}

fn status(error: &CallError) -> String {
    error
        .status
        .map_or_else(|| "none".to_owned(), |status| status.to_string())
}
