//! What a coach is asked in Keap, and how she answers there: A3, A8, A33, A42, E8, E10, E41, E42.

mod answers;
mod as_written;
mod ask_first;
mod away;
mod by_hand;
mod delivery;
mod goes_on;
mod manager;
mod manager_and_coach;
mod no_answer;
mod noted;
mod outages;
mod silence;
mod summary;

use relay_core::time::SignedDuration;
use relay_keap::emulator::SeenTask;
use serde_json::json;

use super::clinic::{Clinic, Person};
use crate::support::tools::Tools as _;

impl Clinic {
    /// Every task about a client, oldest first.
    pub(super) fn tasks(&self, who: &Person) -> Vec<SeenTask> {
        let seen = self.world.vendors.keap().look(who.contact);
        seen.expect("a contact").tasks
    }

    pub(super) fn open_task(&self, who: &Person) -> SeenTask {
        let mut open = self.tasks(who);
        open.retain(|task| !task.completed);
        let titles: Vec<_> = open.iter().map(|task| &task.title).collect();
        assert_eq!(open.len(), 1, "one open task: {titles:?}");
        open.remove(0)
    }

    /// The coach writes into her open task and completes it, and Keap tells of it.
    pub(super) async fn answer(&self, who: &Person, text: &str) {
        let task = self.open_task(who).id;
        self.completes(task, Some(text)).await;
    }

    pub(super) async fn completes(&self, task: u64, text: Option<&str>) {
        self.keap(json!({ "act": "complete_task", "task": task, "contact": null, "text": text }));
        self.hooks_arrive().await;
    }

    pub(super) async fn edits(&self, task: u64, description: &str) {
        self.keap(json!({ "act": "edit_task", "task": task,
            "changes": { "description": description } }));
        self.hooks_arrive().await;
    }

    /// Keap tells of what people did within a minute.
    pub(super) async fn hooks_arrive(&self) {
        let soon = self.world.now() + SignedDuration::from_mins(3);
        self.world.run_until(soon).await.expect("a run");
    }

    pub(super) async fn writes(&self, who: &Person, text: &str) {
        self.portal(json!({ "act": "client_writes", "client": who.id, "text": text }));
        self.settle().await;
    }

    pub(super) async fn status(&self, who: &Person) -> String {
        self.case(who).await.status.as_str().to_owned()
    }
}

/// Maya has S1, and wrote at ten on Thursday.
pub(super) async fn replied() -> (Clinic, Person) {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-05 10:00").await;
    clinic
        .writes(&maya, "My face burns since the last cream")
        .await;
    (clinic, maya)
}

/// Jo's case has come to what the coach does by hand, on Monday the 9th.
pub(super) async fn by_hand() -> (Clinic, Person) {
    let maya = Person::maya();
    let clinic = Clinic::with(std::slice::from_ref(&maya)).await;
    clinic.until("2026-11-09 09:30").await;
    (clinic, maya)
}

pub(super) async fn calling() -> (Clinic, Person) {
    let jo = Person::jo();
    let clinic = Clinic::with(std::slice::from_ref(&jo)).await;
    clinic.until("2026-11-06 11:00").await;
    (clinic, jo)
}

pub(super) async fn with_manager(address: &'static str, person: &Person) -> Clinic {
    let clinic = if address.starts_with("beth") {
        Clinic::open_with(|setup| setup.amend = |text| text.replace("[people]\n",
            "[people]\nprogram_manager = \"Beth\"\nprogram_manager_user = \"beth@clinic.example.test\"\n")).await
    } else {
        Clinic::open_with(|setup| setup.amend = told).await
    };
    if !address.starts_with("beth") {
        clinic.keap(json!({ "act": "add_user", "id": 13, "email": address, "given_name": "Alex" }));
    }
    clinic.join(person);
    clinic
}

pub(super) fn told(text: &str) -> String {
    let line = "[people]\nprogram_manager = \"Alex\"\nprogram_manager_user = \"alex@clinic.example.test\"\n";
    text.replace("[people]\n", line)
}
