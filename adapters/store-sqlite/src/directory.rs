//! Links, coaches, settings, procedure versions, audit: small tables that change seldom.

use relay_core::clients::Coach;
use relay_core::ids::{ClientId, CoachId, ContactId, CrmUserId};
use relay_store::{AuditEntry, Link, Page, ProcedureVersion};
use serde_json::Value;
use sqlx::SqliteConnection;

use crate::failure::{Failure, conflict};
use crate::script::{Expect, Script, statement};
use crate::values::{Reading, bounds, json, micros};

/// Links a client to a contact, or replaces the link. One contact is one client.
pub(crate) fn put_link(script: &mut Script, link: &Link) -> Result<(), Failure> {
    let client = link.client.as_str();
    let contact = link.contact.as_str();
    let at = micros(link.at);
    statement!(
        script,
        Expect::OneChange(conflict("contact")),
        "INSERT INTO links (client, contact, source, at)
         SELECT ?1, ?2, ?3, ?4
         WHERE NOT EXISTS (SELECT 1 FROM links WHERE contact = ?2 AND client <> ?1)
         ON CONFLICT (client) DO UPDATE
         SET contact = excluded.contact, source = excluded.source, at = excluded.at",
        client,
        contact,
        link.source,
        at
    )
}

/// Forgets a link.
pub(crate) fn remove_link(script: &mut Script, client: &ClientId) -> Result<(), Failure> {
    let client = client.as_str();
    statement!(
        script,
        Expect::Anything,
        "DELETE FROM links WHERE client = ?1",
        client
    )
}

/// Which contact a client is.
pub(crate) async fn link(
    conn: &mut SqliteConnection,
    client: &ClientId,
) -> Result<Option<Link>, Failure> {
    let id = client.as_str();
    let row = sqlx::query!(
        "SELECT contact, source, at FROM links WHERE client = ?1",
        id
    )
    .fetch_optional(conn)
    .await?;
    let Some(found) = row else {
        return Ok(None);
    };
    Ok(Some(Link {
        client: client.clone(),
        contact: ContactId(found.contact),
        source: found.source,
        at: Reading::new("links", client).time("at", found.at)?,
    }))
}

/// Which clients a contact is, by client id.
pub(crate) async fn clients_of(
    conn: &mut SqliteConnection,
    contact: &ContactId,
) -> Result<Vec<ClientId>, Failure> {
    let contact = contact.as_str();
    let clients = sqlx::query_scalar!(
        "SELECT client FROM links WHERE contact = ?1 ORDER BY client",
        contact
    )
    .fetch_all(conn)
    .await?;
    Ok(clients.into_iter().map(ClientId).collect())
}

/// Stores or replaces a coach.
pub(crate) fn put_coach(script: &mut Script, coach: &Coach) -> Result<(), Failure> {
    let id = coach.id.as_str();
    let crm_user = coach.crm_user.as_ref().map(CrmUserId::as_str);
    statement!(
        script,
        Expect::Anything,
        "INSERT INTO coaches (id, name, email, crm_user) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (id) DO UPDATE
         SET name = excluded.name, email = excluded.email, crm_user = excluded.crm_user",
        id,
        coach.name,
        coach.email,
        crm_user
    )
}

/// A coach.
pub(crate) async fn coach(
    conn: &mut SqliteConnection,
    id: &CoachId,
) -> Result<Option<Coach>, Failure> {
    let key = id.as_str();
    let row = sqlx::query!(
        "SELECT name, email, crm_user FROM coaches WHERE id = ?1",
        key
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|found| Coach {
        id: id.clone(),
        name: found.name,
        email: found.email,
        crm_user: found.crm_user.map(CrmUserId),
    }))
}

/// The directory, by name.
pub(crate) async fn coaches(conn: &mut SqliteConnection) -> Result<Vec<Coach>, Failure> {
    let rows = sqlx::query!("SELECT id, name, email, crm_user FROM coaches ORDER BY name, id")
        .fetch_all(conn)
        .await?;
    Ok(rows
        .into_iter()
        .map(|found| Coach {
            id: CoachId(found.id),
            name: found.name,
            email: found.email,
            crm_user: found.crm_user.map(CrmUserId),
        })
        .collect())
}

