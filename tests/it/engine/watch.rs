//! The watch over the CRM's subscriptions, with a CRM that is a few fields.

use clear_relay::engine::commands::work;
use clear_relay::engine::periodic;
use clear_relay::engine::sync::hook_watch;
use clear_relay::ports::{Changed, HookStatus, SubscriptionState};
use clear_relay::receipts::HintObject;
use relay_core::facts::FactBody;
use relay_core::retry::Class;
use relay_core::time::SignedDuration;
use relay_store::{Job, JobState, Link, Op};

use super::rig::Rig;

fn hook(state: SubscriptionState) -> HookStatus {
    HookStatus {
        event: "edited".into(),
        object: HintObject::Contact,
        key: Some("1".into()),
        state,
        status: "x".into(),
        path: None,
        done: Vec::new(),
        problem: None,
    }
}

/// Two clients with a contact each, a subscription that is active, and one look at it.
async fn watched() -> Rig {
    let rig = Rig::new().await;
    let link = |client: &str| {
        Op::PutLink(Link {
            client: client.into(),
            contact: format!("contact-{client}").into(),
            source: "portal".into(),
            at: rig.engine.now(),
        })
    };
    let mut ops = vec![link("maya"), link("ana")];
    ops.push(periodic::periodic_job(&rig.engine, "hooks_watch"));
    rig.store.commit(ops.into()).await.unwrap();
    {
        let mut vendors = rig.world.now();
        vendors.hooks = vec![hook(SubscriptionState::Active)];
        vendors.synced = vec![hook(SubscriptionState::Active)];
    }
    rig.drain().await;
    rig
}

impl Rig {
    /// The subscription is inactive, and these contacts change while it is.
    fn inactive(&self, contacts: &[&str]) {
        let at = Some(self.engine.now());
        let mut vendors = self.world.now();
        vendors.hooks = vec![hook(SubscriptionState::Inactive)];
        let changed = contacts.iter().map(|id| {
            let id = (*id).to_owned();
            (HintObject::Contact, Changed { id, at })
        });
        vendors.changed.extend(changed);
    }

    async fn recovered(&self) -> usize {
        let watch = hook_watch::hook_watch(&self.engine).await.unwrap();
        watch
            .recovered
            .get("contact")
            .map_or(0, |known| known.total)
    }

    async fn watch_job(&self) -> Job {
        let job = self.store.job_by_key("hooks_watch").await.unwrap();
        job.unwrap()
    }
}

#[tokio::test]
async fn what_changed_while_it_slept_is_read_once_and_what_is_nobodys_is_not() {
    let rig = watched().await;
    rig.inactive(&["contact-maya", "contact-stranger"]);
    rig.pass(5).await;
    assert_eq!(rig.recovered().await, 1);
    assert_eq!(rig.jobs("reread").await.len(), 1);
    let noted = rig.store.settings("absent/").await.unwrap();
    assert!(noted.is_empty(), "nobody was missed: {noted:?}");
    // The same change lies in the overlap of the next gap.
    rig.inactive(&[]);
    rig.pass(5).await;
    assert_eq!(rig.recovered().await, 1);
    // A later change of the same contact is another.
    rig.inactive(&["contact-maya", "contact-ana"]);
    rig.world.now().changed.remove(0);
    rig.pass(5).await;
    assert_eq!(rig.recovered().await, 3);
    assert_eq!(rig.jobs("reread_batch").await.len(), 1);
}

#[tokio::test]
async fn a_contact_that_cannot_be_read_stops_no_other_and_is_one_dead_job() {
    let rig = watched().await;
    rig.inactive(&["contact-maya", "contact-ana"]);
    {
        let mut vendors = rig.world.now();
        vendors.poison = Some("contact-maya".into());
        vendors.gone = vec!["contact-ana".into()];
    }
    rig.pass(5).await;
    let dead = rig.jobs("reread").await;
    let dead: Vec<_> = dead
        .iter()
        .filter(|job| job.state == JobState::Dead)
        .collect();
    let [dead] = dead.as_slice() else {
        panic!("one dead job: {dead:?}")
    };
    assert_eq!(dead.client, Some("maya".into()));
    assert!(rig.store.facts(&"ana".into()).await.unwrap().is_empty());
    rig.pass(15).await;
    let facts = rig.store.facts(&"ana".into()).await.unwrap();
    assert_eq!(facts[0].fact.kind(), "contact_gone");
    assert_eq!(rig.work("dead_job").await.len(), 1);
}

#[tokio::test]
async fn a_gap_that_was_noticed_is_kept_when_the_reading_fails() {
    let rig = watched().await;
    let before = rig.engine.now();
    rig.inactive(&["contact-maya"]);
    // The list is told; the restoring, the reading and the next look at the list are not.
    rig.clock.advance(SignedDuration::from_mins(5));
    let world = rig.world.clone();
    rig.world.now().on_read = Some(Box::new(move || {
        Box::pin(async move {
            let retryable = Class::Retryable { after: None };
            world.now().read_failures.extend([retryable; 3]);
        })
    }));
    rig.drain().await;
    assert_eq!(rig.recovered().await, 0);
    assert_eq!(rig.watch_job().await.failures, 1);
    let watch = hook_watch::hook_watch(&rig.engine).await.unwrap();
    assert_eq!(watch.events["edited"].missing_since, Some(before));
    for _ in 0..4 {
        rig.pass(10).await;
    }
    assert_eq!(rig.recovered().await, 1);
    let watch = hook_watch::hook_watch(&rig.engine).await.unwrap();
    assert_eq!(
        watch.events["edited"].last_gap.as_ref().unwrap().from,
        before
    );
}

#[tokio::test]
async fn a_refused_credential_is_the_admins_and_the_watch_goes_on_when_it_is_renewed() {
    let rig = watched().await;
    rig.inactive(&["contact-maya"]);
    rig.world.now().read_failures.push_back(Class::Unauthorised);
    rig.pass(5).await;
    assert_eq!(rig.work("connection").await.len(), 1);
    for _ in 0..6 {
        rig.pass(60).await;
    }
    assert_eq!(rig.recovered().await, 1);
    assert_eq!(rig.watch_job().await.state, JobState::Ready);
}

#[tokio::test]
async fn a_time_zone_that_is_no_iana_name_is_told_once_per_word() {
    let rig = Rig::new().await;
    for (id, zone) in [
        ("maya", "Hawaiian Standard Time"),
        ("jo", "Hawaiian Standard Time"),
        ("ana", "UTC-7"),
        ("lee", "Pacific/Honolulu"),
    ] {
        let snapshot = relay_core::clients::ClientSnapshot {
            time_zone: Some(zone.to_owned()),
            ..super::world::client(id)
        };
        let body = FactBody::ClientUpdated {
            client: Box::new(snapshot),
        };
        let fact = rig.fact(id, id, body);
        rig.receive(&[fact]).await;
        rig.drain().await;
    }
    let told = rig.work("drift").await;
    let titles: Vec<&str> = told.iter().map(|item| item.title.as_str()).collect();
    assert_eq!(told.len(), 2, "{titles:?}");
    assert!(
        titles
            .iter()
            .any(|title| title.contains("Hawaiian Standard Time")),
        "{titles:?}"
    );
    assert!(told[0].detail["remedy"].as_str().unwrap().contains("IANA"));
    let done = work::settle_work(&rig.engine, told[0].id, "admin", "done", None).await;
    done.expect("settled");
}
