//! Which part may know which: rules that only stand in a document decay.
//!
//! The rules are functions over a list of files (path, text), so that each of them is also tried
//! on a made-up offence: a rule that can't fail guards nothing.

use std::path::{Path, PathBuf};

/// A file of the repository: its path from the root with `/`, and its text.
pub(super) type Source = (String, String);

/// What our crates may depend on of ours.
const OURS: [(&str, &[&str]); 6] = [
    ("core", &[]),
    ("adapters/store", &["relay-core"]),
    (
        "adapters/store-sqlite",
        &["relay-core", "relay-disk-recorder", "relay-store"],
    ),
    ("adapters/store-sqlite/recorder", &["relay-core"]),
    ("adapters/http-client", &["relay-core"]),
    // Runs every parser there is, the vendors' too, and nothing may need it.
    (
        "fuzz",
        &[
            "relay-core",
            "relay-http-client",
            "relay-store",
            "relay-store-sqlite",
        ],
    ),
];

/// What a vendor's adapter may depend on of ours.
const OF_VENDORS: &[&str] = &["relay-core", "relay-http-client"];

/// The folders of the vendors' adapters: those that answer for their quality.
fn vendors() -> Vec<String> {
    let found = files("adapters", "/quality.toml").into_iter();
    found
        .map(|(path, _)| path.trim_end_matches("/quality.toml").to_owned())
        .collect()
}

/// Crates that do I/O or are asynchronous: none of them in `core`.
const IMPURE: [&str; 12] = [
    "tokio",
    "async-trait",
    "futures-util",
    "axum",
    "http",
    "reqwest",
    "rustls",
    "sqlx",
    "tower",
    "tracing",
    "config",
    "clap",
];

/// Words that read a clock, chance or the environment, and the files that may hold them.
const AMBIENT: [(&str, &[&str]); 9] = [
    ("Timestamp::now(", &["core/src/time.rs"]),
    ("SystemTime::now(", &[]),
    ("Instant::now(", &[]),
    ("Zoned::now(", &[]),
    ("getrandom::", &["core/src/random.rs"]),
    ("Uuid::now_v7(", &[]),
    ("Uuid::new_v4(", &[]),
    ("env::var", &["src/config/variables.rs"]),
    ("tokio::time::sleep", &[]),
];

const MAX_LINES: usize = 500;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file under `folder` that ends with `ending`.
fn files(folder: &str, ending: &str) -> Vec<Source> {
    let mut found = Vec::new();
    collect(&root(), &root().join(folder), ending, &mut found);
    found.sort();
    found
}

fn collect(root: &Path, folder: &Path, ending: &str, found: &mut Vec<Source>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            collect(root, &path, ending, found);
        } else if path.to_string_lossy().ends_with(ending) {
            let name = path.strip_prefix(root).expect("below the root");
            let name = name.to_string_lossy().replace('\\', "/");
            found.push((
                name,
                std::fs::read_to_string(&path).expect("a readable file"),
            ));
        }
    }
}

pub(super) fn rust_files() -> Vec<Source> {
    ["core", "src", "adapters", "tests", "fuzz"]
        .into_iter()
        .flat_map(|folder| files(folder, ".rs"))
        .collect()
}

fn production(path: &str) -> bool {
    path.contains("src/") && !path.contains("/tests/") && !path.ends_with("/tests.rs")
}

/// The names in a manifest's `[dependencies]`, and in `[dev-dependencies]` if asked for.
fn dependencies(manifest: &str, dev: bool) -> Vec<String> {
    let manifest: toml::Table = manifest.parse().expect("a manifest");
    let mut names = Vec::new();
    for (section, wanted) in [("dependencies", true), ("dev-dependencies", dev)] {
        if let Some(toml::Value::Table(table)) = manifest.get(section).filter(|_| wanted) {
            names.extend(table.keys().cloned());
        }
    }
    names
}

fn wrong_arrows(manifests: &[Source]) -> Vec<String> {
    let (mut wrong, vendors) = (Vec::new(), vendors());
    for (path, text) in manifests {
        let folder = path.trim_end_matches("/Cargo.toml");
        let known = OURS.iter().find(|(name, _)| *name == folder);
        let of_vendor = vendors.iter().any(|vendor| vendor == folder);
        let Some(allowed) = known
            .map(|(_, allowed)| *allowed)
            .or(of_vendor.then_some(OF_VENDORS))
        else {
            wrong.push(format!("{folder} is in no rule: add it"));
            continue;
        };
        let is_vendors = |name: &str| {
            let mut all = vendors.iter();
            folder == "fuzz" && all.any(|vendor| vendor.replace("adapters/", "relay-") == name)
        };
        for name in dependencies(text, true) {
            let name = name.as_str();
            if name.starts_with("relay-") && !allowed.contains(&name) && !is_vendors(name) {
                wrong.push(format!("{folder} depends on {name}"));
            }
        }
        for name in dependencies(text, false) {
            if folder == "core" && IMPURE.contains(&name.as_str()) {
                wrong.push(format!("core depends on {name}"));
            }
            if name.starts_with("sqlx") && folder != "adapters/store-sqlite" {
                wrong.push(format!("{folder} depends on {name}"));
            }
        }
    }
    wrong
}

