//! `[http]`: where webhooks arrive.

use std::net::{Ipv4Addr, SocketAddr};

use url::Url;

use super::reader::Reader;

pub(super) const EXAMPLE: &str = r#"[http]
# Where the relay listens. It speaks plain HTTP: put a proxy with TLS in front of it.
listen = "127.0.0.1:8080"
# How the world reaches the relay, through the proxy. Needed by `hooks sync`.
#public_url = "https://relay.example.test/"
"#;

/// Where webhooks arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpConfig {
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// How the world reaches us; needed to register webhooks.
    pub public_url: Option<Url>,
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
        reader.finish();
        Self { listen, public_url }
    }
}
