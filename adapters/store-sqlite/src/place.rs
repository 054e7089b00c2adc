//! Whether the files on the disk are still those that are open here.
//!
//! SQLite does not notice that its file was deleted, replaced, cut short or written over: it goes on
//! with the file it has open, and what it is told to keep is gone at the next start. So the writer
//! looks before each group and again before it answers, and whoever wants to know may ask.
//!
//! What is looked at, in four or five calls to the system (some microseconds):
//! - device and inode of the file by its path, and of its log (`-wal`);
//! - its size, which only grows: nothing here shortens a file;
//! - its head, read through a handle of our own: the file's number ([`NUMBER`]), which a copy of
//!   another database lacks, and its turn ([`TURN`]), which only rises, so that an earlier copy of
//!   this database is known by it.
//!
//! Guarantees: a file that is ours is never taken for another one, whichever process writes to it,
//! as long as it writes through SQLite and does not `VACUUM` it.
//!
//! Not guaranteed: that a copy is noticed which was taken since the log was folded last. It holds
//! what the file held, and the log beside it holds the rest.
//!
//! The handle must be closed last. When a process closes any handle on a file, POSIX takes away every
//! lock it has on it, SQLite's too. So there is one handle per file and process, kept in [`OPEN`], and
//! each store holds it until its connections are closed.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use relay_store::FileFault;
use rustix::process::{Flock, FlockOffsetType, FlockType, fcntl_getlk};

/// Every database has its own number, given when it is made: SQLite's `application_id`.
pub(crate) const NUMBER: &str = "application_id";

/// How often the file was started or its log folded: SQLite's `user_version`.
pub(crate) const TURN: &str = "user_version";

/// Where the two stand in a file's head (<https://www.sqlite.org/fileformat2.html>), big-endian.
const TURN_AT: usize = 60;
const NUMBER_AT: usize = 68;
const HEAD: usize = 100;
const MAGIC: &[u8] = b"SQLite format 3\0";

/// The handles of this process, one per file.
static OPEN: Mutex<Vec<Weak<Handle>>> = Mutex::new(Vec::new());

/// A file by what the system knows it by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }
}

/// Our own handle on the file, for its head.
#[derive(Debug)]
struct Handle {
    identity: Identity,
    file: File,
    /// How many stores of this process have it open.
    users: AtomicUsize,
}

/// A store that has the file open, until it is dropped.
#[derive(Debug)]
pub(crate) struct User(Arc<Handle>);

