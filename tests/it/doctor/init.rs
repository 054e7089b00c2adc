//! `init`: what it writes, what it never overwrites, and that the doctor names exactly what is
//! left to be filled in.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use clear_relay::cli::init::{InitArgs, questions, run};
use clear_relay::cli::{CliError, Output};
use clear_relay::config::{Config, Examined, example};
use clear_relay::doctor::{Finding, Local, Severity, ThisMachine, local};
use clear_relay::wiring::store::SqliteStores;
use relay_core::procedure::SHIPPED;
use relay_core::random::{Random, SeededRandom};
use toml::{Table, Value};

fn init(folder: &Path, dry_run: bool, random: &dyn Random) -> Result<String, CliError> {
    let args = InitArgs {
        without: Vec::new(),
        path: folder.join("clear-relay.toml"),
        dry_run,
    };
    let mut bytes = Vec::new();
    run(&args, random, &mut Output::new(&mut bytes, false))?;
    Ok(String::from_utf8(bytes).expect("text"))
}

fn examined(folder: &Path) -> Examined {
    let text = std::fs::read_to_string(folder.join("clear-relay.toml")).expect("read");
    let text = text.replace(
        "path = \"clear-relay.db\"",
        &format!(
            "path = {:?}",
            folder.join("clear-relay.db").display().to_string()
        ),
    );
    Config::examine_text(&text, folder, clear_relay::config::Variables::default())
        .expect("readable")
}

async fn serious(folder: &Path) -> Vec<Finding> {
    let examined = examined(folder);
    let here = Local {
        examined: &examined,
        stores: &SqliteStores,
        machine: &ThisMachine,
        thorough: true,
        now: super::patient::start(),
    };
    let mut findings = local(&here).await;
    findings.retain(|finding| finding.severity >= Severity::Warning);
    findings
}

#[tokio::test]
async fn the_doctor_names_exactly_what_is_still_to_be_filled_in() {
    let folder = tempfile::tempdir().expect("a folder");
    init(folder.path(), false, &SeededRandom::new(1)).expect("written");
    let left: BTreeSet<String> = serious(folder.path())
        .await
        .into_iter()
        .map(|finding| finding.subject)
        .collect();
    let wanted = [
        "keap.key_file",
        "clear_connection.base_url",
        "clear_connection.token_file",
        "http.public_url",
        "keap.coaching",
        "clinic.holidays",
        "people.admin",
        "people.program_manager",
        "people.program_manager_user",
    ];
    assert_eq!(left, wanted.map(str::to_owned).into());
}

#[tokio::test]
async fn once_that_is_filled_in_nothing_is_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    init(folder, false, &SeededRandom::new(1)).expect("written");
    std::fs::write(folder.join("secrets/keap-key"), "a-key\n").expect("written");
    std::fs::write(folder.join("secrets/portal-token"), "a-token\n").expect("written");
    let file = folder.join("clear-relay.toml");
    let mut text = std::fs::read_to_string(&file).expect("read");
    for (from, to) in [
        ("#public_url", "public_url"),
        ("#base_url", "base_url"),
        ("holidays = []", "holidays = [\"2027-05-31\"]"),
        ("product_ids = []", "product_ids = [\"10\"]"),
        ("#admin", "admin"),
        ("#program_manager", "program_manager"),
        ("#program_manager_user", "program_manager_user"),
    ] {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    std::fs::write(&file, text).expect("written");
    assert_eq!(serious(folder).await, []);
}

