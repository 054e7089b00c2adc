//! Every command that a sentence tells somebody to type is one that the program takes.
//!
//! Two ways, because a remedy that ends in a usage error is found by whoever is called at night:
//! each [`RemedyCommand`] is parsed by the command line itself, and so is each command that stands in the
//! sources as a text.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{CommandFactory as _, Parser as _};
use clear_relay::cli::Cli;
use clear_relay::remedy::RemedyCommand;
use relay_core::ids::{CaseId, ClientId, JobId, WorkItemId};
use relay_core::random::SeededRandom;

/// What may stand for a word that only a person knows, or that is put in later.
const SAMPLES: [&str; 7] = [
    "0192f3c4-7a10-7000-8000-000000000001",
    "client-1",
    "keap",
    "2026-11-30",
    "dead",
    "done",
    "2",
];

/// One of each. The match has no wildcard, so that a new one is added here.
fn every(at: &Ids) -> Vec<RemedyCommand<'_>> {
    let all = vec![
        RemedyCommand::CasesList,
        RemedyCommand::CasesShow(at.case),
        RemedyCommand::CasesRepin(at.case, "0123456789ab"),
        RemedyCommand::CasesResume(at.case),
        RemedyCommand::WorkList,
        RemedyCommand::WorkDone(at.item, "promised"),
        RemedyCommand::WorkDone(at.item, "call_outcome"),
        RemedyCommand::WorkDone(at.item, "done"),
        RemedyCommand::JobsList,
        RemedyCommand::JobsDead,
        RemedyCommand::ReplayDeadDryRun,
        RemedyCommand::JobsShow(at.job),
        RemedyCommand::JobsReplay(at.job),
        RemedyCommand::ClientsLink(Some(&at.client)),
        RemedyCommand::ClientsLink(None),
        RemedyCommand::HooksSync,
        RemedyCommand::Vendors,
        RemedyCommand::VendorsResume("keap"),
        RemedyCommand::ConnectKeap,
        RemedyCommand::ConnectKeapPasted,
        RemedyCommand::NewKey,
        RemedyCommand::Migrate,
        RemedyCommand::Init,
        RemedyCommand::Doctor,
        RemedyCommand::Serve,
        RemedyCommand::Resume,
        RemedyCommand::ProceduresCheck,
    ];
    for run in &all {
        match run {
            RemedyCommand::CasesList
            | RemedyCommand::CasesShow(_)
            | RemedyCommand::CasesRepin(..)
            | RemedyCommand::CasesResume(_)
            | RemedyCommand::WorkList
            | RemedyCommand::WorkDone(..)
            | RemedyCommand::JobsList
            | RemedyCommand::JobsDead
            | RemedyCommand::ReplayDeadDryRun
            | RemedyCommand::JobsShow(_)
            | RemedyCommand::JobsReplay(_)
            | RemedyCommand::ClientsLink(_)
            | RemedyCommand::HooksSync
            | RemedyCommand::Vendors
            | RemedyCommand::VendorsResume(_)
            | RemedyCommand::ConnectKeap
            | RemedyCommand::ConnectKeapPasted
            | RemedyCommand::NewKey
            | RemedyCommand::Migrate
            | RemedyCommand::Init
            | RemedyCommand::Doctor
            | RemedyCommand::Serve
            | RemedyCommand::Resume
            | RemedyCommand::ProceduresCheck => {}
        }
    }
    all
}

struct Ids {
    case: CaseId,
    item: WorkItemId,
    job: JobId,
    client: ClientId,
}

#[test]
fn every_typed_remedy_is_taken_by_the_command_line() {
    let now = "2026-11-03T16:00:00Z".parse().expect("a time");
    let random = SeededRandom::new(1);
    let ids = Ids {
        case: CaseId::new(&random, now),
        item: WorkItemId::new(&random, now),
        job: JobId::new(&random, now),
        client: "client 7's".into(),
    };
    for run in every(&ids) {
        let shown = run.to_string();
        assert!(parses(&shown), "{shown}");
    }
}

