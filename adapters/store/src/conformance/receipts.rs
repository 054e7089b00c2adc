//! What came in, and what it taught us.

use relay_core::facts::FactBody;

use super::make::{ALL, Maker, at, commit, conflict, reply};
use crate::{Op, Page, Precondition, Receipt, ReceiptState, Store};

fn insert(receipt: &Receipt) -> Op {
    Op::InsertReceipt(receipt.clone())
}

fn finish(receipt: &Receipt, state: ReceiptState) -> Op {
    Op::FinishReceipt {
        id: receipt.id,
        state,
        note: Some("1 fact".into()),
        at: at(1),
    }
}

pub(super) async fn a_receipt_comes_back_byte_for_byte(store: &dyn Store) {
    let make = Maker::new();
    let mut receipt = make.receipt("evt-1");
    // Not UTF-8: a signature is over bytes.
    receipt.body = vec![0, 0xff, b'{', 0xc3, 0x28];
    receipt.content_type = None;
    assert_eq!(store.receipt(receipt.id).await.unwrap(), None);

    let committed = commit(store, [insert(&receipt)]).await;

    assert_eq!(committed.duplicates, [None]);
    assert_eq!(store.receipt(receipt.id).await.unwrap(), Some(receipt));
}

pub(super) async fn a_vendors_id_stays_taken_for_ever(store: &dyn Store) {
    let make = Maker::new();
    let original = make.receipt("evt-1");
    commit(store, [insert(&original)]).await;
    for state in [ReceiptState::New, ReceiptState::Done] {
        if state == ReceiptState::Done {
            commit(store, [finish(&original, state)]).await;
        }
        let again = make.receipt("evt-1");
        let committed = commit(store, [insert(&again)]).await;

        // Both times the original, never the duplicate in between.
        assert_eq!(committed.duplicates, [Some(original.id)]);
        let stored = store.receipt(again.id).await.unwrap().unwrap();
        assert_eq!(stored.state, ReceiptState::Duplicate);
        assert_eq!(stored.duplicate_of, Some(original.id));
        assert_eq!(stored.body, again.body);
    }
    let first = store.receipt(original.id).await.unwrap().unwrap();
    assert_eq!(first.state, ReceiptState::Done);
}

pub(super) async fn another_body_under_a_vendors_id_is_no_duplicate(store: &dyn Store) {
    let make = Maker::new();
    let first = make.receipt("evt-1");
    let other = |id| Receipt {
        id,
        body: br#"{"type":"message.received"}"#.to_vec(),
        ..first.clone()
    };
    let (second, again) = (other(make.receipt_id()), other(make.receipt_id()));
    let first_again = make.receipt("evt-1");
    let committed = commit(
        store,
        [insert(&first), insert(&second), insert(&again), insert(&first_again)],
    )
    .await;

    let expected = [None, None, Some(second.id), Some(first.id)];
    assert_eq!(committed.duplicates, expected);
    let stored = store.receipt(second.id).await.unwrap().unwrap();
    assert_eq!(stored.state, ReceiptState::New, "it was never read");
    assert_eq!(stored.body, second.body);
    assert_eq!(stored.reused_id(), Some("evt-1"));
    let stored = store.receipt(first.id).await.unwrap().unwrap();
    assert_eq!(stored.reused_id(), None);
    // Read or not, the second body stays known too.
    commit(store, [finish(&second, ReceiptState::Done)]).await;
    let committed = commit(store, [insert(&other(make.receipt_id()))]).await;
    assert_eq!(committed.duplicates, [Some(second.id)]);
}

pub(super) async fn a_body_hash_is_taken_only_while_unread(store: &dyn Store) {
    let make = Maker::new();
    let first = make.hashed_receipt("hash");
    let while_unread = make.hashed_receipt("hash");
    let once_read = make.hashed_receipt("hash");
    let then = make.hashed_receipt("hash");

    let committed = commit(store, [insert(&first), insert(&while_unread)]).await;
    assert_eq!(committed.duplicates, [None, Some(first.id)]);

    // The same contact may be edited again: an equal body is then news.
    commit(store, [finish(&first, ReceiptState::Done)]).await;
    let committed = commit(store, [insert(&once_read), insert(&then)]).await;
    assert_eq!(committed.duplicates, [None, Some(once_read.id)]);
}

