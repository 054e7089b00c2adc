//! A secret path that has leaked, or is simply old: E74.

use clear_relay::cli::hooks::{HooksCommand, ReceiptsArgs, SyncArgs};
use clear_relay::cli::{DryRun, Paging};
use clear_relay::engine::sync::hook_watch;
use clear_relay::ports::SyncWish;
use clear_relay::sandbox::clinic::HOOK_SECRET;
use http::HeaderMap;
use relay_store::{CarefulWord, Op};
use serde_json::json;

use super::restore::shown;
use super::watched;
use crate::edge::clinic::{Clinic, Person};

const SECOND: &str = "another-hook-secret-0123456789abcdef0123";

fn two_secrets(text: &str) -> String {
    let one = format!("{{ first = \"{HOOK_SECRET}\" }}");
    let two = format!("{{ first = \"{HOOK_SECRET}\", second = \"{SECOND}\" }}");
    assert!(text.contains(&one));
    text.replace(&one, &two)
}

fn only_the_second(text: &str) -> String {
    text.replace(&format!("first = \"{HOOK_SECRET}\", "), "")
}

fn sync(finish_rotation: bool, dry_run: bool) -> HooksCommand {
    HooksCommand::Sync(SyncArgs {
        finish_rotation,
        dry_run: DryRun { dry_run },
    })
}

async fn two() -> Clinic {
    let (mut clinic, _) = watched(5, |_| ()).await;
    clinic.pass(1).await;
    clinic
        .world
        .reconfigure(two_secrets)
        .await
        .expect("a restart");
    clinic.pass(10).await;
    clinic
}

/// Which path each of our subscriptions sends to.
async fn paths(clinic: &Clinic) -> Vec<String> {
    let registry = &clinic.world.relay.engine.ports.hooks;
    let listed = registry.list().await.expect("a list");
    listed
        .into_iter()
        .map(|hook| hook.path.unwrap_or_default())
        .collect()
}

async fn knock(clinic: &Clinic, secret: &str, id: u64) -> u16 {
    let body = json!({ "event_key": "contact.edit", "object_keys": [{ "id": id }] });
    let path = format!("hooks/keap/{secret}");
    let answer = clinic
        .post(&path, HeaderMap::new(), &body.to_string())
        .await;
    answer.status.as_u16()
}

#[tokio::test]
async fn e74_subscriptions_move_to_the_new_path_and_the_old_one_is_answered_until_it_is_closed() {
    let clinic = two().await;
    assert_eq!(
        paths(&clinic).await,
        ["first"; 6],
        "nothing moves by itself"
    );
    let would = shown(&clinic, &sync(false, true)).await;
    assert_eq!(would.matches("move from first").count(), 12, "{would}");
    assert_eq!(paths(&clinic).await, ["first"; 6], "looked only");

    let done = shown(&clinic, &sync(false, false)).await;
    assert_eq!(paths(&clinic).await, ["second"; 6]);
    assert_eq!(clinic.at_keap().await, ["Verified"; 6]);
    assert_eq!(clinic.count("update_hook"), 6);
    assert_eq!(clinic.count("delete_hook"), 0);
    assert_eq!(
        knock(&clinic, HOOK_SECRET, 1).await,
        200,
        "both are answered"
    );
    assert_eq!(knock(&clinic, SECOND, 2).await, 200);

    let closed = shown(&clinic, &sync(true, false)).await;
    assert!(
        closed.contains("the path of secret first is closed"),
        "{closed}"
    );
    assert_eq!(knock(&clinic, HOOK_SECRET, 3).await, 404);
    assert_eq!(knock(&clinic, SECOND, 4).await, 200);

    let list = shown(&clinic, &HooksCommand::List).await;
    for text in [would, done, closed, list] {
        for secret in [HOOK_SECRET, SECOND] {
            assert!(!text.contains(secret), "a secret is shown: {text}");
        }
    }
}

