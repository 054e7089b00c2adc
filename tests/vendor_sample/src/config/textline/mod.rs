//! `[textline]`: the invented text-message service.

use secrecy::SecretString;
use url::Url;

use super::VendorMode;
use super::limits::LimitsConfig;
use super::reader::Reader;
use super::vendors::VendorSection;

/// The crate of the adapter, as a filter of the log names it.
pub(super) const CRATE: &str = "relay_textline";

pub(super) const EXAMPLE: &str = r#"[textline]
# "on", or "off": then nobody's texts are heard of.
mode = "off"
#base_url = "https://textline.example.test/"
#token_file = "secrets/textline-token"
#hook_secret_file = "secrets/textline-hook"

# How much it is asked.
[textline.limits]
#calls_per_minute = 60
#burst = 3
breaker_failures = 5
tell_after_minutes = 60
"#;

/// The section.
#[derive(Debug, Clone)]
pub struct TextlineConfig {
    /// Whether it is used.
    pub mode: VendorMode,
    /// Where it is.
    pub base_url: Option<Url>,
    /// The bearer token.
    pub token: Option<SecretString>,
    /// The secret in the path of its events.
    pub hook_secret: Option<SecretString>,
    /// How much it may be asked.
    pub limits: LimitsConfig,
}

impl VendorSection for TextlineConfig {
    fn read(mut reader: Reader<'_>) -> Option<Self> {
        let section = Self {
            mode: VendorMode::read(&mut reader),
            base_url: reader.base_url("base_url", None),
            token: reader.secret("token", "token_file"),
            hook_secret: reader.secret("hook_secret", "hook_secret_file"),
            limits: LimitsConfig::read(reader.section("limits"), None),
        };
        reader.finish();
        Some(section)
    }

    fn is_on(&self) -> bool {
        self.mode == VendorMode::On
    }

    fn limits(&self) -> Option<&LimitsConfig> {
        Some(&self.limits)
    }

    fn addresses(&self) -> Vec<(&'static str, &Url)> {
        let base = self.base_url.as_ref();
        base.map(|url| ("textline.base_url", url))
            .into_iter()
            .collect()
    }
}
