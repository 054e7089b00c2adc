//! The configuration of tokens: what must be there, and where codes may be sent.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use clear_relay::config::{Config, ConfigError, CredentialKind};

use super::rig::{KEY, SECRET};

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new(""), HashMap::new())
}

fn keys(error: &ConfigError) -> BTreeSet<&str> {
    let mistakes = error.mistakes.iter();
    mistakes.map(|mistake| mistake.key.as_str()).collect()
}

/// Tokens from `host`, with the relay at `public`.
fn oauth(host: &str, public: &str) -> String {
    format!(
        r#"
        [http]
        public_url = "{public}"
        [keap]
        mode = "on"
        base_url = "{host}/crm"
        credential = "oauth"
        [keap.oauth]
        client_id = "application"
        client_secret = "{SECRET}"
        token_url = "{host}/token"
        authorize_url = "{host}/authorize"
        [secrets]
        encryption_key = "{KEY}"
        "#
    )
}

#[test]
fn a_key_is_the_default_and_a_personal_token_is_one_too() {
    let config = parse("").expect("valid");
    assert_eq!(
        config.vendors.keap.credential,
        CredentialKind::ServiceAccountKey
    );
    let text = "[keap]\nmode = \"on\"\nkey = \"k\"\ncredential = \"personal_access_token\"";
    let config = parse(text).expect("valid");
    assert_eq!(
        config.vendors.keap.credential,
        CredentialKind::PersonalAccessToken
    );
    assert!(!config.vendors.keap.is_oauth());
}

#[test]
fn tokens_need_an_application_an_address_and_an_encryption_key_and_no_other_key() {
    let text = "[keap]\nmode = \"on\"\ncredential = \"oauth\"\nkey = \"k\"";
    let error = parse(text).expect_err("incomplete");
    let expected = BTreeSet::from([
        "keap.key",
        "keap.oauth.client_id",
        "keap.oauth.client_secret",
        "keap.oauth.redirect_url",
        "secrets.encryption_key",
    ]);
    assert_eq!(keys(&error), expected, "{error}");
}

#[test]
fn a_code_is_sent_over_https_or_stays_on_this_machine() {
    let live = oauth("https://api.keap.test", "https://relay.test/");
    let config = parse(&live).expect("valid");
    let back = config
        .vendors
        .keap
        .redirect_url(config.http.public_url.as_ref())
        .expect("an address");
    assert_eq!(back.as_str(), "https://relay.test/oauth/keap/callback");

    let open = oauth("https://api.keap.test", "http://127.0.0.1:8080/");
    let error = parse(&open).expect_err("not https");
    assert_eq!(keys(&error), BTreeSet::from(["keap.oauth.redirect_url"]));
    let sandbox = oauth("http://127.0.0.1:9000", "http://127.0.0.1:8080/");
    assert!(parse(&sandbox).is_ok(), "all of it on this machine");
}

#[test]
fn a_token_endpoint_elsewhere_forbids_scaled_time() {
    let away = oauth("http://127.0.0.1:9000", "https://relay.test/").replace(
        "token_url = \"http://127.0.0.1:9000",
        "token_url = \"https://api.keap.test",
    );
    let config = parse(&away).expect("valid");
    let error = config.check_time_scale(60).expect_err("not scaled");
    assert_eq!(keys(&error), BTreeSet::from(["keap.oauth.token_url"]));
}

#[test]
fn an_encryption_key_that_is_none_is_refused_and_not_quoted() {
    let text = "[secrets]\nencryption_key = \"canary-key\"\n\
                [secrets.encryption_keys]\nbefore = \"canary-key\"";
    let error = parse(text).expect_err("no keys");
    let expected = ["secrets.encryption_key", "secrets.encryption_keys.before"];
    assert_eq!(keys(&error), BTreeSet::from(expected));
    assert!(!error.to_string().contains("canary"), "{error}");
    assert!(error.to_string().contains("connect new-key"), "{error}");
}
