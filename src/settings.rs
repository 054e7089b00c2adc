//! Settings of the store, read with care.

use relay_store::{Store, StoreError};
use serde_json::Value;

/// A setting without which everything goes on as carefully as can be: one that can't be read is as good
/// as none.
pub(crate) async fn setting_or_none(
    store: &dyn Store,
    key: &str,
) -> Result<Option<Value>, StoreError> {
    match store.setting(key).await {
        Err(StoreError::Corrupt(_)) => Ok(None),
        setting => setting,
    }
}
