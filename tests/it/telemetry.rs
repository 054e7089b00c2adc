//! Logging by configuration.

use std::io;
use std::sync::{Arc, Mutex};

use clear_relay::config::{LogConfig, LogFormat};
use clear_relay::telemetry::subscriber;
use relay_core::time::ManualClock;

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
    let memory = Memory::default();
    let writer = memory.clone();
    let config = LogConfig {
        format,
        level: level.to_owned(),
    };
    let now = "2026-11-03T16:00:00Z".parse().expect("a valid time");
    let clock = Arc::new(ManualClock::new(now));
    let subscriber = subscriber(&config, clock, move || writer.clone(), false).expect("a filter");
    tracing::subscriber::with_default(subscriber, || {
        tracing::info!(case = "c-1", "stepped");
        tracing::debug!(case = "c-2", "quiet");
    });
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
