//! What a person must do.

use super::make::{ALL, Maker, at, commit, conflict, planned_email, settled};
use crate::{JobFilter, Op, Page, Precondition, Store, WorkItem};

fn open(item: &WorkItem) -> Op {
    Op::OpenWork(item.clone())
}

fn settle(item: &WorkItem) -> Op {
    Op::SettleWork {
        id: item.id,
        settled: settled("done"),
    }
}

async fn stored(store: &dyn Store, item: &WorkItem) -> WorkItem {
    store.work_item(item.id).await.unwrap().unwrap()
}

pub(super) async fn a_work_item_comes_back_as_opened(store: &dyn Store) {
    let make = Maker::new();
    let bare = WorkItem {
        client: None,
        actions: Vec::new(),
        ..make.work("bare", 5)
    };
    let full = WorkItem {
        case: Some(make.case_id()),
        effect: Some(planned_email(make.case_id(), "email").key().clone()),
        remind_at: at(3),
        reminders: 2,
        ..make.work("full", 5)
    };
    commit(store, [open(&bare), open(&full)]).await;
    assert_eq!(stored(store, &bare).await, bare);
    assert_eq!(stored(store, &full).await, full);
    assert_eq!(store.work_item(make.work_id()).await.unwrap(), None);
}

pub(super) async fn the_same_wish_is_one_open_item(store: &dyn Store) {
    let make = Maker::new();
    let first = make.work("reply/maya", 5);
    let second = make.work("reply/maya", 9);
    commit(store, [open(&first), open(&second)]).await;
    assert_eq!(stored(store, &first).await, first);
    assert_eq!(store.work_item(second.id).await.unwrap(), None);

    // Once settled, the same wish is a new item.
    commit(store, [settle(&first), open(&second)]).await;
    assert_eq!(stored(store, &second).await, second);
    assert_eq!(store.open_work(None, ALL).await.unwrap(), [second]);
}

pub(super) async fn an_item_is_settled_once(store: &dyn Store) {
    let make = Maker::new();
    let item = make.work("one", 5);
    commit(store, [open(&item), settle(&item)]).await;
    assert_eq!(stored(store, &item).await.settled, Some(settled("done")));
    let other = Op::SettleWork {
        id: item.id,
        settled: settled("reassign"),
    };
    conflict(store, Precondition::WorkItemState, [other]).await;
    assert_eq!(stored(store, &item).await.settled, Some(settled("done")));
    conflict(store, Precondition::WorkItemState, [settle(&make.work("two", 5))]).await;
}

pub(super) async fn what_needs_an_open_item_is_refused_once_it_is_settled(store: &dyn Store) {
    let make = Maker::new();
    let item = make.work("item", 5);
    commit(store, [open(&item)]).await;
    let needs = |item| Op::RequireOpenWork { item };
    commit(store, [needs(item.id)]).await;
    commit(store, [settle(&item)]).await;
    conflict(store, Precondition::WorkItemState, [needs(item.id)]).await;
    conflict(store, Precondition::WorkItemState, [needs(make.work_id())]).await;
}

pub(super) async fn open_items_of_a_client_are_told_oldest_first(store: &dyn Store) {
    let make = Maker::new();
    let of = |client: &str, key: &str, due| WorkItem {
        client: Some(client.into()),
        ..make.work(key, due)
    };
    let (first, second, over) = (of("rosa", "first", 9), of("rosa", "second", 5), of("rosa", "over", 5));
    let other = of("maya", "other", 5);
    commit(store, [open(&first), open(&over), open(&second), open(&other), settle(&over)]).await;
    assert_eq!(store.client_work(&"rosa".into()).await.unwrap(), [first, second]);
    assert!(store.client_work(&"jo".into()).await.unwrap().is_empty());
}

pub(super) async fn a_case_settles_its_items(store: &dyn Store) {
    let make = Maker::new();
    let case = make.case_id();
    let of_case = |key: &str| WorkItem {
        case: Some(case),
        ..make.work(key, 5)
    };
    let (before, one, two) = (of_case("before"), of_case("one"), of_case("two"));
    let other = make.work("other", 5);
    commit(store, [open(&before), settle(&before)]).await;
    commit(store, [open(&one), open(&two), open(&other)]).await;
    let settle_all = Op::SettleCaseWork {
        case,
        settled: settled("case closed"),
    };
    commit(store, [settle_all.clone()]).await;
    commit(store, [settle_all]).await;

    for item in [one, two] {
        let action = stored(store, &item).await.settled.map(|settled| settled.action);
        assert_eq!(action.as_deref(), Some("case closed"));
    }
    assert_eq!(stored(store, &before).await.settled, Some(settled("done")));
    assert_eq!(stored(store, &other).await, other);
}

pub(super) async fn an_item_is_settled_by_its_key(store: &dyn Store) {
    let make = Maker::new();
    let (one, other) = (make.work("one", 5), make.work("other", 5));
    commit(store, [open(&one), open(&other)]).await;
    let by_key = |key: &str, action: &str| Op::SettleWorkByKey {
        dedupe_key: key.into(),
        settled: settled(action),
    };
    commit(store, [by_key("one", "overtaken")]).await;
    commit(store, [by_key("one", "again"), by_key("unknown", "again")]).await;

    assert_eq!(stored(store, &one).await.settled, Some(settled("overtaken")));
    assert_eq!(stored(store, &other).await.settled, None);
}