#[test]
fn every_command_in_the_sources_is_taken_by_the_command_line() {
    let (mut seen, mut wrong) = (0, Vec::new());
    for file in sources() {
        let text = fs::read_to_string(&file).expect("readable");
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for said in commands(&joined(text)) {
            seen += 1;
            if !is_right(&said) {
                wrong.push(format!("{}: {said}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(
        seen > 60,
        "only {seen} were found: is this test still looking?"
    );
}

#[test]
fn the_search_would_notice_a_command_that_is_not_taken() {
    for wrong in [
        "clear-relay jobs replay --dry-run",
        "jobs replay --dry-run",
        "clear-relay connect portal --by NAME",
        "clear-relay cases resume {id}",
        "hooks synchronise",
        "cases list --open",
    ] {
        assert!(!is_right(wrong), "{wrong}");
    }
    for right in [
        "clients link",
        "jobs list --state dead",
        "clear-relay cases show {}",
    ] {
        assert!(is_right(right), "{right}");
    }
    let text = "let a = \"run `clear-relay hooks sync`, then `work list`\"; // `jobs list`";
    assert_eq!(
        commands(text),
        ["clear-relay hooks sync", "work list", "jobs list"]
    );
}

fn sources() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = vec![root.join("clear-relay.example.toml")];
    let mut folders = vec![
        root.join("src"),
        root.join("core/src"),
        root.join("procedures"),
    ];
    let adapters = fs::read_dir(root.join("adapters")).expect("a folder");
    folders.extend(adapters.map(|entry| entry.expect("an entry").path().join("src")));
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            let kind = path.extension().unwrap_or_default().to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if kind == "rs" || kind == "toml" {
                found.push(path);
            }
        }
    }
    found
}

/// The text with what a line's end cuts in two put together again.
fn joined(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let line = line.trim_start();
        let comment = ["//! ", "/// ", "// ", "# "];
        let line = comment
            .iter()
            .find_map(|mark| line.strip_prefix(mark))
            .unwrap_or(line);
        if let Some(cut) = line.strip_suffix('\\') {
            out.push_str(cut);
        } else {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

/// What stands in backticks and begins with a command, and what is written bare behind our name.
fn commands(text: &str) -> Vec<String> {
    let cli = Cli::command();
    let is_command = |word: &str| cli.get_subcommands().any(|known| known.get_name() == word);
    let mut found = Vec::new();
    for (index, span) in text.split('`').enumerate() {
        if index % 2 == 1 && !span.contains('\n') {
            let span = span.split(" >").next().unwrap_or_default();
            let words = span.strip_prefix("clear-relay ").unwrap_or(span);
            let mut words = words.split(' ');
            let several = words.clone().count() > 1 || span.starts_with("clear-relay ");
            let first = words.next().unwrap_or_default();
            // "work item" and "keap send email" are no commands and begin like one.
            let other_sense = ["work", "keap"].contains(&first)
                && words
                    .next()
                    .is_some_and(|next| matches!(next, "item" | "send"));
            if several && is_command(first) && !other_sense {
                found.push(span.to_owned());
            }
        } else if let Some((_, rest)) = span.split_once("clear-relay ") {
            let end = rest
                .find(['"', '\n', '>', ';', ',', '('])
                .unwrap_or(rest.len());
            let said = rest[..end].trim_end_matches(['.', ' ', ':']);
            if said.split(' ').next().is_some_and(is_command) {
                found.push(format!("clear-relay {said}"));
            }
        }
    }
    found
}

/// Whether a command is taken: named with our name or with any argument, as a whole; else as the
/// name of a command.
fn is_right(said: &str) -> bool {
    let said = said.trim_end_matches(" …").replace("...", "…");
    let words = said.strip_prefix("clear-relay ").unwrap_or(&said);
    if parses(&format!("clear-relay {words}")) {
        return true;
    }
    if said.starts_with("clear-relay ") && !said.contains('…') && words.contains(" -") {
        return false;
    }
    let cli = Cli::command();
    let mut command = &cli;
    for word in words
        .split(' ')
        .filter(|word| *word != "…" && !is_hole(word))
    {
        match command
            .get_subcommands()
            .find(|known| known.get_name() == word)
        {
            Some(next) => command = next,
            None => return false,
        }
    }
    // A command that needs something is named in a sentence without our name only.
    let needs = command.get_arguments().any(clap::Arg::is_required_set);
    !(said.starts_with("clear-relay ") && needs)
}

fn parses(command: &str) -> bool {
    let words: Vec<String> = words(command);
    let holes: Vec<usize> = (0..words.len()).filter(|at| is_hole(&words[*at])).collect();
    let combinations = SAMPLES.len().pow(u32::try_from(holes.len()).expect("few"));
    (0..combinations).any(|mut number| {
        let mut filled = words.clone();
        for hole in &holes {
            SAMPLES[number % SAMPLES.len()].clone_into(&mut filled[*hole]);
            number /= SAMPLES.len();
        }
        Cli::try_parse_from(filled).is_ok()
    })
}

/// The words as a shell would hand them over.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut quoted, mut escaped) = (vec![String::new()], false, false);
    for letter in command.chars() {
        match letter {
            _ if escaped => {
                escaped = false;
                words.last_mut().expect("a word").push(letter);
            }
            '\'' => quoted = !quoted,
            '\\' if !quoted => escaped = true,
            ' ' if !quoted => words.push(String::new()),
            other => words.last_mut().expect("a word").push(other),
        }
    }
    words
}

fn is_hole(word: &str) -> bool {
    let capitals = word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    capitals || word.contains('{')
}
