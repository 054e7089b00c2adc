//! Every row of every frozen corpus is read through the port: in the lists, and by its id.
//!
//! What the corpus is, `fixtures/corpus/README.md` says. Which rows there are is asked of the file
//! itself, so that a row which no list shows is missed here.

#![expect(
    clippy::unwrap_used,
    reason = "a step that fails ends the test, in helpers too"
)]

use std::path::{Path, PathBuf};

use relay_core::ids::{CaseId, JobId, ReceiptId, WorkItemId};
use relay_core::time::Timestamp;
use relay_store::{CaseFilter, JobFilter, Page, ReceiptState, Store, StoreError};
use relay_store_sqlite::SqliteStore;
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{AssertSqlSafe, Connection, Row as _, SqliteConnection};
use uuid::Uuid;

const ALL: Page = Page {
    offset: 0,
    limit: 100_000,
};

fn corpora() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/corpus");
    let entries = std::fs::read_dir(root).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut folders: Vec<_> = paths.filter(|path| path.is_dir()).collect();
    folders.sort();
    assert!(!folders.is_empty(), "there is no corpus");
    folders
}

/// A corpus copied, migrated, and looked at from outside.
struct Copy {
    store: SqliteStore,
    raw: SqliteConnection,
    _folder: tempfile::TempDir,
}

impl Copy {
    async fn of(corpus: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db");
        std::fs::copy(corpus.join("relay.sqlite"), &path).unwrap();
        let store = SqliteStore::open(&path).await.unwrap();
        store.migrate().await.unwrap();
        let options = SqliteConnectOptions::new().filename(&path);
        let raw = SqliteConnection::connect_with(&options).await.unwrap();
        Self {
            store,
            raw,
            _folder: folder,
        }
    }

    async fn select(&mut self, sql: String) -> Vec<SqliteRow> {
        let rows = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(&mut self.raw);
        rows.await.unwrap()
    }

    async fn count(&mut self, table: &str) -> usize {
        let rows = self.select(format!("SELECT COUNT(*) FROM {table}")).await;
        usize::try_from(rows[0].get::<i64, _>(0)).unwrap()
    }

    async fn texts(&mut self, column: &str, table: &str) -> Vec<String> {
        let sql = format!("SELECT DISTINCT {column} FROM {table}");
        let rows = self.select(sql).await;
        rows.iter().map(|row| row.get(0)).collect()
    }

    async fn ids(&mut self, column: &str, table: &str) -> Vec<Uuid> {
        let sql = format!("SELECT DISTINCT {column} FROM {table}");
        let rows = self.select(sql).await;
        let bytes = rows.iter().map(|row| row.get::<Vec<u8>, _>(0));
        bytes
            .map(|bytes| Uuid::from_slice(&bytes).unwrap())
            .collect()
    }

