//! A person connects: through the relay's route, by pasting, and not by somebody else's word.

use clap::Parser as _;
use clear_relay::cli::{Cli, Output, run};
use clear_relay::ports::{Authorize as _, CameBack, ConnectError, ConnectionState};
use clear_relay::wiring::store::SqliteStores;
use http::StatusCode;
use relay_core::time::SignedDuration;
use relay_keap::emulator::Consent;
use relay_store::{Page, Store as _};

use super::rig::{Clinic, TOKEN, minutes, visit};
use crate::support::tools::Tools as _;

#[tokio::test]
async fn a_person_connects_through_the_relays_route_and_the_page_shows_no_code() {
    let clinic = Clinic::new();
    let relay = clinic.relay().await;
    let process = clinic.process("first").await;
    assert_eq!(process.status().await.state, ConnectionState::NotConnected);
    let refused = process.works().await.expect_err("no tokens");
    assert!(
        refused.message.contains("clear-relay connect keap"),
        "{refused}"
    );

    let begun = relay.authorize[0].begin("Robin").await.expect("begun");
    let back = clinic.agrees(&begun).await;
    let (status, text) = visit(&relay, &back).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        text,
        "Connected to zz999.infusionsoft.test. You can close this page.\n"
    );
    process.must_work().await;
    let status = process.status().await;
    assert_eq!(status.state, ConnectionState::Fresh);
    assert_eq!((status.problem, status.remedy), (None, None));
    let audit = clinic.store().await.audit(Page::default()).await;
    let audit: Vec<_> = audit
        .expect("an audit log")
        .into_iter()
        .map(|entry| (entry.who, entry.what))
        .collect();
    let expected = [("relay", "connect"), ("Robin", "connect.begin")];
    assert_eq!(
        audit,
        expected.map(|(who, what)| (who.to_owned(), what.to_owned()))
    );
}

#[tokio::test]
async fn a_word_works_once_for_ten_minutes_and_a_strangers_guess_spoils_nothing() {
    let clinic = Clinic::new();
    let relay = clinic.relay().await;
    let begun = relay.authorize[0].begin("Robin").await.expect("begun");
    let back = clinic.agrees(&begun).await;
    let code = |url: &url::Url| {
        let mut pairs = url.query_pairs();
        let (_, code) = pairs.find(|(name, _)| name == "code").expect("a code");
        code.into_owned()
    };
    let nothing = "https://relay.test/oauth/keap/callback";
    let guess = format!("{nothing}?state=guess&code={}", code(&back));
    for wrong in [nothing, &guess, &format!("{nothing}?state=&code=x")] {
        let wrong = wrong.parse().expect("an address");
        let (status, text) = visit(&relay, &wrong).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{text}");
        assert!(!text.contains(&code(&back)), "{text}");
    }
    let (status, text) = visit(&relay, &back).await;
    assert_eq!(status, StatusCode::OK, "the real one still counts: {text}");
    let (status, _) = visit(&relay, &back).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "once");

    let begun = relay.authorize[0].begin("Robin").await.expect("begun");
    let late = clinic.agrees(&begun).await;
    clinic.pass(minutes(10));
    let (status, _) = visit(&relay, &late).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "too late");
    let older = relay.authorize[0].begin("Robin").await.expect("begun");
    let older = clinic.agrees(&older).await;
    relay.authorize[0].begin("Robin").await.expect("begun anew");
    let (status, _) = visit(&relay, &older).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "replaced");
    assert_eq!(clinic.row().await.pair.version, 1);
}

