//! The binary: reads the command line, carries it out, says how it went.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use clear_relay::cli::{Cli, CliError, Output, plain, run};
use clear_relay::lifecycle;
use clear_relay::wiring::store::SqliteStores;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match carry_out(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where standard error is closed, the exit code has to do.
            let error_text = plain(&error.to_string());
            let _ = writeln!(std::io::stderr(), "clear-relay: {error_text}");
            error.exit_code()
        }
    }
}

fn carry_out(cli: &Cli) -> Result<(), CliError> {
    let runtime = lifecycle::runtime()?;
    let mut stdout = std::io::stdout();
    let mut out = Output::new(&mut stdout, cli.json);
    runtime.block_on(run(cli, &SqliteStores, &mut out))
}
