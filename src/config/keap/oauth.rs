//! `[keap.oauth]`: the application that is registered with Keap.

use secrecy::SecretString;
use url::Url;

use crate::config::addresses;
use crate::config::mistakes::Mistakes;
use crate::config::reader::{Reader, is_loopback};

/// The page on which an admin of the tenant agrees.
const AUTHORIZE: &str = "https://accounts.infusionsoft.com/app/oauth/authorize";
/// The token endpoint.
const TOKEN: &str = "https://api.infusionsoft.com/token";

/// The section.
#[derive(Debug, Clone)]
pub struct KeapOAuth {
    /// The application's id.
    pub client_id: Option<String>,
    /// The application's secret.
    pub client_secret: Option<SecretString>,
    /// The page.
    pub authorize_url: Url,
    /// The token endpoint.
    pub token_url: Url,
    /// Where the browser is sent back to, if it is not the relay's own route.
    pub redirect_url: Option<Url>,
}

impl KeapOAuth {
    pub(super) fn read(mut reader: Reader<'_>, needed: bool) -> Option<Self> {
        let client_id = reader.text("client_id");
        let client_secret = reader.secret("client_secret", "client_secret_file");
        for (key, there) in [
            ("client_id", client_id.is_some()),
            ("client_secret", client_secret.is_some()),
        ] {
            if needed && !there {
                let remedy = "write what Keap's developer portal shows for the application";
                reader.mistake(key, "is missing", remedy);
            }
        }
        let authorize_url = addresses::ending(&mut reader, "authorize_url", AUTHORIZE, "authorize");
        let token_url = addresses::ending(&mut reader, "token_url", TOKEN, "token");
        let redirect_url = reader.base_url("redirect_url", None);
        reader.finish();
        Some(Self {
            client_id,
            client_secret,
            authorize_url: authorize_url?,
            token_url: token_url?,
            redirect_url,
        })
    }

    /// Where the browser comes back to.
    pub(super) fn redirect_url(&self, public: Option<&Url>) -> Option<Url> {
        let own = || public?.join("oauth/keap/callback").ok();
        self.redirect_url.clone().or_else(own)
    }

    /// Keap sends codes to https only; a sandbox on this machine may do without.
    pub(super) fn check(&self, public: Option<&Url>, mistakes: &Mistakes) {
        let key = "keap.oauth.redirect_url";
        match self.redirect_url(public) {
            None => mistakes.add(
                key,
                "is missing",
                "write http.public_url, and register PUBLIC_URL/oauth/keap/callback with Keap",
            ),
            Some(url) if url.scheme() != "https" && !is_loopback(&self.token_url) => mistakes.add(
                key,
                "is not https",
                "write an https address: Keap sends codes nowhere else",
            ),
            Some(_) => {}
        }
    }
}
