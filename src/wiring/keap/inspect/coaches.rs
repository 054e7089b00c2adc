//! The portal's coaches as users of Keap: tasks, notes and mail go in their names. A coach is
//! named by her id in the portal, never by her address.

use relay_core::clients::Coach;
use relay_keap::types::User;

use super::{KeapInspector, could_not};
use crate::doctor::{Area, Finding};

impl KeapInspector {
    pub(super) async fn coaches(&self) -> Vec<Finding> {
        let Some(portal) = &self.coaches else {
            return Vec::new();
        };
        // A portal that doesn't tell them is a finding about the portal.
        let Ok(coaches) = portal.coaches().await else {
            return Vec::new();
        };
        let mut findings = Vec::new();
        for coach in &coaches {
            if coach.email.trim().is_empty() {
                findings.push(no_address(coach));
                continue;
            }
            match self.client.users_by_email(&coach.email).await {
                Ok(users) => findings.extend(as_user(coach, &users)),
                Err(error) => {
                    findings.push(could_not(Area::Coaches, "users", &error));
                    return findings;
                }
            }
        }
        if findings.is_empty() && !coaches.is_empty() {
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

fn as_user(coach: &Coach, users: &[User]) -> Option<Finding> {
    let id = coach.id.as_str();
    let (what, remedy) = match users.iter().filter(|user| user.is_active()).count() {
        1 => return None,
        0 => match users.first() {
            None => (
                format!("coach {id} is no user of Keap: no user has the address the portal tells"),
                "add her in Keap under Settings, Users, or correct her address in the portal",
            ),
            Some(user) => (
                format!(
                    "coach {id} is a user of Keap, and her status is {}",
                    user.status.as_deref().unwrap_or("not told")
                ),
                "make her active in Keap under Settings, Users, or give her clients another coach in the portal",
            ),
        },
        several => (
            format!("coach {id} has the address of {several} active users of Keap"),
            "leave one of them active in Keap under Settings, Users",
        ),
    };
    Some(Finding::fault(Area::Coaches, id, what, remedy))
}
