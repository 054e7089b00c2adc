//! Who has missed a check-in, where Keap alone tells: by a tag, and a date in a custom field.
//!
//! People: a *clinic* whose portal tells the relay nothing puts a tag on a contact once a check-in is missed, by
//! hand or by an automation, and takes it off again once it is there; its *coaches* are users of Keap, each the
//! owner of her clients' contacts, and write in the portal by hand.
//!
//! Rules:
//! - Everything is read from Keap when it is asked, so that right before a message a tag that was taken off a
//!   moment ago counts.
//! - A client is a contact, and her id here says which: `keap-601`. Nobody else's ids begin so.
//! - A check-in is known by the day it was due. On the day after it, and while the tag is on, it is missed. The tag
//!   off, the tag of those who have checked in, or a day of the last check-in on or after the due day: she has
//!   checked in. Another due day while the tag is on: the clinic has moved it, and the former is withdrawn.
//! - A minor has a tag of her own, where the configuration names one (A36); else nobody knows, and everybody counts as an
//!   adult.
//! - Without a day nobody guesses one: an item asks for it, and of a check-in that is followed up already nothing
//!   is told, so that nothing goes out about it.
//! - That a tag is off is believed only of a whole list of the contact's tags, after the tag was looked up anew by
//!   its name. A tag or a field of the configuration that Keap doesn't have ends every read with an error: renamed
//!   tags must not look as if everybody had checked in.
//!
//! What happened to a check-in that is over is known from the facts. Not guaranteed: at which moment she checked
//! in (it counts as the moment at which it is found); that a tag that was deleted, or taken off by mistake, did not
//! mean that she has.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use relay_core::clients::{
    CheckIn, ClientSnapshot, ClientStatus, Coach, PortalMessage, Records, short_name,
};
use relay_core::ids::{CheckInId, ClientId, CoachId, ContactId};
use relay_core::retry::Class;
use relay_core::time::{Clock, Date, TimeZone, Timestamp};
use relay_core::workflow::NotOffered;
use relay_http_client::CallError;
use relay_keap::types::{Contact, User};
use relay_keap::{CheckInReads, DateField, KeapClient};
use relay_store::Store;

use super::check_ins_past::{Shown, as_it_stands, past};
use crate::config::KeapCheckInsConfig;
use crate::ports::{OpenCheckIns, Portal, PortalNote, Undated};

/// What the ids of these clients begin with.
const PREFIX: &str = "keap-";

const OPERATION: &str = "read check-ins in Keap";

/// Keap as the one that tells of check-ins.
#[derive(Debug)]
pub struct KeapCheckIns {
    client: Arc<KeapClient>,
    config: KeapCheckInsConfig,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    zone: TimeZone,
    /// Tags and fields as they were found last.
    found: RwLock<Option<Arc<Found>>>,
}

/// The tags and fields of the configuration, by Keap's ids.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) missed: String,
    pub(super) checked_in: Option<String>,
    pub(super) due: DateField,
    pub(super) last: Option<DateField>,
    pub(super) regimen: Option<DateField>,
    pub(super) minor: Option<String>,
}

impl KeapCheckIns {
    /// What Keap behind `client` tells, with what `store` knows of the past. `clock` is procedure time and
    /// `zone` the clinic's.
    pub fn new(
        client: Arc<KeapClient>,
        config: KeapCheckInsConfig,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        zone: TimeZone,
    ) -> Self {
        Self {
            client,
            config,
            store,
            clock,
            zone,
            found: RwLock::new(None),
        }
    }

    /// Tags and fields, looked up anew.
    async fn find(&self) -> Result<Arc<Found>, CallError> {
        let found = Arc::new(find(&self.client, &self.config).await?);
        let mut kept = self.found.write().unwrap_or_else(PoisonError::into_inner);
        *kept = Some(Arc::clone(&found));
        Ok(found)
    }

    /// Tags and fields as they were found last.
    async fn found(&self) -> Result<Arc<Found>, CallError> {
        let kept = self
            .found
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        match kept {
            Some(found) => Ok(found),
            None => self.find().await,
        }
    }