#[tokio::test]
async fn e74_a_closed_path_stays_closed_in_every_process_and_after_a_restart() {
    let mut clinic = two().await;
    // By command, in another process.
    let other = clinic.world.second().await.expect("a second process");
    let wish = SyncWish {
        finish_rotation: true,
        ..SyncWish::default()
    };
    let synced = hook_watch::sync_hooks(&other.engine, wish)
        .await
        .expect("synced");
    assert_eq!(synced.closed, ["first"]);
    clinic.pass(6).await;
    assert_eq!(knock(&clinic, HOOK_SECRET, 1).await, 404);
    clinic.world.restart().await.expect("a restart");
    let at_once = knock(&clinic, HOOK_SECRET, 2).await;
    assert_eq!(at_once, 404, "before anybody has asked Keap");
    clinic.settle().await;
    clinic.pass(6).await;
    assert_eq!(knock(&clinic, HOOK_SECRET, 3).await, 404);
    clinic
        .world
        .reconfigure(only_the_second)
        .await
        .expect("a restart");
    clinic.pass(6).await;
    assert_eq!(clinic.at_keap().await, ["Verified"; 6]);
    assert_eq!(paths(&clinic).await, ["second"; 6]);
}

#[tokio::test]
async fn which_paths_are_closed_cant_be_read_and_only_the_current_one_is_answered() {
    let mut clinic = two().await;
    assert_eq!(knock(&clinic, HOOK_SECRET, 1).await, 200);
    for said in [json!("a word that nobody knows"), json!({ "first": 7 })] {
        let op = Op::PutSetting {
            key: CarefulWord::ClosedPaths.key().to_owned(),
            value: said,
        };
        let store = &clinic.world.relay.engine.store;
        store.commit(vec![op].into()).await.expect("stored");
        clinic.world.restart().await.expect("a restart");
        assert_eq!(knock(&clinic, HOOK_SECRET, 2).await, 404);
        assert_eq!(knock(&clinic, SECOND, 3).await, 200);
    }
    // Somebody says anew which are.
    let wish = SyncWish {
        finish_rotation: true,
        ..SyncWish::default()
    };
    let synced = hook_watch::sync_hooks(&clinic.world.relay.engine, wish).await;
    assert_eq!(synced.expect("synced").closed, ["first"]);
}

#[tokio::test]
async fn no_path_is_closed_while_a_subscription_still_sends_there() {
    let clinic = two().await;
    clinic.fault(
        "keap",
        json!({ "operation": "update_hook", "moment": "before", "act": "status", "code": 503 }),
    );
    let wish = SyncWish {
        finish_rotation: true,
        ..SyncWish::default()
    };
    let engine = &clinic.world.relay.engine;
    let refused = hook_watch::sync_hooks(engine, wish.clone())
        .await
        .expect_err("refused");
    let why = std::error::Error::source(&refused)
        .expect("a cause")
        .to_string();
    assert!(why.contains("no path is closed before"), "{why}");
    assert_eq!(paths(&clinic).await[0], "first");
    assert_eq!(knock(&clinic, HOOK_SECRET, 1).await, 200);
    // Asked again, it goes through.
    let synced = hook_watch::sync_hooks(engine, wish).await.expect("synced");
    assert_eq!(synced.closed, ["first"]);
}

#[tokio::test]
async fn where_keap_refuses_to_change_an_address_another_is_made_and_the_old_one_deleted() {
    let clinic = two().await;
    clinic.fault(
        "keap",
        json!({ "operation": "update_hook", "moment": "before", "act": "status", "code": 400,
                "times": 6 }),
    );
    shown(&clinic, &sync(false, false)).await;
    assert_eq!(clinic.at_keap().await, ["Verified"; 6]);
    assert_eq!(paths(&clinic).await, ["second"; 6]);
    assert_eq!(clinic.count("delete_hook"), 6);
}

