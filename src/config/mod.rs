//! Configuration: `clear-relay.toml`, then the environment, read once at start.
//!
//! For whoever installs the relay. `CLEAR_RELAY__SECTION__KEY` overrides `[section] key`. A secret
//! is better kept in a file: wherever `key` is a secret, `key_file` names the file that holds it.
//! The file `clear-relay.example.toml` explains every key; it is [`example`], and parses.
//!
//! Guarantees:
//! - All mistakes are reported at once, each with its key, what is wrong, and the remedy. An
//!   unknown key is a mistake: a misspelt `mode` must not silently mean the default.
//! - A fresh configuration sends nothing: vendors are off, procedures only propose.
//! - A relative path starts from the folder of the configuration file (see `place`), and a variable
//!   that is misspelt is refused, not ignored (see `variables`).
//! - Files are read in one way for every command (see `reading`): what one command takes, no other
//!   refuses.
//! - Secrets are `SecretString` and appear in no message, not even when they are wrong.
//! - Credentials go out over https, or stay on this machine.
//!
//! Not guaranteed: that what is configured works, nor that the sections fit together: [`Gap`] tells
//! the latter, and `doctor` asks the vendors for the former.
//!
//! How a newcomer adds a key: in its section's file, the field, one line in `read`, and its
//! lines in `EXAMPLE`; a test uncomments every line of the example and parses it.

mod addresses;
mod check_ins;
mod clear_connection;
mod clinic;
mod gap;
mod http;
mod incidents;
mod keap;
mod limits;
mod log;
mod mistakes;
mod people;
mod place;
mod procedures;
mod reader;
pub(crate) mod reading;
mod secrets;
mod store;
mod variables;
mod vendor_mode;
mod vendors;
mod whole;

use std::path::{Path, PathBuf};

use relay_core::calendar::Calendar;
use relay_core::incidents::IncidentNumbers;
use url::Url;

use crate::telemetry::LogConfig;

pub use check_ins::{CheckInsConfig, CheckInsFrom};
pub use clear_connection::{ClearConnectionConfig, PortalCapabilities};
pub use gap::{Gap, Severity};
pub use http::HttpConfig;
pub use keap::{
    Coaching, ContactTypeField, CredentialKind, CustomFieldsMode, KeapCheckInsConfig, KeapConfig,
    KeapOAuth, KeyHeader, WordNames,
};
pub use limits::LimitsConfig;
pub use mistakes::{ConfigError, Mistake, SecretFile};
pub use people::PeopleConfig;
pub use procedures::{ProcedureConfig, ProceduresConfig};
pub use secrets::SecretsConfig;
pub use store::StoreConfig;
pub use variables::Variables;
pub use vendor_mode::VendorMode;
pub(crate) use vendors::VendorSection;
pub use vendors::VendorSections;

use mistakes::Mistakes;
use reader::Reader;
pub(crate) use reader::is_loopback;
use vendors::Around;

/// The file that is read when none is named.
pub const DEFAULT_FILE: &str = "clear-relay.toml";

/// Everything that is configured.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where everything is kept.
    pub store: StoreConfig,
    /// Where webhooks arrive.
    pub http: HttpConfig,
    /// The clinic's days and hours.
    pub calendar: Calendar,
    /// The vendors.
    pub vendors: VendorSections,
    /// The procedures.
    pub procedures: ProceduresConfig,
    /// What is logged, and in which form.
    pub log: LogConfig,
    /// Who answers for what.
    pub people: PeopleConfig,
    /// When failures that many cases meet are one incident.
    pub incidents: IncidentNumbers,
    /// What seals stored tokens.
    pub secrets: SecretsConfig,
    /// The files that hold secrets.
    pub secret_files: Vec<SecretFile>,
    /// Names of variables that begin like ours and are none of ours.
    pub strange_variables: Vec<String>,
}

/// A configuration that was read to its end, whatever is wrong with it.
#[derive(Debug, Clone)]
pub struct Examined {
    /// What could be made of it: a value that is wrong is replaced by its default, so nothing may
    /// be done with it but look. `None` where even that is not possible.
    pub config: Option<Config>,
    /// Every mistake, in the order of the sections.
    pub mistakes: Vec<Mistake>,
    /// The database, as far as it is named.
    database: PathBuf,
}

impl Examined {
    /// The database, if nothing is wrong with how it is named, whatever else is wrong: outreach must
    /// be stopped while somebody mends the configuration.
    ///
    /// # Errors
    /// All mistakes, if one of them may be about the database.
    pub fn database(&self) -> Result<&Path, ConfigError> {
        let is_about = |mistake: &Mistake| {
            let of_store = |key: &str| key == "store" || key.starts_with("store.");
            of_store(&mistake.key)
                || mistake.meant.as_deref().is_some_and(of_store)
                || mistake.stands_for.as_deref().is_some_and(of_store)
                || (mistake.is_unknown && mistake.key.ends_with("path"))
        };
        if self.mistakes.iter().any(is_about) {
            return Err(ConfigError {
                mistakes: self.mistakes.clone(),
            });
        }
        Ok(&self.database)
    }

    /// The configuration, if nothing is wrong with it.
    pub fn into_result(self) -> Result<Config, ConfigError> {
        match self.config {
            Some(config) if self.mistakes.is_empty() => Ok(config),
            _ => Err(ConfigError {
                mistakes: self.mistakes,
            }),
        }
    }
}

