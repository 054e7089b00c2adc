//! The clinic that edge cases happen in: two coaches, and the clients a test brings.
//!
//! Monday, November 2, 2026, 9:00 in Denver. A check-in is due on Tuesday the 3rd, so the first
//! message goes out on Wednesday at 9:00, and the channel is chosen on Friday at 9:00.

use crate::support::tools::Tools as _;
use std::sync::Arc;
use std::time::Duration;

use clear_relay::engine::commands::{cases, work};
use clear_relay::sandbox::cast::instant;
use clear_relay::sandbox::clinic::{COACHING_PRODUCT, HOOK_SECRET};
use clear_relay::sandbox::world::{Setup, World};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use relay_core::calendar::Calendar;
use relay_core::case::{Case, CaseStatus, TimelineEntry};
use relay_core::facts::Order;
use relay_core::ids::{CaseId, ClientId};
use relay_core::time::{DateTime, Timestamp};
use relay_http_client::emulation::Accepted;
use relay_http_client::{Answer, Call, Transport as _};
use relay_store::{
    CaseFilter, Effect, Job, JobFilter, JobState, Page, Receipt, ReceiptState, Store, WorkItem,
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// More rows than any test makes.
pub(crate) const ALL: Page = Page {
    offset: 0,
    limit: 5000,
};

/// A client as a test brings her. Unless changed: linked, online, reachable, never opens mail.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: &'static str,
    pub(crate) contact: u64,
    pub(crate) first: Option<&'static str>,
    pub(crate) phone: Option<&'static str>,
    pub(crate) coach: &'static str,
    pub(crate) regimen: Option<&'static str>,
    pub(crate) due: Option<&'static str>,
    pub(crate) opens: bool,
    pub(crate) linked: bool,
}

impl Person {
    /// Maya, who opens her mail: follow-up by email.
    pub(crate) fn maya() -> Self {
        Self {
            id: "maya",
            contact: 201,
            first: Some("Maya"),
            phone: Some("303-555-0101"),
            coach: "coach_beth",
            regimen: Some("2026-10-20"),
            due: Some("2026-11-03"),
            opens: true,
            linked: true,
        }
    }

    /// Jo, who doesn't: follow-up by phone.
    pub(crate) fn jo() -> Self {
        Self {
            id: "jo",
            contact: 202,
            first: Some("Jo"),
            phone: Some("303-555-0102"),
            opens: false,
            ..Self::maya()
        }
    }

    pub(crate) fn email(&self) -> String {
        format!("{}@example.test", self.id)
    }
}

/// The clinic.
pub(crate) struct Clinic {
    pub(crate) world: World,
    _folder: TempDir,
}

impl Clinic {
    /// Monday morning, nobody there yet.
    pub(crate) async fn open() -> Self {
        Self::open_with(|_| ()).await
    }

    /// The same, set up otherwise.
    pub(crate) async fn open_with(change: impl FnOnce(&mut Setup)) -> Self {
        let start = at("2026-11-02 09:00");
        let mut setup = Setup::new(start, 7);
        change(&mut setup);
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("relay.sqlite");
        let world = World::new(setup, &path).await.expect("a clinic");
        let clinic = Self {
            world,
            _folder: folder,
        };
        for (id, name, user) in [("coach_beth", "Beth", 11), ("coach_ruth", "Ruth", 12)] {
            let email = format!("{}@clinic.example.test", name.to_lowercase());
            clinic.portal(
                json!({ "act": "add_coach", "id": id, "name": name, "email": email.clone() }),
            );
            clinic
                .keap(json!({ "act": "add_user", "id": user, "email": email, "given_name": name }));
        }
        clinic
    }

    /// With these clients.
    pub(crate) async fn with(people: &[Person]) -> Self {
        let clinic = Self::open().await;
        for person in people {
            clinic.join(person);
        }
        clinic
    }