#[tokio::test]
async fn what_is_told_while_it_moves_is_read_back() {
    let jo = Person::jo();
    let clinic = two().await;
    clinic.join(&jo);
    clinic.until("2026-11-06 12:00").await;
    // On its way when the address changes: Keap forgets it.
    clinic.keap(json!({ "act": "complete_task", "contact": 202, "text": "Outcome: voicemail" }));
    clinic.pass(0).await;
    shown(&clinic, &sync(false, false)).await;
    clinic.pass(10).await;
    assert_eq!(clinic.recovered("task").await, 1);
    assert!(clinic.work_kinds(&jo).await.is_empty());
}

#[tokio::test]
async fn what_is_there_twice_is_removed_and_what_is_somebody_elses_is_left_alone() {
    let (clinic, _) = watched(5, |_| ()).await;
    clinic.pass(1).await;
    let stranger = clinic.stranger();
    let ours = clinic
        .world
        .relay_url()
        .join(&format!("hooks/keap/{HOOK_SECRET}"));
    let ours = ours.expect("an address");
    let foreign = "https://other.example.test/hooks/keap/x"
        .parse()
        .expect("an address");
    for url in [&ours, &foreign] {
        stranger
            .create_hook("contact.edit", url)
            .await
            .expect("made");
    }
    assert_eq!(clinic.at_keap().await.len(), 8);
    let would = shown(&clinic, &sync(false, true)).await;
    assert!(would.contains("remove 7, one of ours too many"), "{would}");
    shown(&clinic, &sync(false, false)).await;
    let left = stranger.hooks().await.expect("a list");
    let keys: Vec<_> = left.iter().filter_map(|hook| hook.key.as_deref()).collect();
    assert_eq!(keys, ["1", "2", "3", "4", "5", "6", "8"]);
    let again = shown(&clinic, &sync(false, false)).await;
    assert!(!again.contains("remove"), "nothing is left to do: {again}");
}

#[tokio::test]
async fn e74_what_came_under_a_leaked_secret_can_be_listed() {
    let clinic = two().await;
    let before = clinic.world.now();
    assert_eq!(knock(&clinic, HOOK_SECRET, 1).await, 200);
    assert_eq!(knock(&clinic, SECOND, 2).await, 200);
    clinic.pass(60).await;
    let later = clinic.world.now();
    assert_eq!(knock(&clinic, HOOK_SECRET, 3).await, 200);
    clinic.settle().await;
    let list = |key: &str, since| {
        HooksCommand::Receipts(ReceiptsArgs {
            key: key.to_owned(),
            since,
            paging: Paging {
                limit: 100,
                offset: 0,
            },
        })
    };
    let all = shown(&clinic, &list("first", Some(before))).await;
    assert_eq!(all.matches("contact.edit: 1 objects").count(), 4, "{all}");
    let late = shown(&clinic, &list("first", Some(later))).await;
    assert_eq!(late.matches("contact.edit: 1 objects").count(), 2, "{late}");
    let none = shown(&clinic, &list("third", None)).await;
    assert!(none.contains("nothing was let in under third"), "{none}");
}

#[test]
fn the_commands_are_asked_for_as_the_documentation_says() {
    use clap::Parser as _;
    use clear_relay::cli::{Cli, Command};
    let parse = |line: &str| {
        let words = std::iter::once("clear-relay").chain(line.split(' '));
        Cli::try_parse_from(words).map(|cli| cli.command)
    };
    let receipts = parse("hooks receipts --key first --since 2026-11-03T09:00:00Z");
    let Ok(Command::Hooks(HooksCommand::Receipts(args))) = receipts else {
        panic!("{receipts:?}")
    };
    assert_eq!(
        args.since,
        Some("2026-11-03T09:00:00Z".parse().expect("a time"))
    );
    assert!(parse("hooks receipts").is_err(), "of which key?");
    assert!(parse("hooks receipts --key a --since yesterday").is_err());
    let sync_command = sync(true, true);
    let asked = parse("hooks sync --finish-rotation --dry-run").expect("a command");
    assert_eq!(asked, Command::Hooks(sync_command));
}
