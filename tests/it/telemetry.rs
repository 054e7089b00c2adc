//! Logging by configuration.

use std::io;
use std::sync::{Arc, Mutex};

use clear_relay::config::{LogConfig, LogFormat};
use clear_relay::telemetry::subscriber;
use relay_core::time::ManualClock;

use crate::support::receiving::{post, world};

#[derive(Debug, Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl io::Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .expect("not poisoned")
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn logged(format: LogFormat, level: &str) -> String {
    capture(format, level, || {
        tracing::info!(case = "c-1", "stepped");
        tracing::debug!(case = "c-2", "quiet");
    })
}

fn capture(format: LogFormat, level: &str, action: impl FnOnce()) -> String {
    let memory = Memory::default();
    let writer = memory.clone();
    let config = LogConfig {
        format,
        level: level.to_owned(),
    };
    let now = "2026-11-03T16:00:00Z".parse().expect("a valid time");
    let clock = Arc::new(ManualClock::new(now));
    let subscriber = subscriber(&config, clock, move || writer.clone(), false).expect("a filter");
    tracing::subscriber::with_default(subscriber, action);
    let bytes = memory.0.lock().expect("not poisoned").clone();
    String::from_utf8(bytes).expect("text")
}

#[test]
fn a_json_line_is_one_flat_object_with_the_injected_time() {
    let text = logged(LogFormat::Json, "info");
    let line: serde_json::Value = serde_json::from_str(text.trim()).expect("one object");
    assert_eq!(line["case"], "c-1");
    assert_eq!(line["message"], "stepped");
    assert_eq!(line["timestamp"], "2026-11-03T16:00:00.000Z");
}

#[test]
fn the_filter_of_the_configuration_decides_what_is_logged() {
    assert!(!logged(LogFormat::Human, "info").contains("c-2"));
    assert!(logged(LogFormat::Human, "debug").contains("c-2"));
    assert!(logged(LogFormat::Human, "off").is_empty());
}

#[test]
fn whatever_a_webhook_holds_and_however_it_ends_its_content_is_not_logged() {
    const CANARY: &str = "canary-jane@example.test-303-555-0134";
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let text = capture(LogFormat::Json, "trace", || {
        runtime.block_on(async {
            let world = world();
            for (path, signature) in [
                ("/hooks/signing".to_owned(), "good"),
                ("/hooks/signing".to_owned(), "good"),
                ("/hooks/signing".to_owned(), CANARY),
                (format!("/hooks/secretive/{CANARY}"), "none"),
                (format!("/hooks/secretive/right?name={CANARY}"), "none"),
                (format!("/hooks/{CANARY}"), "none"),
            ] {
                let headers = [
                    ("x-signature", signature),
                    ("x-id", "e-1"),
                    ("cookie", CANARY),
                ];
                world.send(post(&path, &headers, CANARY)).await;
                world.store.state().read_only = path.contains("secretive");
            }
            let handshake = [("x-hook-secret", CANARY)];
            world
                .send(post("/hooks/secretive/right", &handshake, CANARY))
                .await;
        });
    });
    for expected in [
        "stored",
        "duplicate",
        "signature_mismatch",
        "wrong_secret",
        "can't store",
    ] {
        assert!(text.contains(expected), "{expected} is not in {text}");
    }
    assert!(!text.contains("canary"), "{text}");
}
