//! Credentials that change under way, and authorizations that were begun.

use relay_store::{
    Authorization, Credential, CredentialLease, CredentialSettled, CredentialState, NewCredential,
    Precondition, StoreError,
};
use sqlx::SqliteConnection;

use crate::failure::{Failure, conflict};
use crate::rows::{Stored, rows};
use crate::values::{RowName, integer, micros};

/// Stores a pair over the one before it.
pub(crate) async fn put(conn: &mut SqliteConnection, new: &NewCredential) -> Result<(), Failure> {
    let version = integer(new.version)?;
    let (issued, access, refresh) = (
        micros(new.issued_at),
        micros(new.access_expires_at),
        micros(new.refresh_expires_at),
    );
    let changed = if new.version == 1 {
        sqlx::query!(
            "INSERT INTO credentials (name, version, state, key_id, sealed, tenant, issued_at,
                 access_expires_at, refresh_expires_at, tries, changed_at)
             VALUES (?1, 1, 'fresh', ?2, ?3, ?4, ?5, ?6, ?7, 0, ?5)
             ON CONFLICT (name) DO NOTHING",
            new.name,
            new.key_id,
            new.sealed,
            new.tenant,
            issued,
            access,
            refresh
        )
        .execute(conn)
        .await?
    } else {
        sqlx::query!(
            "UPDATE credentials
             SET version = ?2, state = 'fresh', key_id = ?3, sealed = ?4,
                 tenant = COALESCE(?5, tenant), issued_at = ?6, access_expires_at = ?7,
                 refresh_expires_at = ?8, tries = 0, tried_at = NULL, note = NULL,
                 lease_owner = NULL, lease_until = NULL, changed_at = ?6
             WHERE name = ?1 AND version = ?2 - 1",
            new.name,
            version,
            new.key_id,
            new.sealed,
            new.tenant,
            issued,
            access,
            refresh
        )
        .execute(conn)
        .await?
    };
    one(changed.rows_affected(), Precondition::CredentialVersion)
}

/// Gives the right to refresh.
pub(crate) async fn lease(
    conn: &mut SqliteConnection,
    lease: &CredentialLease,
) -> Result<(), Failure> {
    let version = integer(lease.version)?;
    let (real_now, until, at) = (
        micros(lease.real_now),
        micros(lease.until),
        micros(lease.at),
    );
    let changed = sqlx::query!(
        "UPDATE credentials
         SET state = 'uncertain', tries = tries + 1, tried_at = ?6, lease_owner = ?3,
             lease_until = ?5, changed_at = ?6
         WHERE name = ?1 AND version = ?2 AND state <> 'dead'
             AND (lease_until IS NULL OR lease_until <= ?4)",
        lease.name,
        version,
        lease.owner,
        real_now,
        until,
        at
    )
    .execute(conn)
    .await?;
    one(changed.rows_affected(), Precondition::CredentialLease)
}

/// Tells how a refresh ended that brought no new pair.
pub(crate) async fn settle(
    conn: &mut SqliteConnection,
    settled: &CredentialSettled,
) -> Result<(), Failure> {
    let version = integer(settled.version)?;
    let at = micros(settled.at);
    let state = settled.state.as_str();
    let changed = sqlx::query!(
        "UPDATE credentials
         SET state = ?4, tries = ?5, note = ?6, lease_owner = NULL, lease_until = NULL,
             changed_at = ?7
         WHERE name = ?1 AND version = ?2 AND lease_owner = ?3",
        settled.name,
        version,
        settled.owner,
        state,
        settled.tries,
        settled.note,
        at
    )
    .execute(conn)
    .await?;
    one(changed.rows_affected(), Precondition::CredentialLease)
}

#[derive(sqlx::FromRow)]
pub(crate) struct CredentialRow {
    name: String,
    version: i64,
    state: String,
    key_id: String,
    sealed: Vec<u8>,
    tenant: Option<String>,
    issued_at: i64,
    access_expires_at: i64,
    refresh_expires_at: i64,
    tries: i64,
    tried_at: Option<i64>,
    note: Option<String>,
    lease_owner: Option<String>,
    lease_until: Option<i64>,
    changed_at: i64,
}

