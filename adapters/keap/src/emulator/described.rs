//! Keap's own description, which every exchange with the emulator is held against.
//!
//! Where the description knows a path and the emulator doesn't, the answer is 501: a test must not
//! take our gap for the vendor's. Where it forbids a request, the emulator refuses it as a form
//! that can't be read, before anything is looked up. What differs is noted down, each thing once,
//! for whoever made the tenant to ask ([`Keap::mismatches`]).

use std::sync::LazyLock;

use relay_http_client::emulation::described::{Description, Operation, OperationMatch, Side};

use super::drift::{NEW, NEWS};
use super::reply::{Payload, Reply, Version};
use super::request::Incoming;
use super::tenant::Keap;

const DESCRIBED: &str = include_str!("../../../../fixtures/keap/described.json");
const OBSERVED: &str = include_str!("../../../../fixtures/keap/observed.json");

static DESCRIPTION: LazyLock<Result<Description, String>> = LazyLock::new(|| {
    Description::read(DESCRIBED, OBSERVED).map(|read| read.with_tags(&[NEW, NEWS]))
});

/// Keap's description; an error is what is wrong with the data.
pub fn description() -> Result<&'static Description, &'static str> {
    DESCRIPTION.as_ref().map_err(String::as_str)
}

/// What Keap's description knows of a request; nothing, where the data can't be read.
pub(super) fn find(request: &Incoming) -> OperationMatch<'static> {
    let Ok(description) = description() else {
        return OperationMatch::Nothing;
    };
    let path = format!("/rest{}", request.path);
    description.find(request.method.as_str(), &path)
}

/// The refusal of a request that the description forbids. Every difference is noted down.
pub(super) fn refusal(keap: &Keap, operation: &Operation, request: &Incoming) -> Option<Reply> {
    let description = description().ok()?;
    let found = description.request(operation, &request.query, request.body.as_ref());
    let refused = found.iter().any(|mismatch| mismatch.fault.is_refused());
    keap.kit.note("keap", Side::Request, found);
    let missing = |name: &&String| !request.headers.contains_key(name.as_str());
    let headless = operation.headers.iter().find(missing);
    (refused || headless.is_some())
        .then(|| request.bad("Input could not be converted to a valid request"))
}

/// Holds an answer against the description, before anything ordered is done to it.
pub(super) fn check(keap: &Keap, operation: &Operation, version: Version, reply: &Reply) {
    let Ok(description) = description() else {
        return;
    };
    let body = match &reply.payload {
        Payload::Json(body) => Some(body),
        Payload::Empty => None,
        // A page is nobody's answer.
        Payload::Html(_) => return,
    };
    let error = match version {
        Version::V1 => "V1_Error",
        Version::V2 => "Error",
    };
    let found = description.answer(operation, reply.status, body, error);
    keap.kit.note("keap", Side::Answer, found);
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method};

    use super::*;
    use crate::emulator::routes;

    /// A request with this path and ids in place of its parameters.
    fn incoming(operation: &Operation) -> Incoming {
        let path = operation
            .path
            .strip_prefix("/rest")
            .expect("a path of the interface");
        let mut filled = String::new();
        for (index, part) in path.split(['{', '}']).enumerate() {
            filled.push_str(if index % 2 == 0 { part } else { "7" });
        }
        let (version, rest) = match filled.strip_prefix("/v1/") {
            Some(rest) => (Version::V1, rest),
            None => (Version::V2, filled.strip_prefix("/v2/").expect("a version")),
        };
        Incoming {
            method: operation.method.parse().expect("a method"),
            version,
            segments: rest.split('/').map(str::to_owned).collect(),
            path: filled,
            query: Vec::new(),
            headers: HeaderMap::new(),
            body: None,
        }
    }

    #[test]
    fn every_described_operation_is_emulated_and_every_emulated_one_is_described() {
        let description = description().expect("the data can be read");
        let mut emulated = std::collections::BTreeSet::new();
        for operation in description.operations() {
            let request = incoming(operation);
            assert_eq!(
                find(&request),
                OperationMatch::Operation(operation),
                "{}",
                operation.name()
            );
            let route = routes::find(&request);
            let route = route.unwrap_or_else(|| panic!("{} has no route", operation.name()));
            emulated.insert(route.operation);
        }
        // The names of a `PATCH` by what it does, which an empty one doesn't show.
        emulated.extend([
            "auto_charge_off",
            "call_task",
            "close_task",
            "contact_type",
            "reassign_task",
        ]);
        let source = include_str!("routes.rs");
        let table = source.split("fn v1_contact").nth(1).expect("the table");
        for name in table.split('"').skip(1).step_by(2) {
            let is_name = name.contains('_')
                && name
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c == '_' || c == '1');
            assert!(
                !is_name
                    || emulated.contains(name)
                    || name == "event_keys"
                    || name == "custom_fields",
                "{name}"
            );
        }
    }

    #[test]
    fn what_keap_has_and_nothing_of_ours_uses_is_known() {
        let at = |method: Method, path: &str| {
            let mut request = incoming(&description().expect("readable").operations()[0]);
            request.method = method;
            path.clone_into(&mut request.path);
            find(&request)
        };
        for path in [
            "/v2/tasks/model",
            "/v2/subscriptions/model",
            "/v2/emails/templates",
        ] {
            assert_eq!(at(Method::GET, path), OperationMatch::Elsewhere, "{path}");
        }
        assert_eq!(
            at(Method::DELETE, "/v2/contacts/7"),
            OperationMatch::Elsewhere
        );
        assert_eq!(
            at(Method::DELETE, "/v2/contacts"),
            OperationMatch::OtherMethod
        );
        assert_eq!(at(Method::GET, "/v2/contact"), OperationMatch::Nothing);
    }
}
