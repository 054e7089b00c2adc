//! What the tenant shows of a contact to whoever stands in front of it.
//!
//! For the sandbox's page, which shows the clinic's tools side by side. Reading changes nothing,
//! and it is no request: no fault strikes, no quota is used. Mail shows from the moment it is sent,
//! as in the mailbox it goes to; the API lists it later ([`SeenEmail::listed`]).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use relay_core::time::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::state::Record;
use super::tenant::Keap;
use super::world::World;

/// A contact, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeenContact {
    /// Its id.
    pub id: u64,
    /// Custom fields that have a value, by label.
    pub fields: Vec<(String, String)>,
    /// Emails, oldest first.
    pub emails: Vec<SeenEmail>,
    /// The names of the tags on it, in the order in which they were put on.
    pub tags: Vec<String>,
    /// Tasks, oldest first.
    pub tasks: Vec<SeenTask>,
    /// Notes, oldest first.
    pub notes: Vec<SeenNote>,
    /// Subscriptions, oldest first.
    pub subscriptions: Vec<SeenSubscription>,
    /// Cards, oldest first.
    pub cards: Vec<SeenCard>,
}

/// An email, as the list and the mailbox show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeenEmail {
    /// Its id.
    pub id: u64,
    /// Its subject.
    pub subject: String,
    /// From which address; empty where the history doesn't say.
    pub from: String,
    /// When it was sent.
    pub sent: Option<Timestamp>,
    /// When it was opened first, if it has been.
    pub opened: Option<Timestamp>,
    /// When a link was clicked first, if one has been.
    pub clicked: Option<Timestamp>,
    /// Whether the API lists it yet.
    pub listed: bool,
    /// The HTML part; `None` where the history has no content.
    pub html: Option<String>,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeenTask {
    /// Its id.
    pub id: u64,
    /// Its title.
    pub title: String,
    /// Its description.
    pub description: String,
    /// Whose it is, by name.
    pub owner: String,
    /// When it was made.
    pub made: Option<Timestamp>,
    /// When it is due.
    pub due: Option<Timestamp>,
    /// Whether it is completed.
    pub completed: bool,
    /// When it was.
    pub completed_at: Option<Timestamp>,
}

/// A note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeenNote {
    /// Its id.
    pub id: u64,
    /// Its title.
    pub title: String,
    /// Its text.
    pub text: String,
    /// When it was written.
    pub at: Option<Timestamp>,
}

/// A subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeenSubscription {
    /// Its id.
    pub id: u64,
    /// What is paid for: the product's id.
    pub product: String,
    /// The product's name.
    pub name: String,
    /// Whether it is active.
    pub active: bool,
    /// Whether it charges the card by itself.
    pub auto_charge: bool,
}

/// A stored card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeenCard {
    /// Its id.
    pub id: u64,
    /// The last four digits.
    pub last_four: String,
    /// Whether it can be charged.
    pub active: bool,
}

impl Keap {
    /// Everything the tenant knows of `contact`.
    pub fn look(&self, contact: u64) -> Option<SeenContact> {
        self.with_world(|world| world.look(contact))
    }
}

impl World<'_> {
    fn look(&self, contact: u64) -> Option<SeenContact> {
        let state = &*self.state;
        state.contacts.get(contact)?;
        let mine = |record: &&Record| record.belongs_to(contact);
        let mut on: Vec<_> = state
            .applied
            .iter()
            .filter(|((owner, _), _)| *owner == contact)
            .map(|((_, tag), at)| (*at, *tag))
            .collect();
        on.sort_unstable();
        let tag = |(_, id): (Timestamp, u64)| Some(text(state.tags.get(id)?, "name"));
        let field = |((owner, id), value): ((u64, u64), &Value)| {
            let field = state.fields.iter().find(|field| field.id == id)?;
            let value = value.as_str().map_or_else(|| value.to_string(), Into::into);
            (owner == contact).then(|| (field.label.clone(), value))
        };
        let custom = state.custom.iter().map(|(key, value)| (*key, value));
        Some(SeenContact {
            id: contact,
            fields: custom.filter_map(field).collect(),
            emails: state
                .emails
                .iter()
                .filter(mine)
                .map(|record| self.email(record))
                .collect(),
            tags: on.into_iter().filter_map(tag).collect(),
            tasks: state
                .tasks
                .iter()
                .filter(mine)
                .map(|record| self.task(record))
                .collect(),
            notes: state.notes.iter().filter(mine).map(note).collect(),
            subscriptions: state
                .subscriptions
                .iter()
                .filter(mine)
                .map(|record| self.subscription(record))
                .collect(),
            cards: state
                .payment_methods
                .iter()
                .filter(mine)
                .map(card)
                .collect(),
        })
    }

    fn email(&self, record: &Record) -> SeenEmail {
        // What the history holds for later has not happened yet.
        let past = |member: &str| time(record, member).filter(|at| *at <= self.now);
        let html = record.text("html_content");
        let decoded = html.map(|html| {
            let bytes = STANDARD.decode(html).ok();
            let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
            text.unwrap_or_else(|| html.to_owned())
        });
        SeenEmail {
            id: record.id,
            subject: text(record, "subject"),
            from: text(record, "sent_from_address"),
            sent: time(record, "sent_time"),
            opened: past("opened_time"),
            clicked: past("clicked_time"),
            listed: self.is_listed(record),
            html: decoded,
        }
    }

    fn task(&self, record: &Record) -> SeenTask {
        let owner = text(record, "assigned_to_user_id");
        let user = self.state.users.find(&owner);
        SeenTask {
            id: record.id,
            title: text(record, "title"),
            description: text(record, "description"),
            owner: user.map_or(owner, |user| text(user, "given_name")),
            made: time(record, "create_time"),
            due: time(record, "due_time"),
            completed: record.flag("completed"),
            completed_at: time(record, "completion_time"),
        }
    }

    fn subscription(&self, record: &Record) -> SeenSubscription {
        let product = text(record, "product_id");
        let named = self.state.products.find(&product);
        SeenSubscription {
            id: record.id,
            name: named.map_or_else(|| product.clone(), |named| text(named, "name")),
            product,
            active: record.flag("active"),
            auto_charge: record.flag("auto_charge"),
        }
    }
}

fn note(record: &Record) -> SeenNote {
    SeenNote {
        id: record.id,
        title: text(record, "title"),
        text: text(record, "text"),
        at: time(record, "create_time"),
    }
}

fn card(record: &Record) -> SeenCard {
    let info = record.row.get("card_info");
    let digits = info.and_then(|info| info.get("last_four")?.as_str());
    SeenCard {
        id: record.id,
        last_four: digits.unwrap_or_default().to_owned(),
        active: !record.flag("deactivated"),
    }
}

fn text(record: &Record, member: &str) -> String {
    record.text(member).unwrap_or_default().to_owned()
}

fn time(record: &Record, member: &str) -> Option<Timestamp> {
    record.text(member)?.parse().ok()
}
