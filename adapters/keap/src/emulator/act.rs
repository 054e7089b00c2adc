//! Acts of the world: what a client, a coach, an admin or a mail server does, as one enum that
//! code builds and the sandbox reads from JSON (`{"act":"open_email","contact":1001}`).

use relay_core::time::Timestamp;
use relay_http_client::emulation::lock;
use serde::Deserialize;
use serde_json::{Value, json};

use super::hooks::Status;
use super::state::{Row, v2_time};
use super::tenant::Keap;
use super::things::{
    NewContact, NewEmailRecord, NewField, NewOrder, NewPaymentMethod, NewPost, NewProduct,
    NewSubscription, NewUser, TagRefusal,
};
use super::v2::{billing, tags, tasks};
use super::world::{World, known};

/// Something that happens in the tenant without the API. What makes an object returns its id.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Act {
    /// A user is added.
    AddUser(NewUser),
    /// A user's status changes: `INACTIVE` when she has left.
    SetUserStatus {
        /// The user.
        user: u64,
        /// The status.
        status: String,
    },
    /// A contact is added.
    AddContact(NewContact),
    /// A custom field is added.
    AddField(NewField),
    /// A custom field is deleted, with what contacts had in it.
    DeleteField {
        /// The field.
        field: u64,
    },
    /// A product is added.
    AddProduct(NewProduct),
    /// A card is stored.
    AddPaymentMethod(NewPaymentMethod),
    /// A subscription begins.
    AddSubscription(NewSubscription),
    /// An order is made.
    AddOrder(NewOrder),
    /// The history gets an email.
    AddEmailRecord(NewEmailRecord),
    /// An email is opened: its time is the first opening, the address's the latest.
    OpenEmail {
        /// The contact who opens it.
        contact: u64,
        /// Which; the latest if `None`.
        #[serde(default)]
        email: Option<u64>,
        /// When; now if `None`.
        #[serde(default)]
        at: Option<Timestamp>,
    },
    /// An address bounces (`HARD_BOUNCE`), opts out (`LIST_UNSUBSCRIBE`, `MANUAL`), complains
    /// (`SPAM`) or comes back (`SINGLE_OPT_IN`).
    SetAddressStatus {
        /// The address.
        email: String,
        /// The status.
        status: String,
    },
    /// Somebody edits a custom field of a contact; null empties it.
    EditContactField {
        /// The contact.
        contact: u64,
        /// The field by label, field name or id.
        field: String,
        /// The new value.
        value: Value,
    },
    /// Somebody edits plain members of a contact, in their v2 form.
    EditContact {
        /// The contact.
        contact: u64,
        /// Members and their new values.
        changes: Row,
    },
    /// Somebody sets the first phone number of a contact, or removes it.
    SetPhone {
        /// The contact.
        contact: u64,
        /// The number as typed.
        phone: Option<String>,
    },
    /// A contact is deleted.
    DeleteContact {
        /// The contact.
        contact: u64,
    },
    /// Two contacts are merged: one goes, its tasks, notes, emails, cards and subscriptions stay
    /// with the other.
    MergeContacts {
        /// The contact that stays.
        keep: u64,
        /// The contact that goes.
        gone: u64,
    },
    /// A coach completes a task; a text is written below its description.
    CompleteTask {
        /// The task; the contact's latest open one if `None`.
        #[serde(default)]
        task: Option<u64>,
        /// The contact, where no task is named.
        #[serde(default)]
        contact: Option<u64>,
        /// What the coach writes.
        #[serde(default)]
        text: Option<String>,
    },
    /// Somebody edits a task, in its v2 form.
    EditTask {
        /// The task.
        task: u64,
        /// Members and their new values.
        changes: Row,
    },
    /// A coach writes behind the last "Answer:" of the contact's latest task, open or not, and leaves it as it is.
    WriteInTask {
        /// The contact.
        contact: u64,
        /// What she writes.
        text: String,
        /// Whether the editor stores the whole description as HTML.
        #[serde(default)]
        as_html: bool,
    },
    /// Somebody deletes a task.
    DeleteTask {
        /// The task; the contact's latest open one if `None`.
        #[serde(default)]
        task: Option<u64>,
        /// The contact, where no task is named.
        #[serde(default)]
        contact: Option<u64>,
    },
    /// Somebody makes a tag.
    AddTag {
        /// Its name.
        name: String,
    },
    /// Somebody deletes a tag, from all contacts.
    DeleteTag {
        /// Its name.
        name: String,
    },
    /// Somebody puts a tag on; it is made if there is none.
    ApplyTag {
        /// The contact.
        contact: u64,
        /// The tag's name.
        tag: String,
    },
    /// Somebody takes a tag off.
    RemoveTag {
        /// The contact.
        contact: u64,
        /// The tag's name.
        tag: String,
    },
    /// Somebody, or a billing run, changes a subscription, in its v2 form.
    ChangeSubscription {
        /// The subscription.
        subscription: u64,
        /// Members and their new values.
        changes: Row,
    },
    /// An automation reaches its step "Send HTTP Post".
    AutomationPost(NewPost),
    /// Another integration of the account makes requests: with a key of its own, or with ours.
    UseQuota {
        /// The number of requests.
        requests: u32,
        /// With our key.
        #[serde(default)]
        our_key: bool,
    },
    /// Somebody renames a product.
    RenameProduct {
        /// The product.
        product: u64,
        /// Its new name.
        name: String,
    },
    /// From now on a contact's tags are refused, or no more.
    RefuseTags(TagRefusal),
    /// A hook subscription is switched off, as after a bad night.
    DeactivateHooks,
    /// The subscriptions to one event are switched off.
    DeactivateHook {
        /// The event key.
        event: String,
    },
    /// A key is let in no more.
    RevokeKeys,
    /// The admin takes back her consent: no token is let in any more.
    RevokeGrants,
    /// Every access token ends now; refresh tokens stay good.
    ExpireAccess,
}

