//! What staff begin by a tag in Keap or by a command: E8, a client answers where nobody watches.

mod answered;
mod careful;
mod words;

use clear_relay::engine::commands::{cases, staff};
use clear_relay::engine::sync::reconcile;
use relay_core::ids::ClientId;
use relay_core::time::SignedDuration;
use serde_json::json;

use super::clinic::{Clinic, Person};
use crate::support::tools::Tools as _;

pub(super) const REPLIED: &str = "Follow-up: replied";
pub(super) const PAUSE: &str = "Follow-up: pause";
pub(super) const RESUME: &str = "Follow-up: resume";

impl Clinic {
    /// A coach puts a tag on.
    pub(super) fn tags(&self, who: &Person, tag: &str) {
        self.keap(json!({ "act": "apply_tag", "contact": who.contact, "tag": tag }));
    }

    pub(super) fn untags(&self, who: &Person, tag: &str) {
        self.keap(json!({ "act": "remove_tag", "contact": who.contact, "tag": tag }));
    }

    /// Keap tells of tags within ten minutes.
    pub(super) async fn tag_hooks_arrive(&self) {
        let soon = self.world.now() + SignedDuration::from_mins(12);
        self.world.run_until(soon).await.expect("a run");
    }

    pub(super) async fn minute(&self) {
        let soon = self.world.now() + SignedDuration::from_secs(60);
        self.world.run_until(soon).await.expect("a run");
    }

    /// The tags on her contact by which staff begin something.
    pub(super) fn words_on(&self, who: &Person) -> Vec<String> {
        let seen = self.world.vendors.keap().look(who.contact);
        let mut tags = seen.expect("a contact").tags;
        tags.retain(|tag| [REPLIED, PAUSE, RESUME].contains(&tag.as_str()));
        tags
    }

    /// The notes that answer tags.
    pub(super) fn answers(&self, who: &Person) -> Vec<String> {
        let mut all = self.accepted(who);
        all.retain(|entry| {
            let title = entry.content["title"].as_str().unwrap_or_default();
            let text = entry.content["text"].as_str().unwrap_or_default();
            let confirms = text.starts_with("Noted, by ");
            entry.operation == "contact_note" && title == "Follow-up: noted" && !confirms
        });
        let text = |content: &serde_json::Value| {
            let text = content["text"].as_str().expect("a text");
            text.lines().next().unwrap_or_default().to_owned()
        };
        all.iter().map(|entry| text(&entry.content)).collect()
    }

    pub(super) async fn state_of(&self, who: &Person) -> String {
        self.case(who).await.status.as_str().to_owned()
    }

    pub(super) async fn reconcile(&self) {
        let engine = &self.world.relay.engine;
        reconcile::reconcile(engine, false)
            .await
            .expect("a reconcile");
        self.settle().await;
    }

    /// A person links her before any follow-up does.
    pub(super) async fn linked(&self, who: &Person) {
        let engine = &self.world.relay.engine;
        let (client, contact) = (ClientId::from(who.id), who.contact.to_string());
        let linked = cases::link_client(engine, &client, &contact.as_str().into(), "Dana").await;
        linked.expect("a link");
        self.settle().await;
    }

    pub(super) async fn command(&self, who: &Person) {
        let engine = &self.world.relay.engine;
        let client = ClientId::from(who.id);
        let said = staff::replied(engine, &client, "Dana").await;
        said.expect("a client");
        self.settle().await;
    }
}

/// Maya and Jo on Thursday at ten: both have had the first message.
pub(super) async fn thursday(who: &Person) -> Clinic {
    let clinic = Clinic::with(std::slice::from_ref(who)).await;
    clinic.until("2026-11-05 10:00").await;
    clinic
}