#[test]
fn secrets_are_new_each_time_and_only_their_owner_can_read_them() {
    let folders = [1, 2].map(|seed| {
        let folder = tempfile::tempdir().expect("a folder");
        init(folder.path(), false, &SeededRandom::new(seed)).expect("written");
        folder
    });
    for name in [
        "keap-key",
        "keap-hook-a",
        "portal-token",
        "portal-webhook-a",
    ] {
        let path = folders[0].path().join("secrets").join(name);
        let mode = std::fs::metadata(&path)
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    for name in ["keap-hook-a", "portal-webhook-a"] {
        let [one, two] = folders.each_ref().map(|folder| {
            let path = folder.path().join("secrets").join(name);
            std::fs::read_to_string(path).expect("read")
        });
        assert_ne!(one, two, "{name}");
        assert!(one.trim().len() >= 44, "{name}");
    }
    let config = examined(folders[0].path()).config.expect("a configuration");
    assert_eq!(config.vendors.keap.hook_secrets.len(), 1);
    assert_eq!(config.vendors.clear_connection.webhook_keys.len(), 1);
}

#[test]
fn nothing_is_overwritten_and_nothing_half_written() {
    for there in [
        "clear-relay.toml",
        "secrets/keap-hook-a",
        "secrets/keap-key",
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(there);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(&path, "mine").expect("written");
        let before = files(folder.path());
        let error = init(folder.path(), false, &SeededRandom::new(1)).expect_err("there");
        assert!(matches!(error, CliError::Usage(_)), "{error}");
        assert!(error.to_string().contains(there), "{error}");
        assert_eq!(files(folder.path()), before);
        assert_eq!(std::fs::read_to_string(&path).expect("read"), "mine");
    }
}

#[test]
fn a_dry_run_writes_nothing_and_shows_no_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    let shown = init(folder.path(), true, &SeededRandom::new(1)).expect("shown");
    assert!(shown.contains("[keap]") && shown.contains("A15"), "{shown}");
    assert!(
        !shown.contains("whsec_") || shown.contains("whsec_ and base64"),
        "{shown}"
    );
    assert_eq!(files(folder.path()), BTreeSet::new());
}

fn files(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        }
        found.insert(path.display().to_string());
    }
    found
}

/// Every `A` and number in a text.
fn numbers(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric());
    words
        .filter(|word| {
            let digits = word.strip_prefix('A').unwrap_or_default();
            !digits.is_empty() && digits.chars().all(|digit| digit.is_ascii_digit())
        })
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_number_that_a_key_names_is_a_question_and_the_question_names_the_key() {
    let questions = questions().expect("readable");
    let asked: BTreeSet<String> = questions.iter().map(|q| q.number.clone()).collect();
    assert_eq!(asked.len(), questions.len(), "a number twice");
    let named = numbers(&format!("{SHIPPED}{}", example()));
    assert!(named.len() > 10, "{named:?}");
    assert!(named.is_subset(&asked), "{:?}", named.difference(&asked));
    let mut section = String::new();
    let mut compared = 0;
    for line in SHIPPED.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            name.0.clone_into(&mut section);
            continue;
        }
        let Some((setting, comment)) = line.split_once('#') else {
            continue;
        };
        let Some((key, _)) = setting.split_once('=') else {
            continue;
        };
        let key = format!("{section}.{}", key.trim());
        for number in numbers(comment) {
            let question = questions.iter().find(|q| q.number == number);
            let question = question.expect("asked");
            assert!(
                question.parameters.contains(&key),
                "{number} doesn't name {key}"
            );
            compared += 1;
        }
    }
    assert!(compared > 10, "{compared}");
}

#[test]
fn every_key_that_a_question_names_exists() {
    // Whatever is commented out, but for sentences: every key there is.
    let everything: String = example()
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(key) if !key.starts_with(' ') => format!("{key}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let config: Table = everything.parse().expect("TOML");
    let procedure: Table = SHIPPED.parse().expect("TOML");
    let is_there = |table: &Table, key: &str| {
        let mut value = Value::Table(table.clone());
        key.split('.').all(|part| match value.get(part).cloned() {
            Some(inner) => {
                value = inner;
                true
            }
            None => false,
        })
    };
    for question in questions().expect("readable") {
        for key in &question.keys {
            assert!(is_there(&config, key), "{}: {key}", question.number);
        }
        for key in &question.parameters {
            assert!(is_there(&procedure, key), "{}: {key}", question.number);
        }
    }
    assert!(!is_there(&config, "keap.nonsense"));
}

#[test]
fn the_form_has_every_question_once_and_its_lines_are_comments_of_readable_length() {
    let folder = tempfile::tempdir().expect("a folder");
    let shown = init(folder.path(), true, &SeededRandom::new(1)).expect("shown");
    let (_, form) = shown.split_once("For the clinic").expect("the form");
    let lines: Vec<&str> = form.lines().skip(1).collect();
    for line in &lines {
        assert!(
            line.starts_with('#') && line.chars().count() <= 100,
            "{line}"
        );
    }
    for question in questions().expect("readable") {
        let head = format!("{} ", question.number);
        let open = format!("# {head}");
        let tick = format!("# [ ] {head}");
        let wanted = if question.has_key() { &open } else { &tick };
        let times = lines
            .iter()
            .filter(|line| line.starts_with(wanted.as_str()))
            .count();
        assert_eq!(times, 1, "{}", question.number);
    }
}
