//! Opens and clicks, and the addresses that are looked at between decisions.

use relay_core::channel::{EngagementEvent, EngagementKind, EngagementSource, POST_LAG_SECS};
use relay_core::ids::{ContactId, EmailId};
use relay_core::time::{SignedDuration, Timestamp, earlier, later};
use relay_store::{Engagement, StoreError, WatchedContact};
use sqlx::SqliteConnection;

use crate::failure::Failure;
use crate::rows::{ListedRows, Stored, rows};
use crate::script::{Expect, Script, statement};
use crate::values::{RowName, micros};

/// How far a post may lie from the event it tells of.
const APART: SignedDuration = SignedDuration::from_secs(POST_LAG_SECS);

/// Stores an open or click that is not known yet, or completes the post that told of it.
pub(crate) async fn put(conn: &mut SqliteConnection, told: &Engagement) -> Result<(), Failure> {
    if told.event.email.is_some() && completed(conn, told).await? {
        return Ok(());
    }
    let event = &told.event;
    let contact = told.contact.as_str();
    let (kind, source) = (event.kind.as_str(), event.source.as_str());
    let confirmed = told.confirmed.map(EngagementSource::as_str);
    let (at, seen_at) = (micros(event.at), micros(event.seen_at));
    let sent_at = event.sent_at.map(micros);
    let email = event.email.as_ref().map(EmailId::as_str);
    let label_key = event.label_key().unwrap_or_default();
    let (from, until) = around(event.at);
    // A post is known if a post or a look told of a mail of its name about that time.
    sqlx::query!(
        "INSERT INTO engagement (contact, kind, at, exact, seen_at, source, confirmed, email,
                                 sent_at, label, label_key, link)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12
         WHERE ?8 IS NOT NULL OR ?11 = '' OR NOT EXISTS (
             SELECT 1 FROM engagement
             WHERE contact = ?1 AND kind = ?2 AND label_key = ?11 AND at BETWEEN ?13 AND ?14)
         ON CONFLICT DO NOTHING",
        contact,
        kind,
        at,
        event.exact,
        seen_at,
        source,
        confirmed,
        email,
        sent_at,
        event.label,
        label_key,
        event.link,
        from,
        until
    )
    .execute(&mut *conn)
    .await?;
    if email.is_none() && !label_key.is_empty() {
        confirm(conn, told).await?;
    }
    Ok(())
}

fn around(at: Timestamp) -> (i64, i64) {
    let from = earlier(at, APART);
    let until = later(at, APART);
    (micros(from), micros(until))
}

