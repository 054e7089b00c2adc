//! Links, coaches, settings, procedure versions, audit: small tables that change seldom.

use relay_core::clients::Coach;
use relay_core::ids::{ClientId, CoachId, ContactId, CrmUserId};
use relay_store::{
    AuditEntry, Damage, Link, NamelessSetting, Page, Precondition, ProcedureVersion, StoreError,
};
use serde::de::IgnoredAny;
use serde_json::Value;
use sqlx::SqliteConnection;

use crate::failure::{Failure, conflict};
use crate::rows::{ListedRows, Stored, named, rows};
use crate::script::{Expect, Script, statement};
use crate::values::{RowName, bounds, json, micros};

/// Links a client to a contact, or replaces the link. One contact is one client.
pub(crate) fn put_link(script: &mut Script, link: &Link) -> Result<(), Failure> {
    let client = link.client.as_str();
    let contact = link.contact.as_str();
    let at = micros(link.at);
    statement!(
        script,
        Expect::OneChange(conflict(Precondition::Contact)),
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

#[derive(sqlx::FromRow)]
pub(crate) struct LinkRow {
    client: String,
    contact: String,
    source: String,
    at: i64,
}

impl Stored for LinkRow {
    const TABLE: &'static str = "links";
    const NAME: &'static str = "client";
    type Value = Link;

    fn read(self) -> Result<Link, StoreError> {
        let at = RowName::new("links", &self.client).time("at", self.at)?;
        Ok(Link {
            client: ClientId(self.client),
            contact: ContactId(self.contact),
            source: self.source,
            at,
        })
    }
}

/// Which contact a client is.
pub(crate) async fn link(
    conn: &mut SqliteConnection,
    client: &ClientId,
) -> Result<Option<Link>, Failure> {
    let id = client.as_str();
    rows!(
        conn,
        LinkRow,
        "SELECT client, contact, source, at FROM links WHERE client = ?1",
        id
    )?
    .one()
}

/// Which clients a contact is, by client id.
pub(crate) async fn clients_of(
    conn: &mut SqliteConnection,
    contact: &ContactId,
) -> Result<ListedRows<ClientId>, Failure> {
    let contact = contact.as_str();
    let links = rows!(
        conn,
        LinkRow,
        "SELECT client, contact, source, at FROM links WHERE contact = ?1 ORDER BY client",
        contact
    )?
    .readable()?;
    Ok(ListedRows {
        found: links.found.into_iter().map(|link| link.client).collect(),
        damage: links.damage,
    })
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

#[derive(sqlx::FromRow)]
pub(crate) struct CoachRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) crm_user: Option<String>,
}

impl Stored for CoachRow {
    const TABLE: &'static str = "coaches";
    const NAME: &'static str = "id";
    type Value = Coach;

    fn read(self) -> Result<Coach, StoreError> {
        Ok(Coach {
            id: CoachId(self.id),
            name: self.name,
            email: self.email,
            crm_user: self.crm_user.map(CrmUserId),
        })
    }
}

/// A coach.
pub(crate) async fn coach(
    conn: &mut SqliteConnection,
    id: &CoachId,
) -> Result<Option<Coach>, Failure> {
    let key = id.as_str();
    rows!(
        conn,
        CoachRow,
        "SELECT id, name, email, crm_user FROM coaches WHERE id = ?1",
        key
    )?
    .one()
}

/// The directory, by name.
pub(crate) async fn coaches(conn: &mut SqliteConnection) -> Result<ListedRows<Coach>, Failure> {
    rows!(
        conn,
        CoachRow,
        "SELECT id, name, email, crm_user FROM coaches ORDER BY name, id"
    )?
    .readable()
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

#[derive(sqlx::FromRow)]
pub(crate) struct SettingRow {
    pub(crate) key: String,
    pub(crate) value: String,
}

impl Stored for SettingRow {
    const TABLE: &'static str = "settings";
    const NAME: &'static str = "key";
    type Value = (String, Value);

    fn read(self) -> Result<(String, Value), StoreError> {
        let value = RowName::new("settings", &self.key).json("value", &self.value)?;
        Ok((self.key, value))
    }
}

/// A setting.
pub(crate) async fn setting(
    conn: &mut SqliteConnection,
    key: &str,
) -> Result<Option<Value>, Failure> {
    let found = rows!(
        conn,
        SettingRow,
        "SELECT key, value FROM settings WHERE key = ?1",
        key
    )?;
    Ok(found.one()?.map(|(_, value)| value))
}

/// The settings whose names begin with `prefix`, by name.
pub(crate) async fn settings(
    conn: &mut SqliteConnection,
    prefix: &str,
) -> Result<ListedRows<(String, Value)>, Failure> {
    // A range, so that the primary key is used; no name of ours holds the last character there is.
    let end = format!("{prefix}\u{10ffff}");
    rows!(
        conn,
        SettingRow,
        "SELECT key, value FROM settings WHERE key >= ?1 AND key < ?2 ORDER BY key",
        prefix,
        end
    )?
    .readable()
}

/// The settings whose keys can't be read.
pub(crate) async fn nameless(conn: &mut SqliteConnection) -> Result<Vec<NamelessSetting>, Failure> {
    let all = sqlx::query!(
        r#"SELECT CAST(key AS BLOB) AS "key!: Vec<u8>", CAST(value AS BLOB) AS "value!: Vec<u8>"
           FROM settings"#
    )
    .fetch_all(conn)
    .await?;
    let lost = all
        .into_iter()
        .filter(|row| str::from_utf8(&row.key).is_err());
    let nameless = lost.map(|row| NamelessSetting {
        damage: Damage {
            table: SettingRow::TABLE.to_owned(),
            row: named(row.key),
            column: SettingRow::NAME.to_owned(),
        },
        value: serde_json::from_slice(&row.value).ok(),
    });
    Ok(nameless.collect())
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

#[derive(sqlx::FromRow)]
pub(crate) struct ProcedureRow {
    hash: String,
    name: String,
    body: String,
}

impl Stored for ProcedureRow {
    const TABLE: &'static str = "procedures";
    const NAME: &'static str = "hash";
    type Value = ProcedureVersion;

    fn read(self) -> Result<ProcedureVersion, StoreError> {
        // What it says is its reader's; that it is a document at all is looked at here.
        RowName::new("procedures", &self.hash).json::<IgnoredAny>("body", &self.body)?;
        Ok(ProcedureVersion {
            hash: self.hash,
            name: self.name,
            body: self.body,
        })
    }
}

/// A procedure version.
pub(crate) async fn procedure(
    conn: &mut SqliteConnection,
    hash: &str,
) -> Result<Option<ProcedureVersion>, Failure> {
    rows!(
        conn,
        ProcedureRow,
        "SELECT hash, name, body FROM procedures WHERE hash = ?1",
        hash
    )?
    .one()
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

#[derive(sqlx::FromRow)]
pub(crate) struct AuditRow {
    seq: i64,
    at: i64,
    who: String,
    what: String,
    object: String,
    detail: String,
}

impl Stored for AuditRow {
    const TABLE: &'static str = "audit";
    type Value = AuditEntry;

    fn read(self) -> Result<AuditEntry, StoreError> {
        let row = RowName::new("audit", self.seq);
        Ok(AuditEntry {
            at: row.time("at", self.at)?,
            who: self.who,
            what: self.what,
            object: self.object,
            detail: row.json("detail", &self.detail)?,
        })
    }
}

/// The audit log, newest first.
pub(crate) async fn audit(
    conn: &mut SqliteConnection,
    page: Page,
) -> Result<ListedRows<AuditEntry>, Failure> {
    let (limit, offset) = bounds(page);
    rows!(
        conn,
        AuditRow,
        "SELECT seq, at, who, what, object, detail FROM audit ORDER BY seq DESC LIMIT ?1 + 0 OFFSET ?2",
        limit,
        offset
    )?
    .readable()
}
