//! A vendor does not do what it should for a day: one incident tells an admin, what many cases meet waits, and
//! all of it goes on afterwards.

use clear_relay::engine::incidents;
use clear_relay::sandbox::world::World;
use relay_core::time::SignedDuration;
use relay_http_client::emulation::{FaultAct, FaultRule, Moment};
use relay_store::{CaseFilter, Page, WorkItem};

const PEOPLE: usize = 6;
const ALL: Page = Page {
    offset: 0,
    limit: 10_000,
};

/// A clinic, and a vendor of it that fails.
pub(super) struct Outage {
    pub(super) world: World,
    vendor: &'static str,
    pub(super) folder: tempfile::TempDir,
}

pub(super) fn status(code: u16) -> FaultAct {
    FaultAct::Status {
        code,
        retry_after: None,
        body: None,
    }
}

pub(super) fn rule(operation: &str, act: FaultAct) -> FaultRule {
    FaultRule {
        operation: operation.to_owned(),
        moment: Moment::Before,
        act,
        skip: 0,
        times: u32::MAX,
    }
}

impl Outage {
    /// Begins right before the channels are chosen.
    pub(super) async fn at_the_decision(
        vendor: &'static str,
        operation: &str,
        act: FaultAct,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (world, _) = super::crowd::world(folder.path(), PEOPLE, SignedDuration::ZERO).await;
        let began = super::crowd::decision_day(&world);
        world.run_until(began).await.expect("a store");
        world
            .vendors
            .order(vendor, rule(operation, act))
            .expect("a vendor");
        Self {
            world,
            vendor,
            folder,
        }
    }

    pub(super) async fn lasts(&self, hours: i64) {
        let until = self.world.now() + SignedDuration::from_hours(hours);
        self.world.run_until(until).await.expect("a store");
    }

    pub(super) fn is_mended(&self) {
        self.world
            .vendors
            .faults(self.vendor)
            .expect("a vendor")
            .clear();
    }

    pub(super) async fn open(&self) -> Vec<WorkItem> {
        let open = self.world.store().open_work(None, ALL).await;
        open.expect("a store")
    }

    /// One item, of an admin, that stands for all.
    pub(super) async fn only_the_incident(&self) -> WorkItem {
        let mut open = self.open().await;
        let told: Vec<_> = open
            .iter()
            .map(|item| (item.owner.as_str(), item.kind.as_str(), item.title.as_str()))
            .collect();
        assert_eq!(told.len(), 1, "{told:#?}");
        assert_eq!((told[0].0, told[0].1), ("admin", "incident"), "{told:#?}");
        open.remove(0)
    }

    /// One notice, of an admin, that it is over; nobody needs to do anything.
    pub(super) async fn only_the_notice(&self) -> WorkItem {
        let mut open = self.open().await;
        let told: Vec<_> = open
            .iter()
            .map(|item| (item.owner.as_str(), item.kind.as_str(), item.title.as_str()))
            .collect();
        assert_eq!(told.len(), 1, "{told:#?}");
        assert_eq!((told[0].0, told[0].1), ("admin", "incident_over"));
        assert_eq!(open[0].detail["need_a_person"], 0, "{}", open[0].title);
        let kept = incidents::all(self.world.store().as_ref()).await;
        let kept = kept.expect("a store");
        assert!(kept.iter().all(|(_, one)| one.is_empty()), "{kept:?}");
        open.remove(0)
    }

    /// How many of an effect a vendor has carried out.
    pub(super) fn accepted(&self, what: &str) -> usize {
        let accepted = self.world.vendors.accepted();
        let these = accepted.iter().filter(|entry| entry.operation == what);
        these.count()
    }
}

/// What is left of the day, the weekend after it, and Monday morning.
const A_DAY: i64 = 27;
const UNTIL_MONDAY: i64 = 47;

#[tokio::test]
async fn the_crm_does_not_answer_for_a_day() {
    for act in [FaultAct::Refuse, status(500)] {
        let outage = Outage::at_the_decision("keap", "*", act).await;
        outage.lasts(A_DAY).await;
        let item = outage.only_the_incident().await;
        assert!(
            item.title.starts_with("Keap has not answered"),
            "{}",
            item.title
        );
        let list = &item.detail["list"];
        assert_eq!(list["fails"], "everything");
        assert_eq!(list["waits"]["clients"], PEOPLE);
        outage.is_mended();
        outage.lasts(UNTIL_MONDAY).await;
        super::crowd::all_is_done(&outage.world, PEOPLE).await;
        let over = outage.only_the_notice().await;
        assert!(
            over.title.starts_with("Keap answers again"),
            "{}",
            over.title
        );
    }
}

#[tokio::test]
async fn the_crm_does_not_let_the_relay_in_for_a_day() {
    let outage = Outage::at_the_decision("keap", "*", status(401)).await;
    outage.lasts(A_DAY).await;
    let item = outage.only_the_incident().await;
    let remedy = item.detail["remedy"].as_str().expect("a remedy");
    assert!(remedy.contains("keap.key_file"), "{remedy}");
    outage.is_mended();
    outage.lasts(UNTIL_MONDAY).await;
    super::crowd::all_is_done(&outage.world, PEOPLE).await;
    let over = outage.only_the_notice().await;
    assert!(
        over.title.contains("lets the relay in again"),
        "{}",
        over.title
    );
}

#[tokio::test]
async fn the_portal_does_not_answer_for_a_day() {
    let outage = Outage::at_the_decision("portal", "*", status(503)).await;
    outage.lasts(A_DAY).await;
    outage.only_the_incident().await;
    outage.is_mended();
    outage.lasts(UNTIL_MONDAY).await;
    super::crowd::all_is_done(&outage.world, PEOPLE).await;
    outage.only_the_notice().await;
}

#[tokio::test]
async fn what_one_right_is_missing_for_waits_until_a_person_has_given_it() {
    let outage = Outage::at_the_decision("keap", "email", status(403)).await;
    outage.lasts(A_DAY).await;
    let item = outage.only_the_incident().await;
    assert_eq!(item.detail["list"]["fails"], "sending email");
    assert_eq!(item.detail["list"]["waits"]["clients"], PEOPLE);
    // Two had been given up before, and their coach was asked: that is settled.
    let mut holds = 0;
    for case in outage
        .world
        .store()
        .cases(&CaseFilter::default(), ALL)
        .await
        .expect("a store")
    {
        for item in outage
            .world
            .store()
            .case_work(case.id)
            .await
            .expect("a store")
        {
            let settled = item.settled.expect("settled");
            assert_eq!(settled.action, "belongs to the incident", "{}", item.title);
            holds += usize::from(item.kind == "hold");
        }
    }
    assert_eq!(holds, 2);
    // Over the weekend nothing goes out: that does not end it.
    outage.lasts(UNTIL_MONDAY - 3).await;
    outage.only_the_incident().await;
    assert_eq!(outage.accepted("email"), 0);
    outage.is_mended();
    outage.lasts(9).await;
    super::crowd::all_is_done(&outage.world, PEOPLE).await;
    outage.only_the_notice().await;
}
