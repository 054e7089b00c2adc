//! Paths start from the configuration's folder, wherever a command is typed.

use std::path::{Path, PathBuf};

use clear_relay::config::{Config, Variables};
use tempfile::TempDir;

use super::{run, shown};

/// A clinic's folder, and another one.
struct Places {
    _both: TempDir,
    clinic: PathBuf,
    elsewhere: PathBuf,
}

fn places() -> Places {
    let both = tempfile::tempdir().expect("a folder");
    let root = both.path().canonicalize().expect("a path");
    let [clinic, elsewhere] = ["clinic", "elsewhere"].map(|name| root.join(name));
    for folder in [&clinic, &elsewhere] {
        std::fs::create_dir(folder).expect("made");
    }
    std::fs::write(clinic.join("clear-relay.toml"), "").expect("written");
    Places {
        _both: both,
        clinic,
        elsewhere,
    }
}

fn config(folder: &Path) -> String {
    let file = folder.join("clear-relay.toml");
    file.to_str().expect("text").to_owned()
}

#[test]
fn a_stop_typed_elsewhere_stops_the_relay_that_the_configuration_names() {
    let places = places();
    let config = config(&places.clinic);
    let made = run(&places.clinic, &[], &["migrate"]);
    assert!(made.status.success(), "{}", shown(&made));
    let database = places.clinic.join("clear-relay.db");
    let stop = ["--config", &config, "stop", "--by", "Robin"];
    let stopped = run(&places.elsewhere, &[], &stop);
    assert!(stopped.status.success(), "{}", shown(&stopped));
    assert!(
        shown(&stopped).contains(database.to_str().expect("text")),
        "{}",
        shown(&stopped)
    );
    let list = run(&places.clinic, &[], &["cases", "list"]);
    assert!(shown(&list).contains("stopped"), "{}", shown(&list));
    assert!(!places.elsewhere.join("clear-relay.db").exists());
    let resume = ["--config", &config, "resume", "--by", "Robin", "--json"];
    let resumed = shown(&run(&places.elsewhere, &[], &resume));
    assert!(
        resumed.contains(database.to_str().expect("text")),
        "{resumed}"
    );
}

#[test]
fn a_stop_makes_no_database_and_says_where_it_looked() {
    let places = places();
    let stop = ["--config", &config(&places.clinic), "stop", "--by", "Robin"];
    for dry_run in [&[][..], &["--dry-run"]] {
        let args: Vec<&str> = stop.iter().chain(dry_run).copied().collect();
        let refused = run(&places.elsewhere, &[], &args);
        assert_eq!(refused.status.code(), Some(2), "{}", shown(&refused));
        let database = places.clinic.join("clear-relay.db");
        assert!(
            shown(&refused).contains(database.to_str().expect("text")),
            "{}",
            shown(&refused)
        );
        assert!(!database.exists());
    }
    assert!(!places.elsewhere.join("clear-relay.db").exists());
}

#[test]
fn a_database_at_the_old_place_is_named_with_the_command_that_moves_it_and_the_command_works() {
    let places = places();
    let made = run(&places.elsewhere, &[], &["migrate"]);
    assert!(made.status.success(), "{}", shown(&made));
    let (old, new) = (
        places.elsewhere.join("clear-relay.db"),
        places.clinic.join("clear-relay.db"),
    );
    let config = config(&places.clinic);
    for args in [
        &["stop", "--by", "Robin"][..],
        &["migrate"],
        &["serve", "--dry-run"],
        &["cases", "list"],
        &["doctor", "--offline"],
    ] {
        let args: Vec<&str> = ["--config", &config].iter().chain(args).copied().collect();
        let refused = run(&places.elsewhere, &[], &args);
        let said = shown(&refused)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        assert!(!refused.status.success(), "{args:?}: {said}");
        for path in [&old, &new] {
            assert!(said.contains(path.to_str().expect("text")), "{said}");
        }
        assert!(!new.exists(), "{args:?}");
    }
    let refused = shown(&run(
        &places.elsewhere,
        &[],
        &["--config", &config, "cases", "list"],
    ));
    let (_, command) = refused
        .split_once("stop the relay, then: ")
        .expect(&refused);
    let moved = std::process::Command::new("sh")
        .args(["-c", command.trim()])
        .status();
    assert!(moved.expect("a shell").success(), "{command}");
    assert!(new.exists() && !old.exists(), "{command}");
    let list = run(
        &places.elsewhere,
        &[],
        &["--config", &config, "cases", "list"],
    );
    assert!(list.status.success(), "{}", shown(&list));
}

#[test]
fn every_path_of_the_configuration_starts_from_its_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("secrets")).expect("made");
    std::fs::write(folder.path().join("secrets/key"), "s3cret").expect("written");
    let text = "[store]\npath = \"data/relay.db\"\n[keap]\nmode = \"on\"\n\
                key_file = \"secrets/key\"\n[procedures.missed_check_in]\npath = \"procedures\"\n";
    let config = Config::parse(text, folder.path(), Variables::default()).expect("valid");
    assert_eq!(config.store.path, folder.path().join("data/relay.db"));
    let procedures = config.procedures.missed_check_in.path;
    assert_eq!(procedures, Some(folder.path().join("procedures")));
    assert_eq!(
        config.secret_files[0].path,
        folder.path().join("secrets/key")
    );
}

#[test]
fn a_path_that_only_a_shell_would_understand_is_refused() {
    for path in [
        "~/relay.db",
        "$HOME/relay.db",
        ":memory:",
        "file:relay.db",
        "data/",
    ] {
        let text = format!("[store]\npath = {path:?}\n");
        let error = Config::parse(&text, Path::new("/clinic"), Variables::default());
        let error = error.expect_err(path);
        assert_eq!(error.mistakes[0].key, "store.path", "{path}");
    }
}

#[test]
fn a_stop_works_while_the_rest_of_the_configuration_is_wrong() {
    let places = places();
    let made = run(&places.clinic, &[], &["migrate"]);
    assert!(made.status.success(), "{}", shown(&made));
    let at = places.clinic.join("clear-relay.toml");
    for wrong in [
        "[keap]\nmode = \"on\"\nkey_file = \"nowhere\"\n",
        "[keap]\nbase_url = \"no address\"\n",
        "[clinic]\nzone = \"Mars\"\n",
    ] {
        std::fs::write(&at, wrong).expect("written");
        let stopped = run(&places.clinic, &[], &["stop", "--by", "Robin"]);
        assert!(stopped.status.success(), "{wrong}: {}", shown(&stopped));
    }
    // What may be about the database is no matter to guess.
    for wrong in [
        "[stor]\npath = \"other.db\"\n",
        "[store]\npth = \"other.db\"\n",
        "path = \"other.db\"\n",
        "[store\n",
    ] {
        std::fs::write(&at, wrong).expect("written");
        let refused = run(&places.clinic, &[], &["stop", "--by", "Robin"]);
        assert_eq!(
            refused.status.code(),
            Some(2),
            "{wrong}: {}",
            shown(&refused)
        );
    }
}
