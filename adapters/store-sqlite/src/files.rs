//! The files of a database by their names: what lies beside it, what is being made, and under which names
//! what it replaces is kept.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use relay_store::CopyError;

use crate::unclean::SIGN;

/// What SQLite may leave beside a file, and takes for a part of whatever file it finds there next.
pub(crate) const BESIDE: [&str; 3] = ["-wal", "-journal", "-shm"];

/// What the name of a file ends in that a restore makes.
pub(crate) const RESTORING: &str = ".restoring";

/// A file that is being made. What is left of one whose process was cut off is made anew; one that is not
/// finished goes.
#[derive(Debug)]
pub(crate) struct Unfinished {
    pub(crate) path: PathBuf,
    /// Held until it is finished: two processes must not fill one file.
    lock: File,
    /// It is not taken away if it can't be given its name: nothing stands there any more.
    pub(crate) stays: bool,
}

impl Unfinished {
    pub(crate) fn begin(path: PathBuf) -> Result<Self, CopyError> {
        let mut lock = locked(&path)?;
        let found = lock.metadata().map_err(|error| refused(&path, &error))?;
        match found.nlink() {
            1 => {}
            // Somebody has finished it since it was opened here.
            0 => return Err(CopyError::UnderWay(path)),
            // Its process was cut off when the copy had its own name already: this is that copy.
            _ => {
                remove(&path)?;
                lock = locked(&path)?;
            }
        }
        let begun = Self {
            path,
            lock,
            stays: false,
        };
        for end in BESIDE {
            remove(&beside(&begun.path, end))?;
        }
        let emptied = begun.lock.set_len(0);
        emptied.map_err(|error| refused(&begun.path, &error))?;
        Ok(begun)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if self.stays {
            return;
        }
        let ends = std::iter::once("").chain(BESIDE);
        for end in ends {
            // Where it was given its name it is gone; what can't be removed the next run makes anew.
            let _ = fs::remove_file(beside(&self.path, end));
        }
    }
}

/// The file at `path`, locked for this process; made if it is not there.
fn locked(path: &Path) -> Result<File, CopyError> {
    // SQLite fills a file that is there and empty, and leaves it its rights.
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|error| refused(path, &error))?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(CopyError::UnderWay(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(refused(path, &error)),
        Ok(()) => Ok(file),
    }
}

/// Keeps the database at `path` under its name with `suffix`, too, and moves there what SQLite has left
/// beside it, whether the database itself is there or not: another file must not be found beside that.
/// What is kept, by the first of its names.
///
/// The sign of a process that was cut off stays as well: until the place is taken, it is about what stands
/// there.
pub(crate) fn keep(path: &Path, suffix: &str) -> Result<Option<PathBuf>, CopyError> {
    const ENDS: [&str; 5] = ["", BESIDE[0], BESIDE[1], BESIDE[2], SIGN];
    let kept = beside(path, suffix);
    let mut names = ENDS.iter().map(|end| beside(&kept, end));
    if let Some(taken) = names.find(|name| name.exists()) {
        return Err(CopyError::Exists(taken));
    }
    let ends = ENDS.into_iter().filter(|end| beside(path, end).exists());
    let ends: Vec<_> = ends.collect();
    for end in &ends {
        let to = beside(&kept, end);
        // Unlike a renaming, a link never takes another file's place.
        fs::hard_link(beside(path, end), &to).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => CopyError::Exists(to.clone()),
            _ => refused(&to, &error),
        })?;
    }
    // A file system may bring names to the disk in any order: the second ones first, or a log that is cut
    // off here has none.
    sync_folder(path)?;
    for end in ends.iter().filter(|end| BESIDE.contains(end)) {
        remove(&beside(path, end))?;
    }
    sync_folder(path)?;
    let first = ends.first().filter(|end| **end != SIGN);
    Ok(first.map(|end| beside(&kept, end)))
}

/// The name of a file beside `path`.
pub(crate) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

pub(crate) fn remove(path: &Path) -> Result<(), CopyError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(refused(path, &error)),
        _ => Ok(()),
    }
}

/// The names in a folder are on the disk only when the folder is.
pub(crate) fn sync_folder(path: &Path) -> Result<(), CopyError> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let folder = folder.unwrap_or(Path::new("."));
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| refused(folder, &error))
}

pub(crate) fn refused(path: &Path, error: &io::Error) -> CopyError {
    CopyError::File {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}
