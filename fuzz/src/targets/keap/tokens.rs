//! What the token endpoint answers, and what a browser brings back from the page on which somebody
//! agreed. Both come over the network before anybody is let in.
//!
//! An input is a status, headers, an empty line, a body; the whole of it is also read as an address.

use std::sync::Arc;

use clear_relay::ports::CameBack;
use relay_keap::oauth::{Application, OAuthClient, TokenFailure, Tokens};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::targets::answers::{OneAnswer, block_on, clock};
use crate::targets::{Target, check_words};

/// The target.
pub const TARGET: Target = Target {
    name: "tokens",
    run,
    words: &[
        "200\n\n",
        "400\n\n",
        "401\n\n",
        "429\nretry-after: 60\n\n",
        "{\"access_token\":\"a\",\"token_type\":\"bearer\",\"expires_in\":86400,",
        "\"refresh_token\":\"r\",\"scope\":\"full|ab123.example.test\"}",
        "{\"error\":\"invalid_grant\",\"error_description\":\"Invalid refresh token\"}",
        "{\"error\":\"invalid_request\"}",
        "expires_in",
        "-1",
        "18446744073709551615",
        "1e400",
        "null",
        "full|",
        "?state=a&code=b&scope=full",
        "https://relay.example.test/oauth/keap/callback",
        "#",
        "%00",
        "kanari.vogel@example.test",
        TOKEN,
    ],
    fixtures: &[],
    executions: 4_000,
};

/// What is shown to the endpoint. No failure may quote it.
const TOKEN: &str = "refresh-token-of-the-seeds";

/// Runs one input.
///
/// # Panics
/// If a promise is broken.
fn run(data: &[u8]) {
    let address = String::from_utf8_lossy(data);
    if let Some(came) = CameBack::read(&address) {
        assert!(!came.state.expose_secret().is_empty());
        assert!(
            came.code
                .is_none_or(|code| !code.expose_secret().is_empty())
        );
    }
    let Some(application) = application() else {
        unreachable!("the addresses are fine");
    };
    let transport = Arc::new(OneAnswer::new(data));
    let client = OAuthClient::new(Arc::clone(&transport) as _, Arc::new(clock()), application);
    let token = SecretString::from(TOKEN);
    see(block_on(client.exchange(&token)));
    see(block_on(client.refresh(&token)));
    for url in transport.asked() {
        assert_eq!(url.as_str(), "https://api.example.test/token");
    }
}

fn application() -> Option<Application> {
    let url = |text: &str| Url::parse(text).ok();
    Some(Application {
        client_id: "seeds".to_owned(),
        client_secret: SecretString::from("the-secret-of-the-seeds"),
        authorize_url: url("https://accounts.example.test/authorize")?,
        token_url: url("https://api.example.test/token")?,
        redirect_url: url("https://relay.example.test/oauth/keap/callback")?,
    })
}

fn see(result: Result<Tokens, TokenFailure>) {
    match result {
        Err(failure) => {
            check_words(&failure.message, 300);
            assert!(!failure.message.contains(TOKEN), "{}", failure.message);
        }
        Ok(tokens) => {
            assert!(!tokens.lifetime.is_negative(), "{:?}", tokens.lifetime);
            assert!(!tokens.access.expose_secret().is_empty());
        }
    }
}
