//! What the watch restores, what it leaves alone, and when a person hears.

use clear_relay::cli::hooks::HooksCommand;
use clear_relay::cli::{Output, hooks};
use clear_relay::engine::sync::hook_watch;
use clear_relay::sandbox::clinic::HOOK_SECRET;
use http::{HeaderMap, HeaderValue};
use serde_json::json;

use super::{Way, watched};
use crate::edge::clinic::Clinic;
use crate::support::tools::Tools as _;

#[tokio::test]
async fn a_subscription_that_is_switched_off_is_awake_again_at_the_next_look() {
    let (clinic, _) = watched(5, |_| ()).await;
    clinic.pass(1).await;
    clinic.keap(json!({ "act": "deactivate_hooks" }));
    clinic.pass(5).await;
    assert_eq!(clinic.at_keap().await, ["Verified"; 6]);
    assert!(clinic.work().await.is_empty(), "restored by itself");
}

#[tokio::test]
async fn a_subscription_that_was_deleted_is_made_again_and_once() {
    let (clinic, _) = watched(5, |_| ()).await;
    clinic.pass(1).await;
    let stranger = clinic.stranger();
    let key = stranger.hooks().await.expect("a list")[0].key.clone();
    stranger
        .delete_hook(&key.expect("a key"))
        .await
        .expect("gone");
    // The answer to the making is lost: it is looked for, not made again.
    clinic.fault(
        "keap",
        json!({ "operation": "create_hook", "moment": "after", "act": "hang" }),
    );
    clinic.pass(30).await;
    assert_eq!(clinic.at_keap().await, ["Verified"; 6]);
    assert_eq!(clinic.count("create_hook"), 7);
}

#[tokio::test]
async fn an_event_that_the_account_does_not_offer_is_no_trouble() {
    let (clinic, _) = watched(5, |_| ()).await;
    clinic.pass(1).await;
    let stranger = clinic.stranger();
    let hooks = stranger.hooks().await.expect("a list");
    let complete = hooks
        .iter()
        .find(|hook| hook.event_key.as_deref() == Some("task.complete"))
        .and_then(|hook| hook.key.clone());
    stranger
        .delete_hook(&complete.expect("a key"))
        .await
        .expect("gone");
    let keap = &clinic.world.vendors.keap();
    keap.configure(|settings| settings.unoffered_events = vec!["task.complete".to_owned()]);
    clinic.pass(24 * 60).await;
    assert_eq!(clinic.at_keap().await, ["Verified"; 5]);
    assert!(clinic.work().await.is_empty());
    assert_eq!(clinic.count("create_hook"), 6, "never tried");
    let shown = shown(&clinic, &HooksCommand::List).await;
    assert!(shown.contains("not offered by this account"), "{shown}");
}

#[tokio::test]
async fn what_cannot_be_mended_is_tried_less_and_less_often_and_is_one_item_for_the_admin() {
    let (clinic, door) = watched(5, |_| ()).await;
    clinic.pass(1).await;
    door.set(Way::Unavailable);
    clinic.keap(json!({ "act": "deactivate_hooks" }));
    clinic.pass(14).await;
    assert!(clinic.work().await.is_empty(), "not yet");
    clinic.pass(24 * 60).await;
    let tried = door.answers().len();
    assert!((5 * 8..5 * 16).contains(&tried), "{tried}");
    let work = clinic.work().await;
    let kinds: Vec<_> = work.iter().map(|item| item.kind.as_str()).collect();
    assert_eq!(kinds, ["hooks"]);
    let detail = work[0].detail.to_string();
    assert!(detail.contains("http.public_url"), "{detail}");
    assert!(!detail.contains(HOOK_SECRET), "{detail}");
    door.set(Way::Open);
    clinic.pass(7 * 60).await;
    assert!(clinic.work().await.is_empty(), "settled by itself");
}

#[tokio::test]
async fn a_look_that_fails_is_tried_again_and_one_event_that_fails_stops_no_other() {
    let (clinic, _) = watched(5, |_| ()).await;
    clinic.pass(1).await;
    clinic.keap(json!({ "act": "deactivate_hooks" }));
    clinic.fault(
        "keap",
        json!({ "operation": "list_hooks", "moment": "before", "act": "hang" }),
    );
    clinic.fault(
        "keap",
        json!({ "operation": "verify_hook", "moment": "before", "act": "status", "code": 400 }),
    );
    clinic.pass(6).await;
    let statuses = clinic.at_keap().await;
    let active = statuses.iter().filter(|status| *status == "Verified");
    assert_eq!(active.count(), 5, "{statuses:?}");
    clinic.pass(10).await;
    assert_eq!(clinic.at_keap().await, ["Verified"; 6]);
}