    /// A client joins, in both tools.
    pub(crate) fn join(&self, person: &Person) {
        let Person { id, contact, .. } = person;
        self.keap(
            json!({ "act": "add_contact", "id": contact, "given_name": person.first,
            "family_name": "Hayes", "email": person.email(), "email_status": "SINGLE_OPT_IN",
            "phone": person.phone, "custom": { "Skin Goal": "a calm week" } }),
        );
        self.portal(
            json!({ "act": "add_client", "id": id, "first_name": person.first,
            "last_name": "Hayes", "status": "online", "coach": person.coach,
            "email": person.email(), "last_regimen_change": person.regimen,
            "keap_contact_id": person.linked.then(|| contact.to_string()) }),
        );
        for day in ["2026-10-21", "2026-10-28", "2026-10-31"] {
            let opened = person.opens.then(|| at(&format!("{day} 13:17")));
            self.keap(
                json!({ "act": "add_email_record", "contact": contact, "subject": "News",
                "sent_at": at(&format!("{day} 10:00")), "opened_at": opened }),
            );
        }
        if let Some(due) = person.due {
            self.check_in_due(id, &format!("ci_{id}"), due);
        }
    }

    /// A check-in is due.
    pub(crate) fn check_in_due(&self, client: &str, id: &str, due: &str) {
        self.portal(json!({ "act": "add_check_in", "client": client, "id": id, "due": due }));
    }

    /// An act in the portal.
    pub(crate) fn portal(&self, act: Value) -> Value {
        self.world.vendors.portal().act(act).expect("an act")
    }

    /// An act in Keap.
    pub(crate) fn keap(&self, act: Value) -> Value {
        self.world.vendors.keap().act(act).expect("an act")
    }

    /// A fault is ordered.
    pub(crate) fn fault(&self, vendor: &str, rule: Value) {
        let rule = serde_json::from_value(rule).expect("a fault");
        self.world.vendors.order(vendor, rule).expect("a vendor");
    }

    /// Coaching subscription `id`, charged to `card`.
    pub(crate) fn fee(&self, id: u64, contact: u64, card: Option<u64>) {
        self.keap(
            json!({ "act": "add_subscription", "id": id, "contact": contact,
            "product": COACHING_PRODUCT, "payment_method": card }),
        );
    }

    /// Runs the clinic until a time, clinic time.
    pub(crate) async fn until(&self, time: &str) {
        self.world.run_until(at(time)).await.expect("a run");
    }

