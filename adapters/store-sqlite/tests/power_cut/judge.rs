//! What must be on a disk after a power cut.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use futures_util::TryStreamExt as _;
use relay_core::random::SeededRandom;
use relay_disk_recorder::{Disk, Event, Image, Luck, Record};
use relay_store::{Batch, Op, Store as _, StoreError};
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{Connection as _, Row as _, SqliteConnection};

use crate::try_open;

/// What commits have left, a line each.
const LEFT: &str = "
    SELECT 'receipt ' || dedupe_key || ' ' || CAST(body AS TEXT) FROM receipts
    UNION ALL SELECT 'read ' || note FROM receipts WHERE state = 'done'
    UNION ALL SELECT 'job ' || key FROM jobs
    UNION ALL SELECT 'setting ' || key FROM settings
    UNION ALL SELECT 'audit ' || object FROM audit
    UNION ALL SELECT 'case ' || client FROM cases
    UNION ALL SELECT 'timeline ' || text FROM timeline";

/// Whoever knows what each commit has left.
pub(crate) struct Judge {
    /// Which commit leaves a line.
    of: HashMap<String, usize>,
    /// How many each leaves.
    lines: Vec<usize>,
}

impl Judge {
    pub(crate) fn new(left: Vec<Vec<String>>) -> Self {
        let lines = left.iter().map(Vec::len).collect();
        let numbered = left.into_iter().enumerate();
        let of = numbered.flat_map(|(n, lines)| lines.into_iter().map(move |line| (line, n)));
        Self {
            of: of.collect(),
            lines,
        }
    }

    /// What is wrong with a disk on which the commits of `acknowledged` must be. `by_store`: the store
    /// opens it, brings it up to date and takes a commit; else SQLite alone, which is faster.
    async fn of_image(&self, image: &Image, acknowledged: &[bool], by_store: bool) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        image.write_to(folder.path()).unwrap();
        let path = folder.path().join("relay.db");
        if by_store && let Err(error) = used(&path).await {
            return vec![format!("the store can't use it: {error}")];
        }
        match lines(&path).await {
            Ok(lines) => self.of_lines(lines, acknowledged),
            Err(damage) => vec![damage],
        }
    }

    fn of_lines(&self, lines: Vec<String>, acknowledged: &[bool]) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut found = vec![0; self.lines.len()];
        for line in lines {
            match self.of.get(&line) {
                Some(commit) => found[*commit] += 1,
                None => wrong.push(format!("nobody wrote {line:.40}")),
            }
        }
        for (commit, (found, lines)) in found.into_iter().zip(&self.lines).enumerate() {
            if found != *lines && found > 0 {
                wrong.push(format!("commit {commit}: {found} of {lines} are there"));
            } else if found == 0 && acknowledged[commit] {
                wrong.push(format!("commit {commit} is lost"));
            }
        }
        wrong
    }
}

/// The store goes on with a file. It is thrown away, so nobody waits for its disk.
async fn used(path: &Path) -> Result<(), StoreError> {
    let store = try_open(path, true).await?;
    let nothing_new = Op::RemoveLink {
        client: "nobody".into(),
    };
    let committed = store.commit(Batch::from(vec![nothing_new])).await;
    store.close().await;
    committed.map(|_| ())
}

/// What a sound file holds, or what is wrong with it.
async fn lines(path: &Path) -> Result<Vec<String>, String> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .synchronous(SqliteSynchronous::Off);
    let read = async {
        let mut conn = SqliteConnection::connect_with(&options).await?;
        // Until the first migration is certain there are no tables, and nothing was acknowledged.
        let tables = "SELECT count(*) FROM sqlite_schema WHERE name = 'settings'";
        let tables: i64 = sqlx::raw_sql(tables)
            .fetch_one(&mut conn)
            .await?
            .try_get(0)?;
        let check = sqlx::raw_sql("PRAGMA integrity_check");
        let check: String = check.fetch_one(&mut conn).await?.try_get(0)?;
        let left = if tables == 1 {
            LEFT
        } else {
            "SELECT '' WHERE FALSE"
        };
        let lines = sqlx::raw_sql(left).fetch(&mut conn);
        let lines = lines.and_then(async |row| row.try_get::<String, _>(0));
        let lines: Vec<String> = lines.try_collect().await?;
        conn.close().await?;
        Ok::<_, sqlx::Error>((check, lines))
    };
    let (check, lines) = read.await.map_err(|error| format!("unreadable: {error}"))?;
    if check == "ok" {
        Ok(lines)
    } else {
        Err(format!("damaged: {check}"))
    }
}

