//! Words of the portal that we don't know: told once per word, not once per client.
//!
//! A word that is not known is replaced by something careful (the clinic's own hours for a time
//! zone), and that goes on in silence until somebody puts it right where it stands. An item per
//! client would be a hundred for one slip in a drop-down list.
//!
//! Not guaranteed: that the item comes once for all times. Whoever marks it as done while the word
//! is still used is told again at the next client who has it.

use std::collections::BTreeSet;

use relay_core::clients::ClientSnapshot;
use relay_core::facts::FactBody;
use relay_core::outside;
use relay_core::work_kinds;
use relay_store::Op;
use serde_json::json;

use crate::engine::{Engine, items};

/// The items for what a fact says in words that are not known.
pub(crate) fn drift_ops(engine: &Engine, fact: &FactBody) -> Vec<Op> {
    let (FactBody::ClientUpdated { client } | FactBody::CheckInMissed { client, .. }) = fact else {
        return Vec::new();
    };
    zone_ops(engine, client)
}

/// The items for check-ins that the portal lists as open and that can't be read: nobody is followed
/// up about them.
pub(crate) fn left_out_ops(engine: &Engine, reasons: &BTreeSet<String>) -> Vec<Op> {
    let records = engine.ports.records();
    let items = reasons.iter().flat_map(|reason| {
        let shown = outside::short_line(reason, 80);
        let title = format!(
            "{} lists open check-ins that can't be read ({shown}): nobody is followed up about them",
            records.begins()
        );
        let mut item = items::item(
            engine,
            format!("drift/check_in/{shown}"),
            work_kinds::DRIFT,
            title,
        );
        item.detail = json!({
            "reason": shown,
            "remedy": format!("ask whoever looks after {0} what it means; until it is put right, look in {0} for \
                               whom it concerns", records.words()),
        });
        item.actions = vec!["done".to_owned()];
        items::open_work_ops(engine, item, engine.now())
    });
    items.collect()
}

fn zone_ops(engine: &Engine, client: &ClientSnapshot) -> Vec<Op> {
    let Some(word) = client.time_zone.as_deref().map(str::trim) else {
        return Vec::new();
    };
    if word.is_empty() || engine.calendar.knows_zone(word) {
        return Vec::new();
    }
    // A word, not a story: what is longer is no time zone, and one item for all of it will do.
    let shown: String = word.chars().take(64).collect();
    let records = engine.ports.records();
    let title = format!(
        "{} names a time zone that is not known: {shown:?}. The clinic's hours are used",
        records.begins()
    );
    let mut item = items::item(
        engine,
        format!("drift/zone/{shown}"),
        work_kinds::DRIFT,
        title,
    );
    item.detail = json!({
        "word": shown,
        "first_seen_with": client.id,
        "remedy": format!("in {}, give each client with this word a zone by its IANA name, such as Pacific/Honolulu \
                           or America/Denver", records.words()),
    });
    item.actions = vec!["done".to_owned()];
    items::open_work_ops(engine, item, engine.now())
}
