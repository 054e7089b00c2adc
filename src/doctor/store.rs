//! The database: there, whole, of this version, and nothing dead in it.

use std::path::Path;

use relay_core::time::{SignedDuration, Timestamp};
use relay_store::{Health, JobState, StoreError};

use super::{Area, Finding, Local};
use crate::engine::invariants::{self, Violation};
use crate::ports::{Look, Stores, Version};
use crate::remedy::Run;

const KEY: &str = "store.path";
/// A due job older than this means that no relay runs, or that it can't keep up.
const LATE: SignedDuration = SignedDuration::from_mins(15);

pub(super) async fn look(path: &Path, local: &Local<'_>) -> Vec<Finding> {
    let Local { stores, now, .. } = *local;
    let shown = path.display();
    if path.is_dir() {
        // A finding among the files.
        return Vec::new();
    }
    if !path.exists() {
        let what = format!("there is no database at {shown} yet");
        let remedy = "`clear-relay migrate` makes it, and so does `serve`";
        return vec![Finding::note(Area::Store, KEY, what).with_remedy(remedy)];
    }
    let look = match stores.look(path, local.thorough).await {
        Ok(look) => look,
        Err(StoreError::Unavailable(error)) => {
            let what = format!("{shown} can't be looked into now: {error}");
            let remedy = "try again; see that no other program holds the file";
            return vec![Finding::warning(Area::Store, KEY, what, remedy)];
        }
        Err(error) => {
            let what = format!("{shown} can't be opened as a database: {}", cause(&error));
            let remedy = "name another file in store.path, or bring back a backup";
            return vec![Finding::fault(Area::Store, KEY, what, remedy)];
        }
    };
    let mut findings: Vec<Finding> = [whole(&look), journal(&look), version(&look)]
        .into_iter()
        .flatten()
        .collect();
    if look.version == Version::Current && look.damage.is_none() {
        findings.extend(inside(path, stores, now, local.thorough).await);
    }
    if findings.is_empty() {
        let what = format!("{shown} is whole, of this version, and nothing in it is late or dead");
        findings.push(Finding::ok(Area::Store, KEY, what));
    }
    findings
}

/// The driver's own words. They name SQL at most, and no row.
fn cause(error: &StoreError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => cause.to_string(),
        None => error.to_string(),
    }
}

fn whole(look: &Look) -> Option<Finding> {
    let damage = look.damage.as_ref()?;
    Some(Finding::fault(
        Area::Store,
        KEY,
        format!("the database is damaged: {damage}"),
        "stop the relay, keep the file, and bring back the last backup",
    ))
}

fn journal(look: &Look) -> Option<Finding> {
    (look.version == Version::Current && !look.journal.eq_ignore_ascii_case("wal")).then(|| {
        Finding::warning(
            Area::Store,
            KEY,
            format!(
                "the database keeps its journal as {:?}, not as \"wal\"",
                look.journal
            ),
            "let no other program write to it; `serve` puts it right when it opens the file",
        )
    })
}

fn version(look: &Look) -> Option<Finding> {
    match look.version {
        Version::Current => None,
        Version::Older => Some(
            Finding::note(Area::Store, KEY, "the database is of an older version")
                .with_remedy("`clear-relay migrate` brings it to this one, and so does `serve`"),
        ),
        Version::Newer => Some(Finding::fault(
            Area::Store,
            KEY,
            "the database is of a newer version than this program",
            "install the release that last ran on it, or bring back the backup before it",
        )),
        Version::Foreign => Some(Finding::fault(
            Area::Store,
            KEY,
            "the database was made by something else, or its migrations were changed",
            "name another file in store.path",
        )),
    }
}

/// What has been left lying.
async fn inside(path: &Path, stores: &dyn Stores, now: Timestamp, thorough: bool) -> Vec<Finding> {
    let looked = async {
        let store = stores.open(path).await?;
        let health = store.health(now).await?;
        // `serve` reconciles at its start, and must start at once.
        let violations = match thorough {
            true => invariants::of_store(store.as_ref(), &[], now).await?,
            false => Vec::new(),
        };
        Ok::<_, StoreError>((health, violations))
    };
    match looked.await {
        Ok((health, violations)) => [dead(&health), late(&health, now), broken(&violations)]
            .into_iter()
            .flatten()
            .collect(),
        Err(error) => {
            let what = format!("the database can't be read: {}", cause(&error));
            vec![Finding::fault(
                Area::Store,
                KEY,
                what,
                "see the log of `serve`",
            )]
        }
    }
}

/// Somebody who would be forgotten.
fn broken(violations: &[Violation]) -> Option<Finding> {
    let first = violations.first()?;
    let more = match violations.len() {
        1 => String::new(),
        count => format!(" (and {} more)", count - 1),
    };
    Some(Finding::warning(
        Area::Store,
        "reconcile",
        format!("{first}{more}"),
        "`clear-relay reconcile --dry-run` shows all of it, `clear-relay reconcile` repairs or tells \
         it; `serve` does so every day",
    ))
}

fn dead(health: &Health) -> Option<Finding> {
    let count = |wanted| {
        let mut jobs = health.jobs.iter();
        jobs.find(|(state, _)| *state == wanted)
            .map_or(0, |(_, n)| *n)
    };
    let dead = count(JobState::Dead);
    (dead > 0).then(|| {
        Finding::warning(
            Area::Store,
            "jobs.dead",
            format!("{dead} job(s) are dead: they were given up and wait for a person"),
            format!("`{}`, then `{}`", Run::JobsDead, Run::ReplayDeadDryRun),
        )
    })
}

fn late(health: &Health, now: Timestamp) -> Option<Finding> {
    let due = health.oldest_due?;
    let age = now.duration_since(due);
    (age > LATE).then(|| {
        Finding::warning(
            Area::Store,
            "jobs.late",
            format!(
                "the oldest job that is due has waited {} minutes",
                age.as_mins()
            ),
            "see that `clear-relay serve` runs, and what its log says",
        )
    })
}
