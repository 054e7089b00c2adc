//! Links, coaches, settings, procedure versions, audit.

use relay_core::clients::Coach;
use serde_json::{Value, json};

use super::make::{ALL, at, commit, conflict};
use crate::{AuditEntry, Link, Op, Page, Precondition, ProcedureVersion, Store};

fn link(client: &str, contact: &str, source: &str) -> Link {
    Link {
        client: client.into(),
        contact: contact.into(),
        source: source.into(),
        at: at(1),
    }
}

pub(super) async fn a_link_is_replaced_and_forgotten(store: &dyn Store) {
    let maya = "maya".into();
    let (first, second) = (link("maya", "101", "email"), link("maya", "102", "person:Dana"));
    assert_eq!(store.link(&maya).await.unwrap(), None);
    commit(store, [Op::PutLink(first.clone())]).await;
    assert_eq!(store.link(&maya).await.unwrap(), Some(first));
    commit(store, [Op::PutLink(second.clone())]).await;
    assert_eq!(store.link(&maya).await.unwrap(), Some(second));

    let forget = Op::RemoveLink {
        client: maya.clone(),
    };
    commit(store, [forget.clone(), forget]).await;
    assert_eq!(store.link(&maya).await.unwrap(), None);
}

pub(super) async fn a_contact_knows_its_client(store: &dyn Store) {
    let links = [link("maya", "101", "portal"), link("jo", "102", "portal")];
    commit(store, links.map(Op::PutLink)).await;
    let clients = store.clients_of(&"101".into()).await.unwrap();
    assert_eq!(clients, ["maya".into()]);
    assert!(store.clients_of(&"103".into()).await.unwrap().is_empty());
}

pub(super) async fn a_contact_is_one_client(store: &dyn Store) {
    let maya = link("maya", "101", "email");
    commit(store, [Op::PutLink(maya.clone())]).await;
    for second in [link("ana", "101", "portal"), link("ana", "101", "person:Dana")] {
        conflict(store, Precondition::Contact, [Op::PutLink(second)]).await;
    }
    assert_eq!(store.link(&"ana".into()).await.unwrap(), None);
    // Her own link may be made again, and a contact that was given up is free.
    let moved = link("maya", "102", "person:Dana");
    let ops = [maya, moved, link("ana", "101", "portal")].map(Op::PutLink);
    commit(store, ops).await;
    let clients = store.clients_of(&"101".into()).await.unwrap();
    assert_eq!(clients, ["ana".into()]);
}

pub(super) async fn a_coach_is_replaced(store: &dyn Store) {
    let coach = |id: &str, name: &str, user: Option<&str>| Coach {
        id: id.into(),
        name: name.into(),
        email: format!("{id}@example.test"),
        crm_user: user.map(Into::into),
    };
    let (zoe, amy) = (coach("c-1", "Zoe", None), coach("c-2", "Amy", Some("8")));
    commit(store, [Op::PutCoach(zoe.clone()), Op::PutCoach(amy.clone())]).await;
    assert_eq!(store.coach(&zoe.id).await.unwrap(), Some(zoe));
    let found = coach("c-1", "Zoe", Some("7"));
    commit(store, [Op::PutCoach(found.clone())]).await;

    assert_eq!(store.coach(&found.id).await.unwrap(), Some(found.clone()));
    assert_eq!(store.coaches().await.unwrap(), [amy, found]);
    assert_eq!(store.coach(&"c-3".into()).await.unwrap(), None);
}

pub(super) async fn a_setting_is_replaced_or_kept(store: &dyn Store) {
    let put = |value: Value| Op::PutSetting {
        key: "stopped".into(),
        value,
    };
    let once = |key: &str, value: Value| Op::PutSettingOnce {
        key: key.into(),
        value,
    };
    assert_eq!(store.setting("stopped").await.unwrap(), None);
    commit(store, [put(json!(true)), put(json!({"by": "Dana"}))]).await;
    commit(store, [once("stopped", json!(1)), once("anchor", json!(1))]).await;
    commit(store, [once("anchor", json!(2))]).await;

    let stopped = store.setting("stopped").await.unwrap();
    assert_eq!(stopped, Some(json!({"by": "Dana"})));
    assert_eq!(store.setting("anchor").await.unwrap(), Some(json!(1)));
    // A stored null is not the same as nothing stored.
    commit(store, [put(Value::Null)]).await;
    assert_eq!(store.setting("stopped").await.unwrap(), Some(Value::Null));
}

pub(super) async fn settings_are_listed_by_the_beginning_of_their_names(store: &dyn Store) {
    let names = ["seen/contact/2", "seen/contact/10", "seen/task/1", "seen", "seen/contact%", "zoo"];
    let put = names.map(|name| Op::PutSetting {
        key: name.into(),
        value: json!(name),
    });
    commit(store, put).await;
    let listed = store.settings("seen/contact/").await.unwrap();
    let expected = ["seen/contact/10", "seen/contact/2"].map(|name| (name.to_owned(), json!(name)));
    assert_eq!(listed, expected);
    // No letter of the beginning stands for another.
    assert_eq!(store.settings("seen/contact%").await.unwrap().len(), 1);
    assert!(store.settings("se_n").await.unwrap().is_empty());
    assert_eq!(store.settings("").await.unwrap().len(), names.len());
}

pub(super) async fn a_procedure_version_never_changes(store: &dyn Store) {
    let version = |body: &str| ProcedureVersion {
        hash: "abc".into(),
        name: "missed_check_in".into(),
        body: body.into(),
    };
    let first = version("{\"wait\":48}");
    commit(store, [Op::PutProcedure(first.clone())]).await;
    commit(store, [Op::PutProcedure(version("{}"))]).await;
    assert_eq!(store.procedure("abc").await.unwrap(), Some(first));
    assert_eq!(store.procedure("def").await.unwrap(), None);
}

pub(super) async fn the_audit_log_comes_newest_first(store: &dyn Store) {
    let entries = [1, 2, 3].map(|minute| AuditEntry {
        at: at(minute),
        who: "Dana".into(),
        what: "replay".into(),
        object: format!("job-{minute}"),
        detail: json!({"class": "permanent"}),
    });
    for entry in &entries {
        commit(store, [Op::Audit(entry.clone())]).await;
    }
    let [first, second, third] = entries;
    let log = store.audit(ALL).await.unwrap();
    assert_eq!(log, [third, second.clone(), first]);
    let page = Page {
        offset: 1,
        limit: 1,
    };
    assert_eq!(store.audit(page).await.unwrap(), [second]);
}
