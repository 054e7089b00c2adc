//! Opens and clicks, and whom the relay looks at between decisions.

use relay_core::case::CaseStatus;
use relay_core::channel::{EngagementEvent, EngagementKind, EngagementSource};
use relay_core::ids::ContactId;

use super::make::{Maker, at, commit};
use crate::{Engagement, Link, Op, Store, WatchedContact};

fn told(source: EngagementSource, minute: i64, event: impl Fn(&mut EngagementEvent)) -> Engagement {
    let mut engagement = Engagement {
        contact: "101".into(),
        event: EngagementEvent {
            at: at(minute),
            kind: EngagementKind::Open,
            exact: false,
            seen_at: at(minute),
            source,
            email: None,
            sent_at: None,
            label: None,
            link: None,
        },
        confirmed: None,
    };
    event(&mut engagement.event);
    engagement
}

/// What an automation posts.
fn post(minute: i64, label: &str) -> Engagement {
    told(EngagementSource::Post, minute, |event| {
        event.label = (!label.is_empty()).then(|| label.to_owned());
        event.link = Some("booking".to_owned());
    })
}

/// What a look at the history finds.
fn read(source: EngagementSource, minute: i64, email: &str, label: &str) -> Engagement {
    told(source, minute, |event| {
        event.exact = true;
        event.email = Some(email.into());
        event.sent_at = Some(at(-60));
        event.label = Some(label.to_owned());
        event.seen_at = at(minute + 5);
    })
}

async fn put(store: &dyn Store, all: impl IntoIterator<Item = Engagement>) -> Vec<Engagement> {
    let ops: Vec<_> = all.into_iter().map(Op::PutEngagement).collect();
    commit(store, ops).await;
    store.engagement(&"101".into(), at(-10_000)).await.unwrap()
}

pub(super) async fn an_event_comes_back_as_told_oldest_first(store: &dyn Store) {
    let (late, early) = (
        post(9, "Welcome 3"),
        read(EngagementSource::Poll, 3, "e-1", "News"),
    );
    let all = put(store, [late.clone(), early.clone()]).await;
    assert_eq!(all, [early, late.clone()]);
    let since = store.engagement(&"101".into(), at(9)).await.unwrap();
    assert_eq!(since, [late]);
    assert!(store.engagement(&"102".into(), at(0)).await.unwrap().is_empty());
}

pub(super) async fn what_is_read_twice_is_one_event(store: &dyn Store) {
    let first = read(EngagementSource::Poll, 3, "e-1", "News");
    let again = read(EngagementSource::History, 3, "e-1", "News");
    // The time has moved: she opened it once more.
    let moved = read(EngagementSource::Poll, 30, "e-1", "News");
    let all = put(store, [first.clone(), again, moved.clone()]).await;
    assert_eq!(all, [first, moved]);
}

pub(super) async fn what_is_posted_twice_is_one_event(store: &dyn Store) {
    let first = post(3, "Welcome 3");
    let all = put(store, [first.clone(), first.clone(), post(12, " WELCOME 3")]).await;
    assert_eq!(all, std::slice::from_ref(&first));
    // Ten minutes later it is another, and so is another mail, and a click.
    let mut click = post(3, "Welcome 3");
    click.event.kind = EngagementKind::Click;
    let all = put(store, [post(14, "Welcome 3"), post(3, "Other"), click]).await;
    assert_eq!(all.len(), 4);
}

pub(super) async fn a_post_without_a_name_is_told_apart_by_its_time_only(store: &dyn Store) {
    let all = put(store, [post(3, ""), post(3, ""), post(4, "")]).await;
    assert_eq!(all, [post(3, ""), post(4, "")]);
}

pub(super) async fn what_is_read_completes_what_was_posted(store: &dyn Store) {
    put(store, [post(6, "Welcome 3")]).await;
    let read = read(EngagementSource::Poll, 3, "e-1", "Welcome 3");
    let all = put(store, [read.clone(), read.clone()]).await;
    let mut whole = read;
    whole.event.source = EngagementSource::Post;
    whole.event.seen_at = at(6);
    whole.event.link = Some("booking".to_owned());
    whole.confirmed = Some(EngagementSource::Poll);
    assert_eq!(all, [whole]);
}

pub(super) async fn a_post_confirms_what_was_read(store: &dyn Store) {
    let read = read(EngagementSource::Poll, 3, "e-1", "Welcome 3");
    let all = put(store, [read.clone(), post(6, "welcome 3"), post(7, "Welcome 3")]).await;
    let confirmed = Engagement {
        confirmed: Some(EngagementSource::Post),
        ..read
    };
    assert_eq!(all, [confirmed]);
}

async fn open_case(store: &dyn Store, maker: &Maker, client: &str, contact: &str) {
    let mut case = maker.case();
    case.client = client.into();
    let link = Link {
        client: client.into(),
        contact: contact.into(),
        source: "portal".into(),
        at: at(0),
    };
    commit(store, [Op::InsertCase(case), Op::PutLink(link)]).await;
}

fn looked(contact: &str, address: &str, minute: i64) -> WatchedContact {
    WatchedContact {
        contact: contact.into(),
        address: (!address.is_empty()).then(|| address.to_owned()),
        looked_at: Some(at(minute)),
    }
}

pub(super) async fn only_contacts_of_clients_with_an_open_case_are_watched(store: &dyn Store) {
    let maker = Maker::new();
    for (client, contact) in [("maya", "103"), ("ana", "101"), ("jo", "102")] {
        open_case(store, &maker, client, contact).await;
    }
    let mut closed = store.open_cases(&"ana".into()).await.unwrap().remove(0);
    closed.status = CaseStatus::Closed {
        reason: "done".into(),
    };
    closed.wait = None;
    let expected = closed.version;
    closed.version += 1;
    let close = Op::UpdateCase {
        case: closed,
        expected,
    };
    let (jo, ana) = (looked("102", "aa", 5), looked("101", "bb", 5));
    let puts = [close, Op::PutWatched(jo.clone()), Op::PutWatched(ana)];
    commit(store, puts).await;

    let maya = WatchedContact {
        contact: "103".into(),
        address: None,
        looked_at: None,
    };
    let all = store.watched(None, 9).await.unwrap();
    assert_eq!(all, [jo.clone(), maya.clone()]);
    let after = ContactId::from("102");
    let rest = store.watched(Some(&after), 9).await.unwrap();
    assert_eq!(rest, std::slice::from_ref(&maya));
    assert_eq!(store.watched(None, 1).await.unwrap().len(), 1);

    let unlooked = |minute| store.watched_unlooked(at(minute), 9);
    assert_eq!(unlooked(5).await.unwrap().len(), 1);
    assert_eq!(unlooked(6).await.unwrap(), [maya, jo]);
    assert_eq!(store.watched_at("aa").await.unwrap(), ["102".into()]);
    assert!(store.watched_at("bb").await.unwrap().is_empty(), "closed");
}

pub(super) async fn an_address_is_replaced_and_may_be_gone(store: &dyn Store) {
    let maker = Maker::new();
    open_case(store, &maker, "maya", "103").await;
    commit(store, [Op::PutWatched(looked("103", "aa", 1))]).await;
    commit(store, [Op::PutWatched(looked("103", "", 2))]).await;
    assert!(store.watched_at("aa").await.unwrap().is_empty());
    assert_eq!(store.watched(None, 9).await.unwrap(), [looked("103", "", 2)]);
}
