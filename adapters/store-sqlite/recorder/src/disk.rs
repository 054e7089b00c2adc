//! The disk as it could be after a power cut: what is certain, and what hangs in the air.
//!
//! Pure: events in, images out. Which part of what hangs in the air is there, is said by whoever asks.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use relay_core::random::Random;

use crate::{Event, FileId};

/// What a disk writes at once, in bytes.
const SECTOR: u64 = 512;

/// What becomes of what was not synced.
#[derive(Debug, Clone, Copy)]
pub enum Luck<'a> {
    /// Nothing of it is there.
    Nothing,
    /// All of it is.
    Everything,
    /// Some of it is: nearly all, nearly nothing, or any part between.
    Some(&'a dyn Random),
}

/// A change of a file that was not synced.
#[derive(Debug, Clone)]
enum UnsyncedChange {
    Written { offset: u64, bytes: Vec<u8> },
    Resized(u64),
}

#[derive(Debug, Clone, Default)]
struct Content {
    certain: Vec<u8>,
    open: Vec<(usize, UnsyncedChange)>,
}

/// A change of names that was not synced.
#[derive(Debug, Clone)]
enum Naming {
    Named(FileId, PathBuf),
    Renamed(FileId, PathBuf, PathBuf),
    Unnamed(PathBuf),
}

impl Naming {
    /// Whether all its names are in `folder`: one across two folders is certain when both are.
    fn within(&self, folder: &Path) -> bool {
        let inside = |name: &Path| name.parent() == Some(folder);
        match self {
            Self::Named(_, name) | Self::Unnamed(name) => inside(name),
            Self::Renamed(_, from, to) => inside(from) && inside(to),
        }
    }

    fn happen(&self, names: &mut BTreeMap<PathBuf, FileId>) {
        match self {
            Self::Named(file, name) => {
                names.insert(name.clone(), *file);
            }
            Self::Renamed(file, from, to) => {
                if names.get(from) == Some(file) {
                    names.remove(from);
                }
                names.insert(to.clone(), *file);
            }
            Self::Unnamed(name) => {
                names.remove(name);
            }
        }
    }
}

/// The disk at one place of a record.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    files: BTreeMap<FileId, Content>,
    names: BTreeMap<PathBuf, FileId>,
    namings: Vec<(usize, Naming)>,
    events: usize,
}

/// What the folder holds after a power cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Its files, by their names in it.
    pub files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Image {
    /// Writes it into an empty folder.
    ///
    /// # Errors
    ///
    /// If that can't be done.
    pub fn write_to(&self, folder: &Path) -> io::Result<()> {
        for (name, bytes) in &self.files {
            let path = folder.join(name);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(path, bytes)?;
        }
        Ok(())
    }
}

impl Disk {
    /// The next event happens.
    pub fn advance(&mut self, event: &Event) {
        let at = self.events;
        self.events += 1;
        match event {
            Event::There { file, name, bytes } => {
                self.content(*file).certain.clone_from(bytes);
                self.names.insert(name.clone(), *file);
            }
            Event::Written {
                file,
                offset,
                bytes,
            } => {
                let (offset, bytes) = (*offset, bytes.clone());
                let change = UnsyncedChange::Written { offset, bytes };
                self.content(*file).open.push((at, change));
            }
            Event::Resized { file, size } => {
                let change = UnsyncedChange::Resized(*size);
                self.content(*file).open.push((at, change));
            }
            Event::Synced { file, since } => {
                let content = self.content(*file);
                let (kept, open) = split(std::mem::take(&mut content.open), *since);
                content.open = open;
                for change in kept {
                    change.happen(&mut content.certain);
                }
            }
            Event::Named { file, name } => {
                self.content(*file);
                let naming = Naming::Named(*file, name.clone());
                self.namings.push((at, naming));
            }
            Event::Renamed { file, from, to } => {
                let naming = Naming::Renamed(*file, from.clone(), to.clone());
                self.namings.push((at, naming));
            }
            Event::Unnamed { name } => {
                self.namings.push((at, Naming::Unnamed(name.clone())));
            }
            Event::FolderSynced { folder, since } => {
                for (when, naming) in std::mem::take(&mut self.namings) {
                    if when < *since && naming.within(folder) {
                        naming.happen(&mut self.names);
                    } else {
                        self.namings.push((when, naming));
                    }
                }
            }
            Event::Mark(_) => {}
        }
    }

    fn content(&mut self, file: FileId) -> &mut Content {
        self.files.entry(file).or_default()
    }

    /// An image that is allowed here.
    pub fn image(&self, luck: Luck<'_>) -> Image {
        let chance = Chance::of(luck);
        let mut names = self.names.clone();
        for (_, naming) in &self.namings {
            if chance.draw() {
                naming.happen(&mut names);
            }
        }
        let files = names
            .into_iter()
            .filter_map(|(name, file)| Some((name, self.files.get(&file)?.drawn(&chance))))
            .collect();
        Image { files }
    }
}

impl Content {
    fn drawn(&self, chance: &Chance<'_>) -> Vec<u8> {
        let mut bytes = self.certain.clone();
        for (_, change) in &self.open {
            match change {
                UnsyncedChange::Resized(_) => {
                    if chance.draw() {
                        change.happen(&mut bytes);
                    }
                }
                UnsyncedChange::Written {
                    offset,
                    bytes: written,
                } => {
                    for part in chance.parts(*offset, written.len()) {
                        let from = *offset + to_u64(part.start);
                        put(&mut bytes, from, written.get(part).unwrap_or_default());
                    }
                }
            }
        }
        bytes
    }
}

