//! Logging by configuration.

use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use clear_relay::self_check::SelfCheck;
use clear_relay::telemetry::log_throttle::EVERY;
use clear_relay::telemetry::writer::{LINES, LogWriter};
use clear_relay::telemetry::{LogConfig, LogFormat, subscriber};
use http::StatusCode;
use relay_core::time::ManualClock;
use relay_store::Store;

use crate::support::receiving::{now, post, signed, world};

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
fn a_flood_of_guesses_is_a_handful_of_lines_with_their_number() {
    const GUESSES: usize = 500;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let text = capture(LogFormat::Json, "info", || {
        runtime.block_on(async {
            let world = world();
            for number in 0..GUESSES {
                let path = format!("/hooks/secretive/guess-{number}");
                world.send(post(&path, &[], "{}")).await;
            }
            world.real.advance(EVERY);
            let store = Arc::clone(&world.store) as Arc<dyn Store>;
            let mut check = SelfCheck::new(store, Arc::clone(&world.log_throttle));
            check.look().await;
            world.store.state().read_only = true;
            for number in 0..GUESSES {
                let id = format!("e-{number}");
                let answer = world.send(signed(&id, "{}")).await;
                assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
            }
            let guesses = u64::try_from(GUESSES).expect("small");
            assert_eq!(world.counters.of("secretive", "wrong_secret"), guesses);
        });
    });
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("an object"))
        .collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert_eq!(
        (&lines[0]["code"], &lines[0]["unsaid"]),
        (&"wrong_secret".into(), &0.into())
    );
    assert_eq!(
        (&lines[1]["what"], &lines[1]["unsaid"]),
        (&"wrong_secret".into(), &499.into())
    );
    assert_eq!(lines[2]["message"], "can't store a genuine request");
}

#[test]
fn outreach_that_is_stopped_is_told_at_the_start_and_when_it_changes() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let text = capture(LogFormat::Human, "info", || {
        runtime.block_on(async {
            let world = world();
            let put = |stopped: bool| {
                let value = serde_json::json!({ "stopped": stopped, "by": "Pat", "at": now() });
                let settings = &mut world.store.state().settings;
                settings.insert("outreach".to_owned(), value);
            };
            put(true);
            let store = Arc::clone(&world.store) as Arc<dyn Store>;
            let mut check = SelfCheck::new(store, Arc::clone(&world.log_throttle));
            for _ in 0..11 {
                check.look().await;
            }
            put(false);
            for _ in 0..10 {
                check.look().await;
            }
        });
    });
    assert_eq!(text.matches("outreach is stopped").count(), 1, "{text}");
    assert_eq!(text.matches("outreach goes on").count(), 1, "{text}");
    assert!(
        text.contains("clear-relay resume") && !text.contains("Pat"),
        "{text}"
    );
}

/// A sink that fails for a while.
#[derive(Debug, Clone, Default)]
struct Sink {
    memory: Memory,
    full: Arc<AtomicBool>,
}

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.full.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.memory.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn lines_that_cannot_be_written_are_counted_and_told_once_they_can() {
    let sink = Sink::default();
    sink.full.store(true, Ordering::SeqCst);
    let (told, lost) = mpsc::channel();
    let tell = move |lines| told.send(lines).expect("heard");
    let mut writer = LogWriter::start(sink.clone(), tell).expect("a thread");
    for _ in 0..10 {
        writer.write_all(b"lost\n").expect("never an error");
    }
    writer.flush();
    assert_eq!(writer.lost(), 10);
    sink.full.store(false, Ordering::SeqCst);
    writer.write_all(b"kept\n").expect("never an error");
    assert_eq!(lost.recv().expect("told"), 10);
    writer.flush();
    assert_eq!(*sink.memory.0.lock().expect("not poisoned"), b"kept\n");
}

/// A sink that blocks until it is told to go on; the end of the other side is a word, too.
struct Hanging(mpsc::Receiver<()>, Memory);

impl io::Write for Hanging {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.recv();
        self.1.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn lines_for_a_reader_that_hangs_are_dropped_and_nobody_waits() {
    let (go_on, wait) = mpsc::channel::<()>();
    let memory = Memory::default();
    let (told, lost) = mpsc::channel();
    let tell = move |lines| {
        let _ = told.send(lines);
    };
    let mut writer = LogWriter::start(Hanging(wait, memory), tell).expect("a thread");
    // A line or a portion is with the thread; the queue holds the rest.
    for _ in 0..5 * LINES {
        writer.write_all(b"a line\n").expect("never an error");
    }
    let dropped = writer.lost();
    assert!(dropped > 0);
    drop(go_on);
    assert!(lost.recv().expect("told once it goes on") >= dropped);
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