pub(super) async fn the_same_key_of_another_source_is_another_event(store: &dyn Store) {
    let make = Maker::new();
    let one = make.receipt("evt-1");
    let mut other = make.receipt("evt-1");
    other.source = "other".into();
    let committed = commit(store, [insert(&one), insert(&other)]).await;
    assert_eq!(committed.duplicates, [None, None]);
}

pub(super) async fn duplicates_are_told_in_the_order_of_the_receipts(store: &dyn Store) {
    let make = Maker::new();
    let (a, b) = (make.receipt("a"), make.receipt("b"));
    commit(store, [insert(&a)]).await;
    let setting = Op::PutSetting {
        key: "between".into(),
        value: 1.into(),
    };
    let ops = [
        insert(&b),
        setting,
        insert(&make.receipt("a")),
        insert(&make.receipt("c")),
        insert(&make.receipt("b")),
    ];
    let committed = commit(store, ops).await;
    assert_eq!(committed.duplicates, [None, Some(a.id), None, Some(b.id)]);
}

pub(super) async fn a_receipt_leaves_the_queue_once(store: &dyn Store) {
    let make = Maker::new();
    let receipt = make.receipt("evt-1");
    let unknown = make.receipt("evt-2");
    commit(store, [insert(&receipt)]).await;
    for state in [ReceiptState::New, ReceiptState::Duplicate] {
        conflict(store, Precondition::ReceiptState, [finish(&receipt, state)]).await;
    }
    let quarantine = finish(&receipt, ReceiptState::Quarantined);

    commit(store, [quarantine.clone()]).await;

    let stored = store.receipt(receipt.id).await.unwrap().unwrap();
    assert_eq!(stored.state, ReceiptState::Quarantined);
    assert_eq!(stored.note.as_deref(), Some("1 fact"));
    assert_eq!(stored.processed_at, Some(at(1)));
    conflict(store, Precondition::ReceiptState, [quarantine]).await;
    conflict(store, Precondition::ReceiptState, [finish(&unknown, ReceiptState::Done)]).await;
}

pub(super) async fn receipts_are_listed_oldest_first(store: &dyn Store) {
    let make = Maker::new();
    let all: Vec<_> = ["d", "a", "c", "b"].map(|key| make.receipt(key)).into();
    for receipt in &all {
        commit(store, [insert(receipt)]).await;
    }
    commit(store, [finish(&all[1], ReceiptState::Done)]).await;

    let unread = store.receipts(ReceiptState::New, ALL).await.unwrap();
    assert_eq!(unread, [all[0].clone(), all[2].clone(), all[3].clone()]);
    let page = Page {
        offset: 1,
        limit: 1,
    };
    let second = store.receipts(ReceiptState::New, page).await.unwrap();
    assert_eq!(second, [all[2].clone()]);
    let done = store.receipts(ReceiptState::Done, ALL).await.unwrap();
    assert_eq!(done.len(), 1);
}

pub(super) async fn what_one_key_let_in_can_be_listed(store: &dyn Store) {
    let make = Maker::new();
    let under = |key: &str, event: &str, minute: i64| {
        let mut receipt = make.receipt(event);
        receipt.verified_by = key.into();
        receipt.received_at = at(minute);
        receipt
    };
    let leaked = [("e-1", 1), ("e-2", 5), ("e-3", 9)].map(|(id, m)| under("leaked", id, m));
    let other = under("current", "e-4", 5);
    for receipt in leaked.iter().chain([&other]) {
        commit(store, [insert(receipt)]).await;
    }
    // A duplicate came in under its own key, whichever the original came under.
    let mut again = under("leaked", "e-4", 7);
    again.state = ReceiptState::New;
    commit(store, [insert(&again)]).await;
    commit(store, [finish(&leaked[1], ReceiptState::Done)]).await;

    let ids = |found: Vec<Receipt>| found.into_iter().map(|r| r.id).collect::<Vec<_>>();
    let [first, second, third] = leaked.each_ref().map(|receipt| receipt.id);
    let all = store.receipts_by_key("leaked", None, ALL).await.unwrap();
    assert_eq!(ids(all), [first, second, third, again.id]);
    let late = store.receipts_by_key("leaked", Some(at(5)), ALL).await.unwrap();
    assert_eq!(ids(late), [second, third, again.id]);
    let page = Page {
        offset: 1,
        limit: 1,
    };
    let page = store.receipts_by_key("leaked", None, page).await.unwrap();
    assert_eq!(ids(page), [second]);
    assert!(store.receipts_by_key("leak", None, ALL).await.unwrap().is_empty());
}

