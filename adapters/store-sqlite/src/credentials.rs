//! Credentials that change under way, and authorizations that were begun.

use relay_store::{
    Authorization, Credential, CredentialLease, CredentialSettled, CredentialState, NewCredential,
};
use sqlx::SqliteConnection;

use crate::failure::{Failure, conflict};
use crate::values::{Reading, integer, micros};

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
    one(changed.rows_affected(), "credential version")
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
    one(changed.rows_affected(), "credential lease")
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
    one(changed.rows_affected(), "credential lease")
}

/// A credential.
pub(crate) async fn get(
    conn: &mut SqliteConnection,
    name: &str,
) -> Result<Option<Credential>, Failure> {
    let found = sqlx::query!(
        "SELECT version, state, key_id, sealed, tenant, issued_at, access_expires_at,
             refresh_expires_at, tries, tried_at, note, lease_owner, lease_until, changed_at
         FROM credentials WHERE name = ?1",
        name
    )
    .fetch_optional(conn)
    .await?;
    let Some(found) = found else {
        return Ok(None);
    };
    let row = Reading::new("credentials", name);
    let until = row.maybe_time("lease_until", found.lease_until)?;
    Ok(Some(Credential {
        pair: NewCredential {
            name: name.to_owned(),
            version: row.number("version", found.version)?,
            key_id: found.key_id,
            sealed: found.sealed,
            tenant: found.tenant,
            issued_at: row.time("issued_at", found.issued_at)?,
            access_expires_at: row.time("access_expires_at", found.access_expires_at)?,
            refresh_expires_at: row.time("refresh_expires_at", found.refresh_expires_at)?,
        },
        state: row.word("state", CredentialState::parse(&found.state))?,
        tries: row.number("tries", found.tries)?,
        tried_at: row.maybe_time("tried_at", found.tried_at)?,
        note: found.note,
        lease: found.lease_owner.zip(until),
        changed_at: row.time("changed_at", found.changed_at)?,
    }))
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
    one(gone.rows_affected(), "authorization")
}

/// The authorization that was begun last.
pub(crate) async fn begun(
    conn: &mut SqliteConnection,
    name: &str,
) -> Result<Option<Authorization>, Failure> {
    let found = sqlx::query!(
        "SELECT state_hash, expires_at FROM authorizations WHERE name = ?1",
        name
    )
    .fetch_optional(conn)
    .await?;
    let Some(found) = found else {
        return Ok(None);
    };
    let row = Reading::new("authorizations", name);
    Ok(Some(Authorization {
        name: name.to_owned(),
        state_hash: row.word("state_hash", found.state_hash.try_into().ok())?,
        expires_at: row.time("expires_at", found.expires_at)?,
    }))
}

fn one(rows: u64, what: &'static str) -> Result<(), Failure> {
    if rows == 1 {
        Ok(())
    } else {
        Err(conflict(what).into())
    }
}