pub(super) async fn reminders_are_counted_and_may_change_the_owner(store: &dyn Store) {
    let make = Maker::new();
    let item = make.work("one", 5);
    let remind = |owner: &str, next| Op::RemindWork {
        id: item.id,
        next: at(next),
        owner: owner.into(),
    };
    commit(store, [open(&item), remind("coach-1", 10)]).await;
    commit(store, [remind("program_manager", 20)]).await;

    let expected = WorkItem {
        owner: "program_manager".into(),
        remind_at: at(20),
        reminders: 2,
        ..item.clone()
    };
    assert_eq!(stored(store, &item).await, expected);
    commit(store, [settle(&item)]).await;
    conflict(store, Precondition::WorkItemState, [remind("admin", 30)]).await;
    assert_eq!(stored(store, &item).await.reminders, 2);
}

pub(super) async fn open_items_come_by_due_time(store: &dyn Store) {
    let make = Maker::new();
    let late = make.work("a", 30);
    let (tie, tied) = (make.work("z", 20), make.work("b", 20));
    let early = WorkItem {
        owner: "admin".into(),
        ..make.work("y", 10)
    };
    let over = make.work("over", 1);
    for item in [&late, &tie, &tied, &early, &over] {
        commit(store, [open(item)]).await;
    }
    commit(store, [settle(&over)]).await;

    let all = store.open_work(None, ALL).await.unwrap();
    assert_eq!(all, [early.clone(), tie.clone(), tied.clone(), late.clone()]);
    let mine = store.open_work(Some("coach-1"), ALL).await.unwrap();
    assert_eq!(mine, [tie, tied.clone(), late]);
    let page = Page {
        offset: 2,
        limit: 1,
    };
    assert_eq!(store.open_work(None, page).await.unwrap(), [tied]);
    assert!(store.open_work(Some("nobody"), ALL).await.unwrap().is_empty());
}

pub(super) async fn a_cases_items_come_oldest_first(store: &dyn Store) {
    let make = Maker::new();
    let case = make.case_id();
    let item = |key: &str, opened| WorkItem {
        case: Some(case),
        opened_at: at(opened),
        ..make.work(key, 90)
    };
    let (second, first) = (item("second", 8), item("first", 2));
    let other = make.work("other", 1);
    commit(store, [open(&second), open(&first), open(&other), settle(&first)]).await;

    let ids: Vec<_> = store.case_work(case).await.unwrap().iter().map(|item| item.id).collect();
    assert_eq!(ids, [first.id, second.id]);
}

pub(super) async fn an_item_is_found_by_its_key_also_when_settled(store: &dyn Store) {
    let make = Maker::new();
    let (first, second) = (make.work("word", 5), make.work("word", 9));
    assert_eq!(store.work_by_key("word").await.unwrap(), None);
    commit(store, [open(&first), open(&make.work("other", 1)), settle(&first)]).await;
    let found = store.work_by_key("word").await.unwrap().unwrap();
    assert_eq!((found.id, found.settled.is_some()), (first.id, true));
    commit(store, [open(&second)]).await;
    assert_eq!(store.work_by_key("word").await.unwrap(), Some(second));
}

pub(super) async fn a_reminder_is_queued_with_its_own_item_only(store: &dyn Store) {
    let make = Maker::new();
    for number in 0..40 {
        let item = make.work("quarantine/portal", 5);
        let mut job = make.job(&format!("reminder/{}", item.id), "reminder", 5);
        job.kind = "reminder".into();
        let remind = Op::Remind { item: item.id, job };
        commit(store, [open(&item), remind]).await;
        if number == 20 {
            // Settled, the same wish is a new item with a reminder of its own.
            let open = store.open_work(None, ALL).await.unwrap();
            commit(store, [settle(&open[0])]).await;
        }
    }
    let jobs = store.jobs(&JobFilter::default(), ALL).await.unwrap();
    assert_eq!(jobs.len(), 2);
}

pub(super) async fn open_items_are_walked_through_in_pages(store: &dyn Store) {
    let make = Maker::new();
    let items: Vec<_> = (0..5).map(|n| make.work(&format!("w{n}"), 5)).collect();
    let mut ops: Vec<_> = items.iter().map(open).collect();
    ops.push(settle(&items[2]));
    commit(store, ops).await;
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = store.open_work_after(after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        seen.extend(page.into_iter().map(|item| item.id));
    }
    let mut expected: Vec<_> = items.iter().map(|item| item.id).collect();
    expected.remove(2);
    expected.sort();
    assert_eq!(seen, expected);
}

pub(super) async fn a_list_in_an_item_grows_and_shrinks_by_name(store: &dyn Store) {
    let make = Maker::new();
    let item = WorkItem {
        detail: serde_json::json!({ "why": "a copy was put back" }),
        ..make.work("list", 5)
    };
    let put = |entry: &str, value: Option<serde_json::Value>| Op::ListInWork {
        dedupe_key: item.dedupe_key.clone(),
        entry: entry.into(),
        value,
    };
    let maya = serde_json::json!({ "client": "maya" });
    // No such item is open yet.
    commit(store, [put("a/1", Some(maya.clone()))]).await;
    commit(store, [open(&item), put("a/1", Some(maya.clone()))]).await;
    commit(store, [put("b'2", Some(maya.clone())), put("a/1", Some(maya.clone()))]).await;
    let both = serde_json::json!({ "a/1": maya, "b'2": maya });
    assert_eq!(stored(store, &item).await.detail["list"], both);
    commit(store, [put("a/1", None), put("c", None)]).await;
    let left = serde_json::json!({ "b'2": maya });
    let after = stored(store, &item).await;
    assert_eq!(after.detail["list"], left);
    assert_eq!(after.detail["why"], "a copy was put back");
    commit(store, [settle(&item), put("a/1", Some(maya))]).await;
    assert_eq!(stored(store, &item).await.detail["list"], left);
}
