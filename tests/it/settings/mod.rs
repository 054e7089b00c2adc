//! No setting silently means something else: paths, variables, secrets, values.

mod paths;
mod secrets;
mod values;
mod variables;

use std::path::Path;
use std::process::{Command, Output};

/// Runs the program as somebody in `folder` would, with nothing of ours in the environment but
/// `variables`.
pub(crate) fn run(folder: &Path, variables: &[(&str, &str)], args: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_clear-relay"));
    program.current_dir(folder).args(args);
    program.envs(variables.iter().copied());
    program.output().expect("the binary starts")
}

/// All that was shown.
pub(crate) fn shown(output: &Output) -> String {
    let out = String::from_utf8_lossy(&output.stdout);
    let err = String::from_utf8_lossy(&output.stderr);
    format!("{out}{err}")
}
