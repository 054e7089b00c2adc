//! Every kind of effect meets every fault of a vendor, before and after the vendor did the work.
//!
//! What must come of it was written down by hand in [`FAULTS`]: how many mutating requests there
//! are, how much later the second one comes at the earliest, and how it ends. Nothing is ever
//! accepted twice, and only an effect whose absence no vendor can prove (the email) may end with a
//! question to a person.

use clear_relay::engine::commands::{replay, work};
use clear_relay::rate_limit::connection_key;
use relay_core::effects::{Absence, EffectKind, Failure, Settled};
use relay_core::time::{SignedDuration, Timestamp};
use relay_http_client::emulation::{FaultAct, FaultRule, Moment};
use relay_store::{EffectState, JobState};
use serde_json::json;

mod bounded;

use super::support::story::Story;
use crate::support::tools::Tools as _;

/// What must come of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Known not to have been done: done by a second request, so many seconds later or more.
    Again { after: i64 },
    /// May have been done and was not: looked for, and done by a second request where its absence
    /// can be proven; else a person is asked.
    Lost,
    /// Was done, though the answer did not say so: found by looking, and no second request.
    Found,
    /// Refused for good: no second request until a person replays it.
    Dead,
    /// Was done, though the answer refused it for good: found when a person replays it.
    DeadAndFound,
}

/// A row of the table.
struct Fault {
    name: &'static str,
    moment: Moment,
    act: fn() -> FaultAct,
    end: End,
}

fn status(code: u16, retry_after: Option<u32>) -> FaultAct {
    FaultAct::Status {
        code,
        retry_after,
        body: None,
    }
}

fn bad_gateway() -> FaultAct {
    FaultAct::Status {
        code: 502,
        retry_after: None,
        body: Some("<html><body><h1>502 Bad Gateway</h1></body></html>".to_owned()),
    }
}

const fn row(name: &'static str, moment: Moment, act: fn() -> FaultAct, end: End) -> Fault {
    Fault {
        name,
        moment,
        act,
        end,
    }
}

/// Four seconds are the first wait of five, less its jitter.
#[rustfmt::skip]
const FAULTS: [Fault; 21] = [
    row("429",              Moment::Before, || status(429, None),      End::Again { after: 4 }),
    row("429, ten minutes", Moment::Before, || status(429, Some(600)), End::Again { after: 600 }),
    row("503, two minutes", Moment::Before, || status(503, Some(120)), End::Again { after: 120 }),
    row("401",              Moment::Before, || status(401, None),      End::Again { after: 900 }),
    row("refused line",     Moment::Before, || FaultAct::Refuse,       End::Again { after: 4 }),
    row("400",              Moment::Before, || status(400, None),      End::Dead),
    row("500",              Moment::Before, || status(500, None),      End::Lost),
    row("502 HTML",         Moment::Before, bad_gateway,               End::Lost),
    row("503",              Moment::Before, || status(503, None),      End::Lost),
    row("hang",             Moment::Before, || FaultAct::Hang,         End::Lost),
    row("reset",            Moment::Before, || FaultAct::Reset,        End::Lost),
    row("500",              Moment::After,  || status(500, None),      End::Found),
    row("502 HTML",         Moment::After,  bad_gateway,               End::Found),
    row("503",              Moment::After,  || status(503, None),      End::Found),
    row("hang",             Moment::After,  || FaultAct::Hang,         End::Found),
    row("reset",            Moment::After,  || FaultAct::Reset,        End::Found),
    row("429",              Moment::After,  || status(429, None),      End::Found),
    row("429, ten minutes", Moment::After,  || status(429, Some(600)), End::Found),
    row("503, two minutes", Moment::After,  || status(503, Some(120)), End::Found),
    row("401",              Moment::After,  || status(401, None),      End::Found),
    row("400",              Moment::After,  || status(400, None),      End::DeadAndFound),
];

/// Whose story has the effect, and when it is over.
fn scene(kind: EffectKind) -> (&'static str, &'static str) {
    match kind {
        EffectKind::PortalMessage => ("maya", "2026-11-04 09:40"),
        EffectKind::Email
        | EffectKind::ContactNote
        | EffectKind::AddTag
        | EffectKind::PortalNote => ("maya", "2026-11-06 09:40"),
        EffectKind::CallTask => ("gail", "2026-11-06 09:40"),
        EffectKind::CloseTask | EffectKind::RemoveTag => ("gail", "2026-11-06 15:40"),
        EffectKind::ReassignTask => ("mona", "2026-11-06 16:40"),
        EffectKind::WorkTask => ("maya", "2026-11-09 09:40"),
        EffectKind::ContactType => ("tina", "2026-11-04 10:40"),
        EffectKind::AutoChargeOff | EffectKind::DeactivateSubscription | EffectKind::RemoveCard => {
            ("cora", "2026-11-04 11:40")
        }
    }
}

