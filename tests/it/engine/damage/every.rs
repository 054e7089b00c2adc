//! Every column of every table, and as many rows of each as differ in kind.
//!
//! The tables and columns are those of the schema, so a new one is tried without anybody thinking of it.
//! A value is spoiled as a changed byte would: a text that is no UTF-8, a document that is none or says
//! an unknown word, a number below zero, zero or huge, bytes that are too few. In each run several rows
//! are spoiled at once, one value each, which is harder than one; where a run fails, each of its values
//! is tried alone and told.
//!
//! A run: a relay starts on that database, lives for days, has everything mended or taken out, starts
//! once more and lives on. Everybody else is followed up; every row that can't be read is named and told.
//!
//! Left out, because nothing is unreadable there:
//! - `seq`, and the two columns that make the key of `attempts`: by them a row is found at all;
//! - a text that became another text, and a number that became another possible one. What can't be told
//!   from a true value is read as one. The numbers above are tried all the same, without being named;
//! - whether outreach is stopped, where its value is spoiled: then nobody is followed up, on purpose
//!   ([`words`](super::words));
//! - whole pages, which are the file's damage and not a row's (`promises`, `drills`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use clear_relay::engine::start;
use relay_store::{Damage, Remedy};
use relay_store_sqlite::spoil;
use serde_json::Value;
use tokio::task::JoinSet;

use super::{Base, DAYS, LATER, accepted, assert_sound, base, live, remedied, with};

/// How many runs there are at once.
const AT_ONCE: usize = 3;

/// One value to be spoiled.
#[derive(Debug, Clone)]
struct Spoiled {
    table: String,
    /// The row, as a condition.
    row: String,
    column: String,
    /// What the value becomes, in SQL.
    bad: String,
    /// Whether it can't be read then, whatever the column means.
    unreadable: bool,
}

impl fmt::Display for Spoiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            table,
            row,
            column,
            bad,
            ..
        } = self;
        write!(f, "{table}.{column} of {row} := {bad}")
    }
}

/// The rows of a table that are spoiled, none of them Ana's.
async fn rows_of(base: &Base, table: &str) -> Vec<String> {
    let ask = |sql: &'static str| async move { spoil::ask(&base.file, sql).await.unwrap() };
    let named = |column: &str, keys: Vec<String>| -> Vec<String> {
        keys.iter()
            .map(|key| format!("{column} = '{key}'"))
            .collect()
    };
    match table {
        "settings" => named("key", ask("SELECT key FROM settings").await),
        "jobs" => {
            let of_each = "SELECT max(seq) FROM jobs WHERE client IS NOT 'ana' GROUP BY kind";
            named("seq", ask(of_each).await)
        }
        "effects" => {
            let of_each = "SELECT max(seq) FROM effects WHERE client = 'maya' GROUP BY kind, state";
            named("seq", ask(of_each).await)
        }
        "receipts" => named(
            "seq",
            ask("SELECT max(seq) FROM receipts GROUP BY state").await,
        ),
        "facts" => {
            let of_each = "SELECT max(seq) FROM facts WHERE client = 'maya' GROUP BY kind";
            named("seq", ask(of_each).await)
        }
        "work_items" => {
            let of_each = "SELECT max(seq) FROM work_items WHERE client IS NOT 'ana' GROUP BY kind";
            named("seq", ask(of_each).await)
        }
        "cases" => named(
            "seq",
            ask("SELECT seq FROM cases WHERE client = 'maya'").await,
        ),
        "timeline" => {
            let last = "SELECT max(t.seq) FROM timeline t JOIN cases c ON c.id = t.case_id
                        WHERE c.client = 'maya'";
            named("seq", ask(last).await)
        }
        "intents" => {
            let of_hers = "SELECT seq FROM intents WHERE effect IN (SELECT key FROM effects
                           WHERE client = 'maya' AND kind = 'portal_message')";
            named("seq", ask(of_hers).await)
        }
        "attempts" => {
            let last = "SELECT max(job) FROM attempts WHERE job IN (SELECT seq FROM jobs
                        WHERE client = 'maya')";
            named("job", ask(last).await)
        }
        "coaches" => named("id", ask("SELECT min(id) FROM coaches").await),
        "procedures" => vec!["hash = 'old-1'".to_owned()],
        "credentials" | "authorizations" | "pace" | "incidents" | "watched_addresses" => {
            vec!["1".to_owned()]
        }
        "links" => vec!["client = 'maya'".to_owned()],
        "audit" => named("seq", ask("SELECT max(seq) FROM audit").await),
        "engagement" => named("seq", ask("SELECT max(seq) FROM engagement").await),
        "damaged" => named("seq", ask("SELECT max(seq) FROM damaged").await),
        other => panic!("{other}: say which of its rows differ in kind"),
    }
}

