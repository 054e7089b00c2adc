//! What a run writes and syncs, in one order, and every disk that a power cut could leave of it.
//!
//! People: tests that ask what is left after a power cut. A test starts a [`Recorder`] on an empty
//! folder, lets the product work in it as always, and asks for a disk as it could be at any place of the
//! record. The product has no switch for this.
//!
//! How it sees: SQLite's files through a layer over SQLite's own one (`vfs.rs`), which becomes the
//! default of the process; names and the syncs of ordinary files and of folders through the calls of the
//! C library (`calls.rs`), which this crate defines in the system's place.
//!
//! Rules:
//! - Only what lies in a recorded folder is recorded. Everything else passes unchanged.
//! - A recorder is started before a database in its folder is opened. What lies there by then was always
//!   there.
//! - What is recorded is not flushed to the real disk: the record knows what was, and nothing else of the
//!   run outlives the test.
//!
//! Guarantees (for a folder on one disk, written through SQLite, or through `std::fs` with a sync or a
//! renaming): what [`Disk`] says may be there after a power cut is
//! - what was synced: a file's bytes by a sync of the file that began after they were written, a name
//!   (made, linked, renamed, deleted) by a sync of its folder;
//! - of everything else any part: each write wholly, not at all, or only some of its 512-byte sectors,
//!   each shortening of a file, each name, in any combination.
//!
//! That is more than most file systems allow themselves, which keep at least their names in order.
//!
//! Not guaranteed: sectors that hold rubbish, or bytes that nobody wrote to being lost beside such as
//! somebody wrote to (SQLite takes that for given, too: `SQLITE_IOCAP_POWERSAFE_OVERWRITE`). Disks that
//! lie. Files written by `std::fs` and neither synced nor renamed. Other folders than the recorded one.

mod calls;
mod disk;
mod tape;
mod vfs;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use relay_core::random::Random;

pub use disk::{Disk, Image, Luck};
use tape::Tape;

/// A file, whatever it is called. Of one recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

/// Something that happened to the folder, or that a test has remarked. Names are relative to it. A
/// `since` is the place of the record at which a sync began: what came before it is on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A file that was there before the recording.
    There {
        /// The file.
        file: FileId,
        /// Its name.
        name: PathBuf,
        /// What was in it.
        bytes: Vec<u8>,
    },
    /// A new file, or another name of one.
    Named {
        /// The file.
        file: FileId,
        /// The name.
        name: PathBuf,
    },
    /// Bytes were written.
    Written {
        /// The file written to.
        file: FileId,
        /// From here on.
        offset: u64,
        /// The bytes, as written.
        bytes: Vec<u8>,
    },
    /// A file was made shorter or longer.
    Resized {
        /// The file.
        file: FileId,
        /// Its size now.
        size: u64,
    },
    /// A sync of a file ended.
    Synced {
        /// The file.
        file: FileId,
        /// When it began.
        since: usize,
    },
    /// A file has another name instead of one that it had.
    Renamed {
        /// The file.
        file: FileId,
        /// What it was called.
        from: PathBuf,
        /// What it is called now, whoever was called that before.
        to: PathBuf,
    },
    /// A name is gone, and with the last one its file.
    Unnamed {
        /// The name.
        name: PathBuf,
    },
    /// A sync of a folder ended.
    FolderSynced {
        /// The folder; empty for the recorded one itself.
        folder: PathBuf,
        /// When it began.
        since: usize,
    },
    /// A remark of the test.
    Mark(u64),
}

/// What was recorded, in the order in which it happened.
#[derive(Debug, Clone, Default)]
pub struct Record {
    events: Vec<Event>,
}

impl Record {
    /// All of it.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The disk, if the power fails after the first `cut` events.
    pub fn disk(&self, cut: usize) -> Disk {
        let mut disk = Disk::default();
        for event in self.events.iter().take(cut) {
            disk.advance(event);
        }
        disk
    }

    /// Some of the images that a power cut after the first `cut` events allows: nothing that was not
    /// synced, all of it, and `some` random ones.
    pub fn images(&self, cut: usize, some: usize, random: &dyn Random) -> Vec<Image> {
        let disk = self.disk(cut);
        let lucks = [Luck::Nothing, Luck::Everything].into_iter();
        lucks
            .chain((0..some).map(|_| Luck::Some(random)))
            .map(|luck| disk.image(luck))
            .collect()
    }
}

/// What happens in a folder is written down as long as this lives.
#[derive(Debug)]
pub struct Recorder {
    tape: Arc<Tape>,
}

impl Recorder {
    /// Writes down all that happens in `folder`.
    ///
    /// # Errors
    ///
    /// If the folder can't be read, or the calls of this process can't be seen.
    pub fn start(folder: &Path) -> io::Result<Self> {
        Self::with(folder, true)
    }

    /// Keeps only the disk as it could be now, for runs that write more than memory holds.
    ///
    /// # Errors
    ///
    /// As of [`start`](Self::start).
    pub fn watch(folder: &Path) -> io::Result<Self> {
        Self::with(folder, false)
    }

    fn with(folder: &Path, kept: bool) -> io::Result<Self> {
        vfs::install()?;
        let folder = folder.canonicalize()?;
        let tape = Tape::start(&folder, kept);
        let recorder = Self { tape };
        let mut found = Vec::new();
        files_in(&folder, &mut found)?;
        for path in found {
            let bytes = fs::read(&path)?;
            recorder.tape.there(&path, bytes);
        }
        // Unseen, no sync would be one, and every test would fail by saying that something was lost.
        let before = recorder.events();
        File::open(&folder)?.sync_all()?;
        if recorder.events() == before {
            let why = "the calls of the C library are not seen in this program";
            return Err(io::Error::other(why));
        }
        Ok(recorder)
    }

    /// Writes a remark into the record.
    pub fn mark(&self, mark: u64) {
        self.tape.push(Event::Mark(mark));
    }

    /// How many events there were.
    pub fn events(&self) -> usize {
        self.tape.len()
    }

    /// The power fails once so many events have happened: [`image`](Self::image) is of that moment
    /// however long the run goes on.
    pub fn cut_at(&self, events: usize) {
        self.tape.cut_at(events);
    }

    /// Whether that has happened.
    pub fn is_cut(&self) -> bool {
        self.tape.is_cut()
    }

    /// A disk as a power cut could leave it, now or where the power failed.
    pub fn image(&self, luck: Luck<'_>) -> Image {
        self.tape.image(luck)
    }

    /// The record; empty if it was not kept.
    pub fn stop(self) -> Record {
        Record {
            events: self.tape.stop(),
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.tape.stop();
    }
}

fn files_in(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files_in(&path, found)?;
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(())
}
