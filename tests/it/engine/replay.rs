//! What died or can't be told, and what people do about it.

use clear_relay::engine::commands::replay::Preview;
use clear_relay::engine::commands::{replay, work};
use clear_relay::engine::dispatcher;
use relay_core::case::{CaseStatus, Wait};
use relay_core::retry::Class;
use relay_store::{EffectState, JobState, Op};

use super::rig::Rig;
use super::world::Outcome;

#[tokio::test]
async fn a_dead_message_that_is_replayed_goes_out_and_its_case_goes_on() {
    let rig = Rig::new().await;
    let case = rig.missed().await;
    let refused = Outcome::Fails(Class::Permanent);
    rig.world.now().outcomes.push_back(refused);
    rig.clock.set("2026-11-04T09:00:00-07:00".parse().unwrap());
    rig.drain().await;
    let effect = rig.store.effects(case).await.unwrap().remove(0);
    assert_eq!(effect.state, EffectState::Dead);
    let job = rig.jobs("effect").await.remove(0);

    let preview = replay::replay(&rig.engine, job.id, "admin").await.unwrap();
    assert_eq!(preview, Preview::WillSend);
    rig.drain().await;
    assert!(
        rig.world.now().accepted.is_empty(),
        "it may show up yet that the refused one went out"
    );
    rig.pass(3).await;

    assert_eq!(rig.world.now().accepted.len(), 1);
    let case = rig.case(case).await;
    assert_eq!(case.status, CaseStatus::Open);
    assert!(matches!(case.wait, Some(Wait::Timer { .. })));
    let again = replay::replay(&rig.engine, job.id, "admin").await.unwrap();
    assert!(matches!(again, Preview::Nothing { .. }));
    assert!(rig.work("dead_job").await.is_empty());
}

#[tokio::test]
async fn a_dead_read_that_is_replayed_lets_its_case_go_on() {
    let rig = Rig::new().await;
    let case = rig.missed().await;
    rig.clock.set("2026-11-04T09:00:00-07:00".parse().unwrap());
    rig.drain().await;
    rig.clock.set("2026-11-06T09:30:00-07:00".parse().unwrap());
    rig.world.now().read_failures = vec![Class::Permanent].into();
    rig.drain().await;
    let read = rig.jobs("read").await.remove(0);
    assert_eq!(read.state, JobState::Dead);
    assert!(matches!(
        rig.case(case).await.status,
        CaseStatus::Held { .. }
    ));

    replay::replay(&rig.engine, read.id, "admin").await.unwrap();
    rig.drain().await;

    let case = rig.case(case).await;
    assert_eq!(case.status, CaseStatus::Open, "{:?}", case.wait);
    assert_eq!(case.step, "phone_follow_up");
}

async fn unsettled(rig: &Rig, name: &str) -> relay_core::ids::CaseId {
    let lost = Outcome::AcceptedBut(Class::Unclear);
    rig.world.now().outcomes.push_back(lost);
    rig.world.now().blind = true;
    let case = rig.order(name).await;
    rig.drain().await;
    for _ in 0..30 {
        rig.pass(1).await;
    }
    let state = rig.effect(case, name).await.state;
    assert_eq!(state, EffectState::Unsettled);
    case
}

/// A note may be sent again by a person's word.
async fn unsettled_note(rig: &Rig) -> relay_core::ids::CaseId {
    rig.world.now().outcomes.push_back(Outcome::Panics);
    let case = rig.order("note").await;
    rig.drain().await;
    case
}

#[tokio::test]
async fn what_a_replay_finds_done_needs_no_answer_any_more() {
    let rig = Rig::new().await;
    let case = unsettled(&rig, "email").await;
    let item = rig.work("unsettled").await.remove(0);
    rig.world.now().blind = false;
    let job = rig.job(case, "email").await;
    let preview = replay::replay(&rig.engine, job.id, "admin").await.unwrap();
    assert!(matches!(preview, Preview::AlreadyDone { .. }));
    assert!(rig.case(case).await.status.is_closed());
    assert!(rig.work("unsettled").await.is_empty());
    assert!(
        work::settle_work(&rig.engine, item.id, "admin", "send", None)
            .await
            .is_err()
    );
    rig.pass(60).await;
    assert_eq!(rig.world.now().attempts.len(), 1);
}

#[tokio::test]
async fn a_stale_answer_to_an_old_question_never_sends() {
    let rig = Rig::new().await;
    let case = unsettled_note(&rig).await;
    let item = rig.work("unsettled").await.remove(0);
    // It became known by another way while the item was still on somebody's screen.
    let done = Op::MoveEffect {
        key: Rig::key(case, "note"),
        from: vec![EffectState::Unsettled],
        to: EffectState::Done,
        settled: None,
        request: None,
        at: rig.engine.now(),
    };
    rig.store.commit(vec![done].into()).await.unwrap();
    assert!(
        work::settle_work(&rig.engine, item.id, "admin", "send", None)
            .await
            .is_err()
    );
    rig.pass(60).await;
    assert_eq!(rig.effect(case, "note").await.state, EffectState::Done);
    assert_eq!(rig.world.now().attempts.len(), 1);
}

