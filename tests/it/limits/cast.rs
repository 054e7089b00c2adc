//! A vendor fails for a day in the middle of the full cast.

use std::collections::BTreeMap;

use clear_relay::sandbox::cast::Cast;
use clear_relay::sandbox::play::{Options, Play};
use relay_core::ids::ClientId;
use relay_core::time::{DateTime, SignedDuration, Timestamp};
use relay_http_client::emulation::FaultAct;
use relay_store::{JobFilter, JobState, Page};

use super::day::rule;

const ALL: Page = Page {
    offset: 0,
    limit: 10_000,
};

/// What became of a client: what the vendors accepted about her, and what is asked about her.
type Story = (Vec<String>, Vec<String>);

/// Everything that became of a cast.
struct Played {
    stories: BTreeMap<String, Story>,
    /// What is asked of nobody's client, by kind.
    besides: Vec<String>,
    /// Jobs that were given up.
    dead: usize,
}

/// The full cast without those whose story is a fault of their own.
fn cast() -> Cast {
    let full = Cast::shipped("full").expect("a cast");
    full.only(|client| client.acts.iter().all(|act| act.by != "fault"))
}

/// Whether nobody does anything in a story: then it does not matter when it goes on.
fn is_quiet(cast: &Cast, client: &str) -> bool {
    let mut clients = cast.clients.iter();
    clients.any(|one| one.id == client && one.acts.is_empty())
}

async fn played(vendor: Option<&str>) -> Played {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("relay.sqlite");
    let mut play = Play::new(cast(), Options::default(), &path)
        .await
        .expect("a stage");
    let at = |text: &str| -> Timestamp {
        let local: DateTime = text.parse().expect("a time");
        let zone = play.world.zone().clone();
        zone.to_ambiguous_timestamp(local)
            .compatible()
            .expect("a time that is")
    };
    let (from, to) = (at("2026-11-06T08:30:00"), at("2026-11-07T08:30:00"));
    if let Some(vendor) = vendor {
        play.go_to(from).await.expect("played");
        let down = rule("*", FaultAct::Refuse);
        play.world.vendors.order(vendor, down).expect("a vendor");
        play.go_to(to).await.expect("played");
        let kinds = open_of_nobody(&play).await;
        let incidents = kinds.iter().filter(|kind| *kind == "incident");
        assert_eq!(incidents.count(), 1, "{kinds:?}");
        play.world.vendors.faults(vendor).expect("a vendor").clear();
    }
    // What went on three days later has come as far.
    let end = play.until() + SignedDuration::from_hours(24 * 4);
    play.go_to(end).await.expect("played");
    let accepted = play.world.vendors.accepted();
    let open = play.world.store().open_work(None, ALL).await;
    let open = open.expect("a store");
    let mut stories = BTreeMap::new();
    for client in &play.cast().clients {
        let of_hers = accepted
            .iter()
            .filter(|entry| entry.who == client.id || entry.who == client.contact);
        let mut seen: Vec<String> = of_hers.map(|entry| entry.operation.clone()).collect();
        seen.sort();
        let id = ClientId::from(client.id.as_str());
        let asked = open.iter().filter(|item| item.client.as_ref() == Some(&id));
        let mut asked: Vec<String> = asked.map(|item| item.kind.clone()).collect();
        asked.sort();
        stories.insert(client.id.clone(), (seen, asked));
    }
    let dead = JobFilter {
        states: vec![JobState::Dead],
        ..JobFilter::default()
    };
    let dead = play.world.store().jobs(&dead, ALL).await;
    let besides = open_of_nobody(&play).await;
    play.dismiss();
    Played {
        stories,
        besides,
        dead: dead.expect("a store").len(),
    }
}

async fn open_of_nobody(play: &Play) -> Vec<String> {
    let open = play.world.store().open_work(None, ALL).await;
    let open = open.expect("a store").into_iter();
    let mut kinds: Vec<String> = open
        .filter(|item| item.client.is_none())
        .map(|item| item.kind)
        .collect();
    kinds.sort();
    kinds
}

#[tokio::test]
async fn the_stories_of_the_full_cast_end_alike_with_a_day_without_a_vendor_in_their_middle() {
    let usual = played(None).await;
    let cast = cast();
    for vendor in ["keap", "portal"] {
        let other = played(Some(vendor)).await;
        assert_eq!(other.dead, usual.dead, "{vendor}");
        let mut besides = usual.besides.clone();
        besides.push("incident_over".to_owned());
        besides.sort();
        assert_eq!(other.besides, besides, "{vendor}");
        let (mut quiet, mut differ) = (0, Vec::new());
        for (client, (seen, asked)) in &usual.stories {
            let (now_seen, now_asked) = &other.stories[client];
            for what in ["portal_message", "email", "call_task"] {
                let count = |all: &[String]| all.iter().filter(|one| *one == what).count();
                assert!(
                    count(now_seen) <= count(seen).max(1),
                    "{vendor}: {client} had {what} more often"
                );
            }
            if is_quiet(&cast, client) {
                quiet += 1;
                if (seen, asked) != (now_seen, now_asked) {
                    differ.push(format!(
                        "{client}: {seen:?} {asked:?} -> {now_seen:?} {now_asked:?}"
                    ));
                }
            }
        }
        assert!(quiet > 10, "{quiet}");
        assert!(differ.is_empty(), "{vendor}: {differ:#?}");
    }
}

#[tokio::test]
async fn the_cast_in_which_the_crm_fails_goes_as_written_down() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("relay.sqlite");
    let cast = Cast::shipped("outage").expect("a cast");
    let mut play = Play::new(cast, Options::default(), &path)
        .await
        .expect("a stage");
    while play.step().await.expect("a step") {}
    assert_eq!(open_of_nobody(&play).await, ["incident_over"]);
    let report = play.finish().await.expect("a report");
    assert_eq!(report.differences(), Vec::<String>::new());
    assert_eq!(report.incidents.len(), 1, "{:?}", report.incidents);
}
