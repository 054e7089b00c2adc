//! Who may read secrets, where the database lies, and how much room is left.

use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::machine::network;
use super::{Area, Finding, Machine};
use crate::config::{Config, SecretFile};

/// Less room than this, in bytes, and the database may not be able to grow through a bad night.
const LITTLE: u64 = 1024 * 1024 * 1024;
/// Less than this, and SQLite can't even make its log.
const NOTHING: u64 = 64 * 1024 * 1024;

/// Bits by which people other than owner and group may read or write.
const OTHERS: u32 = 0o006;
/// The bit by which the group may write.
const GROUP_WRITES: u32 = 0o020;

pub(super) fn look(config: &Config, machine: &dyn Machine) -> Vec<Finding> {
    let mut findings: Vec<Finding> = config.secret_files.iter().filter_map(secret).collect();
    if findings.is_empty() && !config.secret_files.is_empty() {
        let what = "no secret can be read by everybody on this machine";
        findings.push(Finding::ok(Area::Files, "secrets", what));
    }
    findings.extend(place(&config.store.path, machine));
    findings
}

fn mode(told: &Metadata) -> u32 {
    told.permissions().mode()
}

/// A secret that others may read or change. One that can't be read is a mistake already.
fn secret(file: &SecretFile) -> Option<Finding> {
    let told = std::fs::metadata(&file.path).ok()?;
    let open = match mode(&told) {
        mode if mode & OTHERS != 0 => "everybody on this machine may read or change",
        mode if mode & GROUP_WRITES != 0 => "everybody in its group may change",
        _ => return None,
    };
    let path = file.path.display();
    Some(Finding::warning(
        Area::Files,
        &file.key,
        format!("{} names {path}, which {open}", file.key),
        format!("chmod 600 {path}"),
    ))
}

/// The folder of the database.
fn place(database: &Path, machine: &dyn Machine) -> Vec<Finding> {
    let key = "store.path";
    let shown = database.display();
    if database.is_dir() {
        return vec![Finding::fault(
            Area::Files,
            key,
            format!("{key}: {shown} is a folder"),
            "name a file in it",
        )];
    }
    let folder = folder_of(database);
    if !folder.is_dir() {
        return vec![Finding::fault(
            Area::Files,
            key,
            format!("{key}: {shown}: there is no such folder"),
            format!("mkdir -p {}, or name another file", folder.display()),
        )];
    }
    let mut findings = Vec::new();
    findings.extend(writable(&folder, database, machine));
    findings.extend(network_place(&folder, machine));
    findings.extend(room(&folder, machine));
    if findings.is_empty() {
        let what = format!("the database's folder {} can be used", folder.display());
        findings.push(Finding::ok(Area::Files, key, what));
    }
    findings
}

fn folder_of(database: &Path) -> PathBuf {
    match database.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// SQLite keeps two files beside its own, so the folder must be writable, not only the file. The
/// file system is asked; to try it would change something.
fn writable(folder: &Path, database: &Path, machine: &dyn Machine) -> Option<Finding> {
    let closed = |path: &Path| !machine.may_write(path);
    let shut = if closed(folder) {
        folder
    } else if database.exists() && closed(database) {
        database
    } else {
        return None;
    };
    let shut = shut.display();
    Some(Finding::fault(
        Area::Files,
        "store.path",
        format!("store.path: {shut} can't be written to by the user who runs this"),
        format!("chown or chmod {shut}, or run as the relay's own user"),
    ))
}

fn network_place(folder: &Path, machine: &dyn Machine) -> Option<Finding> {
    let folder = folder.canonicalize().ok()?;
    let kind = network(&machine.mounts()?, &folder)?;
    let folder = folder.display();
    Some(Finding::fault(
        Area::Files,
        "store.path",
        format!(
            "store.path: {folder} is on a network file system ({kind}), where SQLite can lose what it wrote"
        ),
        "write a store.path on a disk of this machine",
    ))
}

fn room(folder: &Path, machine: &dyn Machine) -> Option<Finding> {
    let free = machine.free_bytes(folder).filter(|free| *free < LITTLE)?;
    let what = format!(
        "store.path: {} MiB are free in {}",
        free / (1024 * 1024),
        folder.display()
    );
    let remedy = "free some room, or write a store.path on a larger disk";
    Some(if free < NOTHING {
        Finding::fault(Area::Files, "store.path", what, remedy)
    } else {
        Finding::warning(Area::Files, "store.path", what, remedy)
    })
}