/// What a value of a column may become: in SQL, and whether it can't be read then.
fn bad_values(column: &str, declared: &str, schema: &str) -> Vec<(String, bool)> {
    let is_json = schema.contains(&format!("json_valid({column})"));
    let is_word = schema.contains(&format!("CHECK ({column} IN ("));
    let fixed = |text: &str, unreadable| (text.to_owned(), unreadable);
    match declared {
        "TEXT" => {
            let bytes = format!("CAST(x'ff' || CAST(coalesce({column}, '') AS BLOB) AS TEXT)");
            let mut bad = vec![(bytes, true)];
            if is_json {
                bad.push(fixed("'[}'", true));
                bad.push(fixed("'\"a word that nobody knows\"'", false));
                bad.push(fixed("'{\"a\":{\"word\":[\"that nobody knows\"]}}'", false));
            }
            if is_word {
                bad.push(fixed("'unheard of'", true));
            }
            bad
        }
        "INTEGER" => vec![
            fixed("9223372036854775807", false),
            fixed("-5", false),
            fixed("0", false),
        ],
        // Too few; of each row and table others, as they are of ids.
        _ => {
            let from = 2 + schema.len() % 7;
            vec![(format!("coalesce(substr({column}, {from}), x'07')"), false)]
        }
    }
}

/// Every value that is spoiled.
async fn all(base: &Base) -> Vec<Spoiled> {
    let columns = spoil::ask(
        &base.file,
        "SELECT m.name || ' ' || c.name || ' ' || c.type
         FROM sqlite_schema m, pragma_table_info(m.name) c
         WHERE m.type = 'table' AND m.name NOT LIKE '\\_sqlx%' ESCAPE '\\'
           AND m.name NOT LIKE 'sqlite%' AND c.name <> 'seq'
           AND NOT (m.name = 'attempts' AND c.name IN ('job', 'fence'))
         ORDER BY m.name, c.cid",
    );
    let mut all = Vec::new();
    for line in columns.await.unwrap() {
        let [table, column, declared] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let schema = format!("SELECT sql FROM sqlite_schema WHERE name = '{table}'");
        let schema = spoil::ask(&base.file, &schema).await.unwrap().remove(0);
        let rows = rows_of(base, table).await;
        let several = rows.len() > 1;
        for (which, row) in rows.into_iter().enumerate() {
            if row == "key = 'outreach'" && column == "value" {
                continue;
            }
            let bad = bad_values(column, declared, &schema).into_iter();
            let turn = (which + all.len()) % 3;
            for (number, (bad, unreadable)) in bad.enumerate() {
                // Where rows differ in kind, each has another of the three numbers.
                if several && declared == "INTEGER" && number != turn {
                    continue;
                }
                all.push(Spoiled {
                    table: table.to_owned(),
                    row: row.clone(),
                    column: column.to_owned(),
                    bad,
                    unreadable,
                });
            }
        }
    }
    all
}

