//! What a vendor answers definitely: an admin learns what it was, nobody is held for ever by it, and nothing else that
//! people were asked is taken back.

use relay_http_client::emulation::FaultAct;

use super::day::Outage;

#[tokio::test]
async fn an_admin_learns_what_the_vendor_was_asked_and_where_its_words_stand() {
    let inactive = FaultAct::Status {
        code: 400,
        retry_after: None,
        body: Some(r#"{"message":"user_id 12 is inactive"}"#.to_owned()),
    };
    let outage = Outage::at_the_decision("keap", "email", inactive).await;
    outage.lasts(2).await;
    let item = outage.only_the_incident().await;
    let technical = item.detail["technical"].as_str().expect("what was asked");
    assert!(technical.contains("status 400"), "{technical}");
    assert!(!item.detail.to_string().contains("inactive"), "{item:?}");
    let remedy = item.detail["remedy"].as_str().expect("a remedy");
    let (_, named) = remedy.split_once("clear-relay jobs show ").expect(remedy);
    let named = named.split('`').next().expect("a job");
    let job = named.parse().expect(named);
    let attempts = outage.world.store().attempts(job).await.expect("a store");
    let notes: Vec<_> = attempts
        .iter()
        .filter_map(|one| one.note.as_deref())
        .collect();
    assert!(
        notes.iter().any(|note| note.contains("status 400")),
        "{notes:#?}"
    );
}
