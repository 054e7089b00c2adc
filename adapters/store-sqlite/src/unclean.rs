//! Whether whoever had the file open last was done with it.
//!
//! A process that is cut off leaves its log behind, and that is how it shows. But whoever opens the file
//! next, a command that only lists something, folds the log into it at its end, and the sign is gone
//! with it while nobody has looked whether the file is whole. So before the log of a process that was
//! cut off is folded, the sign is kept in a file beside it (`-unclean`), until somebody has found the
//! file whole.
//!
//! Not guaranteed: the sign on a disk that takes no new file. That is logged, and the file opened all the
//! same: whoever stops the relay must not wait for a disk.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::place::Hold;

/// How many links in a row are followed, as by SQLite on most systems.
const LINKS: usize = 100;

/// What the sign's name ends in.
pub(crate) const SIGN: &str = "-unclean";

/// Whether whoever had the file at `path` open last was not done with it. So it is too while somebody
/// has it open.
pub fn unclean(path: impl AsRef<Path>) -> bool {
    has_log(path.as_ref()) || beside(path.as_ref(), SIGN).exists()
}

/// Somebody has looked through the file at `path` and found it whole.
pub fn found_whole(path: impl AsRef<Path>) -> io::Result<()> {
    match fs::remove_file(beside(path.as_ref(), SIGN)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Keeps the sign, if the file at `path` shows it and nobody has it open. To be called before it is opened.
pub(crate) fn keep_sign(path: &Path, hold: &Hold) {
    if !has_log(path) || hold.is_in_use() {
        return;
    }
    if let Err(error) = make_sign(path) {
        tracing::warn!(%error, "that the last process was cut off can't be noted beside the database");
    }
}

fn make_sign(path: &Path) -> io::Result<()> {
    let sign = beside(path, SIGN);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&sign)?;
    file.sync_all()?;
    // The name is on the disk only when the folder is.
    let folder = sign.parent().unwrap_or(Path::new("/"));
    File::open(folder)?.sync_all()
}

pub(crate) fn has_log(path: &Path) -> bool {
    fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0)
}

/// The name of a file beside the database: SQLite follows links first, also one to a file that is gone.
pub(crate) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = followed(path).into_os_string();
    name.push(end);
    PathBuf::from(name)
}

/// Where the file at `path` is, or would be made.
fn followed(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        if let Ok(found) = path.canonicalize() {
            return found;
        }
        let Ok(target) = fs::read_link(&path) else {
            break;
        };
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    path
}
