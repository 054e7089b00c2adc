//! Configuration: what it accepts, and what it says of what it doesn't.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use clear_relay::config::{Config, ConfigError, Variables, VendorMode, example};
use relay_core::case::Mode;
use relay_core::effects::CardRemoval;
use relay_core::rate_limit::{Limits, Rate};
use relay_core::time::SignedDuration;
use secrecy::ExposeSecret as _;

const CANARY: &str = "canary-7f3a-must-never-be-seen-anywhere";

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new(""), Variables::default())
}

fn parse_env(text: &str, env: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let env: HashMap<String, String> = env
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    Config::parse(text, Path::new(""), env)
}

fn mistake_keys(error: &ConfigError) -> BTreeSet<&str> {
    error
        .mistakes
        .iter()
        .map(|mistake| mistake.key.as_str())
        .collect()
}

#[test]
fn an_empty_configuration_is_valid_and_sends_nothing() {
    let config = parse("").expect("valid");
    assert_eq!(config.procedures.missed_check_in.mode, Mode::Propose);
    assert_eq!(config.vendors.keap.mode, VendorMode::Off);
    assert_eq!(config.vendors.clear_connection.mode, VendorMode::Off);
    assert_eq!(config.vendors.keap.card_removal, CardRemoval::Deactivate);
}

#[test]
fn a_log_level_that_leaves_out_errors_is_refused_with_the_way_to_write_it() {
    for level in ["off", "relay_keap=debug", "info,clear_relay::engine=off"] {
        let error = parse(&format!("[log]\nlevel = \"{level}\"\n")).expect_err("refused");
        assert_eq!(
            mistake_keys(&error),
            BTreeSet::from(["log.level"]),
            "{level}"
        );
        assert!(
            error.to_string().contains("warn,relay_keap=debug"),
            "{error}"
        );
    }
    parse("[log]\nlevel = \"warn,relay_keap=debug\"\n").expect("valid");
}

#[test]
fn what_strangers_may_take_up_is_set_in_units_and_within_bounds() {
    let config = parse(
        "[http]\nmax_connections = 200\nhead_seconds = 5\nidle_seconds = 90\nbody_seconds = 20\n\
         body_bytes_per_second = 1000\nbodies_at_once = 64\nbodies_mib = 4\n",
    );
    let limits = config.expect("valid").http.limits;
    assert_eq!(limits.connections.most, 200);
    assert_eq!(limits.connections.head, Duration::from_secs(5));
    assert_eq!(limits.connections.idle, Duration::from_secs(90));
    assert_eq!(limits.body.whole, Duration::from_secs(20));
    assert_eq!(limits.body.least, 2_000, "in a window of two seconds");
    assert_eq!((limits.concurrent, limits.memory), (64, 4 * 1024 * 1024));
    let error = parse("[http]\nmax_connections = 5\nbodies_mib = 1\n").expect_err("refused");
    assert_eq!(
        mistake_keys(&error),
        BTreeSet::from(["http.bodies_mib", "http.max_connections"])
    );
}

#[test]
fn the_example_parses_means_the_defaults_and_is_the_file_in_the_repository() {
    let config = parse(&example()).expect("valid");
    let default = parse("").expect("valid");
    assert_eq!(config.store, default.store);
    assert_eq!(config.http, default.http);
    assert_eq!(config.procedures, default.procedures);
    assert_eq!(config.log, default.log);
    assert_eq!(config.people, default.people);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("clear-relay.example.toml");
    let file = std::fs::read_to_string(file).expect("the example is there");
    assert!(
        file == example(),
        "write it anew: cargo run -- config example > clear-relay.example.toml"
    );
}

