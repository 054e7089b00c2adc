//! `[http]`: where webhooks arrive.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use url::Url;

use super::reader::Reader;
use crate::http::{BodyLimits, ConnectionLimits, Limits};

pub(super) const EXAMPLE: &str = r#"[http]
# Where the relay listens. It speaks plain HTTP: put a proxy with TLS in front of it.
listen = "127.0.0.1:8080"
# How the world reaches the relay, through the proxy. Needed by `hooks sync`.
#public_url = "https://relay.example.test/"
# What unauthenticated connections may take up. When more come, those that wait longest are closed; the
# limit of open files is raised for them as far as the system allows. 16 to 65000.
max_connections = 1000
# A new connection must bring the head of its first request within so many seconds. 1 to 120.
head_seconds = 10
# A connection is kept for so many seconds after an answer. Keep it above your proxy's own time for
# kept connections (nginx: keepalive_timeout, 60), so that it is the proxy that closes. 5 to 3600.
idle_seconds = 75
# The body of a webhook must be whole within so many seconds, 1 to 25, and arrive at so many bytes a
# second at least, 0 to 100000.
body_seconds = 10
body_bytes_per_second = 500
# On each route so many bodies may be held at once, 8 to 10000, with so many MiB together, 2 to 1024.
# When more come, the one that has been arriving for the longest time is refused.
bodies_at_once = 512
bodies_mib = 16
"#;

/// The time in which the minimum rate of a body is looked at, in seconds.
const WINDOW: u32 = 2;

/// Where webhooks arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpConfig {
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// How the world reaches us; needed to register webhooks.
    pub public_url: Option<Url>,
    /// What strangers may take up.
    pub limits: Limits,
}

impl HttpConfig {
    pub(super) fn read(mut reader: Reader<'_>) -> Self {
        let listen = reader
            .parsed(
                "listen",
                "an address with a port, such as \"127.0.0.1:8080\"",
            )
            .unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)));
        let public_url = reader.base_url("public_url", None);
        let limits = limits(&mut reader);
        reader.finish();
        Self {
            listen,
            public_url,
            limits,
        }
    }
}

fn limits(reader: &mut Reader<'_>) -> Limits {
    let usual = Limits::default();
    let seconds = |number: u32| Duration::from_secs(number.into());
    let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let most = reader.ranged("max_connections", 16..=65_000);
    let head = reader.ranged("head_seconds", 1..=120);
    let idle = reader.ranged("idle_seconds", 5..=3_600);
    let whole = reader.ranged("body_seconds", 1..=25);
    let rate = reader.ranged("body_bytes_per_second", 0..=100_000);
    let concurrent = reader.ranged("bodies_at_once", 8..=10_000);
    let memory = reader.ranged("bodies_mib", 2..=1_024);
    Limits {
        body: BodyLimits {
            whole: whole.map_or(usual.body.whole, seconds),
            window: seconds(WINDOW),
            least: rate.map_or(usual.body.least, |rate| count(rate * WINDOW)),
        },
        concurrent: concurrent.map_or(usual.concurrent, count),
        memory: memory.map_or(usual.memory, |mib| count(mib) * 1024 * 1024),
        connections: ConnectionLimits {
            most: most.map_or(usual.connections.most, count),
            head: head.map_or(usual.connections.head, seconds),
            idle: idle.map_or(usual.connections.idle, seconds),
        },
    }
}
