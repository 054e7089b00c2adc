//! `[log]`: how much is logged, and in which form.

use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::Targets;

use super::reader::Reader;
use super::vendors::CRATES;
use crate::telemetry::{LogConfig, LogFormat};

pub(super) const EXAMPLE: &str = r#"[log]
# "human", or "json" with one object per line.
format = "human"
# error, warn, info, debug, trace; or per part: "info,relay_keap=debug". Errors can't be switched off.
level = "info"
"#;

/// Our parts but for the vendors' adapters, as a filter names them. A filter must leave the errors of
/// each.
const PARTS: [&str; 5] = [
    "clear_relay",
    "relay_core",
    "relay_http_client",
    "relay_store",
    "relay_store_sqlite",
];

impl LogConfig {
    pub(super) fn read(mut reader: Reader<'_>) -> Self {
        let default = Self::default();
        let formats = [("human", LogFormat::Human), ("json", LogFormat::Json)];
        let format = reader.choice("format", &formats, default.format);
        let mut level = reader
            .text("level")
            .unwrap_or_else(|| default.level.clone());
        if EnvFilter::builder().parse(&level).is_err() {
            reader.mistake(
                "level",
                format!("{level:?} is no filter"),
                "write error, warn, info, debug or trace, or \"info,relay_keap=debug\"",
            );
            level = default.level;
        } else if let Some(part) = silenced(&level) {
            reader.mistake(
                "level",
                format!("{level:?} leaves out errors of {part}"),
                "write error, warn, info, debug or trace; a filter by part begins with a level for \
                 the rest, such as \"warn,relay_keap=debug\"",
            );
            level = default.level;
        }
        reader.finish();
        Self { format, level }
    }
}

fn parts() -> impl Iterator<Item = &'static str> {
    PARTS.into_iter().chain(CRATES.iter().copied())
}

/// The part whose errors a filter leaves out, if it does: by `off`, or because it names other parts
/// only and no level for the rest.
fn silenced(level: &str) -> Option<&str> {
    let directives = level.split(',').map(str::trim);
    let directives: Vec<&str> = directives.filter(|text| !text.is_empty()).collect();
    if directives.is_empty() {
        // The filter itself then takes errors for the level of everything.
        return None;
    }
    // One on spans only adds to what is logged, and `Targets` doesn't know it.
    let by_target: Vec<&str> = directives
        .into_iter()
        .filter(|text| !text.contains('['))
        .collect();
    let off = by_target.iter().find_map(|directive| {
        let (target, level) = directive.rsplit_once('=')?;
        let is_off = level.trim().eq_ignore_ascii_case("off") || level.trim() == "0";
        let is_ours = parts().any(|part| target.trim().starts_with(part));
        (is_off && is_ours).then(|| target.trim())
    });
    if off.is_some() {
        return off;
    }
    let targets = if by_target.is_empty() {
        Targets::new()
    } else {
        // What can't be read here was read by the filter itself; then nothing is known.
        by_target.join(",").parse().ok()?
    };
    parts().find(|part| !targets.would_enable(part, &Level::ERROR))
}

#[cfg(test)]
mod tests {
    use super::silenced;

    #[test]
    fn a_filter_that_leaves_out_errors_of_ours_is_told_by_the_part() {
        for (level, part) in [
            ("off", "clear_relay"),
            ("OFF", "clear_relay"),
            ("relay_keap=debug", "clear_relay"),
            ("info,clear_relay=off", "clear_relay"),
            ("info, clear_relay::engine=0", "clear_relay::engine"),
            ("[job{id=7}]=trace", "clear_relay"),
        ] {
            assert_eq!(silenced(level), Some(part), "{level}");
        }
        for level in [
            "",
            "error",
            "info",
            "warn,relay_keap=debug",
            "info,sqlx=off",
            "info,[job{id=7}]=trace",
        ] {
            assert_eq!(silenced(level), None, "{level}");
        }
    }
}