/// Manifests of which the program is made that need what is for tests.
fn tools_in_the_program(manifests: &[Source]) -> Vec<String> {
    let tools = ["relay-disk-recorder", "libsqlite3-sys", "libc"];
    manifests
        .iter()
        .filter(|(path, _)| !path.contains("/recorder/"))
        .flat_map(|(path, text)| {
            let names = dependencies(text, false).into_iter();
            names.map(move |name| (path, name))
        })
        .filter(|(_, name)| tools.contains(&name.as_str()))
        .map(|(path, name)| format!("{path} needs {name}"))
        .collect()
}

/// What the crate that may be unsafe allows itself besides: its table repeats the workspace's.
fn laxer_lints(workspace: &str, own: &str) -> Vec<String> {
    let lints = |text: &str, path: &[&str]| -> toml::Table {
        let mut table: toml::Table = text.parse().expect("a manifest");
        for part in path {
            let inner = table.remove(*part).expect("a table of lints");
            table = inner.try_into().expect("a table");
        }
        table
    };
    let mut wrong = Vec::new();
    for tool in ["rust", "clippy"] {
        let own = lints(own, &["lints", tool]);
        for (lint, level) in lints(workspace, &["workspace", "lints", tool]) {
            if lint != "unsafe_code" && own.get(&lint) != Some(&level) {
                wrong.push(format!("{lint} is not {level:?}"));
            }
        }
    }
    wrong
}

/// Files of the root crate that use a vendor's crate outside of that vendor's own folders.
fn vendor_crates_used(sources: &[Source]) -> Vec<String> {
    let vendors = vendors();
    let modules: Vec<String> = vendors
        .iter()
        .map(|vendor| vendor.replace("adapters/", "").replace('-', "_"))
        .collect();
    let used_abroad = |path: &str, text: &str| {
        let mut modules = modules.iter();
        modules.any(|module| {
            let own = ["wiring", "config"].map(|part| format!("src/{part}/{module}/"));
            !own.iter().any(|own| path.starts_with(own)) && uses(text, &format!("relay_{module}"))
        })
    };
    sources
        .iter()
        .filter(|(path, text)| path.starts_with("src/") && used_abroad(path, text))
        .map(|(path, _)| format!("{path} uses a vendor's crate"))
        .collect()
}

/// Whether a file knows the page that isn't the page itself or a command that shows it: `serve` and
/// what it is made of never do.
fn stage_known(sources: &[Source]) -> Vec<String> {
    let may = ["src/stage/", "src/cli/demo/", "src/cli/sandbox.rs"];
    sources
        .iter()
        .filter(|(path, _)| path.starts_with("src/"))
        .filter(|(path, _)| !may.iter().any(|part| path.starts_with(part)))
        .filter(|(_, text)| code(text).any(|(_, line)| line.contains("crate::stage")))
        .map(|(path, _)| format!("{path} knows the stage"))
        .collect()
}

fn sqlx_used(sources: &[Source]) -> Vec<String> {
    sources
        .iter()
        .filter(|(path, _)| !path.starts_with("adapters/store-sqlite/"))
        .filter(|(path, _)| path != "tests/it/boundaries.rs")
        .filter(|(_, text)| uses(text, "sqlx"))
        .map(|(path, _)| format!("{path} uses sqlx"))
        .collect()
}

/// Whether code (not a comment, not a text) names a path that begins with the crate `name`.
fn uses(text: &str, name: &str) -> bool {
    let path = format!("{name}::");
    code(text).any(|(_, line)| {
        line.match_indices(&path).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
        })
    })
}

/// The lines that are not comments, with their numbers.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(number, line)| (number + 1, line))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

fn ambient_reads(sources: &[Source]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (path, text) in sources.iter().filter(|(path, _)| production(path)) {
        for (number, line) in code(text) {
            for (word, places) in AMBIENT {
                if line.contains(word) && !places.contains(&path.as_str()) {
                    wrong.push(format!("{path}:{number} holds {word}"));
                }
            }
        }
    }
    wrong
}

fn long_files(sources: &[Source]) -> Vec<String> {
    sources
        .iter()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > MAX_LINES)
        .map(|(path, lines)| format!("{path} has {lines} lines"))
        .collect()
}

fn manifests() -> Vec<Source> {
    let mut manifests = files("core", "Cargo.toml");
    manifests.extend(files("adapters", "Cargo.toml"));
    manifests.extend(files("fuzz", "Cargo.toml"));
    manifests
}

fn none() -> Vec<String> {
    Vec::new()
}

#[test]
fn every_arrow_between_our_crates_points_the_right_way() {
    let manifests = manifests();
    let known = OURS.len() + vendors().len();
    assert_eq!(manifests.len(), known, "a crate is missing or new");
    assert_eq!(wrong_arrows(&manifests), none());
}

