//! `doctor`: everything that is wrong, at once, with what to do about it.
//!
//! `serve` asks the same checks before it starts, but for those that ask a vendor: a vendor that
//! can't be reached must not keep the relay from receiving webhooks of the other.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use clap::Args;
use relay_core::time::{Clock as _, Clocks, SystemClock};
use relay_http_client::{ReqwestTransport, Transport};
use relay_store::Store;
use serde_json::json;

use super::clocks;
use super::error::CliError;
use super::output::Output;
use crate::config::Examined;
use crate::doctor::{self, Finding, Local, Machine, Severity, ThisMachine};
use crate::ports::{Stores, Version};
use crate::wiring::inspect::{inspectors, needs_store};

/// Where a line for people ends.
const WIDTH: usize = 80;
/// What stands before a finding's text: two blanks, its severity, two blanks.
const INDENT: usize = 11;

/// `doctor`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Args)]
pub struct DoctorArgs {
    /// Ask no vendor.
    #[arg(long)]
    pub offline: bool,
    /// End with exit code 1 for warnings, too.
    #[arg(long)]
    pub strict: bool,
}

/// What the doctor stands on.
pub struct Runtime<'a> {
    /// The databases.
    pub stores: &'a dyn Stores,
    /// The machine.
    pub machine: &'a dyn Machine,
    /// The way to the vendors.
    pub transport: Arc<dyn Transport>,
    /// The two clocks.
    pub clocks: Clocks,
}

impl std::fmt::Debug for Runtime<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime").finish_non_exhaustive()
    }
}

/// Looks at everything and shows what it found. Exit code 0 without a fault, 1 with one.
pub async fn run(
    examined: &Examined,
    args: &DoctorArgs,
    stores: &dyn Stores,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    let transport = ReqwestTransport::new().map_err(|error| CliError::Failed(error.to_string()))?;
    let runtime = Runtime {
        stores,
        machine: &ThisMachine,
        transport: Arc::new(transport),
        clocks: clocks_of(examined, stores).await,
    };
    examine(examined, args, &runtime, out).await
}

/// The same, over any runtime.
pub async fn examine(
    examined: &Examined,
    args: &DoctorArgs,
    runtime: &Runtime<'_>,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    let local = Local {
        examined,
        stores: runtime.stores,
        machine: runtime.machine,
        thorough: true,
        now: runtime.clocks.procedure.now(),
    };
    let asked = match &examined.config {
        Some(config) if !args.offline => {
            let store = if needs_store(config) {
                open(&config.store.path, runtime.stores).await
            } else {
                None
            };
            inspectors(config, &runtime.transport, &runtime.clocks, store)
        }
        _ => Vec::new(),
    };
    let findings = doctor::everything(&local, &asked).await;
    show(&findings, *args, out)?;
    let count = |severity| findings.iter().filter(|f| f.severity == severity).count();
    match (count(Severity::Fault), count(Severity::Warning)) {
        (0, 0) => Ok(()),
        (0, warnings) if args.strict => Err(CliError::Failed(format!(
            "the doctor found {}",
            counted(warnings, "warning")
        ))),
        (0, _) => Ok(()),
        (faults, _) => Err(CliError::Failed(format!(
            "the doctor found {}",
            counted(faults, "fault")
        ))),
    }
}

/// The clocks stored with the data, as every other command has them; the machine's, where there is
/// no database to ask.
async fn clocks_of(examined: &Examined, stores: &dyn Stores) -> Clocks {
    let path = examined.config.as_ref().map(|config| &config.store.path);
    let store = match path {
        Some(path) => open(path, stores).await,
        None => None,
    };
    let Some(store) = store else {
        return Clocks::system();
    };
    let told = clocks::of_command(&*store).await;
    told.map_or_else(|_| Clocks::system(), |(clocks, _)| clocks)
}

/// The database, if there is one of this version: a doctor makes none and changes none.
async fn open(path: &Path, stores: &dyn Stores) -> Option<Arc<dyn Store>> {
    if !path.is_file() {
        return None;
    }
    let look = stores.look(path, false).await.ok()?;
    if look.version != Version::Current {
        return None;
    }
    stores.open(path).await.ok()
}

/// Refuses to serve with a fault that no vendor has to be asked for. All of them at once.
pub(super) async fn refuse_half_configured(
    examined: &Examined,
    stores: &dyn Stores,
) -> Result<(), CliError> {
    let local = Local {
        examined,
        stores,
        machine: &ThisMachine,
        thorough: false,
        now: SystemClock.now(),
    };
    let mut faults = doctor::local(&local).await;
    faults.retain(|finding| finding.severity == Severity::Fault);
    if faults.is_empty() {
        return Ok(());
    }
    let mut text = format!(
        "can't serve: {}; `clear-relay doctor` tells more",
        counted(faults.len(), "fault")
    );
    for fault in &faults {
        let _ = write!(text, "\n  {}; {}", fault.what, fault.remedy);
    }
    Err(CliError::Usage(text))
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn show(findings: &[Finding], args: DoctorArgs, out: &mut Output<'_>) -> Result<(), CliError> {
    let count = |severity| findings.iter().filter(|f| f.severity == severity).count();
    let (faults, warnings) = (count(Severity::Fault), count(Severity::Warning));
    let document = json!({
        "healthy": faults == 0,
        "asked_vendors": !args.offline,
        "faults": faults,
        "warnings": warnings,
        "notes": count(Severity::Note),
        "findings": findings,
    });
    let mut text = String::new();
    let mut area = None;
    for finding in findings {
        if area != Some(finding.area) {
            area = Some(finding.area);
            // Writing to a string can't fail.
            let _ = writeln!(text, "{}", finding.area.title());
        }
        let head = format!("  {:<9}", finding.severity.as_str());
        wrap(&mut text, &head, &finding.what);
        if !finding.remedy.is_empty() {
            wrap(&mut text, "           → ", &finding.remedy);
        }
    }
    let offline = if args.offline {
        "; no vendor was asked"
    } else {
        ""
    };
    let _ = write!(
        text,
        "\n{}, {}, {}{offline}",
        counted(faults, "fault"),
        counted(warnings, "warning"),
        counted(count(Severity::Note), "note")
    );
    Ok(out.emit(&document, &text)?)
}

/// Writes `words` after `head`, in lines of at most [`WIDTH`] where the words allow it.
fn wrap(text: &mut String, head: &str, words: &str) {
    let indent = INDENT.max(head.chars().count());
    let mut column = head.chars().count();
    text.push_str(head);
    let mut first = true;
    for word in words.split_whitespace() {
        let length = word.chars().count();
        if !first && column + 1 + length > WIDTH {
            let _ = write!(text, "\n{:indent$}", "");
            column = indent;
        } else if !first {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += length;
        first = false;
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_sentences_are_wrapped_below_their_first_word() {
        let mut text = String::new();
        wrap(&mut text, "  fault    ", &"seven77 ".repeat(12));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(lines.iter().all(|line| line.len() <= WIDTH), "{text}");
        assert!(lines[1].starts_with("           seven77"), "{text}");
    }
}
