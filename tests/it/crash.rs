//! The relay dies wherever it awaits something, and nobody notices but the log.
//!
//! A life of the relay ends at a named place: whatever it was doing is dropped there, its senders
//! see a cut line, and a new life starts on the same database. At the end every story must have
//! come out as written down by hand, with nothing missing and nothing twice. The one effect whose
//! absence no vendor can prove, the email, may be missing if the relay died between its intent and
//! its request; then a person is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use clear_relay::failpoint::{
    ATTEMPT, INTENT, POINTS, PROBE, PROBE_COMMIT, Point, RECEIVE, SETTLE,
};
use relay_core::effects::EffectKind;
use relay_core::random::{Random as _, SeededRandom};
use relay_store::{JobState, ReceiptState};
use tokio::sync::OnceCell;

use super::support::crash::Death;
use super::support::story::{STORIES, Story};

/// How often each place kills, besides at its first hit.
const SEEDED: u64 = 1;

/// How often each place of the recovery kills.
const RECOVERIES: u64 = 4;

type Passed = BTreeMap<&'static str, u64>;
type Reference = BTreeMap<&'static str, Passed>;

/// How often each story passes each place when nothing goes wrong.
async fn reference() -> &'static Reference {
    static ONCE: OnceCell<Reference> = OnceCell::const_new();
    ONCE.get_or_init(|| async {
        let mut all = Reference::new();
        for name in STORIES {
            let mut story = Story::begin(name, 1, &[]).await;
            story.play().await;
            came_out_right(&story, &[]).await;
            all.insert(name, story.life.passed());
        }
        all
    })
    .await
}

/// Names of both sides of the points.
fn sides(points: &[Point]) -> Vec<&'static str> {
    points.iter().flat_map(|p| [p.before, p.after]).collect()
}

fn pick(random: &SeededRandom, count: usize) -> usize {
    usize::try_from(random.next_u64() % u64::try_from(count).expect("a small number"))
        .expect("a small number")
}

/// A story that passes `name`, and one of the times it does.
fn choose(
    reference: &Reference,
    name: &'static str,
    random: &SeededRandom,
) -> Option<(&'static str, Death)> {
    let passing: Vec<_> = reference
        .iter()
        .filter_map(|(story, passed)| Some((*story, *passed.get(name)?)))
        .collect();
    if passing.is_empty() {
        return None;
    }
    let (story, hits) = passing[pick(random, passing.len())];
    let hit = 1 + random.next_u64() % hits;
    Some((story, Death { name, hit }))
}

/// Plays a story whose relay dies, and looks at the end.
async fn trial(story: &'static str, seed: u64, deaths: &[Death]) {
    println!("seed {seed}: {story} {deaths:?}");
    let mut played = Story::begin(story, seed, deaths).await;
    played.play().await;
    assert_eq!(played.deaths, deaths.len(), "each life ended as said");
    came_out_right(&played, deaths).await;
}

async fn came_out_right(story: &Story, deaths: &[Death]) {
    story.no_webhook_is_lost().await;
    let stuck = story.jobs(&[JobState::Running, JobState::Dead]).await;
    assert!(stuck.is_empty(), "{stuck:?}");
    let differences = story.all_differences().await;
    let kinds = story.open_kinds().await;
    let email = story.client.expects.iter().any(|e| e.what == "email");
    if email && story.accepted(EffectKind::Email).is_empty() {
        // Died with the intent stored and the request not made: nobody can know, so nobody sends.
        let unknowable = [INTENT.after, ATTEMPT.before];
        assert!(
            deaths.iter().any(|death| unknowable.contains(&death.name)),
            "{differences:?}"
        );
        assert!(kinds.iter().any(|kind| kind == "unsettled"), "{kinds:?}");
        let only_missing = differences.iter().all(|line| line.starts_with("missing: "));
        assert!(only_missing, "{differences:?}");
        return;
    }
    assert_eq!(differences, Vec::<String>::new());
    assert_eq!(kinds, story.client.work);
}

