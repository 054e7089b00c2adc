//! A row that can't be read is no damaged file: such a database is backed up and brought back, and what
//! is wrong in it is told.

use relay_store::Batch;
use relay_store_sqlite::{backup, look, restore, spoil, verify};

use super::base;

/// A value of each kind that a rule of the schema does not allow, or that is no text.
const SPOILED: [&str; 12] = [
    "UPDATE jobs SET payload = '[}' WHERE kind = 'timer'",
    "UPDATE jobs SET state = 'unheard of' WHERE kind = 'timer'",
    "UPDATE jobs SET key = CAST(x'ff' || CAST(key AS BLOB) AS TEXT) WHERE kind = 'timer'",
    "UPDATE jobs SET fence = -5 WHERE kind = 'timer'",
    "UPDATE jobs SET case_id = x'07' WHERE kind = 'timer'",
    "UPDATE audit SET detail = '[}'",
    "UPDATE settings SET value = '[}' WHERE key = 'outreach'",
    "UPDATE settings SET key = CAST(x'ff' AS TEXT) WHERE key = 'outreach'",
    "UPDATE cases SET wait = '[}', status = 'unheard of'",
    "UPDATE effects SET input = '[}', state = 'unheard of', probes = -1",
    "UPDATE receipts SET state = 'unheard of', id = x'07' WHERE seq = (SELECT max(seq) FROM receipts)",
    "UPDATE work_items SET detail = '[}', actions = CAST(x'ff' AS TEXT)",
];

#[tokio::test]
async fn a_database_with_a_row_that_cant_be_read_is_backed_up_and_brought_back() {
    let base = base().await;
    for sql in SPOILED {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let (file, copy, back) = (at("relay.db"), at("copy.db"), at("back.db"));
        std::fs::copy(&base.file, &file).unwrap();
        assert!(spoil::run(&file, sql).await.unwrap() > 0, "{sql}");
        let names = || {
            let names = std::fs::read_dir(folder.path()).unwrap();
            let names = names.map(|name| name.unwrap().file_name().into_string().unwrap());
            let mut names: Vec<_> = names.collect();
            names.sort();
            names
        };
        // It is no reason to refuse a start, nor to tell anybody that the file is damaged.
        assert_eq!(look(&file, true).await.unwrap().damage, None, "{sql}");
        let before = names();
        let copied = backup(&file, &copy).await.unwrap();
        assert!(!copied.unreadable.is_empty(), "{sql}: not told");
        let dry = verify(&copy).await.unwrap();
        assert_eq!(dry.unreadable, copied.unreadable, "{sql}");
        let restored = restore(&copy, &back, ".kept", Batch::from(vec![]))
            .await
            .unwrap();
        assert_eq!(restored.copied.unreadable, copied.unreadable, "{sql}");
        let mut after = before;
        after.extend(["back.db".to_owned(), "copy.db".to_owned()]);
        after.sort();
        assert_eq!(names(), after, "{sql}: something is left");
    }
}

#[tokio::test]
async fn a_byte_that_changed_on_the_disk_is_copied_too_and_so_is_one_in_an_indexed_column() {
    let base = base().await;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    // The key of a job: its row has it, and the index of keys.
    let key = "SELECT key FROM jobs WHERE kind = 'timer' AND client = 'maya' AND state = 'ready'";
    let key = spoil::ask(&base.file, key).await.unwrap().remove(0);
    let whole = std::fs::read(&base.file).unwrap();
    let places: Vec<usize> = whole
        .windows(key.len())
        .enumerate()
        .filter(|(_, window)| *window == key.as_bytes())
        .map(|(place, _)| place)
        .collect();
    assert!(places.len() > 1, "{places:?}");
    let mut copied = 0;
    for place in places {
        let mut bytes = whole.clone();
        bytes[place + key.len() - 1] = 0xff;
        let file = at("copy.db");
        std::fs::write(&file, bytes).unwrap();
        let Ok(found) = verify(&file).await else {
            // The index alone has changed: that is the file's damage, and mended by no command.
            continue;
        };
        copied += 1;
        assert_eq!(found.unreadable.len(), 1);
        let back = at("back.db");
        let restored = restore(&file, &back, ".kept", Batch::from(vec![]))
            .await
            .unwrap();
        assert_eq!(restored.copied.unreadable, found.unreadable);
    }
    assert_eq!(copied, 1);
}
