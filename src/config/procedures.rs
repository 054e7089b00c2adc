//! `[procedures]`: which procedures run, and whether they act.

use std::path::{Path, PathBuf};

use relay_core::case::Mode;
use relay_core::procedure::{MissedCheckInProcedure, Mistake, Mistakes};

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
    /// The procedure, from the folder or as built in, in the configured mode. The configuration
    /// decides the mode, whatever the procedure's own file says: one switch, in one place.
    pub fn missed_check_in(&self) -> Result<MissedCheckInProcedure, Mistakes> {
        let mut procedure = match &self.path {
            None => MissedCheckInProcedure::shipped()?,
            Some(folder) => from_folder(folder)?,
        };
        procedure.mode = self.mode;
        Ok(procedure)
    }

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

fn from_folder(folder: &Path) -> Result<MissedCheckInProcedure, Mistakes> {
    let file = folder.join("missed-check-in.toml");
    let text = std::fs::read_to_string(&file).map_err(|error| {
        Mistakes(vec![Mistake {
            key: String::new(),
            problem: format!("{} can't be read ({})", file.display(), error.kind()),
            remedy: "name a folder with missed-check-in.toml and scripts/".to_owned(),
        }])
    })?;
    let scripts = folder.join("scripts");
    MissedCheckInProcedure::parse(&text, |name| {
        // A script is a file of the folder, not a way out of it.
        let plain = Path::new(name).file_name().is_some_and(|file| file == name);
        plain
            .then(|| std::fs::read_to_string(scripts.join(name)).ok())
            .flatten()
    })
}
