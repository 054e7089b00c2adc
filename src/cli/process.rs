//! `serve`, `demo`, `sandbox`: the commands that run until they are ended.

use std::path::PathBuf;

use clap::Args;
use relay_core::effects::EffectKind;

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
    /// Write the comparison to this file.
    #[arg(long, value_name = "FILE", requires = "once")]
    pub report: Option<PathBuf>,
    /// Break the relay on purpose: drop or double one type of effect. Must make the play fail.
    #[arg(long, value_name = "drop:EFFECT|double:EFFECT", requires = "once")]
    pub sabotage: Option<Sabotage>,
    /// Play with this seed.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
}

/// What is broken on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    /// Effects of this kind are not carried out.
    Drop(EffectKind),
    /// Effects of this kind are carried out twice.
    Double(EffectKind),
}

impl std::str::FromStr for Sabotage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (how, name) = text
            .split_once(':')
            .ok_or("write drop:EFFECT or double:EFFECT")?;
        let kind = EffectKind::from_name(name).ok_or_else(|| {
            let known: Vec<_> = EffectKind::ALL.iter().map(|kind| kind.as_str()).collect();
            format!(
                "{name:?} is no effect; the effects are {}",
                known.join(", ")
            )
        })?;
        match how {
            "drop" => Ok(Self::Drop(kind)),
            "double" => Ok(Self::Double(kind)),
            _ => Err(format!("{how:?} is neither drop nor double")),
        }
    }
}

/// `sandbox`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct SandboxArgs {
    /// Listen on this port of this machine.
    #[arg(long, value_name = "PORT")]
    pub port: u16,
    /// Play this cast against a relay that runs separately.
    #[arg(long, value_name = "CAST")]
    pub play: Option<String>,
    /// Let the sandbox's time run N times as fast; the relay must run with the same N.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub time_scale: u32,
}