#[test]
fn every_line_of_the_example_that_is_commented_out_is_a_key_that_is_known() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("secrets")).expect("made");
    let key = format!("whsec_{}=", "A".repeat(43));
    let next = format!("whsec_B{}=", "A".repeat(42));
    // Whatever a vendor's section names, and what some of them must look like.
    for line in example().lines() {
        if let Some((_, rest)) = line.split_once("\"secrets/") {
            let name = rest.split('"').next().expect("a name");
            let path = folder.path().join("secrets").join(name);
            std::fs::write(path, name.repeat(4)).expect("written");
        }
    }
    for (name, secret) in [
        ("keap-key", "k"),
        ("keap-oauth-secret", "s"),
        ("encryption-key", &"0a".repeat(32)),
        ("encryption-key-before", &"0b".repeat(32)),
        ("keap-hook-a", "aaaaaaaaaaaaaaaaaaaaaa"),
        ("keap-hook-b", "bbbbbbbbbbbbbbbbbbbbbb"),
        ("keap-automation-a", "cccccccccccccccccccccc"),
        ("portal-token", "t"),
        ("portal-webhook-a", &key),
        ("portal-webhook-b", &next),
        ("check-ins-webhook-a", &key),
        ("check-ins-webhook-b", &next),
    ] {
        std::fs::write(folder.path().join("secrets").join(name), secret).expect("written");
    }
    let mut uncommented = 0;
    let text = example().lines().fold(String::new(), |mut text, line| {
        let active = match line.strip_prefix('#') {
            Some(key) if !key.starts_with(' ') => {
                uncommented += 1;
                key
            }
            _ => line,
        };
        let _ = writeln!(text, "{active}");
        text
    });
    assert!(uncommented > 10, "{uncommented}");
    let config = Config::parse(&text, folder.path(), Variables::default()).expect("valid");
    assert_eq!(config.vendors.keap.hook_secrets.len(), 2);
    assert_eq!(config.vendors.keap.automation_secrets.len(), 1);
    let every = SignedDuration::from_mins(15);
    assert_eq!(config.vendors.keap.poll_opens, Some(every));
    assert_eq!(config.vendors.clear_connection.webhook_keys.len(), 2);
}

#[test]
fn a_list_of_coaches_to_act_for_names_somebody() {
    let read = |line: &str| parse(&format!("[procedures.missed_check_in]\n{line}\n"));
    assert_eq!(
        read("").expect("valid").procedures.missed_check_in.act_for,
        None
    );
    let some = read("act_for = [\"beth\"]").expect("valid");
    let some = some.procedures.missed_check_in.act_for.expect("a list");
    assert_eq!(some.into_iter().collect::<Vec<_>>(), ["beth".into()]);
    for empty in ["act_for = []", "act_for = [\"\"]"] {
        let error = read(empty).expect_err("refused");
        let keys = mistake_keys(&error);
        assert_eq!(keys, BTreeSet::from(["procedures.missed_check_in.act_for"]));
    }
}

#[test]
fn all_mistakes_are_reported_at_once_each_with_key_fault_and_remedy() {
    let text = r#"
        [http]
        listen = "everywhere"
        [clinic]
        zone = "Mars/Olympus"
        portal_hours = "18:00-09:00"
        outreach_hours = "early"
        holidays = ["tomorrow"]
        [keap]
        mode = "on"
        base_url = "http://api.example.test"
        header = "cookie"
        card_removal = "burn"
        watch_minutes = 0
        current_hook_secret = "b"
        poll_opens_minutes = 1441
        [keap.hook_secrets]
        a = "short"
        [keap.tags]
        pause = "follow-up: REPLIED "
        [keap.automation_secrets]
        b = "with/a/slash/and/enough/letters"
        [clear_connection]
        mode = "on"
        [clear_connection.fields]
        client_id = "data.client"
        patient = "/data/client"
        [clear_connection.capabilities]
        notes = "perhaps"
        [procedures.missed_check_in]
        mode = "send"
        [log]
        level = "a=b=c"
        [people.deputies]
        coach-1 = "coach-1"
    "#;
    let error = parse(text).expect_err("wrong");
    let expected = BTreeSet::from([
        "http.listen",
        "clinic.zone",
        "clinic.portal_hours",
        "clinic.outreach_hours",
        "clinic.holidays",
        "keap.key",
        "keap.base_url",
        "keap.header",
        "keap.card_removal",
        "keap.watch_minutes",
        "keap.current_hook_secret",
        "keap.hook_secrets.a",
        "keap.tags.pause",
        "keap.automation_secrets.b",
        "keap.poll_opens_minutes",
        "clear_connection.base_url",
        "clear_connection.token",
        "clear_connection.webhook_keys",
        "clear_connection.fields.client_id",
        "clear_connection.fields.patient",
        "clear_connection.capabilities.notes",
        "procedures.missed_check_in.mode",
        "log.level",
        "people.deputies.coach-1",
    ]);
    assert_eq!(mistake_keys(&error), expected);
    for mistake in &error.mistakes {
        assert!(
            !mistake.wrong.is_empty() && !mistake.remedy.is_empty(),
            "{mistake}"
        );
        assert!(error.to_string().contains(&mistake.to_string()));
    }
}

