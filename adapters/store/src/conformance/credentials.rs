//! Pairs of tokens: one at a time, refreshed by one at a time, and never believed fresh when a
//! refresh may have used them up.

use super::make::{at, commit, conflict};
use crate::{Authorization, Credential, CredentialLease, CredentialSettled, CredentialState, NewCredential, Op, Precondition, Store};

fn pair(version: u64) -> NewCredential {
    let minute = i64::try_from(version).unwrap();
    NewCredential {
        name: "crm".into(),
        version,
        key_id: "0a1b2c3d".into(),
        sealed: vec![u8::try_from(version).unwrap(); 80],
        tenant: Some("zz999".into()),
        issued_at: at(minute),
        access_expires_at: at(minute + 1_440),
        refresh_expires_at: at(minute + 64_800),
    }
}

/// A refresh of `version` by `owner` that begins at `minute` and may take ten.
fn lease(version: u64, owner: &str, minute: i64) -> Op {
    Op::LeaseCredential(CredentialLease {
        name: "crm".into(),
        version,
        owner: owner.into(),
        real_now: at(minute),
        until: at(minute + 10),
        at: at(minute),
    })
}

fn settle(owner: &str, state: CredentialState, tries: u32, note: Option<&str>) -> Op {
    Op::SettleCredential(CredentialSettled {
        name: "crm".into(),
        version: 1,
        owner: owner.into(),
        state,
        tries,
        note: note.map(Into::into),
        at: at(20),
    })
}

async fn stored(store: &dyn Store) -> Credential {
    store.credential("crm").await.unwrap().unwrap()
}

async fn first(store: &dyn Store) {
    commit(store, [Op::PutCredential(pair(1))]).await;
}

pub(super) async fn a_credential_comes_back_as_stored(store: &dyn Store) {
    assert_eq!(store.credential("crm").await.unwrap(), None);
    first(store).await;
    let expected = Credential {
        pair: pair(1),
        state: CredentialState::Fresh,
        tries: 0,
        tried_at: None,
        note: None,
        lease: None,
        changed_at: at(1),
    };
    assert_eq!(stored(store).await, expected);
    assert_eq!(store.credential("other").await.unwrap(), None);
}

pub(super) async fn a_pair_is_replaced_only_by_the_next_one(store: &dyn Store) {
    let what = Precondition::CredentialVersion;
    conflict(store, what, [Op::PutCredential(pair(2))]).await;
    first(store).await;
    for wrong in [1, 3] {
        conflict(store, what, [Op::PutCredential(pair(wrong))]).await;
    }
    let nameless = NewCredential {
        tenant: None,
        ..pair(2)
    };
    commit(store, [Op::PutCredential(nameless)]).await;
    assert_eq!(stored(store).await.pair, pair(2), "the tenant stays known");
}

pub(super) async fn a_refresh_under_way_is_uncertain_and_nobody_elses(store: &dyn Store) {
    first(store).await;
    let what = Precondition::CredentialLease;
    conflict(store, what, [lease(2, "one", 10)]).await;
    commit(store, [lease(1, "one", 10)]).await;
    let held = stored(store).await;
    assert_eq!(held.state, CredentialState::Uncertain);
    assert_eq!((held.tries, held.tried_at), (1, Some(at(10))));
    assert_eq!(held.lease, Some(("one".into(), at(20))));
    for owner in ["one", "two"] {
        conflict(store, what, [lease(1, owner, 19)]).await;
    }
    commit(store, [Op::PutCredential(pair(2))]).await;
    let renewed = stored(store).await;
    assert_eq!(renewed.state, CredentialState::Fresh);
    assert_eq!((renewed.tries, renewed.tried_at), (0, None));
    assert_eq!(renewed.lease, None);
}

pub(super) async fn a_lease_that_has_ended_goes_to_who_asks(store: &dyn Store) {
    first(store).await;
    commit(store, [lease(1, "one", 10)]).await;
    commit(store, [lease(1, "two", 20)]).await;
    let held = stored(store).await;
    assert_eq!((held.tries, held.tried_at), (2, Some(at(20))));
    assert_eq!(held.lease, Some(("two".into(), at(30))));
}

pub(super) async fn a_refresh_that_brought_nothing_frees_the_lease(store: &dyn Store) {
    first(store).await;
    commit(store, [lease(1, "one", 10)]).await;
    let state = CredentialState::Uncertain;
    commit(store, [settle("one", state, 1, Some("no answer"))]).await;
    let told = stored(store).await;
    assert_eq!((told.state, told.tries), (state, 1));
    assert_eq!((told.note.as_deref(), told.lease), (Some("no answer"), None));
    commit(store, [lease(1, "two", 11)]).await;
    commit(store, [settle("two", CredentialState::Fresh, 0, None)]).await;
    let told = stored(store).await;
    assert_eq!((told.state, told.tries), (CredentialState::Fresh, 0));
}

pub(super) async fn a_late_holder_settles_nothing_but_keeps_what_it_was_given(store: &dyn Store) {
    first(store).await;
    commit(store, [lease(1, "one", 10)]).await;
    commit(store, [lease(1, "two", 20)]).await;
    let late = settle("one", CredentialState::Dead, 2, None);
    conflict(store, Precondition::CredentialLease, [late]).await;
    assert_eq!(stored(store).await.state, CredentialState::Uncertain);
    // The vendor issued it, so the token that "two" shows is dead by now.
    commit(store, [Op::PutCredential(pair(2))]).await;
    let refused = settle("two", CredentialState::Dead, 2, None);
    conflict(store, Precondition::CredentialLease, [refused]).await;
    assert_eq!(stored(store).await.state, CredentialState::Fresh);
}

pub(super) async fn a_dead_credential_is_refreshed_no_more_and_connected_anew(store: &dyn Store) {
    first(store).await;
    commit(store, [lease(1, "one", 10)]).await;
    commit(store, [settle("one", CredentialState::Dead, 2, Some("refused"))]).await;
    conflict(store, Precondition::CredentialLease, [lease(1, "one", 30)]).await;
    commit(store, [Op::PutCredential(pair(2))]).await;
    assert_eq!(stored(store).await.state, CredentialState::Fresh);
    assert_eq!(stored(store).await.note, None);
}

fn authorization(word: u8) -> Authorization {
    Authorization {
        name: "crm".into(),
        state_hash: [word; 32],
        expires_at: at(10),
    }
}

pub(super) async fn an_authorization_is_used_once(store: &dyn Store) {
    assert_eq!(store.authorization("crm").await.unwrap(), None);
    commit(store, [Op::BeginAuthorization(authorization(1))]).await;
    let begun = store.authorization("crm").await.unwrap();
    assert_eq!(begun, Some(authorization(1)));
    conflict(store, Precondition::Authorization, [Op::UseAuthorization(authorization(2))]).await;
    commit(store, [Op::UseAuthorization(authorization(1))]).await;
    assert_eq!(store.authorization("crm").await.unwrap(), None);
    conflict(store, Precondition::Authorization, [Op::UseAuthorization(authorization(1))]).await;
}

pub(super) async fn a_new_authorization_replaces_the_one_before(store: &dyn Store) {
    let begin = |word| Op::BeginAuthorization(authorization(word));
    commit(store, [begin(1), begin(2)]).await;
    conflict(store, Precondition::Authorization, [Op::UseAuthorization(authorization(1))]).await;
    commit(store, [Op::UseAuthorization(authorization(2))]).await;
}
