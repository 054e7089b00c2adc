//! Posts of the automation step "Send HTTP Post": the only way in which Keap tells by itself that
//! somebody opened or clicked an email.
//!
//! A person puts the step into an automation and types an address and pairs of a name and a value;
//! only those pairs are sent. So there is no schema: names are read in any of the spellings in use,
//! in any case, and what is not needed is not looked at.
//!
//! | pair | read as |
//! |---|---|
//! | `contactId`, `ContactId`, `contact_id`, `Contact0Id`, `Id` = `~Contact.Id~` | the contact; required |
//! | `event` = `email_opened` or `email_clicked` (also `opened`, `click`, …) | what happened; required |
//! | `email` = `Welcome 3` | what the email is called; best its subject, by which it is known again |
//! | `link` = `booking` | which link |
//!
//! The wire form is not documented: a form body, the query of the address, multipart and a JSON
//! object are all read, in the characters that the media type names, with or without a byte order mark.
//!
//! Rules:
//! - A merge field that was not filled (`~Contact.Id~`) means that somebody tests the step: that is
//!   no fault and no event.
//! - What looks like an address of a person, or holds a merge field, is not taken for the name of
//!   an email. Of a link everything from `?` on is cut off.
//! - Nothing is signed, there is no id and no time. One secret in the address lets a post in; the
//!   same pairs within a minute are one post.
//!
//! Guarantees: no bytes make the reader panic; what it returns is short and one line.

mod charset;
mod pairs;

use bytes::Bytes;
use relay_core::time::Timestamp;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::marker::has_merge_field;
use crate::webhook::MAX_DEPTH;
use pairs::Pairs;

/// The largest post that is read, in bytes: a person types the pairs.
pub const MAX_BODY: usize = 64 * 1024;
/// The longest name of an email or a link that is kept, in characters.
const MAX_LABEL: usize = 80;
/// The longest contact id.
const MAX_ID: usize = 20;

/// What a post says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostContent {
    /// Something happened.
    Event(Post),
    /// Somebody tests the step: a merge field was not filled.
    Test,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// To whom: a contact id.
    pub contact: String,
    /// What she did with the email.
    pub event: Event,
    /// What the email is called.
    pub email: Option<String>,
    /// The link that she clicked, as the automation writes it.
    pub link: Option<String>,
}

/// What can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// An email was opened.
    Opened,
    /// A link was clicked.
    Clicked,
}

impl Event {
    fn from_word(word: &str) -> Option<Self> {
        let word: String = word.trim().to_lowercase().replace(['-', ' ', '.'], "_");
        match word.strip_prefix("email_").unwrap_or(&word) {
            "opened" | "open" => Some(Self::Opened),
            "clicked" | "click" | "link_clicked" | "link_click" => Some(Self::Clicked),
            _ => None,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "email_opened",
            Self::Clicked => "email_clicked",
        }
    }
}

/// Why a post can't be used, with the remedy. Never holds what the post holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unreadable {
    /// Longer than [`MAX_BODY`].
    #[error("the post is longer than 64 KiB")]
    TooLong,
    /// More pairs than anybody types.
    #[error("the post holds more than 64 pairs")]
    TooMany,
    /// Multipart without a boundary, or cut off.
    #[error("the multipart body can't be read")]
    NotMultipart,
    /// Not a JSON object.
    #[error("the body is not a JSON object")]
    NotJson,
    /// Nothing in it.
    #[error("the post holds no pairs: add contactId = ~Contact.Id~ and event = email_clicked")]
    Empty,
    /// No contact.
    #[error("the post names no contact: add the pair contactId = ~Contact.Id~")]
    NoContact,
    /// A contact that is no id.
    #[error("contactId is not a contact id: its value must be ~Contact.Id~")]
    NotAContact,
    /// Two of them.
    #[error("the post names two different contacts")]
    TwoContacts,
    /// No event.
    #[error("the post names no event: add the pair event = email_clicked")]
    NoEvent,
    /// An event that we don't know.
    #[error("the event is not known: write event = email_opened or event = email_clicked")]
    UnknownEvent,
}

/// Reads a post.
pub fn parse(content_type: Option<&str>, body: &[u8]) -> Result<PostContent, Unreadable> {
    let pairs = Pairs::read(content_type, body)?;
    if pairs.is_empty() {
        return Err(Unreadable::Empty);
    }
    let mut contacts = pairs.of(&["contactid", "contact0id"]);
    if contacts.is_empty() {
        contacts = pairs.of(&["id"]);
    }
    if contacts.iter().any(|value| has_merge_field(value)) {
        return Ok(PostContent::Test);
    }
    let (contact, others) = contacts.split_first().ok_or(Unreadable::NoContact)?;
    if others.iter().any(|other| other != contact) {
        return Err(Unreadable::TwoContacts);
    }
    let is_id = contact.len() <= MAX_ID && contact.bytes().all(|byte| byte.is_ascii_digit());
    if !is_id {
        return Err(Unreadable::NotAContact);
    }
    let word = pairs.first("event").ok_or(Unreadable::NoEvent)?;
    if has_merge_field(word) {
        return Ok(PostContent::Test);
    }
    Ok(PostContent::Event(Post {
        contact: (*contact).to_owned(),
        event: Event::from_word(word).ok_or(Unreadable::UnknownEvent)?,
        email: pairs.first("email").and_then(label),
        link: pairs.first("link").and_then(|link| label(cut(link))),
    }))
}

/// What makes a post the same as another: the secret that let it in, its pairs, and the minute. One
/// that can't be read is known by its bytes.
pub fn dedupe_key(
    secret_id: &str,
    content_type: Option<&str>,
    body: &[u8],
    now: Timestamp,
) -> String {
    let minute = now.as_second().div_euclid(60);
    let mut digest = Sha256::new();
    // Each part with its length: no two posts may run together into one.
    let mut add = |part: &[u8]| {
        digest.update(part.len().to_le_bytes());
        digest.update(part);
    };
    add(secret_id.as_bytes());
    add(&minute.to_le_bytes());
    match parse(content_type, body) {
        Ok(PostContent::Event(post)) => {
            add(post.contact.as_bytes());
            add(post.event.as_str().as_bytes());
            add(post.email.unwrap_or_default().as_bytes());
            add(post.link.unwrap_or_default().as_bytes());
        }
        Ok(PostContent::Test) | Err(_) => add(body),
    }
    hex::encode(digest.finalize())
}

/// The body with the query of the address, which may hold some or all of the pairs. Beside a body
/// that is no form the query is not looked at.
pub fn with_query(content_type: Option<&str>, query: Option<&str>, body: Bytes) -> Bytes {
    let Some(query) = query.filter(|query| !query.is_empty()) else {
        return body;
    };
    if body.is_empty() {
        return Bytes::copy_from_slice(query.as_bytes());
    }
    if !Pairs::is_form(content_type, &body) {
        return body;
    }
    let mut both = body.to_vec();
    both.push(b'&');
    both.extend_from_slice(query.as_bytes());
    both.into()
}

/// A word of the person who typed the pairs, fit to be shown to staff.
fn label(text: &str) -> Option<String> {
    if text.contains('@') || has_merge_field(text) {
        return None;
    }
    let odd = |c: char| c.is_control() || matches!(c, '<' | '>');
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || odd(c))
        .filter(|word| !word.is_empty())
        .collect();
    let label: String = words.join(" ").chars().take(MAX_LABEL).collect();
    (!label.is_empty()).then_some(label)
}

/// A link without what may name a person.
fn cut(link: &str) -> &str {
    link.split(['?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests;
