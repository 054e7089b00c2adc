//! Who answers for what.

use super::{Area, Finding};
use crate::config::PeopleConfig;

pub(super) fn look(people: &PeopleConfig, has_crm: bool) -> Vec<Finding> {
    let roles = [
        (
            "people.admin",
            &people.admin,
            "broken connections and dead jobs are work for a role without a name",
            "write people.admin = \"NAME\": who looks after the relay",
        ),
        (
            "people.program_manager",
            &people.program_manager,
            "approvals are work for a role without a name",
            "write people.program_manager = \"NAME\": who approves (A11)",
        ),
    ];
    let mut findings: Vec<Finding> = roles
        .into_iter()
        .filter(|(_, name, ..)| name.is_none())
        .map(|(key, _, then, remedy)| {
            Finding::warning(
                Area::People,
                key,
                format!("{key} is missing: {then}"),
                remedy,
            )
        })
        .collect();
    if findings.is_empty() {
        let what = "admin and Program Manager are named";
        findings.push(Finding::ok(Area::People, "people", what));
    }
    if has_crm && people.program_manager_user.is_none() {
        let key = "people.program_manager_user";
        let what = format!(
            "{key} is not set: what is the Program Manager's to decide stands in the list of work, where nobody tells her"
        );
        let remedy = format!(
            "write {key} = \"ADDRESS\", that of her user in the CRM: then it comes as tasks there"
        );
        findings.push(Finding::warning(Area::People, key, what, remedy));
    }
    findings
}
