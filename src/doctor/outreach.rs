//! Whether somebody has stopped all outreach: a relay that is silent for that reason looks broken to
//! everybody who does not know.

use std::path::Path;
use std::sync::Arc;

use relay_store::{CarefulWord, Store, StoredWord};

use super::{Area, Finding};
use crate::engine::outreach::is_stopped;
use crate::ports::{Stores, Version};
use crate::remedy::RemedyCommand;

pub(super) async fn look(path: &Path, stores: &dyn Stores) -> Option<Finding> {
    let store = open(path, stores).await?;
    let setting = match CarefulWord::Outreach.ask(store.as_ref()).await.ok()? {
        StoredWord::Nothing => return None,
        StoredWord::Word(setting) => setting,
        StoredWord::Unreadable(damage) => {
            return Some(Finding::warning(
                Area::Procedure,
                "outreach",
                format!(
                    "outreach counts as stopped: nothing goes out to any client, for what was said of it \
                     can't be read ({damage})"
                ),
                format!(
                    "`clear-relay database mend {} '{}' --by NAME`, then `{}`, if nobody wants it stopped",
                    damage.table,
                    damage.row.replace('\'', "'\\''"),
                    RemedyCommand::Resume
                ),
            ));
        }
    };
    if !is_stopped(Some(&setting)) {
        return None;
    }
    let text = |name: &str| setting[name].as_str().unwrap_or("unknown").to_owned();
    Some(Finding::warning(
        Area::Procedure,
        "outreach",
        format!(
            "outreach is stopped: nothing goes out to any client (by {}, at {}, reason: {})",
            text("by"),
            text("at"),
            setting["reason"].as_str().unwrap_or("none was given"),
        ),
        format!("`{}`, once what stopped it is over", RemedyCommand::Resume),
    ))
}

/// The database, where it can be looked into: what can't is told among its own findings.
pub(super) async fn open(path: &Path, stores: &dyn Stores) -> Option<Arc<dyn Store>> {
    if !path.is_file() {
        return None;
    }
    let look = stores.look(path, false).await.ok()?;
    if look.version != Version::Current {
        return None;
    }
    stores.open(path).await.ok()
}