impl Drop for User {
    fn drop(&mut self) {
        self.0.users.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A hold on a file before it is opened, so that the system can be asked about it.
#[derive(Debug)]
pub(crate) struct Hold(Arc<Handle>);

impl Hold {
    /// A hold on the file at `path`, which must be there.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        Handle::of(path).map(Self)
    }

    /// Whether somebody has the file open, in this process or in another one. Changes nothing, and asks
    /// SQLite nothing: its last connection would fold the log at its end.
    pub(crate) fn is_in_use(&self) -> bool {
        self.0.is_used_by_more_than(0)
    }
}

/// Whether another process works with the log whose index is the file at `index` (`-shm`), also if the
/// database has lost its name meanwhile.
///
/// To be asked only where this process does not: the look at the index would end its locks on it.
pub(crate) fn is_log_in_use(index: &Path) -> io::Result<bool> {
    // All of it, to its end.
    match File::open(index) {
        Ok(file) => Ok(is_locked(&file, 0, 0)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether another process has a lock on some of these bytes. What can't be told is careful: it has.
fn is_locked(file: &File, start: u64, length: u64) -> bool {
    let locks = Flock {
        start,
        length,
        pid: None,
        typ: FlockType::WriteLock,
        offset_type: FlockOffsetType::Set,
    };
    !matches!(fcntl_getlk(file, &locks), Ok(None))
}

/// What was seen of the files so far.
#[derive(Debug, Default)]
struct KnownFiles {
    log: Option<Identity>,
    size: u64,
    number: u32,
    turn: u32,
    /// One that can't pass.
    lasting: Option<FileFault>,
    /// The one told in the log last.
    told: Option<FileFault>,
}

/// The files of one store.
#[derive(Debug)]
pub(crate) struct Place {
    main: PathBuf,
    log: PathBuf,
    handle: Arc<Handle>,
    known: Mutex<KnownFiles>,
}

impl Place {
    /// The place of the file that was just opened at `path`.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let handle = Handle::of(path)?;
        // SQLite follows links before it names the log.
        let mut log = path.canonicalize()?.into_os_string();
        log.push("-wal");
        let place = Self {
            main: path.to_owned(),
            log: PathBuf::from(log),
            handle,
            known: Mutex::default(),
        };
        place.renew();
        Ok(place)
    }

    /// Whoever has the file open says so, for as long as that is.
    pub(crate) fn user(&self) -> User {
        self.handle.users.fetch_add(1, Ordering::Relaxed);
        User(Arc::clone(&self.handle))
    }

    /// Whether somebody else than the one store of this place has the file open.
    pub(crate) fn is_shared(&self) -> bool {
        self.handle.is_used_by_more_than(1)
    }

    /// The file, as it was opened.
    pub(crate) fn path(&self) -> &Path {
        &self.main
    }

    /// Whether everything is as it was. What is found is told in the log once.
    pub(crate) fn check(&self) -> Result<(), FileFault> {
        let mut known = self.known();
        let found = match &known.lasting {
            Some(fault) => Err(fault.clone()),
            None => self.look(&mut known),
        };
        let fault = found.as_ref().err();
        if known.told.as_ref() != fault {
            if let Some(fault) = fault {
                tracing::error!(
                    %fault,
                    "nothing is stored any more; stop the relay, then put the right file in place"
                );
            } else {
                tracing::warn!(path = %self.main.display(), "the file is back");
            }
            known.told = fault.cloned();
        }
        found
    }

    /// Every connection of the writer was closed, after a good [`check`](Self::check): the log may
    /// since be a new one.
    pub(crate) fn renew(&self) {
        self.known().log = None;
    }

    fn look(&self, known: &mut KnownFiles) -> Result<(), FileFault> {
        let main = metadata(&self.main)?;
        if Identity::of(&main) != self.handle.identity {
            return Err(FileFault::Replaced(self.main.clone()));
        }
        let lasting = self.look_closely(&main, known);
        known.lasting = lasting.as_ref().err().cloned();
        lasting
    }

    /// What can't come right by itself.
    fn look_closely(&self, main: &Metadata, known: &mut KnownFiles) -> Result<(), FileFault> {
        if main.size() < known.size {
            return Err(FileFault::Truncated(self.main.clone()));
        }
        known.size = main.size();
        match (metadata(&self.log), known.log) {
            (Ok(log), None) => known.log = Some(Identity::of(&log)),
            (Ok(log), Some(before)) if Identity::of(&log) != before => {
                return Err(FileFault::Replaced(self.log.clone()));
            }
            // As long as a connection is open SQLite keeps its log.
            (Err(fault), Some(_)) => return Err(fault),
            (Ok(_), Some(_)) | (Err(_), None) => {}
        }
        // While somebody writes a head it may be read half: a wrong one is wrong twice.
        if self.is_own_head(known) || self.is_own_head(known) {
            Ok(())
        } else {
            Err(FileFault::Overwritten(self.main.clone()))
        }
    }

    fn is_own_head(&self, known: &mut KnownFiles) -> bool {
        let mut head = [0; HEAD];
        if self.handle.file.read_exact_at(&mut head, 0).is_err() {
            // A new file is empty until its log is folded for the first time.
            return known.size == 0;
        }
        let (number, turn) = (four(&head, NUMBER_AT), four(&head, TURN_AT));
        let own = head.starts_with(MAGIC)
            && (known.number == 0 || number == known.number)
            && turn >= known.turn;
        if own {
            known.number = number;
            known.turn = turn;
        }
        own
    }

    fn known(&self) -> MutexGuard<'_, KnownFiles> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handle {
    fn of(path: &Path) -> io::Result<Arc<Self>> {
        let identity = Identity::of(&std::fs::metadata(path)?);
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|handle| handle.strong_count() > 0);
        let kept = open.iter().filter_map(Weak::upgrade);
        let mut kept = kept.filter(|handle| handle.identity == identity);
        if let Some(handle) = kept.next() {
            return Ok(handle);
        }
        let file = File::open(path)?;
        let identity = Identity::of(&file.metadata()?);
        let handle = Arc::new(Self {
            identity,
            file,
            users: AtomicUsize::new(0),
        });
        open.push(Arc::downgrade(&handle));
        Ok(handle)
    }

    /// Whether more stores of this process than `own` have the file open, or another process has.
    ///
    /// Who has read a database in WAL mode keeps a lock on these bytes of it
    /// (<https://www.sqlite.org/lockingv3.html>), and the system tells of other processes' locks.
    fn is_used_by_more_than(&self, own: usize) -> bool {
        const LOCKS_AT: u64 = 0x4000_0000;
        const LOCKS: u64 = 512;
        self.users.load(Ordering::Relaxed) > own || is_locked(&self.file, LOCKS_AT, LOCKS)
    }
}

fn metadata(path: &Path) -> Result<Metadata, FileFault> {
    std::fs::metadata(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => FileFault::Missing(path.to_owned()),
        _ => FileFault::Unreadable {
            path: path.to_owned(),
            reason: error.to_string(),
        },
    })
}

fn four(head: &[u8; HEAD], at: usize) -> u32 {
    let bytes = head.get(at..at + 4).and_then(|four| four.try_into().ok());
    bytes.map_or(0, u32::from_be_bytes)
}
