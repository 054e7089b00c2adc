//! The power of a clinic's machine, which fails and comes back.

use std::cell::Cell;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use relay_core::random::{Random as _, SeededRandom};
use relay_disk_recorder::{Luck, Recorder};
use tempfile::TempDir;

/// The machine: its disk, and when its power will fail.
#[derive(Debug)]
pub(crate) struct Power {
    disk: Arc<Recorder>,
    folder: TempDir,
    /// What earlier lives had: whatever of them still runs has it open.
    before: Vec<TempDir>,
    cuts: VecDeque<usize>,
    random: SeededRandom,
    /// Where in the record it fails.
    cut: Cell<Option<usize>>,
    /// Where this life's story began in the record.
    begun: usize,
}

impl Power {
    pub(crate) fn new(seed: u64, cuts: &[usize]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self {
            disk: watched(&folder),
            folder,
            before: Vec::new(),
            cuts: cuts.iter().copied().collect(),
            random: SeededRandom::new(seed),
            cut: Cell::new(None),
            begun: 0,
        }
    }

    pub(crate) fn disk(&self) -> Arc<Recorder> {
        Arc::clone(&self.disk)
    }

    /// Where the database is.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("relay.sqlite")
    }

    /// From now on it may fail, if it is to fail again.
    pub(crate) fn fail_next(&mut self) {
        self.begun = self.disk.events();
        let next = self.cuts.pop_front();
        self.fails_after(next);
    }

    /// It fails after so many writes.
    pub(crate) fn fails_after(&self, writes: Option<usize>) {
        let cut = writes.map(|writes| self.disk.events() + writes);
        self.cut.set(cut);
        self.disk.cut_at(cut.unwrap_or(usize::MAX));
    }

    /// It does not fail until [`fails_after`](Self::fails_after) says so; after how many writes it would
    /// have.
    pub(crate) fn holds(&self) -> Option<usize> {
        self.disk.cut_at(usize::MAX);
        let cut = self.cut.get()?;
        Some(cut.saturating_sub(self.disk.events()))
    }

    /// How often the disk was written to since then.
    pub(crate) fn written(&self) -> usize {
        self.disk.events() - self.begun
    }

    /// It is back, and the disk holds what it could have kept. Where the database is now.
    pub(crate) fn returns(&mut self) -> PathBuf {
        let luck = match self.random.next_u64() % 4 {
            0 => Luck::Nothing,
            _ => Luck::Some(&self.random),
        };
        let image = self.disk.image(luck);
        let folder = tempfile::tempdir().expect("a folder");
        image.write_to(folder.path()).expect("a disk");
        self.disk = watched(&folder);
        let before = std::mem::replace(&mut self.folder, folder);
        self.before.push(before);
        self.path()
    }
}

fn watched(folder: &TempDir) -> Arc<Recorder> {
    Arc::new(Recorder::watch(folder.path()).expect("a disk that can be watched"))
}