    /// What this contact shows now; `None` if it is gone by now.
    async fn shown(&self, id: &str, contact: &Contact) -> Result<Option<Shown>, CallError> {
        let mut found = self.found().await?;
        let told = contact.tag_ids.clone().unwrap_or_default();
        let mut tags = told;
        if !tags.contains(&found.missed) {
            found = self.find().await?;
            match CheckInReads(&self.client).tags_of(id).await? {
                Some(whole) => tags = whole,
                None => return Ok(None),
            }
        } else if !found.due.is_shown(contact) {
            // Keap may leave out what is empty; or the field was made anew under another id.
            found = self.find().await?;
        }
        let has = |tag: &String| tags.contains(tag);
        Ok(Some(Shown {
            missed: has(&found.missed),
            checked_in: found.checked_in.as_ref().is_some_and(has),
            due: found.due.day(contact, &self.zone),
            last: self.day(found.last.as_ref(), contact),
        }))
    }

    fn day(&self, field: Option<&DateField>, contact: &Contact) -> Option<Date> {
        field?.day(contact, &self.zone)
    }

    /// Whether she is a minor; `None` where nothing in Keap tells.
    async fn minor(&self, told: &Contact) -> Result<Option<bool>, CallError> {
        let (Some(contact), true) = (told.id.as_deref(), self.config.minor_tag.is_some()) else {
            return Ok(None);
        };
        let found = self.found().await?;
        let Some(tag) = &found.minor else {
            return Ok(None);
        };
        if told.tag_ids.as_ref().is_some_and(|tags| tags.contains(tag)) {
            return Ok(Some(true));
        }
        // That it is off is believed of a whole list only. Whether the tag is there still, the look at everybody tells.
        let whole = CheckInReads(&self.client).tags_of(contact).await?;
        Ok(whole.map(|tags| tags.contains(tag)))
    }

    fn today(&self) -> Date {
        self.zone.to_datetime(self.clock.now()).date()
    }

    async fn snapshot(&self, id: &ClientId, told: Contact) -> Result<ClientSnapshot, CallError> {
        let last_regimen_change = if self.config.regimen_field.is_some() {
            self.day(self.found().await?.regimen.as_ref(), &told)
        } else {
            None
        };
        let minor = self.minor(&told).await?;
        Ok(ClientSnapshot {
            id: id.clone(),
            email: told.email().map(str::to_owned),
            phone: told.phone().map(str::to_owned),
            first_name: told.given_name,
            last_name: told.family_name,
            // Whether she comes to the clinic says the contact type, which is read as for everybody.
            status: ClientStatus::Online,
            coach: told.owner_id.as_deref().map(CoachId::from),
            time_zone: told.time_zone.filter(|zone| !zone.trim().is_empty()),
            last_regimen_change,
            contact: contact_of(id).map(Into::into),
            break_until: None,
            minor,
            guardian: None,
        })
    }

    fn undated(&self, client: ClientId, contact: &str, told: &Contact) -> Undated {
        let KeapCheckInsConfig {
            missed_tag,
            due_field,
            ..
        } = &self.config;
        Undated {
            client,
            name: short_name(told.given_name.as_deref(), told.family_name.as_deref()),
            coach: told.owner_id.as_deref().map(CoachId::from),
            what: format!(
                "contact {contact} in Keap has the tag {missed_tag:?} and no day in the field {due_field:?}"
            ),
            remedy: format!(
                "write the day on which the check-in was due into {due_field:?} of contact {contact}, or take the \
                 tag {missed_tag:?} off; it is looked at again by itself"
            ),
        }
    }
}

