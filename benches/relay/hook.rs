//! The largest delivery a CRM sends: 1,000 objects, acknowledged.

use std::sync::Arc;

use clear_relay::sandbox::clinic::HOOK_SECRET;
use relay_core::time::{Clock as _, SystemClock};
use relay_store::Store as _;
use relay_store_sqlite::SqliteStore;
use serde_json::json;

use crate::child::Process;
use crate::figures::{Aim, Figure, Report, millis};
use crate::server::Role;
use crate::{Extent, Trouble, load, setup};

const OBJECTS: usize = 1_000;
const DELIVERIES: usize = 300;

pub(crate) fn measure(extent: Extent, report: &mut Report) -> Result<(), Trouble> {
    setup::runtime()?.block_on(deliver(extent, report))
}

async fn deliver(extent: Extent, report: &mut Report) -> Result<(), Trouble> {
    let folder = setup::folder()?;
    let path = setup::with_past(folder.path(), extent.receipts / 10).await?;
    let server = Process::serve(Role::Sqlite, Some(&path))?;
    let requests: Arc<Vec<_>> = Arc::new((0..DELIVERIES).map(request).collect());
    for connections in [1, 4] {
        // Every delivery of the second pass is an equal one that is still unread: a duplicate.
        let outcome = load::run(server.address, Arc::clone(&requests), connections, None).await?;
        if outcome.refused > 0 {
            return Err(format!("{} deliveries were refused", outcome.refused).into());
        }
        let what = if connections == 1 { "new" } else { "duplicate" };
        let name = |part: &str| format!("{OBJECTS} objects, {what}, {connections} conn: {part}");
        let latencies = &outcome.latencies;
        report.add(Figure::new(
            name("p50"),
            millis(latencies.percentile(500)),
            "ms",
        ))?;
        let p99 = Figure::new(name("p99"), millis(latencies.percentile(990)), "ms");
        report.add(p99.aim(Aim::AtMost(50.0)))?;
    }
    drop(server);
    let store = SqliteStore::open(&path).await?;
    let unread = store.health(SystemClock.now()).await?.unread_receipts;
    store.close().await;
    if unread != DELIVERIES as u64 {
        return Err(format!("{DELIVERIES} deliveries acknowledged, {unread} to be read").into());
    }
    Ok(())
}

fn request(number: usize) -> Vec<u8> {
    let objects: Vec<_> = (0..OBJECTS)
        .map(|object| {
            let id = number * OBJECTS + object;
            json!({
                "apiUrl": format!("https://api.keap.test/crm/rest/v1/contacts/{id}"),
                "id": id,
                "timestamp": "2026-11-04T15:00:00Z",
            })
        })
        .collect();
    let body = json!({
        "event_key": "contact.edit",
        "object_type": "contact",
        "object_keys": objects,
        "api_url": "",
    });
    let path = format!("/hooks/keap/{HOOK_SECRET}");
    let headers = [("content-type", "application/json")];
    load::post(&path, &headers, body.to_string().as_bytes())
}
