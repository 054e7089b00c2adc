//! Tokens that were issued.

use relay_core::time::Timestamp;

/// A token, and until when it is good.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) until: Timestamp,
}

/// Everything that was issued and is not dead.
#[derive(Debug, Default)]
pub(super) struct Issued {
    pub(super) codes: Vec<(Token, String)>,
    pub(super) access: Vec<Token>,
    pub(super) refresh: Vec<Token>,
}

impl Issued {
    /// What the gateway says of an access token: `None` if it lets it in, else its code.
    pub(super) fn judge(&self, presented: &str, now: Timestamp) -> Option<&'static str> {
        match self.access.iter().find(|token| token.text == presented) {
            Some(token) if now < token.until => None,
            Some(_) => Some("keymanagement.service.access_token_expired"),
            None => Some("keymanagement.service.invalid_access_token"),
        }
    }

    /// The tenant's admin takes her consent back.
    pub(super) fn revoke(&mut self) {
        *self = Self::default();
    }

    /// Every access token dies before its time.
    pub(super) fn expire_access(&mut self, now: Timestamp) {
        for token in &mut self.access {
            token.until = token.until.min(now);
        }
    }
}
