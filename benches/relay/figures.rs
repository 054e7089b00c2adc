//! Figures: printed as they are found, kept as JSON, compared with those of another version.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Trouble;

/// Every latency of a measurement; percentiles are exact because nothing is thrown away.
#[derive(Debug, Default)]
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(crate) fn add(&mut self, took: Duration) {
        self.0.push(took);
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn sort(&mut self) {
        self.0.sort_unstable();
    }

    /// The smallest latency that `per_mille` of all do not exceed. Sorted before.
    pub(crate) fn percentile(&self, per_mille: usize) -> Duration {
        let rank = (self.0.len() * per_mille).div_ceil(1000).max(1);
        self.0.get(rank - 1).copied().unwrap_or_default()
    }
}

/// The middle one; the mean of the two in the middle of an even number.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match (sorted.len() % 2, sorted.get(middle)) {
        (1, Some(value)) => *value,
        (_, Some(upper)) => f64::midpoint(sorted[middle - 1], *upper),
        (_, None) => 0.0,
    }
}

pub(crate) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

pub(crate) fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// What a figure is to be.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Aim {
    /// The value itself: at least.
    AtLeast(f64),
    /// The value itself: at most.
    AtMost(f64),
    /// Its ratio to the baseline: at least.
    RatioAtLeast(f64),
    /// Its ratio to the baseline: at most.
    RatioAtMost(f64),
}

/// One figure.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Figure {
    name: String,
    value: f64,
    unit: String,
    /// To what was measured beside it in the same run.
    ratio: Option<f64>,
    aim: Option<Aim>,
}

impl Figure {
    pub(crate) fn new(name: impl Into<String>, value: f64, unit: &str) -> Self {
        Self {
            name: name.into(),
            value,
            unit: unit.to_owned(),
            ratio: None,
            aim: None,
        }
    }

    pub(crate) fn to(mut self, baseline: f64) -> Self {
        self.ratio = (baseline > 0.0).then(|| self.value / baseline);
        self
    }

    pub(crate) fn aim(mut self, aim: Aim) -> Self {
        self.aim = Some(aim);
        self
    }

    fn met(&self) -> Option<bool> {
        let ratio = self.ratio.unwrap_or_default();
        Some(match self.aim? {
            Aim::AtLeast(least) => self.value >= least,
            Aim::AtMost(most) => self.value <= most,
            Aim::RatioAtLeast(least) => ratio >= least,
            Aim::RatioAtMost(most) => ratio <= most,
        })
    }

    fn line(&self) -> String {
        let ratio = self
            .ratio
            .map_or_else(String::new, |ratio| format!("x{ratio:.3}"));
        let aim = match self.aim {
            None => String::new(),
            Some(Aim::AtLeast(least)) => format!("aim >= {least}"),
            Some(Aim::AtMost(most)) => format!("aim <= {most}"),
            Some(Aim::RatioAtLeast(least)) => format!("aim >= x{least}"),
            Some(Aim::RatioAtMost(most)) => format!("aim <= x{most}"),
        };
        let met = match self.met() {
            None => "",
            Some(true) => "met",
            Some(false) => "NOT MET",
        };
        let Self {
            name, value, unit, ..
        } = self;
        format!("  {name:<44} {value:>12.3} {unit:<6} {ratio:<9} {aim:<14} {met}")
            .trim_end()
            .to_owned()
    }
}

/// Prints a line.
pub(crate) fn say(line: &str) -> Result<(), Trouble> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}

/// The figures of a run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Whether it was a short one: only runs of one kind can be compared.
    quick: bool,
    figures: Vec<Figure>,
}

impl Report {
    pub(crate) fn new(quick: bool) -> Self {
        Self {
            quick,
            figures: Vec::new(),
        }
    }

    pub(crate) fn read(path: &Path) -> Result<Self, Trouble> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()).into())
    }

    pub(crate) fn write(&self, path: &Path) -> Result<(), Trouble> {
        std::fs::write(path, serde_json::to_vec_pretty(self)?)
            .map_err(|error| format!("{}: {error}", path.display()).into())
    }

    pub(crate) fn add(&mut self, figure: Figure) -> Result<(), Trouble> {
        say(&figure.line())?;
        self.figures.push(figure);
        Ok(())
    }

    pub(crate) fn compare(&self, old: &Self) -> Result<(), Trouble> {
        if self.quick != old.quick {
            return Err("--compare: one run was --quick and the other was not".into());
        }
        say("\ncompared: old, new, new / old")?;
        for figure in &self.figures {
            let before = old.figures.iter().find(|old| old.name == figure.name);
            let Some(before) = before else {
                say(&format!("  {:<44} new", figure.name))?;
                continue;
            };
            let change = if before.value == 0.0 {
                f64::NAN
            } else {
                figure.value / before.value
            };
            say(&format!(
                "  {:<44} {:>12.3} {:>12.3} {:<6} x{change:.3}",
                figure.name, before.value, figure.value, figure.unit
            ))?;
        }
        Ok(())
    }
}
