//! Processes of their own, as in life.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use clear_relay::lifecycle::pause;
use http::{HeaderMap, Method};
use relay_http_client::{Call, ReqwestTransport, Transport as _};
use serde_json::Value;

/// A child that does not outlive its test.
pub(crate) struct Process(Child);

impl Process {
    /// The program with these arguments.
    pub(crate) fn start(args: &[&str]) -> Self {
        let mut program = Command::new(env!("CARGO_BIN_EXE_clear-relay"));
        program.args(args);
        Self::spawn(program)
    }

    /// Whatever `program` says.
    pub(crate) fn spawn(program: Command) -> Self {
        Self::spawn_with(program, Stdio::null(), Stdio::null())
    }

    /// The same, with its output somewhere.
    pub(crate) fn spawn_with(mut program: Command, stdout: Stdio, stderr: Stdio) -> Self {
        let child = program
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .expect("the binary starts");
        Self(child)
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(mut self) {
        self.0
            .kill()
            .expect("it was alive: it must not have ended by itself");
        self.0.wait().expect("it ends");
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Sends it a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let ask = format!("kill -{name} {}", self.0.id());
        let asked = Command::new("sh").args(["-c", &ask]).status();
        assert!(asked.expect("a shell").success(), "it was alive");
    }

    /// Waits until it has ended; whether well.
    pub(crate) fn has_ended_well(mut self) -> bool {
        self.0.wait().expect("it ends").success()
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn end(self) -> bool {
        self.signal("TERM");
        self.has_ended_well()
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        self.0.try_wait().expect("it can be asked").is_none()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already, and then there is nothing to do.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

pub(crate) async fn get(transport: &ReqwestTransport, url: &str) -> Option<Value> {
    let call = Call {
        method: Method::GET,
        url: url.parse().expect("an address"),
        headers: HeaderMap::new(),
        body: Bytes::new(),
        timeout: Duration::from_secs(5),
    };
    let answer = transport.send(call).await.ok()?;
    serde_json::from_slice(&answer.body).ok()
}

pub(crate) async fn wait_for(transport: &ReqwestTransport, url: &str) {
    for _ in 0..400 {
        if get(transport, url).await.is_some() {
            return;
        }
        pause(Duration::from_millis(25)).await;
    }
    panic!("{url} does not answer");
}
