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
    async fn linked(&self, clients: &[&str]) {
        let ops: Vec<Op> = clients
            .iter()
            .map(|client| {
                Op::PutLink(Link {
                    client: (*client).into(),
                    contact: "contact-maya".into(),
                    source: "portal".into(),
                    at: self.engine.now(),
                })
            })
            .collect();
        self.store.commit(ops.into()).await.unwrap();
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

    async fn said(&self) -> usize {
        let facts = self.store.facts(&"maya".into()).await.unwrap();
        let said = |body: &FactBody| matches!(body, FactBody::StaffSaid { .. });
        facts.iter().filter(|row| said(&row.fact.body)).count()
    }
}

#[tokio::test]
async fn a_tag_without_a_time_counts_once_for_as_long_as_it_is_seen() {
    let rig = Rig::new().await;
    rig.linked(&["maya"]).await;
    for (tags, said) in [
        (vec![pause(None)], 1),
        (vec![pause(None)], 1),
        (Vec::new(), 1),
        (vec![pause(None)], 2),
        (vec![pause(None)], 2),
    ] {
        rig.world.now().words = tags;
        rig.told_of_a_tag().await;
        assert_eq!(rig.said().await, said);
    }
}

#[tokio::test]
async fn a_tag_whose_time_lies_ahead_counts_once() {
    let rig = Rig::new().await;
    rig.linked(&["maya"]).await;
    let ahead = rig.engine.now() + SignedDuration::from_hours(5);
    rig.world.now().words = vec![pause(Some(ahead))];
    for _ in 0..3 {
        rig.told_of_a_tag().await;
        assert_eq!(rig.said().await, 1);
    }
    let facts = rig.store.facts(&"maya".into()).await.unwrap();
    assert!(facts.iter().all(|row| row.fact.source_time < ahead));
}

#[tokio::test]
async fn a_tag_on_a_contact_of_several_clients_is_told_once_and_changes_nothing() {
    let rig = Rig::new().await;
    rig.linked(&["maya", "ana"]).await;
    rig.world.now().words = vec![pause(None)];
    for _ in 0..2 {
        rig.told_of_a_tag().await;
        assert_eq!(rig.said().await, 0);
        let titles: Vec<_> = rig
            .work("link")
            .await
            .into_iter()
            .map(|item| item.title)
            .collect();
        assert_eq!(
            titles,
            [
                "Contact contact-maya has the tag \"Follow-up: pause\", and 2 clients are linked to it: \
              nothing was done about it"
            ]
        );
    }
    assert!(rig.world.now().accepted.is_empty());
}
