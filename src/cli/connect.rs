//! `connect`: how the relay is let in by the vendors.
//!
//! A code never stands on the command line, where every user of the machine can read it: it comes
//! back to the relay's own route, or is pasted into a file or the standard input.

use std::fmt::Write as _;
use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use relay_core::random::SystemRandom;
use relay_http_client::ReqwestTransport;
use relay_store::Store;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::args::By;
use super::error::CliError;
use super::opening::Opened;
use super::output::{Output, Table, or_dash};
use super::{clocks, serve};
use crate::config::Config;
use crate::credentials::new_key;
use crate::ports::{Authorize as _, CameBack, ConnectError, ConnectionStatus, Connections as _};
use crate::remedy::RemedyCommand;
use crate::wiring::keap::connection::KeapConnection;

/// The longest address that is read.
const MAX_ADDRESS: u64 = 16 * 1024;

/// `connect …`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum ConnectCommand {
    /// Connect the relay to Keap (credential = "oauth"), or prove its key.
    Keap(ConnectArgs),
    /// How each connection stands. Asks no vendor and shows no secret.
    Status,
    /// Print a new encryption key, for `secrets.encryption_key_file`.
    NewKey,
}

/// Arguments of `connect keap`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ConnectArgs {
    /// Who does it, for the audit log.
    #[command(flatten)]
    pub by: By,
    /// Finish what was begun: read the whole address that the browser was sent back to from this
    /// file, or from the standard input with "-".
    #[arg(long, value_name = "PATH")]
    pub code_file: Option<PathBuf>,
    /// Show what would happen and change nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// Prints a new key.
pub(super) fn print_new_key(out: &mut Output<'_>) -> Result<(), CliError> {
    let key = new_key(&SystemRandom);
    let key = key.expose_secret();
    Ok(out.emit(&json!({ "encryption_key": key }), key)?)
}

/// Connects, or tells how the connections stand. Needs no vendor but the one that is connected.
pub(super) async fn run(
    config: &Config,
    command: &ConnectCommand,
    store: Arc<dyn Store>,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    let (clocks, time_scale) = clocks::of_command(&*store).await?;
    let transport = ReqwestTransport::new().map_err(|error| CliError::Failed(error.to_string()))?;
    let runtime = serve::runtime(store, Arc::new(transport), Opened { clocks, time_scale });
    let connection = KeapConnection::new(config, &runtime, Arc::clone(&runtime.transport))?;
    match command {
        ConnectCommand::Keap(args) => keap(config, &connection, args, out).await,
        _ => show(&connection.status().await?, out),
    }
}

async fn keap(
    config: &Config,
    connection: &KeapConnection,
    args: &ConnectArgs,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    if !config.vendors.keap.is_oauth() {
        if args.code_file.is_some() {
            let kind = config.vendors.keap.credential.as_str();
            return Err(CliError::Usage(format!(
                "keap.credential is {kind:?}, which brings no code; write \"oauth\" to connect by \
                 tokens"
            )));
        }
        // A key needs no connecting; whether it is good is what somebody wants to know.
        return proven(connection.prove().await?, out);
    }
    let came_back = args.code_file.as_deref().map(read).transpose()?;
    if args.dry_run {
        return preview(config, connection, came_back.is_some(), out).await;
    }
    match came_back {
        None => {
            let begun = connection.begin(&args.by.by).await.map_err(failed)?;
            let human = format!(
                "Open this page, sign in to Keap as an admin, and allow access before {}:\n\n{}\n\n\
                 Keap then sends the browser to the relay, which finishes by itself. If the relay \
                 can't be reached there, copy the whole address from the browser and run\n\n    \
                 {}",
                out.time(begun.expires_at),
                begun.url,
                RemedyCommand::ConnectKeapPasted,
            );
            let json = json!({ "url": begun.url, "expires_at": begun.expires_at });
            Ok(out.emit(&json, &human)?)
        }
        Some(came_back) => proven(connection.finish(came_back).await.map_err(failed)?, out),
    }
}

/// What connecting would do.
async fn preview(
    config: &Config,
    connection: &KeapConnection,
    pasted: bool,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    let oauth = &config.vendors.keap.oauth;
    let back = config
        .vendors
        .keap
        .redirect_url(config.http.public_url.as_ref());
    let would = if pasted {
        format!("would take tokens from {} and store them", oauth.token_url)
    } else {
        format!(
            "would print the address of a page at {}; it sends the browser back to {}",
            oauth.authorize_url,
            or_dash(back.as_ref())
        )
    };
    let status = connection.status().await?;
    let json = json!({ "dry_run": true, "would": would, "redirect_url": back,
                       "connections": status });
    Ok(out.emit(&json, &format!("{would}\n\n{}", table(&status, out)))?)
}

fn failed(error: ConnectError) -> CliError {
    match error {
        ConnectError::Store(error) => error.into(),
        other => CliError::Failed(other.to_string()),
    }
}

/// A connection that was made, or a key that was tried: it is only good if a call says so.
fn proven(status: ConnectionStatus, out: &mut Output<'_>) -> Result<(), CliError> {
    let problem = status.problem.clone();
    show(&[status], out)?;
    match problem {
        None => Ok(()),
        Some(problem) => Err(CliError::Failed(problem)),
    }
}

fn show(connections: &[ConnectionStatus], out: &mut Output<'_>) -> Result<(), CliError> {
    let human = table(connections, out);
    Ok(out.emit(&json!({ "connections": connections }), &human)?)
}

fn table(connections: &[ConnectionStatus], out: &Output<'_>) -> String {
    let mut table = Table::new(&[
        "CONNECTION",
        "CREDENTIAL",
        "STATE",
        "TENANT",
        "ACCESS UNTIL",
        "REFRESH UNTIL",
        "REFRESHED",
    ]);
    let time = |at: Option<_>| or_dash(at.map(|at| out.time(at)));
    let mut rest = String::new();
    for one in connections {
        table.row([
            one.name.clone(),
            one.kind.clone(),
            one.state.as_str().to_owned(),
            or_dash(one.tenant.as_ref()),
            time(one.access_expires_at),
            time(one.refresh_expires_at),
            time(one.refreshed_at),
        ]);
        let lines = [("problem", &one.problem), ("remedy", &one.remedy)];
        for (what, text) in lines {
            if let Some(text) = text {
                // Writing to a string can't fail.
                let _ = writeln!(rest, "{}: {what}: {text}", one.name);
            }
        }
    }
    let table = table.render("there is no connection");
    if rest.is_empty() {
        return table;
    }
    format!("{table}\n{rest}")
}

/// Reads the address that a browser was sent back to.
fn read(path: &Path) -> Result<CameBack, CliError> {
    let unreadable = |error: std::io::Error| {
        CliError::Usage(format!("--code-file: {}: {}", path.display(), error.kind()))
    };
    let text = if path == Path::new("-") {
        let mut line = String::new();
        let input = std::io::Read::take(std::io::stdin().lock(), MAX_ADDRESS);
        std::io::BufReader::new(input)
            .read_line(&mut line)
            .map_err(unreadable)?;
        SecretString::from(line)
    } else {
        SecretString::from(std::fs::read_to_string(path).map_err(unreadable)?)
    };
    CameBack::read(text.expose_secret()).ok_or_else(|| {
        CliError::Usage(
            "--code-file: this is not the address that Keap sent the browser to; copy all of it, \
             with `code=` and `state=`"
                .to_owned(),
        )
    })
}
