//! What many cases meet alike at a vendor: kept once, for every worker.

use serde_json::{Value, json};

use super::make::{commit, conflict};
use crate::{IncidentsRow, Op, Precondition, Store};

fn put(vendor: &str, expected: u64, body: &Value) -> Op {
    Op::PutIncidents {
        vendor: vendor.into(),
        expected,
        body: body.clone(),
    }
}

fn row(vendor: &str, version: u64, body: &Value) -> IncidentsRow {
    IncidentsRow {
        vendor: vendor.into(),
        version,
        body: body.clone(),
    }
}

pub(super) async fn incidents_are_replaced_only_from_the_version_they_were_read_in(store: &dyn Store) {
    let (first, second) = (json!({"classes": {}}), json!({}));
    assert_eq!(store.incidents("crm").await.unwrap(), None);
    conflict(store, Precondition::IncidentsVersion, [put("crm", 1, &first)]).await;
    commit(store, [put("crm", 0, &first)]).await;
    assert_eq!(store.incidents("crm").await.unwrap(), Some(row("crm", 1, &first)));
    for stale in [0, 2, 7] {
        conflict(store, Precondition::IncidentsVersion, [put("crm", stale, &second)]).await;
    }
    commit(store, [put("crm", 1, &second)]).await;
    assert_eq!(store.incidents("crm").await.unwrap(), Some(row("crm", 2, &second)));
}

pub(super) async fn of_two_who_read_the_same_incidents_one_replaces_them(store: &dyn Store) {
    let (one, other) = (json!("one"), json!("other"));
    let first = store.commit(vec![put("crm", 0, &one)].into()).await;
    let second = store.commit(vec![put("crm", 0, &other)].into()).await;
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    let kept = if first.is_ok() { one } else { other };
    assert_eq!(store.incidents("crm").await.unwrap(), Some(row("crm", 1, &kept)));
}

pub(super) async fn incidents_come_by_vendor(store: &dyn Store) {
    assert_eq!(store.all_incidents().await.unwrap(), []);
    let body = json!({});
    commit(store, [put("portal", 0, &body), put("crm", 0, &body)]).await;
    let rows = [row("crm", 1, &body), row("portal", 1, &body)];
    assert_eq!(store.all_incidents().await.unwrap(), rows);
}