/// Looks up the tags and fields of a configuration.
pub(super) async fn find(
    client: &KeapClient,
    config: &KeapCheckInsConfig,
) -> Result<Found, CallError> {
    let missed = tag(client, "missed_tag", &config.missed_tag).await?;
    let checked_in = match &config.checked_in_tag {
        Some(name) => Some(tag(client, "checked_in_tag", name).await?),
        None => None,
    };
    let minor = match &config.minor_tag {
        Some(name) => Some(tag(client, "minor_tag", name).await?),
        None => None,
    };
    let wanted: Vec<&str> = [
        Some(&config.due_field),
        config.checked_in_field.as_ref(),
        config.regimen_field.as_ref(),
    ]
    .into_iter()
    .flatten()
    .map(String::as_str)
    .collect();
    let fields = CheckInReads(client)
        .date_fields(&wanted)
        .await
        .map_err(|error| {
            // What the search found out, in our own words, and no refusal: it may be put right at any time.
            match (error.class, error.status) {
                (Class::Permanent, None) => not_there(error.message),
                _ => error,
            }
        })?;
    let mut fields = fields.into_iter();
    let due = fields
        .next()
        .ok_or_else(|| not_there("no field".to_owned()))?;
    let mut optional = |name: &Option<String>| name.is_some().then(|| fields.next()).flatten();
    let last = optional(&config.checked_in_field);
    let regimen = optional(&config.regimen_field);
    Ok(Found {
        missed,
        checked_in,
        due,
        last,
        regimen,
        minor,
    })
}

async fn tag(client: &KeapClient, key: &str, name: &str) -> Result<String, CallError> {
    let found = client.tag_by_name(name).await?;
    found.ok_or_else(|| {
        not_there(format!(
            "Keap has no tag {name:?}: make it, or correct keap.check_ins.{key}"
        ))
    })
}

fn not_there(what: String) -> CallError {
    CallError::ours(Class::Retryable { after: None }, OPERATION, what)
}

/// What the configuration names and Keap lacks is told at once by the look at everybody; what waits for one client
/// is tried again.
fn for_good(error: CallError) -> CallError {
    match error.vendor {
        None => CallError {
            class: Class::Permanent,
            ..error
        },
        Some(_) => error,
    }
}

fn not_offered(operation: &'static str) -> CallError {
    let why = "Keap has neither messages nor notes of the portal";
    CallError::ours(Class::Permanent, operation, why)
}

/// The contact that a client of this kind is.
fn contact_of(id: &ClientId) -> Option<&str> {
    let contact = id.as_str().strip_prefix(PREFIX)?;
    let plain = !contact.is_empty() && contact.bytes().all(|byte| byte.is_ascii_digit());
    plain.then_some(contact)
}

fn client_of(contact: &str) -> ClientId {
    ClientId::from(format!("{PREFIX}{contact}"))
}

fn check_in_of(due: Date) -> CheckInId {
    CheckInId::from(due.to_string())
}

/// A user as a coach. Her own address may be missing: then the doctor says so, and she is found nowhere.
pub(super) fn coach(user: User) -> Option<Coach> {
    Some(Coach {
        id: CoachId::from(user.id.clone()?),
        email: user.email().unwrap_or_default().to_lowercase(),
        name: user.given_name.unwrap_or_default(),
        crm_user: None,
    })
}

#[async_trait]
impl Portal for KeapCheckIns {
    fn not_offered(&self) -> NotOffered {
        NotOffered {
            messages: true,
            notes: true,
            crm: false,
            records: Records::Crm,
        }
    }

    async fn client(&self, id: &ClientId) -> Result<Option<ClientSnapshot>, CallError> {
        let Some(contact) = contact_of(id) else {
            return Ok(None);
        };
        match CheckInReads(&self.client).whole_contact(contact).await? {
            Some(told) => self.snapshot(id, told).await.map(Some),
            None => Ok(None),
        }
    }

    async fn client_of(&self, contact: &ContactId) -> Result<Option<ClientId>, CallError> {
        Ok(Some(client_of(contact.as_str())))
    }

