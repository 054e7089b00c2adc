//! Answers that no portal should give.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use relay_clear_connection::PortalClient;
use relay_clear_connection::client::MAX_PAGES;
use relay_core::retry::Class;
use relay_core::time::{Clock, ManualClock};
use relay_http_client::{Answer, Call, Transport, TransportError};
use secrecy::SecretString;

use crate::support::{at, day};
use crate::{KEY, TEXT, bea, class, maya};

/// A portal that answers every call with the same bytes.
#[derive(Debug)]
struct Parrot(StatusCode, &'static str);

#[async_trait]
impl Transport for Parrot {
    async fn send(&self, _call: Call) -> Result<Answer, TransportError> {
        Ok(Answer {
            status: self.0,
            headers: HeaderMap::new(),
            body: Bytes::from_static(self.1.as_bytes()),
        })
    }
}

fn client_of(transport: Arc<dyn Transport>) -> PortalClient {
    PortalClient::new(
        transport,
        "http://portal.test".parse().expect("an address"),
        SecretString::from("t"),
        Arc::new(ManualClock::new(at("2026-11-04T16:00:00Z"))) as Arc<dyn Clock>,
    )
}

fn parrot(status: StatusCode, body: &'static str) -> PortalClient {
    client_of(Arc::new(Parrot(status, body)))
}

/// A portal whose every page names another one.
#[derive(Debug, Default)]
struct Endless(AtomicUsize);

#[async_trait]
impl Transport for Endless {
    async fn send(&self, _call: Call) -> Result<Answer, TransportError> {
        let page = self.0.fetch_add(1, Ordering::Relaxed);
        Ok(Answer {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: Bytes::from(format!(r#"{{"data":[],"next_cursor":"after-{page}"}}"#)),
        })
    }
}

#[tokio::test]
async fn a_list_without_end_is_given_up() {
    let endless = Arc::new(Endless::default());
    let client = client_of(Arc::clone(&endless) as Arc<dyn Transport>);
    assert_eq!(class(client.coaches().await), Class::Permanent);
    assert_eq!(endless.0.load(Ordering::Relaxed), MAX_PAGES);
}

#[tokio::test]
async fn a_write_that_is_accepted_without_an_id_is_unclear() {
    for body in ["", "thanks", "{}", r#"{"id":null}"#] {
        let client = parrot(StatusCode::CREATED, body);
        let sent = client.send_message(KEY, &maya(), &bea(), TEXT).await;
        assert_eq!(class(sent), Class::Unclear, "{body}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_the_contract_fails_the_read() {
    let now = at("2026-11-04T16:00:00Z");
    let page = parrot(StatusCode::OK, "<html>back soon</html>");
    let read = page.client(&maya()).await;
    assert_eq!(class(read), Class::Retryable { after: None });
    for body in [
        "[]",
        r#"{"data":{}}"#,
        r#"{"data":[],"next_cursor":"same"}"#,
        r#"{"data":[],"next_cursor":{}}"#,
        r#"{"data":[{"id":"m1","from":"system","sent_at":"2026-11-04T16:00:00Z"}]}"#,
        r#"{"data":[{"id":"m1","from":"client"}]}"#,
    ] {
        let client = parrot(StatusCode::OK, body);
        let read = client.messages(&maya(), now).await;
        assert_eq!(class(read), Class::Permanent, "{body}");
    }
    let unknown = parrot(
        StatusCode::OK,
        r#"{"data":[{"id":"k1","client_id":"c1","due_date":"2026-11-03","status":"lost"},
            {"id":"k2","due_date":"2026-11-03","status":"open"},
            {"id":"k3","client_id":"c1","due_date":"2026-11-03","status":"open"}]}"#,
    );
    let guarded = unknown.check_ins(&maya(), day("2026-11-01")).await;
    assert_eq!(class(guarded), Class::Permanent);
    let open = unknown.open_check_ins(day("2026-11-04")).await;
    let told = open.expect("the readable one");
    assert_eq!(told.open.len(), 1);
    assert_eq!(told.open[0].id.as_str(), "k3");
    let left_out: Vec<_> = told.left_out.iter().map(String::as_str).collect();
    assert_eq!(
        left_out,
        ["in the unknown state \"lost\"", "without `client_id`"]
    );
    let other = parrot(StatusCode::OK, r#"{"id":"c2","status":"online"}"#);
    assert_eq!(class(other.client(&maya()).await), Class::Permanent);
}