#[tokio::test]
async fn a_person_may_say_that_it_happened() {
    let rig = Rig::new().await;
    let case = unsettled(&rig, "email").await;
    let item = rig.work("unsettled").await.remove(0);
    work::settle_work(&rig.engine, item.id, "admin", "happened", None)
        .await
        .unwrap();
    rig.drain().await;
    assert_eq!(rig.effect(case, "email").await.state, EffectState::Done);
    assert_eq!(rig.world.now().attempts.len(), 1);
    assert!(rig.case(case).await.status.is_closed());
}

#[tokio::test]
async fn what_reaches_a_client_is_not_sent_again_by_a_word_and_a_note_is() {
    for (name, action, attempts) in [("email", "refused", 1), ("note", "taken", 2)] {
        let rig = Rig::new().await;
        rig.world.now().outcomes.push_back(Outcome::Panics);
        let case = rig.order(name).await;
        rig.drain().await;
        let item = rig.work("unsettled").await.remove(0);
        let answer = work::settle_work(&rig.engine, item.id, "admin", "send", None).await;
        assert_eq!(answer.is_ok(), action == "taken", "{name}");
        // By then the portal and the CRM would show the first one.
        rig.pass(6).await;
        assert_eq!(rig.world.now().attempts.len(), attempts, "{name}");
        let done = rig.effect(case, name).await.state == EffectState::Done;
        assert_eq!(done, action == "taken", "{name}");
    }
}

#[tokio::test]
async fn two_replays_at_once_never_pass_by_the_probe() {
    let rig = Rig::new().await;
    let refused = Outcome::Fails(Class::Permanent);
    rig.world.now().outcomes.push_back(refused);
    let case = rig.order("email").await;
    rig.drain().await;
    // An admin comes when it would be listed, had it gone out after all.
    rig.pass(20).await;
    let job = rig.job(case, "email").await;
    rig.world.now().blind = true;
    let lost = Outcome::AcceptedBut(Class::Unclear);
    rig.world.now().outcomes.push_back(lost);
    let engine = rig.engine.clone();
    let id = job.id;
    // While the first replay still asks the vendor, a second one has been carried out.
    rig.world.now().on_probe = Some(Box::new(move || {
        Box::pin(async move {
            replay::replay(&engine, id, "other").await.unwrap();
            dispatcher::drain(&engine, None).await.unwrap();
        })
    }));
    let first = replay::replay(&rig.engine, job.id, "admin").await;
    assert!(
        !matches!(first, Ok(Preview::WillSend)),
        "it is under way already: {first:?}"
    );
    rig.drain().await;
    assert_eq!(rig.effect(case, "email").await.state, EffectState::Unclear);
    assert_eq!(rig.world.now().attempts.len(), 2, "refused once, lost once");
}

#[tokio::test]
async fn a_replay_from_a_work_item_that_cannot_be_done_says_so() {
    let rig = Rig::new().await;
    let refused = Outcome::Fails(Class::Permanent);
    rig.world.now().outcomes.push_back(refused);
    let case = rig.order("email").await;
    rig.drain().await;
    let item = rig.work("dead_job").await.remove(0);
    let overtaken = Op::MoveEffect {
        key: Rig::key(case, "email"),
        from: vec![EffectState::Dead],
        to: EffectState::Overtaken,
        settled: None,
        request: None,
        at: rig.engine.now(),
    };
    rig.store.commit(vec![overtaken].into()).await.unwrap();
    let answer = work::settle_work(&rig.engine, item.id, "admin", "replay", None).await;
    assert!(answer.is_err());
    work::settle_work(&rig.engine, item.id, "admin", "cancel", None)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_held_note_may_be_replayed_when_what_stood_in_its_way_is_gone() {
    let rig = Rig::new().await;
    let gone = std::mem::take(&mut rig.world.now().clients);
    let case = rig.order("note").await;
    rig.drain().await;
    assert_eq!(rig.effect(case, "note").await.state, EffectState::Held);
    rig.world.now().clients = gone;
    let job = rig.job(case, "note").await;
    replay::replay(&rig.engine, job.id, "admin").await.unwrap();
    rig.drain().await;
    assert_eq!(rig.effect(case, "note").await.state, EffectState::Done);
}

/// Ten notes that were refused for good.
async fn ten_dead(rig: &Rig) -> Vec<relay_core::ids::JobId> {
    let names: Vec<String> = (1..=10).map(|number| format!("note-{number}")).collect();
    let refused = || Outcome::Fails(Class::Permanent);
    rig.world.now().outcomes = names.iter().map(|_| refused()).collect();
    let case = rig.order(&names.join(" ")).await;
    rig.drain().await;
    let mut dead = Vec::new();
    for name in &names {
        dead.push(rig.job(case, name).await.id);
    }
    dead
}

fn all_dead(dry_run: bool) -> clear_relay::cli::jobs::SelectArgs {
    let words = [
        "clear-relay",
        "jobs",
        "replay",
        "--state",
        "dead",
        "--by",
        "Robin",
    ];
    let words = words.into_iter().chain(dry_run.then_some("--dry-run"));
    let cli = <clear_relay::cli::Cli as clap::Parser>::try_parse_from(words).unwrap();
    match cli.command {
        clear_relay::cli::Command::Jobs(clear_relay::cli::jobs::JobsCommand::Replay(args)) => args,
        other => panic!("{other:?}"),
    }
}

/// Counts how often something was written out.
struct Flushes(usize);

impl std::io::Write for Flushes {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        self.0 += 1;
        Ok(())
    }
}

