//! Where Keap alone tells who has missed a check-in: tags that are renamed, days that move or are emptied,
//! contacts that vanish, and how much Keap is asked.

mod heard;

use std::sync::{Arc, Mutex};

use clear_relay::doctor::{Finding, Severity};
use clear_relay::sandbox::clinic;
use clear_relay::sandbox::world::{Setup, World};
use clear_relay::wiring::emulated::ToldBy;
use clear_relay::wiring::inspect;
use relay_core::case::{Case, CaseStatus};
use relay_core::ids::ClientId;
use relay_core::time::SignedDuration;
use relay_http_client::Transport;
use relay_store::{CaseFilter, Page, WorkItem};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::clinic::at;
use crate::limits::tap::Tap;
use crate::support::tools::Tools as _;

const TAG: &str = "Check-in missed";
const DUE: &str = "Check-in due";
const ALL: Page = Page {
    offset: 0,
    limit: 1000,
};

/// A clinic that has Keap and nothing else.
struct Alone {
    world: World,
    tap: Arc<Tap>,
    transport: Arc<dyn Transport>,
    _folder: TempDir,
}

impl Alone {
    /// Tuesday morning, November 3, with one coach.
    async fn open() -> Self {
        Self::open_with(str::to_owned).await
    }

    async fn open_with(amend: fn(&str) -> String) -> Self {
        let tap = Tap::taking(SignedDuration::ZERO);
        let mut setup = Setup::new(at("2026-11-03 06:00"), 7);
        setup.told_by = ToldBy::Crm;
        setup.amend = amend;
        let (seen, tapped) = (Arc::<Mutex<_>>::default(), tap.on_the_way());
        let way = Arc::clone(&seen);
        setup.on_the_way = Some(Arc::new(move |transport| {
            *way.lock().expect("not poisoned") = Some(Arc::clone(&transport));
            tapped(transport)
        }));
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("relay.sqlite");
        let world = World::new(setup, &path).await.expect("a clinic");
        tap.watch(&world);
        let alone = Self {
            world,
            tap,
            transport: seen.lock().expect("not poisoned").take().expect("seen"),
            _folder: folder,
        };
        alone.act(
            json!({ "act": "add_user", "id": 11, "email": "beth@clinic.example.test",
                          "given_name": "Beth" }),
        );
        alone
    }

    /// The same with a client who was due on November 3 and has the tag, on November 4 at ten, when her coach was
    /// asked to write to her.
    async fn with_one() -> Self {
        let alone = Self::open().await;
        alone.contact(801, Some("2026-11-03"));
        alone.until("2026-11-04 06:10").await;
        alone.tag(801);
        alone.until("2026-11-04 10:00").await;
        assert_eq!(alone.accepted(801), ["work_task"]);
        alone
    }

    fn act(&self, act: Value) {
        self.world.vendors.keap().act(act).expect("an act");
    }

    fn contact(&self, id: u64, due: Option<&str>) {
        self.act(
            json!({ "act": "add_contact", "id": id, "given_name": "Maya", "family_name": "Moss",
                         "email": format!("c{id}@example.test"), "email_status": "SINGLE_OPT_IN",
                         "phone": "303-555-0134", "owner": 11,
                         "custom": { DUE: due, "Regimen changed": "2026-10-20" } }),
        );
    }

    fn tag(&self, contact: u64) {
        self.act(json!({ "act": "apply_tag", "contact": contact, "tag": TAG }));
    }

    fn untag(&self, contact: u64) {
        self.act(json!({ "act": "remove_tag", "contact": contact, "tag": TAG }));
    }

    fn due(&self, contact: u64, day: Option<&str>) {
        self.act(
            json!({ "act": "edit_contact_field", "contact": contact, "field": DUE, "value": day }),
        );
    }

    fn answer(&self, contact: u64, text: &str) {
        self.act(json!({ "act": "complete_task", "contact": contact, "text": text }));
    }

    async fn until(&self, time: &str) {
        self.world.run_until(at(time)).await.expect("a run");
    }

    /// What Keap accepted about a contact, in order.
    fn accepted(&self, contact: u64) -> Vec<String> {
        let who = contact.to_string();
        let all = self.world.vendors.accepted().into_iter();
        all.filter(|entry| entry.who == who)
            .map(|entry| entry.operation)
            .collect()
    }

    /// Her cases, newest change first, closed ones too.
    async fn cases(&self, contact: u64) -> Vec<Case> {
        let filter = CaseFilter {
            client: Some(ClientId::from(format!("keap-{contact}"))),
            closed: true,
            ..CaseFilter::default()
        };
        let cases = self.world.store().cases(&filter, ALL).await;
        cases.expect("cases")
    }

    async fn is_open(&self, contact: u64) -> bool {
        let cases = self.cases(contact).await;
        cases.iter().any(|case| !case.status.is_closed())
    }

