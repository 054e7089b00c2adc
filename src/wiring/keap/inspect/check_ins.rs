//! What tells of check-ins, where Keap alone does: the tags and fields that the configuration names, who has the
//! tag now, and whose client she is.
//!
//! A contact is counted or named by her id, never by her name.

use std::collections::BTreeSet;

use relay_core::retry::Class;
use relay_http_client::CallError;
use relay_keap::CheckInReads;
use relay_keap::types::{Contact, User};

use super::{KeapInspector, could_not};
use crate::config::KeapCheckInsConfig;
use crate::doctor::{Area, Finding};
use crate::wiring::keap::check_ins::coach;

const TAGS: &str = "in Keap under CRM, Settings, Tags";
const FIELDS: &str = "in Keap under Settings, Custom Fields";
/// Contacts that a finding names.
const FEW: usize = 5;

impl KeapInspector {
    pub(super) async fn check_ins(&self) -> Vec<Finding> {
        let Some(section) = &self.config.check_ins else {
            return Vec::new();
        };
        let mut findings = self.dates(section).await;
        match self.tags(section).await {
            Ok(found) => findings.extend(found),
            Err(error) => findings.push(could_not(Area::Portal, "tags", &error)),
        }
        findings.push(Finding::note(
            Area::Portal,
            "keap.check_ins",
            "no portal is asked: coaches send portal messages by hand and are asked to, and a reply in the portal \
             counts once a coach says so",
        ));
        if section.minor_tag.is_none() {
            findings.push(
                Finding::note(
                    Area::Portal,
                    "minor",
                    "nothing in Keap tells who is a minor: every client is taken for an adult (A36)",
                )
                .with_remedy(
                    "put a tag on the contacts of minors, and write its name as keap.check_ins.minor_tag",
                ),
            );
        }
        findings
    }

    /// The fields, each looked for by itself, so that each that is missing is named.
    async fn dates(&self, section: &KeapCheckInsConfig) -> Vec<Finding> {
        let wanted = [
            ("due_field", Some(&section.due_field)),
            ("checked_in_field", section.checked_in_field.as_ref()),
            ("regimen_field", section.regimen_field.as_ref()),
        ];
        let mut findings = Vec::new();
        for (key, name) in wanted {
            let Some(name) = name else { continue };
            match CheckInReads(&self.client).date_fields(&[name]).await {
                Ok(_) => {}
                Err(error) if error.class == Class::Permanent && error.status.is_none() => {
                    findings.push(Finding::fault(
                        Area::Portal,
                        &format!("keap.check_ins.{key}"),
                        format!("keap.check_ins.{key}: {}", error.message),
                        format!("write the label or the id of a date field of contacts, as it stands {FIELDS}"),
                    ));
                }
                Err(error) => {
                    findings.push(could_not(Area::Portal, "custom fields", &error));
                    return findings;
                }
            }
        }
        if findings.is_empty() {
            let what = "every field of check-ins is there, and is a date";
            findings.push(Finding::ok(Area::Portal, "keap.check_ins", what));
        }
        findings
    }

    async fn tags(&self, section: &KeapCheckInsConfig) -> Result<Vec<Finding>, CallError> {
        let mut findings = Vec::new();
        let missed = self.client.tag_by_name(&section.missed_tag).await?;
        if missed.is_none() {
            findings.push(no_tag("missed_tag", &section.missed_tag));
        }
        if let Some(name) = &section.minor_tag
            && self.client.tag_by_name(name).await?.is_none()
        {
            findings.push(no_tag("minor_tag", name));
        }
        if let Some(name) = &section.checked_in_tag
            && self.client.tag_by_name(name).await?.is_none()
        {
            findings.push(no_tag("checked_in_tag", name));
        }
        if let Some(tag) = missed {
            findings.extend(self.tagged(section, &tag).await?);
        }
        Ok(findings)
    }

    /// Who has the tag now, and what is missing to follow them up.
    async fn tagged(
        &self,
        section: &KeapCheckInsConfig,
        tag: &str,
    ) -> Result<Vec<Finding>, CallError> {
        let tagged = CheckInReads(&self.client).contacts_with_tag(tag).await?;
        let tagged: Vec<&str> = tagged.iter().map(String::as_str).collect();
        let name = &section.missed_tag;
        let key = "keap.check_ins.missed_tag";
        let count = match tagged.len() {
            1 => "1 contact has".to_owned(),
            count => format!("{count} contacts have"),
        };
        let mut findings = vec![Finding::ok(
            Area::Portal,
            key,
            format!("{count} the tag {name:?} now"),
        )];
        let contacts = CheckInReads(&self.client).whole_contacts(&tagged).await?;
        if let Ok(due) = CheckInReads(&self.client)
            .date_fields(&[&section.due_field])
            .await
        {
            let due = due.first();
            let undated =
                |contact: &&Contact| due.is_some_and(|due| due.day(contact, &self.zone).is_none());
            let undated = ids(contacts.iter().filter(undated));
            if !undated.is_empty() {
                let field = &section.due_field;
                findings.push(Finding::warning(
                    Area::Portal,
                    "keap.check_ins.due_field",
                    format!("{} with the tag and no day in {field:?}: nobody follows them up", named(&undated)),
                    format!("write the day on which the check-in was due into {field:?}, or take the tag off"),
                ));
            }
        }
        let users = CheckInReads(&self.client).active_users().await?;
        findings.extend(without_coach(&contacts, &users));
        Ok(findings)
    }
}

fn no_tag(key: &str, name: &str) -> Finding {
    Finding::fault(
        Area::Portal,
        &format!("keap.check_ins.{key}"),
        format!("keap.check_ins.{key}: Keap has no tag {name:?}, so nobody is followed up"),
        format!("make the tag {TAGS}, or write the name as it stands there"),
    )
}

/// Contacts whose owner is nobody who could be asked.
fn without_coach(contacts: &[Contact], users: &[User]) -> Option<Finding> {
    let coaches = users.iter().cloned().filter_map(coach);
    let coaches: BTreeSet<String> = coaches
        .filter(|coach| !coach.email.is_empty())
        .map(|coach| coach.id.to_string())
        .collect();
    let lacks = |contact: &&Contact| {
        let owner = contact.owner_id.as_ref();
        !owner.is_some_and(|owner| coaches.contains(owner))
    };
    let lacking = ids(contacts.iter().filter(lacks));
    (!lacking.is_empty()).then(|| {
        Finding::warning(
            Area::Coaches,
            "keap.check_ins.owners",
            format!(
                "{} with the tag and without an owner who is an active user with an address",
                named(&lacking)
            ),
            "give each of them her coach as owner in Keap: texts are signed with that user's first name",
        )
    })
}

fn ids<'a>(contacts: impl Iterator<Item = &'a Contact>) -> Vec<&'a str> {
    contacts
        .filter_map(|contact| contact.id.as_deref())
        .collect()
}

/// A few of them by id, and how many more.
fn named(ids: &[&str]) -> String {
    let few = ids.iter().take(FEW).copied().collect::<Vec<_>>().join(", ");
    match (ids.len(), ids.len().saturating_sub(FEW)) {
        (1, _) => format!("there is contact {few}"),
        (_, 0) => format!("there are contacts {few}"),
        (_, more) => format!("there are contacts {few} and {more} more"),
    }
}
