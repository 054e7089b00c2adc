//! A secret is read in one way, so that `doctor` and `serve` say the same of it.

use std::path::Path;

use clear_relay::config::{Config, ConfigError, Variables};
use secrecy::ExposeSecret as _;

use super::{run, shown};

fn read(folder: &Path, bytes: &[u8]) -> Result<Config, ConfigError> {
    std::fs::write(folder.join("key"), bytes).expect("written");
    let text = "[keap]\nmode = \"on\"\nkey_file = \"key\"\n";
    Config::parse(text, folder, Variables::default())
}

#[test]
fn what_an_editor_or_a_shell_adds_to_a_key_is_taken_off() {
    let folder = tempfile::tempdir().expect("a folder");
    for bytes in [
        &b"KeapAK-1234"[..],
        b"KeapAK-1234\n",
        b"KeapAK-1234\r\n",
        b"\xef\xbb\xbfKeapAK-1234\r\n",
        b"  KeapAK-1234 \t\n\n",
    ] {
        let config = read(folder.path(), bytes).expect("usable");
        let key = config.vendors.keap.key.expect("a key");
        assert_eq!(key.expose_secret(), "KeapAK-1234", "{bytes:?}");
    }
}

#[test]
fn what_can_not_be_a_key_is_refused_with_what_to_do_and_never_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let utf16: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain("KeapAK-1234".encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    for bytes in [
        &b"\"KeapAK-1234\"\n"[..],
        b"'KeapAK-1234'",
        b"Bearer KeapAK-1234",
        b"KeapAK-1234 # the key",
        "KeapAK-1234\u{200b}".as_bytes(),
        b"KeapAK-12\xff34",
        b"KeapAK-12\x0034",
        &utf16,
        b"\n",
        b"",
    ] {
        let error = read(folder.path(), bytes).expect_err("no key");
        assert_eq!(error.mistakes[0].key, "keap.key_file", "{bytes:?}");
        assert!(!error.mistakes[0].remedy.is_empty());
        assert!(!error.to_string().contains("KeapAK"), "{error}");
    }
}

/// Doctor and `serve` fail or pass together, whatever is in the file.
#[test]
fn doctor_and_serve_say_the_same_of_every_key_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("hook"), "a".repeat(22)).expect("written");
    std::fs::write(at("token"), "portal-token").expect("written");
    std::fs::write(at("webhook"), format!("whsec_{}=", "A".repeat(43))).expect("written");
    let config = "[http]\nlisten = \"127.0.0.1:0\"\npublic_url = \"https://relay.example.test/\"\n\
        [keap]\nmode = \"on\"\nbase_url = \"https://127.0.0.1:9/crm\"\nkey_file = \"key\"\n\
        hook_secrets = { a_file = \"hook\" }\n\
        [clear_connection]\nmode = \"on\"\nbase_url = \"https://127.0.0.1:9/api\"\n\
        token_file = \"token\"\nwebhook_keys = { a_file = \"webhook\" }\n";
    std::fs::write(at("clear-relay.toml"), config).expect("written");
    let made = run(folder.path(), &[], &["config", "example"]);
    assert!(made.status.success());
    std::fs::write(at("key"), "k").expect("written");
    let made = run(folder.path(), &[], &["migrate"]);
    assert!(made.status.success(), "{}", shown(&made));
    let mut refused = 0;
    for bytes in [
        &b"KeapAK-1234\n"[..],
        b"\xef\xbb\xbfKeapAK-1234\n",
        b"\"KeapAK-1234\"",
        "KeapAK\u{2013}1234".as_bytes(),
        b"Keap\xffAK",
        b"Keap\x07AK",
        b"",
    ] {
        std::fs::write(at("key"), bytes).expect("written");
        let doctor = run(folder.path(), &[], &["doctor", "--offline"]);
        let serve = run(folder.path(), &[], &["serve", "--dry-run"]);
        assert_eq!(
            doctor.status.success(),
            serve.status.success(),
            "{bytes:?}\n{}\n{}",
            shown(&doctor),
            shown(&serve)
        );
        if !serve.status.success() {
            refused += 1;
            assert!(shown(&serve).contains("keap.key_file"), "{}", shown(&serve));
        }
    }
    assert_eq!(refused, 5);
}

#[test]
fn two_secrets_that_are_one_are_refused() {
    let one = "a".repeat(22);
    for text in [
        format!("[keap.hook_secrets]\na = {one:?}\nb = {one:?}\n"),
        format!("[keap.hook_secrets]\na = {one:?}\n[keap.automation_secrets]\nb = {one:?}\n"),
        format!(
            "[keap.hook_secrets]\na = {one:?}\nA = \"{}\"\n",
            "b".repeat(22)
        ),
    ] {
        let error = Config::parse(&text, Path::new(""), Variables::default());
        let error = error.expect_err("the same twice").to_string();
        assert!(!error.contains(&one), "{error}");
    }
}
