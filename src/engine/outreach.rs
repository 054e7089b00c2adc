//! Whether all outreach is stopped: a person's word that outlasts restarts and restored copies.

use relay_core::time::Timestamp;
use relay_store::{AuditEntry, CarefulWord, Op, Store, StoreError, StoredWord};
use serde_json::{Value, json};

/// The setting that says whether outreach is stopped, since when, by whom and why.
pub const OUTREACH: &str = CarefulWord::Outreach.key();

/// Whether the setting says that outreach is stopped. Anything but a plain no is a yes: one that says
/// neither has been damaged, and may have said so.
pub fn is_stopped(setting: Option<&Value>) -> bool {
    setting.is_some_and(|value| value["stopped"] != false)
}

/// What somebody has said of outreach, for [`is_stopped`]. A word that can't be read was said all the
/// same.
pub async fn outreach_said(store: &dyn Store) -> Result<Option<Value>, StoreError> {
    CarefulWord::Outreach.ask(store).await.map(in_words)
}

/// The same where no setting has the word's name.
pub(crate) async fn outreach_said_nameless(store: &dyn Store) -> Result<Option<Value>, StoreError> {
    let said = CarefulWord::Outreach.among_nameless(store).await;
    said.map(in_words)
}

pub(crate) fn in_words(said: StoredWord) -> Option<Value> {
    match said {
        StoredWord::Nothing => None,
        StoredWord::Word(value) => Some(value),
        StoredWord::Unreadable(_) => Some(Value::Null),
    }
}

/// Since when outreach is stopped; `None` if it may go on. One whose time can't be read is stopped
/// all the same, since ever.
pub async fn stopped_since(store: &dyn Store) -> Result<Option<Timestamp>, StoreError> {
    let setting = outreach_said(store).await?;
    let stopped = setting.filter(|setting| is_stopped(Some(setting)));
    Ok(stopped.map(|setting| {
        let at = serde_json::from_value(setting["at"].clone());
        at.unwrap_or(Timestamp::UNIX_EPOCH)
    }))
}

/// What halts all outreach, or lets it go on. Needs nothing but the database, so that it works
/// when nothing else does.
pub fn stop_ops(stopped: bool, by: &str, reason: Option<&str>, at: Timestamp) -> Vec<Op> {
    let what = if stopped { "stop" } else { "resume" };
    vec![
        Op::PutSetting {
            key: OUTREACH.to_owned(),
            value: json!({ "stopped": stopped, "by": by, "at": at, "reason": reason }),
        },
        Op::Audit(AuditEntry {
            at,
            who: by.to_owned(),
            what: what.to_owned(),
            object: "outreach".to_owned(),
            detail: json!({ "reason": reason }),
        }),
    ]
}