    /// What is due now.
    pub(crate) async fn settle(&self) {
        self.world.settle().await.expect("a run");
    }

    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        self.world.store()
    }

    /// Everything the vendors accepted for this client, with its time, in order.
    pub(crate) fn accepted(&self, who: &Person) -> Vec<Accepted> {
        let contact = who.contact.to_string();
        let mut all = self.world.vendors.accepted();
        all.retain(|entry| entry.who == who.id || entry.who == contact);
        all
    }

    /// The same as `day operation`, in order.
    pub(crate) fn story(&self, who: &Person) -> Vec<String> {
        let line = |entry: &Accepted| {
            let local = self.world.zone().to_datetime(entry.at);
            format!("{} {}", local.strftime("%-d"), entry.operation)
        };
        self.accepted(who).iter().map(line).collect()
    }

    /// The same without what a coach is asked in tasks of her own.
    pub(crate) fn beside_inbox(&self, who: &Person) -> Vec<String> {
        let is_inbox = |entry: &Accepted| {
            let title = entry.content["title"].as_str().unwrap_or_default();
            entry.operation == "work_task"
                || (entry.operation == "close_task" && !title.starts_with("CALL "))
        };
        let mut all = self.accepted(who);
        all.retain(|entry| !is_inbox(entry));
        all.into_iter().map(|entry| entry.operation).collect()
    }

    /// What reached her or asked somebody to reach her, as `day hour:minute operation`.
    pub(crate) fn outreach(&self, who: &Person) -> Vec<String> {
        let line = |entry: &Accepted| {
            let local = self.world.zone().to_datetime(entry.at);
            format!("{} {}", local.strftime("%-d %H:%M"), entry.operation)
        };
        let reaches = |entry: &&Accepted| {
            ["portal_message", "email", "call_task"].contains(&entry.operation.as_str())
        };
        let all = self.accepted(who);
        all.iter().filter(reaches).map(line).collect()
    }

    /// Everybody's outreach, by operation.
    pub(crate) fn count(&self, operation: &str) -> usize {
        let all = self.world.vendors.accepted();
        all.iter()
            .filter(|entry| entry.operation == operation)
            .count()
    }

    /// Her cases, newest change first, closed ones too.
    pub(crate) async fn cases(&self, who: &Person) -> Vec<Case> {
        let filter = CaseFilter {
            client: Some(ClientId::from(who.id)),
            closed: true,
            ..CaseFilter::default()
        };
        self.store().cases(&filter, ALL).await.expect("cases")
    }

    /// Her only case.
    pub(crate) async fn case(&self, who: &Person) -> Case {
        let cases = self.cases(who).await;
        let [case] = <[Case; 1]>::try_from(cases).expect("one case");
        case
    }

    /// Why her only case is closed.
    pub(crate) async fn closed(&self, who: &Person) -> String {
        match self.case(who).await.status {
            CaseStatus::Closed { reason } => reason,
            other => panic!("the case of {} is {}", who.id, other.as_str()),
        }
    }

    /// The texts of a case's history.
    pub(crate) async fn history(&self, case: CaseId) -> Vec<String> {
        let lines: Vec<TimelineEntry> = self.store().timeline(case).await.expect("a history");
        lines.into_iter().map(|line| line.text).collect()
    }

    /// A case's effects.
    pub(crate) async fn effects(&self, case: CaseId) -> Vec<Effect> {
        self.store().effects(case).await.expect("effects")
    }

    /// Open work items, of everybody.
    pub(crate) async fn work(&self) -> Vec<WorkItem> {
        self.store().open_work(None, ALL).await.expect("work")
    }

    /// The kinds of open work items about one client, in alphabetical order.
    pub(crate) async fn work_kinds(&self, who: &Person) -> Vec<String> {
        let id = ClientId::from(who.id);
        let open = self.work().await.into_iter();
        let mut kinds: Vec<_> = open
            .filter(|item| item.client.as_ref() == Some(&id))
            .map(|item| item.kind)
            .collect();
        kinds.sort();
        kinds
    }

    /// Her open work item of a kind.
    pub(crate) async fn item(&self, who: &Person, kind: &str) -> WorkItem {
        let id = ClientId::from(who.id);
        let open = self.work().await;
        let kinds: Vec<_> = open.iter().map(|item| item.kind.clone()).collect();
        let mine = |item: &WorkItem| item.kind == kind && item.client.as_ref() == Some(&id);
        open.into_iter()
            .find(mine)
            .unwrap_or_else(|| panic!("no {kind} for {}, but {kinds:?}", who.id))
    }

    /// Beth settles her open work item of a kind, and what follows is done.
    pub(crate) async fn done(&self, who: &Person, kind: &str, action: &str, text: Option<&str>) {
        let item = self.item(who, kind).await;
        let engine = &self.world.relay.engine;
        work::settle_work(engine, item.id, "Beth", action, text)
            .await
            .expect("settled");
        let stored = self.store().work_item(item.id).await.expect("a store");
        let settled = stored.and_then(|item| item.settled).expect("it is settled");
        assert_eq!(
            (settled.by.as_str(), settled.action.as_str()),
            ("Beth", action)
        );
        self.settle().await;
    }

    /// Beth orders something, and it is done.
    pub(crate) async fn order(&self, who: &Person, order: Order) -> CaseId {
        let engine = &self.world.relay.engine;
        let case = cases::order(engine, &ClientId::from(who.id), "Beth", order).await;
        let case = case.expect("an order");
        self.settle().await;
        case
    }

    /// Jobs in a state.
    pub(crate) async fn jobs(&self, state: JobState) -> Vec<Job> {
        let filter = JobFilter {
            states: vec![state],
            ..JobFilter::default()
        };
        self.store().jobs(&filter, ALL).await.expect("jobs")
    }

    /// Every receipt, whatever became of it.
    pub(crate) async fn receipts(&self) -> Vec<Receipt> {
        let mut all = Vec::new();
        for state in ReceiptState::ALL {
            all.extend(self.store().receipts(*state, ALL).await.expect("receipts"));
        }
        all
    }

    /// A POST at the relay's door.
    pub(crate) async fn post(&self, path: &str, headers: HeaderMap, body: &str) -> Answer {
        let call = Call {
            method: Method::POST,
            url: self.world.relay_url().join(path).expect("an address"),
            headers,
            body: body.to_owned().into(),
            timeout: Duration::from_secs(30),
        };
        self.world
            .relay_transport()
            .send(call)
            .await
            .expect("an answer")
    }

    /// A POST at Keap's path.
    pub(crate) async fn post_as_keap(&self, body: &Value) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let path = format!("hooks/keap/{HOOK_SECRET}");
        self.post(&path, headers, &body.to_string()).await
    }
}

/// Clinic time as an instant.
pub(crate) fn at(time: &str) -> Timestamp {
    let time: DateTime = time.parse().expect("a time");
    instant(time, Calendar::default_denver().zone())
}
