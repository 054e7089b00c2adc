//! The list as a file that somebody exports.

use csv::Writer;
use serde_json::Value;

use super::list::ClinicList;

/// The file's header.
const HEAD: [&str; 17] = [
    "client",
    "first_name",
    "last_name",
    "email",
    "phone",
    "contact",
    "coach",
    "status",
    "time_zone",
    "last_regimen_change",
    "break_until",
    "minor",
    "guardian",
    "check_in",
    "due",
    "submitted",
    "withdrawn",
];

impl ClinicList {
    /// The list as it is now, as a CSV file.
    pub fn file(&self) -> String {
        let mut writer = Writer::from_writer(Vec::new());
        let heads = std::iter::once(HEAD.map(str::to_owned));
        let lines = self.state().lines();
        let lines = lines
            .iter()
            .map(|line| HEAD.map(|name| cell(line.get(name))));
        for line in heads.chain(lines) {
            // Into memory, and every line of one length: nothing can fail.
            let _ = writer.write_record(line);
        }
        let bytes = writer.into_inner().unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    }
}

fn cell(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(true)) => "yes".to_owned(),
        Some(Value::Bool(false)) => "no".to_owned(),
        _ => String::new(),
    }
}
