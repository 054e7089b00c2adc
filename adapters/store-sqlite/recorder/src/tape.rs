//! The recordings under way, and which of them a path belongs to.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::disk::{Disk, Image, Luck};
use crate::{Event, FileId};

/// Who records. A program runs many tests beside each other.
static TAPES: Mutex<Vec<Arc<Tape>>> = Mutex::new(Vec::new());

/// How many: asked first, and by nearly everybody in vain.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// One recording.
#[derive(Debug)]
pub(crate) struct Tape {
    folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(crate) struct State {
    /// What happened, if it is kept.
    kept: Option<Vec<Event>>,
    /// What it has come to.
    disk: Disk,
    events: usize,
    cut_at: usize,
    stopped: bool,
    names: BTreeMap<PathBuf, FileId>,
    /// How often SQLite has a file open.
    open: BTreeMap<FileId, usize>,
    files: u32,
}

impl Tape {
    pub(crate) fn start(folder: &Path, kept: bool) -> Arc<Self> {
        let tape = Arc::new(Self {
            folder: folder.to_owned(),
            state: Mutex::new(State {
                kept: kept.then(Vec::new),
                disk: Disk::default(),
                events: 0,
                cut_at: usize::MAX,
                stopped: false,
                names: BTreeMap::new(),
                open: BTreeMap::new(),
                files: 0,
            }),
        });
        let mut tapes = lock(&TAPES);
        tapes.push(Arc::clone(&tape));
        COUNT.store(tapes.len(), Ordering::Release);
        tape
    }

    /// The recording of a file or folder, and its name there.
    pub(crate) fn of(path: &Path) -> Option<(Arc<Self>, PathBuf)> {
        if COUNT.load(Ordering::Acquire) == 0 {
            return None;
        }
        let path = resolved(path)?;
        let tapes = lock(&TAPES);
        tapes.iter().find_map(|tape| {
            let name = path.strip_prefix(&tape.folder).ok()?;
            Some((Arc::clone(tape), name.to_owned()))
        })
    }

    /// Ends the recording; what was kept of it.
    pub(crate) fn stop(self: &Arc<Self>) -> Vec<Event> {
        let mut tapes = lock(&TAPES);
        tapes.retain(|tape| !Arc::ptr_eq(tape, self));
        COUNT.store(tapes.len(), Ordering::Release);
        drop(tapes);
        let mut state = self.state();
        state.stopped = true;
        state.kept.take().unwrap_or_default()
    }

    /// To be held over what changes names, so that the record has the order of the disk.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(crate) fn push(&self, event: Event) {
        self.state().push(event);
    }

    pub(crate) fn len(&self) -> usize {
        self.state().events
    }

    pub(crate) fn cut_at(&self, events: usize) {
        self.state().cut_at = events;
    }

    pub(crate) fn is_cut(&self) -> bool {
        let state = self.state();
        state.events >= state.cut_at
    }

    pub(crate) fn image(&self, luck: Luck<'_>) -> Image {
        self.state().disk.image(luck)
    }

    /// A file that was there before the recording.
    pub(crate) fn there(&self, path: &Path, bytes: Vec<u8>) {
        let Ok(name) = path.strip_prefix(&self.folder) else {
            return;
        };
        let mut state = self.state();
        let file = state.new_file(name);
        let name = name.to_owned();
        state.push(Event::There { file, name, bytes });
    }

    /// SQLite has closed a file.
    pub(crate) fn closed(&self, file: FileId) {
        if let Some(open) = self.state().open.get_mut(&file) {
            *open = open.saturating_sub(1);
        }
    }
}

impl State {
    pub(crate) fn push(&mut self, event: Event) {
        if self.stopped {
            return;
        }
        if self.events < self.cut_at {
            self.disk.advance(&event);
        }
        self.events += 1;
        if let Some(kept) = &mut self.kept {
            kept.push(event);
        }
    }

    pub(crate) fn events(&self) -> usize {
        self.events
    }

    pub(crate) fn file(&self, name: &Path) -> Option<FileId> {
        self.names.get(name).copied()
    }

    fn new_file(&mut self, name: &Path) -> FileId {
        let file = FileId(self.files);
        self.files += 1;
        self.names.insert(name.to_owned(), file);
        file
    }

    /// SQLite has opened a file. One that is not known was made a moment ago, by SQLite or before it, and
    /// holds `bytes`.
    pub(crate) fn opened(&mut self, name: &Path, bytes: impl FnOnce() -> Vec<u8>) -> FileId {
        let file = self.file(name).unwrap_or_else(|| self.made(name, bytes()));
        *self.open.entry(file).or_insert(0) += 1;
        file
    }

    /// A file that nobody saw being made.
    pub(crate) fn made(&mut self, name: &Path, bytes: Vec<u8>) -> FileId {
        let file = self.new_file(name);
        let name = name.to_owned();
        self.push(Event::Named { file, name });
        if !bytes.is_empty() {
            let offset = 0;
            self.push(Event::Written {
                file,
                offset,
                bytes,
            });
        }
        file
    }

    /// The ordinary file at `path`, and what is in it: whoever wrote it was not seen. A file that SQLite
    /// has open was seen, and is not touched here: whoever closes it lets go SQLite's locks on it.
    pub(crate) fn looked_at(&mut self, name: &Path, path: &Path) -> Option<FileId> {
        let known = self.file(name);
        if let Some(file) = known
            && self.open.get(&file).is_some_and(|open| *open > 0)
        {
            return known;
        }
        let bytes = fs::read(path).ok()?;
        let Some(file) = known else {
            return Some(self.made(name, bytes));
        };
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.push(Event::Resized { file, size });
        let offset = 0;
        self.push(Event::Written {
            file,
            offset,
            bytes,
        });
        known
    }

    /// A file has a further name.
    pub(crate) fn linked(&mut self, file: FileId, name: &Path) {
        self.names.insert(name.to_owned(), file);
        let name = name.to_owned();
        self.push(Event::Named { file, name });
    }

    /// A file has another name.
    pub(crate) fn renamed(&mut self, file: FileId, from: &Path, to: &Path) {
        self.names.remove(from);
        self.names.insert(to.to_owned(), file);
        let (from, to) = (from.to_owned(), to.to_owned());
        self.push(Event::Renamed { file, from, to });
    }

    /// A name is gone. What nobody has opened, synced or named anew was never in the record.
    pub(crate) fn unnamed(&mut self, name: &Path) {
        if self.names.remove(name).is_some() {
            let name = name.to_owned();
            self.push(Event::Unnamed { name });
        }
    }
}

/// The path without links in its folder; the last part may be a name that is not there.
fn resolved(path: &Path) -> Option<PathBuf> {
    let Some(name) = path.file_name() else {
        return path.canonicalize().ok();
    };
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let folder = folder.unwrap_or(Path::new(".")).canonicalize().ok()?;
    Some(folder.join(name))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