pub(super) async fn a_fact_is_known_once(store: &dyn Store) {
    let first = reply("m-1", 1);
    let mut again = reply("m-1", 1);
    again.learned_at = at(99);
    let later = reply("m-1", 2);

    commit(store, [Op::InsertFact(first.clone())]).await;
    commit(store, [Op::InsertFact(again), Op::InsertFact(later.clone())]).await;

    let facts = store.facts(&"maya".into()).await.unwrap();
    assert_eq!(facts, [first, later]);
    assert!(store.facts(&"jo".into()).await.unwrap().is_empty());
}

pub(super) async fn a_fact_is_its_clients_own_and_a_state_is_what_it_says(store: &dyn Store) {
    let of = |client: &str, body: FactBody| {
        let mut row = reply("c-1", 1);
        row.fact.client = client.into();
        row.fact.body = body;
        row
    };
    let value = |value: &str| FactBody::ContactType {
        value: Some(value.into()),
    };
    let (first, then) = (of("maya", value("Online")), of("maya", value("In-Person")));
    let hers = of("ana", value("Online"));
    let ops = [&first, &then, &hers, &first, &then].map(|row| Op::InsertFact(row.clone()));
    commit(store, ops).await;

    assert_eq!(store.facts(&"maya".into()).await.unwrap(), [first, then]);
    assert_eq!(store.facts(&"ana".into()).await.unwrap(), [hers]);
}

pub(super) async fn facts_come_by_source_time_then_learning(store: &dyn Store) {
    let late = reply("m-3", 3);
    let (tie, tied) = (reply("m-9", 2), reply("m-2", 2));
    let early = reply("m-1", 1);
    for fact in [&late, &tie, &tied, &early] {
        commit(store, [Op::InsertFact(fact.clone())]).await;
    }
    let facts = store.facts(&"maya".into()).await.unwrap();
    assert_eq!(facts, [early, tie, tied, late]);
}

pub(super) async fn clients_are_listed_once_by_what_was_told_of_them(store: &dyn Store) {
    for (client, message, hour) in [("nia", "m-1", 1), ("ana", "m-1", 1), ("ana", "m-2", 2)] {
        let mut row = reply(message, hour);
        row.fact.client = client.into();
        commit(store, [Op::InsertFact(row)]).await;
    }
    let told = |after: Option<&'static str>, limit| async move {
        let after = after.map(Into::into);
        let told = store.clients_told_of("client_replied", after.as_ref(), limit);
        told.await.unwrap()
    };
    let both: Vec<relay_core::ids::ClientId> = vec!["ana".into(), "nia".into()];
    assert_eq!(told(None, 10).await, both);
    assert_eq!(told(None, 1).await, both[..1]);
    assert_eq!(told(Some("ana"), 10).await, both[1..]);
    let none = store.clients_told_of("check_in_due", None, 10).await;
    assert_eq!(none.unwrap(), []);
}

pub(super) async fn a_receipt_shows_the_facts_it_taught(store: &dyn Store) {
    let make = Maker::new();
    let receipt = make.receipt("evt-1");
    let mut taught = reply("m-1", 1);
    taught.receipt = Some(receipt.id);
    let read = reply("m-2", 2);
    let facts = [taught.clone(), read].map(Op::InsertFact);
    commit(store, [insert(&receipt)]).await;
    commit(store, facts).await;

    let facts = store.facts_of_receipt(receipt.id).await.unwrap();
    assert_eq!(facts, [taught]);
    let none = store.facts_of_receipt(make.receipt_id()).await.unwrap();
    assert!(none.is_empty());
}