#[test]
fn an_address_that_cannot_be_the_vendors_is_a_mistake_that_names_the_right_one() {
    let keap = "https://api.keap.com/crm";
    for (wrong, right) in [
        ("https://api.keap.com/crm/rest", keap),
        ("https://api.keap.com/crm/rest/", keap),
        ("https://api.keap.com/crm/rest/v1", keap),
        ("https://api.keap.com/crm/rest/v2", keap),
        ("https://api.keap.com", keap),
        ("https://api.infusionsoft.com/token", keap),
        (
            "https://accounts.infusionsoft.com/app/oauth/authorize",
            keap,
        ),
        ("https://mine.infusionsoft.com/crm", keap),
        (
            "http://127.0.0.1:9000/keap/crm/rest/v2",
            "http://127.0.0.1:9000/keap/crm",
        ),
        (
            "https://proxy.example.test/keap/rest",
            "https://proxy.example.test/keap",
        ),
    ] {
        let error = parse(&format!("[keap]\nbase_url = {wrong:?}")).expect_err("wrong");
        assert_eq!(
            mistake_keys(&error),
            BTreeSet::from(["keap.base_url"]),
            "{wrong}"
        );
        let remedy = &error.mistakes[0].remedy;
        assert!(remedy.contains(&format!("{right:?}")), "{wrong}: {remedy}");
    }
    for right in [
        keap,
        "https://api.infusionsoft.com/crm/",
        "http://127.0.0.1:9000/keap/crm",
        "https://proxy.example.test/keap",
    ] {
        parse(&format!("[keap]\nbase_url = {right:?}")).expect("right");
    }
    let portal = "[clear_connection]\nbase_url = \"https://portal.example.test/api/coaches\"";
    let error = parse(portal).expect_err("wrong");
    assert_eq!(
        mistake_keys(&error),
        BTreeSet::from(["clear_connection.base_url"])
    );
    let remedy = &error.mistakes[0].remedy;
    assert!(
        remedy.contains("\"https://portal.example.test/api\""),
        "{remedy}"
    );
    let oauth = "[keap.oauth]\ntoken_url = \"https://api.infusionsoft.com/crm\"\n\
                 authorize_url = \"https://accounts.infusionsoft.com/\"";
    let error = parse(oauth).expect_err("wrong");
    let keys = BTreeSet::from(["keap.oauth.token_url", "keap.oauth.authorize_url"]);
    assert_eq!(mistake_keys(&error), keys);
}

#[test]
fn an_unknown_key_is_a_mistake_and_the_nearest_known_one_is_suggested() {
    let text =
        "[keap]\nmod = \"on\"\nzebra = 1\n[procedures.missed_checkin]\nmode = \"act\"\n[stoer]";
    let error = parse(text).expect_err("wrong");
    let remedy = |key: &str| {
        let mistake = error.mistakes.iter().find(|mistake| mistake.key == key);
        mistake.expect("reported").remedy.clone()
    };
    assert_eq!(remedy("keap.mod"), "did you mean \"mode\"?");
    assert_eq!(remedy("stoer"), "did you mean \"store\"?");
    assert_eq!(
        remedy("procedures.missed_checkin"),
        "did you mean \"missed_check_in\"?"
    );
    assert!(remedy("keap.zebra").starts_with("known here: mode, "));
}