#[tokio::test]
async fn no_other_vendor_has_such_a_route() {
    let clinic = Clinic::new();
    let relay = clinic.relay().await;
    let request = http::Request::get("/oauth/other/callback?state=x&code=y");
    let request = request.body(axum::body::Body::empty()).expect("a request");
    let answer = tower::ServiceExt::oneshot(relay.router(), request).await;
    assert_eq!(answer.expect("infallible").status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_pasted_address_connects_as_well_and_a_denied_one_changes_nothing() {
    let clinic = Clinic::with(|oauth| oauth.consent = Consent::Denied);
    let process = clinic.process("first").await;
    let begun = process.connection.begin("Robin").await.expect("begun");
    let denied = clinic.agrees(&begun).await;
    let denied = CameBack::read(denied.as_str()).expect("an answer");
    let error = process.connection.finish(denied).await.expect_err("denied");
    assert!(matches!(error, ConnectError::Denied), "{error}");

    clinic
        .vendors
        .keap()
        .configure(|settings| settings.oauth.consent = Consent::Given);
    let begun = process.connection.begin("Robin").await.expect("begun");
    let back = format!("  {}\n", clinic.agrees(&begun).await);
    assert!(CameBack::read("https://relay.test/nothing").is_none());
    let pasted = CameBack::read(&back).expect("an address");
    let status = process.connection.finish(pasted).await.expect("connected");
    assert_eq!(status.tenant.as_deref(), Some("zz999.infusionsoft.test"));
    process.must_work().await;
}

#[tokio::test]
async fn another_account_is_not_connected_to_the_data_of_this_one() {
    let clinic = Clinic::new();
    let process = clinic.connected().await;
    clinic
        .vendors
        .keap()
        .configure(|settings| "other.infusionsoft.test".clone_into(&mut settings.tenant));
    let begun = process.connection.begin("Robin").await.expect("begun");
    let back = clinic.agrees(&begun).await;
    let back = CameBack::read(back.as_str()).expect("an answer");
    let error = process.connection.finish(back).await.expect_err("another");
    let text = error.to_string();
    assert!(text.contains("zz999.infusionsoft.test"), "{text}");
    assert!(text.contains("other.infusionsoft.test"), "{text}");
    assert_eq!(clinic.row().await.pair.version, 1);
}

async fn command(clinic: &Clinic, args: &[&str]) -> Result<serde_json::Value, String> {
    let file = clinic.database().with_extension("toml");
    let keys = format!("encryption_key = \"{}\"", super::rig::KEY);
    std::fs::write(&file, clinic.config_text(&keys)).expect("written");
    let file = file.to_str().expect("text");
    let args = [&["clear-relay", "--json", "--config", file], args].concat();
    let cli = Cli::try_parse_from(args).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    let done = run(&cli, &SqliteStores, &mut Output::new(&mut bytes, true)).await;
    done.map_err(|error| error.to_string())?;
    Ok(serde_json::from_slice(&bytes).expect("one document"))
}

#[tokio::test]
async fn the_commands_show_a_page_how_it_stands_and_no_secret() {
    let clinic = Clinic::new();
    clinic.connected().await;
    let status = command(&clinic, &["connect", "status"])
        .await
        .expect("told");
    let one = &status["connections"][0];
    assert_eq!(
        (&one["name"], &one["kind"]),
        (&"keap".into(), &"oauth".into())
    );
    assert_eq!(one["state"], "fresh");
    assert_eq!(one["tenant"], "zz999.infusionsoft.test");
    assert_eq!(one["access_expires_at"], "2026-11-04T16:00:00Z");
    assert_eq!(one["refresh_expires_at"], "2026-12-18T16:00:00Z");
    assert!(!status.to_string().contains(TOKEN), "{status}");

    let keap = ["connect", "keap", "--by", "Robin"];
    let preview = command(&clinic, &[&keap[..], &["--dry-run"]].concat()).await;
    assert!(preview.expect("told")["would"].is_string());
    let store = clinic.store().await;
    assert_eq!(store.authorization("keap").await.expect("a store"), None);
    let begun = command(&clinic, &keap).await.expect("begun");
    let page = begun["url"].as_str().expect("an address");
    assert!(
        page.starts_with("https://keap.test/app/oauth/authorize?"),
        "{page}"
    );
    assert!(
        page.contains("scope=full") && !page.contains("secret"),
        "{page}"
    );

    let pasted = clinic.database().with_extension("pasted");
    std::fs::write(&pasted, "https://relay.test/oauth/keap/callback?code=c").expect("written");
    let file = ["--code-file", pasted.to_str().expect("text")];
    let error = command(&clinic, &[&keap[..], &file].concat()).await;
    let error = error.expect_err("no state in it");
    assert!(error.contains("`code=` and `state=`"), "{error}");
}

#[tokio::test]
async fn a_new_key_is_printed_without_any_configuration_and_is_one() {
    let cli = Cli::try_parse_from(["clear-relay", "connect", "new-key"]).expect("a command");
    let mut bytes = Vec::new();
    let done = run(&cli, &SqliteStores, &mut Output::new(&mut bytes, false)).await;
    done.expect("a key");
    let text = String::from_utf8(bytes).expect("text");
    let key = secrecy::SecretString::from(text.trim());
    assert!(clear_relay::credentials::SealKey::read(&key).is_some());
}

#[tokio::test]
async fn a_lost_answer_to_a_code_leaves_what_there_was() {
    let clinic = Clinic::new();
    let process = clinic.connected().await;
    clinic.fault(
        "token_code",
        relay_http_client::emulation::Moment::After,
        relay_http_client::emulation::FaultAct::Hang,
        1,
    );
    let begun = process.connection.begin("Robin").await.expect("begun");
    let back = clinic.agrees(&begun).await;
    let back = CameBack::read(back.as_str()).expect("an answer");
    let error = process.connection.finish(back).await.expect_err("lost");
    assert!(error.to_string().contains("Begin anew"), "{error}");
    clinic.pass(SignedDuration::from_mins(1));
    process.must_work().await;
    assert_eq!(clinic.row().await.pair.version, 1);
}
