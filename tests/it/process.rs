//! `serve` as a process of its own: signals, a log that nobody can read, connections without end, a
//! database file that is taken away.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, PipeReader, PipeWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use clear_relay::lifecycle::pause;
use clear_relay::sandbox::clinic::{self, Addresses, WEBHOOK_KEY};
use http::{HeaderMap, Method, StatusCode};
use relay_clear_connection::webhook::WebhookKey;
use relay_core::time::{Clock as _, SystemClock};
use relay_http_client::{Call, ReqwestTransport, Transport as _};
use relay_store::Store as _;
use relay_store_sqlite::{SqliteStore, spoil, unclean};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};

use crate::support::process::{Process, free_port, wait_for};

/// A serving relay whose vendors don't answer.
struct Serving {
    process: Process,
    transport: ReqwestTransport,
    port: u16,
    database: PathBuf,
    key: WebhookKey,
    _folder: TempDir,
}

impl Serving {
    async fn start() -> Self {
        Self::start_as(
            "exec \"$0\" --config \"$1\" serve",
            Stdio::null(),
            Stdio::null(),
        )
        .await
    }

    /// `script` is a shell's; `$0` is the program, `$1` its configuration.
    async fn start_as(script: &str, stdout: Stdio, stderr: Stdio) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let port = free_port();
        // Nobody listens there: an outage of both vendors.
        let address = |text: String| text.parse().expect("an address");
        let addresses = Addresses {
            keap: address("http://127.0.0.1:9/crm".to_owned()),
            portal: address("http://127.0.0.1:9/portal/".to_owned()),
            relay: address(format!("http://127.0.0.1:{port}/")),
        };
        let database = folder.path().join("relay.db");
        let config = folder.path().join("relay.toml");
        let text = clinic::config_text(&addresses, &database, "12");
        std::fs::write(&config, text).expect("written");
        let mut program = Command::new("sh");
        program.args(["-c", script, env!("CARGO_BIN_EXE_clear-relay")]);
        program.arg(&config);
        let process = Process::spawn_with(program, stdout, stderr);
        let transport = ReqwestTransport::new().expect("a transport");
        wait_for(&transport, &format!("http://127.0.0.1:{port}/healthz")).await;
        Self {
            process,
            transport,
            port,
            database,
            key: WebhookKey::new("first", &SecretString::from(WEBHOOK_KEY)).expect("a key"),
            _folder: folder,
        }
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> StatusCode {
        let call = Call {
            method,
            url: format!("http://127.0.0.1:{}/{path}", self.port)
                .parse()
                .expect("an address"),
            headers,
            body,
            timeout: Duration::from_secs(30),
        };
        self.transport.send(call).await.expect("an answer").status
    }

    async fn get(&self, path: &str) -> StatusCode {
        let call = self.call(Method::GET, path, HeaderMap::new(), Bytes::new());
        call.await
    }

    /// Sends a genuine event that says nothing.
    async fn send(&self, id: &str) -> StatusCode {
        let now = SystemClock.now();
        let body = r#"{"type":"photo.added","data":{}}"#;
        let signature = self.key.sign(id, now.as_second(), body.as_bytes());
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("webhook-id", id),
            ("webhook-timestamp", &now.as_second().to_string()),
            ("webhook-signature", &signature),
        ] {
            headers.insert(name, value.parse().expect("a header"));
        }
        let path = "hooks/clear-connection";
        self.call(Method::POST, path, headers, Bytes::from(body))
            .await
    }

    async fn connect(&self) -> TcpStream {
        let address = ("127.0.0.1", self.port);
        TcpStream::connect(address).await.expect("a connection")
    }

    /// Asks until the answer is `status`, as a supervisor does.
    async fn until_ready_is(&self, status: StatusCode) {
        for _ in 0..400 {
            if self.get("readyz").await == status {
                return;
            }
            pause(Duration::from_millis(25)).await;
        }
        panic!("readyz never was {status}");
    }
}

#[tokio::test]
async fn a_hangup_ends_nothing() {
    let mut serving = Serving::start().await;
    serving.process.signal("HUP");
    serving.process.signal("XFSZ");
    for number in 0..20 {
        let id = format!("evt-{number}");
        assert_eq!(serving.send(&id).await, StatusCode::OK);
    }
    assert!(serving.process.is_alive());
    assert!(serving.process.end());
}

