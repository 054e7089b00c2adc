//! That the CRM is switched off, told once: to whoever looks after the relay, in one item.
//!
//! A clinic that never had one is told nothing: it is as its configuration says. Where one was in use, somebody must
//! know that coaches are asked by hand from now on, and what becomes of what was under way. The item closes itself
//! once a CRM is on again; switched off again, it is told again.

use relay_core::work_kinds;
use relay_store::{Op, WorkSettled};
use serde_json::json;

use crate::engine::sync::hook_watch;
use crate::engine::{Engine, EngineError, RELAY, items};

/// The kind of the item, and what the setting is named that remembers it.
const ITEM: &str = work_kinds::CRM_OFF;

/// What must be told, or taken back, as the relay starts.
pub(crate) async fn crm_off_ops(engine: &Engine) -> Result<Vec<Op>, EngineError> {
    let told = engine.store.setting(ITEM).await?;
    let told = told.and_then(|told| told.as_str().map(str::to_owned));
    let now = engine.now();
    match (engine.ports.not_offered().crm, told) {
        (false, None) | (true, Some(_)) => Ok(Vec::new()),
        (false, Some(key)) => Ok(vec![
            Op::SettleWorkByKey {
                dedupe_key: key,
                settled: WorkSettled {
                    at: now,
                    by: RELAY.to_owned(),
                    action: "a CRM is on again".to_owned(),
                },
            },
            remembered(json!(null)),
        ]),
        (true, None) => {
            if hook_watch::hook_watch(engine).await?.events.is_empty() {
                return Ok(Vec::new());
            }
            let key = format!("{ITEM}/{now}");
            let title =
                "The CRM is switched off: from now on coaches are asked to call and mail by hand";
            let mut item = items::item(engine, key.clone(), ITEM, title.to_owned());
            item.detail = json!({
                "reason": "notes, tags and tasks that were still to be written there are left out, and those that \
                           stand there stay; of an email that may have gone out her coach is asked",
                "remedy": "nothing, if that is meant: `clear-relay work list` has what coaches are asked. Else \
                           switch it on again in the configuration and restart the relay; this item then closes \
                           itself",
            });
            item.actions = vec!["done".to_owned()];
            let mut ops = items::open_work_ops(engine, item, now);
            ops.push(remembered(json!(key)));
            Ok(ops)
        }
    }
}

fn remembered(value: serde_json::Value) -> Op {
    Op::PutSetting {
        key: ITEM.to_owned(),
        value,
    }
}
