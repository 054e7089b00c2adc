//! Tags by which staff begin something, on a CRM that is a few fields.

use clear_relay::ports::WordTag;
use relay_core::facts::{FactBody, StaffWord};
use relay_core::ids::JobId;
use relay_core::time::{SignedDuration, Timestamp};
use relay_store::{Existing, Link, NewJob, Op};
use serde_json::json;

use super::rig::Rig;

fn pause(at: Option<Timestamp>) -> WordTag {
    WordTag {
        word: StaffWord::Pause,
        tag: "Follow-up: pause".to_owned(),
        at,
    }
}

impl Rig {
    /// Maya's contact is linked to this client.
    async fn linked(&self, client: &str) {
        let link = Op::PutLink(Link {
            client: client.into(),
            contact: "contact-maya".into(),
            source: "portal".into(),
            at: self.engine.now(),
        });
        self.store.commit(vec![link].into()).await.unwrap();
    }

    /// The CRM tells that a tag was put on Maya's contact.
    async fn told_of_a_tag(&self) {
        let now = self.engine.now();
        let id = JobId::new(self.random.as_ref(), now);
        let hint = json!({ "object": "tags", "id": "contact-maya", "at": now, "deleted": false,
                           "tag": "348" });
        let job = NewJob {
            key: format!("reread/{id}"),
            id,
            kind: "reread".to_owned(),
            lane: "maya".to_owned(),
            run_at: now,
            client: Some("maya".into()),
            case: None,
            payload: json!({ "hint": hint, "receipt": "gap/now" }),
        };
        let existing = Existing::Keep;
        let ops = vec![Op::Enqueue { job, existing }];
        self.store.commit(ops.into()).await.unwrap();
        self.drain().await;
        self.clock.advance(SignedDuration::from_mins(10));
    }

    async fn said(&self, client: &str) -> usize {
        let facts = self.store.facts(&client.into()).await.unwrap();
        let said = |body: &FactBody| matches!(body, FactBody::StaffSaid { .. });
        facts.iter().filter(|row| said(&row.fact.body)).count()
    }
}

#[tokio::test]
async fn a_tag_without_a_time_counts_once_for_as_long_as_it_is_seen() {
    let rig = Rig::new().await;
    rig.linked("maya").await;
    for (tags, said) in [
        (vec![pause(None)], 1),
        (vec![pause(None)], 1),
        (Vec::new(), 1),
        (vec![pause(None)], 2),
        (vec![pause(None)], 2),
    ] {
        rig.world.now().words = tags;
        rig.told_of_a_tag().await;
        assert_eq!(rig.said("maya").await, said);
    }
}

#[tokio::test]
async fn a_tag_whose_time_lies_ahead_counts_once() {
    let rig = Rig::new().await;
    rig.linked("maya").await;
    let ahead = rig.engine.now() + SignedDuration::from_hours(5);
    rig.world.now().words = vec![pause(Some(ahead))];
    for _ in 0..3 {
        rig.told_of_a_tag().await;
        assert_eq!(rig.said("maya").await, 1);
    }
    let facts = rig.store.facts(&"maya".into()).await.unwrap();
    assert!(facts.iter().all(|row| row.fact.source_time < ahead));
}

#[tokio::test]
async fn a_tag_counts_for_whom_the_contact_is_linked_to_by_then() {
    let rig = Rig::new().await;
    rig.linked("ana").await;
    rig.world.now().words = vec![pause(None)];
    // Told while the contact was Maya's.
    for _ in 0..2 {
        rig.told_of_a_tag().await;
        assert_eq!(rig.said("maya").await, 0);
        assert_eq!(rig.said("ana").await, 1);
    }
}
