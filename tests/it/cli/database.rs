//! `database check`, `mend`, `discard`: rows that can't be read, on a database as it is.

use relay_store_sqlite::spoil;

use super::*;

/// A database whose outreach is stopped, and whose word for it can't be read.
async fn unreadable() -> World {
    let world = world();
    std::fs::remove_file(world.database()).expect("made by `world`");
    world.on(&["migrate"]).await.expect("made");
    world.on(&["stop", "--by", "Lena"]).await.expect("stopped");
    let spoil = "UPDATE settings SET value = CAST(x'ff' AS TEXT) WHERE key = 'outreach'";
    spoil::run(world.database(), spoil).await.expect("spoiled");
    world
}

impl World {
    fn database(&self) -> std::path::PathBuf {
        self.folder.path().join("relay.db")
    }
}

#[tokio::test]
async fn whoever_reads_a_list_sees_that_a_stop_which_cant_be_read_is_one() {
    let world = unreadable().await;
    for list in [["cases", "list"], ["work", "list"], ["jobs", "list"]] {
        let human = world.on(&list).await.expect("listed");
        assert!(human.contains("Outreach is stopped"), "{human}");
        assert!(human.contains("database check"), "{human}");
    }
    let told = world.printed(&["doctor", "--offline"]).await;
    assert!(told.contains("outreach counts as stopped"), "{told}");
}

#[tokio::test]
async fn a_stop_is_not_lifted_by_mending_its_row_nor_by_taking_it_out() {
    for way in ["mend", "discard"] {
        let world = unreadable().await;
        let told = world.printed(&["database", "check"]).await;
        assert!(told.contains("outreach"), "{told}");
        let error = world.on(&["database", "check"]).await.expect_err("a row");
        assert!(matches!(error, CliError::Failed(_)), "{error}");
        let args = ["database", way, "settings", "outreach", "--by", "Lena"];
        let only_look = [&args[..], &["--dry-run"]].concat();
        let told = world.on(&only_look).await.expect("it would");
        assert!(told.contains("counts as stopped until"), "{told}");
        assert!(world.on(&["database", "check"]).await.is_err(), "a dry run");
        let printed = world.on(&args).await.expect("done");
        assert!(printed.contains("counts as stopped until"), "{printed}");
        let checked = world.on(&["database", "check"]).await.expect("all is well");
        assert!(checked.contains("every row can be read"), "{checked}");
        let listed = world.on(&["cases", "list"]).await.expect("listed");
        assert!(listed.contains("Outreach is stopped"), "{way}: {listed}");
        world
            .on(&["resume", "--by", "Lena"])
            .await
            .expect("resumed");
        let listed = world.on(&["cases", "list"]).await.expect("listed");
        assert!(!listed.contains("Outreach is stopped"), "{way}: {listed}");
    }
}

#[tokio::test]
async fn what_is_no_such_row_is_refused_and_nothing_is_changed() {
    let world = unreadable().await;
    let before = spoil::ask(
        world.database(),
        "SELECT hex(value) FROM settings ORDER BY key",
    )
    .await;
    for (table, row) in [
        ("settings", "nothing"),
        ("settings", "x'ff'"),
        ("settings", "x'f"),
        ("settings", ""),
        ("jobs", "1"),
        ("jobs", "one"),
        ("attempts", "1"),
        ("attempts", "1/2/3"),
        ("nowhere", "1"),
        ("sqlite_schema", "1"),
        ("settings; DROP TABLE settings", "outreach"),
    ] {
        for way in ["mend", "discard"] {
            let done = world
                .on(&["database", way, table, row, "--by", "Lena"])
                .await;
            let error = done.expect_err("no such row");
            assert!(
                matches!(error, CliError::Failed(_)),
                "{table} {row}: {error}"
            );
        }
    }
    let after = spoil::ask(
        world.database(),
        "SELECT hex(value) FROM settings ORDER BY key",
    )
    .await;
    assert_eq!(before.expect("read"), after.expect("read"));
    let unsigned = ["clear-relay", "database", "mend", "settings", "outreach"];
    assert!(Cli::try_parse_from(unsigned).is_err(), "without a name");
}