/// Stores or replaces a setting.
pub(crate) fn put_setting(script: &mut Script, key: &str, value: &Value) -> Result<(), Failure> {
    let value = json(value)?;
    statement!(
        script,
        Expect::Anything,
        "INSERT INTO settings (key, value) VALUES (?1, ?2)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        key,
        value
    )
}

/// Stores a setting unless it is there.
pub(crate) fn put_setting_once(
    script: &mut Script,
    key: &str,
    value: &Value,
) -> Result<(), Failure> {
    let value = json(value)?;
    statement!(
        script,
        Expect::Anything,
        "INSERT INTO settings (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO NOTHING",
        key,
        value
    )
}

/// A setting.
pub(crate) async fn setting(
    conn: &mut SqliteConnection,
    key: &str,
) -> Result<Option<Value>, Failure> {
    let value = sqlx::query_scalar!("SELECT value FROM settings WHERE key = ?1", key)
        .fetch_optional(conn)
        .await?;
    let row = Reading::new("settings", key);
    Ok(row.maybe_json("value", value.as_deref())?)
}

/// The settings whose names begin with `prefix`, by name.
pub(crate) async fn settings(
    conn: &mut SqliteConnection,
    prefix: &str,
) -> Result<Vec<(String, Value)>, Failure> {
    // A range, so that the primary key is used; no name of ours holds the last character there is.
    let end = format!("{prefix}\u{10ffff}");
    let rows = sqlx::query!(
        "SELECT key, value FROM settings WHERE key >= ?1 AND key < ?2 ORDER BY key",
        prefix,
        end
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|found| {
            let value = Reading::new("settings", &found.key).json("value", &found.value)?;
            Ok((found.key, value))
        })
        .collect()
}

/// Stores a procedure version unless it is there.
pub(crate) fn put_procedure(
    script: &mut Script,
    version: &ProcedureVersion,
) -> Result<(), Failure> {
    statement!(
        script,
        Expect::Anything,
        "INSERT INTO procedures (hash, name, body) VALUES (?1, ?2, ?3)
         ON CONFLICT (hash) DO NOTHING",
        version.hash,
        version.name,
        version.body
    )
}

/// A procedure version.
pub(crate) async fn procedure(
    conn: &mut SqliteConnection,
    hash: &str,
) -> Result<Option<ProcedureVersion>, Failure> {
    Ok(sqlx::query_as!(
        ProcedureVersion,
        "SELECT hash, name, body FROM procedures WHERE hash = ?1",
        hash
    )
    .fetch_optional(conn)
    .await?)
}

/// Writes the audit log.
pub(crate) fn write_audit(script: &mut Script, entry: &AuditEntry) -> Result<(), Failure> {
    let at = micros(entry.at);
    let detail = json(&entry.detail)?;
    statement!(
        script,
        Expect::Anything,
        "INSERT INTO audit (at, who, what, object, detail) VALUES (?1, ?2, ?3, ?4, ?5)",
        at,
        entry.who,
        entry.what,
        entry.object,
        detail
    )
}

/// The audit log, newest first.
pub(crate) async fn audit(
    conn: &mut SqliteConnection,
    page: Page,
) -> Result<Vec<AuditEntry>, Failure> {
    let (limit, offset) = bounds(page);
    let rows = sqlx::query!(
        "SELECT seq, at, who, what, object, detail FROM audit ORDER BY seq DESC LIMIT ?1 + 0 OFFSET ?2",
        limit,
        offset
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|entry| {
            let row = Reading::new("audit", entry.seq);
            Ok(AuditEntry {
                at: row.time("at", entry.at)?,
                who: entry.who,
                what: entry.what,
                object: entry.object,
                detail: row.json("detail", &entry.detail)?,
            })
        })
        .collect()
}