/// Groups of them in which each row is spoiled once.
fn groups(all: Vec<Spoiled>) -> Vec<Vec<Spoiled>> {
    let mut groups: Vec<Vec<Spoiled>> = Vec::new();
    let mut next: BTreeMap<(String, String), usize> = BTreeMap::new();
    for spoiled in all {
        let at = next
            .entry((spoiled.table.clone(), spoiled.row.clone()))
            .or_default();
        if groups.len() == *at {
            groups.push(Vec::new());
        }
        groups[*at].push(spoiled);
        *at += 1;
    }
    groups
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_unreadable_value_in_any_column_stops_nobody_else_is_named_and_remedied() {
    let base = Arc::new(base().await);
    let all = all(&base).await;
    let tables: BTreeSet<_> = all.iter().map(|spoiled| spoiled.table.clone()).collect();
    let columns: BTreeSet<_> = all
        .iter()
        .map(|spoiled| (spoiled.table.clone(), spoiled.column.clone()))
        .collect();
    assert_eq!(tables.len(), 21, "{tables:?}");
    assert!(columns.len() > 150, "{}", columns.len());
    assert!(all.len() > 450, "{}", all.len());
    let mut left = groups(all).into_iter().enumerate();
    let (mut running, mut failed) = (JoinSet::new(), Vec::new());
    loop {
        while running.len() < AT_ONCE
            && let Some((number, group)) = left.next()
        {
            let base = Arc::clone(&base);
            running.spawn(async move {
                let run = tokio::spawn(run(base, group.clone(), number));
                (number, group, run.await.is_ok())
            });
        }
        match running.join_next().await {
            None => break,
            Some(done) => {
                let (number, group, is_well) = done.unwrap();
                if !is_well {
                    failed.push((number, group));
                }
            }
        }
    }
    let mut wrong = Vec::new();
    for (number, group) in &failed {
        for spoiled in group {
            let run = run(Arc::clone(&base), vec![spoiled.clone()], *number);
            if tokio::spawn(run).await.is_err() {
                wrong.push(spoiled.to_string());
            }
        }
    }
    assert!(failed.is_empty(), "{}, alone: {wrong:#?}", failed.len());
}

/// One database with these values spoiled.
async fn run(base: Arc<Base>, group: Vec<Spoiled>, number: usize) {
    let all: Vec<String> = group.iter().map(Spoiled::to_string).collect();
    let what = all.join("; ");
    let (rig, _) = with(&base, "SELECT 1").await;
    for spoiled in &group {
        let Spoiled {
            table,
            row,
            column,
            bad,
            ..
        } = spoiled;
        let sql = format!("UPDATE {table} SET {column} = {bad} WHERE {row}");
        let changed = spoil::run(rig.file(), &sql).await.unwrap();
        assert!(changed > 0, "{spoiled}: no row of it in the story");
    }
    let before = accepted(&rig, base.ana).len();

    // It is named.
    let named = rig.store.check_rows().await.unwrap();
    for spoiled in group.iter().filter(|spoiled| spoiled.unreadable) {
        let by = |damage: &Damage| damage.table == spoiled.table && damage.column == spoiled.column;
        assert!(named.iter().any(by), "{spoiled}: not named, but {named:?}");
    }

    // A relay starts on it, everybody else is followed up, and an admin is told.
    start::prepare(&rig.engine)
        .await
        .unwrap_or_else(|error| panic!("{what}: no start: {error:?}"));
    live(&rig, &DAYS).await;
    assert!(accepted(&rig, base.ana).len() > before, "{what}: ana waits");
    let told = rig.work("damage").await;
    for damage in named {
        let about = |detail: &Value| detail["table"] == damage.table && detail["row"] == damage.row;
        // What needs nobody's word any more may be settled by then; it was told all the same.
        assert!(
            told.iter().any(|item| about(&item.detail)) || damage.table == "work_items",
            "{damage}: nobody was told"
        );
        let remedy = if number.is_multiple_of(2) {
            Remedy::Mend
        } else {
            Remedy::Discard
        };
        remedied(&rig, damage, remedy, &what).await;
    }
    let left = rig.store.check_rows().await.unwrap();
    assert!(left.is_empty(), "{what}: {left:?}");
    start::prepare(&rig.engine).await.unwrap();
    live(&rig, &LATER).await;
    assert_sound(&rig, &what).await;
    rig.store.close().await;
}
