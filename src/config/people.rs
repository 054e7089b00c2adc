//! `[people]`: who answers for what.

use std::collections::BTreeMap;

use super::reader::Reader;

pub(super) const EXAMPLE: &str = r#"[people]
# Names as the team knows them. Work items for a role are shown with the name.
#admin = "Robin"
#program_manager = "Alex"

# Who acts for a coach while she is away: coach id = coach id, as the portal writes them (A25).
[people.deputies]
#coach-1 = "coach-2"
"#;

/// Who answers for what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeopleConfig {
    /// Who looks after the relay.
    pub admin: Option<String>,
    /// Who approves.
    pub program_manager: Option<String>,
    /// Coach id → coach id of her deputy.
    pub deputies: BTreeMap<String, String>,
}

impl PeopleConfig {
    pub(super) fn read(mut reader: Reader<'_>) -> Self {
        let people = Self {
            admin: reader.text("admin"),
            program_manager: reader.text("program_manager"),
            deputies: reader.texts("deputies"),
        };
        for (key, variable) in reader.variables_below("deputies") {
            // Names of variables have no case, and ids of coaches may.
            let coach = key.rsplit('.').next().unwrap_or_default();
            let remedy = format!(
                "take it away, and write the pair of ids under [people.deputies] in the file instead of {variable}"
            );
            reader.mistake(
                &format!("deputies.{coach}"),
                "can't be set by a variable",
                remedy,
            );
        }
        for (coach, deputy) in &people.deputies {
            if coach == deputy {
                let key = format!("deputies.{coach}");
                reader.mistake(&key, "is her own deputy", "name another coach");
            }
        }
        reader.finish();
        people
    }
}
