//! The portal's coaches as users of Keap: tasks, notes and mail go in their names; and the Program Manager, who is asked
//! there. A coach is named by her id in the portal, never by her address.

use relay_core::clients::Coach;
use relay_keap::types::User;

use super::{KeapInspector, could_not};
use crate::doctor::procedure::no_such_coach;
use crate::doctor::{Area, Finding};

impl KeapInspector {
    /// Whether the Program Manager can see what she is asked.
    pub(super) async fn manager(&self) -> Option<Finding> {
        let key = "people.program_manager_user";
        let email = self.manager.as_ref()?;
        let found = match self.client.users_by_email(email).await {
            Ok(users) => as_user("the Program Manager", &format!("{key} names"), &users),
            Err(error) => return Some(could_not(Area::People, "users", &error)),
        };
        let ok = || {
            let what = "the Program Manager is an active user of Keap, and is asked there";
            Finding::ok(Area::People, key, what)
        };
        Some(found.map_or_else(ok, |(what, remedy)| {
            Finding::fault(Area::People, key, what, remedy)
        }))
    }

    pub(super) async fn coaches(&self) -> Vec<Finding> {
        let Some(portal) = &self.coaches else {
            return Vec::new();
        };
        // A portal that doesn't tell them is a finding about the portal.
        let Ok(coaches) = portal.coaches().await else {
            return Vec::new();
        };
        let mut findings = if self.config.check_ins.is_some() {
            let ids: Vec<&str> = coaches.iter().map(|coach| coach.id.as_str()).collect();
            no_such_coach(&self.act_for, &ids)
        } else {
            // The portal's own look says it.
            Vec::new()
        };
        let strangers = findings.len();
        for coach in &coaches {
            if coach.email.trim().is_empty() {
                findings.push(no_address(coach));
                continue;
            }
            match self.client.users_by_email(&coach.email).await {
                Ok(users) => {
                    let id = coach.id.as_str();
                    let found = as_user(&format!("coach {id}"), "the portal tells", &users);
                    findings.extend(
                        found.map(|(what, remedy)| Finding::fault(Area::Coaches, id, what, remedy)),
                    );
                }
                Err(error) => {
                    findings.push(could_not(Area::Coaches, "users", &error));
                    return findings;
                }
            }
        }
        if findings.len() == strangers && !coaches.is_empty() {
            let what = format!("all {} coaches are active users of Keap", coaches.len());
            findings.push(Finding::ok(Area::Coaches, "coaches", what));
        }
        findings
    }
}

fn no_address(coach: &Coach) -> Finding {
    let id = coach.id.as_str();
    Finding::fault(
        Area::Coaches,
        id,
        format!("coach {id} has no address in the portal, so she is not found in Keap"),
        "write the address she has in Keap into the portal",
    )
}

/// What is wrong with whoever has an address that `told` tells, and the remedy; `None`: one active user has it.
fn as_user(who: &str, told: &str, users: &[User]) -> Option<(String, String)> {
    Some(match users.iter().filter(|user| user.is_active()).count() {
        1 => return None,
        0 => match users.first() {
            None => (
                format!("{who} is no user of Keap: no user has the address that {told}"),
                "add her in Keap under Settings, Users, or correct that address".to_owned(),
            ),
            Some(user) => (
                format!(
                    "{who} is a user of Keap, and her status is {}",
                    user.status.as_deref().unwrap_or("not told")
                ),
                "make her active in Keap under Settings, Users, or name somebody else in her place"
                    .to_owned(),
            ),
        },
        several => (
            format!("{who} has the address of {several} active users of Keap"),
            "leave one of them active in Keap under Settings, Users".to_owned(),
        ),
    })
}
