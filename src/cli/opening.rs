//! The databases that a command opens, closed when it is over.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use relay_core::time::Clocks;
use relay_store::{Batch, Copied, CopyError, Restored, Store, StoreError};

use super::error::CliError;
use crate::ports::{DatabaseInspection, Stores, Version};
use crate::remedy::RemedyCommand;

/// Databases, of which those that were opened are known.
pub(super) struct Opening<'a> {
    stores: &'a dyn Stores,
    opened: Mutex<Vec<Arc<dyn Store>>>,
}

impl<'a> Opening<'a> {
    pub(super) fn new(stores: &'a dyn Stores) -> Self {
        Self {
            stores,
            opened: Mutex::default(),
        }
    }

    /// Closes what was opened. One that is closed already stays so.
    pub(super) async fn close(&self) {
        let opened =
            std::mem::take(&mut *self.opened.lock().unwrap_or_else(PoisonError::into_inner));
        for store in opened.iter().rev() {
            store.close().await;
        }
    }
}

#[async_trait(?Send)]
impl Stores for Opening<'_> {
    async fn open(&self, path: &Path) -> Result<Arc<dyn Store>, StoreError> {
        let store = self.stores.open(path).await?;
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.push(Arc::clone(&store));
        Ok(store)
    }

    async fn migrate(&self, path: &Path) -> Result<(), StoreError> {
        self.stores.migrate(path).await
    }

    fn unclean(&self, path: &Path) -> bool {
        self.stores.unclean(path)
    }

    fn found_whole(&self, path: &Path) {
        self.stores.found_whole(path);
    }

    async fn backup(&self, from: &Path, to: &Path) -> Result<Copied, CopyError> {
        self.stores.backup(from, to).await
    }

    async fn check_restore(&self, from: &Path, to: &Path) -> Result<Copied, CopyError> {
        self.stores.check_restore(from, to).await
    }

    async fn restore(
        &self,
        from: &Path,
        to: &Path,
        suffix: &str,
        mark: Batch,
    ) -> Result<Restored, CopyError> {
        self.stores.restore(from, to, suffix, mark).await
    }

    async fn look(&self, path: &Path, thorough: bool) -> Result<DatabaseInspection, StoreError> {
        self.stores.look(path, thorough).await
    }
}

/// What a command that acts runs on.
pub(crate) struct Opened {
    pub(crate) clocks: Clocks,
    pub(crate) time_scale: u32,
}

/// An error of a migration, with what to do about a row that keeps the schema from being changed.
pub(super) fn not_migrated(error: StoreError) -> CliError {
    match error {
        StoreError::Corrupt(damage) => CliError::Failed(format!(
            "{damage} can't be read, and a database with such a row can't be brought to this version; \
             nothing was changed. With the release that last ran on it, `clear-relay database check` names \
             such rows and `clear-relay database mend TABLE ROW --by NAME` mends them; then bring it to \
             this version"
        )),
        other => other.into(),
    }
}

pub(super) fn newer(path: &Path) -> CliError {
    CliError::Failed(format!(
        "{} is of a newer version than this program: install the release that last ran on it, or \
         bring back the backup before it",
        path.display()
    ))
}

pub(super) fn foreign(path: &Path) -> CliError {
    CliError::Failed(format!(
        "{} was made by something else, or its migrations were changed: name another file in \
         store.path",
        path.display()
    ))
}

/// Refuses to go on without a database of this version.
///
/// Not asked by what must work on any that is there: `stop`, and the copies. A file that can't be looked at
/// goes on to its opening, which says what is wrong with it.
pub(super) async fn require_this_version(path: &Path, stores: &dyn Stores) -> Result<(), CliError> {
    require_database(path)?;
    let Ok(look) = stores.look(path, false).await else {
        return Ok(());
    };
    match look.version {
        Version::Current => Ok(()),
        Version::Older => Err(CliError::Failed(format!(
            "{} is of an older version than this program, which can't read it yet; bring it to this one \
             with `{}`",
            path.display(),
            RemedyCommand::Migrate
        ))),
        Version::Newer => Err(newer(path)),
        Version::Foreign => Err(foreign(path)),
    }
}

/// Whether there is no file at `path`.
pub(super) fn missing_database(path: &Path) -> bool {
    !path.exists()
}

/// Refuses to go on without a database.
pub(crate) fn require_database(path: &Path) -> Result<(), CliError> {
    check_place(path)?;
    if missing_database(path) {
        let path = path.display();
        return Err(CliError::Usage(format!(
            "there is no database at {path}; make it with `{}`, or name the configuration of the \
             one you mean with --config",
            RemedyCommand::Migrate
        )));
    }
    Ok(())
}

/// Refuses a place where no database can be, in words that name it.
pub(crate) fn check_place(path: &Path) -> Result<(), CliError> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    if folder.is_some_and(|folder| !folder.is_dir()) {
        let path = path.display();
        return Err(CliError::Usage(format!(
            "store.path: {path}: there is no such folder; make it, or name another"
        )));
    }
    if path.is_dir() {
        let path = path.display();
        return Err(CliError::Usage(format!(
            "store.path: {path} is a folder; name a file in it"
        )));
    }
    Ok(())
}