#[tokio::test]
async fn every_other_signal_that_would_kill_ends_it_in_order() {
    // Those of which the system says that they end a process, but for KILL, what a broken program gets
    // (SEGV and its like), and those of real time. 16 is STKFLT, of which not every shell knows the name.
    for name in [
        "TERM", "INT", "QUIT", "USR1", "USR2", "ALRM", "VTALRM", "PROF", "IO", "XCPU", "16", "PWR",
    ] {
        let serving = Serving::start().await;
        assert_eq!(serving.send("evt-1").await, StatusCode::OK);
        serving.process.signal(name);
        assert!(serving.process.has_ended_well(), "{name}");
    }
}

/// The main file of a database and nothing that lies beside it, as somebody copies it who knows no better.
fn main_file_alone(database: &Path, folder: &TempDir) -> PathBuf {
    let alone = folder.path().join("alone.db");
    std::fs::copy(database, &alone).expect("copied");
    alone
}

#[tokio::test]
async fn what_was_acknowledged_stands_in_the_main_file_after_the_end() {
    let serving = Serving::start().await;
    for number in 0..200 {
        let id = format!("evt-{number}");
        assert_eq!(serving.send(&id).await, StatusCode::OK);
    }
    let Serving {
        process, database, ..
    } = &serving;
    process.signal("TERM");
    let (database, folder) = (database.clone(), tempfile::tempdir().expect("a folder"));
    let Serving {
        process, _folder, ..
    } = serving;
    assert!(process.has_ended_well());
    let store = SqliteStore::open(main_file_alone(&database, &folder)).await;
    let store = store.expect("opened");
    let health = store.health(SystemClock.now()).await.expect("counted");
    let count = spoil::ask(
        folder.path().join("alone.db"),
        "SELECT count(*) FROM receipts",
    )
    .await;
    assert_eq!(count.expect("counted"), ["200"], "{health:?}");
    store.close().await;
}

/// A command of the binary; whether it ended well.
fn command(config: &Path, args: &[&str]) -> bool {
    let mut program = Command::new(env!("CARGO_BIN_EXE_clear-relay"));
    program.arg("--config").arg(config).args(args);
    program.stdout(Stdio::null()).stderr(Stdio::null());
    program.status().expect("it runs").success()
}

#[tokio::test]
async fn a_command_leaves_everything_in_the_main_file_however_it_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let (config, database) = (at("relay.toml"), at("relay.db"));
    let taken = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let address = |text: String| text.parse().expect("an address");
    let addresses = Addresses {
        keap: address("http://127.0.0.1:9/crm".to_owned()),
        portal: address("http://127.0.0.1:9/portal/".to_owned()),
        relay: address(format!("http://127.0.0.1:{port}/")),
    };
    let text = clinic::config_text(&addresses, &database, "12");
    std::fs::write(&config, text).expect("written");
    assert!(command(&config, &["migrate"]));
    let nobody = "00000000-0000-7000-8000-000000000000";
    for (args, well) in [
        (&["stop", "--by", "Lena"][..], true),
        (&["cases", "list"], true),
        (&["cases", "show", nobody], false),
        (
            &["cases", "pause", nobody, "--by", "Lena", "--reason", "x"],
            false,
        ),
        (&["database", "check"], true),
        // Its port is taken: it fails when everything else stands.
        (&["serve"], false),
    ] {
        assert_eq!(command(&config, args), well, "{args:?}");
        assert!(!at("relay.db-wal").exists(), "{args:?}: a log is left");
    }
    let alone = main_file_alone(&database, &folder);
    let stopped = "SELECT json_extract(value, '$.stopped') FROM settings WHERE key = 'outreach'";
    assert_eq!(spoil::ask(alone, stopped).await.expect("read"), ["1"]);
}

#[tokio::test]
async fn a_stop_that_the_copy_does_not_know_of_outlasts_its_restore() {
    let serving = Serving::start().await;
    let config = serving.database.with_file_name("relay.toml");
    let (first, second) = (
        serving.database.with_file_name("first.db"),
        serving.database.with_file_name("second.db"),
    );
    let copy = |to: &Path| command(&config, &["backup", to.to_str().expect("text")]);
    let restore = |from: &Path| {
        command(
            &config,
            &["restore", from.to_str().expect("text"), "--by", "Lena"],
        )
    };
    let said = "SELECT json_extract(value, '$.stopped') FROM settings WHERE key = 'outreach'";
    assert!(copy(&first));
    assert!(command(&config, &["stop", "--by", "Lena"]));
    let Serving {
        process,
        database,
        _folder,
        ..
    } = serving;
    assert!(process.end());
    assert!(restore(&first));
    let asked = spoil::ask(database.clone(), said).await;
    assert_eq!(asked.expect("read"), ["1"], "the stop is carried over");
    assert!(command(&config, &["resume", "--by", "Lena"]));
    assert!(copy(&second));
    assert!(restore(&second));
    let asked = spoil::ask(database.clone(), said).await;
    assert_eq!(
        asked.expect("read"),
        ["0"],
        "nothing is stopped for being restored"
    );
    // What was said last can't be read: that counts as a stop.
    std::fs::write(&database, "not a database at all").expect("written");
    assert!(restore(&second));
    let asked = spoil::ask(database, said).await;
    assert_eq!(asked.expect("read"), ["1"]);
}