/// Kills at the first and at seeded hits of each name.
async fn kill_at(names: &[&'static str], seed: u64) -> BTreeMap<&'static str, u64> {
    let reference = reference().await;
    let random = SeededRandom::new(seed);
    let mut kills = BTreeMap::new();
    for &name in names {
        for round in 0..=SEEDED {
            let Some((story, mut death)) = choose(reference, name, &random) else {
                continue;
            };
            if round == 0 {
                death.hit = 1;
            }
            trial(story, random.next_u64(), &[death]).await;
            *kills.entry(name).or_insert(0) += 1;
        }
    }
    kills
}

/// Prints how often each name killed, and fails for one that never did.
fn covered(names: &[&'static str], kills: &BTreeMap<&'static str, u64>) {
    println!("{:<24} deaths", "place");
    for name in names {
        println!("{name:<24} {}", kills.get(name).copied().unwrap_or(0));
    }
    let never: Vec<_> = names.iter().filter(|n| !kills.contains_key(*n)).collect();
    assert!(never.is_empty(), "never died at {never:?}");
}

/// The places that only a life after a death passes.
const RECOVERY: [Point; 2] = [PROBE, PROBE_COMMIT];

/// A third of the places that every life passes: the tests run side by side.
fn third(number: usize) -> Vec<&'static str> {
    let usual = POINTS.iter().filter(|point| !RECOVERY.contains(point));
    let part: Vec<Point> = usual.skip(number).step_by(3).copied().collect();
    sides(&part)
}

#[test]
fn the_parts_leave_out_no_place() {
    let mut parts: BTreeSet<_> = sides(&RECOVERY).into_iter().collect();
    parts.extend((0..3).flat_map(third));
    assert_eq!(parts, sides(POINTS).into_iter().collect());
}

#[tokio::test]
async fn dying_at_a_place_loses_nothing_and_does_nothing_twice() {
    covered(&third(0), &kill_at(&third(0), 11).await);
}

#[tokio::test]
async fn dying_at_another_place_loses_nothing_and_does_nothing_twice() {
    covered(&third(1), &kill_at(&third(1), 12).await);
}

#[tokio::test]
async fn dying_at_a_third_place_loses_nothing_and_does_nothing_twice() {
    covered(&third(2), &kill_at(&third(2), 13).await);
}

#[tokio::test]
async fn dying_again_while_it_recovers_loses_nothing_and_does_nothing_twice() {
    let reference = reference().await;
    let random = SeededRandom::new(14);
    let mut kills = BTreeMap::new();
    for name in sides(&RECOVERY) {
        for _ in 0..RECOVERIES {
            let firsts = [INTENT.after, ATTEMPT.before, ATTEMPT.after];
            let first = firsts[pick(&random, firsts.len())];
            let (story, first) = choose(reference, first, &random).expect("an effect");
            let again = Death { name, hit: 1 };
            trial(story, random.next_u64(), &[first, again]).await;
            *kills.entry(name).or_insert(0) += 1;
        }
    }
    covered(&sides(&RECOVERY), &kills);
}

/// The moments around the one request, for every effect of every story: every kind dies at each.
#[tokio::test]
async fn dying_around_the_request_of_any_effect_does_it_once() {
    let reference = reference().await;
    let mut seed = 1500;
    for (story, passed) in reference {
        for name in [INTENT.before, INTENT.after, ATTEMPT.after] {
            for hit in 1..=passed.get(name).copied().unwrap_or(0) {
                seed += 1;
                trial(story, seed, &[Death { name, hit }]).await;
            }
        }
    }
}

/// Every third outcome of every story.
#[tokio::test]
async fn an_outcome_that_was_not_stored_is_found_again() {
    let name = SETTLE.before;
    let mut seed = 1600;
    for (story, passed) in reference().await {
        for hit in (1 + seed % 3..=passed[name]).step_by(3) {
            seed += 1;
            trial(story, seed, &[Death { name, hit }]).await;
        }
    }
}

/// Dies the first time at each place, and each time right after a request.
async fn dying_anywhere(stories: [&'static str; 2], mut seed: u64) {
    for story in stories {
        let mut played = Story::begin(story, seed, &[]).await;
        played.play().await;
        came_out_right(&played, &[]).await;
        let passed = played.life.passed();
        for name in sides(POINTS) {
            let hits = passed.get(name).copied().unwrap_or(0);
            let last = if name == ATTEMPT.after {
                hits
            } else {
                hits.min(1)
            };
            for hit in 1..=last {
                seed += 1;
                trial(story, seed, &[Death { name, hit }]).await;
            }
        }
    }
}

#[tokio::test]
async fn dying_where_a_list_tells_who_is_expected_loses_nothing_and_does_nothing_twice() {
    dying_anywhere(["list/mara", "list/vera"], 1700).await;
}

#[tokio::test]
async fn dying_where_keap_alone_tells_loses_nothing_and_does_nothing_twice() {
    dying_anywhere(["crm/keap-701", "crm/keap-703"], 1800).await;
}

#[tokio::test]
async fn dying_while_another_coach_is_asked_or_calls_loses_nothing_and_does_nothing_twice() {
    dying_anywhere(["full/willa", "full/mona"], 1900).await;
}

#[tokio::test]
async fn dying_while_her_coach_is_asked_first_loses_nothing_and_does_nothing_twice() {
    dying_anywhere(["ask/inga", "ask/pola"], 2100).await;
}

#[tokio::test]
async fn dying_while_the_manager_is_asked_loses_nothing_and_does_nothing_twice() {
    dying_anywhere(["ask/tilda", "ask/vida"], 2200).await;
}

#[tokio::test]
async fn dying_without_a_crm_loses_nothing_and_does_nothing_twice() {
    dying_anywhere(["portal/rosa", "portal/nora"], 2000).await;
}

#[tokio::test]
async fn dying_where_a_list_is_alone_loses_nothing_and_asks_nothing_twice() {
    dying_anywhere(["alone/bea", "alone/cleo"], 2300).await;
}

#[tokio::test]
async fn no_answer_leaves_before_its_commit() {
    for (name, stored) in [(RECEIVE.before, 0), (RECEIVE.after, 1)] {
        let death = Death { name, hit: 1 };
        let mut story = Story::begin("maya", 17, &[death]).await;
        story.world.vendors.deliver_due().await;
        assert!(story.life.is_over(), "{name}: it died on the first event");
        let deliveries = story.doorstep.deliveries();
        assert_eq!(deliveries.len(), 1, "{name}");
        assert_eq!(
            deliveries[0].answer, None,
            "{name}: the sender has no answer"
        );
        let receipts = story.receipts().await;
        assert_eq!(receipts.len(), stored, "{name}");
        assert!(receipts.iter().all(|r| r.state == ReceiptState::New));
        assert!(receipts.iter().all(|r| r.body == deliveries[0].body));
        // The sender comes again, and the story ends as if nothing had been.
        let life = Arc::clone(&story.life);
        story.play().await;
        assert!(!Arc::ptr_eq(&life, &story.life));
        came_out_right(&story, &[death]).await;
    }
}
