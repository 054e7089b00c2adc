//! The database: there, whole, its owner's only, of this version, every row readable, and nothing dead
//! in it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use relay_core::case::{Case, Mode};
use relay_core::incidents::VendorIncidents;
use relay_core::time::{SignedDuration, TimeZone, Timestamp};
use relay_core::workflows::missed_check_in;
use relay_store::{CaseFilter, Damage, Health, JobState, Page, Store, StoreError};

use super::{Area, Finding, Local};
use crate::engine::incidents::{self, incident_words};
use crate::engine::sync::invariants::{self, Violation};
use crate::ports::{DatabaseInspection, Version};
use crate::remedy::RemedyCommand;

const KEY: &str = "store.path";
/// A due job older than this means that no relay runs, or that it can't keep up.
const LATE: SignedDuration = SignedDuration::from_mins(15);
/// How many cases are named, and how many are read at once.
const NAMED: usize = 10;
const PAGE: u32 = 500;

pub(super) async fn look(path: &Path, local: &Local<'_>) -> Vec<Finding> {
    let Local { stores, .. } = *local;
    let shown = path.display();
    if path.is_dir() {
        // A finding among the files.
        return Vec::new();
    }
    let looked = stores.look(path, local.thorough).await;
    // What is left of a database whose file is gone is none to make anew.
    if !path.exists() && !matches!(looked, Err(StoreError::Damaged(_))) {
        let what = format!("there is no database at {shown} yet");
        let remedy = "`clear-relay migrate` makes it, and so does `serve`";
        return vec![Finding::note(Area::Store, KEY, what).with_remedy(remedy)];
    }
    let look = match looked {
        Ok(look) => look,
        Err(StoreError::Unavailable(error)) => {
            let what = format!("{shown} can't be looked into now: {error}");
            let remedy = "try again; see that no other program holds the file";
            return vec![Finding::warning(Area::Store, KEY, what, remedy)];
        }
        Err(error) => {
            let what = format!("{shown} can't be opened as a database: {}", cause(&error));
            let remedy = "name another file in store.path, or bring back a copy with `clear-relay restore FILE --by NAME`";
            return vec![Finding::fault(Area::Store, KEY, what, remedy)];
        }
    };
    let mut findings: Vec<Finding> = [whole(&look), journal(&look), version(&look)]
        .into_iter()
        .flatten()
        .collect();
    findings.extend(rights(path));
    if look.version == Version::Current && look.damage.is_none() {
        findings.extend(inside(path, local).await);
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

fn whole(look: &DatabaseInspection) -> Option<Finding> {
    let damage = look.damage.as_ref()?;
    Some(Finding::fault(
        Area::Store,
        KEY,
        format!("the database is damaged: {damage}"),
        "stop the relay, then `clear-relay restore FILE --by NAME`; it keeps the damaged file",
    ))
}

fn journal(look: &DatabaseInspection) -> Option<Finding> {
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

fn version(look: &DatabaseInspection) -> Option<Finding> {
    match look.version {
        Version::Current => None,
        Version::Older if let Some(damage) = &look.blocking_row => Some(Finding::fault(
            Area::Store,
            KEY,
            format!(
                "the database is of an older version, and can't be brought to this one: {damage} can't be read"
            ),
            "with the release that last ran on it: `clear-relay database check`, then `clear-relay \
             database mend TABLE ROW --by NAME`",
        )),
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

/// Files with clients' health in them that others on this machine can read.
fn rights(path: &Path) -> Option<Finding> {
    let beside = |end: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    };
    let is_open = |file: &PathBuf| {
        let found = std::fs::metadata(file);
        found.is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
    };
    let files = ["", "-wal", "-shm"].map(beside);
    let open: Vec<String> = files
        .iter()
        .filter(|file| is_open(file))
        .map(|file| quoted(file))
        .collect();
    (!open.is_empty()).then(|| {
        Finding::warning(
            Area::Store,
            "store.rights",
            format!("others on this machine can read {}", path.display()),
            format!("`chmod 600 {}`", open.join(" ")),
        )
    })
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
    if path.chars().all(plain) {
        path
    } else {
        format!("'{}'", path.replace('\'', "'\\''"))
    }
}

/// What has been left lying, and, where the whole file is read, what can't be read.
async fn inside(path: &Path, local: &Local<'_>) -> Vec<Finding> {
    let store = match local.stores.open(path).await {
        Ok(store) => store,
        Err(error) => return vec![unreadable(&error)],
    };
    let config = local.examined.config.as_ref();
    let proposes =
        config.is_some_and(|config| config.procedures.missed_check_in.mode == Mode::Propose);
    let zone = config.map(|config| config.calendar.zone().clone());
    let mut findings: Vec<Finding> = match found(store.as_ref(), local.now, proposes).await {
        Ok((health, held_back)) => [dead(&health), late(&health, local.now), waiting(&held_back)]
            .into_iter()
            .flatten()
            .collect(),
        Err(error) => vec![unreadable(&error)],
    };
    match incidents::all(store.as_ref()).await {
        Ok(all) => findings.extend(lasting(&all, zone.as_ref())),
        Err(error) => findings.push(unreadable(&error)),
    }
    if local.thorough {
        match store.check_rows().await {
            Ok(damage) => findings.extend(rows(&damage)),
            Err(error) => findings.push(unreadable(&error)),
        }
        // `serve` reconciles at its start, and must start at once.
        match invariants::of_store(store.as_ref(), &[], local.now).await {
            Ok(violations) => findings.extend(broken(&violations)),
            Err(error) => findings.push(unreadable(&error)),
        }
    }
    store.close().await;
    findings
}

fn unreadable(error: &StoreError) -> Finding {
    let what = format!("the database can't be read: {}", cause(error));
    Finding::fault(Area::Store, KEY, what, "see the log of `serve`")
}

/// Rows that can't be read, named.
fn rows(damage: &[Damage]) -> Option<Finding> {
    const SHOWN: usize = 5;
    if damage.is_empty() {
        return None;
    }
    let named: Vec<String> = damage.iter().take(SHOWN).map(Damage::to_string).collect();
    let more = match damage.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    Some(Finding::warning(
        Area::Store,
        "store.rows",
        format!("can't be read: {}{more}", named.join("; ")),
        "`clear-relay database check` says what each is, and how it is mended",
    ))
}

async fn found(
    store: &dyn Store,
    now: Timestamp,
    proposes: bool,
) -> Result<(Health, Vec<Case>), StoreError> {
    let health = store.health(now).await?;
    let mut held_back = Vec::new();
    let mut page = Page {
        offset: 0,
        limit: PAGE,
    };
    if !proposes {
        return Ok((health, held_back));
    }
    loop {
        let filter = CaseFilter {
            procedure: Some(missed_check_in::NAME.to_owned()),
            ..CaseFilter::default()
        };
        let cases = store.cases(&filter, page).await?;
        let last = cases.len() < PAGE as usize;
        held_back.extend(cases.into_iter().filter(|case| case.mode == Mode::Act));
        if last {
            break;
        }
        page.offset = page.offset.saturating_add(PAGE);
    }
    Ok((health, held_back))
}

/// Cases that were opened to act, and wait because the procedure only proposes now.
fn waiting(held_back: &[Case]) -> Option<Finding> {
    let first: Vec<String> = held_back
        .iter()
        .take(NAMED)
        .map(|case| case.id.to_string())
        .collect();
    let more = if held_back.len() > NAMED { ", …" } else { "" };
    (!held_back.is_empty()).then(|| {
        Finding::warning(
            Area::Store,
            "cases.held_back",
            format!(
                "{} open case(s) were opened to act, and nothing of them goes out while \
                 procedures.missed_check_in.mode is \"propose\": {}{more}",
                held_back.len(),
                first.join(", ")
            ),
            "procedures.missed_check_in.mode = \"act\" lets them go on; `clear-relay cases \
             close CASE --by NAME --reason TEXT` ends one",
        )
    })
}

/// What many cases meet at a vendor at present.
fn lasting(all: &[(String, VendorIncidents)], zone: Option<&TimeZone>) -> Vec<Finding> {
    let zone = zone.cloned().unwrap_or(TimeZone::UTC);
    let told = all.iter().flat_map(|(vendor, incidents)| {
        let told = incidents.told();
        told.map(move |(class, episode)| (vendor, class, episode))
    });
    told.map(|(vendor, class, episode)| {
        let since = episode.since().unwrap_or(Timestamp::UNIX_EPOCH);
        let since = zone
            .to_datetime(since)
            .strftime("%Y-%m-%d %H:%M")
            .to_string();
        let what = incident_words(vendor, class, episode, &since);
        let remedy = format!(
            "`{}` has an item that says what to do; what waits goes on by itself",
            RemedyCommand::WorkList
        );
        Finding::warning(Area::Store, "incidents", what, remedy)
    })
    .collect()
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
            format!(
                "`{}`, then `{}`",
                RemedyCommand::JobsDead,
                RemedyCommand::ReplayDeadDryRun
            ),
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