/// What came of looking at every image of a record.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    pub(crate) cuts: usize,
    pub(crate) images: usize,
    pub(crate) wrong: Vec<String>,
}

impl fmt::Display for Looked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            cuts,
            images,
            wrong,
        } = self;
        let first: Vec<_> = wrong.iter().take(3).collect();
        let count = wrong.len();
        write!(f, "{cuts} cuts, {images} images, {count} wrong: {first:?}")
    }
}

/// Whether an event makes certain what was not: until then an image without it stays allowed.
fn makes_certain(event: Option<&Event>) -> bool {
    match event {
        None | Some(Event::Synced { .. } | Event::FolderSynced { .. }) => true,
        Some(_) => false,
    }
}

/// Whether an event adds to what hangs in the air.
fn changes(event: &Event) -> bool {
    !makes_certain(Some(event)) && !matches!(event, Event::Mark(_))
}

/// Gives images of the cuts to `look`: `some` with random parts of what is not certain, of every second
/// cut, because the next one allows all that this one does; and before more becomes certain one with
/// nothing and one with all of it. `look` gets the number of the cut and the marks
/// until then, too. Of `parts` that share the cuts this is one.
fn part(
    record: &Record,
    some: usize,
    (part, parts): (usize, usize),
    mut look: impl FnMut(usize, &[u64], &Image),
) -> usize {
    let mut disk = Disk::default();
    let mut marks = Vec::new();
    let mut cuts = 0;
    for (cut, event) in record.events().iter().enumerate() {
        disk.advance(event);
        if let Event::Mark(mark) = event {
            marks.push(*mark);
        }
        let next = record.events().get(cut + 1);
        // What was there before is there wholly.
        if cut % parts != part || matches!(next, Some(Event::There { .. })) {
            continue;
        }
        cuts += 1;
        if makes_certain(next) {
            look(cut, &marks, &disk.image(Luck::Nothing));
            look(cut, &marks, &disk.image(Luck::Everything));
        }
        if changes(event) {
            let random = SeededRandom::new(u64::try_from(cut).unwrap());
            let times = match event {
                // Of names there are few, and every combination of them matters.
                Event::Named { .. } | Event::Renamed { .. } | Event::Unnamed { .. } => 16 * some,
                _ if (cut / parts).is_multiple_of(2) => some,
                _ => 0,
            };
            for _ in 0..times {
                look(cut, &marks, &disk.image(Luck::Some(&random)));
            }
        }
    }
    cuts
}

/// Looks at every image, as [`part`] says, two at a time. `look` gets a number of its own for each, too.
pub(crate) fn each_image(
    record: &Record,
    some: usize,
    look: impl AsyncFn(usize, &[u64], &Image) -> Vec<String> + Sync,
) -> Looked {
    const THREADS: usize = 2;
    let work = |number| {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        let mut looked = Looked::default();
        looked.cuts = part(record, some, (number, THREADS), |cut, marks, image| {
            looked.images += 1;
            let wrong = runtime.block_on(look(looked.images, marks, image));
            let wrong = wrong.into_iter().map(|why| format!("cut {cut}: {why}"));
            looked.wrong.extend(wrong);
        });
        looked
    };
    let work = &work;
    let parts = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|number| scope.spawn(move || work(number)))
            .collect();
        let parts = threads.into_iter().map(|thread| thread.join().unwrap());
        parts.collect::<Vec<_>>()
    });
    let mut all = Looked::default();
    for part in parts {
        all.cuts += part.cuts;
        all.images += part.images;
        all.wrong.extend(part.wrong);
    }
    all
}

/// Judges every image of the record of a run.
pub(crate) fn look_at_all(record: &Record, some: usize, judge: &Judge) -> Looked {
    each_image(record, some, async |number, marks, image| {
        let mut acknowledged = vec![false; judge.lines.len()];
        for mark in marks {
            acknowledged[usize::try_from(*mark).unwrap()] = true;
        }
        // One in five: the store is three times as slow as SQLite.
        let by_store = number.is_multiple_of(5);
        judge.of_image(image, &acknowledged, by_store).await
    })
}