    /// What the doctor finds at Keap, by a configuration.
    async fn doctor(&self, text: &str) -> Vec<Finding> {
        let config = clinic::read_config(text).expect("valid");
        let clocks = &self.world.relay.engine.clocks;
        let mut said = Vec::new();
        for one in inspect::inspectors(&config, &self.transport, clocks, None) {
            said.extend(one.inspect().await);
        }
        said
    }

    async fn work(&self) -> Vec<WorkItem> {
        let open = self.world.store().open_work(None, ALL).await;
        open.expect("work")
    }

    async fn kinds(&self) -> Vec<String> {
        let open = self.work().await.into_iter();
        open.map(|item| item.kind).collect()
    }
}

#[tokio::test]
async fn a_tag_that_is_gone_from_keap_does_not_mean_that_everybody_has_checked_in() {
    let alone = Alone::with_one().await;
    alone.act(json!({ "act": "delete_tag", "name": TAG }));
    alone.until("2026-11-04 14:00").await;
    assert!(alone.is_open(801).await, "nothing says that she has");
    assert_eq!(alone.accepted(801), ["work_task"], "her task stays");
    let told = alone.work().await;
    let told: Vec<String> = told.iter().map(|item| item.detail.to_string()).collect();
    assert!(
        told.iter().any(|text| text.contains("Keap has no tag")),
        "{told:?}"
    );
    // Made anew, under another id, and put on again.
    alone.tag(801);
    alone.until("2026-11-04 16:00").await;
    assert!(alone.is_open(801).await);
    alone.untag(801);
    alone.until("2026-11-04 16:40").await;
    assert!(!alone.is_open(801).await);
    assert_eq!(alone.accepted(801), ["work_task", "close_task"]);
}

#[tokio::test]
async fn a_day_that_the_clinic_moves_ends_one_follow_up_and_begins_another_in_time() {
    let alone = Alone::with_one().await;
    alone.due(801, Some("2026-11-10"));
    alone.until("2026-11-04 10:40").await;
    let cases = alone.cases(801).await;
    let CaseStatus::Closed { reason } = &cases[0].status else {
        panic!("{:?}", cases[0].status);
    };
    assert!(reason.contains("withdrawn"), "{reason}");
    alone.until("2026-11-10 23:00").await;
    assert_eq!(alone.cases(801).await.len(), 1, "not missed yet");
    alone.until("2026-11-11 10:00").await;
    assert_eq!(alone.cases(801).await.len(), 2);
    assert_eq!(
        alone.accepted(801),
        ["work_task", "close_task", "work_task"]
    );
}

#[tokio::test]
async fn without_its_day_nothing_goes_out_about_a_check_in_that_is_followed_up() {
    let alone = Alone::with_one().await;
    alone.answer(801, "Answer: done");
    alone.until("2026-11-05 12:00").await;
    alone.due(801, None);
    alone.until("2026-11-07 12:00").await;
    let accepted = alone.accepted(801);
    assert!(
        !accepted
            .iter()
            .any(|operation| operation == "email" || operation == "call_task"),
        "{accepted:?}"
    );
    assert!(alone.is_open(801).await, "nor is she forgotten");
    let work = alone.work().await;
    let asked = work.iter().find(|item| item.kind == "undated");
    let detail = asked.expect("somebody is asked").detail.to_string();
    assert!(
        detail.contains("contact 801") && detail.contains(DUE),
        "{detail}"
    );
    assert!(
        !detail.contains("Maya") && !detail.contains("example.test"),
        "{detail}"
    );
    alone.due(801, Some("2026-11-03"));
    alone.until("2026-11-07 12:40").await;
    assert!(!alone.kinds().await.contains(&"undated".to_owned()));
    alone.due(801, None);
    alone.until("2026-11-07 13:10").await;
    assert!(alone.kinds().await.contains(&"undated".to_owned()), "again");
}

#[tokio::test]
async fn what_was_checked_in_is_not_followed_up_again_by_a_tag_that_comes_back() {
    let alone = Alone::with_one().await;
    alone.untag(801);
    alone.until("2026-11-04 10:40").await;
    assert!(!alone.is_open(801).await);
    alone.tag(801);
    alone.until("2026-11-06 12:00").await;
    assert_eq!(alone.cases(801).await.len(), 1);
    assert_eq!(alone.accepted(801), ["work_task", "close_task"]);
    // The next check-in is another one.
    alone.due(801, Some("2026-11-05"));
    alone.until("2026-11-06 12:40").await;
    assert_eq!(alone.cases(801).await.len(), 2);
}

#[tokio::test]
async fn a_contact_that_vanishes_has_not_checked_in() {
    let alone = Alone::with_one().await;
    alone.answer(801, "Answer: done");
    alone.until("2026-11-05 12:00").await;
    alone.act(json!({ "act": "delete_contact", "contact": 801 }));
    alone.until("2026-11-05 16:00").await;
    let [case] = <[Case; 1]>::try_from(alone.cases(801).await).expect("one case");
    if let CaseStatus::Closed { reason } = &case.status {
        assert!(!reason.contains("submitted"), "{reason}");
    }
    alone.until("2026-11-07 12:00").await;
    let accepted = alone.accepted(801);
    assert!(
        !accepted.iter().any(|operation| operation == "email"),
        "{accepted:?}"
    );
}