#[tokio::test]
async fn a_handshake_is_answered_only_while_one_is_asked_for() {
    let (clinic, _) = watched(5, |_| ()).await;
    clinic.pass(1).await;
    let mut headers = HeaderMap::new();
    headers.insert("x-hook-secret", HeaderValue::from_static("a1b2"));
    let path = format!("hooks/keap/{HOOK_SECRET}");
    let answer = clinic.post(&path, headers.clone(), "{}").await;
    assert_eq!(answer.status, 404);
    assert!(answer.headers.get("x-hook-secret").is_none());

    // A stranger who knows the address can't have it verified either.
    let url = clinic.world.relay_url().join(&path).expect("an address");
    let made = clinic.stranger().create_hook("order.add", &url).await;
    assert_eq!(made.expect("made").status.as_deref(), Some("Unverified"));

    // Another process asks: the moment until which it may be answered is in the store.
    let until = |seconds: i64| {
        let until = relay_core::time::Clock::now(&*clinic.world.real)
            + relay_core::time::SignedDuration::from_secs(seconds);
        let op = relay_store::Op::PutSetting {
            key: "hook_handshake/keap".to_owned(),
            value: json!(until),
        };
        clinic.store().commit(vec![op].into())
    };
    until(1).await.expect("stored");
    let answer = clinic.post(&path, headers.clone(), "{}").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["x-hook-secret"], "a1b2");
    until(0).await.expect("stored");
    assert_eq!(clinic.post(&path, headers, "{}").await.status, 404);
}

#[tokio::test]
async fn the_watch_makes_nothing_before_a_person_has_made_the_first() {
    let (clinic, _) = watched(5, |_| ()).await;
    let stranger = clinic.stranger();
    for hook in stranger.hooks().await.expect("a list") {
        stranger
            .delete_hook(&hook.key.expect("a key"))
            .await
            .expect("gone");
    }
    clinic.pass(60).await;
    assert!(clinic.at_keap().await.is_empty());
    let engine = &clinic.world.relay.engine;
    hook_watch::sync_hooks(engine, clear_relay::ports::SyncWish::default())
        .await
        .expect("made");
    assert_eq!(clinic.at_keap().await, ["Verified"; 6]);
}

/// What a command shows, as text and as JSON.
pub(super) async fn shown(clinic: &Clinic, command: &HooksCommand) -> String {
    let mut both = String::new();
    for json in [false, true] {
        let mut bytes = Vec::new();
        let mut out = Output::new(&mut bytes, json);
        let done = hooks::run(&clinic.world.relay.engine, command, &mut out).await;
        if let Err(error) = done {
            both.push_str(&error.to_string());
        }
        both.push_str(&String::from_utf8(bytes).expect("text"));
    }
    both
}

#[tokio::test]
async fn a_subscription_that_keap_verifies_after_its_answer_is_nobodys_fault() {
    let (clinic, door) = watched(24 * 60, |_| ()).await;
    let keap = &clinic.world.vendors.keap();
    keap.configure(|settings| settings.verified_late = true);
    clinic.keap(json!({ "act": "deactivate_hooks" }));
    let wish = clear_relay::ports::SyncWish::default;
    let synced = clinic.world.relay.hooks.sync(wish()).await.expect("a sync");
    for hook in &synced.hooks {
        assert_eq!(
            (hook.status.as_str(), &hook.problem),
            ("Verified", &None),
            "{}",
            hook.event
        );
    }
    // Where the handshake has not come yet, the window stays open for it, and nobody is blamed.
    clinic.keap(json!({ "act": "deactivate_hooks" }));
    door.set(Way::Swallowed);
    let synced = clinic.world.relay.hooks.sync(wish()).await.expect("a sync");
    for hook in &synced.hooks {
        let problem = hook.problem.as_deref().expect("not verified");
        assert!(problem.contains("hooks list"), "{problem}");
    }
    let window = clinic
        .store()
        .setting("hook_handshake/keap")
        .await
        .expect("a store");
    assert!(window.is_some_and(|until| !until.is_null()), "still open");
}