    async fn check_ins(&self, id: &ClientId, since: Date) -> Result<Vec<CheckIn>, CallError> {
        let Some(contact) = contact_of(id) else {
            return Ok(Vec::new());
        };
        let Some(told) = CheckInReads(&self.client).whole_contact(contact).await? else {
            return Ok(Vec::new());
        };
        let Some(shown) = self.shown(contact, &told).await? else {
            return Ok(Vec::new());
        };
        let now = self.clock.now();
        let facts = self.store.facts(id).await.map_err(|error| {
            let again = Class::Retryable { after: None };
            CallError::ours(again, "read what is known of check-ins", error.to_string())
        })?;
        let mut all = past(&facts);
        let mut listed = Vec::new();
        if let Some(due) = shown.due.filter(|_| shown.missed) {
            let id = check_in_of(due);
            all.remove(&id);
            // One that is not due yet is not there yet, whatever a tag of the one before says.
            let there = due < self.today() && shown.is_there(due);
            listed.push(CheckIn {
                id,
                due,
                due_at: None,
                submitted_at: there.then_some(now),
                withdrawn: false,
            });
        }
        let over = all.into_iter();
        listed.extend(over.filter_map(|(id, past)| as_it_stands(id, &past, shown, now)));
        listed.retain(|one| one.due >= since);
        listed.sort_by_key(|one| one.due);
        Ok(listed)
    }

    async fn open_check_ins(&self, due_before: Date) -> Result<OpenCheckIns, CallError> {
        let found = self.find().await.map_err(for_good)?;
        let tagged = CheckInReads(&self.client)
            .contacts_with_tag(&found.missed)
            .await?;
        let tagged: Vec<&str> = tagged.iter().map(String::as_str).collect();
        let contacts = CheckInReads(&self.client).whole_contacts(&tagged).await?;
        let checked_in = match &found.checked_in {
            None => BTreeSet::new(),
            Some(tag) if contacts.iter().any(|contact| contact.tag_ids.is_none()) => {
                let listed = CheckInReads(&self.client).contacts_with_tag(tag).await?;
                listed.into_iter().collect()
            }
            Some(tag) => contacts
                .iter()
                .filter(|contact| contact.tag_ids.iter().flatten().any(|id| id == tag))
                .filter_map(|contact| contact.id.clone())
                .collect(),
        };
        let mut open = OpenCheckIns::default();
        for told in contacts {
            let Some(contact) = told.id.clone() else {
                continue;
            };
            let shown = Shown {
                missed: true,
                checked_in: checked_in.contains(&contact),
                due: found.due.day(&told, &self.zone),
                last: self.day(found.last.as_ref(), &told),
            };
            let client = client_of(&contact);
            match shown.due {
                None if !shown.checked_in => {
                    open.undated.push(self.undated(client, &contact, &told));
                }
                Some(due) if due < due_before && !shown.is_there(due) => {
                    let one = CheckIn {
                        id: check_in_of(due),
                        due,
                        due_at: None,
                        submitted_at: None,
                        withdrawn: false,
                    };
                    open.listed.push((client, one));
                }
                _ => {}
            }
        }
        Ok(open)
    }

    async fn messages(
        &self,
        _id: &ClientId,
        _since: Timestamp,
    ) -> Result<Vec<PortalMessage>, CallError> {
        Err(not_offered("list messages"))
    }

    async fn send_message(
        &self,
        _key: &str,
        _client: &ClientId,
        _author: &CoachId,
        _text: &str,
    ) -> Result<String, CallError> {
        Err(not_offered("send a message"))
    }

    async fn notes(&self, _id: &ClientId, _since: Timestamp) -> Result<Vec<PortalNote>, CallError> {
        Err(not_offered("list notes"))
    }

    async fn add_note(
        &self,
        _key: &str,
        _client: &ClientId,
        _author: Option<&CoachId>,
        _text: &str,
    ) -> Result<String, CallError> {
        Err(not_offered("add a note"))
    }

    async fn coaches(&self) -> Result<Vec<Coach>, CallError> {
        let users = CheckInReads(&self.client).active_users().await?;
        Ok(users.into_iter().filter_map(coach).collect())
    }
}
