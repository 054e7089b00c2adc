//! What is answered to a post, and what is kept of it.

use std::sync::{Arc, Mutex};

use clear_relay::telemetry::{LogConfig, LogFormat, subscriber};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use relay_core::channel::{EngagementKind, EngagementSource};
use relay_core::time::ManualClock;
use relay_store::ReceiptState;

use super::*;

async fn post(clinic: &Clinic, path: &str, body: &str) -> StatusCode {
    let mut headers = HeaderMap::new();
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    headers.insert(CONTENT_TYPE, form);
    let answer = clinic.post(path, headers, body).await.status;
    clinic.settle().await;
    answer
}

fn path(rest: &str) -> String {
    format!("hooks/keap-automation/{AUTOMATION_SECRET}{rest}")
}

/// State and note of every receipt of the route, in order of state.
async fn notes(clinic: &Clinic) -> Vec<(ReceiptState, Option<String>)> {
    let all = clinic.receipts().await.into_iter();
    let ours = all.filter(|receipt| receipt.source == "keap-automation");
    ours.map(|receipt| (receipt.state, receipt.note)).collect()
}

#[tokio::test]
async fn only_the_secret_of_the_route_opens_it() {
    let clinic = Clinic::open().await;
    let body = "contactId=201&event=email_clicked";
    for wrong in [
        "hooks/keap-automation/wrong-secret-0123456789".to_owned(),
        "hooks/keap-automation".to_owned(),
        format!(
            "hooks/keap-automation/{}",
            clear_relay::sandbox::clinic::HOOK_SECRET
        ),
    ] {
        assert_eq!(post(&clinic, &wrong, body).await, StatusCode::NOT_FOUND);
    }
    assert_eq!(post(&clinic, &path(""), body).await, StatusCode::OK);
    assert_eq!(notes(&clinic).await.len(), 1);
}

#[tokio::test]
async fn without_a_secret_the_route_is_not_there() {
    let closed = |setup: &mut clear_relay::sandbox::world::Setup| {
        setup.amend = |text| {
            let line = format!("automation_secrets = {{ first = \"{AUTOMATION_SECRET}\" }}\n");
            assert!(text.contains(&line));
            text.replace(&line, "")
        };
    };
    let clinic = Clinic::open_with(closed).await;
    let answer = post(&clinic, &path(""), "contactId=201&event=email_clicked").await;
    assert_eq!(answer, StatusCode::NOT_FOUND);
    assert!(notes(&clinic).await.is_empty());
}

#[tokio::test]
async fn a_post_of_somebody_unknown_is_recorded_and_ignored() {
    let clinic = Clinic::open().await;
    let ghost = Person {
        contact: 999,
        ..Person::jo()
    };
    let body = "contactId=999&event=email_clicked&email=News&link=booking";
    assert_eq!(post(&clinic, &path(""), body).await, StatusCode::OK);
    assert_eq!(
        notes(&clinic).await,
        [(
            ReceiptState::Done,
            Some("click of a contact that is not watched, recorded only".to_owned())
        )]
    );
    let rows = told(&clinic, &ghost).await;
    assert_eq!(rows.len(), 1);
    let event = &rows[0].event;
    assert_eq!(event.kind, EngagementKind::Click);
    assert_eq!(event.source, EngagementSource::Post);
    assert_eq!(event.label.as_deref(), Some("News"));
    assert_eq!(event.link.as_deref(), Some("booking"));
    assert!(clinic.work().await.is_empty());
}

#[tokio::test]
async fn a_post_that_comes_again_is_one_event_in_whatever_minute() {
    let jo = Person::jo();
    let clinic = Clinic::with(std::slice::from_ref(&jo)).await;
    clinic.until("2026-11-05 11:12").await;
    let body = "contactId=202&event=email_clicked&email=News";
    for _ in 0..3 {
        assert_eq!(post(&clinic, &path(""), body).await, StatusCode::OK);
    }
    let states = |notes: &[(ReceiptState, Option<String>)]| {
        let mut states: Vec<_> = notes.iter().map(|(state, _)| *state).collect();
        states.sort();
        states
    };
    let (done, duplicate) = (ReceiptState::Done, ReceiptState::Duplicate);
    assert_eq!(states(&notes(&clinic).await), [done, duplicate, duplicate]);
    clinic.until("2026-11-05 11:14").await;
    assert_eq!(post(&clinic, &path(""), body).await, StatusCode::OK);
    assert_eq!(
        states(&notes(&clinic).await),
        [done, done, duplicate, duplicate]
    );
    assert_eq!(told(&clinic, &jo).await.len(), 1);
}

#[tokio::test]
async fn a_test_of_the_step_succeeds_and_tells_nothing() {
    let clinic = Clinic::open().await;
    let body = "contactId=~Contact.Id~&event=email_clicked";
    assert_eq!(post(&clinic, &path(""), body).await, StatusCode::OK);
    let note = "test post: merge field not filled".to_owned();
    assert_eq!(notes(&clinic).await, [(ReceiptState::Done, Some(note))]);
    assert!(clinic.work().await.is_empty());
}

#[tokio::test]
async fn what_cannot_be_used_is_acknowledged_and_shown_with_its_remedy() {
    let clinic = Clinic::open().await;
    for body in [
        "",
        "event=email_clicked",
        "contactId=Jane&event=x",
        "{",
        "\u{0}",
    ] {
        assert_eq!(
            post(&clinic, &path(""), body).await,
            StatusCode::OK,
            "{body:?}"
        );
    }
    let notes = notes(&clinic).await;
    assert!(
        notes
            .iter()
            .all(|(state, _)| *state == ReceiptState::Quarantined)
    );
    let remedy = "the post names no contact: add the pair contactId = ~Contact.Id~";
    assert!(
        notes
            .iter()
            .any(|(_, note)| note.as_deref() == Some(remedy)),
        "{notes:?}"
    );
    assert!(!format!("{notes:?}").contains("Jane"));
}

#[tokio::test]
async fn a_body_beyond_the_cap_is_refused_with_the_query_counted() {
    let clinic = Clinic::open().await;
    let long = "a".repeat(64 * 1024);
    let answer = post(&clinic, &path("?contactId=1"), &long).await;
    assert_eq!(answer, StatusCode::PAYLOAD_TOO_LARGE);
}

#[derive(Debug, Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("a log").extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn pairs_in_the_query_are_read_and_no_word_of_them_reaches_the_log() {
    let clinic = Clinic::open().await;
    let memory = Memory::default();
    let writer = memory.clone();
    let config = LogConfig {
        format: LogFormat::Json,
        level: "trace".to_owned(),
    };
    let clock = Arc::new(ManualClock::new(at("2026-11-02 09:00")));
    let log = subscriber(&config, clock, move || writer.clone(), false).expect("a filter");
    let guard = tracing::subscriber::set_default(log);
    let query = "?contactId=424242&event=email_clicked&email=Canary+News";
    assert_eq!(post(&clinic, &path(query), "").await, StatusCode::OK);
    let broken = "?contactId=canary%40example.test&event=email_clicked";
    assert_eq!(post(&clinic, &path(broken), "").await, StatusCode::OK);
    drop(guard);
    let log = String::from_utf8(memory.0.lock().expect("a log").clone()).expect("text");
    assert!(log.contains("keap-automation"), "{log}");
    for canary in ["424242", "anary", AUTOMATION_SECRET] {
        assert!(!log.contains(canary), "{canary}: {log}");
    }
    let ghost = Person {
        contact: 424_242,
        ..Person::jo()
    };
    assert_eq!(told(&clinic, &ghost).await.len(), 1);
}