impl Stored for CredentialRow {
    const TABLE: &'static str = "credentials";
    const NAME: &'static str = "name";
    type Value = Credential;

    fn read(self) -> Result<Credential, StoreError> {
        let name = self.name.clone();
        let row = RowName::new("credentials", &name);
        let until = row.maybe_time("lease_until", self.lease_until)?;
        Ok(Credential {
            pair: NewCredential {
                name: self.name,
                version: row.number("version", self.version)?,
                key_id: self.key_id,
                sealed: self.sealed,
                tenant: self.tenant,
                issued_at: row.time("issued_at", self.issued_at)?,
                access_expires_at: row.time("access_expires_at", self.access_expires_at)?,
                refresh_expires_at: row.time("refresh_expires_at", self.refresh_expires_at)?,
            },
            state: row.word("state", CredentialState::parse(&self.state))?,
            tries: row.number("tries", self.tries)?,
            tried_at: row.maybe_time("tried_at", self.tried_at)?,
            note: self.note,
            lease: self.lease_owner.zip(until),
            changed_at: row.time("changed_at", self.changed_at)?,
        })
    }
}

/// A credential.
pub(crate) async fn get(
    conn: &mut SqliteConnection,
    name: &str,
) -> Result<Option<Credential>, Failure> {
    rows!(
        conn,
        CredentialRow,
        "SELECT name, version, state, key_id, sealed, tenant, issued_at, access_expires_at,
             refresh_expires_at, tries, tried_at, note, lease_owner, lease_until, changed_at
         FROM credentials WHERE name = ?1",
        name
    )?
    .one()
}

/// Remembers an authorization, and forgets the one before it.
pub(crate) async fn begin(
    conn: &mut SqliteConnection,
    begun: &Authorization,
) -> Result<(), Failure> {
    let (hash, expires) = (begun.state_hash.as_slice(), micros(begun.expires_at));
    sqlx::query!(
        "INSERT INTO authorizations (name, state_hash, expires_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (name) DO UPDATE
         SET state_hash = excluded.state_hash, expires_at = excluded.expires_at",
        begun.name,
        hash,
        expires
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Uses an authorization up.
pub(crate) async fn use_up(
    conn: &mut SqliteConnection,
    used: &Authorization,
) -> Result<(), Failure> {
    let hash = used.state_hash.as_slice();
    let gone = sqlx::query!(
        "DELETE FROM authorizations WHERE name = ?1 AND state_hash = ?2",
        used.name,
        hash
    )
    .execute(conn)
    .await?;
    one(gone.rows_affected(), Precondition::Authorization)
}

#[derive(sqlx::FromRow)]
pub(crate) struct AuthorizationRow {
    name: String,
    state_hash: Vec<u8>,
    expires_at: i64,
}

impl Stored for AuthorizationRow {
    const TABLE: &'static str = "authorizations";
    const NAME: &'static str = "name";
    type Value = Authorization;

    fn read(self) -> Result<Authorization, StoreError> {
        let name = self.name;
        let row = RowName::new("authorizations", &name);
        Ok(Authorization {
            state_hash: row.word("state_hash", self.state_hash.try_into().ok())?,
            expires_at: row.time("expires_at", self.expires_at)?,
            name,
        })
    }
}

/// The authorization that was begun last.
pub(crate) async fn begun(
    conn: &mut SqliteConnection,
    name: &str,
) -> Result<Option<Authorization>, Failure> {
    rows!(
        conn,
        AuthorizationRow,
        "SELECT name, state_hash, expires_at FROM authorizations WHERE name = ?1",
        name
    )?
    .one()
}

fn one(rows: u64, what: Precondition) -> Result<(), Failure> {
    if rows == 1 {
        Ok(())
    } else {
        Err(conflict(what).into())
    }
}