impl Keap {
    /// Lets something happen. Returns the id of what was made or touched, 0 where there is none.
    /// The error says in words what is not there.
    pub fn perform(&self, act: Act) -> Result<u64, String> {
        match act {
            Act::RevokeKeys => lock(&self.settings).keys.clear(),
            Act::RevokeGrants => lock(&self.state).issued.revoke(),
            Act::ExpireAccess => lock(&self.state).issued.expire_access(self.kit.now()),
            act => return self.with_world(|world| world.perform(act)),
        }
        Ok(0)
    }

    /// Lets something happen that is written in JSON (see [`Act`]). Returns `{"id":…}`.
    pub fn act(&self, act: Value) -> Result<Value, String> {
        let act = serde_json::from_value(act).map_err(|error| error.to_string())?;
        Ok(json!({ "id": self.perform(act)? }))
    }
}

impl World<'_> {
    fn perform(&mut self, act: Act) -> Result<u64, String> {
        match act {
            Act::AddUser(new) => Ok(self.add_user(&new)),
            Act::AddContact(new) => self.add_contact(&new),
            Act::AddField(new) => Ok(self.add_field(&new)),
            Act::DeleteField { field } => {
                self.state.fields.retain(|known| known.id != field);
                Ok(field)
            }
            Act::AddProduct(new) => Ok(self.add_product(&new)),
            Act::AddPaymentMethod(new) => Ok(self.add_payment_method(&new)),
            Act::AddSubscription(new) => Ok(self.add_subscription(&new)),
            Act::AddTag { name } => Ok(tags::insert(self, &name)),
            Act::DeleteTag { name } => {
                let tag = known(self.tag_named(&name), "tag")?;
                tags::delete(self, tag);
                Ok(tag)
            }
            Act::AddOrder(new) => Ok(self.add_order(&new)),
            Act::AddEmailRecord(new) => Ok(self.add_email_record(&new)),
            Act::RefuseTags(refusal) => Ok(self.refuse_tags(&refusal)),
            Act::SetUserStatus { user, status } => self.set_user_status(user, &status),
            Act::AutomationPost(new) => self.automation_post(&new),
            Act::RevokeKeys | Act::RevokeGrants | Act::ExpireAccess => Ok(0),
            Act::UseQuota { requests, our_key } => {
                self.state.usage.count_others(self.now, requests, our_key);
                Ok(0)
            }
            Act::RenameProduct { product, name } => {
                known(self.state.products.get_mut(product), "product")?.set("name", name);
                self.raise("product.edit", product);
                Ok(product)
            }
            Act::DeactivateHooks => Ok(self.deactivate_hooks(None)),
            Act::DeactivateHook { event } => Ok(self.deactivate_hooks(Some(&event))),
            Act::ChangeSubscription {
                subscription,
                changes,
            } => {
                known(self.state.subscriptions.get(subscription), "subscription")?;
                billing::apply(self, subscription, &changes);
                Ok(subscription)
            }
            act => self.perform_on_contact(act),
        }
    }

    fn perform_on_contact(&mut self, act: Act) -> Result<u64, String> {
        match act {
            Act::OpenEmail { contact, email, at } => {
                self.open(contact, email, at.unwrap_or(self.now))
            }
            Act::SetAddressStatus { email, status } => {
                self.set_address_status(&email, &status);
                Ok(0)
            }
            Act::EditContactField {
                contact,
                field,
                value,
            } => self.edit_field(contact, &field, value),
            Act::EditContact { contact, changes } => self.edit_contact(contact, changes),
            Act::SetPhone { contact, phone } => {
                let phone =
                    phone.map(|n| json!({ "number": n, "field": "PHONE1", "type": "Mobile" }));
                let mut changes = Row::new();
                changes.insert("phone_numbers".to_owned(), phone.into_iter().collect());
                self.edit_contact(contact, changes)
            }
            Act::DeleteContact { contact } => self.delete_contact(contact),
            Act::MergeContacts { keep, gone } => self.merge(keep, gone),
            Act::ApplyTag { contact, tag } => {
                known(self.state.contacts.get(contact), "contact")?;
                let tag = self
                    .tag_named(&tag)
                    .unwrap_or_else(|| tags::insert(self, &tag));
                tags::put_on(self, contact, tag);
                Ok(tag)
            }
            Act::RemoveTag { contact, tag } => {
                let tag = known(self.tag_named(&tag), "tag")?;
                tags::take_off(self, contact, tag);
                Ok(tag)
            }
            act => self.perform_on_task(act),
        }
    }

    fn perform_on_task(&mut self, act: Act) -> Result<u64, String> {
        match act {
            Act::CompleteTask {
                task,
                contact,
                text,
            } => self.complete_task(task, contact, text.as_deref()),
            Act::EditTask { task, changes } => {
                known(self.state.tasks.get(task), "task")?;
                tasks::apply(self, task, &changes);
                Ok(task)
            }
            Act::WriteInTask {
                contact,
                text,
                as_html,
            } => write_in_task(self, contact, &text, as_html),
            Act::DeleteTask { task, contact } => {
                let task = known(task.or_else(|| open_task(self, contact?)), "open task")?;
                known(self.state.tasks.remove(task), "task")?;
                self.raise("task.delete", task);
                Ok(task)
            }
            _ => Err("no such act".to_owned()),
        }
    }

    fn set_user_status(&mut self, user: u64, status: &str) -> Result<u64, String> {
        known(self.state.users.get_mut(user), "user")?.set("status", status);
        self.raise("user.edit", user);
        Ok(user)
    }

    fn deactivate_hooks(&mut self, event: Option<&str>) -> u64 {
        let hooks = self.state.hooks.by_key.iter();
        let keys: Vec<u64> = hooks
            .filter(|(_, hook)| event.is_none_or(|event| hook.event_key == event))
            .map(|(key, _)| *key)
            .collect();
        let count = keys.len() as u64;
        for key in keys {
            self.state.hooks.set_status(key, Status::Inactive);
        }
        count
    }

    /// Sets the time of an email, which stays the first, and of its address, which is the latest.
    fn open(&mut self, contact: u64, email: Option<u64>, at: Timestamp) -> Result<u64, String> {
        let id = self.email_of(contact, email)?;
        let record = known(self.state.emails.get_mut(id), "email")?;
        if record.text("opened_time").is_none() {
            record.set("opened_time", v2_time(at));
        }
        let address = record.text("sent_to_address").unwrap_or_default();
        let address = address.to_lowercase();
        self.state.stamp_address(&address, "last_open_time", at);
        Ok(id)
    }

    fn email_of(&self, contact: u64, email: Option<u64>) -> Result<u64, String> {
        let latest = || {
            self.state
                .emails
                .iter()
                .rfind(|e| e.belongs_to(contact))
                .map(|e| e.id)
        };
        let found = match email {
            Some(id) => self
                .state
                .emails
                .get(id)
                .filter(|e| e.belongs_to(contact))
                .map(|e| e.id),
            None => latest(),
        };
        known(found, "email")
    }

    fn edit_field(&mut self, contact: u64, field: &str, value: Value) -> Result<u64, String> {
        known(self.state.contacts.get(contact), "contact")?;
        let field = known(self.state.field(field), "custom field")?.id;
        if value.is_null() {
            self.state.custom.remove(&(contact, field));
        } else {
            self.state.custom.insert((contact, field), value);
        }
        let now = self.now;
        self.state.touch_contact(contact, now);
        self.raise("contact.edit", contact);
        Ok(contact)
    }

    fn edit_contact(&mut self, contact: u64, changes: Row) -> Result<u64, String> {
        let record = known(self.state.contacts.get_mut(contact), "contact")?;
        for (name, value) in changes {
            record.set(&name, value);
        }
        let now = self.now;
        self.state.touch_contact(contact, now);
        self.raise("contact.edit", contact);
        Ok(contact)
    }

    fn tag_named(&self, name: &str) -> Option<u64> {
        let mut tags = self.state.tags.iter();
        tags.find(|tag| tag.text("name") == Some(name))
            .map(|tag| tag.id)
    }

    fn complete_task(
        &mut self,
        task: Option<u64>,
        contact: Option<u64>,
        text: Option<&str>,
    ) -> Result<u64, String> {
        let id = known(task.or_else(|| open_task(self, contact?)), "open task")?;
        let record = known(self.state.tasks.get(id), "task")?;
        let mut changes = Row::new();
        changes.insert("completed".to_owned(), true.into());
        if let Some(text) = text {
            let before = record.text("description").unwrap_or_default();
            let both = format!("{before}\n{text}");
            changes.insert("description".to_owned(), both.trim_start().into());
        }
        tasks::apply(self, id, &changes);
        Ok(id)
    }
}

fn open_task(world: &World, contact: u64) -> Option<u64> {
    let mut tasks = world.state.tasks.iter();
    let open = tasks.rfind(|task| task.belongs_to(contact) && !task.flag("completed"));
    open.map(|task| task.id)
}

fn write_in_task(
    world: &mut World,
    contact: u64,
    text: &str,
    as_html: bool,
) -> Result<u64, String> {
    let id = {
        let mut tasks = world.state.tasks.iter();
        let latest = tasks.rfind(|task| task.belongs_to(contact));
        known(latest, "task")?.id
    };
    let latest = known(world.state.tasks.get(id), "task")?;
    let before = latest.text("description").unwrap_or_default();
    let (above, below) = known(before.rsplit_once("Answer:"), "line for an answer")?;
    let mut after = format!("{above}Answer: {text}{below}");
    if as_html {
        let lines = after.lines().map(|line| {
            let line = line.replace('&', "&amp;").replace('<', "&lt;");
            format!("<p>{}</p>", line.replace('"', "&quot;"))
        });
        after = lines.collect();
    }
    let mut changes = Row::new();
    changes.insert("description".to_owned(), after.into());
    tasks::apply(world, id, &changes);
    Ok(id)
}
