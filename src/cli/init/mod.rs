//! `init`: a configuration to fill in, and the secrets it needs.
//!
//! People: whoever installs the relay, once; and the clinic, who answers the questions below the
//! configuration.
//!
//! Rules:
//! - Nothing is overwritten: if anything it would write is there, nothing is written at all.
//! - Secrets are made here, of the system's randomness, in files that only their owner can read.
//!   Those that a vendor makes get an empty file of the same kind, so that nobody has to think of
//!   its mode.
//! - What it writes works but for what only the clinic knows; `doctor --offline` names that.
//!
//! Not guaranteed: that two runs at the same moment in one folder see each other; the second then
//! fails at the first file.

mod form;

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use relay_core::random::Random;
use serde_json::json;

use super::error::CliError;
use super::output::Output;
use crate::config::{DEFAULT_FILE, example};
use crate::wiring::VENDORS;
use crate::wiring::vendor::{Secret, Vendor};

pub use form::{Question, questions};

/// `init`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct InitArgs {
    /// The configuration file to write; secrets go into a folder beside it.
    #[arg(long, value_name = "FILE", default_value = DEFAULT_FILE)]
    pub path: PathBuf,
    /// Leave a vendor off, by its name (keap, portal): coaches do by hand what would go through it.
    #[arg(long, value_name = "VENDOR")]
    pub without: Vec<String>,
    /// Print what would be written, without the secrets, and write nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// The folder of secrets, beside the configuration.
const FOLDER: &str = "secrets";
/// Bytes of a secret: more than anybody guesses, and what the signature scheme asks for.
const BYTES: usize = 32;
const ONLY_OWNER: u32 = 0o600;

/// Where the example is changed, but for the vendors' sections: section, line, what stands there
/// instead.
const CHANGES: [(&str, &str, &str); 1] = [(
    "[clinic]",
    "holidays = [\"2026-11-26\", \"2026-12-25\"]",
    "holidays = []",
)];

/// The vendors that are used.
fn used(without: &[String]) -> impl Iterator<Item = &'static Vendor> {
    let vendors = VENDORS.iter().copied();
    vendors.filter(|vendor| !without.iter().any(|name| name == vendor.name))
}

/// Every change, that of the vendors too.
fn changes(
    without: &[String],
) -> impl Iterator<Item = &'static (&'static str, &'static str, &'static str)> {
    let vendors = used(without).flat_map(|vendor| vendor.form.changes);
    CHANGES.iter().chain(vendors)
}

fn refuse_strangers(without: &[String]) -> Result<(), CliError> {
    let known: Vec<&str> = VENDORS.iter().map(|vendor| vendor.name).collect();
    match without.iter().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(CliError::Usage(format!(
            "--without: there is no vendor {name:?}; there are {}",
            known.join(", ")
        ))),
    }
}

/// A file to write.
struct New {
    path: PathBuf,
    content: String,
    /// For people: what it is.
    what: &'static str,
    mode: u32,
}

/// Writes a configuration and its secrets.
pub fn run(args: &InitArgs, random: &dyn Random, out: &mut Output<'_>) -> Result<(), CliError> {
    refuse_strangers(&args.without)?;
    let text = configuration(&args.without)?;
    let folder = args.path.parent().unwrap_or(Path::new("")).join(FOLDER);
    let files = files(args, &folder, text.clone(), random);
    refuse_to_overwrite(&files)?;
    if args.dry_run {
        let json = json!({ "would_write": args.path, "configuration": text });
        return Ok(out.emit(&json, &text)?);
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)
        .map_err(|error| failed(&folder, &error))?;
    write(&files)?;
    let names: Vec<String> = files.iter().map(|f| f.path.display().to_string()).collect();
    let lines: Vec<String> = files
        .iter()
        .map(|file| format!("  {}: {}", file.path.display(), file.what))
        .collect();
    let human = format!(
        "written:\n{}\nWhat is still to be filled in:  clear-relay --config {} doctor --offline",
        lines.join("\n"),
        args.path.display()
    );
    Ok(out.emit(&json!({ "written": names }), &human)?)
}

fn files(args: &InitArgs, folder: &Path, text: String, random: &dyn Random) -> Vec<New> {
    let secrets = used(&args.without).flat_map(|vendor| vendor.form.secrets);
    let mut files: Vec<New> = secrets
        .map(|secret| New {
            path: folder.join(secret.file),
            content: content(secret.content, random),
            what: secret.what,
            mode: ONLY_OWNER,
        })
        .collect();
    files.push(New {
        path: args.path.clone(),
        content: text,
        what: "the configuration, with the clinic's questions at its end",
        mode: 0o644,
    });
    files
}

fn content(secret: Secret, random: &dyn Random) -> String {
    let bytes = || {
        let mut bytes = [0_u8; BYTES];
        random.fill(&mut bytes);
        bytes
    };
    match secret {
        Secret::OfVendor => String::new(),
        Secret::Hex => format!("{}\n", hex::encode(bytes())),
        Secret::WebhookKey => format!("whsec_{}\n", STANDARD.encode(bytes())),
    }
}

fn refuse_to_overwrite(files: &[New]) -> Result<(), CliError> {
    let there: Vec<String> = files
        .iter()
        .filter(|file| file.path.symlink_metadata().is_ok())
        .map(|file| file.path.display().to_string())
        .collect();
    if there.is_empty() {
        return Ok(());
    }
    Err(CliError::Usage(format!(
        "--path: nothing is overwritten, and there is already: {}; name another folder",
        there.join(", ")
    )))
}

/// Writes each file anew. What was written before one that fails is taken away again: a second
/// try must not stumble over it.
fn write(files: &[New]) -> Result<(), CliError> {
    for (index, file) in files.iter().enumerate() {
        let made = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(file.mode)
            .open(&file.path)
            .and_then(|mut open| open.write_all(file.content.as_bytes()));
        if let Err(error) = made {
            for before in &files[..index] {
                // It fails anyway; what can't be taken away is named by the next try.
                let _ = std::fs::remove_file(&before.path);
            }
            return Err(failed(&file.path, &error));
        }
    }
    Ok(())
}

fn failed(path: &Path, error: &std::io::Error) -> CliError {
    CliError::Failed(format!("{} can't be written: {error}", path.display()))
}

/// The example as a clinic starts with it, and the form.
fn configuration(without: &[String]) -> Result<String, CliError> {
    let mut section = String::new();
    let mut text = String::new();
    for line in example().lines() {
        if line.starts_with('[') {
            line.clone_into(&mut section);
        }
        let change =
            changes(without).find(|(within, before, _)| *within == section && *before == line);
        text.push_str(change.map_or(line, |(_, _, after)| after));
        text.push('\n');
    }
    let questions = questions().map_err(CliError::Failed)?;
    text.push_str(&form::write(&questions));
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_meets_a_line_of_the_example() {
        for (section, before, _) in changes(&[]) {
            let example = example();
            let (_, rest) = example.split_once(section).expect(section);
            let end = rest.find("\n[").unwrap_or(rest.len());
            let lines: Vec<&str> = rest[..end].lines().collect();
            assert!(lines.contains(before), "{section} {before}");
        }
    }
}
