//! `serve`, `demo`, `sandbox`: the commands that run until they are ended.

use std::path::PathBuf;

use clap::Args;
use url::Url;

use crate::sandbox::cast::shipped_names;
use crate::sandbox::sabotage::Sabotage;

/// `serve`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ServeArgs {
    /// Let procedure time run N times as fast. Refused unless every `base_url` is on this machine.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub time_scale: u32,
    /// Check the configuration and the database, and end.
    #[arg(long)]
    pub dry_run: bool,
}

/// `demo`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct DemoArgs {
    /// Play the full cast unattended and compare what each vendor accepted with expectations.
    #[arg(long)]
    pub once: bool,
    /// The name of the cast that is played.
    #[arg(long, default_value = "full", value_name = "CAST", requires = "once", help = cast_help())]
    pub cast: String,
    /// Write the comparison to this file: JSON if its name ends in .json, else Markdown.
    #[arg(long, value_name = "FILE", requires = "once")]
    pub report: Option<PathBuf>,
    /// Break the relay on purpose: drop or double one type of effect. Must make the play fail.
    #[arg(long, value_name = "drop:EFFECT|double:EFFECT", requires = "once")]
    pub sabotage: Option<Sabotage>,
    /// Play with this seed.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// Serve the page on this port of this machine; 0 is any that is free.
    #[arg(
        long,
        default_value_t = 0,
        value_name = "PORT",
        conflicts_with = "once"
    )]
    pub port: u16,
    /// Show it in the terminal only.
    #[arg(long, conflicts_with = "once")]
    pub no_page: bool,
    /// Keep the page after the story's end, although no terminal is attached.
    #[arg(long, conflicts_with = "once")]
    pub keep: bool,
}

fn cast_help() -> String {
    format!(
        "Which cast: {}; full plays those after it, too",
        shipped_names()
    )
}

fn play_help() -> String {
    format!(
        "Play this cast ({}, or a file) against a relay that runs separately. What its people do with the \
         relay itself is left out: there is a command line for that",
        shipped_names()
    )
}

/// `sandbox`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct SandboxArgs {
    /// Listen on this port of this machine.
    #[arg(long, value_name = "PORT")]
    pub port: u16,
    /// The cast that is played against a relay that runs separately.
    #[arg(long, value_name = "CAST", help = play_help())]
    pub play: Option<String>,
    /// Let the sandbox's time run N times as fast; the relay must run with the same N.
    #[arg(long, default_value_t = 1, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub time_scale: u32,
    /// Where the relay is, for the events that vendors send.
    #[arg(long, default_value = "http://127.0.0.1:8080/", value_name = "URL")]
    pub relay_url: Url,
    /// Write the configuration with which a relay works against this sandbox, and go on.
    #[arg(long, value_name = "FILE")]
    pub write_config: Option<PathBuf>,
    /// Make the ids of the sandbox from this seed.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
}
