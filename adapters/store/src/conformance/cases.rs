//! Cases and their history.

use relay_core::case::{Case, CaseStatus, Mode, TimelineEntry, Wait};
use serde_json::json;

use super::make::{ALL, Maker, at, commit, conflict};
use crate::{CaseFilter, Op, Page, Precondition, Store};

fn insert(case: &Case) -> Op {
    Op::InsertCase(case.clone())
}

/// The next version of a case.
fn next(case: &Case) -> Case {
    Case {
        version: case.version + 1,
        changed_at: at(i64::try_from(case.version).unwrap()),
        ..case.clone()
    }
}

fn closed(case: &Case) -> Case {
    Case {
        status: CaseStatus::Closed {
            reason: "she checked in".into(),
        },
        wait: None,
        ..next(case)
    }
}

fn update(case: &Case) -> Op {
    Op::UpdateCase {
        case: case.clone(),
        expected: case.version - 1,
    }
}

pub(super) async fn a_case_comes_back_in_every_status(store: &dyn Store) {
    let make = Maker::new();
    let reason = "a reply".to_owned();
    let person = Wait::Person {
        who: "coach-1".into(),
        why: "she wrote".into(),
        remind_at: at(60),
    };
    let statuses = [
        (CaseStatus::Open, make.case().wait),
        (
            CaseStatus::Paused {
                reason: reason.clone(),
            },
            Some(person.clone()),
        ),
        (
            CaseStatus::Held {
                reason: reason.clone(),
            },
            Some(person),
        ),
        (CaseStatus::Closed { reason }, None),
    ];
    for (number, (status, wait)) in statuses.into_iter().enumerate() {
        let case = Case {
            procedure: format!("procedure-{number}"),
            mode: if number == 0 { Mode::Propose } else { Mode::Act },
            status,
            wait,
            visit: 3,
            generation: 9,
            data: json!({"nested": [1, null, "x"]}),
            ..make.case()
        };
        commit(store, [insert(&case)]).await;
        assert_eq!(store.case(case.id).await.unwrap(), Some(case));
    }
    assert_eq!(store.case(make.case_id()).await.unwrap(), None);
}

pub(super) async fn a_client_has_one_open_case_per_procedure(store: &dyn Store) {
    let make = Maker::new();
    let first = make.case();
    commit(store, [insert(&first)]).await;

    let second = make.case();
    conflict(store, Precondition::OpenCase, [insert(&second)]).await;
    assert_eq!(store.case(second.id).await.unwrap(), None);

    let mut other_procedure = make.case();
    other_procedure.procedure = "move_to_clinic".into();
    let mut other_client = make.case();
    other_client.client = "jo".into();
    commit(store, [insert(&other_procedure), insert(&other_client)]).await;

    commit(store, [update(&closed(&first)), insert(&second)]).await;
    assert_eq!(store.case(second.id).await.unwrap(), Some(second));
}

pub(super) async fn a_closed_case_is_not_opened_beside_another(store: &dyn Store) {
    let make = Maker::new();
    let first = make.case();
    let over = closed(&first);
    let second = make.case();
    commit(store, [insert(&first), update(&over), insert(&second)]).await;

    let reopened = Case {
        status: CaseStatus::Open,
        wait: first.wait.clone(),
        ..next(&over)
    };
    conflict(store, Precondition::OpenCase, [update(&reopened)]).await;
    assert_eq!(store.case(first.id).await.unwrap(), Some(over));
}

pub(super) async fn a_case_is_replaced_only_by_its_next_version(store: &dyn Store) {
    let make = Maker::new();
    let first = make.case();
    commit(store, [insert(&first)]).await;
    let second = Case {
        step: "choose_channel".into(),
        ..next(&first)
    };
    commit(store, [update(&second)]).await;
    assert_eq!(store.case(first.id).await.unwrap(), Some(second.clone()));

    // Computed from a version that is no longer there.
    conflict(store, Precondition::CaseVersion, [update(&second)]).await;
    // From the right one, but not the next.
    let leap = Op::UpdateCase {
        case: Case {
            version: 9,
            ..second.clone()
        },
        expected: second.version,
    };
    conflict(store, Precondition::CaseVersion, [leap]).await;
    // Of a case that is not there.
    conflict(store, Precondition::CaseVersion, [update(&next(&make.case()))]).await;
    assert_eq!(store.case(first.id).await.unwrap(), Some(second));
}