#[test]
fn the_environment_overrides_the_file_and_may_give_flags_and_lists() {
    let text = "[procedures.missed_check_in]\nmode = \"propose\"\n[keap.coaching]\nplan_ids = [1]";
    let env = [
        ("CLEAR_RELAY__PROCEDURES__MISSED_CHECK_IN__MODE", "act"),
        ("CLEAR_RELAY__KEAP__COACHING__PLAN_IDS", "12, 15"),
        (
            "CLEAR_RELAY__CLEAR_CONNECTION__CAPABILITIES__NOTES",
            "false",
        ),
        ("CLEAR_RELAY__HTTP__LISTEN", "127.0.0.1:0"),
        ("OTHER__HTTP__LISTEN", "nonsense"),
    ];
    let config = parse_env(text, &env).expect("valid");
    assert_eq!(config.procedures.missed_check_in.mode, Mode::Act);
    assert_eq!(config.vendors.keap.coaching.plan_ids, ["12", "15"]);
    assert!(!config.vendors.clear_connection.capabilities.notes);
    assert_eq!(config.http.listen.port(), 0);
}

#[test]
fn a_secret_may_stand_in_a_file_and_not_in_two_places() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("key"), "s3cret\nsecond line\n").expect("written");
    let read = |text: &str| Config::parse(text, folder.path(), Variables::default());
    let config = read("[keap]\nmode = \"on\"\nkey_file = \"key\"").expect("valid");
    let key = config.vendors.keap.key.expect("a key");
    assert_eq!(key.expose_secret(), "s3cret");
    let twice = read("[keap]\nkey_file = \"key\"\nkey = \"other\"").expect_err("twice");
    assert_eq!(mistake_keys(&twice), BTreeSet::from(["keap.key"]));
    let missing = read("[keap]\nkey_file = \"nowhere\"").expect_err("missing");
    assert_eq!(mistake_keys(&missing), BTreeSet::from(["keap.key_file"]));
}

#[test]
fn of_a_long_file_only_the_first_line_is_read_and_a_line_without_end_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let rest = vec![0xff_u8; 100_000];
    std::fs::write(
        folder.path().join("key"),
        [b"s3cret\n", rest.as_slice()].concat(),
    )
    .expect("written");
    std::fs::write(folder.path().join("log"), "x".repeat(100_000)).expect("written");
    let read = |text: &str| Config::parse(text, folder.path(), Variables::default());
    let config = read("[keap]\nmode = \"on\"\nkey_file = \"key\"").expect("valid");
    assert_eq!(
        config.vendors.keap.key.expect("a key").expose_secret(),
        "s3cret"
    );
    let endless = read("[keap]\nkey_file = \"log\"").expect_err("no secret");
    assert_eq!(mistake_keys(&endless), BTreeSet::from(["keap.key_file"]));
    assert!(endless.to_string().contains("too long"), "{endless}");
}

#[test]
fn a_secret_is_never_shown_not_even_when_everything_about_it_is_wrong() {
    let texts = [
        format!("[keap]\nmode = \"on\"\nkey = \"{CANARY}\""),
        format!("[keap]\nkey = \"{CANARY}\"\nkey_file = \"also\""),
        format!(
            "[keap.hook_secrets]\na = \"{CANARY} with spaces\"\nab = \"{CANARY}\"\nab_file = \"x\""
        ),
        format!("[clear_connection.webhook_keys]\na = \"{CANARY}\""),
        format!("[clear_connection]\ntoken = \"{CANARY}\" oops"),
        format!("[clear_connection]\ntoken = {CANARY}"),
        format!("[keap]\nbase_url = \"https://user:{CANARY}@host.example.test/\""),
        format!("[store]\npath = \"postgres://relay:{CANARY}@db/relay\""),
    ];
    for text in texts {
        let shown = match parse(&text) {
            Ok(config) => format!("{config:?}"),
            Err(error) => format!("{error} {error:?}"),
        };
        assert!(!shown.contains(CANARY), "{shown}");
    }
}

#[test]
fn a_syntax_error_names_its_line() {
    let error = parse("[keap]\nmode = \"on\"\nkey = oops oops\n").expect_err("wrong");
    assert_eq!(error.mistakes[0].key, "line 3");
}