#[test]
fn the_root_crate_does_not_know_the_database_driver() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("a manifest");
    let names = dependencies(&manifest, true);
    assert!(names.contains(&"relay-store".to_owned()));
    assert!(!names.iter().any(|name| name.starts_with("sqlx")));
    assert_eq!(sqlx_used(&rust_files()), none());
}

#[test]
fn the_recorder_of_the_disk_is_for_tests_and_lax_in_one_lint_only() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).expect("a manifest");
    let mut manifests = manifests();
    manifests.push(("Cargo.toml".to_owned(), read("Cargo.toml")));
    assert_eq!(tools_in_the_program(&manifests), none());
    let needs = source(
        "core/Cargo.toml",
        "[dependencies]\nrelay-disk-recorder = {}\n",
    );
    assert_eq!(tools_in_the_program(&needs).len(), 1);

    let workspace = read("Cargo.toml");
    let own = read("adapters/store-sqlite/recorder/Cargo.toml");
    assert_eq!(laxer_lints(&workspace, &own), none());
    let laxer = own.replace("dbg_macro = \"deny\"", "dbg_macro = \"allow\"");
    assert_eq!(laxer_lints(&workspace, &laxer).len(), 1);
}

#[test]
fn only_a_vendors_own_folders_use_its_crate() {
    assert_eq!(vendor_crates_used(&rust_files()), none());
}

#[test]
fn only_the_demo_and_the_sandbox_know_the_stage() {
    assert_eq!(stage_known(&rust_files()), none());
    let known = "use crate::stage::Stage;";
    assert_eq!(stage_known(&source("src/cli/serve.rs", known)).len(), 1);
    assert_eq!(stage_known(&source("src/wiring/mod.rs", known)).len(), 1);
    assert_eq!(stage_known(&source("src/cli/demo/live.rs", known)), none());
}

#[test]
fn clock_chance_and_environment_are_read_in_their_places_only() {
    assert_eq!(ambient_reads(&rust_files()), none());
}

#[test]
fn no_file_is_longer_than_five_hundred_lines() {
    assert_eq!(long_files(&rust_files()), none());
}

pub(super) fn source(path: &str, text: &str) -> Vec<Source> {
    vec![(path.to_owned(), text.to_owned())]
}

#[test]
fn a_wrong_arrow_is_found() {
    for (folder, dependency) in [
        ("core", "relay-store"),
        ("core", "tokio"),
        ("core", "async-trait"),
        ("adapters/keap", "relay-store"),
        ("adapters/keap", "relay-clear-connection"),
        ("adapters/store", "relay-http-client"),
        ("adapters/store", "sqlx"),
        ("adapters/unheard-of", "serde"),
    ] {
        let manifest = format!("[dependencies]\n{dependency}.workspace = true\n");
        let wrong = wrong_arrows(&source(&format!("{folder}/Cargo.toml"), &manifest));
        assert_eq!(wrong.len(), 1, "{folder} → {dependency}: {wrong:?}");
    }
    let right = "[dependencies]\nsqlx.workspace = true\nrelay-store.workspace = true\n";
    assert_eq!(
        wrong_arrows(&source("adapters/store-sqlite/Cargo.toml", right)),
        none()
    );
}

#[test]
fn a_vendor_crate_and_the_driver_are_found_in_code_and_not_in_comments() {
    let used = "use relay_keap::KeapClient;";
    assert_eq!(
        vendor_crates_used(&source("src/engine/x.rs", used)).len(),
        1
    );
    assert_eq!(
        vendor_crates_used(&source("src/lifecycle.rs", used)).len(),
        1
    );
    assert_eq!(
        vendor_crates_used(&source("src/stage/view.rs", used)).len(),
        1
    );
    assert_eq!(
        vendor_crates_used(&source("src/wiring/clear_connection/mod.rs", used)).len(),
        1
    );
    assert_eq!(
        vendor_crates_used(&source("src/wiring/keap/mod.rs", used)),
        none()
    );
    assert_eq!(
        sqlx_used(&source("src/cli/x.rs", "sqlx::query!(\"\")")).len(),
        1
    );
    assert_eq!(
        sqlx_used(&source("src/cli/x.rs", "// sqlx::query!")),
        none()
    );
    assert_eq!(
        sqlx_used(&source("src/cli/x.rs", "not_sqlx::query!()")),
        none()
    );
}

#[test]
fn an_ambient_read_is_found_outside_its_place() {
    for (word, places) in AMBIENT {
        let text = format!("let x = {word}x);");
        assert_eq!(
            ambient_reads(&source("src/engine/x.rs", &text)).len(),
            1,
            "{word}"
        );
        assert_eq!(
            ambient_reads(&source("adapters/keap/src/x.rs", &text)).len(),
            1,
            "{word}"
        );
        for place in places {
            assert_eq!(ambient_reads(&source(place, &text)), none(), "{word}");
        }
    }
}

#[test]
fn a_long_file_is_found() {
    let lines = |count: usize| "x\n".repeat(count);
    assert_eq!(long_files(&source("src/x.rs", &lines(MAX_LINES))), none());
    assert_eq!(
        long_files(&source("src/x.rs", &lines(MAX_LINES + 1))).len(),
        1
    );
}