/// A post that tells of what was read already confirms it.
async fn confirm(conn: &mut SqliteConnection, told: &Engagement) -> Result<(), Failure> {
    let contact = told.contact.as_str();
    let (kind, source) = (told.event.kind.as_str(), told.event.source.as_str());
    let label_key = told.event.label_key().unwrap_or_default();
    let (from, until) = around(told.event.at);
    sqlx::query!(
        "UPDATE engagement SET confirmed = ?1
         WHERE contact = ?2 AND kind = ?3 AND label_key = ?4 AND at BETWEEN ?5 AND ?6
           AND confirmed IS NULL AND source <> ?1 AND email IS NOT NULL",
        source,
        contact,
        kind,
        label_key,
        from,
        until
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Completes the earliest post that told of this event, if one did and it is not known otherwise.
async fn completed(conn: &mut SqliteConnection, told: &Engagement) -> Result<bool, Failure> {
    let event = &told.event;
    let contact = told.contact.as_str();
    let (kind, source) = (event.kind.as_str(), event.source.as_str());
    let (at, sent_at) = (micros(event.at), event.sent_at.map(micros));
    let email = event.email.as_ref().map(EmailId::as_str);
    let label_key = event.label_key().unwrap_or_default();
    let (from, until) = around(event.at);
    let done = sqlx::query!(
        "UPDATE engagement
         SET email = ?1, at = ?2, exact = 1, sent_at = ?3, label = ?4, confirmed = ?5
         WHERE seq = (
             SELECT min(seq) FROM engagement
             WHERE contact = ?6 AND kind = ?7 AND label_key = ?8 AND ?8 <> ''
               AND email IS NULL AND at BETWEEN ?9 AND ?10)
           AND NOT EXISTS (
             SELECT 1 FROM engagement
             WHERE contact = ?6 AND kind = ?7 AND email = ?1 AND at = ?2)",
        email,
        at,
        sent_at,
        event.label,
        source,
        contact,
        kind,
        label_key,
        from,
        until
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

#[derive(sqlx::FromRow)]
pub(crate) struct EngagementRow {
    seq: i64,
    contact: String,
    kind: String,
    at: i64,
    exact: i64,
    seen_at: i64,
    source: String,
    confirmed: Option<String>,
    email: Option<String>,
    sent_at: Option<i64>,
    label: Option<String>,
    link: Option<String>,
}

impl Stored for EngagementRow {
    const TABLE: &'static str = "engagement";
    type Value = Engagement;

    fn read(self) -> Result<Engagement, StoreError> {
        let row = RowName::new("engagement", self.seq);
        let source = |word: &str| EngagementSource::from_name(word);
        let confirmed = self.confirmed.as_deref();
        Ok(Engagement {
            contact: ContactId(self.contact),
            event: EngagementEvent {
                at: row.time("at", self.at)?,
                kind: row.word("kind", EngagementKind::from_name(&self.kind))?,
                exact: self.exact != 0,
                seen_at: row.time("seen_at", self.seen_at)?,
                source: row.word("source", source(&self.source))?,
                email: self.email.map(EmailId),
                sent_at: row.maybe_time("sent_at", self.sent_at)?,
                label: self.label,
                link: self.link,
            },
            confirmed: confirmed
                .map(|word| row.word("confirmed", source(word)))
                .transpose()?,
        })
    }
}

/// Opens and clicks of a contact at or after `since`, oldest first.
pub(crate) async fn list(
    conn: &mut SqliteConnection,
    contact: &ContactId,
    since: Timestamp,
) -> Result<Vec<Engagement>, Failure> {
    let (id, since) = (contact.as_str(), micros(since));
    rows!(
        conn,
        EngagementRow,
        "SELECT seq, contact, kind, at, exact, seen_at, source, confirmed, email, sent_at, label,
                  link
           FROM engagement WHERE contact = ?1 AND at >= ?2 ORDER BY at, seq",
        id,
        since
    )?
    .all()
}

/// Stores or replaces what is known of an address.
pub(crate) fn put_watched(script: &mut Script, watched: &WatchedContact) -> Result<(), Failure> {
    let contact = watched.contact.as_str();
    // What was never looked at has no row.
    let Some(looked_at) = watched.looked_at.map(micros) else {
        return Ok(());
    };
    statement!(
        script,
        Expect::Anything,
        "INSERT INTO watched_addresses (contact, address, looked_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (contact) DO UPDATE
         SET address = excluded.address, looked_at = excluded.looked_at",
        contact,
        watched.address,
        looked_at
    )
}

/// The columns of a contact that is watched, by the names that the checked statements give them.
#[derive(sqlx::FromRow)]
pub(crate) struct WatchedRow {
    #[sqlx(rename = "contact!")]
    contact: String,
    address: Option<String>,
    #[sqlx(rename = "looked_at?")]
    looked_at: Option<i64>,
}

impl Stored for WatchedRow {
    const TABLE: &'static str = "watched_addresses";
    const NAME: &'static str = "contact!";
    type Value = WatchedContact;

    fn read(self) -> Result<WatchedContact, StoreError> {
        let row = RowName::new("watched_addresses", &self.contact);
        let looked_at = row.maybe_time("looked_at", self.looked_at)?;
        Ok(WatchedContact {
            contact: ContactId(self.contact),
            address: self.address,
            looked_at,
        })
    }
}

/// Contacts of clients with an open case, by id.
pub(crate) async fn watched(
    conn: &mut SqliteConnection,
    after: Option<&ContactId>,
    limit: u32,
) -> Result<ListedRows<WatchedContact>, Failure> {
    let after = after.map_or("", ContactId::as_str);
    rows!(
        conn,
        WatchedRow,
        r#"SELECT DISTINCT l.contact AS "contact!", w.address, w.looked_at AS "looked_at?"
           FROM links l LEFT JOIN watched_addresses w ON w.contact = l.contact
           WHERE l.contact > ?1
             AND EXISTS (SELECT 1 FROM cases c WHERE c.client = l.client AND c.status <> 'closed')
           ORDER BY l.contact LIMIT ?2 + 0"#,
        after,
        limit
    )?
    .readable()
}

/// Those whose address was not looked at since a moment.
pub(crate) async fn watched_unlooked(
    conn: &mut SqliteConnection,
    since: Timestamp,
    limit: u32,
) -> Result<ListedRows<WatchedContact>, Failure> {
    let since = micros(since);
    rows!(
        conn,
        WatchedRow,
        r#"SELECT DISTINCT l.contact AS "contact!", w.address, w.looked_at AS "looked_at?"
           FROM links l LEFT JOIN watched_addresses w ON w.contact = l.contact
           WHERE (w.looked_at IS NULL OR w.looked_at < ?1)
             AND EXISTS (SELECT 1 FROM cases c WHERE c.client = l.client AND c.status <> 'closed')
           ORDER BY w.looked_at, l.contact LIMIT ?2 + 0"#,
        since,
        limit
    )?
    .readable()
}

/// Those whose address has this digest.
pub(crate) async fn watched_at(
    conn: &mut SqliteConnection,
    address: &str,
) -> Result<ListedRows<ContactId>, Failure> {
    let listed = rows!(
        conn,
        WatchedRow,
        r#"SELECT w.contact AS "contact!", w.address, w.looked_at AS "looked_at?"
         FROM watched_addresses w
         WHERE w.address = ?1
           AND EXISTS (SELECT 1 FROM links l JOIN cases c ON c.client = l.client
                       WHERE l.contact = w.contact AND c.status <> 'closed')
         ORDER BY w.contact"#,
        address
    )?
    .readable()?;
    let found = listed.found.into_iter().map(|watched| watched.contact);
    Ok(ListedRows {
        found: found.collect(),
        damage: listed.damage,
    })
}