    /// Reads every row of a table through the port. Returns how many the lists showed.
    #[expect(clippy::too_many_lines, reason = "one arm for each table")]
    #[expect(clippy::panic, reason = "a table that nobody reads ends the test")]
    async fn read(&mut self, table: &str) -> Result<usize, StoreError> {
        let store = self.store.clone();
        let mut seen = 0;
        match table {
            "receipts" => {
                for id in self.ids("id", table).await {
                    assert!(store.receipt(ReceiptId(id)).await?.is_some());
                    store.facts_of_receipt(ReceiptId(id)).await?;
                }
                for state in ReceiptState::ALL {
                    seen += store.receipts(*state, ALL).await?.len();
                }
                for key in self.texts("verified_by", table).await {
                    store.receipts_by_key(&key, None, ALL).await?;
                }
            }
            "facts" => {
                for client in self.texts("client", table).await {
                    seen += store.facts(&client.as_str().into()).await?.len();
                    store.client_view(&client.as_str().into()).await?;
                }
            }
            "cases" => {
                for id in self.ids("id", table).await {
                    assert!(store.case(CaseId(id)).await?.is_some());
                }
                for client in self.texts("client", table).await {
                    store.open_cases(&client.as_str().into()).await?;
                }
                let filter = CaseFilter {
                    closed: true,
                    ..CaseFilter::default()
                };
                seen += store.cases(&filter, ALL).await?.len();
            }
            "timeline" => {
                for id in self.ids("case_id", table).await {
                    seen += store.timeline(CaseId(id)).await?.len();
                }
            }
            "effects" => {
                for key in self.texts("key", table).await {
                    let key = relay_core::ids::EffectKey(key);
                    assert!(store.effect(&key).await?.is_some());
                    assert!(store.effect_view(&key, "outreach").await?.is_some());
                }
                for id in self.ids("case_id", table).await {
                    seen += store.effects(CaseId(id)).await?.len();
                }
            }
            "intents" => {
                for key in self.texts("effect", table).await {
                    seen += store.intents(&relay_core::ids::EffectKey(key)).await?.len();
                }
            }
            "jobs" => {
                for id in self.ids("id", table).await {
                    let job = store.job(JobId(id)).await?.unwrap();
                    assert!(store.job_by_key(&job.key).await?.is_some());
                }
                seen += store.jobs(&JobFilter::default(), ALL).await?.len();
            }
            "attempts" => {
                let jobs = "attempts JOIN jobs ON jobs.seq = attempts.job";
                for id in self.ids("jobs.id", jobs).await {
                    seen += store.attempts(JobId(id)).await?.len();
                }
            }
            "work_items" => {
                for id in self.ids("id", table).await {
                    seen += usize::from(store.work_item(WorkItemId(id)).await?.is_some());
                }
                for id in self
                    .ids("case_id", "work_items WHERE case_id IS NOT NULL")
                    .await
                {
                    assert!(!store.case_work(CaseId(id)).await?.is_empty());
                }
                let open = self.count("work_items WHERE settled_at IS NULL").await;
                assert_eq!(store.open_work(None, ALL).await?.len(), open);
            }
            "links" => {
                for client in self.texts("client", table).await {
                    let link = store.link(&client.as_str().into()).await?.unwrap();
                    assert!(!store.clients_of(&link.contact).await?.is_empty());
                    seen += 1;
                }
            }
            "coaches" => {
                for id in self.texts("id", table).await {
                    assert!(store.coach(&id.as_str().into()).await?.is_some());
                }
                seen += store.coaches().await?.len();
            }
            "settings" => {
                for key in self.texts("key", table).await {
                    assert!(store.setting(&key).await?.is_some());
                }
                seen += store.settings("").await?.len();
            }
            "procedures" => {
                for hash in self.texts("hash", table).await {
                    seen += usize::from(store.procedure(&hash).await?.is_some());
                }
            }
            "audit" => seen += store.audit(ALL).await?.len(),
            "credentials" => {
                for name in self.texts("name", table).await {
                    seen += usize::from(store.credential(&name).await?.is_some());
                }
            }
            "authorizations" => {
                for name in self.texts("name", table).await {
                    seen += usize::from(store.authorization(&name).await?.is_some());
                }
            }
            "pace" => {
                for vendor in self.texts("vendor", table).await {
                    assert!(store.limiter_state(&vendor).await?.is_some());
                }
                seen += store.limiter_states().await?.len();
            }
            "incidents" => {
                for vendor in self.texts("vendor", table).await {
                    assert!(store.incidents(&vendor).await?.is_some());
                }
                seen += store.all_incidents().await?.len();
            }
            "engagement" => {
                for contact in self.texts("contact", table).await {
                    let contact = contact.as_str().into();
                    seen += store.engagement(&contact, Timestamp::MIN).await?.len();
                }
            }
            "watched_addresses" => {
                // By themselves they are not read: only beside the client who is watched.
                store.watched(None, 100_000).await?;
                store.watched_unlooked(Timestamp::MAX, 100_000).await?;
                seen += self.count(table).await;
            }
            other => panic!("say here how rows of {other} are read"),
        }
        Ok(seen)
    }

    async fn tables(&mut self) -> Vec<String> {
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table'
                   AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '_sqlx_%' ORDER BY name";
        let rows = self.select(sql.to_owned()).await;
        rows.iter().map(|row| row.get(0)).collect()
    }
}

#[tokio::test]
async fn every_row_of_every_table_is_read_in_lists_and_by_its_id() {
    for corpus in corpora() {
        let mut copy = Copy::of(&corpus).await;
        for table in copy.tables().await {
            let rows = copy.count(&table).await;
            // A table of a later version is empty in the corpus of an earlier one.
            if rows == 0 {
                continue;
            }
            let told = format!("{}: {table}", corpus.display());
            let seen = copy.read(&table).await;
            assert_eq!(
                seen.unwrap_or_else(|error| panic!("{told}: {error}")),
                rows,
                "{told}"
            );
        }
        copy.store.close().await;
    }
}

#[tokio::test]
async fn the_first_version_filled_every_table_it_had() {
    let first = corpora().remove(0);
    let mut copy = Copy::of(&first).await;
    for table in [
        "receipts",
        "facts",
        "cases",
        "timeline",
        "effects",
        "intents",
        "jobs",
        "attempts",
        "work_items",
        "links",
        "coaches",
        "settings",
        "procedures",
        "audit",
        "credentials",
        "authorizations",
        "pace",
        "engagement",
        "watched_addresses",
    ] {
        assert!(copy.count(table).await > 0, "{table}");
    }
}

#[tokio::test]
async fn a_row_that_a_version_can_no_longer_read_is_noticed() {
    let mut copy = Copy::of(&corpora()[0]).await;
    for (table, column, text) in [
        ("effects", "input", r#"{"effect":"unheard_of"}"#),
        ("intents", "request", r#"{"request":"unheard_of"}"#),
        ("cases", "wait", r#"{"wait":"unheard_of"}"#),
        ("facts", "body", r#"{"kind":"unheard_of"}"#),
    ] {
        let spoil = format!(
            "UPDATE {table} SET {column} = '{text}' WHERE seq = (SELECT MAX(seq) FROM {table}
             WHERE {column} IS NOT NULL)"
        );
        copy.select(spoil).await;
        let read = copy.read(table).await;
        assert!(
            matches!(read, Err(StoreError::Corrupt { .. })),
            "{table}.{column}"
        );
    }
}
