//! The list of holidays is asked for before it runs out (A26).

use clear_relay::engine::commands::work;
use clear_relay::engine::start;
use relay_store::WorkItem;

use super::rig::Rig;

/// A relay that has been started, the day before the first morning below.
async fn started(holidays: &[&str]) -> Rig {
    let mut rig = Rig::new().await;
    rig.with_holidays(holidays);
    start::prepare(&rig.engine).await.unwrap();
    rig.drain().await;
    rig
}

impl Rig {
    /// What is asked once the daily comparison of this day has run.
    async fn asked_on(&self, day: &str) -> Vec<WorkItem> {
        self.clock.set(format!("{day}T16:00:00Z").parse().unwrap());
        self.drain().await;
        self.work("holidays").await
    }
}

#[tokio::test]
async fn an_admin_is_asked_once_a_year_from_october_on() {
    let rig = started(&["2026-11-26"]).await;
    for _ in 0..2 {
        for day in ["2026-11-05", "2026-11-06"] {
            let [item] = &rig.asked_on(day).await[..] else {
                panic!("one item");
            };
            assert!(item.title.contains("holidays of 2027"), "{}", item.title);
            assert_eq!(item.owner, "admin");
        }
    }
    let item = rig.asked_on("2026-11-07").await.remove(0);
    work::settle_work(&rig.engine, item.id, "Ada", "done", None)
        .await
        .unwrap();
    // Her word counts for that year.
    for day in ["2026-11-08", "2027-01-04", "2027-09-30"] {
        assert!(rig.asked_on(day).await.is_empty(), "{day}");
    }
    let [item] = &rig.asked_on("2027-10-01").await[..] else {
        panic!("one item");
    };
    assert!(item.title.contains("holidays of 2028"), "{}", item.title);
}

#[tokio::test]
async fn the_question_closes_itself_once_the_year_is_written_down() {
    let mut rig = started(&[]).await;
    assert_eq!(rig.asked_on("2026-11-05").await.len(), 1);
    rig.with_holidays(&["2027-01-01"]);
    assert!(rig.asked_on("2026-11-06").await.is_empty());
    assert!(rig.asked_on("2026-12-31").await.is_empty());
}

#[tokio::test]
async fn before_october_this_year_is_asked_for() {
    let rig = started(&["2027-07-05"]).await;
    assert!(rig.asked_on("2027-03-01").await.is_empty());
    let rig = started(&["2026-12-25"]).await;
    let asked = rig.asked_on("2027-03-01").await;
    assert!(asked[0].title.contains("holidays of 2027"));
}