/// The last version whose cases move a call task to another coach.
const MOVES_TASKS: u32 = 4;

fn vendor(kind: EffectKind) -> &'static str {
    match kind {
        EffectKind::PortalMessage | EffectKind::PortalNote => "portal",
        _ => "keap",
    }
}

fn order(story: &Story, kind: EffectKind, moment: Moment, act: FaultAct, times: u32) {
    let rule = FaultRule {
        operation: kind.as_str().to_owned(),
        moment,
        act,
        skip: 0,
        times,
    };
    story
        .world
        .vendors
        .order(vendor(kind), rule)
        .expect("a vendor");
}

/// A story with a fault, played until the effect is over.
async fn struck(kind: EffectKind, seed: u64, moment: Moment, act: FaultAct) -> Story {
    let (name, over) = scene(kind);
    let mut story = Story::begin(name, seed, &[]).await;
    if kind == EffectKind::ReassignTask {
        let opened = story.at("2026-11-04 10:00");
        story.play_until(opened).await;
        story.runs_by_logic(MOVES_TASKS).await;
    }
    order(&story, kind, moment, act, 1);
    let over = story.at(over);
    story.play_until(over).await;
    story
}

/// What all have in common: nothing that nobody expected is in the books.
fn nothing_unexpected(story: &Story, kind: EffectKind, what: &str) {
    // The story is that of a case of this version; how often it is in the books is looked at by itself.
    let of_before = |line: &str| {
        kind == EffectKind::ReassignTask && line.starts_with("not expected: reassign_task")
    };
    let wrong: Vec<String> = story
        .differences()
        .into_iter()
        .filter(|line| !line.starts_with("missing: ") && !of_before(line))
        .collect();
    assert!(wrong.is_empty(), "{what}: {wrong:?}");
}

async fn done(story: &Story, kind: EffectKind, what: &str) -> bool {
    let effect = story.effect(kind).await.expect("an effect");
    assert_eq!(effect.state, EffectState::Done, "{what}");
    assert_eq!(story.accepted(kind).len(), 1, "{what}");
    let kinds = story.kinds_ever().await;
    let asked = kinds.iter().any(|k| k == "unsettled" || k == "hold");
    assert!(!asked, "{what}: somebody was asked: {kinds:?}");
    match effect.settled {
        Some(Settled::Done { by_probe, .. }) => by_probe,
        // A state is read before it is written a second time.
        Some(Settled::AlreadyTrue) if kind.absence() == Absence::DesiredState => true,
        other => panic!("{what}: settled as {other:?}"),
    }
}

fn waited(tries: &[Timestamp]) -> i64 {
    tries[1].duration_since(tries[0]).as_secs()
}

async fn check(kind: EffectKind, seed: u64, fault: &Fault) {
    let what = format!(
        "{} meets {} {:?} (seed {seed})",
        kind.as_str(),
        fault.name,
        fault.moment
    );
    println!("{what}");
    let mut story = struck(kind, seed, fault.moment, (fault.act)()).await;
    nothing_unexpected(&story, kind, &what);
    let tries = story.tried(kind);
    match fault.end {
        End::Again { after } => {
            assert!(!done(&story, kind, &what).await, "{what}");
            assert_eq!(tries.len(), 2, "{what}");
            assert!(waited(&tries) >= after, "{what}: {tries:?}");
            // A refused credential is told, and no longer once the vendor lets us in again.
            let key = connection_key(vendor(kind));
            let told = story.store().work_by_key(&key).await.expect("a store");
            assert_eq!(told.is_some(), fault.name == "401", "{what}");
            let over = told.is_none_or(|item| item.settled.is_some());
            assert!(over, "{what}: still told");
        }
        End::Lost if kind == EffectKind::Email => {
            assert_eq!((tries.len(), story.accepted(kind).len()), (1, 0), "{what}");
            asked(&story, kind, &what).await;
        }
        End::Lost => {
            assert!(!done(&story, kind, &what).await, "{what}");
            assert_eq!(tries.len(), 2, "{what}");
            assert!(waited(&tries) >= 60, "{what}: looked for first");
        }
        End::Found => {
            let by_probe = done(&story, kind, &what).await;
            // The write of a contact's field looks at once, as part of the attempt.
            assert!(by_probe || kind == EffectKind::ContactType, "{what}");
            assert_eq!(tries.len(), 1, "{what}");
        }
        End::Dead => {
            assert_eq!((tries.len(), story.accepted(kind).len()), (1, 0), "{what}");
            replay_the_dead(&mut story, kind, &what).await;
            assert_eq!(story.tried(kind).len(), 2, "{what}");
        }
        End::DeadAndFound => {
            assert_eq!((tries.len(), story.accepted(kind).len()), (1, 1), "{what}");
            replay_the_dead(&mut story, kind, &what).await;
            assert!(done_all_the_same(&story, kind).await, "{what}");
            assert_eq!(story.tried(kind).len(), 1, "{what}");
        }
    }
}

