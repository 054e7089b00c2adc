//! What the procedures must keep when told by real events, reads and commands: each story runs
//! through the relay's own queue, against emulated vendors.

use clear_relay::engine::EngineError;
use clear_relay::engine::commands::{cases, work};
use clear_relay::sandbox::world::{Setup, World};
use relay_core::case::CaseStatus;
use relay_core::ids::ClientId;
use relay_core::time::Timestamp;
use relay_store::{CaseFilter, Page, WorkItem};
use serde_json::json;
use tempfile::TempDir;

/// An instant given in Denver's winter time, as `2026-11-04 09:00`.
fn at(local: &str) -> Timestamp {
    let text = format!("{}:00-07:00", local.replace(' ', "T"));
    text.parse().expect("an instant")
}

/// Maya and her coach Beth, on Monday, November 2. Her check-in `c1` is due on Tuesday.
struct Clinic {
    world: World,
    _folder: TempDir,
}

impl Clinic {
    async fn open(status: &str, in_crm: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("relay.sqlite");
        let setup = Setup::new(at("2026-11-02 09:00"), 3);
        let world = World::new(setup, &path).await.expect("a clinic");
        let clinic = Self {
            world,
            _folder: folder,
        };
        let email = "beth@clinic.example.test";
        clinic.act(
            "portal",
            json!({ "act": "add_coach", "id": "beth", "name": "Beth", "email": email }),
        );
        clinic.act(
            "keap",
            json!({ "act": "add_user", "id": 11, "email": email, "given_name": "Beth" }),
        );
        if in_crm {
            clinic.joins_crm();
        }
        clinic.act(
            "portal",
            json!({ "act": "add_client", "id": "maya", "first_name": "Maya", "last_name": "Hayes",
                    "status": status, "coach": "beth", "email": "maya@example.test",
                    "last_regimen_change": "2026-10-20" }),
        );
        clinic.due("c1", "2026-11-03");
        clinic
    }

    fn joins_crm(&self) {
        self.act(
            "keap",
            json!({ "act": "add_contact", "id": 201, "given_name": "Maya",
                    "email": "maya@example.test", "email_status": "SINGLE_OPT_IN",
                    "phone": "303-555-0101" }),
        );
    }

    fn act(&self, vendor: &str, what: serde_json::Value) {
        self.world.vendors.act(vendor, what).expect("an act");
    }

    fn due(&self, id: &str, due: &str) {
        self.act(
            "portal",
            json!({ "act": "add_check_in", "client": "maya", "id": id, "due": due }),
        );
    }

    async fn until(&self, local: &str) {
        self.world.run_until(at(local)).await.expect("a run");
    }

    async fn case(&self) -> relay_core::case::Case {
        let filter = CaseFilter::default();
        let cases = self.world.store().cases(&filter, Page::default());
        let open = cases.await.expect("a store").into_iter().next();
        open.expect("an open case")
    }

    async fn open_cases(&self) -> usize {
        let client = ClientId::from("maya");
        let cases = self.world.store().open_cases(&client).await;
        cases.expect("a store").len()
    }

    async fn items(&self, kind: &str) -> Vec<WorkItem> {
        let items = self.world.store().open_work(None, Page::default()).await;
        let items = items.expect("a store").into_iter();
        items.filter(|item| item.kind == kind).collect()
    }

    async fn done(&self, kind: &str, action: &str, text: Option<&str>) -> Result<(), EngineError> {
        let items = self.items(kind).await;
        let engine = &self.world.relay.engine;
        work::settle_work(engine, items[0].id, "Beth", action, text).await
    }

    fn accepted(&self, operation: &str) -> usize {
        let all = self.world.vendors.accepted();
        all.iter().filter(|one| one.operation == operation).count()
    }
}

#[tokio::test]
async fn e07_an_older_check_in_that_is_submitted_late_does_not_close_the_case() {
    let clinic = Clinic::open("online", true).await;
    clinic.due("c0", "2026-10-20");
    clinic.until("2026-11-04 12:00").await;
    assert_eq!(clinic.accepted("portal_message"), 1);
    clinic.act(
        "portal",
        json!({ "act": "check_in", "client": "maya", "check_in": "c0" }),
    );
    clinic.until("2026-11-05 12:00").await;
    assert_eq!(clinic.case().await.status, CaseStatus::Open);
}

#[tokio::test]
async fn e07_a_later_check_in_closes_the_case_though_its_event_does_not_tell_its_date() {
    let clinic = Clinic::open("online", true).await;
    clinic.until("2026-11-04 12:00").await;
    clinic.due("c2", "2026-11-17");
    clinic.act(
        "portal",
        json!({ "act": "check_in", "client": "maya", "check_in": "c2" }),
    );
    clinic.until("2026-11-05 12:00").await;
    assert_eq!(clinic.open_cases().await, 0);
}

#[tokio::test]
async fn an_event_that_leaves_out_her_coach_and_regimen_takes_neither_from_the_case() {
    let clinic = Clinic::open("online", true).await;
    clinic.until("2026-11-04 12:00").await;
    let before = clinic.case().await.data["client"].clone();
    assert_eq!(before["coach"], "beth");
    clinic.act(
        "portal",
        json!({ "act": "raise", "type": "client.updated",
                "data": { "client_id": "maya", "status": "online" } }),
    );
    clinic.until("2026-11-04 12:30").await;
    assert_eq!(clinic.case().await.data["client"], before);
}

#[tokio::test]
async fn a23_the_transition_call_is_asked_of_the_coach_and_nothing_is_sent() {
    let clinic = Clinic::open("transition_call_only", true).await;
    clinic.until("2026-11-05 12:00").await;
    let items = clinic.items("transition_call").await;
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].owner, "beth");
    for kind in relay_core::effects::EffectKind::ALL {
        // She is asked in her own tool, too.
        let wanted = usize::from(kind == relay_core::effects::EffectKind::WorkTask);
        assert_eq!(clinic.accepted(kind.as_str()), wanted, "{kind:?}");
    }
    assert_eq!(clinic.open_cases().await, 0);
    clinic
        .done("transition_call", "done", None)
        .await
        .expect("done");
    clinic.until("2026-11-09 12:00").await;
    assert!(clinic.items("transition_call").await.is_empty());
}

#[tokio::test]
async fn e21_a_case_held_for_a_missing_contact_goes_on_once_she_is_linked() {
    let clinic = Clinic::open("online", false).await;
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.case().await.status.as_str(), "held");
    clinic.joins_crm();
    let engine = &clinic.world.relay.engine;
    let (maya, contact) = ("maya".into(), "201".into());
    let linked = cases::link_client(engine, &maya, &contact, "Ola").await;
    linked.expect("linked");
    clinic.until("2026-11-06 13:00").await;
    assert_eq!(clinic.accepted("call_task"), 1);
    assert!(clinic.items("hold").await.is_empty());
}

#[tokio::test]
async fn a_recorded_call_needs_its_outcome_and_goes_on_with_it() {
    let clinic = Clinic::open("online", true).await;
    clinic.until("2026-11-06 12:00").await;
    assert_eq!(clinic.accepted("call_task"), 1);
    for text in [None, Some("well")] {
        let refused = clinic.done("call_outcome", "call_outcome", text).await;
        refused.expect_err("no outcome was told");
        assert_eq!(clinic.items("call_outcome").await.len(), 1);
    }
    let done = clinic.done("call_outcome", "call_outcome", Some("no answer"));
    done.await.expect("recorded");
    let wait = clinic.case().await.wait;
    assert!(
        matches!(wait, Some(relay_core::case::Wait::Timer { .. })),
        "{wait:?}"
    );
}