impl Config {
    /// Reads `file` (else [`DEFAULT_FILE`], if it is there) and the process's environment.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        Self::examine(file)?.into_result()
    }

    /// The same, and goes on where something is wrong. An error is a file that can't be read or is
    /// no TOML: then there is nothing to go on with.
    pub fn examine(file: Option<&Path>) -> Result<Examined, ConfigError> {
        let path = file.unwrap_or(Path::new(DEFAULT_FILE));
        let text = match reading::text(path) {
            Ok(text) => text,
            Err(error) if file.is_none() && error.absent => String::new(),
            Err(error) => {
                let remedy = if error.absent {
                    "name a readable file with --config, or make one with `clear-relay init`"
                } else {
                    error.remedy
                };
                let path = path.display().to_string();
                return Err(ConfigError::one(path, error.wrong, remedy));
            }
        };
        // Named in full from here on: what a command says it wrote to must be found by somebody
        // who sits in another folder.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let base = path.parent().unwrap_or(Path::new(""));
        let working = std::path::absolute(".").ok();
        Self::examine_at(&text, base, working.as_deref(), Variables::of_process())
    }

    /// Reads a configuration from `text` (TOML) and the environment's `variables`; relative paths
    /// start from `base`.
    pub fn parse(
        text: &str,
        base: &Path,
        variables: impl Into<Variables>,
    ) -> Result<Self, ConfigError> {
        Self::examine_text(text, base, variables)?.into_result()
    }

    /// The same, and goes on where something is wrong.
    pub fn examine_text(
        text: &str,
        base: &Path,
        variables: impl Into<Variables>,
    ) -> Result<Examined, ConfigError> {
        Self::examine_at(text, base, None, variables.into())
    }

    fn examine_at(
        text: &str,
        base: &Path,
        working: Option<&Path>,
        variables: Variables,
    ) -> Result<Examined, ConfigError> {
        let mut table = table(text)?;
        let collected = Mistakes::default();
        let strangers = variables.lay_over(&mut table, &collected);
        let mut root = Reader::root(table, base, working, &collected);
        let store = StoreConfig::read(root.section("store"));
        let http = HttpConfig::read(root.section("http"));
        let calendar = clinic::read(root.section("clinic"));
        let vendors = VendorSections::read(&mut root);
        let procedures = ProceduresConfig::read(root.section("procedures"));
        let log = LogConfig::read(root.section("log"));
        let has_crm = vendors.as_ref().is_none_or(VendorSections::have_crm);
        let people = PeopleConfig::read(root.section("people"), has_crm);
        let incidents = incidents::read(root.section("incidents"));
        let secrets = SecretsConfig::read(root.section("secrets"));
        root.finish();
        let strange_variables = strangers.judge(&collected);
        let around = Around {
            public_url: http.public_url.as_ref(),
            has_encryption_key: secrets.encryption_key.is_some(),
        };
        for section in vendors.iter().flat_map(VendorSections::each) {
            section.check(&around, &collected);
        }
        let database = store.path.clone();
        let (mistakes, secret_files) = collected.into_parts();
        // An address that can't be read is a mistake already, so the vendors are there without one.
        let config = vendors.map(|vendors| Self {
            store,
            http,
            calendar,
            vendors,
            procedures,
            log,
            people,
            incidents,
            secrets,
            secret_files,
            strange_variables,
        });
        Ok(Examined {
            config,
            mistakes,
            database,
        })
    }

    /// Every address we would call, by key.
    pub fn base_urls(&self) -> Vec<(&'static str, &Url)> {
        let sections = self.vendors.each().into_iter();
        sections.flat_map(|section| section.addresses()).collect()
    }

    /// Refuses a time scale other than 1 unless every vendor's address is on this machine: a
    /// procedure that runs a thousand times too fast must never reach a client. A vendor that is
    /// off counts, too, because it can be switched on while scaled times are stored.
    pub fn check_time_scale(&self, scale: u32) -> Result<(), ConfigError> {
        let mistakes = Mistakes::default();
        if scale == 0 {
            mistakes.add("--time-scale", "0 would stop the clock", "write 1 or more");
        }
        if scale > 1 {
            for (key, url) in self.base_urls() {
                if !reader::is_loopback(url) {
                    mistakes.add(
                        key,
                        "is not on this machine, so time can't be scaled",
                        "leave out --time-scale, or write the address of a sandbox",
                    );
                }
            }
        }
        mistakes.into_result(())
    }
}

/// The commented example: every section, every key.
pub fn example() -> String {
    let head = "\
# Clear Relay. Every key with its default or, behind a #, with a sample.
# CLEAR_RELAY__SECTION__KEY in the environment overrides what stands here. Wherever a secret is
# asked for as `key`, `key_file` names a file whose first line holds it. A relative path starts
# from the folder of this file, wherever a command is typed.
";
    let before = [store::EXAMPLE, http::EXAMPLE, clinic::EXAMPLE];
    let after = [
        procedures::EXAMPLE,
        log::EXAMPLE,
        people::EXAMPLE,
        incidents::EXAMPLE,
        secrets::EXAMPLE,
    ];
    let mut text = head.to_owned();
    for section in before.iter().chain(vendors::EXAMPLES).chain(&after) {
        text.push('\n');
        text.push_str(section);
    }
    text
}

/// The file's table. The parser's own report of an error quotes the line, and the line may hold a
/// secret: the line's number has to do.
fn table(text: &str) -> Result<toml::Table, ConfigError> {
    text.parse().map_err(|error: toml::de::Error| {
        let at = error.span().map_or(0, |span| span.start.min(text.len()));
        let line = text.get(..at).unwrap_or_default().split('\n').count();
        ConfigError::one(
            format!("line {line}"),
            "is not valid TOML",
            "look for a missing quote, bracket or equals sign, or a key given twice",
        )
    })
}
