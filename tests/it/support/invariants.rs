//! After every story: nobody is forgotten.

use clear_relay::engine::sync::invariants;
use relay_core::time::Timestamp;
use relay_store::Store;

/// The periodic jobs that every relay has.
const PERIODIC: [&str; 2] = ["reconcile", "hooks_watch"];

/// What must hold of every database that a relay has prepared and left, whatever happened to it.
pub(crate) async fn assert_invariants(store: &dyn Store, now: Timestamp) {
    let found = invariants::of_store(store, &PERIODIC, now).await;
    let found: Vec<String> = found
        .expect("a store that can be read")
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(found, Vec::<String>::new(), "at {now}");
}