impl UnsyncedChange {
    fn happen(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Written {
                offset,
                bytes: written,
            } => put(bytes, *offset, written),
            Self::Resized(size) => bytes.resize(to_usize(*size), 0),
        }
    }
}

/// Draws what is there.
struct Chance<'a> {
    luck: Luck<'a>,
    /// Of eight things so many are there.
    share: u64,
}

impl<'a> Chance<'a> {
    fn of(luck: Luck<'a>) -> Self {
        let share = match luck {
            Luck::Nothing => 0,
            Luck::Everything => 8,
            Luck::Some(random) => 1 + random.next_u64() % 7,
        };
        Self { luck, share }
    }

    fn draw(&self) -> bool {
        match self.luck {
            Luck::Nothing => false,
            Luck::Everything => true,
            Luck::Some(random) => random.next_u64() % 8 < self.share,
        }
    }

    /// The parts of a write that are there: all or nothing of three in four, some sectors of the fourth.
    fn parts(&self, offset: u64, length: usize) -> Vec<Range<usize>> {
        let torn = match self.luck {
            Luck::Nothing | Luck::Everything => false,
            Luck::Some(random) => random.next_u64().is_multiple_of(4),
        };
        if torn {
            sectors(offset, length).filter(|_| self.draw()).collect()
        } else {
            self.draw().then_some(0..length).into_iter().collect()
        }
    }
}

/// A write cut where the sectors of the disk end.
fn sectors(offset: u64, length: usize) -> impl Iterator<Item = Range<usize>> {
    let first = to_usize(SECTOR - offset % SECTOR);
    let size = to_usize(SECTOR);
    let cuts = (0..)
        .map(move |n| first + n * size)
        .take_while(move |at| *at < length);
    let starts = std::iter::once(0).chain(cuts.clone());
    starts.zip(cuts.chain([length])).map(|(from, to)| from..to)
}

fn split(
    changes: Vec<(usize, UnsyncedChange)>,
    since: usize,
) -> (Vec<UnsyncedChange>, Vec<(usize, UnsyncedChange)>) {
    let (kept, open): (Vec<_>, Vec<_>) = changes.into_iter().partition(|(at, _)| *at < since);
    (kept.into_iter().map(|(_, change)| change).collect(), open)
}

fn put(bytes: &mut Vec<u8>, offset: u64, written: &[u8]) {
    let from = to_usize(offset);
    let to = from + written.len();
    if bytes.len() < to {
        bytes.resize(to, 0);
    }
    if let Some(room) = bytes.get_mut(from..to) {
        room.copy_from_slice(written);
    }
}

/// A place in a file of a test, which memory holds.
fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn to_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use relay_core::random::SeededRandom;

    use super::*;

    const FILE: FileId = FileId(0);

    fn disk(events: &[Event]) -> Disk {
        let mut disk = Disk::default();
        for event in events {
            disk.advance(event);
        }
        disk
    }

    fn written(offset: u64, byte: u8, length: usize) -> Event {
        Event::Written {
            file: FILE,
            offset,
            bytes: vec![byte; length],
        }
    }

    fn there() -> Event {
        Event::There {
            file: FILE,
            name: "a".into(),
            bytes: vec![0; 2_048],
        }
    }

    fn bytes(image: &Image) -> &[u8] {
        image.files.get(Path::new("a")).expect("the file")
    }

    #[test]
    fn what_was_synced_is_there_and_of_the_rest_nothing_or_everything() {
        let since = 2;
        let disk = disk(&[
            there(),
            written(0, 1, 10),
            written(20, 2, 10),
            Event::Synced { file: FILE, since },
        ]);
        let (nothing, everything) = (disk.image(Luck::Nothing), disk.image(Luck::Everything));
        // What was written after the sync began is not covered by it.
        assert_eq!(bytes(&nothing)[..10], [1; 10]);
        assert_eq!(bytes(&nothing)[20..30], [0; 10]);
        assert_eq!(bytes(&everything)[20..30], [2; 10]);
    }

    #[test]
    fn a_write_is_torn_only_where_sectors_end() {
        let disk = disk(&[there(), written(500, 1, 1_000)]);
        let random = SeededRandom::new(1);
        let mut torn = 0;
        for _ in 0..200 {
            let image = disk.image(Luck::Some(&random));
            let parts = [500..512, 512..1_024, 1_024..1_500].map(|part| {
                let part = &bytes(&image)[part];
                assert!(part.iter().all(|byte| *byte == part[0]), "torn elsewhere");
                part[0]
            });
            torn += usize::from(parts != [0; 3] && parts != [1; 3]);
            assert_eq!(bytes(&image)[..500], [0; 500]);
        }
        assert!(torn > 20, "{torn}");
    }

    #[test]
    fn a_name_is_there_when_its_folder_was_synced() {
        let mut disk = disk(&[Event::Named {
            file: FILE,
            name: "a".into(),
        }]);
        assert!(disk.image(Luck::Nothing).files.is_empty());
        assert_eq!(disk.image(Luck::Everything).files.len(), 1);
        let elsewhere = Event::FolderSynced {
            folder: "b".into(),
            since: 1,
        };
        disk.advance(&elsewhere);
        assert!(disk.image(Luck::Nothing).files.is_empty());
        let folder = PathBuf::new();
        disk.advance(&Event::FolderSynced { folder, since: 2 });
        assert_eq!(disk.image(Luck::Nothing).files.len(), 1);
        disk.advance(&Event::Unnamed { name: "a".into() });
        assert_eq!(disk.image(Luck::Nothing).files.len(), 1);
        assert!(disk.image(Luck::Everything).files.is_empty());
    }
}
