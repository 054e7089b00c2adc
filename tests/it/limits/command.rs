//! `clear-relay vendors`: what people and programs are shown.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use clap::Parser as _;
use clear_relay::cli::{Cli, Output, run};
use clear_relay::ports::{DatabaseInspection, Stores, Version};
use clear_relay::sandbox::clinic::{Addresses, config_text};
use relay_core::rate_limit::{
    Answered, Exchange, LimiterState, Limits, QuotaReading, WindowReading,
};
use relay_core::time::{Clock as _, SignedDuration, SystemClock};
use relay_store::{LimiterRow, Store, StoreError};

use crate::support::fake_store::FakeStore;

/// Opens the same store whatever the path.
struct Fake(Arc<FakeStore>);

#[async_trait(?Send)]
impl Stores for Fake {
    async fn open(&self, _path: &Path) -> Result<Arc<dyn Store>, StoreError> {
        Ok(Arc::clone(&self.0) as _)
    }
    async fn migrate(&self, _path: &Path) -> Result<(), StoreError> {
        Ok(())
    }
    async fn look(&self, _path: &Path, _thorough: bool) -> Result<DatabaseInspection, StoreError> {
        Ok(DatabaseInspection {
            version: Version::Current,
            journal: "wal".to_owned(),
            damage: None,
            blocking_row: None,
        })
    }
}

async fn vendors(store: &Arc<FakeStore>, json: bool) -> String {
    command(store, if json { &["--json"] } else { &[] }).await
}

/// `vendors` with these arguments.
async fn command(store: &Arc<FakeStore>, more: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("relay.db");
    std::fs::write(&database, "").expect("written");
    let url = |text: &str| text.parse().expect("an address");
    let addresses = Addresses {
        keap: url("https://keap.test/"),
        portal: url("https://portal.test/"),
        relay: url("https://relay.test/"),
    };
    let config = config_text(&addresses, &database, "1");
    // The limits of a clinic.
    let config = super::crowd::usual_limits(&config);
    let file = folder.path().join("relay.toml");
    std::fs::write(&file, config).expect("written");
    let file = file.to_str().expect("text");
    let mut args = vec!["clear-relay", "--config", file, "vendors"];
    args.extend(more);
    let cli = Cli::try_parse_from(args).expect("a valid command line");
    let mut bytes = Vec::new();
    let stores = Fake(Arc::clone(store));
    let done = run(&cli, &stores, &mut Output::new(&mut bytes, cli.json)).await;
    done.expect("carried out");
    String::from_utf8(bytes).expect("text")
}

#[tokio::test]
async fn a_vendor_of_which_nothing_is_known_is_open_with_a_full_budget() {
    let store = Arc::new(FakeStore::default());
    let text = vendors(&store, false).await;
    let keap = text.lines().find(|line| line.starts_with("keap"));
    let keap = keap.expect("a line for keap");
    assert!(
        keap.split_whitespace().any(|word| word == "up") && keap.contains("3.0"),
        "{keap}"
    );
    assert!(keap.contains("unknown"), "{keap}");
    let portal = text.lines().find(|line| line.starts_with("portal"));
    assert!(portal.is_some(), "{text}");
}

#[tokio::test]
async fn a_vendor_that_asked_for_a_pause_shows_until_when_and_what_is_left() {
    let store = Arc::new(FakeStore::default());
    let now = SystemClock.now();
    let mut limiter = LimiterState::default();
    let day = WindowReading {
        available: Some(2_000),
        limit: Some(30_000),
        expires: Some(now + SignedDuration::from_hours(2)),
    };
    let refused = Exchange {
        answered: Answered::Refused {
            after: Some(SignedDuration::from_hours(1)),
        },
        quota: QuotaReading {
            key_day: day,
            ..QuotaReading::default()
        },
        charged: true,
    };
    limiter.observe(&Limits::none(), &refused, now, 0.0);
    store.state().limiters.push(LimiterRow {
        vendor: "keap".into(),
        version: 7,
        body: serde_json::to_value(&limiter).expect("a document"),
    });
    let text = vendors(&store, true).await;
    let shown: serde_json::Value = serde_json::from_str(&text).expect("one document");
    let keap = &shown["vendors"][0];
    assert_eq!(keap["vendor"], "keap");
    assert_eq!(keap["state"], "paused");
    assert_eq!(keap["quota"][0]["available"], 2_000);
    assert_eq!(keap["quota"][0]["window"], "key_day");
    let why = keap["waits"]["normal"]["why"].as_str().expect("a reason");
    assert!(why.contains("kept for messages with a deadline"), "{why}");
    let why = keap["waits"]["deadline"]["why"].as_str().expect("a reason");
    assert!(why.contains("refused with a request to wait"), "{why}");
    assert!(keap["trouble_since"].is_string());
}

#[tokio::test]
async fn a_pause_is_ended_by_a_command_that_can_be_tried_first_and_is_audited() {
    let store = Arc::new(FakeStore::default());
    let now = SystemClock.now();
    let mut limiter = LimiterState::default();
    let refused = Exchange {
        answered: Answered::Refused {
            after: Some(SignedDuration::from_hours(1)),
        },
        quota: QuotaReading::default(),
        charged: true,
    };
    limiter.observe(&Limits::none(), &refused, now, 0.0);
    store.state().limiters.push(LimiterRow {
        vendor: "keap".into(),
        version: 7,
        body: serde_json::to_value(&limiter).expect("a document"),
    });
    let dry = ["resume", "keap", "--by", "Ana", "--dry-run"];
    let text = command(&store, &dry).await;
    assert!(text.contains("would be asked at once"), "{text}");
    assert!(text.contains("refused with a request to wait"), "{text}");
    assert!(vendors(&store, false).await.contains("paused"));
    assert_eq!(store.state().audit.len(), 0);

    let text = command(&store, &dry[..4]).await;
    assert!(text.contains("is asked at once"), "{text}");
    assert!(!vendors(&store, false).await.contains("paused"));
    let state = store.state();
    let audit: Vec<_> = state.audit.iter().map(|a| (&*a.who, &*a.object)).collect();
    assert_eq!(audit, [("Ana", "vendor/keap")]);
}