#[test]
fn time_is_scaled_only_when_every_address_is_on_this_machine() {
    let live = parse("").expect("valid");
    live.check_time_scale(1).expect("not scaled");
    let error = live.check_time_scale(60).expect_err("Keap is live");
    assert_eq!(mistake_keys(&error), BTreeSet::from(["keap.base_url"]));
    let half = parse(
        "[keap]\nbase_url = \"http://127.0.0.1:9000/keap\"\n\
         [clear_connection]\nbase_url = \"https://portal.example.test/\"",
    );
    let error = half
        .expect("valid")
        .check_time_scale(60)
        .expect_err("the portal is live");
    assert_eq!(
        mistake_keys(&error),
        BTreeSet::from(["clear_connection.base_url"])
    );
    let sandbox = parse(
        "[keap]\nbase_url = \"http://localhost:9000/keap\"\n\
         [clear_connection]\nbase_url = \"http://[::1]:9000/clear-connection\"",
    );
    let sandbox = sandbox.expect("valid");
    sandbox.check_time_scale(60).expect("all on this machine");
    assert!(sandbox.check_time_scale(0).is_err());
}

#[test]
fn webhook_keys_have_between_24_and_64_bytes() {
    for (bytes, valid) in [(23, false), (24, true), (32, true), (64, true), (65, false)] {
        let digits = (bytes * 8_usize).div_ceil(6);
        let padding = "=".repeat((4 - digits % 4) % 4);
        let key = format!("whsec_{}{padding}", "A".repeat(digits));
        let text = format!("[clear_connection.webhook_keys]\na = \"{key}\"");
        assert_eq!(parse(&text).is_ok(), valid, "{bytes}");
    }
}

#[test]
fn the_current_hook_secret_is_the_named_one_else_the_last() {
    let secret = |id: &str| format!("{id} = \"{}\"\n", id.repeat(22));
    let two = format!("[keap.hook_secrets]\n{}{}", secret("b"), secret("a"));
    let config = parse(&two).expect("valid");
    assert_eq!(config.vendors.keap.current_hook_secret(), Some("b"));
    let named = format!("[keap]\ncurrent_hook_secret = \"a\"\n{two}");
    let config = parse(&named).expect("valid");
    assert_eq!(config.vendors.keap.current_hook_secret(), Some("a"));
    assert_eq!(config.vendors.keap.watch_minutes, 5);
    let none = parse("").expect("valid");
    assert_eq!(none.vendors.keap.current_hook_secret(), None);
}

#[test]
fn the_limits_of_a_vendor_have_defaults_and_may_be_written() {
    let config = parse("").expect("valid");
    let keap = config.vendors.keap.limits;
    assert_eq!(keap.limits.rate, Some(Rate::per_minute(60, 3)));
    assert_eq!(keap.limits.reserve_percent, 10);
    assert!(keap.obey_quota);
    assert_eq!(
        config.vendors.clear_connection.limits.limits,
        Limits::none()
    );
    let text = "[keap.limits]\ncalls_per_minute = 30\nreserve_percent = 0\nobey_quota = false\n\
                [clear_connection.limits]\ncalls_per_minute = 600\nburst = 20\n\
                breaker_failures = 9\ntell_after_minutes = 5\n";
    let config = parse(text).expect("valid");
    let keap = config.vendors.keap.limits;
    assert_eq!(keap.limits.rate, Some(Rate::per_minute(30, 3)));
    assert_eq!((keap.limits.reserve_percent, keap.obey_quota), (0, false));
    let portal = config.vendors.clear_connection.limits.limits;
    assert_eq!(portal.rate, Some(Rate::per_minute(600, 20)));
    assert_eq!(portal.breaker.failures, 9);
    assert_eq!(portal.tell_after, SignedDuration::from_mins(5));
}

#[test]
fn every_mistake_in_limits_is_told_at_once() {
    let text = "[keap.limits]\ncalls_per_minute = 0\nburst = 20000\nreserve_percent = 90\n\
                obey_quota = \"perhaps\"\nbreaker_failures = -1\ntell_after_minutes = 0\n\
                per_second = 2\n[clear_connection.limits]\nburst = 3\n";
    let error = parse(text).expect_err("refused");
    let keys = [
        "clear_connection.limits.burst",
        "keap.limits.breaker_failures",
        "keap.limits.burst",
        "keap.limits.calls_per_minute",
        "keap.limits.obey_quota",
        "keap.limits.per_second",
        "keap.limits.reserve_percent",
        "keap.limits.tell_after_minutes",
    ];
    assert_eq!(mistake_keys(&error), BTreeSet::from(keys));
    let told = error.to_string();
    assert!(told.contains("a whole number from 1 to 6000"), "{told}");
}
