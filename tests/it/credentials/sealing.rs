//! What lies in the database, and what is said, hold no secret.

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex};

use clear_relay::ports::{ConnectionState, Connections as _};
use clear_relay::telemetry::{LogConfig, LogFormat, subscriber};
use relay_core::retry::Class;
use relay_core::time::ManualClock;
use relay_http_client::emulation::{FaultAct, Moment};
use relay_keap::emulator::Act;
use relay_store::CredentialState;

use super::rig::{Clinic, KEY, NEXT_KEY, SECRET, TOKEN, hours, minutes};
use crate::support::tools::Tools as _;

#[derive(Debug, Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl io::Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut all = self.0.lock().expect("not poisoned");
        all.extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes everything that is logged into `memory`.
fn everything(memory: &Memory) -> Box<dyn tracing::Subscriber + Send + Sync> {
    let writer = memory.clone();
    let config = LogConfig {
        format: LogFormat::Json,
        level: "trace".to_owned(),
    };
    let now = "2026-11-03T16:00:00Z".parse().expect("a time");
    let clock = Arc::new(ManualClock::new(now));
    let subscriber = subscriber(&config, clock, move || writer.clone(), false);
    subscriber.expect("a filter")
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|part| part == text.as_bytes())
}

#[tokio::test]
async fn neither_database_nor_log_nor_error_nor_status_holds_a_secret() {
    let memory = Memory::default();
    // While only one subscriber is alive, a place in the code that another thread reaches first is
    // judged by that thread, which has none, and is silent from then on. With two it is not.
    let _second = tracing::Dispatch::new(everything(&Memory::default()));
    let logging = tracing::subscriber::set_default(everything(&memory));

    let clinic = Clinic::new();
    let process = clinic.connected().await;
    clinic.pass(hours(25));
    process.must_work().await;
    let mut said = String::new();
    clinic.pass(hours(25));
    for (moment, act) in [
        (Moment::After, FaultAct::Hang),
        (Moment::Before, super::rig::invalid_grant()),
    ] {
        clinic.fault("token_refresh", moment, act, 1);
        let error = process.works().await.expect_err("lost, then refused");
        let _ = write!(said, "{error} {error:?}");
        clinic.pass(minutes(1));
    }
    clinic
        .vendors
        .keap()
        .perform(Act::RevokeGrants)
        .expect("an act");
    let error = process.works().await.expect_err("ended");
    let _ = write!(said, "{error} {error:?} {:?}", process.connection);
    let _ = write!(said, "{:?}", process.status().await);
    drop(logging);

    let log = memory.0.lock().expect("not poisoned").clone();
    assert!(holds(&log, "refreshed"), "the log was written");
    let mut stored = Vec::new();
    for entry in clinic
        .database()
        .parent()
        .expect("a folder")
        .read_dir()
        .expect("files")
    {
        let path = entry.expect("a file").path();
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        if name.starts_with("relay.db") {
            stored.extend(std::fs::read(path).expect("a file"));
        }
    }
    assert!(
        holds(&stored, "zz999.infusionsoft.test"),
        "the row is in there"
    );
    for secret in [TOKEN, SECRET, KEY] {
        assert!(!holds(&log, secret), "{secret} in the log");
        assert!(!holds(&stored, secret), "{secret} in the database");
        assert!(!said.contains(secret), "{secret} in {said}");
    }
}

#[tokio::test]
async fn a_wrong_encryption_key_names_the_remedy_and_spoils_nothing() {
    let clinic = Clinic::new();
    let first = clinic.connected().await;
    let wrong = format!("encryption_key = \"{NEXT_KEY}\"");
    let wrong = clinic.process_with("wrong", &wrong).await;
    let error = wrong.works().await.expect_err("not opened");
    assert_eq!(error.class, Class::Unauthorised);
    assert!(error.message.contains("secrets.encryption_keys"), "{error}");
    let status = wrong.status().await;
    assert_eq!(status.state, ConnectionState::Unreadable);
    assert!(
        status
            .remedy
            .is_some_and(|text| text.contains("connect keap"))
    );
    first.must_work().await;
    let row = clinic.row().await;
    assert_eq!((row.state, row.pair.version), (CredentialState::Fresh, 1));
}

#[tokio::test]
async fn an_older_key_opens_and_the_next_refresh_seals_with_the_present_one() {
    let clinic = Clinic::new();
    clinic.connected().await;
    let keys =
        format!("encryption_key = \"{NEXT_KEY}\"\nencryption_keys = {{ before = \"{KEY}\" }}");
    let rotating = clinic.process_with("rotating", &keys).await;
    rotating.must_work().await;
    let before = clinic.row().await.pair.key_id;
    assert_eq!(clinic.refreshes(), 0);
    // The periodic job does not wait for the day on which the token would be renewed.
    rotating.connection.keep_fresh().await.expect("a store");
    assert_eq!(clinic.refreshes(), 1);
    assert_ne!(clinic.row().await.pair.key_id, before);
    let present = format!("encryption_key = \"{NEXT_KEY}\"");
    clinic
        .process_with("later", &present)
        .await
        .must_work()
        .await;
}