#[tokio::test]
async fn thirty_who_are_followed_up_cost_a_look_no_more_calls_than_one() {
    let alone = Alone::open().await;
    for contact in 801..=830 {
        alone.contact(contact, Some("2026-11-03"));
    }
    alone.until("2026-11-04 06:10").await;
    for contact in 801..=830 {
        alone.tag(contact);
    }
    alone.until("2026-11-04 16:45").await;
    let open = alone.world.store().open_cases_after(None, 100).await;
    assert_eq!(open.expect("cases").len(), 30);
    // From a quarter past until a quarter to: one look, and nothing that watches the subscriptions.
    let looks = alone
        .tap
        .between(at("2026-11-04 16:15"), at("2026-11-04 16:45"));
    assert!((5..=12).contains(&looks), "{looks} calls");
}

#[tokio::test]
async fn the_doctor_names_the_tag_the_field_the_contacts_and_the_owners_that_are_missing() {
    let alone = Alone::open().await;
    alone.contact(801, Some("2026-11-03"));
    alone.contact(802, None);
    alone.act(json!({ "act": "edit_contact", "contact": 802, "changes": { "owner_id": null } }));
    alone.tag(801);
    alone.tag(802);
    let text = alone.world.config_text().to_owned();
    let said = alone.doctor(&text).await;
    let has = |said: &[Finding], severity: Severity, part: &str| {
        let found = said
            .iter()
            .any(|one| one.severity == severity && one.what.contains(part));
        assert!(found, "{part}: {said:?}");
    };
    has(
        &said,
        Severity::Ok,
        "2 contacts have the tag \"Check-in missed\" now",
    );
    has(&said, Severity::Ok, "every field of check-ins is there");
    has(
        &said,
        Severity::Warning,
        "there is contact 802 with the tag and no day",
    );
    has(
        &said,
        Severity::Warning,
        "there is contact 802 with the tag and without an owner",
    );
    has(
        &said,
        Severity::Note,
        "coaches send portal messages by hand",
    );
    for wrong in [
        ("\"Check-in missed\"", "\"Missed\""),
        ("\"Check-in due\"", "\"Skin Goal\""),
    ] {
        let said = alone.doctor(&text.replace(wrong.0, wrong.1)).await;
        let faults: Vec<_> = said
            .iter()
            .filter(|one| one.severity == Severity::Fault)
            .collect();
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(
            faults[0].subject.starts_with("keap.check_ins."),
            "{faults:?}"
        );
        assert!(!faults[0].remedy.is_empty());
    }
    for one in &said {
        assert!(
            !one.what.contains("Maya") && !one.what.contains("example.test"),
            "{one:?}"
        );
    }
}

#[tokio::test]
async fn who_tells_of_check_ins_is_one_and_what_it_tells_by_is_named() {
    let alone = Alone::open().await;
    let text = alone.world.config_text().to_owned();
    let keys = |text: &str| {
        let config = clinic::read_config(text).expect("valid");
        let gaps = config.gaps().into_iter();
        gaps.map(|gap| gap.key).collect::<Vec<_>>()
    };
    assert_eq!(keys(&text), Vec::<&str>::new());
    let nobody = text
        .split("[keap.check_ins]")
        .next()
        .expect("a part")
        .to_owned();
    assert_eq!(keys(&nobody), ["check_ins"]);
    let both =
        format!("{text}\n[check_ins]\nfrom = \"list\"\ncoaches = {{ c1 = \"Beth <b@x.test>\" }}\n");
    assert_eq!(keys(&both), ["check_ins.from"]);
    for (section, key) in [
        ("missed_tag = \"A\"", "keap.check_ins.due_field"),
        ("due_field = \"D\"", "keap.check_ins.due_field"),
        (
            "missed_tag = \"A\"\ndue_field = \"D\"\nchecked_in_tag = \"a\"",
            "keap.check_ins.checked_in_tag",
        ),
        (
            "missed_tag = \"A\"\ndue_field = \"D\"\nminor_tag = \"a\"",
            "keap.check_ins.minor_tag",
        ),
        ("minor_tag = \"A\"", "keap.check_ins.minor_tag"),
        (
            "missed_tag = \"A\"\ndue_field = \"D\"\nchecked_in_field = \"D\"",
            "keap.check_ins.checked_in_field",
        ),
        (
            "missed_tag = \"A\"\ndue_field = \"D\"\nevery_minutes = 4",
            "keap.check_ins.every_minutes",
        ),
        ("missed = \"A\"", "keap.check_ins.missed"),
    ] {
        let wrong = clinic::read_config(&format!("[keap.check_ins]\n{section}\n"));
        let told = wrong.expect_err(section).mistakes;
        let keys: Vec<_> = told.iter().map(|mistake| mistake.key.as_str()).collect();
        assert_eq!(keys, [key], "{section}");
    }
}