/// Somebody is told of the dead job and replays it; it ends with one thing accepted.
async fn replay_the_dead(story: &mut Story, kind: EffectKind, what: &str) {
    let job = story.job_of(kind).await;
    assert_eq!(job.state, JobState::Dead, "{what}");
    let told = story.open_work().await.into_iter();
    let told = told.filter(|item| item.kind == "dead_job").count();
    // What only brings an item to somebody makes no other.
    let wanted = usize::from(kind.spec().failure == Failure::IsTold);
    assert_eq!(told, wanted, "{what}");
    replay::replay(story.engine(), job.id, "Admin")
        .await
        .expect(what);
    // Beyond what the vendor may take to show the first one.
    story.play_for(SignedDuration::from_mins(20)).await;
    nothing_unexpected(story, kind, what);
    assert_eq!(story.accepted(kind).len(), 1, "{what}");
    let left = story.open_kinds().await;
    assert!(!left.iter().any(|k| k == "dead_job"), "{what}: {left:?}");
}

async fn done_all_the_same(story: &Story, kind: EffectKind) -> bool {
    let effect = story.effect(kind).await.expect("an effect");
    effect.state == EffectState::Done
}

/// A person is asked whether it went out.
async fn asked(story: &Story, kind: EffectKind, what: &str) {
    let effect = story.effect(kind).await.expect("an effect");
    assert_eq!(effect.state, EffectState::Unsettled, "{what}");
    let work = story.open_work().await;
    let item = work.iter().find(|item| item.kind == "unsettled");
    let item = item.unwrap_or_else(|| panic!("{what}: nobody is asked"));
    assert_eq!(item.effect.as_ref(), Some(effect.key()), "{what}");
}

async fn check_all(kinds: &[EffectKind], seed: u64) {
    for (number, &kind) in (0..).zip(kinds) {
        for (row, fault) in (0..).zip(&FAULTS) {
            check(kind, seed + 100 * number + row, fault).await;
        }
    }
}

const MESSAGES: [EffectKind; 4] = [
    EffectKind::PortalMessage,
    EffectKind::PortalNote,
    EffectKind::Email,
    EffectKind::ContactNote,
];
const TASKS: [EffectKind; 6] = [
    EffectKind::CallTask,
    EffectKind::WorkTask,
    EffectKind::CloseTask,
    EffectKind::ReassignTask,
    EffectKind::AddTag,
    EffectKind::RemoveTag,
];
const BILLING: [EffectKind; 4] = [
    EffectKind::ContactType,
    EffectKind::AutoChargeOff,
    EffectKind::DeactivateSubscription,
    EffectKind::RemoveCard,
];

#[test]
fn no_kind_of_effect_is_left_out() {
    for kind in EffectKind::ALL {
        let all = MESSAGES.iter().chain(&TASKS).chain(&BILLING);
        assert_eq!(all.filter(|k| **k == kind).count(), 1, "{}", kind.as_str());
    }
}

#[tokio::test]
async fn whatever_a_vendor_does_a_message_or_note_is_written_once() {
    check_all(&MESSAGES, 2000).await;
}

#[tokio::test]
async fn whatever_a_vendor_does_a_task_or_tag_is_set_once() {
    check_all(&TASKS, 3000).await;
}

#[tokio::test]
async fn whatever_a_vendor_does_a_billing_write_is_made_once() {
    check_all(&BILLING, 4000).await;
}

#[tokio::test]
async fn an_email_that_keap_never_shows_is_a_question_and_not_a_second_email() {
    let kind = EffectKind::Email;
    let (name, over) = scene(kind);
    let mut story = Story::begin(name, 51, &[]).await;
    // Far beyond the last look, a quarter of an hour after sending.
    let hidden = |settings: &mut relay_keap::emulator::Settings| {
        settings.email_delay = 7_200..=7_200;
    };
    story.world.vendors.keap().configure(hidden);
    order(&story, kind, Moment::After, FaultAct::Hang, 1);
    let over = story.at(over);
    story.play_until(over).await;
    asked(&story, kind, "hidden").await;
    assert_eq!(
        (story.tried(kind).len(), story.accepted(kind).len()),
        (1, 1)
    );
    // A day later still nothing was sent again.
    story.play_for(SignedDuration::from_hours(24)).await;
    assert_eq!(
        (story.tried(kind).len(), story.accepted(kind).len()),
        (1, 1)
    );
    // A person has found it, and the case goes on to its end.
    let work = story.open_work().await;
    let item = work.iter().find(|item| item.kind == "unsettled");
    let id = item.expect("an open question").id;
    let settled = work::settle_work(story.engine(), id, "Beth", "happened", None);
    settled.await.expect("an answer");
    story.play().await;
    assert_eq!(
        (story.tried(kind).len(), story.accepted(kind).len()),
        (1, 1)
    );
    let effect = story.effect(kind).await.expect("an effect");
    assert_eq!(effect.state, EffectState::Done);
    assert_eq!(story.open_kinds().await, ["by_hand"]);
}

