//! Many clients whose cases want the CRM at the same moment.

use std::path::Path;
use std::sync::Arc;

use clear_relay::sandbox::cast::Cast;
use clear_relay::sandbox::stage;
use clear_relay::sandbox::world::{Setup, World};
use relay_core::time::{SignedDuration, Timestamp};
use relay_store::{JobFilter, JobState, Page};

use super::tap::Tap;
use crate::support::tools::Tools as _;

const ALL: Page = Page {
    offset: 0,
    limit: 10_000,
};

/// Maya, so many times: each has missed her check-in and opens her email.
fn cast(people: usize) -> Cast {
    let mut cast = Cast::parse(include_str!("../../../fixtures/casts/crash.toml")).expect("a cast");
    let maya = cast.clients.iter().find(|client| client.id == "maya");
    let maya = maya.expect("maya").clone();
    cast.clients = (0..people)
        .map(|number| {
            let mut client = maya.clone();
            client.id = format!("maya{number}");
            client.email = format!("maya{number}@example.test");
            client.contact = (2_000 + number).to_string();
            client
        })
        .collect();
    cast
}

/// The configuration without the sandbox's own limits: those of a clinic hold.
pub(crate) fn usual_limits(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.starts_with("limits = "));
    lines.fold(String::new(), |text, line| text + line + "\n")
}

/// A clinic with so many people in which each call of the CRM takes so long, in an account that
/// keeps its limits.
pub(crate) async fn world(
    folder: &Path,
    people: usize,
    takes: SignedDuration,
) -> (World, Arc<Tap>) {
    let cast = cast(people);
    let zone = relay_core::calendar::Calendar::default_denver()
        .zone()
        .clone();
    let tap = Tap::taking(takes);
    let mut setup = Setup::new(cast.start(&zone), 7);
    setup.on_the_way = Some(tap.on_the_way());
    setup.amend = usual_limits;
    let path = folder.join("relay.sqlite");
    let world = World::new(setup, &path).await.expect("a world");
    stage::set(&cast, &world.vendors, &zone).expect("a stage");
    world.vendors.keap().configure(|settings| {
        settings.limits.enforced = takes > SignedDuration::ZERO;
    });
    tap.watch(&world);
    (world, tap)
}

/// The moment before their channels are chosen.
pub(crate) fn decision_day(world: &World) -> Timestamp {
    let morning: relay_core::time::DateTime = "2026-11-06T08:30:00".parse().expect("a time");
    world
        .zone()
        .to_ambiguous_timestamp(morning)
        .compatible()
        .expect("a time that is")
}

/// Each has had one email, one note, one tag, and nothing is dead.
pub(crate) async fn all_is_done(world: &World, people: usize) {
    for what in [
        "email",
        "contact_note",
        "add_tag",
        "portal_note",
        "portal_message",
    ] {
        let accepted = world.vendors.accepted();
        let mut whom: Vec<_> = accepted
            .iter()
            .filter(|entry| entry.operation == what)
            .map(|entry| entry.who.clone())
            .collect();
        whom.sort();
        let times = whom.len();
        whom.dedup();
        assert_eq!((whom.len(), times), (people, people), "{what}");
    }
    let stopped = JobFilter {
        states: vec![JobState::Dead, JobState::Parked, JobState::Running],
        ..JobFilter::default()
    };
    let stopped = world.store().jobs(&stopped, ALL).await.expect("a store");
    assert_eq!(stopped, []);
}

#[tokio::test]
async fn a_crowd_is_spread_over_time_and_never_meets_the_vendors_limits() {
    const PEOPLE: usize = 20;
    let folder = tempfile::tempdir().expect("a folder");
    let (world, tap) = world(folder.path(), PEOPLE, SignedDuration::from_millis(150)).await;
    let morning = decision_day(&world);
    world.run_until(morning).await.expect("a store");
    let evening = morning + SignedDuration::from_hours(9);
    world.run_until(evening).await.expect("a store");
    all_is_done(&world, PEOPLE).await;
    let seen = tap.seen();
    let refused = seen.iter().filter(|seen| seen.status == Some(429)).count();
    assert_eq!(refused, 0, "of {} calls", seen.len());
    // A call a second, a burst of three, and one job, in every minute that begins with a call.
    for first in &seen {
        let calls = tap.between(first.at, first.at + SignedDuration::from_mins(1));
        assert!(
            calls <= 60 + 3 + 20,
            "{calls} calls in the minute of {}",
            first.at
        );
    }
    // And nobody had to ask again and again for her turn.
    let jobs = JobFilter::default();
    let jobs = world.store().jobs(&jobs, ALL).await.expect("a store");
    for job in jobs
        .iter()
        .filter(|job| job.kind == "effect" || job.kind == "read")
    {
        let tries = world.store().attempts(job.id).await.expect("a store");
        assert!(tries.len() <= 12, "{} tries of {}", tries.len(), job.key);
    }
}
