//! What a file looks like from outside, and that looking leaves it as it was.

#![expect(
    clippy::expect_used,
    reason = "helpers of tests may stop the test; clippy sees that only inside the tests"
)]

use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use relay_store_sqlite::{FileInspection, SqliteStore, Version, look};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("relay.db")
    }

    async fn migrated(&self) -> PathBuf {
        let store = SqliteStore::open(self.file()).await.expect("opened");
        store.migrate().await.expect("migrated");
        store.close().await;
        self.file()
    }
}

async fn looked(path: &Path) -> FileInspection {
    look(path, true).await.expect("looked at")
}

#[tokio::test]
async fn a_migrated_file_is_current_whole_and_keeps_a_write_ahead_log() {
    let folder = Folder::new();
    let file = folder.migrated().await;
    let before = std::fs::read(&file).expect("read");
    let look = looked(&file).await;
    assert_eq!(look.version, Version::Current);
    assert_eq!(look.journal, "wal");
    assert_eq!(look.damage, None);
    assert!(before == std::fs::read(&file).expect("read"), "changed");
}

#[tokio::test]
async fn a_file_that_is_not_there_is_not_made() {
    let folder = Folder::new();
    assert!(look(folder.file(), true).await.is_err());
    assert!(!folder.file().exists());
}

#[tokio::test]
async fn an_empty_database_is_older_and_text_is_no_database() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file()).await.expect("opened");
    store.close().await;
    assert_eq!(looked(&folder.file()).await.version, Version::Older);
    let text = folder.0.path().join("notes.txt");
    std::fs::write(&text, "no database at all\n".repeat(100)).expect("written");
    assert!(look(&text, true).await.is_err());
}

#[tokio::test]
async fn a_page_that_was_written_over_is_damage() {
    let folder = Folder::new();
    let path = folder.migrated().await;
    let mut file = std::fs::File::options()
        .write(true)
        .open(&path)
        .expect("opened");
    // The root pages of the first tables.
    file.seek(SeekFrom::Start(4096)).expect("there");
    file.write_all(&[0xa5; 3 * 4096]).expect("written");
    drop(file);
    assert!(looked(&path).await.damage.is_some());
}

#[tokio::test]
async fn a_file_of_another_release_and_somebody_elses_are_told_apart() {
    for (statement, version) in [
        (
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (999999, 'to come', TRUE, x'00', 0)",
            Version::Newer,
        ),
        ("DELETE FROM _sqlx_migrations", Version::Older),
        (
            "UPDATE _sqlx_migrations SET checksum = x'00'",
            Version::Foreign,
        ),
        (
            "UPDATE _sqlx_migrations SET success = FALSE",
            Version::Foreign,
        ),
        ("DROP TABLE _sqlx_migrations", Version::Foreign),
    ] {
        let folder = Folder::new();
        let file = folder.migrated().await;
        let mut conn = SqliteConnectOptions::new()
            .filename(&file)
            .connect()
            .await
            .expect("connected");
        sqlx::raw_sql(statement)
            .execute(&mut conn)
            .await
            .expect(statement);
        conn.close().await.expect("closed");
        assert_eq!(looked(&file).await.version, version, "{statement}");
    }
}
