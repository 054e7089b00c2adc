//! A database that an earlier version has left: what each command says of it.

use relay_store_sqlite::spoil;

use super::*;

const CORPUS: &str = "fixtures/corpus/0.1.0/relay.sqlite";

fn older() -> World {
    let world = world();
    std::fs::copy(CORPUS, world.folder.path().join("relay.db")).expect("copied");
    world
}

#[tokio::test]
async fn a_command_that_cant_read_an_older_database_yet_names_the_one_that_brings_it_up() {
    let world = older();
    for args in [
        &["cases", "list"][..],
        &["work", "list"],
        &["database", "check"],
        &["vendors"],
        &["resume", "--by", "Lena"],
        &["clock", "show"],
    ] {
        let error = world.on(args).await.expect_err("not of this version");
        let text = error.to_string();
        assert!(text.contains("older version"), "{args:?}: {text}");
        assert!(text.contains("`clear-relay migrate`"), "{args:?}: {text}");
    }
    // Both must work before anybody has brought it up.
    let stop = ["stop", "--by", "Lena"];
    assert!(world.on(&stop).await.expect("stopped").contains("stopped"));
    let copy = world.folder.path().join("copy.db");
    let copy = copy.to_str().expect("text");
    world.on(&["backup", copy]).await.expect("copied");

    world.on(&["migrate"]).await.expect("brought up");
    let listed = world.on(&["cases", "list"]).await.expect("listed");
    assert!(listed.contains("Outreach is stopped"), "{listed}");
}

#[tokio::test]
async fn a_row_that_keeps_it_from_being_brought_up_is_named_before_anything_is_changed() {
    let world = older();
    let file = world.folder.path().join("relay.db");
    let first = "UPDATE jobs SET note = x'ff00' WHERE seq = 1";
    let changed = spoil::mistype(&file, "jobs", first).await;
    assert_eq!(changed.expect("damaged"), 1);
    for args in [&["migrate", "--dry-run"][..], &["migrate"]] {
        let error = world.on(args).await.expect_err("a damaged row");
        let text = error.to_string();
        assert!(
            text.contains("row 1 of jobs, column note"),
            "{args:?}: {text}"
        );
        assert!(
            text.contains("release that last ran on it"),
            "{args:?}: {text}"
        );
    }
    let told = world.printed(&["doctor", "--offline"]).await;
    let told: Vec<&str> = told.split_whitespace().collect();
    assert!(
        told.join(" ")
            .contains("row 1 of jobs, column note can't be read")
    );
}
