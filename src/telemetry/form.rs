//! How much is logged, and in which form.

/// The form of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For a person's eyes.
    Human,
    /// One JSON object per line.
    Json,
}

/// What `[log]` says.
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