#[tokio::test]
async fn each_job_of_many_is_told_as_soon_as_it_is_done() {
    let rig = Rig::new().await;
    ten_dead(&rig).await;
    let mut written = Flushes(0);
    let mut out = clear_relay::cli::Output::new(&mut written, false);
    let end = clear_relay::cli::jobs::replay(&rig.engine, &all_dead(false), &mut out).await;
    end.expect("all went well");
    assert_eq!(written.0, 11, "the heads, and a line for each");
}

#[tokio::test]
async fn of_ten_jobs_the_third_whose_probe_fails_is_told_and_the_rest_goes_on() {
    let rig = Rig::new().await;
    let dead = ten_dead(&rig).await;
    for dry_run in [true, false] {
        // What the third one asks the vendor meets a 404.
        rig.world.now().probe_fails_at = Some(3);
        let mut bytes = Vec::new();
        let mut out = clear_relay::cli::Output::new(&mut bytes, true);
        let end = clear_relay::cli::jobs::replay(&rig.engine, &all_dead(dry_run), &mut out).await;
        let error = end.expect_err("one failed");
        assert_eq!(
            error.to_string(),
            "1 of 10 jobs failed; the others are done as the list says"
        );
        let told: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let rows = told["jobs"].as_array().unwrap();
        assert_eq!(rows.len(), 10, "{told:#}");
        let failed: Vec<_> = rows
            .iter()
            .filter(|row| row["preview"]["failed"].is_string())
            .collect();
        assert_eq!(failed.len(), 1, "{told:#}");
        if !dry_run {
            let mut waits = 0;
            for id in &dead {
                waits +=
                    usize::from(rig.store.job(*id).await.unwrap().unwrap().state == JobState::Dead);
            }
            assert_eq!(waits, 1, "nine go on");
        }
    }
}

/// Two admins replay all that is dead at once: one of them is told of each that it goes on, the other that it went.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_admins_who_replay_all_at_once_are_told_the_truth_and_each_thing_goes_on_once() {
    let rig = Rig::new().await;
    let dead = ten_dead(&rig).await;
    let asked = |engine: clear_relay::engine::Engine| async move {
        let mut bytes = Vec::new();
        let mut out = clear_relay::cli::Output::new(&mut bytes, true);
        let end = clear_relay::cli::jobs::replay(&engine, &all_dead(false), &mut out).await;
        end.expect("no job failed");
        let told: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        told["jobs"].as_array().unwrap().clone()
    };
    let (one, two) = tokio::join!(
        tokio::spawn(asked(rig.engine.clone())),
        tokio::spawn(asked(rig.engine.clone()))
    );
    let told = [one.unwrap(), two.unwrap()].concat();
    for id in &dead {
        let of_it = told
            .iter()
            .filter(|row| row["job"] == serde_json::json!(id));
        let goes_on = of_it.filter(|row| row["preview"]["replay"] == "will_send");
        assert_eq!(goes_on.count(), 1, "{id}: {told:#?}");
    }
    // What was refused may still show as done for a while.
    rig.pass(6).await;
    let mut done = 0;
    for id in &dead {
        done += usize::from(rig.store.job(*id).await.unwrap().unwrap().state == JobState::Done);
    }
    assert_eq!(done, 10);
}

#[tokio::test]
async fn what_a_dry_run_says_of_a_work_item_is_what_settling_it_does() {
    let rig = Rig::new().await;
    rig.world
        .now()
        .outcomes
        .push_back(Outcome::Fails(Class::Permanent));
    let case = rig.order("email").await;
    rig.drain().await;
    rig.pass(20).await;
    let item = rig.work("dead_job").await.remove(0);
    let ask =
        |action: &'static str| work::preview_settling(&rig.engine, item.id, "admin", action, None);
    assert!(ask("burn").await.is_err());
    assert!(ask("replay").await.is_ok());
    let overtaken = Op::MoveEffect {
        key: Rig::key(case, "email"),
        from: vec![EffectState::Dead],
        to: EffectState::Overtaken,
        settled: None,
        request: None,
        at: rig.engine.now(),
    };
    rig.store.commit(vec![overtaken].into()).await.unwrap();
    assert!(ask("replay").await.is_err(), "as the command refuses it");
    assert!(ask("cancel").await.is_ok());
    work::settle_work(&rig.engine, item.id, "admin", "cancel", None)
        .await
        .unwrap();
    assert!(ask("cancel").await.is_err(), "it is settled");
    assert!(
        item.title
            .starts_with("The email to the client did not go through"),
        "{}",
        item.title
    );
}
