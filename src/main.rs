//! The binary: reads the command line, carries it out, says how it went.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;

use clear_relay::cli::{Cli, CliError, Command, Output, plain, run};
use clear_relay::lifecycle;
use clear_relay::telemetry::{self, LogWriter};
use clear_relay::wiring::store::SqliteStores;

/// How long the process waits at its end for work on other threads that nobody waits for any more,
/// such as a look at a disk that does not answer. Real time.
const LEFT_BEHIND: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let cli = Cli::parse();
    telemetry::log_panics();
    // A relay outlives whoever reads its output: a pipe that is full must hold up neither its start
    // nor its end. Whoever waits for a command's result wants all of it, however long that takes.
    let done = match &cli.command {
        Command::Serve(args) if !args.dry_run => {
            match LogWriter::start(std::io::stdout(), |_| {}) {
                Ok(mut stdout) => {
                    let done = carry_out(&cli, &mut stdout);
                    stdout.flush();
                    done
                }
                Err(error) => Err(error.into()),
            }
        }
        _ => carry_out(&cli, &mut std::io::stdout()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&cli, &error);
            error.exit_code()
        }
    }
}

/// Says on standard error why the command failed. Where that is closed, or where nobody reads what a
/// relay says, the exit code has to do.
fn say(cli: &Cli, error: &CliError) {
    let line = format!("clear-relay: {}\n", plain(&error.to_string()));
    if let Command::Serve(_) = &cli.command {
        if let Ok(mut stderr) = LogWriter::start(std::io::stderr(), |_| {}) {
            let _ = stderr.write_all(line.as_bytes());
            stderr.flush();
        }
        return;
    }
    let _ = std::io::stderr().write_all(line.as_bytes());
}

fn carry_out(cli: &Cli, stdout: &mut (dyn Write + Send)) -> Result<(), CliError> {
    let runtime = lifecycle::runtime()?;
    let mut out = Output::new(stdout, cli.json);
    let done = runtime.block_on(run(cli, &SqliteStores, &mut out));
    runtime.shutdown_timeout(LEFT_BEHIND);
    done
}