#[tokio::test]
async fn a_dry_run_of_a_restore_changes_nothing_and_forgets_nothing() {
    let serving = Serving::start().await;
    assert_eq!(serving.send("evt-1").await, StatusCode::OK);
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("copy.db");
    let copy = copy.to_str().expect("text");
    let config = serving.database.with_file_name("relay.toml");
    assert!(command(&config, &["backup", copy]));
    let look = ["restore", copy, "--by", "Lena", "--dry-run"];
    assert!(!command(&config, &look), "it is in use");
    let Serving {
        process,
        database,
        _folder,
        ..
    } = serving;
    process.kill();
    let log = database.with_file_name("relay.db-wal");
    let bytes = |path: &Path| std::fs::read(path).expect("read");
    let before = (bytes(&database), bytes(&log));
    assert!(!before.1.is_empty());
    assert!(command(&config, &look));
    assert!((bytes(&database), bytes(&log)) == before, "changed");
    assert!(unclean(&database));
    // Whoever opens it folds the log; that its process was cut off is known all the same.
    assert!(command(&config, &["cases", "list"]));
    assert!(!log.exists());
    assert!(unclean(&database), "forgotten");
    let names = std::fs::read_dir(folder.path()).expect("listed");
    assert_eq!(names.count(), 1, "something lies beside the copy");
}

#[tokio::test]
async fn a_log_whose_database_is_lost_is_deleted_by_no_command_and_kept_by_a_restore() {
    let serving = Serving::start().await;
    let at = |name: &str| serving.database.with_file_name(name);
    let (config, copy, log) = (at("relay.toml"), at("copy.db"), at("relay.db-wal"));
    let copy = copy.to_str().expect("text");
    assert!(command(&config, &["backup", copy]));
    assert_eq!(serving.send("evt-1").await, StatusCode::OK);
    let restore = ["restore", copy, "--by", "Lena"];
    std::fs::remove_file(&serving.database).expect("lost");
    assert!(!command(&config, &restore), "the relay has it open still");
    let Serving {
        process,
        database,
        _folder: folder,
        ..
    } = serving;
    process.kill();
    let before = std::fs::read(&log).expect("read");
    for args in [
        &["migrate"][..],
        &["stop", "--by", "Lena"],
        &["work", "list"],
        &["serve", "--dry-run"],
        &["serve"],
        &["doctor", "--offline"],
    ] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_clear-relay"));
        program.arg("--config").arg(&config).args(args);
        let output = program.output().expect("it runs");
        assert!(!output.status.success(), "{args:?}");
        let told = [output.stdout, output.stderr].concat();
        let told = String::from_utf8_lossy(&told);
        for part in ["relay.db is missing", "relay.db-wal", "restore FILE --by"] {
            assert!(told.contains(part), "{args:?}: {told}");
        }
        assert!(!database.exists(), "{args:?}: a database was made");
    }
    let after = std::fs::read(&log).expect("read");
    assert!(!before.is_empty() && after == before, "changed");
    assert!(command(&config, &restore) && !log.exists());
    let names = std::fs::read_dir(folder.path()).expect("listed");
    let mut paths = names.map(|entry| entry.expect("an entry").path());
    let kept = paths.find(|path| {
        let name = path.to_string_lossy();
        name.contains(".before-restore-") && name.ends_with("-wal")
    });
    assert!(std::fs::read(kept.expect("the log is kept")).expect("read") == before);
    let stands = "SELECT (SELECT count(*) FROM receipts) || ' ' || json_extract(value, '$.stopped')
                  FROM settings WHERE key = 'outreach'";
    let stands = spoil::ask(database, stands).await;
    // The copy alone; whether outreach was stopped since is not known.
    assert_eq!(stands.expect("asked"), ["0 1"]);
}

#[tokio::test]
async fn half_a_request_head_does_not_hold_up_the_end() {
    let serving = Serving::start().await;
    let mut half = serving.connect().await;
    let head = b"POST /hooks/clear-connection HTTP/1.1\r\nhost: relay\r\nweb";
    half.write_all(head).await.expect("sent");
    // Connections are accepted in order: once this is answered, the first one is in.
    assert_eq!(serving.send("evt-1").await, StatusCode::OK);
    assert!(serving.process.end());
}