pub(super) async fn a_required_version_must_be_the_stored_one(store: &dyn Store) {
    let make = Maker::new();
    let case = make.case();
    commit(store, [insert(&case)]).await;
    let require = |case, version| Op::RequireCase { case, version };

    commit(store, [require(case.id, 1)]).await;
    conflict(store, Precondition::CaseVersion, [require(case.id, 2)]).await;
    conflict(store, Precondition::CaseVersion, [require(make.case_id(), 1)]).await;
}

pub(super) async fn open_cases_come_oldest_first(store: &dyn Store) {
    let make = Maker::new();
    let case = |procedure: &str, opened: i64| Case {
        procedure: procedure.into(),
        opened_at: at(opened),
        ..make.case()
    };
    let (young, old, over) = (case("z", 9), case("a", 5), case("m", 1));
    commit(store, [insert(&young), insert(&old), insert(&over)]).await;
    commit(store, [update(&closed(&over))]).await;

    let open = store.open_cases(&"maya".into()).await.unwrap();
    assert_eq!(open, [old, young]);
    assert!(store.open_cases(&"jo".into()).await.unwrap().is_empty());
}

pub(super) async fn cases_come_newest_change_first(store: &dyn Store) {
    let make = Maker::new();
    let case = |client: &str, changed: i64| Case {
        client: client.into(),
        changed_at: at(changed),
        ..make.case()
    };
    let (old, young, jo) = (case("ana", 1), case("lee", 8), case("jo", 5));
    commit(store, [insert(&young), insert(&old), insert(&jo)]).await;
    let over = Case {
        changed_at: at(9),
        ..closed(&old)
    };
    commit(store, [update(&over)]).await;

    let any = CaseFilter::default();
    let with_closed = CaseFilter {
        closed: true,
        ..CaseFilter::default()
    };
    let all = [over.clone(), young.clone(), jo.clone()];
    assert_eq!(store.cases(&with_closed, ALL).await.unwrap(), all);
    assert_eq!(store.cases(&any, ALL).await.unwrap(), all[1..]);
    let second = Page {
        offset: 1,
        limit: 1,
    };
    assert_eq!(store.cases(&with_closed, second).await.unwrap(), [young]);
    let of_jo = CaseFilter {
        client: Some("jo".into()),
        ..CaseFilter::default()
    };
    assert_eq!(store.cases(&of_jo, ALL).await.unwrap(), [jo]);
    let of_other = CaseFilter {
        procedure: Some("move_to_clinic".into()),
        ..with_closed
    };
    assert!(store.cases(&of_other, ALL).await.unwrap().is_empty());
}

pub(super) async fn a_history_is_kept_in_order(store: &dyn Store) {
    let make = Maker::new();
    let case = make.case();
    let bare = TimelineEntry {
        at: at(0),
        step: "open".into(),
        text: "opened".into(),
        sop: None,
        detail: None,
    };
    let full = TimelineEntry {
        at: at(2),
        step: "choose_channel".into(),
        text: "she opens our email: email scenario".into(),
        sop: Some("If the client has been opening emails".into()),
        detail: Some(json!({"rule": "as_keap_shows"})),
    };
    let line = |entry: &TimelineEntry| Op::AppendTimeline {
        case: case.id,
        entry: entry.clone(),
    };
    commit(store, [insert(&case), line(&bare)]).await;
    commit(store, [line(&full)]).await;

    assert_eq!(store.timeline(case.id).await.unwrap(), [bare, full]);
    assert!(store.timeline(make.case_id()).await.unwrap().is_empty());
}

pub(super) async fn open_cases_are_walked_through_in_pages(store: &dyn Store) {
    let make = Maker::new();
    let mut expected = Vec::new();
    for number in 0..6 {
        let mut case = make.case();
        case.client = format!("client-{number}").as_str().into();
        if number == 3 {
            case.status = CaseStatus::Closed { reason: "over".into() };
            case.wait = None;
        } else {
            expected.push(case.id);
        }
        commit(store, [Op::InsertCase(case)]).await;
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = store.open_cases_after(after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        seen.extend(page.into_iter().map(|case| case.id));
    }
    expected.sort();
    assert_eq!(seen, expected);
}
