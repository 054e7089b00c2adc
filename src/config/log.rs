//! `[log]`: how much is logged, and in which form.

use tracing_subscriber::EnvFilter;

use super::reader::Reader;

pub(super) const EXAMPLE: &str = r#"[log]
# "human", or "json" with one object per line.
format = "human"
# error, warn, info, debug, trace; or per part: "info,relay_keap=debug".
level = "info"
"#;

/// The form of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For a person's eyes.
    Human,
    /// One JSON object per line.
    Json,
}

/// The section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// The form.
    pub format: LogFormat,
    /// The filter, in the syntax of `tracing_subscriber::EnvFilter`; checked.
    pub level: String,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            format: LogFormat::Human,
            level: "info".to_owned(),
        }
    }
}

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
        }
        reader.finish();
        Self { format, level }
    }
}