/// Work goes on whatever the log and the output are.
async fn unread(stdout: Stdio, stderr: Stdio, what: &str) {
    // A line for everything: more than any pipe holds.
    let script = "CLEAR_RELAY__LOG__LEVEL=trace exec \"$0\" --config \"$1\" serve";
    let mut serving = Serving::start_as(script, stdout, stderr).await;
    for number in 0..400 {
        let status = serving.send(&format!("evt-{number}")).await;
        assert_eq!(status, StatusCode::OK, "{what}: {number}");
    }
    assert!(serving.process.is_alive(), "{what}");
    assert_eq!(serving.get("readyz").await, StatusCode::OK, "{what}");
    assert!(serving.process.end(), "{what}: it ends well");
}

fn full() -> File {
    let full = OpenOptions::new().write(true).open("/dev/full");
    full.expect("a disk that is full")
}

#[tokio::test]
async fn a_log_on_a_full_disk_stops_nothing() {
    unread(full().into(), full().into(), "a full disk").await;
}

#[tokio::test]
async fn a_log_whose_reader_is_gone_stops_nothing() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = writer.try_clone().expect("another end");
    unread(output.into(), writer.into(), "a closed pipe").await;
}

#[tokio::test]
async fn a_log_whose_reader_hangs_stops_nothing() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    unread(Stdio::null(), writer.into(), "a pipe nobody reads").await;
    drop(reader);
}

/// A pipe that holds all it can, and whose reader is kept and never reads.
fn stuck() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    let flags = fcntl_getfl(&writer).expect("flags");
    fcntl_setfl(&writer, flags | OFlags::NONBLOCK).expect("it can be told not to wait");
    let full = loop {
        if let Err(error) = writer.write(&[b'.'; 4096]) {
            break error;
        }
    };
    assert_eq!(full.kind(), ErrorKind::WouldBlock);
    fcntl_setfl(&writer, flags).expect("whoever writes now waits");
    (reader, writer)
}

#[tokio::test]
async fn a_pipe_that_is_full_holds_up_neither_the_start_nor_the_end() {
    let (reader, writer) = stuck();
    let output = writer.try_clone().expect("another end");
    let script = "exec \"$0\" --config \"$1\" serve";
    let serving = Serving::start_as(script, output.into(), writer.into()).await;
    assert_eq!(serving.send("evt-1").await, StatusCode::OK);

    // The address is taken: a bad end, of which nobody reads.
    let config = serving.database.with_file_name("relay.toml");
    let mut second = Command::new(env!("CARGO_BIN_EXE_clear-relay"));
    second.arg("--config").arg(&config).arg("serve");
    let (unread, full) = stuck();
    let output = full.try_clone().expect("another end");
    let mut second = Process::spawn_with(second, output.into(), full.into());
    let mut looks = 0;
    while second.is_alive() {
        looks += 1;
        assert!(looks < 400, "it is held up at its end");
        pause(Duration::from_millis(25)).await;
    }
    assert!(!second.has_ended_well());
    assert!(serving.process.end());
    drop((reader, unread));
}

#[tokio::test]
async fn more_idle_connections_than_files_may_be_open_keep_no_sender_out() {
    let script = "ulimit -n 260; exec \"$0\" --config \"$1\" serve";
    let mut serving = Serving::start_as(script, Stdio::null(), Stdio::null()).await;
    let mut idle = Vec::new();
    for number in 0..300 {
        idle.push(serving.connect().await);
        if number % 50 == 0 {
            let status = serving.send(&format!("evt-{number}")).await;
            assert_eq!(status, StatusCode::OK, "{number}");
        }
    }
    assert_eq!(serving.send("evt-last").await, StatusCode::OK);
    assert!(serving.process.is_alive());
    assert!(serving.process.end());
}

#[tokio::test]
async fn a_database_that_was_moved_away_refuses_senders_until_it_is_back() {
    let serving = Serving::start().await;
    assert_eq!(serving.send("evt-1").await, StatusCode::OK);
    serving.until_ready_is(StatusCode::OK).await;
    let aside = serving.database.with_extension("aside");
    std::fs::rename(&serving.database, &aside).expect("moved");
    assert_eq!(serving.send("evt-2").await, StatusCode::SERVICE_UNAVAILABLE);
    serving
        .until_ready_is(StatusCode::SERVICE_UNAVAILABLE)
        .await;
    assert_eq!(serving.get("healthz").await, StatusCode::OK);
    std::fs::rename(&aside, &serving.database).expect("moved back");
    serving.until_ready_is(StatusCode::OK).await;
    assert_eq!(serving.send("evt-2").await, StatusCode::OK);
    assert!(serving.process.end());
}