#[tokio::test]
async fn a_portal_that_ignores_keys_and_lists_late_gets_no_second_message() {
    let kind = EffectKind::PortalMessage;
    let mut story = Story::begin("maya", 52, &[]).await;
    let young = json!({ "act": "switch", "key_ignored": true, "list_lag_seconds": 90 });
    story.world.vendors.act("portal", young).expect("an act");
    order(&story, kind, Moment::After, FaultAct::Reset, 1);
    story.play().await;
    assert_eq!(story.tried(kind).len(), 1);
    assert_eq!(story.differences(), Vec::<String>::new());
    let effect = story.effect(kind).await.expect("an effect");
    let by_probe = matches!(effect.settled, Some(Settled::Done { by_probe: true, .. }));
    assert!(by_probe, "{:?}", effect.settled);
}

/// Every vendor that lists late, and the refusals that look like nothing was done.
#[tokio::test]
async fn what_was_refused_after_it_was_done_and_is_listed_late_is_not_done_twice() {
    let slow_portal = |story: &Story| {
        let young = json!({ "act": "switch", "key_ignored": true, "list_lag_seconds": 90 });
        story.world.vendors.act("portal", young).expect("an act");
    };
    let slow_keap = |story: &Story| {
        story.world.vendors.keap().configure(|settings| {
            settings.email_delay = 600..=600;
            settings.task_delay = 200..=200;
            settings.note_delay = 200..=200;
        });
    };
    let kinds = MESSAGES.into_iter().chain([EffectKind::CallTask]);
    let refusals = [(429, None), (401, None), (503, Some(120))];
    for (seed, kind) in (70..).step_by(10).zip(kinds) {
        for (more, (code, after)) in (0..).zip(refusals) {
            let what = format!("{} is refused by {code} after it was done", kind.as_str());
            let (name, over) = scene(kind);
            let mut story = Story::begin(name, seed + more, &[]).await;
            slow_portal(&story);
            slow_keap(&story);
            order(&story, kind, Moment::After, status(code, after), 1);
            let over = story.at(over);
            story.play_until(over).await;
            nothing_unexpected(&story, kind, &what);
            assert!(done(&story, kind, &what).await, "{what}: by looking");
            assert_eq!(story.tried(kind).len(), 1, "{what}");
        }
    }
}

#[tokio::test]
async fn a_portal_that_lists_far_too_late_is_saved_by_the_key() {
    let kind = EffectKind::PortalMessage;
    let mut story = Story::begin("maya", 53, &[]).await;
    let late = json!({ "act": "switch", "list_lag_seconds": 3600 });
    story.world.vendors.act("portal", late).expect("an act");
    order(&story, kind, Moment::After, FaultAct::Hang, 1);
    story.play().await;
    assert_eq!(
        story.tried(kind).len(),
        2,
        "the second one has the same key"
    );
    assert_eq!(story.differences(), Vec::<String>::new());
}

#[tokio::test]
async fn a_revoked_key_is_one_work_item_and_work_goes_on_with_the_new_one() {
    let mut story = Story::begin("maya", 54, &[]).await;
    let morning = story.at("2026-11-06 08:00");
    story.play_until(morning).await;
    let revoke = json!({ "act": "revoke_keys" });
    story.world.vendors.act("keap", revoke).expect("an act");
    story.play_for(SignedDuration::from_hours(3)).await;
    assert_eq!(
        story.tried(EffectKind::Email).len(),
        0,
        "nothing on half a picture"
    );
    let asked = story.open_kinds().await;
    assert_eq!(asked, ["connection"], "one for all of them");
    let key = clear_relay::sandbox::clinic::KEAP_KEY;
    let renewed =
        |settings: &mut relay_keap::emulator::Settings| settings.keys = vec![key.to_owned()];
    story.world.vendors.keap().configure(renewed);
    story.play().await;
    assert_eq!(story.differences(), Vec::<String>::new());
}
