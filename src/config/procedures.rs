//! `[procedures]`: which procedures run, and whether they act.

use std::path::PathBuf;

use relay_core::case::Mode;

use super::reader::Reader;

pub(super) const EXAMPLE: &str = r#"[procedures.missed_check_in]
# "propose" computes and shows everything and sends nothing; "act" carries it out. A case keeps
# the mode it was opened in.
mode = "propose"
# A folder with missed-check-in.toml and scripts/, to be used instead of what is built in.
#path = "procedures"
"#;

/// How one procedure runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcedureConfig {
    /// The mode new cases are opened in. [`Mode::Propose`] unless it says otherwise.
    pub mode: Mode,
    /// The folder that replaces the built-in parameters and scripts.
    pub path: Option<PathBuf>,
}

/// The section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProceduresConfig {
    /// Following up a missed check-in.
    pub missed_check_in: ProcedureConfig,
}

impl ProceduresConfig {
    pub(super) fn read(mut reader: Reader<'_>) -> Self {
        let missed_check_in = ProcedureConfig::read(reader.section("missed_check_in"));
        reader.finish();
        Self { missed_check_in }
    }
}

impl ProcedureConfig {
    fn read(mut reader: Reader<'_>) -> Self {
        let modes = [("propose", Mode::Propose), ("act", Mode::Act)];
        let config = Self {
            mode: reader.choice("mode", &modes, Mode::Propose),
            path: reader.text("path").map(PathBuf::from),
        };
        reader.finish();
        config
    }
}
