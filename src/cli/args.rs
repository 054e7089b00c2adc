//! Arguments that several commands share.

use clap::Args;
use relay_store::Page;

/// Who does it, for the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct By {
    /// Your name, for the audit log.
    #[arg(long, value_name = "NAME", value_parser = words)]
    pub by: String,
}

/// A text that says something: an audit log with nobody's name in it is none.
pub(super) fn words(text: &str) -> Result<String, &'static str> {
    match text.trim() {
        "" => Err("it says nothing"),
        said => Ok(said.to_owned()),
    }
}

/// Look only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct DryRun {
    /// Show what would happen and change nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// A part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct Paging {
    /// At most so many.
    #[arg(long, default_value_t = 100, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
    /// Leave out so many first.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub offset: u32,
}

impl Paging {
    /// As the store takes it.
    pub fn page(self) -> Page {
        Page {
            offset: self.offset,
            limit: self.limit,
        }
    }
}
