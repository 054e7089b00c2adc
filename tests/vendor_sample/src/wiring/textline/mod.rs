//! The invented text-message service: it hears of texts, and no effect calls it yet.

mod emulated;

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use relay_core::time::Timestamp;
use relay_store::Receipt;
use relay_textline::{TextlineClient, webhook};
use secrecy::SecretString;

use super::AssembleError;
use super::emulated::Emulation;
use super::vendor::{Form, NewSecret, Provided, Secret, Vendor, Wiring};
use crate::config::VendorSection;
use crate::receipts::{Parsed, Refusal, Source, Verified};

/// The service.
pub const VENDOR: Vendor = Vendor {
    name: relay_textline::VENDOR,
    title: "Textline",
    port: None,
    settings: |config| &config.vendors.textline,
    read_quota: None,
    provide,
    inspectors: |_| Vec::new(),
    portal: |_| None,
    form: Form {
        changes: &[],
        secrets: &[NewSecret {
            file: "textline-hook",
            what: "made: the secret in the address of Textline's webhooks",
            content: Secret::Hex,
        }],
    },
    emulation: Emulation {
        folder: "textline",
        base: "",
        only_where: None,
        off: |_| None,
        start: emulated::start,
    },
};

fn provide(wiring: &Wiring<'_>) -> Result<Provided, AssembleError> {
    let section = &wiring.config.vendors.textline;
    let mut provided = Provided::default();
    if let (true, Some(base), Some(token)) = (section.is_on(), &section.base_url, &section.token) {
        let transport = wiring.transport(&VENDOR);
        let clock = Arc::clone(wiring.clock());
        let client = TextlineClient::new(transport, clock, base.clone(), token.clone());
        tracing::debug!(?client, "texts are heard of");
    }
    if let (true, Some(secret)) = (section.is_on(), &section.hook_secret) {
        let source = TextlineSource::new(secret.clone());
        provided.sources.push(Arc::new(source));
    }
    Ok(provided)
}

/// The service as a sender of events.
#[derive(Debug)]
pub struct TextlineSource(SecretString);

impl TextlineSource {
    /// Events whose path holds `secret`.
    pub fn new(secret: SecretString) -> Self {
        Self(secret)
    }

    fn opened(&self, shown: Option<&str>) -> Result<(), Refusal> {
        if webhook::opens(&self.0, shown) {
            return Ok(());
        }
        Err(Refusal {
            status: StatusCode::NOT_FOUND,
            code: "not_found",
            message: "there is nothing here".to_owned(),
        })
    }
}

impl Source for TextlineSource {
    fn name(&self) -> &'static str {
        VENDOR.name
    }

    fn secret_in_path(&self) -> bool {
        true
    }

    fn max_body(&self) -> usize {
        webhook::MAX_BODY
    }

    fn admit(&self, _: &HeaderMap, secret: Option<&str>, _: Timestamp) -> Result<(), Refusal> {
        self.opened(secret)
    }

    fn verify(
        &self,
        _headers: &HeaderMap,
        path_secret: Option<&str>,
        body: &[u8],
        _now: Timestamp,
    ) -> Result<Verified, Refusal> {
        self.opened(path_secret)?;
        Ok(Verified::Delivery {
            dedupe_key: webhook::text_id(body).unwrap_or_default(),
            dedupe_forever: true,
            verified_by: "path".to_owned(),
        })
    }

    fn parse(&self, receipt: &Receipt) -> Parsed {
        match webhook::text_id(&receipt.body) {
            Some(_) => Parsed::Content {
                facts: Vec::new(),
                hints: Vec::new(),
                note: Some("a text".to_owned()),
            },
            None => Parsed::Quarantine {
                reason: "it names no text".to_owned(),
                hints: Vec::new(),
                facts: Vec::new(),
                unread: Vec::new(),
            },
        }
    }
}
